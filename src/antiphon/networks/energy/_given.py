"""What arrays of an energy network must be, said before JAX says it less plainly."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from antiphon.errors import InputError


def as_numbers(name: str, value: Any, shape: tuple[int | str, ...]) -> Float[Array, "*shape"]:
    """The value as finite floats of a shape; a word stands for any size from 1 up, the same one each time.

    Args:
        name: What to call it in an error.
        value: An array or nested list.
        shape: Its sizes, for example `("pattern", "unit")`.
    """
    if not isinstance(value, jax.Array):
        try:
            value = np.asarray(value, np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{name}, which cannot be made an array of numbers.", "Numbers.", "Check it."
            ) from error
    sizes: dict[str, int] = {}
    fits = len(shape) == value.ndim and all(
        size == (sizes.setdefault(wanted, size) if isinstance(wanted, str) else wanted) and size > 0
        for wanted, size in zip(shape, value.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise InputError(
            f"{name} of shape {tuple(value.shape)}.", f"Shape ({wanted}).", f"Check the axes of {name}."
        )
    if not isinstance(value, Tracer) and not np.isfinite(np.asarray(value)).all():
        raise InputError(
            f"{name} with NaN or infinity in it.", "Finite numbers.", "Check where they come from."
        )
    return jnp.asarray(value, dtype=float)


def as_levels(name: str, value: Any, shape: tuple[int | str, ...], levels: tuple[int, ...]) -> Array:
    """The value as floats of a shape that are all one of a few levels, for example -1 and 1."""
    array = as_numbers(name, value, shape)
    if not isinstance(array, Tracer):
        found = np.setdiff1d(np.asarray(array), np.array(levels, float))
        if len(found):
            raise InputError(
                f"{name} with the entry {found[0]:g}.",
                f"Only {', '.join(map(str, levels))}.",
                "Turn the entries into these levels, for example with jnp.where(values > 0, 1, -1).",
            )
    return array


def check_symmetric(name: str, matrix: Array, why: str) -> None:
    """Refuse a matrix that is not its own transpose."""
    if isinstance(matrix, Tracer):
        return
    given = np.asarray(matrix)
    if not np.allclose(given, given.T, rtol=1e-5, atol=1e-6 * max(1.0, float(np.abs(given).max()))):
        raise InputError(
            f"{name} that is not symmetric.", f"{name} equal to its transpose: {why}.", f"Check {name}."
        )


def as_positive(name: str, value: Any) -> Float[Array, ""]:
    """The value as one positive float."""
    number = as_numbers(name, value, ())
    if not isinstance(number, Tracer) and not float(number) > 0:
        raise InputError(
            f"{name}={float(number):g}.", "A number above 0.", f"Give {name} as a positive number."
        )
    return number
