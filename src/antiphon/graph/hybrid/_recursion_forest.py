"""The nodes of trees as tables: which kind, which children, which data; rows padded to few sizes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
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


ZERO: list[int] = [0]
STEP = ("kind", "start", "count", "own", "children")
Layout = tuple[tuple[str, int, tuple[int, ...]], ...]


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["columns", "numbers"],
    meta_fields=["leaves", "layout"],
)
@dataclass(frozen=True)
class Tables:
    """What is read of the nodes.

    Args:
        columns: Data of the nodes of each kind, one column `(node, ...)` for each datum.
        numbers: Tables of whole numbers, one after the other.
        leaves: How many rows the kinds without children have.
        layout: Name, place and shape of each table in `numbers`.
    """

    columns: dict[int, list[Any]]
    numbers: Any
    leaves: tuple[int, ...]
    layout: Layout

    def unpacked(self) -> dict[str, Any]:
        """The tables of whole numbers, by name."""
        return {
            name: jax.lax.reshape(self.numbers[at : at + math.prod(shape)], shape)
            for name, at, shape in self.layout
        }


def bucket(count: int) -> int:
    """The power of two that a number of rows is padded to."""
    return max(LEAST, 1 << (count - 1).bit_length()) if count else LEAST


def share(size: int, count: int) -> int:
    """The size, or a fourth of it, of which there are enough: few sizes, hence few graphs."""
    while size // 4 >= max(count, LEAST):
        size //= 4
    return size


def tables(nodes: Nodes, kinds: list[Kind], skeleton: Skeleton) -> Tables:
    """All that the computation reads: the skeleton of some trees, and the data of their nodes."""
    found = {
        number: columns(kinds[number], nodes, members, size) for number, members, size in skeleton.members
    }
    return Tables(found, skeleton.numbers, skeleton.leaves, skeleton.layout)


@dataclass(frozen=True, eq=False)
class Skeleton:
    """What trees with the same kinds of nodes in the same places have in common.

    Args:
        members: For each kind its number, its nodes, and how many rows its columns have.
        numbers: As in `Tables`.
        leaves: As in `Tables`.
        layout: As in `Tables`.
    """

    members: list[tuple[int, Sequence[int], int]]
    numbers: Any
    leaves: tuple[int, ...]
    layout: Layout


def skeleton(nodes: Nodes, kinds: list[Kind], roots: int) -> Skeleton:
    """Rows and steps for some trees.

    Nodes without children come first, all of one kind together; then the others by height and kind. Rows of
    padding repeat a real node, so that they bring in no value of their own.
    """
    row, base = [0] * len(nodes.kinds), 0
    groups = grouped(nodes)
    count = sum(len(members) for (level, _), members in groups.items() if level)
    size = bucket(max(count, len(row) - count))
    found: list[tuple[int, Sequence[int], int]] = []
    for kind in kinds:
        if kind.arity == 0:
            members = groups.get((0, kind.number), ())
            for j, i in enumerate(members):
                row[i] = base + j
            found.append((kind.number, members, share(size, len(members))))
            base += found[-1][2]
    leaves = tuple([rows for _, _, rows in found])
    numbers = Numbers()
    if count:
        found += inner_tables(nodes, kinds, groups, base, size, row, numbers)
    numbers.add("roots", (roots,), row[:roots])
    array, layout = numbers.packed()
    with jax.ensure_compile_time_eval():  # It is kept: no tracer, also while an outer function is traced.
        return Skeleton(found, jax.numpy.asarray(array), leaves, layout)


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


class Numbers:
    """Tables of whole numbers, put one after the other into one array: one transfer to the device."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, tuple[int, ...], list[int], list[int]]] = []

    def add(self, name: str, shape: tuple[int, ...], values: list[int], rest: list[int] = ZERO) -> None:
        """A table, row by row; what is left of it repeats `rest`."""
        self.parts.append((name, shape, values, rest))

    def packed(self) -> tuple[np.ndarray, Layout]:
        """The array, and where in it each table begins."""
        layout, numbers = [], []
        for name, shape, values, rest in self.parts:
            layout.append((name, len(numbers), shape))
            missing = math.prod(shape) - len(values)
            numbers += values
            if missing:
                numbers += rest * (missing // len(rest))
        return np.array(numbers, np.int32), tuple(layout)


def inner_tables(
    nodes: Nodes,
    kinds: list[Kind],
    groups: dict[tuple[int, int], list[int]],
    base: int,
    size: int,
    row: list[int],
    numbers: Numbers,
) -> list[tuple[int, Sequence[int], int]]:
    """Tables of the nodes with children.

    For each kind the rows of its `children (node, child)` and their `count`; for several kinds `source
    (inner,)`, places of the rows among the nodes of all kinds; `parent` and `place (row,)`, the inner row and
    the child that a row is, -1 for none; for each width, of each step the kind, the first inner row, the
    number of nodes, and of each node the place among its kind `own (step, width)` and the rows of its
    `children (step, width, child)`; `counts`, of steps.

    Returns:
        For each kind its number, its nodes in the order of their rows, and how many rows there are in all.
    """
    inner = [kind for kind in kinds if kind.arity]
    most = max([kind.arity for kind in inner])
    order = [(number, members) for (level, number), members in groups.items() if level]
    index: dict[int, list[int]] = {kind.number: [] for kind in inner}  # rows of children, one after the other
    mine: dict[int, list[int]] = {kind.number: [] for kind in inner}
    places = {kind.number: j for j, kind in enumerate(inner)}
    wide = max([i for i, (_, members) in enumerate(order) if len(members) >= WORTH], default=-1)
    parent = [-1] * (base + size + WIDTHS[0])
    place = [0] * len(parent)
    steps: tuple[dict[str, list[int]], ...] = tuple({name: [] for name in STEP} for _ in WIDTHS)
    inside, source = 0, []
    for at, (number, members) in enumerate(order):
        narrow = at > wide
        step, width, known = steps[narrow], WIDTHS[narrow], index[number]
        for j in range(0, len(members), width):
            some = members[j : j + width]
            step["kind"].append(places[number])
            step["start"].append(inside)
            step["count"].append(len(some))
            first, below = len(mine[number]) + j, step["children"]
            begin = len(below)
            for i in some:
                row[i] = base + inside
                for which, child in enumerate(nodes.children[i]):
                    r = row[child]
                    parent[r], place[r] = inside, which
                    known.append(r)
                    below.append(r)
                below.extend(below[begin : begin + 1] * (most - len(nodes.children[i])))
                inside += 1
            below.extend(below[begin : begin + most] * (width - len(some)))
            step["own"] += [first + k if k < len(some) else first for k in range(width)]
            source += [(number, first + k) for k in range(len(some))]
        mine[number] += members
    sizes = [size] if len(inner) == 1 else [share(size, len(mine[kind.number])) for kind in inner]
    for kind, rows in zip(inner, sizes, strict=True):
        known = index[kind.number]
        numbers.add(f"below {kind.number}", (rows, kind.arity), known, known[: kind.arity] or [0])
        numbers.add(f"count {kind.number}", (), [len(mine[kind.number])])
    if len(inner) > 1:
        first_of = dict(zip(places, itertools.accumulate([0, *sizes]), strict=False))
        numbers.add("source", (size,), [first_of[number] + k for number, k in source])
    numbers.add("parent", (len(parent),), parent)
    numbers.add("place", (len(parent),), place)
    numbers.add("counts", (len(WIDTHS),), [len(step["kind"]) for step in steps])
    for step, width in zip(steps, WIDTHS, strict=True):
        # A wide step has some nodes, so there are fewer of them; with several kinds that need not be so.
        longest = size // WORTH if len(inner) == 1 and width > 1 else size
        for name, shape in (("kind", ()), ("start", ()), ("count", ()), ("own", (width,))):
            numbers.add(f"{name} of {width}", (longest, *shape), step[name])
        numbers.add(f"children of {width}", (longest, width, most), step["children"])
    return [(kind.number, mine[kind.number], rows) for kind, rows in zip(inner, sizes, strict=True)]


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
    more = size - len(values)
    if any(map(traced, values)):
        return jax.numpy.stack(values + [values[0]] * more)
    if isinstance(like, int | float):
        return np.array(values + [values[0]] * more, np.int32 if isinstance(like, int) else np.float32)
    arrays = [np.asarray(v) for v in values]
    return np.stack(arrays + [arrays[0]] * more)
