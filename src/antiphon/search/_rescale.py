"""Bringing a program that was trained on standardised targets back to the targets' own units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from antiphon.language import Apply, Parameters, Term


def rescale(term: Term, location: np.ndarray, scale: np.ndarray) -> Term:
    """A program whose value is `location + scale x` the given one's.

    Factors go down to the affine maps where the structure lets them (sums, branches, one factor of a
    product); elsewhere an affine map is put around.

    Args:
        term: A program of type `Real[k]`.
        location: `(k,)`.
        scale: `(k,)`.
    """
    location, scale = np.asarray(location, np.float64), np.asarray(scale, np.float64)
    match term:
        case Apply(name="affine", parameters=Parameters() as arrays):
            return replace(
                term,
                parameters=Parameters(
                    weight=(arrays["weight"] * scale[:, None]).astype(np.float32),
                    bias=(arrays["bias"] * scale + location).astype(np.float32),
                    centre=arrays["centre"],
                ),
            )
        case Apply(name="add", args=(left, right)):
            return replace(term, args=(rescale(left, location, scale), rescale(right, 0 * location, scale)))
        case Apply(name="if", args=(condition, yes, no)):
            return replace(
                term, args=(condition, rescale(yes, location, scale), rescale(no, location, scale))
            )
        case Apply(name="mul", args=(left, right)) if not location.any():
            return replace(term, args=(rescale(left, location, scale), right))
    around = Parameters(
        weight=np.diag(scale).astype(np.float32),
        bias=location.astype(np.float32),
        centre=np.zeros(len(scale), np.float32),
    )
    return Apply("affine", (term,), (("group", "all"),), around)
