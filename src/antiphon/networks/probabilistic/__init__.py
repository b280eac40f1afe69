"""Probabilistic sequence models: hidden Markov models, conditional random fields, CTC, bags of n-grams.

Models see one unbatched sequence, `frames (time, feature)` and `mask (time,)`, as all networks do. `fit_hmm`
and the functions for many cases (`log_likelihoods`, `state_posteriors`, `state_paths`) take padded arrays
`(case, time, feature)` and compute in 64 bits; the methods of a model use the precision of its arrays.
"""

from antiphon.networks.probabilistic._bank import HMMBank
from antiphon.networks.probabilistic._batch import log_likelihoods, state_paths, state_posteriors
from antiphon.networks.probabilistic._crf import CRF
from antiphon.networks.probabilistic._ctc import check_ctc, ctc_beam, ctc_greedy, ctc_loss
from antiphon.networks.probabilistic._em import HMMFit, em_step, fit_hmm
from antiphon.networks.probabilistic._emissions import Categorical, Gaussian
from antiphon.networks.probabilistic._error_rates import character_error_rate, edit_distance, word_error_rate
from antiphon.networks.probabilistic._gradient import GradientFit, fit_by_gradient
from antiphon.networks.probabilistic._hmm import HMM
from antiphon.networks.probabilistic._likelihoods import crf_loss, hmm_loss
from antiphon.networks.probabilistic._ngrams import BagOfWords, count_ngrams
from antiphon.networks.probabilistic._precision import in_double

__all__ = [
    "CRF",
    "HMM",
    "BagOfWords",
    "Categorical",
    "Gaussian",
    "GradientFit",
    "HMMBank",
    "HMMFit",
    "character_error_rate",
    "check_ctc",
    "count_ngrams",
    "crf_loss",
    "ctc_beam",
    "ctc_greedy",
    "ctc_loss",
    "edit_distance",
    "em_step",
    "fit_by_gradient",
    "fit_hmm",
    "hmm_loss",
    "in_double",
    "log_likelihoods",
    "state_paths",
    "state_posteriors",
    "word_error_rate",
]
