"""Generative networks, as rows of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from antiphon.networks._entry import Entry
from antiphon.networks.generative._adversarial import SequenceGAN
from antiphon.networks.generative._autoencoder import SequenceVAE
from antiphon.networks.generative._categorical import CategoricalRNN
from antiphon.networks.generative._gaussian import GaussianRNN
from antiphon.networks.generative._markov import MarkovChain
from antiphon.networks.generative._wavenet import CategoricalWaveNet

Run = tuple[Callable[..., Any], tuple[Any, ...]]
TIME = 6
NO_TYPE = "it is a distribution over sequences of symbols, for which the language has no type"


def _of_symbols() -> tuple[Any, ...]:
    return jnp.zeros(TIME, jnp.int32), jnp.ones(TIME, bool)


def _of_frames() -> tuple[Any, ...]:
    return jnp.ones((TIME, 2)), jnp.ones(TIME, bool)


def _markov() -> Run:
    chain = MarkovChain.fit([[0, 1, 2, 0]], order=2)
    return (lambda symbols, mask: chain.log_likelihood(symbols, mask)), _of_symbols()


def _categorical() -> Run:
    network = CategoricalRNN(3, hidden=4, key=jax.random.key(0))
    return (lambda symbols, mask: network.log_likelihood(symbols, mask)), _of_symbols()


def _wavenet() -> Run:
    network = CategoricalWaveNet(3, channels=4, skip_channels=4, layers=2, key=jax.random.key(0))
    return (lambda symbols, mask: network.log_likelihood(symbols, mask)), _of_symbols()


def _gaussian() -> Run:
    network = GaussianRNN(2, hidden=4, key=jax.random.key(0))
    return (lambda frames, mask: network(frames, mask)), _of_frames()


def _autoencoder() -> Run:
    network = SequenceVAE(2, 3, hidden=4, key=jax.random.key(0))
    return (lambda frames, mask: network(frames, mask)), _of_frames()


def _adversarial() -> Run:
    gan = SequenceGAN(2, 3, hidden=4, key=jax.random.key(0))
    return (lambda noise: gan.generator(noise)), (jnp.ones((TIME, 3)),)


ENTRIES = (
    Entry(
        name="Markov chain",
        kind="generative",
        input="Seq[symbol]",
        output="Real",
        reference="Shannon, 1948, A mathematical theory of communication, section 3; smoothed as by "
        "Lidstone, 1920",
        example="""\
import jax, jax.numpy as jnp
from antiphon.networks.generative import MarkovChain
chain = MarkovChain.fit([[0, 1, 2, 0, 1], [0, 1, 1]], order=2, smoothing=0.5)
likelihood = chain.log_likelihood(jnp.array([0, 1, 2]), jnp.ones(3, bool))
result = likelihood, chain.sample(10, temperature=0.8, key=jax.random.key(0))
""",
        run=_markov,
        no_hole=NO_TYPE,
    ),
    Entry(
        name="Autoregressive RNN over symbols",
        kind="generative",
        input="Seq[symbol]",
        output="Real",
        reference="Graves, 2013, Generating sequences with recurrent neural networks, section 2",
        example="""\
import jax, jax.numpy as jnp
from antiphon.networks.generative import CategoricalRNN, minimise
symbols, mask = jnp.tile(jnp.array([0, 1, 2, 1]), (8, 3)), jnp.ones((8, 12), bool)
network = CategoricalRNN(3, hidden=8, key=jax.random.key(0))
network, losses = minimise(network, CategoricalRNN.loss, symbols, mask, steps=100, key=jax.random.key(1))
result = losses, network.sample(10, temperature=0.8, key=jax.random.key(2))
""",
        run=_categorical,
        no_hole=NO_TYPE,
    ),
    Entry(
        name="WaveNet over symbols",
        kind="generative",
        input="Seq[symbol]",
        output="Real",
        reference="van den Oord et al., 2016, WaveNet: a generative model for raw audio",
        example="""\
import jax, jax.numpy as jnp
from antiphon.networks.generative import CategoricalWaveNet, minimise
symbols, mask = jnp.tile(jnp.array([0, 1, 2, 1]), (8, 3)), jnp.ones((8, 12), bool)
network = CategoricalWaveNet(3, channels=8, layers=3, key=jax.random.key(0))
network, losses = minimise(network, CategoricalWaveNet.loss, symbols, mask, steps=100, key=jax.random.key(1))
result = losses, network.sample(10, temperature=0.8, key=jax.random.key(2))
""",
        run=_wavenet,
        no_hole=NO_TYPE,
    ),
    Entry(
        name="Autoregressive RNN over frames",
        kind="generative",
        input="Seq[Real[n]]",
        output="Real",
        reference="Graves, 2013, Generating sequences with recurrent neural networks, section 4, with one "
        "component",
        example="""\
import jax, jax.numpy as jnp
from antiphon.networks.generative import GaussianRNN, minimise
frames = jnp.sin(jnp.arange(12.0)[None, :] + jnp.arange(8.0)[:, None])[:, :, None]
mask = jnp.ones((8, 12), bool)
network = GaussianRNN(1, hidden=8, key=jax.random.key(0))
network, losses = minimise(network, GaussianRNN.loss, frames, mask, steps=100, key=jax.random.key(1))
result = losses, network.sample(10, temperature=0.8, key=jax.random.key(2))
""",
        run=_gaussian,
        masked=True,
        no_hole="it is a distribution over sequences; what it gives at a frame is a mean and a deviation",
    ),
    Entry(
        name="Sequence VAE",
        kind="generative",
        input="Seq[Real[n]]",
        output="Seq[Real[n]]",
        reference="Kingma & Welling, 2014, Auto-encoding variational Bayes; Fabius & van Amersfoort, 2015, "
        "Variational recurrent auto-encoders",
        example="""\
import jax, jax.numpy as jnp
from antiphon.networks.generative import SequenceVAE, minimise
frames = jnp.sin(jnp.arange(12.0)[None, :] + jnp.arange(8.0)[:, None])[:, :, None]
mask = jnp.ones((8, 12), bool)
network = SequenceVAE(1, 2, hidden=8, key=jax.random.key(0))
network, losses = minimise(network, SequenceVAE.loss, frames, mask, steps=100, key=jax.random.key(1))
result = losses, network.sample(12, temperature=0.8, key=jax.random.key(2))
""",
        run=_autoencoder,
        masked=True,
        no_hole="it is fitted by a bound of the likelihood of its input, not by the loss of a program",
    ),
    Entry(
        name="Sequence GAN",
        kind="generative",
        input="Seq[noise]",
        output="Seq[Real[n]]",
        reference="Goodfellow et al., 2014, Generative adversarial nets; Esteban, Hyland & Rätsch, 2017, "
        "Real-valued (medical) time series generation with recurrent conditional GANs",
        example="""\
import jax, jax.numpy as jnp
from antiphon.networks.generative import SequenceGAN, fit_gan
frames = jnp.sin(jnp.arange(12.0)[None, :] + jnp.arange(8.0)[:, None])[:, :, None]
mask = jnp.ones((8, 12), bool)
gan = SequenceGAN(1, 2, hidden=8, key=jax.random.key(0))
gan, losses = fit_gan(gan, frames, mask, steps=100, key=jax.random.key(1))
result = losses, gan.sample(12, temperature=0.8, key=jax.random.key(2))
""",
        run=_adversarial,
        no_hole="it is fitted against a discriminator, not by the loss of a program",
    ),
)
