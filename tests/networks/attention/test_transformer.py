"""Attention and Transformers: padding, causality, configs. Values: the golden test against PyTorch."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks import from_arrays, to_arrays, with_scaling
from antiphon.networks.attention import (
    AdditiveAttention,
    MultiHeadAttention,
    TransformerEncoder,
    TransformerToSequence,
    TransformerToVector,
    sinusoidal_positions,
)

FRAMES = jnp.asarray(np.random.default_rng(0).normal(size=(9, 3)), jnp.float32)
REAL = jnp.array([False, True, True, False, True, True, True, False, False])
KINDS = (TransformerToVector, TransformerToSequence)
# What is compiled runs a few times: to optimise it takes longer.
quick = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
run = quick(lambda network, frames, mask, key=None: network(frames, mask, key=key))


@cache
def make(kind):
    settings = {"causal": True, "norm_first": False} if kind is TransformerToSequence else {}
    network = kind(3, 2, size=4, heads=2, hidden=8, layers=1, dropout=0.5, key=jax.random.key(0), **settings)
    return with_scaling(network, [1.0, 2.0, 3.0], [0.5, 1.0, 2.0])


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_no_answer_wherever_it_stands(kind):
    network = make(kind)
    real = np.nonzero(np.asarray(REAL))[0]
    found = run(network, jnp.where(REAL[:, None], FRAMES, jnp.nan), REAL)
    together = jnp.concatenate([FRAMES[real], jnp.full((9 - len(real), 3), jnp.nan)])
    expected = run(network, together, jnp.arange(9) < len(real))
    if kind is TransformerToSequence:
        np.testing.assert_array_equal(found[~np.asarray(REAL)], 0)
        found, expected = found[real], expected[: len(real)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_no_real_frame_gives_the_bias_or_zeros(kind):
    network = make(kind)
    found = run(network, jnp.full((9, 3), jnp.nan), jnp.zeros(9, bool))
    expected = network.linear.bias if kind is TransformerToVector else np.zeros((9, 2))
    np.testing.assert_array_equal(found, expected)


def test_a_causal_answer_sees_all_up_to_its_frame_and_none_after_it():
    network = make(TransformerToSequence)
    gradient = quick(jax.grad(lambda x, n: n(x, jnp.ones(9, bool))[5].sum()))(FRAMES, network)
    assert list(np.nonzero(np.abs(np.asarray(gradient)).sum(1))[0]) == list(range(6))


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_and_arrays_make_the_network_again(kind):
    network = make(kind)
    settings = dict(network.config)
    assert settings.pop("kind") == kind.__name__
    again = from_arrays(kind(**settings, key=jax.random.key(1)), to_arrays(network))
    assert again.config == network.config
    np.testing.assert_array_equal(run(again, FRAMES, REAL), run(network, FRAMES, REAL))


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_only_with_a_key(kind):
    network = make(kind)
    first, again, other = (run(network, FRAMES, REAL, jax.random.key(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_weights_of_attention_are_shares_of_what_may_be_read():
    attention = MultiHeadAttention(4, 2, key=jax.random.key(0))
    frames = jnp.concatenate([FRAMES, FRAMES[:, :1]], axis=1)
    weights = np.asarray(quick(lambda a, f: a.weights(f, REAL, f, REAL, causal=True))(attention, frames))
    assert weights.shape == (2, 9, 9)
    rows = weights[:, np.asarray(REAL)]
    np.testing.assert_allclose(rows.sum(-1), 1, atol=1e-6)
    allowed = np.tril(np.broadcast_to(np.asarray(REAL), (9, 9)))[np.asarray(REAL)]
    assert ((rows > 0) == allowed[None]).all()


def test_positions_turn_at_the_rates_of_the_paper():
    found = np.asarray(sinusoidal_positions(jnp.arange(50), 6))
    place, i = np.arange(50)[:, None], np.arange(3)[None, :]
    np.testing.assert_allclose(found[:, 0::2], np.sin(place / 10_000 ** (2 * i / 6)), atol=1e-5)
    np.testing.assert_allclose(found[:, 1::2], np.cos(place / 10_000 ** (2 * i / 6)), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"heads": 3}, "heads=3 for a size of 4. Expected: heads that divide the size."),
        ({"heads": 0}, "heads=0"),
        ({"hidden": 0}, "hidden=0"),
        ({"layers": -1}, "layers=-1"),
        ({"norm_first": "yes"}, "norm_first='yes'"),
        ({"causal": 1}, "causal=1"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"in_size": 0}, "in_size=0"),
    ],
)
def test_wrong_settings(settings, part):
    with pytest.raises(InputError) as caught:
        TransformerEncoder(**{"in_size": 3, "size": 4, "heads": 2, "key": None, **settings})
    assert part in str(caught.value)


def test_wrong_settings_of_parts():
    with pytest.raises(InputError, match="memory_size=0"):
        AdditiveAttention(2, 0, 3, key=None)
    with pytest.raises(InputError, match="out_size=0"):
        TransformerToVector(3, 0, key=None)
    with pytest.raises(InputError, match="size=0"):
        sinusoidal_positions(jnp.arange(3), 0)


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_frames_or_mask(kind):
    with pytest.raises(InputError, match=r"Frames of shape \(9, 1\)"):
        make(kind)(FRAMES[:, :1], REAL)
    with pytest.raises(InputError, match=r"A mask of shape \(5,\)"):
        make(kind)(FRAMES, REAL[:5])
