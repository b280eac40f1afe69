"""Sampling at a temperature."""

from __future__ import annotations

from typing import Any

import jax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from antiphon.errors import InputError


def check_temperature(value: Any) -> float:
    """The value as a float, if it is a number above 0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):
        raise InputError(
            f"temperature={value!r}.",
            "A number above 0.",
            "Use 1.0 for the model's own probabilities, and less for samples that vary less.",
        )
    return float(value)


def draw_symbol(
    log_probabilities: Float[Array, " symbol"], temperature: float, key: PRNGKeyArray
) -> Int[Array, ""]:
    """A symbol, with probabilities proportional to `p^(1 / temperature)`."""
    return jax.random.categorical(key, log_probabilities / temperature)
