"""A value of Python that holds arrays of a graph: taken apart at the trace, built again after each run."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from antiphon.graph.hybrid._contents import is_mutable, is_object
from antiphon.graph.hybrid._heap import FIXED, Heap
from antiphon.graph.hybrid._padding import Padded
from antiphon.graph.hybrid._values import Deferred, expand, flatten, is_array


@dataclass(frozen=True, eq=False)
class Template:
    """How a value is built.

    Args:
        structure: JAX's tree of it.
        parts: For each leaf, ("array", place), ("as it is", value), ("made", function, template),
            ("outside", slot) or ("object", example, template of its attributes).
        count: Number of arrays in it.
    """

    structure: Any
    parts: tuple[tuple[Any, ...], ...]
    count: int

    def build(self, arrays: Sequence[Any], found: Sequence[Any]) -> Any:
        """The value, from the arrays of a run and what was found outside."""
        leaves = []
        for part in self.parts:
            kind = part[0]
            if kind == "array":
                leaves.append(arrays[part[1]])
            elif kind == "number":
                leaves.append(part[2](np.asarray(arrays[part[1]]).item()))
            elif kind == "padded":
                leaves.append(Padded(arrays[part[1]], arrays[part[2]], part[3]).trimmed())
            elif kind == "outside":
                leaves.append(found[part[1]])
            elif kind == "made":
                leaves.append(part[1](*part[2].build(arrays, found)))
            elif kind == "object":
                made = copy.copy(part[1])
                vars(made).update(part[2].build(arrays, found))
                leaves.append(made)
            else:
                leaves.append(copy.copy(part[1]) if isinstance(part[1], np.ndarray) else part[1])
        return jax.tree.unflatten(self.structure, leaves)


def split(heap: Heap, value: Any, number: type | None = None) -> tuple[list[Any], Template]:
    """Take a value apart: the arrays in it, and how to build it again.

    Args:
        heap: Knows what exists outside.
        value: Anything.
        number: Build arrays without axes as this type of Python's.
    """
    arrays: list[Any] = []
    template = _split(heap, value, arrays, number)
    return arrays, template


def _split(heap: Heap, value: Any, arrays: list[Any], number: type | None = None) -> Template:
    _expand(value)
    leaves, structure = flatten(value)
    parts: list[tuple[Any, ...]] = []
    for leaf in leaves:
        node = heap.nodes.get(id(leaf))
        if isinstance(leaf, Deferred):
            parts.append(("made", leaf.make, _split(heap, leaf.inputs, arrays)))
        elif isinstance(leaf, Padded):
            parts.append(("padded", len(arrays), len(arrays) + 1, leaf.axis))
            arrays += [leaf.array, jnp.asarray(leaf.length)]
        elif is_array(leaf):
            parts.append(
                ("number", len(arrays), number) if number and not leaf.shape else ("array", len(arrays))
            )
            arrays.append(leaf)
        elif node is not None and node.slot not in (None, FIXED):
            parts.append(("outside", node.slot))
        elif is_object(leaf) and is_mutable(leaf):
            parts.append(("object", leaf, _split(heap, dict(vars(leaf)), arrays)))
        else:
            parts.append(("as it is", leaf))
    return Template(structure, tuple(parts), len(arrays))


def _expand(value: Any) -> None:
    if isinstance(value, list):
        expand(value)
    if isinstance(value, list | tuple):
        for item in value:
            _expand(item)
    elif isinstance(value, dict):
        for item in value.values():
            _expand(item)
