"""Optimisers by the names and with the settings of Keras; all of them are Optax's."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import optax

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice

_MAKE: dict[str, Callable[[float], optax.GradientTransformation]] = {
    "adam": lambda rate: optax.adam(rate, eps=1e-7),
    "adamw": lambda rate: optax.adamw(rate, eps=1e-7, weight_decay=4e-3),
    "adamax": lambda rate: optax.adamax(rate, eps=1e-7),
    "adagrad": lambda rate: optax.adagrad(rate, initial_accumulator_value=0.1, eps=1e-7),
    "rmsprop": lambda rate: optax.rmsprop(rate, decay=0.9, eps=1e-7),
    "sgd": lambda rate: optax.sgd(rate),
    "lion": lambda rate: optax.lion(rate, weight_decay=0.0),
}
_RATES = {"sgd": 0.01}


# One object a name, so that models of one shape share what is compiled.
@cache
def _made(name: str, rate: float) -> optax.GradientTransformation:
    return _MAKE[name](rate)


def make_optimizer(optimizer: Any, learning_rate: float | None) -> optax.GradientTransformation:
    """An optimiser by name, or one of Optax as it is.

    Raises:
        InputError: If the name is not known, the rate no positive number, or a rate is given with an
            optimiser that has one.
    """
    if isinstance(optimizer, optax.GradientTransformation):
        if learning_rate is not None:
            raise InputError(
                f"learning_rate={learning_rate!r} with an optimiser of Optax.",
                "The rate inside the optimiser.",
                "Write for example optax.adam(1e-3), without learning_rate.",
            )
        return optimizer
    name = check_choice("optimizer", optimizer, _MAKE)
    rate = _RATES.get(name, 1e-3) if learning_rate is None else learning_rate
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < float("inf"):
        raise InputError(f"learning_rate={rate!r}.", "A number above 0.", "Try 0.001.")
    return _made(name, float(rate))
