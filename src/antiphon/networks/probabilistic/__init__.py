"""Probabilistic sequence models: hidden Markov models, conditional random fields, CTC, n-grams."""

from antiphon.networks.probabilistic._batch import log_likelihoods, state_paths, state_posteriors
from antiphon.networks.probabilistic._em import HMMFit, em_step, fit_hmm
from antiphon.networks.probabilistic._emissions import Categorical, Gaussian
from antiphon.networks.probabilistic._hmm import HMM

__all__ = [
    "HMM",
    "Categorical",
    "Gaussian",
    "HMMFit",
    "em_step",
    "fit_hmm",
    "log_likelihoods",
    "state_paths",
    "state_posteriors",
]
