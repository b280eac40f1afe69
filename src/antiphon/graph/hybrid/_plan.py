"""What a graph reads outside its arguments: found again at every call, checked, and given to it."""

from __future__ import annotations

import types
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from antiphon.graph.hybrid._contents import MISSING, is_object, is_tree
from antiphon.graph.hybrid._values import is_input


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree that holds arrays among other things."""

    structure: Any
    arrays: tuple[bool, ...]
    rest: tuple[Any, ...]

    @staticmethod
    def of(value: Any) -> Tree:
        """Of a value."""
        leaves, structure = jax.tree.flatten(value)
        arrays = tuple([is_input(x) for x in leaves])
        return Tree(structure, arrays, tuple(x for x, a in zip(leaves, arrays, strict=True) if not a))

    def fits(self, value: Any) -> bool:
        """Whether another value is the same but for the contents of its arrays."""
        other = Tree.of(value)
        return (
            other.structure == self.structure
            and other.arrays == self.arrays
            and all(alike(a, b) for a, b in zip(self.rest, other.rest, strict=True))
        )

    def rebuild(self, value: Any, given: Iterator[Any]) -> Any:
        """The value with inputs of a graph for its arrays."""
        leaves = jax.tree.leaves(value)
        return jax.tree.unflatten(
            self.structure, [next(given) if a else x for x, a in zip(leaves, self.arrays, strict=True)]
        )


def alike(a: Any, b: Any) -> bool:
    """Whether a value of Python is what it was."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, bool | int | float | complex | str | bytes):
        return a == b or (a != a and b != b)
    if isinstance(a, types.MethodType):
        return a.__func__ is b.__func__ and a.__self__ is b.__self__
    try:
        return bool(isinstance(a, Hashable) and not is_object(a) and a == b)
    except Exception:  # a comparison of the user's that fails says nothing
        return False


@dataclass(frozen=True, eq=False)
class Step:
    """One read.

    Args:
        parent: Slot of what it is read from; None for a root.
        kind: "argument", "container", "global", "cell", "attribute", "class", "key", "item" or "size".
        key: Which argument, name, or item.
        holds: "array", "number" or a `Tree` if it is an input of the graph; else it is checked.
        expected: What it was, or its type.
    """

    parent: int | None
    kind: str
    key: Any
    holds: Any
    expected: Any
    by_type: bool = False

    @staticmethod
    def of(parent: int | None, kind: str, key: Any, value: Any, plan: Plan) -> Step:
        """For a value that has just been read."""
        if kind == "size":
            return Step(parent, kind, key, None, value)
        if isinstance(value, jax.Array | np.ndarray) and not (
            isinstance(value, np.ndarray) and value.dtype.kind not in "biufc"
        ):
            return Step(parent, kind, key, "array", None)
        if isinstance(value, int | float | complex) and not isinstance(value, bool):
            if plan.path(parent, kind, key) in plan.varying - plan.pinned:
                return Step(parent, kind, key, "number", type(value))
            return Step(parent, kind, key, None, value)
        if isinstance(value, list | dict | set) or is_object(value):
            return Step(parent, kind, key, None, type(value), by_type=True)
        if is_tree(value) and value is not None:
            tree = Tree.of(value)
            return Step(parent, kind, key, tree, None)
        return Step(parent, kind, key, None, value)

    def get(self, found: list[Any], roots: Any) -> Any:
        """The value now."""
        kind, key = self.kind, self.key
        if kind == "attribute":
            return vars(found[self.parent]).get(key, MISSING)  # pyright: ignore[reportArgumentType, reportCallIssue]
        if kind in ("argument", "container"):
            return roots(kind, key)
        if kind == "global":
            return key[0].get(key[1], MISSING)
        if kind == "default":
            return key[0].__defaults__[key[1]]
        if kind == "cell":
            try:
                return key.cell_contents
            except ValueError:
                return MISSING
        holder: Any = found[self.parent]  # pyright: ignore[reportArgumentType, reportCallIssue]
        if kind == "size":
            return tuple(holder) if isinstance(holder, dict) else len(holder)
        if kind == "class":
            return getattr(holder, key, MISSING)
        return holder[key]

    def fits(self, value: Any) -> bool:
        """Whether the graph is right for it."""
        holds = self.holds
        if holds == "array":
            return is_input(value)
        if holds is None:
            return type(value) is self.expected if self.by_type else alike(value, self.expected)
        if holds == "number":
            return type(value) is self.expected
        return holds.fits(value)

    def rebuild(self, value: Any, given: Iterator[Any]) -> Any:
        """The value with inputs of the graph in it."""
        return next(given) if isinstance(self.holds, str) else self.holds.rebuild(value, given)


class Changed(Exception):  # noqa: N818
    """Something outside is not what was assumed."""

    def __init__(self, step: Step, value: Any) -> None:
        super().__init__()
        self.step, self.value = step, value


@dataclass(eq=False)
class Plan:
    """The reads of one graph, in an order in which they can be made.

    Args:
        varying: Paths of numbers that have been seen to change: inputs, not assumptions.
        pinned: Paths of numbers that the function needs as Python's own all the same.
    """

    varying: set[str] = field(default_factory=set)
    pinned: set[str] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)
    wholes: set[int] = field(default_factory=set)
    slots: dict[Hashable, int] = field(default_factory=dict)
    owners: dict[int | None, str] = field(default_factory=dict)

    def slot(self, parent: int | None, kind: str, key: Any) -> int | None:
        """Where a read is, if it has been made before."""
        return self.slots.get(_hashable(parent, kind, key))

    def add(self, step: Step) -> int:
        """One more read."""
        self.slots[_hashable(step.parent, step.kind, step.key)] = len(self.steps)
        self.steps.append(step)
        return len(self.steps) - 1

    def whole(self, slot: int) -> bool:
        """Read all that a container holds from the start; whether that is new."""
        new = slot not in self.wholes
        self.wholes.add(slot)
        return new

    def path(self, parent: int | None, kind: str, key: Any) -> str:
        """A read as one would write it."""
        if kind == "argument":
            return self.owners.get(key, f"argument {key}")
        if kind == "container":
            return "argument " + "".join(f"[{k!r}]" for k in key)
        if kind == "global":
            return str(key[1])
        if kind == "default":
            return f"a default of {key[0].__qualname__}"
        if kind == "cell":
            return self.owners.get(id(key), "an enclosing variable")
        step = self.steps[parent] if parent is not None else None
        before = self.path(step.parent, step.kind, step.key) if step else ""
        if kind == "size":
            return f"the size of {before}"
        return f"{before}.{key}" if kind in ("attribute", "class") else f"{before}[{key!r}]"

    def find(self, roots: Any) -> list[Any]:
        """All values now.

        Raises:
            Changed: If one is not what the graph was made for.
        """
        found: list[Any] = []
        for step in self.steps:
            try:
                value = step.get(found, roots)
            except (KeyError, IndexError):
                value = MISSING
            if not step.fits(value):
                raise Changed(step, value)
            found.append(value)
        return found

    def changed(self, roots: Any) -> list[Changed]:
        """All that is not what the graph was made for, as far as it can be reached."""
        found: list[Any] = []
        changes = []
        for step in self.steps:
            try:
                value = step.get(found, roots)
            except Exception:  # what it would be read from is something else now
                value = MISSING
            if not step.fits(value):
                changes.append(Changed(step, value))
            found.append(value)
        return changes

    def inputs(self, found: list[Any]) -> list[Any]:
        """The arrays for the graph."""
        given = []
        for step, value in zip(self.steps, found, strict=True):
            holds = step.holds
            if holds is None:
                continue
            if isinstance(holds, str):
                given.append(value)
            else:
                leaves = jax.tree.leaves(value)
                given.extend(x for x, a in zip(leaves, holds.arrays, strict=True) if a)
        return given

    def reset(self) -> None:
        """Forget the reads, not what varies."""
        self.steps.clear()
        self.slots.clear()


def _hashable(parent: int | None, kind: str, key: Any) -> Hashable:
    if kind == "global":
        return parent, kind, id(key[0]), key[1]
    if kind == "default":
        return parent, kind, id(key[0]), key[1]
    if kind == "cell":
        return parent, kind, id(key)
    return parent, kind, type(key).__name__, key
