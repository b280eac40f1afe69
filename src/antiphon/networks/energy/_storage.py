"""Rules that store patterns in the weights of a Hopfield network.

All of them are computed once, in double precision and on the host: nothing differentiates through storage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg
from jaxtyping import Float

from antiphon.networks.energy._given import as_levels

Weights = Float[np.ndarray, "unit unit"]


def hebbian(patterns: Any) -> Weights:
    """Hebb's rule: the correlations of the patterns, `W = sum of p p^T / unit`, without self-coupling.

    Holds about 0.138 patterns a unit, with a few wrong bits (Amit, Gutfreund & Sompolinsky, 1985).

    Args:
        patterns: `(pattern, unit)`, entries -1, 0 or 1.

    Returns:
        Symmetric weights `(unit, unit)`, diagonal 0.

    Raises:
        InputError: If a pattern has other entries.

    Reference:
        Hopfield (1982), Proceedings of the National Academy of Sciences 79, equation 2.

    Example:
        >>> hebbian([[1, -1], [1, 1]]).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    given = _patterns(patterns)
    return _without_diagonal(given.T @ given / given.shape[1])


def pseudo_inverse(patterns: Any) -> Weights:
    """The projection on the span of the patterns, without self-coupling.

    Each pattern is an exact fixed point as long as the patterns are fewer than the units and linearly
    independent, whatever their correlations.

    Args:
        patterns: `(pattern, unit)`, entries -1 or 1.

    Returns:
        Symmetric weights `(unit, unit)`, diagonal 0.

    Raises:
        InputError: If a pattern has other entries.

    Reference:
        Personnaz, Guyon & Dreyfus (1985), Journal de Physique Lettres 46; Kanter & Sompolinsky (1987).

    Example:
        >>> weights = pseudo_inverse([[1, 1, 1, -1], [1, 1, -1, 1]])
        >>> np.sign(weights @ [1, 1, -1, 1]).tolist()
        [1.0, 1.0, -1.0, 1.0]
    """
    given = _patterns(patterns)
    basis = scipy.linalg.orth(given.T)
    return _without_diagonal(basis @ basis.T)


def storkey(patterns: Any) -> Weights:
    """Storkey's rule: local and incremental like Hebb's, with more capacity.

    Args:
        patterns: `(pattern, unit)`, entries -1 or 1, stored one after the other.

    Returns:
        Symmetric weights `(unit, unit)`, diagonal 0.

    Raises:
        InputError: If a pattern has other entries.

    Reference:
        Storkey (1997), Increasing the capacity of a Hopfield network without sacrificing functionality,
        ICANN, equation 1.

    Example:
        >>> storkey([[1, -1, 1]]).round(3).tolist()
        [[0.0, -0.333, 0.333], [-0.333, 0.0, -0.333], [0.333, -0.333, 0.0]]
    """
    given = _patterns(patterns)
    units = given.shape[1]
    weights = np.zeros((units, units))
    for pattern in given:
        # The field at i without what i itself and j say: h_ij of the paper.
        field = (weights @ pattern - np.diag(weights) * pattern)[:, None] - weights * pattern[None, :]
        np.fill_diagonal(field, 0.0)
        crosstalk = field * pattern[None, :]
        weights += (np.outer(pattern, pattern) - crosstalk.T - crosstalk) / units
        np.fill_diagonal(weights, 0.0)
    return weights


RULES: dict[str, Callable[[Any], Weights]] = {
    "hebbian": hebbian,
    "pseudo-inverse": pseudo_inverse,
    "storkey": storkey,
}


def _patterns(patterns: Any) -> Float[np.ndarray, "pattern unit"]:
    as_levels("patterns", patterns, ("pattern", "unit"), (-1, 0, 1))
    return np.asarray(patterns, np.float64)


def _without_diagonal(weights: Weights) -> Weights:
    np.fill_diagonal(weights, 0.0)
    return weights
