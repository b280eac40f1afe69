"""`for` and `while` inside a graph: the body is traced until what it carries is known, then rolled up."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from antiphon.graph.hybrid._branch import (
    OWN,
    Collector,
    Out,
    Value,
    choose,
    is_undefined,
    truth,
)
from antiphon.graph.hybrid._contents import MISSING, WHOLE, contents, put
from antiphon.graph.hybrid._lower import lower_for, lower_while
from antiphon.graph.hybrid._rows import Rows
from antiphon.graph.hybrid._signals import Reason, Unstructured, here
from antiphon.graph.hybrid._trace import Trace
from antiphon.graph.hybrid._values import (
    Different,
    Earlier,
    Maybe,
    Segment,
    Spec,
    flatten,
    is_array,
    same,
    stage,
    traced,
)

ROUNDS = 8  # of tracing a body before giving up


@dataclass
class Slot:
    """A variable, or a written place, that goes round with the loop.

    Args:
        name: For messages.
        value: Before the loop; an undefined one is filled once its kind is known.
        specs: Of each leaf that is carried; None for one that stays as it is.
        defined: True; or False before the loop, and then carried.
        appends: A list that the loop only appends to.
        widened: Whether a round gives another kind of number than there was before, as `total = 0` and then
            `total + x[i]`: without any round Python leaves the first.
    """

    name: str
    value: Value
    specs: list[Spec | None]
    defined: bool = True
    appends: bool = False
    widened: bool = False

    @staticmethod
    def of(name: str, value: Any) -> Slot:
        if isinstance(value, Maybe):
            raise Different(f"`{value.name}` may be undefined before it")
        if is_undefined(value):
            return Slot(name, Value([value], jax.tree.structure(0), False), [None], False)
        leaves, structure = flatten(value)
        specs = [Spec.of(x) if is_array(x) else None for x in leaves]
        return Slot(name, Value(leaves, structure), specs)

    @property
    def carried(self) -> list[Spec]:
        """The types of the arrays that go round."""
        flag = [] if self.defined or not self.filled else [Spec((), jnp.dtype(bool), False)]
        return [s for s in self.specs if s is not None] + flag

    @property
    def filled(self) -> bool:
        return self.value.defined is not False or not is_undefined(self.value.leaves[0])

    def initial(self) -> list[Any]:
        """The arrays before the first round."""
        found = [s.cast(x) for s, x in zip(self.specs, self.value.leaves, strict=True) if s is not None]
        return found + [jnp.asarray(False)] * (len(self.carried) - len(found))

    def build(self, arrays: list[Any]) -> Any:
        """The value, from the arrays that went round."""
        given = iter(arrays)
        leaves = [
            next(given) if s is not None else x for s, x in zip(self.specs, self.value.leaves, strict=True)
        ]
        value = jax.tree.unflatten(self.value.structure, leaves)
        rest = list(given)
        if rest and not self.name.startswith(OWN):
            return Maybe(self.name, value, rest[0])
        return value

    def grow(self, out: Value) -> bool:
        """Make room for what a round gives; whether anything had to change."""
        if out.defined is False:
            return False
        if not self.filled:
            self.value = Value([_fill(x) for x in out.leaves], out.structure, False)
            self.specs = [
                x.spec if isinstance(x, Out) else Spec.of(x) if is_array(x) else None for x in out.leaves
            ]
            return True
        if self.value.structure != out.structure:
            raise Different(f"{self.value.structure} before it and {out.structure} after a round")
        grown = False
        for i, (leaf, spec, new) in enumerate(zip(self.value.leaves, self.specs, out.leaves, strict=True)):
            if spec is None and not isinstance(new, Out) and same(leaf, new):
                continue
            other = new.spec if isinstance(new, Out) else Spec.of(new)
            mine = spec or Spec.of(leaf)
            if mine is None or other is None:
                raise Different(f"{leaf!r} before it and {new!r} after a round")
            joined = mine.join(other)
            if joined != spec:
                self.specs[i], grown = joined, True
                self.widened |= joined.dtype.kind != mine.dtype.kind
        return grown


def _fill(leaf: Any) -> Any:
    return leaf.spec.zeros() if isinstance(leaf, Out) else leaf


class Roll:
    """A loop that is being rolled up."""

    def __init__(self, trace: Trace, get: Any, set_: Any, names: tuple[str, ...], construct: str) -> None:
        self.trace, self.get, self.set, self.construct = trace, get, set_, construct
        self.mark = trace.heap.mark()
        self.places: list[tuple[int, Hashable]] = []
        start = get()
        self.start = start
        self.slots: list[Slot] = []
        for name, value in zip(names, start, strict=True):
            self.slots.append(self._named(name, lambda n=name, v=value: Slot.of(n, v)))
        self.vars = len(start)
        self.checked = False
        self.outer = [
            x for h in (start, *(m.values() for m in self.mark.values())) for v in h for x in flatten(v)[0]
        ]

    def _named(self, name: str, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Different as error:
            name = "what it returns" if name.startswith("retval_") else f"`{name}`"
            why = f"{name} does not keep one shape and type from round to round: {error}."
            advice = "Give it its final shape and type before the loop."
            raise Unstructured(Reason(here(), self.construct, why, advice)) from None

    def needs_a_round(self, any_: Callable[[], Any]) -> None:
        """Where the first round changes what kind of number a variable is, assume that there is one."""
        if any(slot.widened for slot in self.slots) and not self.trace.strict:
            self.trace.check(any_(), self.construct)

    # One round.

    def specs(self) -> list[Spec]:
        """Of all that goes round."""
        flag = [Spec((), jnp.dtype(bool), False)] if self.checked else []
        return [s for slot in self.slots for s in slot.carried] + flag

    def initial(self) -> list[Any]:
        """All that goes round, before the first round."""
        flag = [jnp.asarray(True)] if self.checked else []
        return [x for slot in self.slots for x in slot.initial()] + flag

    def place(self, arrays: list[Any]) -> Any:
        """Give the variables and places what went round; the rest of the arrays."""
        heap, at, values = self.trace.heap, 0, []
        heap.back(self.mark)
        for slot in self.slots:
            count = len(slot.carried)
            values.append([Earlier()] if slot.appends else slot.build(arrays[at : at + count]))
            at += count
        self.set(tuple(values[: self.vars]))
        for (i, key), value in zip(self.places, values[self.vars :], strict=True):
            if value is not MISSING:
                put(heap.nodes[i].holder, key, value)
        return arrays[at:]

    def round(self, arrays: list[Any], body: Callable[[], None]) -> tuple[list[Any], dict[str, Any]]:
        """Trace the body once, from the arrays that go round."""
        heap, known = self.trace.heap, {}
        rest = self.place(arrays)
        mark = heap.mark()
        with self.trace.inside(self.construct) as level:
            body()
            collect = Collector(self.outer)
            known["vars"] = [collect.value(v) for v in self.get()]
            now = [contents(heap.nodes[i].holder).get(key, MISSING) for i, key in self.places]
            known["places"] = [
                self._appended(slot, v, collect) if slot.appends else collect.value(v)
                for slot, v in zip(self.slots[self.vars :], now, strict=True)
            ]
            written = {p: v for p, v in heap.since(mark).items() if p not in self.places}
            known["new"] = list(written)
            known["lists"] = {p for p, v in written.items() if self._only_appends(p, v)}
            flags = [*level.checks, *(rest[:1] if self.checked else [])]
            known["check"] = collect.leaf(jnp.stack(flags).all()) if flags else None
        return collect.arrays, known

    def _appended(self, slot: Slot, now: Any, collect: Collector) -> Value:
        if not now or type(now[0]) is not Earlier:
            raise Unstructured(
                Reason(
                    here(), self.construct, f"the loop changes {slot.name} in more ways than by appending."
                )
            )
        return collect.value(now[1:])

    def _only_appends(self, place: tuple[int, Hashable], now: Any) -> bool:
        if place[1] is not WHOLE or not isinstance(self.trace.heap.nodes[place[0]].holder, list):
            return False
        before = self.mark.get(place[0], self.trace.heap.nodes[place[0]].placed)[WHOLE]
        return len(now) > len(before) and all(a is b for a, b in zip(before, now, strict=False))

    def settle(self, body: Callable[[list[Any]], None], more: list[Spec]) -> tuple[Any, dict[str, Any]]:
        """Trace the body until all that goes round is known."""
        for _ in range(ROUNDS):
            known: dict[str, Any] = {}
            carried = len(self.specs())
            effects = len(self.trace.effects)

            def run(*arrays: Any, carried: int = carried, known: dict = known) -> tuple[list[Any], None]:
                leaves, found = self.round(list(arrays[:carried]), lambda: body(list(arrays[carried:])))
                known.update(found)
                return leaves, None

            try:
                call, *_ = stage(run, [*self.specs(), *more])
            finally:
                self.trace.heap.back(self.mark)
                self.set(self.start)
            if not self._grow(known):
                return call, known
            del self.trace.effects[effects:]
        raise Unstructured(Reason(here(), self.construct, "what it carries grows from round to round."))

    def _grow(self, known: dict[str, Any]) -> bool:
        grown = False
        for slot, out in zip(self.slots, [*known["vars"], *known["places"]], strict=True):
            if not slot.appends:
                grown |= self._named(slot.name, lambda s=slot, o=out: s.grow(o))
        for place in known["new"]:
            node = self.trace.heap.nodes[place[0]]
            before = self.mark.get(place[0], node.placed).get(place[1], MISSING)
            name = f"{type(node.holder).__name__}.{place[1]}"
            slot = self._named(name, lambda n=name, b=before: Slot.of(n, b))
            if place in known["lists"]:
                slot = Slot(name, slot.value, [None] * len(slot.specs), appends=True)
            self.places.append(place)
            self.slots.append(slot)
            grown = True
        if known["check"] is not None and not self.checked:
            self.checked = grown = True
        return grown

    def carry(self, known: dict[str, Any], outs: list[Any]) -> list[Any]:
        """What goes round next, out of what a round gave."""
        found = []
        for slot, out in zip(self.slots, [*known["vars"], *known["places"]], strict=True):
            if slot.appends:
                continue
            leaves = out.leaves if out.defined is not False else slot.value.leaves
            found += [
                s.cast(outs[x.place] if isinstance(x, Out) else x)
                for s, x in zip(slot.specs, leaves, strict=True)
                if s is not None
            ]
            if len(slot.carried) > sum(s is not None for s in slot.specs):
                flag = out.defined
                found.append(outs[flag.place] if isinstance(flag, Out) else jnp.asarray(flag))
        if self.checked:
            found.append(outs[known["check"].place])
        return found

    def finish(
        self, arrays: list[Any], known: dict[str, Any], stacked: list[Any], rounds: int, length: Any = None
    ) -> None:
        """Leave variables and places as after the last round."""
        heap, at = self.trace.heap, 0
        values, items = [], iter(stacked)
        for slot, out in zip(self.slots, [*known["vars"], *known["places"]], strict=True):
            count = len(slot.carried)
            value = slot.build(arrays[at : at + count])
            at += count
            if slot.appends:
                value = [*value, *_segments(out, items, rounds, length)]
            values.append(value)
        self.set(tuple(values[: self.vars]))
        for (i, key), value in zip(self.places, values[self.vars :], strict=True):
            put(heap.nodes[i].holder, key, value)
        if self.checked:
            self.trace.check(arrays[at], self.construct)


def _segments(out: Value, items: Any, rounds: int, count: Any) -> list[Any]:
    """What the rounds have appended, as parts of the list."""
    leaves = [next(items) if isinstance(x, Out) else [x] * rounds for x in out.leaves]
    each = jax.tree.structure(out.structure.unflatten(range(len(leaves)))).children()
    if len(each) == 1 and all(isinstance(x, jax.Array) for x in leaves):
        return [Segment(rounds, jax.tree.unflatten(each[0], leaves), count)]
    if count is not None:
        raise Unstructured(Reason(here(), "for", "it appends more than one thing a round."))
    appended = []
    for k in range(rounds):
        appended.extend(jax.tree.unflatten(out.structure, [x[k] for x in leaves]))
    return appended


def for_rows(
    trace: Trace,
    over: Rows,
    test: Any,
    body: Any,
    get: Any,
    set_: Any,
    names: tuple[str, ...],
    construct: str,
) -> None:
    """A loop over the rows of arrays, as a scan."""
    trace.heap.adopt(body.__closure__ or ())
    roll = Roll(trace, get, set_, names, construct)
    leaves, structure = jax.tree.flatten(over.arrays)

    def turn(arrays: list[Any]) -> None:
        item = over.make(jax.tree.unflatten(structure, arrays[1:]), arrays[0])
        go = True if test is None else test()
        if traced(go):
            choose(trace, go, lambda: body(item), lambda: None, get, set_, names, construct)
        elif go:
            body(item)

    specs = [Spec((), jnp.asarray(0).dtype, True)]
    specs += [Spec(tuple(a.shape[1:]), a.dtype, bool(a.aval.weak_type)) for a in map(jnp.asarray, leaves)]
    call, known = roll.settle(turn, specs)
    appended = [
        x
        for slot, out in zip(roll.slots, [*known["vars"], *known["places"]], strict=True)
        if slot.appends
        for x in out.leaves
        if isinstance(x, Out)
    ]
    arrays, stacked = lower_for(roll, call, known, leaves, over, appended)
    if over.count is not None:
        roll.needs_a_round(lambda: jnp.asarray(over.count) > 0)
    roll.finish(arrays, known, stacked, over.length, over.count)


def while_true(
    trace: Trace,
    test: Callable[[], Any],
    body: Callable[[], None],
    get: Any,
    set_: Any,
    names: tuple[str, ...],
    construct: str,
) -> None:
    """A loop whose number of rounds is known only when the graph runs."""
    heap = trace.heap
    heap.adopt(body.__closure__ or ())  # pyright: ignore[reportFunctionMemberAccess]
    heap.adopt(test.__closure__ or ())  # pyright: ignore[reportFunctionMemberAccess]
    roll = Roll(trace, get, set_, names, construct)
    call, known = roll.settle(lambda arrays: body(), [])
    if any(slot.appends for slot in roll.slots):
        why = "it appends to a list, and how often is known only when the graph runs."
        raise Unstructured(Reason(here(), construct, why, "Write into an array of a fixed length."))

    def condition(*arrays: Any) -> tuple[list[Any], None]:
        roll.place(list(arrays))
        mark = heap.mark()
        with trace.inside(construct) as level:
            result = truth(jnp.asarray(test()))
            if level.checks or heap.since(mark):
                raise Unstructured(
                    Reason(here(), construct, "its condition does more than give a truth value.")
                )
        return [result], None

    try:
        until, *_ = stage(condition, roll.specs())
    finally:
        heap.back(roll.mark)
        set_(roll.start)
    arrays, finished = lower_while(roll, call, known, until)
    roll.needs_a_round(lambda: until(*roll.initial())[0])
    roll.finish(arrays, known, [], 0)
    if finished is not None:
        trace.check(finished, construct)
