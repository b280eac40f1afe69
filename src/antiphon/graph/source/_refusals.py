"""What an export that must refuse says of the equation in its way."""

from __future__ import annotations

import numpy as np

from antiphon.errors import ExportError
from antiphon.graph._graph import Equation, Value
from antiphon.graph.source._facts import kind_of


def described(equation: Equation) -> str:
    """An equation for an error message: its primitive and where it comes from."""
    source = equation.source
    place = f" ({source.file}, line {source.line})" if source else ""
    return f"{equation.primitive!r}{place}"


def number_kind(value: Value, what: str) -> str:
    """NumPy's letter for the kind of numbers in a value.

    Raises:
        ExportError: If it holds what sources do not compute with.
    """
    kind = kind_of(value.dtype)
    if kind not in ("b", "i", "u", "f") or (kind == "f" and np.dtype(value.dtype).itemsize < 4):
        raise ExportError(
            f"{what} has the type {value.dtype}.",
            "Booleans, whole numbers, float32 or float64.",
            "Compute with float32, and draw random numbers outside.",
        )
    return kind
