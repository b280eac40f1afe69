"""The nodes of trees as tables: which kind, which children, which data; rows padded to few sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from antiphon.graph.hybrid._recursion_observe import Record
from antiphon.graph.hybrid._values import traced

WIDTHS = (8, 1)  # nodes of one kind and height that one step evaluates: first the wide steps, then the others
WORTH = 4  # nodes of one kind and height from which on a wide step is the faster
LEAST = 16  # the smallest bucket


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


def share(size: int, count: int) -> int:
    """The size, or a fourth of it, of which there are enough: few sizes, hence few graphs."""
    while size // 4 >= max(count, LEAST):
        size //= 4
    return size


def tables(nodes: Nodes, kinds: list[Kind], roots: int) -> dict[str, Any]:
    """All that the computation reads.

    Nodes without children come first, all of one kind together; then the others by height and kind. Rows of
    padding repeat a real node, so that they bring in no value of their own.

    Returns:
        `leaves`, for each kind without children its columns `(row, ...)`; `roots (tree,)`, rows of the table;
        and, if any node has children, what `inner_tables` gives.
    """
    row, base, leaves = [0] * len(nodes.kinds), 0, {}
    groups = grouped(nodes)
    count = sum(len(members) for (level, _), members in groups.items() if level)
    size = bucket(max(count, len(row) - count))
    for kind in kinds:
        if kind.arity == 0:
            members = groups.get((0, kind.number), ())
            for j, i in enumerate(members):
                row[i] = base + j
            mine = share(size, len(members))
            leaves[f"{kind.number:03}"] = columns(kind, nodes, members, mine), np.zeros(mine, bool)
            base += mine
    found: dict[str, Any] = {"leaves": leaves}
    if count:
        found |= inner_tables(nodes, kinds, groups, base, size, row)
    found["roots"] = np.array(row[:roots], np.int32)
    return found


def grouped(nodes: Nodes) -> dict[tuple[int, int], list[int]]:
    """Nodes by height and number of the kind, in that order."""
    height = [0] * len(nodes.kinds)
    groups: dict[tuple[int, int], list[int]] = {}
    for i in range(len(height) - 1, -1, -1):
        level = 0
        for child in nodes.children[i]:
            if height[child] >= level:
                level = height[child] + 1
        height[i] = level
        groups.setdefault((level, nodes.kinds[i].number), []).append(i)
    return dict(sorted(groups.items()))


def inner_tables(
    nodes: Nodes, kinds: list[Kind], groups: dict[Any, list[int]], base: int, size: int, row: list[int]
) -> dict[str, Any]:
    """Tables of the nodes with children.

    Returns:
        `data`, for each kind its columns `(node, ...)`; `nodes`, for each kind the rows of its `children
        (node, child)` and their `count`; `source (inner,)`, places of the rows among the nodes of all kinds;
        `parent` and `place (row,)`, the inner row and the child that a row is, -1 for none; `steps`, for each
        width the kind, the first inner row, the number of nodes, and of each node the place among its kind
        `own (step, width)` and the rows of its `children (step, width, child)`; `counts`, of steps.
    """
    inner = [kind for kind in kinds if kind.arity]
    most = max(kind.arity for kind in inner)
    order = [(number, members) for (level, number), members in groups.items() if level]
    mine: dict[int, list[int]] = {kind.number: [] for kind in inner}
    for number, members in order:
        mine[number] += members
    wide = max((i for i, (_, members) in enumerate(order) if len(members) >= WORTH), default=-1)
    chunks: tuple[list[Any], ...] = ([], [])
    start, own = base, dict.fromkeys(mine, 0)
    parent = np.full(base + size + WIDTHS[0], -1, np.int32)
    place = np.zeros_like(parent)
    for at, (number, members) in enumerate(order):
        narrow = at > wide
        width = WIDTHS[narrow]
        for j in range(0, len(members), width):
            some = members[j : j + width]
            below = []
            for i in some:
                row[i] = start
                children = [row[c] for c in nodes.children[i]]
                parent[children], place[children] = start - base, range(len(children))
                start += 1
                below.append(children + [children[0]] * (most - len(children)))
            chunks[narrow].append((number, start - base - len(some), len(some), own[number], below))
            own[number] += len(some)
    places = {kind.number: j for j, kind in enumerate(inner)}
    sizes = [size] if len(inner) == 1 else [share(size, len(mine[kind.number])) for kind in inner]
    found: dict[str, Any] = {"data": {}, "nodes": []}
    for kind, rows in zip(inner, sizes, strict=True):
        members = mine[kind.number]
        index = [[row[c] for c in nodes.children[i]] for i in members] or [[0] * kind.arity]
        index += [index[0]] * (rows - len(index))
        found["data"][f"{kind.number:03}"] = columns(kind, nodes, members, rows)
        found["nodes"].append({"children": np.array(index, np.int32), "count": np.int32(len(members))})
    found["source"] = np.arange(size, dtype=np.int32)
    if len(inner) > 1:
        first = dict(zip(places, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
        at = [first[n] + j for half in chunks for n, _, count, j0, _ in half for j in range(j0, j0 + count)]
        found["source"][: len(at)] = at
    found |= {"parent": parent, "place": place, "counts": np.array([len(half) for half in chunks], np.int32)}
    found["steps"] = [
        stepwise(half, places, size, width, most) for half, width in zip(chunks, WIDTHS, strict=True)
    ]
    return found


def stepwise(chunks: list[Any], places: dict[int, int], size: int, width: int, most: int) -> dict[str, Any]:
    """What the steps of one width go through."""
    found = {
        "kind": np.zeros(size, np.int32),
        "start": np.zeros(size, np.int32),
        "count": np.zeros(size, np.int32),
        "own": np.zeros((size, width), np.int32),
        "children": np.zeros((size, width, most), np.int32),
    }
    if chunks:
        n = len(chunks)
        numbers, starts, counts, owns, below = zip(*chunks, strict=True)
        found["kind"][:n] = [places[number] for number in numbers]
        found["start"][:n], found["count"][:n] = starts, counts
        if width == 1:
            found["own"][:n, 0], found["children"][:n] = owns, below
            return found
        for s, (first, count, children) in enumerate(zip(owns, counts, below, strict=True)):
            found["own"][s] = first
            found["own"][s, :count] += np.arange(count, dtype=np.int32)
            found["children"][s] = children[0]
            found["children"][s, :count] = children
    return found


def columns(kind: Kind, nodes: Nodes, members: Sequence[int], size: int) -> list[Any]:
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
