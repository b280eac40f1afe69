"""Bringing a program that was trained on standardised targets back to the targets' own units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from antiphon.language import Apply, Parameters, Term


def round_significant(array: np.ndarray, digits: int | None) -> np.ndarray:
    """Numbers rounded to significant digits, as float32.

    Example:
        >>> round_significant(np.array([1234.5, -0.25]), 2).tolist()
        [1200.0, -0.25]
    """
    return round_near(array, np.full(np.shape(array), np.inf), digits)


def round_near(array: np.ndarray, spread: np.ndarray, digits: int | None) -> np.ndarray:
    """Numbers rounded to significant digits; to more where else the error would be felt, as float32.

    Args:
        array: Numbers.
        spread: How far what they are added to moves: an error of two hundredths of it is not felt.
        digits: Or `None` to keep float32.

    Example:
        >>> round_near(np.array([101325.3, 2.125]), np.array([50.0, 50.0]), 3).tolist()
        [101325.0, 2.119999885559082]
    """
    array = np.asarray(array, np.float64)
    if digits is None:
        return array.astype(np.float32)
    step = 10.0 ** (np.floor(np.log10(np.where(array == 0, 1.0, np.abs(array)))) - digits + 1)
    felt = 0.04 * np.where(np.asarray(spread) > 0, spread, np.inf)
    with np.errstate(divide="ignore"):
        finer = 10.0 ** np.floor(np.log10(felt))
    step = np.where(step > felt, finer, step)
    return (np.round(array / step) * step).astype(np.float32)


def rescale(term: Term, location: np.ndarray, scale: np.ndarray, *, digits: int | None = None) -> Term:
    """A program whose value is `location + scale x` the given one's.

    Factors go down to the affine maps where the structure lets them (sums, branches, one factor of a
    product); elsewhere an affine map is put around.

    Args:
        term: A program of type `Real[k]`.
        location: `(k,)`.
        scale: `(k,)`.
        digits: Significant digits of what changes; constants get as many as the scale makes meaningful.
    """
    location, scale = np.asarray(location, np.float64), np.asarray(scale, np.float64)
    match term:
        case Apply(name="affine", parameters=Parameters() as arrays):
            return replace(
                term,
                parameters=Parameters(
                    weight=round_significant(arrays["weight"] * scale[:, None], digits),
                    bias=round_near(arrays["bias"] * scale + location, scale, digits),
                    centre=arrays["centre"],
                ),
            )
        case Apply(name="add", args=(left, right)):
            return replace(
                term,
                args=(
                    rescale(left, location, scale, digits=digits),
                    rescale(right, 0 * location, scale, digits=digits),
                ),
            )
        case Apply(name="if", args=(condition, yes, no)):
            return replace(
                term,
                args=(
                    condition,
                    rescale(yes, location, scale, digits=digits),
                    rescale(no, location, scale, digits=digits),
                ),
            )
        case Apply(name="mul", args=(left, right)) if not location.any():
            return replace(term, args=(rescale(left, location, scale, digits=digits), right))
    around = Parameters(
        weight=round_significant(np.diag(scale), digits),
        bias=round_near(location, scale, digits),
        centre=np.zeros(len(scale), np.float32),
    )
    return Apply("affine", (term,), (("group", "all"),), around)
