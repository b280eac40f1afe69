"""Fitting programs and networks by gradient: losses, training loops, one candidate or a batch at once."""

from antiphon.fitting._alternation import cases_of_choices, choice_paths, choice_turns
from antiphon.fitting._compiled import compiled_count, forget_compiled
from antiphon.fitting._constants import are_all_constants, constants_of, guesses, unwrapped
from antiphon.fitting._evaluator import Evaluator, Fit, Folds
from antiphon.fitting._least_squares import Formulas
from antiphon.fitting._leaves import condition_paths, leaf_keys, standardisation, text_of, to_own_units
from antiphon.fitting._loop import Batch
from antiphon.fitting._losses import (
    best_threshold,
    case_losses,
    decide,
    entropy,
    flat_scores,
    flat_truth,
    measure,
)
from antiphon.fitting._network import DivergedError, NetworkFit, fit_network, network_scores
from antiphon.fitting._neural import fill_hole, with_modules
from antiphon.fitting._problem import Problem, balanced_weights
from antiphon.fitting._rounding import LARGEST_DENOMINATOR, round_constants
from antiphon.fitting._screener import Screener
from antiphon.fitting._shared_weights import SharedEvaluator
from antiphon.fitting._skeleton import SlotValues, Split, split
from antiphon.fitting._supernet import superpose, with_picks, within
from antiphon.fitting._training import Schedule, batch_indices

__all__ = [
    "LARGEST_DENOMINATOR",
    "Batch",
    "DivergedError",
    "Evaluator",
    "Fit",
    "Folds",
    "Formulas",
    "NetworkFit",
    "Problem",
    "Schedule",
    "Screener",
    "SharedEvaluator",
    "SlotValues",
    "Split",
    "are_all_constants",
    "balanced_weights",
    "batch_indices",
    "best_threshold",
    "case_losses",
    "cases_of_choices",
    "choice_paths",
    "choice_turns",
    "compiled_count",
    "condition_paths",
    "constants_of",
    "decide",
    "entropy",
    "fill_hole",
    "fit_network",
    "flat_scores",
    "flat_truth",
    "forget_compiled",
    "guesses",
    "leaf_keys",
    "measure",
    "network_scores",
    "round_constants",
    "split",
    "standardisation",
    "superpose",
    "text_of",
    "to_own_units",
    "unwrapped",
    "with_modules",
    "with_picks",
    "within",
]
