"""Convolutional networks, as rows of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from antiphon.networks._entry import Entry
from antiphon.networks.convolution._pooled import ConvolutionToVector
from antiphon.networks.convolution._spectrogram import SpectrogramToVector
from antiphon.networks.convolution._wavenet import ConvolutionToSequence


def _run(make: Callable[..., Any], features: int) -> Callable[[], Any]:
    def run() -> tuple[Callable[..., Any], tuple[Any, ...]]:
        network = make(key=jax.random.key(0))
        return (lambda frames, mask: network(frames, mask)), (jnp.ones((8, features)), jnp.ones(8, bool))

    return run


ENTRIES = (
    Entry(
        name="1-D CNN",
        kind="convolution",
        input="Seq[Real[n]]",
        output="Real[m]",
        reference="LeCun & Bengio, 1995, Convolutional networks for images, speech, and time series; with a "
        "read-out by global average: Wang, Yan & Oates, 2017, Time series classification from scratch",
        example="""\
import equinox as eqx, jax, jax.numpy as jnp
from antiphon.networks.convolution import ConvolutionToVector
network = ConvolutionToVector(12, 9, channels=8, key=jax.random.key(0))
frames, mask = jnp.ones((20, 12)), jnp.arange(20) < 15
result = eqx.filter_jit(network)(frames, mask)
""",
        run=_run(lambda key: ConvolutionToVector(2, 3, channels=4, key=key), 2),
        masked=True,
        hole="cnn",
    ),
    Entry(
        name="2-D CNN",
        kind="convolution",
        input="Seq[Real[n]]",
        output="Real[m]",
        reference="LeCun, Bottou, Bengio & Haffner, 1998, Gradient-based learning applied to document "
        "recognition; over time and frequency",
        example="""\
import equinox as eqx, jax, jax.numpy as jnp
from antiphon.networks.convolution import SpectrogramToVector
network = SpectrogramToVector(16, 3, channels=4, key=jax.random.key(0))
frames, mask = jnp.ones((20, 16)), jnp.arange(20) < 15
result = eqx.filter_jit(network)(frames, mask)
""",
        run=_run(lambda key: SpectrogramToVector(6, 3, channels=4, key=key), 6),
        masked=True,
        no_hole="the size of its read-out follows from how its features are pooled, which no word can say",
    ),
    Entry(
        name="WaveNet",
        kind="convolution",
        input="Seq[Real[n]]",
        output="Seq[Real[m]]",
        reference="van den Oord et al., 2016, WaveNet: a generative model for raw audio, equation 2 and "
        "figure 4 (dilated causal convolutions, gates, residual and skip outputs)",
        example="""\
import equinox as eqx, jax, jax.numpy as jnp
from antiphon.networks.convolution import ConvolutionToSequence
network = ConvolutionToSequence(2, 3, layers=4, key=jax.random.key(0))
answers = eqx.filter_jit(network)(jnp.ones((20, 2)), jnp.ones(20, bool))
state, answer = eqx.filter_jit(network.step)(network.initial_state(), jnp.ones(2), True)
result = answers, answer
""",
        run=_run(lambda key: ConvolutionToSequence(2, 3, channels=4, layers=2, key=key), 2),
        masked=True,
        hole="wavenet_frames",
    ),
)
