"""Answers of a hidden Markov model for whole data sets, in 64 bits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from antiphon.networks.probabilistic._em import check_symbols
from antiphon.networks.probabilistic._hmm import HMM
from antiphon.networks.probabilistic._precision import cast, double, read_cases

Values = Float[np.ndarray, "case time feature"]
Masks = Bool[np.ndarray, "case time"]


def log_likelihoods(hmm: HMM, values: Values, mask: Masks) -> Float[np.ndarray, " case"]:
    """Log density (or probability) of each case.

    Args:
        hmm: The model.
        values: Frames, padded.
        mask: Which frames are real.

    Raises:
        InputError: If shapes do not fit, a real frame is not finite, or is no symbol of the model.

    Example:
        >>> hmm = HMM(1, 2, emission="categorical", symbols=2, key=jax.random.key(0))
        >>> pairs = np.float32([[[0], [0]], [[0], [1]], [[1], [0]], [[1], [1]]])
        >>> float(np.exp(log_likelihoods(hmm, pairs, np.ones((4, 2), bool))).sum().round(12))
        1.0
    """
    return _each_case(_log_likelihood, hmm, values, mask)


def state_posteriors(hmm: HMM, values: Values, mask: Masks) -> Float[np.ndarray, "case time state"]:
    """Probability of each state at each frame, given the whole case; 0 at masked frames.

    Args:
        hmm: The model.
        values: Frames, padded.
        mask: Which frames are real.

    Raises:
        InputError: As `log_likelihoods`.
    """
    return _each_case(_posteriors, hmm, values, mask)


def state_paths(
    hmm: HMM, values: Values, mask: Masks
) -> tuple[Float[np.ndarray, " case"], Int[np.ndarray, "case time"]]:
    """The most probable states of each case (Viterbi), after the log density of the case together with them.

    Args:
        hmm: The model.
        values: Frames, padded.
        mask: Which frames are real.

    Returns:
        `(case,)` and `(case, time)`, with -1 at masked frames.

    Raises:
        InputError: As `log_likelihoods`.
    """
    return _each_case(_path, hmm, values, mask)


def _each_case(answer: Callable[..., Any], hmm: HMM, values: Any, mask: Any) -> Any:
    frames, there = read_cases(values, mask, hmm.in_size)
    check_symbols(hmm, frames[there])
    with double():
        return jax.device_get(_vmapped(answer, cast(hmm, jnp.float64), frames, there))


@partial(jax.jit, static_argnums=0)
def _vmapped(answer: Callable[..., Any], hmm: HMM, values: Array, mask: Array) -> Any:
    return jax.vmap(lambda frames, there: answer(hmm, frames, there))(values, mask)


def _log_likelihood(hmm: HMM, frames: Array, mask: Array) -> Array:
    return hmm.log_likelihood(frames, mask)


def _posteriors(hmm: HMM, frames: Array, mask: Array) -> Array:
    return hmm(frames, mask)


def _path(hmm: HMM, frames: Array, mask: Array) -> tuple[Array, Array]:
    return hmm.viterbi(frames, mask)
