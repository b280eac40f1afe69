"""The nodes of trees as tables: which kind, which children, which data; rows padded to few sizes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from antiphon.graph.hybrid._recursion_observe import Record
from antiphon.graph.hybrid._values import traced

WIDTH = 8  # nodes of one kind that one step of the scan evaluates together
LEAST = 4  # the smallest bucket


@dataclass(eq=False)
class Kind:
    """Nodes that take one way through the body of a recursive function.

    Args:
        number: Its place among all kinds.
        record: What the body reads of such a node.
        used: Places of data that the body computes with, among all that it reads.
    """

    number: int
    record: Record
    used: tuple[int, ...] = ()

    @property
    def arity(self) -> int:
        """How many calls of itself the body makes."""
        return len(self.record.sites)


@dataclass(eq=False)
class Nodes:
    """Trees in the order of a walk, parents before their children."""

    kinds: list[Kind] = field(default_factory=list)
    slots: list[list[Any]] = field(default_factory=list)
    children: list[range] = field(default_factory=list)


def bucket(count: int) -> int:
    """The power of two that a number of rows is padded to."""
    return max(LEAST, 1 << (count - 1).bit_length()) if count else LEAST


def tables(nodes: Nodes, kinds: list[Kind], roots: int) -> dict[str, Any]:
    """All that the scan reads.

    Nodes without children come first, all of one kind together; then steps of up to `WIDTH` nodes of one kind
    and height. Rows of padding repeat a real node, so that they bring in no value of their own.

    Returns:
        `leaves`, for each kind without children its columns `(row, ...)`; `kind (step,)` with 0 for an empty
        step; `children (step, width, child)`, rows of the table of results; `data`, for each other kind its
        columns `(step, width, ...)`; `roots (tree,)`, rows.
    """
    count = len(nodes.kinds)
    height = [0] * count
    groups: dict[tuple[int, int], list[int]] = {}
    for i in range(count - 1, -1, -1):
        for child in nodes.children[i]:
            if height[child] >= height[i]:
                height[i] = height[child] + 1
        groups.setdefault((height[i], nodes.kinds[i].number), []).append(i)
    row = [0] * count
    base, leaves = 0, {}
    for kind in kinds:
        if kind.arity == 0:
            members = groups.get((0, kind.number), [])
            size = bucket(len(members)) if kind.used else 1
            for j, i in enumerate(members):
                row[i] = base + (j if kind.used else 0)
            leaves[f"{kind.number:03}"] = columns(kind, nodes, members, size)
            base += size
    steps: list[tuple[Kind, list[int]]] = []
    for (level, number), members in sorted(groups.items()):
        if level:
            steps += [(kinds[number], members[j : j + WIDTH]) for j in range(0, len(members), WIDTH)]
    inner = [kind for kind in kinds if kind.arity]
    found: dict[str, Any] = {"leaves": leaves}
    if inner:
        found |= stepwise(nodes, steps, inner, base, row)
    found["roots"] = np.array(row[:roots], np.int32)
    return found


def stepwise(nodes: Nodes, steps: list[Any], inner: list[Kind], base: int, row: list[int]) -> dict[str, Any]:
    """The part of the tables that the scan goes through step by step."""
    size, most = bucket(len(steps)), max(kind.arity for kind in inner)
    numbers = np.zeros(size, np.int32)
    children = np.zeros((size, WIDTH, most), np.int32)
    place = {kind.number: j + 1 for j, kind in enumerate(inner)}
    members_of: dict[int, list[int]] = {kind.number: [] for kind in inner if kind.used}
    where: dict[int, list[int]] = {kind.number: [] for kind in inner if kind.used}
    for s, (kind, members) in enumerate(steps):
        numbers[s] = place[kind.number]
        rows = [[row[c] for c in nodes.children[i]] for i in members]
        children[s, : len(rows), : kind.arity] = rows
        children[s, len(rows) :, : kind.arity] = rows[0]
        start = base + s * WIDTH
        for j, i in enumerate(members):
            row[i] = start + j
        if kind.used:
            members_of[kind.number] += [*members, *[members[0]] * (WIDTH - len(members))]
            where[kind.number].append(s)
    found = {}
    for kind in inner:
        if kind.used:
            mine = members_of[kind.number]
            flat = columns(kind, nodes, mine, max(len(mine), 1))
            found[str(kind.number)] = [spread(c, where[kind.number], size) for c in flat]
    return {"kind": numbers, "children": children, "data": found}


def spread(column: Any, where: list[int], size: int) -> Any:
    """Rows of steps of one kind at their steps; all other steps repeat the first."""
    index = np.zeros(size, np.int32)
    index[where] = np.arange(len(where))
    if len(where) == 0:
        return column[np.zeros((size, WIDTH), np.int32)]
    return column.reshape(-1, WIDTH, *column.shape[1:])[index]


def columns(kind: Kind, nodes: Nodes, members: list[int], size: int) -> list[Any]:
    """Data of nodes of one kind, one column `(row, ...)` for each datum, padded by repetition."""
    places = [kind.record.places[i] for i in kind.used]
    found = []
    for i, place in zip(kind.used, places, strict=True):
        values = [nodes.slots[m][place] for m in members] or [kind.record.samples[i]]
        found.append(column(values, kind.record.samples[i], size))
    return found


def column(values: list[Any], like: Any, size: int) -> Any:
    """Values stacked and padded; tracers among them stay differentiable."""
    values = values + [values[0]] * (size - len(values))
    if any(traced(v) for v in values):
        return jax.numpy.stack(values)
    if isinstance(like, int | float):
        return np.array(values, np.int32 if isinstance(like, int) else np.float32)
    return np.stack([np.asarray(v) for v in values])
