"""What one graph gives: results, writes, effects and what it assumed, tied to the trace that made it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import jax

from antiphon.graph.hybrid._contents import MISSING, drop, put
from antiphon.graph.hybrid._plan import Plan
from antiphon.graph.hybrid._template import Template
from antiphon.graph.hybrid._values import plain


@dataclass(frozen=True, eq=False)
class Write:
    """A change of something outside, to be made after the run.

    Args:
        holder: The slot of what is written to, or the thing itself.
        key: Where in it.
        template: What is written; None if something is taken out.
        start: Number of arrays before its own.
        more: A list is longer by this.
    """

    holder: Any
    key: Hashable
    template: Template | None
    more: bool = False

    def make(self, arrays: list[Any], found: list[Any]) -> None:
        """Write it."""
        holder = found[self.holder] if isinstance(self.holder, int) else self.holder
        if self.template is None:
            drop(holder, self.key)
            return
        value = self.template.build(arrays, found)
        if self.more:
            holder.extend(value)
        else:
            put(holder, self.key, value)


@dataclass(eq=False)
class Record:
    """What is known since the trace.

    Args:
        plan: What the graph reads outside.
        result: How the result is built.
        writes: Changes to make.
        effects: (act, template, region) to do, in order.
        sites: Where something was assumed, what it was assumed to be, of which construct, and whether another
            graph could be made for what it is.
        start: Number of arrays of the result, which come first.
        queue: Effects of loops and branches, as they happened in the run.
    """

    plan: Plan
    result: Template
    writes: tuple[Write, ...]
    effects: tuple[tuple[Any, Template | None, int | None], ...]
    sites: tuple[Any, ...]
    start: int
    queue: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether anything outside is to be done."""
        return bool(self.writes or self.effects)

    def outside(self, arrays: list[Any]) -> list[Any]:
        """The arrays that go somewhere other than into the result."""
        return arrays[self.start :]

    def commit(self, arrays: list[Any], found: list[Any]) -> Any:
        """Do all that the run did outside, and give its result."""
        result = self.result.build(arrays, found)
        if self.changes:
            arrays = [plain(x) for x in arrays]
        if self.effects:
            self._act(arrays, found)
        for write in self.writes:
            write.make(arrays, found)
        return result

    def _act(self, arrays: list[Any], found: list[Any]) -> None:
        if any(region is not None for *_, region in self.effects):
            jax.effects_barrier()
        queue, self.queue[:] = list(self.queue), []
        for act, template, region in self.effects:
            if region is None:
                assert template is not None
                act(*template.build(arrays, found))
                continue
            for place, inner, parts, values in queue:
                if place == region:
                    inner(*parts.build(list(values), found))

    def discard(self) -> None:
        """Forget the effects of a run that was not right."""
        if any(region is not None for *_, region in self.effects):
            jax.effects_barrier()
        self.queue.clear()


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True)
class Outcome:
    """The arrays that a graph gives, with the record of the trace that made it."""

    arrays: list[Any]
    assumed: list[Any]
    record: Record

    def tree_flatten(self) -> tuple[tuple[list[Any], list[Any]], Record]:
        """For JAX."""
        return (self.arrays, self.assumed), self.record

    @classmethod
    def tree_unflatten(cls, record: Record, children: Any) -> Outcome:
        """For JAX."""
        arrays, assumed = children
        return cls(arrays, assumed, record)


__all__ = ["MISSING", "Outcome", "Record", "Write"]
