"""Terms as trees of operations, so that the structure of a term can be data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from antiphon.fitting._layout import Layout
from antiphon.fitting._skeleton import Split, standard_slots
from antiphon.language import Apply, Real, Term, Var, path_name

MOST_NODES = 40  # Of a form: three children and four levels.
FEWEST_LEVELS = 3


@dataclass(frozen=True)
class Operation:
    """What a node may do.

    Attributes:
        term: A primitive over variables `a0`, `a1`, ..., or the lone variable `a0`, the value of a slot.
        sizes: How many numbers each variable has.
        result: How many it gives.
        reads_slot: Whether `a0` is a slot, and not what a child gives.
        layout: Of its parameters, under the path `root`.
        data: Of its constants that are arrays.
    """

    term: Term
    sizes: tuple[int, ...]
    result: int
    reads_slot: bool
    layout: Layout
    data: Layout


@dataclass(frozen=True)
class Form:
    """A full tree: `children` below each node, `levels` in all. Node 0 is the root; the children of node `i`
    are the nodes from `children * i + 1`."""

    children: int
    levels: int

    @property
    def nodes(self) -> int:
        """How many there are."""
        return sum(self.children**level for level in range(self.levels))


@dataclass(frozen=True)
class Node:
    """A place of a term's tree: its operation, its path in the term, its slot, and what is below."""

    operation: Operation
    path: str
    slot: int | None
    below: tuple[Node, ...]

    def form(self) -> Form:
        """The smallest form that it fits; few forms mean few functions to compile."""
        return Form(max(2, self._arity()), max(FEWEST_LEVELS, self._levels()))

    def _arity(self) -> int:
        return max([len(self.below), *(b._arity() for b in self.below)])

    def _levels(self) -> int:
        return 1 + max([0, *(b._levels() for b in self.below)])

    def places(self, form: Form, place: int = 0) -> dict[int, Node]:
        """Every node by its place in a form."""
        found: dict[int, Node] = {place: self}
        for i, node in enumerate(self.below):
            found |= node.places(form, form.children * place + 1 + i)
        return found


def tree_of(parts: Split) -> Node | None:
    """A split term as a tree of operations; `None` if it has frames or functions, or is too large."""
    ready = standard_slots(parts.skeleton)

    def slot_of(variable: Var) -> int:
        return int(variable.name[1:])

    def read(node: Term, path: tuple[int, ...]) -> Node | None:
        name = path_name(path)
        own = _size(parts.types[name])
        if own is None:
            return None
        if isinstance(node, Var):
            value = Operation(Var("a0"), (own,), own, True, Layout(()), Layout(()))
            return Node(value, name, slot_of(node), ())
        if not isinstance(node, Apply):
            return None
        sizes = [_size(parts.types[path_name((*path, i))]) for i in range(len(node.args))]
        if any(s is None for s in sizes):
            return None
        variables = tuple(Var(f"a{i}") for i in range(len(sizes)))
        alone = node.args[0] if len(node.args) == 1 else None
        slot = slot_of(alone) if isinstance(alone, Var) else None
        if node.name == "affine" and slot is not None and name not in ready:
            return None
        operation = Operation(
            Apply(node.name, variables, node.config),
            tuple(s for s in sizes if s is not None),
            own,
            slot is not None,
            Layout.of({"root": _trained(node, parts.shapes.get(name, {}))}),
            Layout.of({"root": parts.data.get(name, {})}),
        )
        if slot is not None:
            return Node(operation, name, slot, ())
        below = [read(child, (*path, i)) for i, child in enumerate(node.args)]
        found = tuple(b for b in below if b is not None)
        return Node(operation, name, None, found) if len(found) == len(below) else None

    found = read(parts.skeleton.term, ())
    return found if found is not None and found.form().nodes <= MOST_NODES else None


def _size(type_: Any) -> int | None:
    return type_.size if isinstance(type_, Real) and isinstance(type_.size, int) else None


def _trained(node: Apply, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    # The centre of an affine map is none of its parameters while it is trained: its slot is standardised.
    names = [n for n in shapes if not (node.name == "affine" and n == "centre")]
    return {n: np.zeros(shapes[n], np.float32) for n in names}
