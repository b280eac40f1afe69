"""What a case is, and how its calls are made and what of them is seen."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import enum
import inspect
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LEAKED = "a tracer that outlived its trace"
WARM = 3  # times that the first call is made before the others, so that there is something to speculate on


@dataclass(frozen=True)
class Case:
    """One imperative function.

    Args:
        name: Of the function that makes it.
        group: One of the three groups.
        make: `make(xp)` gives a fresh function, or `(function, state)`: what it changes or reads.
        calls: Tuples of arguments; a callable among them is applied to the state between two calls.
        grad: Positions of the arguments to differentiate the sum of the results by.
        jax_only: Its text is no PyTorch.
    """

    name: str
    group: str
    make: Callable[[Any], Any]
    calls: tuple[Any, ...]
    grad: tuple[int, ...] = ()
    jax_only: bool = False

    def fresh(self, xp: Any) -> tuple[Callable, Any]:
        """The function and its state, new."""
        made = self.make(xp)
        return made if isinstance(made, tuple) else (made, None)

    def sequence(self) -> list[Any]:
        """All calls of a run: the first some times over, then all of them twice."""
        first = next(c for c in self.calls if isinstance(c, tuple))
        return [first] * WARM + [*self.calls, *self.calls]


CASES: list[Case] = []


def registers(group: str) -> Callable:
    """A decorator maker for one group: `@case(calls=...)` over a function that makes the function."""

    def case(*, calls: Sequence[Any], grad: tuple[int, ...] = (), jax_only: bool = False) -> Callable:
        def register(make: Callable) -> Callable:
            CASES.append(Case(make.__name__, group, make, tuple(calls), grad, jax_only))
            return make

        return register

    return case


@dataclass(frozen=True)
class Changed:
    """What one call did, as a caller can see it."""

    value: Any
    error: str
    printed: str
    state: Any


def arrays_of(tree: Any, convert: Callable[[np.ndarray], Any]) -> Any:
    """Arguments with each NumPy array replaced; all containers new."""
    if isinstance(tree, np.ndarray):
        return convert(tree)
    if isinstance(tree, list | tuple) and not hasattr(tree, "_fields"):
        return type(tree)(arrays_of(v, convert) for v in tree)
    if isinstance(tree, tuple):
        return type(tree)(*(arrays_of(v, convert) for v in tree))
    if isinstance(tree, dict):
        return {k: arrays_of(v, convert) for k, v in tree.items()}
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        new = copy.copy(tree)
        for name, value in vars(tree).items():
            object.__setattr__(new, name, arrays_of(value, convert))
        return new
    return tree


def plain(thing: Any) -> Any:
    """State or a result as nested lists, dicts, NumPy arrays and numbers, to be compared."""
    if thing is None or isinstance(thing, bool | int | float | str | bytes):
        return thing
    if isinstance(thing, type | enum.Enum) or inspect.isroutine(thing):
        return str(thing)
    if isinstance(thing, np.ndarray):
        return thing.copy()
    if isinstance(thing, Mapping):
        return {str(k): plain(v) for k, v in thing.items()}
    if isinstance(thing, set | frozenset):
        return sorted(plain(v) for v in thing)
    if isinstance(thing, Sequence):
        return [plain(v) for v in thing]
    if isinstance(thing, io.StringIO):
        return thing.getvalue()
    if hasattr(thing, "numpy"):
        return thing.detach().numpy().copy()
    if hasattr(thing, "shape"):
        try:
            return np.asarray(thing)
        except TypeError:
            return LEAKED
    if hasattr(thing, "__iter__") and not hasattr(thing, "__dict__"):
        return [plain(v) for v in thing]
    if hasattr(thing, "__dict__"):
        return {k: plain(v) for k, v in vars(thing).items()}
    return repr(thing)


def run_calls(function: Callable, state: Any, sequence: Sequence[Any], convert: Callable) -> list[Changed]:
    """Make all calls, and note what each gave, printed and left behind."""
    seen = []
    for call in sequence:
        if not isinstance(call, tuple):
            call(state)
            continue
        arguments = arrays_of(call, convert)
        error, value, printed = "", None, io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                value = plain(function(*arguments))
            except Exception as e:
                error = type(e).__name__ + ": " + str(e)
        seen.append(Changed(value, error, printed.getvalue(), [plain(state), plain_arguments(arguments)]))
    return seen


def plain_arguments(arguments: tuple) -> list[Any]:
    """The containers among the arguments, which a call may have changed."""
    return [plain(a) for a in arguments if isinstance(a, list | dict | set | np.ndarray)]
