"""State outside a function: read into its graph, changed inside while it is traced, restored after."""

from __future__ import annotations

import types
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import jax

from antiphon.graph.hybrid._contents import (
    MISSING,
    WHOLE,
    Names,
    changes,
    contents,
    is_mutable,
    is_object,
    put,
    refill,
)
from antiphon.graph.hybrid._plan import Plan, Step

DEEP = 6
FIXED = -1  # the slot of what is found without looking: a module's names, a closure cell


@dataclass(eq=False)
class Node:
    """Something that can be written to.

    Args:
        holder: The thing itself.
        slot: Where the plan has it; None if the function made it.
        first: What it held when the trace met it.
        placed: What it held when the function began: inputs of the graph in place of arrays.
    """

    holder: Any
    slot: int | None
    first: dict[Hashable, Any]
    placed: dict[Hashable, Any]
    whole: bool = False
    keys: set[Hashable] = field(default_factory=set)


Mark = dict[int, dict[Hashable, Any]]


class Heap:
    """All that a trace has met and could write to.

    Args:
        plan: How to find again, at every call, what was read; grows while tracing.
        found: The values of the plan's steps, at this call.
    """

    def __init__(self, plan: Plan, found: list[Any]) -> None:
        self.plan, self.found = plan, found
        self.nodes: dict[int, Node] = {}
        self.grown = False

    # What is met.

    def add(self, holder: Any, slot: int | None = None) -> Node:
        """Keep an eye on something that can be written to."""
        node = self.nodes.get(id(holder))
        if node is None:
            now = contents(holder)
            node = self.nodes[id(holder)] = Node(holder, slot, now, dict(now))
        elif node.slot is None and slot is not None:
            node.slot = slot
        return node

    def adopt(self, values: Iterable[Any], depth: int = DEEP) -> None:
        """Keep an eye on all that is reachable, before a branch or loop begins."""
        for value in values:
            if isinstance(value, types.CellType):
                self.adopt(contents(value).values(), depth)
            elif isinstance(value, tuple) and depth:
                self.adopt(value, depth - 1)
            elif is_mutable(value) and id(value) not in self.nodes and depth:
                node = self.add(value)
                inside = node.first.values()
                self.adopt(value if isinstance(value, list | set) else inside, depth - 1)

    # What is read.

    def place(self, tracers: list[Any]) -> None:
        """Put the inputs of the graph where the function will read them."""
        given = iter(tracers)
        for slot, step in enumerate(self.plan.steps):
            value = self.found[slot]
            if step.kind in ("size", "class"):
                continue
            node, key = self._home(step)
            if step.holds is not None:
                value = step.rebuild(value, given)
                if node is not None:
                    self._put(node, key, step, value)
            elif is_mutable(value):
                self.add(value, slot)
            if node is not None:
                node.keys.add(key)
        for slot in sorted(self.plan.wholes):
            if slot < len(self.found):
                self.whole(self.found[slot])

    def names(self, space: dict[str, Any], name: str) -> Node:
        """The global names of a module, with one more watched."""
        for node in self.nodes.values():
            if isinstance(node.holder, Names) and node.holder.space is space:
                break
        else:
            node = self.add(Names(space), FIXED)
        if name not in node.holder.names:
            node.holder.names.add(name)
            node.first[name] = node.placed[name] = space.get(name, MISSING)
        return node

    def _put(self, node: Node, key: Hashable, step: Step, value: Any) -> None:
        if isinstance(node.holder, list):
            items = list(node.placed[WHOLE])
            items[step.key] = value
            value = items
            node.placed[WHOLE] = tuple(items)
        else:
            node.placed[key] = value
        put(node.holder, key, value)

    def _home(self, step: Step) -> tuple[Node | None, Hashable]:
        if step.kind == "global":
            return self.names(*step.key), step.key[1]
        if step.kind == "cell":
            return self.add(step.key, FIXED), WHOLE
        if step.parent is None:
            return None, None
        return self.nodes[id(self.found[step.parent])], step.key

    def read(self, node: Node, kind: str, key: Any) -> Any:
        """What a place outside holds, known to the plan from now on."""
        holder: Any = node.holder
        now = holder[key] if isinstance(holder, list) else contents_of(node, key)
        if node.slot is None:
            return now
        if key in node.keys or self._written(node, key):
            return now
        node.keys.add(key)
        parent = None if node.slot == FIXED else node.slot
        if kind == "global":
            assert isinstance(holder, Names)
            self.see(None, kind, (holder.space, key), now)
        elif kind == "cell":
            self.see(None, kind, node.holder, now)
        else:
            self.see(parent, kind, key, now)
        return now

    def _written(self, node: Node, key: Hashable) -> bool:
        if isinstance(node.holder, list):
            return False
        before = node.placed.get(key, MISSING)
        return contents_of(node, key) is not before

    def see(self, parent: int | None, kind: str, key: Any, value: Any) -> int:
        """Put a read into the plan, if it is new there."""
        slot = self.plan.slot(parent, kind, key)
        if slot is None:
            step = Step.of(parent, kind, key, value, self.plan)
            slot = self.plan.add(step)
            self.found.append(value)
            self.grown = self.grown or step.holds is not None
        if is_mutable(value):
            self.add(value, slot)
        return slot

    def attribute(self, holder: Any, name: str, value: Any) -> Any:
        """An attribute that has been read."""
        node = self.nodes.get(id(holder))
        if node is None or node.slot is None:
            return value
        if name in vars(holder) or value is MISSING:
            return self.read(node, "attribute", name)
        if not callable(value) and not isinstance(value, jax.Array) and node.slot >= 0:
            self.see(node.slot, "class", name, value)
        return value

    def whole(self, value: Any) -> None:
        """A list or dict is read, or leaves our sight: all that it holds is."""
        node = self.nodes.get(id(value))
        if node is None or node.whole or node.slot is None:
            if node is None and type(value) is tuple:
                for item in value:
                    self.whole(item)
            return
        node.whole = True
        holder = node.holder
        if isinstance(holder, list | dict | set):
            if changes(node.placed, contents(holder)) and self.plan.whole(node.slot):
                self.grown = True
            self.plan.whole(node.slot)
            if node.slot != FIXED:
                sized = node.first[WHOLE] if not isinstance(holder, dict) else node.first
                self.see(node.slot, "size", None, tuple(sized) if isinstance(holder, dict) else len(sized))
        if isinstance(holder, list):
            for i in range(len(node.first[WHOLE])):
                if holder[i] is node.placed[WHOLE][i]:
                    self.whole(self.read(node, "item", i))
        elif isinstance(holder, dict):
            for key in node.first:
                if key in holder:
                    self.whole(self.read(node, "key", key))
        elif is_object(holder):
            for key in list(vars(holder)):
                self.whole(self.read(node, "attribute", key))

    # What is written.

    def mark(self) -> Mark:
        """What everything holds now."""
        return {i: contents(n.holder) for i, n in self.nodes.items()}

    def since(self, mark: Mark) -> dict[tuple[int, Hashable], Any]:
        """What was written since a mark, by node and key."""
        found = {}
        for i, node in self.nodes.items():
            before = mark.get(i)
            if before is None:
                if node.slot is None:
                    continue  # made since
                before = node.placed
            for key, value in changes(_known(node, before), contents(node.holder)).items():
                found[i, key] = value
        return found

    def back(self, mark: Mark) -> None:
        """Make everything hold what it held at a mark."""
        for i, node in self.nodes.items():
            wanted = mark.get(i)
            if wanted is not None:
                refill(node.holder, _known(node, wanted))
            elif node.slot is not None:
                refill(node.holder, node.placed)

    def restore(self) -> None:
        """Make everything outside hold what it held before the trace."""
        for node in self.nodes.values():
            if node.slot is not None:
                refill(node.holder, node.first)


def _known(node: Node, before: dict[Hashable, Any]) -> dict[Hashable, Any]:
    """What was held at a mark; global names that are watched only since then held what they hold outside."""
    return {**node.placed, **before} if isinstance(node.holder, Names) else before


def contents_of(node: Node, key: Hashable) -> Any:
    """What a holder has under one key."""
    return contents(node.holder).get(key, MISSING)
