"""Convolutional networks: padding, streaming, what an answer sees, configs. Values: the golden test."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks import from_arrays, to_arrays, with_scaling
from antiphon.networks.convolution import (
    ConvolutionToSequence,
    ConvolutionToVector,
    DilatedConvolution,
    SpectrogramToVector,
    WaveNetBlock,
)

KEY = jax.random.key(0)
FRAMES = jnp.asarray(np.random.default_rng(0).normal(size=(12, 3)), jnp.float32)
TO_VECTOR = (ConvolutionToVector, SpectrogramToVector)
KINDS = (*TO_VECTOR, ConvolutionToSequence)
# What is compiled runs a few times: to optimise it takes longer.
quick = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
run = quick(lambda network, *inputs: network(*inputs))
run_with_key = quick(lambda network, frames, mask, key: network(frames, mask, key=key))


@cache
def make(kind, **settings):
    return kind(3, 2, **{"channels": 4, "key": KEY, **settings})


SMALL = {"layers": 1, "dropout": 0.5, "kernel_size": 3}
WAVENET = make(ConvolutionToSequence, layers=3)
CENTRED = make(ConvolutionToSequence, layers=3, causal=False, kernel_size=3)


@pytest.mark.parametrize("network", [WAVENET, CENTRED], ids=["causal", "centred"])
def test_padding_in_front_changes_no_answer(network):
    network = with_scaling(network, [1.0, 2.0, 3.0], [0.5, 1.0, 2.0])
    mask = jnp.ones(12, bool).at[:4].set(False)
    found = run(network, FRAMES.at[:4].set(jnp.nan), mask)
    np.testing.assert_array_equal(found[:4], 0)
    moved = run(network, jnp.concatenate([FRAMES[4:], FRAMES[:4]]), jnp.arange(12) < 8)
    np.testing.assert_allclose(found[4:], moved[:8], atol=1e-6)


@pytest.mark.parametrize("kind", TO_VECTOR)
@pytest.mark.parametrize("real", [1, 5])
def test_sequences_of_any_length_have_an_answer(kind, real):
    """One frame, or windows that are cut short: the answer is that of the frames alone."""
    network = make(kind, pool_size=3)
    padded = run(network, FRAMES.at[real:].set(jnp.nan), jnp.arange(12) < real)
    alone = run(network, FRAMES[:real], jnp.ones(real, bool))
    np.testing.assert_allclose(padded, alone, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_no_real_frame_gives_the_bias_or_zeros(kind):
    network = make(kind, **SMALL)
    found = run(network, jnp.full((12, 3), jnp.nan), jnp.zeros(12, bool))
    expected = np.zeros((12, 2)) if kind is ConvolutionToSequence else network.linear.bias
    np.testing.assert_array_equal(found, expected)


def test_steps_of_a_stream_give_what_the_whole_sequence_gives():
    """Masked frames within and in front included."""
    network = with_scaling(WAVENET, [1.0, 2.0, 3.0], [0.5, 1.0, 2.0])
    mask = jnp.ones(12, bool).at[jnp.array([0, 5, 6])].set(False)
    frames = jnp.where(mask[:, None], FRAMES, jnp.nan)

    def stream(network, frames, mask):
        return jax.lax.scan(
            lambda state, now: network.step(state, *now), network.initial_state(), (frames, mask)
        )

    state, answers = quick(stream)(network, frames, mask)
    np.testing.assert_allclose(answers, run(network, frames, mask), atol=1e-6)
    assert [leaf.shape for leaf in state] == [leaf.shape for leaf in network.initial_state()]


@pytest.mark.parametrize("network", [WAVENET, CENTRED], ids=["causal", "centred"])
def test_an_answer_depends_on_its_receptive_field_and_on_all_of_it(network):
    time = 40
    frames = jnp.asarray(np.random.default_rng(1).normal(size=(time, 3)), jnp.float32)
    at = 20
    gradient = quick(jax.grad(lambda x, n: n(x, jnp.ones(time, bool))[at].sum()))(frames, network)
    seen = np.nonzero(np.abs(np.asarray(gradient)).sum(1))[0]
    width = network.receptive_field
    first = at - width + 1 if network.causal else at - width // 2
    assert list(seen) == list(range(first, first + width))


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_and_arrays_make_the_network_again(kind):
    network = make(kind, **SMALL)
    settings = dict(network.config)
    assert settings.pop("kind") == kind.__name__
    again = from_arrays(kind(**settings, key=jax.random.key(1)), to_arrays(network))
    assert again.config == network.config
    mask = jnp.ones(12, bool)
    np.testing.assert_array_equal(run(again, FRAMES, mask), run(network, FRAMES, mask))


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_only_with_a_key(kind):
    network = make(kind, **SMALL)
    plain = run(network, FRAMES, jnp.ones(12, bool))
    first, again, other = (
        run_with_key(network, FRAMES, jnp.ones(12, bool), jax.random.key(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    assert not np.allclose(first, plain)


def test_the_largest_entry_can_be_read_out():
    network = make(ConvolutionToVector, read_out="max", **SMALL)
    mask = jnp.arange(12) < 7
    inner = np.maximum(run(network.convolutions[0], FRAMES, mask), 0)[:7].max(0)
    expected = network.linear.weight @ inner + network.linear.bias
    np.testing.assert_allclose(run(network, FRAMES, mask), expected, atol=1e-5)


def test_weights_start_glorot_uniform_and_biases_at_zero():
    kernel = DilatedConvolution(30, 50, kernel_size=5, key=KEY).convolution.kernel
    limit = np.sqrt(6 / (5 * 80))
    assert 0.98 * limit < np.abs(kernel).max() <= limit
    assert abs(kernel.mean()) < 0.05 * limit
    network = WAVENET
    assert all((array == 0).all() for name, array in to_arrays(network).items() if name.endswith("bias"))
    one, other, _ = (block.gated.convolution.kernel for block in network.blocks)
    assert not np.allclose(one, other)


@pytest.mark.parametrize(
    ("kind", "settings", "part"),
    [
        (ConvolutionToVector, {"channels": 0}, "channels=0"),
        (ConvolutionToVector, {"pool_size": 1.5}, "pool_size=1.5"),
        (ConvolutionToVector, {"read_out": "last"}, "read_out='last'. Expected: one of average, max."),
        (ConvolutionToVector, {"layers": 0}, "layers=0"),
        (SpectrogramToVector, {"kernel_size": -3}, "kernel_size=-3"),
        (SpectrogramToVector, {"dropout": 1.0}, "dropout=1.0"),
        (ConvolutionToSequence, {"stacks": True}, "stacks=True"),
        (ConvolutionToSequence, {"skip_channels": 0}, "skip_channels=0"),
        (ConvolutionToSequence, {"causal": 1}, "causal=1"),
    ],
)
def test_wrong_settings(kind, settings, part):
    with pytest.raises(InputError) as caught:
        make(kind, **settings)
    assert part in str(caught.value)


def test_wrong_settings_of_parts():
    with pytest.raises(InputError, match="dilation=0"):
        DilatedConvolution(2, 3, dilation=0, key=KEY)
    with pytest.raises(InputError, match="channels=0"):
        WaveNetBlock(0, 3, key=KEY)


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_frames_or_mask(kind):
    network = make(kind, **SMALL)
    with pytest.raises(InputError, match=r"Frames of shape \(12, 1\)"):
        network(FRAMES[:, :1], jnp.ones(12, bool))
    with pytest.raises(InputError, match=r"A mask of shape \(5,\)"):
        network(FRAMES, jnp.ones(5, bool))


def test_no_step_for_one_that_looks_ahead():
    with pytest.raises(InputError, match="causal=True"):
        CENTRED.step(CENTRED.initial_state(), FRAMES[0])
