"""Comprehensions and generator expressions, and what is made of them: sums, any, all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from antiphon.graph.hybrid._branch import truth
from antiphon.graph.hybrid._control import and_, branch, decide, for_stmt, ignore, nothing, or_
from antiphon.graph.hybrid._rows import TracedRange, rows
from antiphon.graph.hybrid._signals import Reason, Unstructured, here
from antiphon.graph.hybrid._trace import tracing
from antiphon.graph.hybrid._values import is_array, traced


@dataclass
class Generator:
    """A generator expression that has not run yet."""

    over: Any
    element: Callable[..., Any]
    test: Callable[..., Any] | None
    unpack: bool

    def call(self, f: Callable[..., Any], item: Any) -> Any:
        """One of its expressions, for one item."""
        return f(*item) if self.unpack else f(item)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not hasattr(self, "_items"):
            self._items = self._run()
        return next(self._items)

    def _run(self) -> Iterator[Any]:
        for item in rows(self.over) or self.over:
            if self.test is None or decide(self.call(self.test, item), "if of a comprehension"):
                yield self.call(self.element, item)


def generator(over: Any, element: Callable[..., Any], test: Any, unpack: bool) -> Any:
    """A generator expression."""
    return Generator(over, element, test, unpack)


def comprehension(over: Any, element: Callable[..., Any], test: Any, unpack: bool) -> list[Any]:
    """A list comprehension."""
    made = Generator(over, element, test, unpack)
    trace = tracing()
    if trace is None or test is not None or isinstance(over, range):
        return list(made)
    found = rows(over)
    if found is None or found.length <= trace.options.unroll:
        return list(made)
    items: list[Any] = []

    def body(item: Any) -> None:
        items.append(made.call(element, item))

    trace.heap.add(items)
    for_stmt(found, None, body, nothing, ignore, (), {})
    return items


def _folds(values: Any) -> bool:
    return tracing() is not None and (
        isinstance(values, Generator)
        and (rows(values.over) is not None or isinstance(values.over, TracedRange))
    )


def _fold(values: Generator, start: Any, join: Callable[[Any, Any], Any]) -> Any:
    result = start

    def get() -> tuple:
        return (result,)

    def set_(state: tuple) -> None:
        nonlocal result
        (result,) = state

    def add(item: Any) -> None:
        nonlocal result
        result = join(result, values.call(values.element, item))

    def body(item: Any) -> None:
        if values.test is None:
            add(item)
        else:
            test = values.call(values.test, item)
            branch(test, lambda: add(item), lambda: None, get, set_, ("the result",), "comprehension")

    for_stmt(values.over, None, body, get, set_, ("the result",), {})
    return result


def total(values: Any, start: Any = 0) -> Any:
    """Python's `sum`."""
    if _folds(values):
        return _fold(values, start, lambda a, b: a + b)
    if tracing() is not None and is_array(values) and values.ndim > 0:
        return start + values.sum(axis=0) if values.dtype != bool else start + values.astype(int).sum(axis=0)
    return sum(values, start)


def disjunction(values: Any) -> Any:
    """Python's `any`."""
    if _folds(values):
        return _fold(values, False, lambda a, b: or_(lambda: a, lambda: _truth(b)))
    return _over(values, False, jnp.any)


def conjunction(values: Any) -> Any:
    """Python's `all`."""
    if _folds(values):
        return _fold(values, True, lambda a, b: and_(lambda: a, lambda: _truth(b)))
    return _over(values, True, jnp.all)


def _truth(value: Any) -> Any:
    return truth(value) if traced(value) else bool(value)


def _over(values: Any, empty: bool, join: Callable[..., Any]) -> Any:
    trace = tracing()
    if trace is None:
        return any(values) if not empty else all(values)
    if is_array(values):
        if values.ndim != 1:
            raise Unstructured(Reason(here(), join.__name__, "it is ambiguous over the rows of an array."))
        return join(values != 0) if traced(values) else (all if empty else any)(values)
    flags = []
    for value in values:
        if traced(value):
            flags.append(truth(value))
        elif bool(value) is not empty:
            if not flags:
                return not empty
            flags.append(jnp.asarray(not empty))
            break
    return join(jnp.stack(flags)) if flags else empty


__all__ = ["comprehension", "conjunction", "disjunction", "generator", "jax", "total"]
