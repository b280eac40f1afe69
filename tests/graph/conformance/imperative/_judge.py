"""Whether a run did what plain Python does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from imperative._case import Case, Changed, run_calls


def differs(got: Any, expected: Any) -> str:
    """Where two results or states differ; "" if they do not.

    A Python number may come back as an array of shape () of the same kind; all else must be equal: structure,
    shapes, dtypes, values to 1e-5 relative and 1e-6 absolute.
    """
    if isinstance(expected, dict):
        if not isinstance(got, dict) or list(got) != list(expected):
            return f"{got} in place of {expected}"
        return next(filter(None, (differs(got[k], expected[k]) for k in expected)), "")
    if isinstance(expected, list):
        if not isinstance(got, list) or len(got) != len(expected):
            return f"{got} in place of {expected}"
        return next(filter(None, map(differs, got, expected)), "")
    if isinstance(expected, np.ndarray | np.generic | bool | int | float):
        if not isinstance(got, np.ndarray | np.generic | bool | int | float):
            return f"{got!r} in place of {expected!r}"
        a, b = np.asarray(got), np.asarray(expected)
        if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
            return f"{a.dtype}{a.shape} in place of {b.dtype}{b.shape}"
        if isinstance(expected, np.ndarray) and isinstance(got, np.ndarray) and a.dtype != b.dtype:
            return f"{a.dtype} in place of {b.dtype}"
        close = np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)
        return "" if close else f"{got} in place of {expected}"
    return "" if type(got) is type(expected) and got == expected else f"{got!r} in place of {expected!r}"


def compare(got: list[Changed], expected: list[Changed]) -> str:
    """The first difference between two runs; "" if there is none."""
    for i, (a, b) in enumerate(zip(got, expected, strict=True)):
        for what in ("error", "value", "printed", "state"):
            found = differs(getattr(a, what), getattr(b, what))
            if found:
                return f"call {i}, {what}: {found}"
    return ""


def run(case: Case, xp: Any, wrap: Callable, convert: Callable) -> tuple[Any, list[Changed]]:
    """All calls of a case through a wrapper; the wrapped function, and what was seen."""
    function, state = case.fresh(xp)
    wrapped = wrap(function)
    return wrapped, run_calls(wrapped, state, case.sequence(), convert)
