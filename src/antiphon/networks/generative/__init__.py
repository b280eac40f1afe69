"""Generative networks for sequences: Markov chains, autoregressive networks, GAN, variational autoencoder.

Each samples with a `key` and at a temperature, and, but for the GAN, tells the log-likelihood of a sequence
or a bound of it. Padding changes no result.
"""

from antiphon.networks.generative._adversarial import (
    GANLosses,
    GANState,
    SequenceGAN,
    fit_gan,
    gan_step,
    start_gan,
)
from antiphon.networks.generative._autoencoder import SequenceVAE
from antiphon.networks.generative._categorical import CategoricalRNN
from antiphon.networks.generative._gaussian import GaussianRNN
from antiphon.networks.generative._markov import MarkovChain
from antiphon.networks.generative._minimise import minimise
from antiphon.networks.generative._ngram import NGram
from antiphon.networks.generative._wavenet import CategoricalWaveNet

__all__ = [
    "CategoricalRNN",
    "CategoricalWaveNet",
    "GANLosses",
    "GANState",
    "GaussianRNN",
    "MarkovChain",
    "NGram",
    "SequenceGAN",
    "SequenceVAE",
    "fit_gan",
    "gan_step",
    "minimise",
    "start_gan",
]
