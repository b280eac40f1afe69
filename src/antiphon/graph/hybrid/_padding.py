"""Inputs of many lengths in one graph: rows are added up to a fixed number, and never looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from antiphon.graph.hybrid._signals import Reason, Unstructured, here
from antiphon.graph.hybrid._values import traced

ROOM = 4  # how many times longer than the longest so far an input may get before a new graph is made
LEAST = 32


@jax.tree_util.register_pytree_node_class
class Padded:
    """An array with rows added along one axis, inside a graph: it can be looped over, indexed and measured.

    Whatever else is done with it raises, so that no added row is ever computed with.

    Args:
        array: With the added rows.
        length: The number of true rows.
        axis: Along which they lie.
    """

    def __init__(self, array: Any, length: Any, axis: int) -> None:
        self.array, self.length, self.axis = array, length, axis

    def tree_flatten(self) -> tuple[tuple[Any, Any], int]:
        """For JAX."""
        return (self.array, self.length), self.axis

    @classmethod
    def tree_unflatten(cls, axis: int, children: Any) -> Padded:
        """For JAX."""
        array, length = children
        return cls(array, length, axis)

    @property
    def shape(self) -> tuple[Any, ...]:
        """With the true number of rows, known when the graph runs."""
        return tuple(self.length if i == self.axis else n for i, n in enumerate(self.array.shape))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.array.ndim

    @property
    def dtype(self) -> Any:
        """Of its numbers."""
        return self.array.dtype

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) <= self.axis or any(k is None or k is Ellipsis for k in keys):
            raise self._refusal()
        at = keys[self.axis]
        if isinstance(at, bool | slice) or not (isinstance(at, int | np.integer) or _whole(at)):
            raise self._refusal()
        if not all(isinstance(k, int | slice | np.integer) or _whole(k) for k in keys):
            raise self._refusal()
        at = jnp.where(at < 0, at + self.length, at) if traced(at) else at + self.length if at < 0 else at
        at = jnp.clip(at, 0, jnp.maximum(self.length - 1, 0))
        return self.array[(*keys[: self.axis], at, *keys[self.axis + 1 :])]

    def trimmed(self) -> Any:
        """Without the added rows, after the run."""
        length = int(np.asarray(self.length))
        if traced(self.array):
            return jax.lax.slice_in_dim(self.array, 0, length, axis=self.axis)
        return jnp.asarray(np.take(np.asarray(self.array), range(length), self.axis))

    def _refusal(self) -> Unstructured:
        return Unstructured(Reason(here(), "index", "it reads more than one row of an input of any length."))

    def _never(self, *_: Any) -> Any:
        raise TypeError("an input of any length can only be looped over, indexed and measured")

    __eq__ = __ne__ = __bool__ = __iter__ = __len__ = __array__ = _never
    __hash__ = object.__hash__


def _whole(value: Any) -> bool:
    return isinstance(value, jax.Array) and value.ndim == 0 and jnp.issubdtype(value.dtype, jnp.integer)


Shapes = tuple[tuple[int, ...], ...]
Rooms = dict[int, tuple[int, int]]  # leaf: axis, rows


def rooms(shapes: Shapes, known: Sequence[Shapes]) -> Rooms | None:
    """Along which axes inputs get longer, and how much room to leave; None if they differ in another way."""
    found: Rooms = {}
    for leaf, shape in enumerate(shapes):
        for other in known:
            if len(other[leaf]) != len(shape):
                return None
            axes = [i for i, (m, n) in enumerate(zip(shape, other[leaf], strict=True)) if m != n]
            if len(axes) > 1 or (axes and leaf in found and found[leaf][0] != axes[0]):
                return None
            if axes:
                longest = max(shape[axes[0]], *(k[leaf][axes[0]] for k in known))
                found[leaf] = (axes[0], max(LEAST, ROOM * (1 << (longest - 1).bit_length())))
    return found or None


def fits(shapes: Shapes, room: Rooms, model: Shapes) -> bool:
    """Whether inputs of these shapes have room."""
    for leaf, (shape, other) in enumerate(zip(shapes, model, strict=True)):
        axis, most = room.get(leaf, (-1, 0))
        if len(shape) != len(other):
            return False
        for i, (m, n) in enumerate(zip(shape, other, strict=True)):
            if (m > most or m == 0) if i == axis else m != n:
                return False
    return True


def pad(inputs: list[Any], room: Rooms) -> list[Any]:
    """Add rows."""
    padded = list(inputs)
    for leaf, (axis, most) in room.items():
        array = inputs[leaf]
        more = [(0, most - n if i == axis else 0) for i, n in enumerate(array.shape)]
        longer = jnp.pad(array, more) if traced(array) else np.pad(np.asarray(array), more)
        padded[leaf] = Padded(longer, int(array.shape[axis]), axis)
    return padded
