"""From a trace to a compiled graph: one call of the converted function under `jax.jit`."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import jax

from antiphon.graph.hybrid._calls import converted_call, enter
from antiphon.graph.hybrid._contents import MISSING, WHOLE, contents, equal
from antiphon.graph.hybrid._explain import Report
from antiphon.graph.hybrid._heap import FIXED, Heap, Node
from antiphon.graph.hybrid._plan import Plan
from antiphon.graph.hybrid._record import Outcome, Record, Write
from antiphon.graph.hybrid._signals import Again
from antiphon.graph.hybrid._template import split
from antiphon.graph.hybrid._trace import Options, Path, Trace, plain, running


@dataclass(eq=False)
class Call:
    """One call, as the graph sees it.

    Args:
        leaves: Of the arguments; `None` in the place of those that are inputs of the graph.
        dynamic: Which leaves are inputs of the graph.
        structure: JAX's tree of the arguments.
        originals: The arguments as they were given.
    """

    leaves: list[Any]
    dynamic: tuple[bool, ...]
    structure: Any
    originals: Any

    def arguments(self, inputs: list[Any]) -> tuple[tuple, dict]:
        """Positional and named arguments, from the inputs of the graph."""
        given = iter(inputs)
        leaves = [next(given) if d else x for x, d in zip(self.leaves, self.dynamic, strict=True)]
        return jax.tree.unflatten(self.structure, leaves)

    def root(self, kind: str, key: Any) -> Any:
        """Where reads begin: an argument, or a container in one."""
        if kind == "argument":
            return self.leaves[key]
        value = self.originals
        for k in key:
            value = value[k]
        return value


@dataclass(eq=False)
class Graphed:
    """A function compiled under one set of assumptions.

    Args:
        f: The function.
        plan: What it reads outside.
        path: Values of the run that are assumed.
    """

    f: Callable[..., Any]
    plan: Plan
    path: Path
    options: Options
    report: Report
    strict: bool
    count: Callable[[], None]
    call: Call = field(init=False)
    found: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.run = jax.jit(self._trace)

    def _trace(self, inputs: list[Any], outside: list[Any]) -> Outcome:
        heap = Heap(self.plan, list(self.found))
        trace = Trace(heap, self.options, self.path, self.report, self.strict)
        try:
            heap.place(outside)
            args, kwargs = self.call.arguments(inputs)
            self._containers(heap, (args, kwargs), self.call.originals, ())
            for i, leaf in enumerate(self.call.leaves):
                if not self.call.dynamic[i]:
                    self._object(heap, i, leaf)
            with running(trace):
                result = converted_call(self.f, args, kwargs)
                outcome = self._outcome(trace, result)
            if heap.grown:
                raise Again
        finally:
            heap.restore()
        self.count()
        return outcome

    def _object(self, heap: Heap, i: int, leaf: Any) -> None:
        from antiphon.graph.hybrid._contents import is_object

        if is_object(leaf):
            heap.see(None, "argument", i, leaf)

    def _containers(self, heap: Heap, made: Any, given: Any, path: tuple) -> None:
        """Lists and dicts among the arguments: what is written into their copies is written into them."""
        if type(made) is not type(given):
            return
        if isinstance(made, list | dict) and path and path != (1,):
            slot = heap.see(None, "container", path, given)
            heap.nodes.pop(id(given), None)
            node = heap.add(made, slot)
            node.whole = True
        items = (
            made.items() if isinstance(made, dict) else enumerate(made) if type(made) in (list, tuple) else ()
        )
        for key, value in list(items):
            self._containers(heap, value, given[key], (*path, key))

    def _outcome(self, trace: Trace, result: Any) -> Outcome:
        heap, arrays = trace.heap, []
        made, template = split(heap, result)
        arrays += made
        start = len(arrays)
        writes: list[Write] = []
        for node in list(heap.nodes.values()):
            if node.slot is None:
                continue
            now = contents(node.holder)
            keys: list[Hashable] = [k for k in now if not equal(node.placed.get(k, MISSING), now[k])]
            for key in keys:
                value, more = now[key], False
                if isinstance(node.holder, list):
                    before = node.placed[WHOLE]
                    more = not node.whole and all(a is b for a, b in zip(before, value, strict=False))
                    value = list(value[len(before) :]) if more else list(value)
                made, how = split(heap, value, self._number(node, key))
                writes.append(Write(self._holder(node), key, _shift(how, len(arrays)), more))
                arrays += [plain(x) for x in made]
            writes += [Write(self._holder(node), k, None) for k in node.placed if k not in now]
        effects = []
        for effect in trace.effects:
            how = effect.template and _shift(effect.template, len(arrays))
            effects.append((effect.act, how, effect.region))
            arrays += effect.leaves
        record = Record(
            self.plan,
            template,
            tuple(writes),
            tuple(effects),
            tuple((site, expected, *rest) for site, _, expected, *rest in trace.assumed),
            start,
            trace.queue,
        )
        return Outcome(arrays, [flag for _, flag, *_ in trace.assumed], record)

    def _holder(self, node: Node) -> Any:
        return node.holder if node.slot == FIXED else node.slot

    def _number(self, node: Node, key: Hashable) -> type | None:
        first = node.first.get(key)
        return type(first) if isinstance(first, int | float) and not isinstance(first, bool) else None


def _shift(template: Any, by: int) -> Any:
    """A template whose arrays begin further on."""
    from dataclasses import replace

    parts = []
    for part in template.parts:
        if part[0] in ("array", "number"):
            part = (part[0], part[1] + by, *part[2:])
        elif part[0] == "padded":
            part = (part[0], part[1] + by, part[2] + by, part[3])
        elif part[0] in ("made", "object"):
            part = (part[0], part[1], _shift(part[2], by))
        parts.append(part)
    return replace(template, parts=tuple(parts))


__all__ = ["Call", "Graphed", "enter"]
