"""Convolutions and attention, on padded input, against PyTorch (`make_torch_sequence_golden.py`)."""

from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.networks import from_arrays, to_arrays
from antiphon.networks.attention import (
    AdditiveAttention,
    MultiHeadAttention,
    TransformerEncoderLayer,
    TransformerToVector,
)
from antiphon.networks.convolution import (
    ConvolutionToSequence,
    ConvolutionToVector,
    DilatedConvolution,
    SpectrogramToVector,
)

GOLDEN = dict(np.load(Path(__file__).with_name("torch_sequence_golden.npz")))
PADDED = 3


def self_attention(network, frames, mask, *, causal=False):
    return network(frames, mask, frames, mask, causal=causal)


def cross_attention(network, queries, query_mask, memory, mask):
    return network(queries, query_mask, memory, mask & (jnp.arange(len(mask)) < 6))


def additive(network, memory, mask, query, _):
    context, weights = network(query, memory, mask)
    return jnp.concatenate([context, weights])


def plain(network, frames, mask):
    return network(frames, mask)


def causal_layer(network, frames, mask):
    return network(frames, mask, causal=True)


CASES = {
    "dilated": (partial(DilatedConvolution, 3, 4, kernel_size=3, dilation=3), plain),
    "centred": (partial(DilatedConvolution, 3, 4, kernel_size=3, dilation=2, causal=False), plain),
    "pooled": (partial(ConvolutionToVector, 3, 4, channels=5, kernel_size=3), plain),
    "spectrogram": (partial(SpectrogramToVector, 7, 3, channels=4), plain),
    "wavenet": (partial(ConvolutionToSequence, 3, 2, channels=4, skip_channels=5, layers=3), plain),
    "attention": (partial(MultiHeadAttention, 8, 2), self_attention),
    "causal": (partial(MultiHeadAttention, 8, 2), partial(self_attention, causal=True)),
    "cross": (partial(MultiHeadAttention, 8, 2), cross_attention),
    "post": (partial(TransformerEncoderLayer, 8, 2, 16, norm_first=False), plain),
    "pre": (partial(TransformerEncoderLayer, 8, 2, 16), causal_layer),
    "transformer": (partial(TransformerToVector, 3, 4, size=8, heads=2, hidden=16), plain),
    "additive": (partial(AdditiveAttention, 5, 3, 6), additive),
}


def with_weights(make, name):
    """Ours, with PyTorch's weights."""
    network = eqx.filter_eval_shape(lambda: make(key=jax.random.key(0)))  # no weights of its own
    network = jax.tree.map(lambda leaf: np.ones(leaf.shape, np.float32), network)
    arrays = {
        # The input scaling is ours alone: by 1, without a shift.
        key: GOLDEN.get(f"{name}/p/{key}", 0 * array if key.endswith("shift") else array)
        for key, array in to_arrays(network).items()
    }
    assert sum(f"{name}/p/{key}" in GOLDEN for key in arrays) == len(
        [key for key in GOLDEN if key.startswith(f"{name}/p/")]
    )
    return from_arrays(network, arrays)


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_pytorch_whatever_is_padded(name):
    make, call = CASES[name]
    network = with_weights(make, name)
    inputs, expected = [], []
    while f"{name}/in/{len(inputs) // 2}" in GOLDEN:
        index = len(inputs) // 2
        given, gradient = GOLDEN[f"{name}/in/{index}"], GOLDEN[f"{name}/din/{index}"]
        if given.ndim == 1:  # a query
            inputs += [jnp.asarray(given), None]
        else:
            ends = ((0, PADDED), (0, 0))
            inputs += [
                jnp.asarray(np.pad(given, ends, constant_values=np.nan)),
                jnp.arange(len(given) + PADDED) < len(given),
            ]
            gradient = np.pad(gradient, ends)
        expected.append(gradient)
    out, weights = GOLDEN[f"{name}/out"], GOLDEN[f"{name}/weights"]

    def loss(network, *arrays):
        answer = call(network, *[a for pair in zip(arrays, inputs[1::2], strict=True) for a in pair])
        real = answer
        if name == "additive":
            real = jnp.concatenate([answer[:3], answer[3:-PADDED]])
        elif answer.ndim == 2:
            real = answer[: len(out)]
        return (real * weights).sum(), (real, answer)

    arguments = tuple(range(1 + len(expected)))
    # What is compiled runs once: to optimise it takes longer than to run it.
    quick = {"xla_backend_optimization_level": 0}
    run = jax.jit(jax.value_and_grad(loss, argnums=arguments, has_aux=True), compiler_options=quick)
    (_, (found, whole)), (of_network, *of_inputs) = run(network, *inputs[::2])
    np.testing.assert_allclose(found, out, atol=1e-5, rtol=1e-5)
    if name not in ("dilated", "centred") and whole.ndim == 2:
        assert (np.asarray(whole)[len(out) :] == 0).all()
    for got, wanted in zip(of_inputs, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5, rtol=1e-5)
    gradients = to_arrays(of_network)
    for key in [key for key in GOLDEN if key.startswith(f"{name}/dp/")]:
        got = gradients[key.removeprefix(f"{name}/dp/")]
        np.testing.assert_allclose(got, GOLDEN[key], atol=1e-5, rtol=1e-5, err_msg=key)
