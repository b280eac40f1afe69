"""What the linear constants of a formula multiply, and the linear systems that they solve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from antiphon.fitting._numbers import values_of
from antiphon.language import Language, Term

RANK_TOLERANCE = 1e-10


def design_of(
    term: Term,
    language: Language,
    linear: tuple[str, ...],
    known: Mapping[str, np.ndarray],
    curved: Mapping[str, Any],
    shape: tuple[int, ...],
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape column"]]:
    """A formula as `fixed + columns @ constants`.

    Args:
        term: Of a skeleton.
        language: Of the skeleton.
        linear: The paths of the constants in which it is linear.
        known: Values of its slots.
        curved: Values of its other constants.
        shape: Of the formula's values, cases last.
    """
    with np.errstate(all="ignore"):
        nothing = dict.fromkeys(linear, 0.0)
        fixed = np.broadcast_to(values_of(term, language, known, {**curved, **nothing}), shape)
        columns = [
            np.broadcast_to(values_of(term, language, known, {**curved, **nothing, p: 1.0}), shape) - fixed
            for p in linear
        ]
    return fixed, np.stack(columns, axis=-1) if columns else np.zeros((*shape, 0))


def solve(
    design: Float[np.ndarray, "*batch case column"],
    targets: Float[np.ndarray, "*#batch case"],
    weights: Float[np.ndarray, "*#batch case"],
) -> Float[np.ndarray, "*batch column"]:
    """Weighted linear least squares, of smallest norm where columns depend on one another.

    Columns are brought to one length first, so that units do not matter. A QR decomposition (Golub and
    Van Loan, Matrix Computations, section 5.3) keeps the accuracy that normal equations would square away.

    Args:
        design: What each constant multiplies.
        targets: What the sum should be.
        weights: At least 0.

    Example:
        >>> rows = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        >>> solve(rows, np.array([1.0, 3.0, 5.0]), np.ones(3)).round(9)
        array([1., 2.])
    """
    root = np.sqrt(weights)
    rows = design * root[..., None]
    length = np.sqrt((rows**2).sum(-2))
    length = np.where(length > 0, length, 1.0)
    q, r = np.linalg.qr(rows / length[..., None, :])
    right = (np.swapaxes(q, -1, -2) @ (targets * root)[..., None])[..., 0]
    return (np.linalg.pinv(r, rcond=RANK_TOLERANCE) @ right[..., None])[..., 0] / length
