"""What a loop can run over inside a graph: arrays, ranges, and enumerations and zips of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from antiphon.graph.hybrid._padding import Padded
from antiphon.graph.hybrid._values import is_array, traced


@dataclass(frozen=True)
class Rows:
    """As many items as its arrays have rows.

    Args:
        arrays: A tree of arrays whose first axis is the loop's.
        length: Number of rows.
        make: The item, from the arrays' rows and its number.
        count: How many of the rows are looped over, if that is known only when the graph runs.
    """

    arrays: Any
    length: int
    make: Callable[[Any, Any], Any]
    count: Any = None

    def __iter__(self) -> Iterator[Any]:
        if self.count is not None:
            raise TypeError("how many rounds there are is known only when the graph runs")
        for k in range(self.length):
            yield self.make(jax.tree.map(lambda a: a[k], self.arrays), k)  # noqa: B023  (used at once)

    def __len__(self) -> int:
        return self.length


@dataclass(frozen=True)
class TracedRange:
    """A range whose ends are known only when the graph runs."""

    start: Any
    stop: Any
    step: Any

    @property
    def rounds(self) -> Any:
        """How many numbers there are."""
        span = self.stop - self.start
        away = -(-span // self.step)
        return jnp.maximum(away, 0)

    def at(self, k: Any) -> Any:
        """The number of one round."""
        return self.start + k * self.step


def rows(value: Any) -> Rows | None:
    """What to loop over as rows of arrays; None for anything that Python must iterate."""
    if isinstance(value, Rows):
        return value
    if is_array(value) and value.ndim > 0:
        return Rows(value, value.shape[0], lambda row, k: row)
    if isinstance(value, Padded) and value.axis == 0:
        return Rows(value.array, value.array.shape[0], lambda row, k: row, value.length)
    if isinstance(value, range):
        return Rows((), len(value), lambda row, k: value.start + k * value.step)
    return None


def enumerated(value: Any, start: Any = 0) -> Any:
    """Python's `enumerate`."""
    inner = rows(value)
    if inner is None or isinstance(value, range):
        return enumerate(value, start)
    return Rows(inner.arrays, inner.length, lambda row, k: (start + k, inner.make(row, k)), inner.count)


def zipped(*values: Any, strict: bool = False) -> Any:
    """Python's `zip`."""
    inner = [rows(v) for v in values]
    if (
        not values
        or any(r is None for r in inner)
        or all(isinstance(r.arrays, tuple) and not r.arrays for r in inner if r)
    ):
        return zip(*values, strict=strict)
    found = [r for r in inner if r is not None]
    length = min(r.length for r in found)
    if strict and any(r.length != length for r in found) and all(r.count is None for r in found):
        return zip(*values, strict=True)
    arrays = tuple(jax.tree.map(lambda a: a[:length], r.arrays) for r in found)

    def make(row: Any, k: Any) -> tuple:
        return tuple(r.make(x, k) for r, x in zip(found, row, strict=True))

    if all(r.count is None for r in found):
        return Rows(arrays, length, make)
    count = functools.reduce(jnp.minimum, (r.length if r.count is None else r.count for r in found))
    return Rows(arrays, length, make, count)


def backwards(value: Any) -> Any:
    """Python's `reversed`."""
    if is_array(value) and value.ndim > 0:
        return value[::-1]
    return reversed(value)


def any_traced_row(value: Rows) -> bool:
    """Whether its items are known only when the graph runs."""
    return any(traced(leaf) for leaf in jax.tree.leaves(value.arrays))
