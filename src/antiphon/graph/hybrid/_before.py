"""The call before, made again: where nothing is assumed and nothing written, little has to be looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax

from antiphon.graph.hybrid._build import Call, Graphed
from antiphon.graph.hybrid._plan import Changed
from antiphon.graph.hybrid._record import Record
from antiphon.graph.hybrid._signals import Signal
from antiphon.graph.hybrid._values import traced


@dataclass(frozen=True, eq=False)
class Before:
    """A graph, and the arguments that it is known to be right for.

    Args:
        graph: Which assumes nothing that only its run shows.
        record: Of the trace that ran.
        structure: JAX's tree of the arguments.
        dynamic: Which leaves are inputs of the graph.
        expected: For an input its class, shape, type and weakness; for any other leaf the leaf itself.
    """

    graph: Graphed
    record: Record
    structure: Any
    dynamic: tuple[bool, ...]
    expected: list[Any]

    @staticmethod
    def of(graph: Graphed, record: Record | None, call: Call, inputs: list[Any]) -> Before | None:
        """After a run that was right; None if the next one may have to look further."""
        if record is None or any(not isinstance(x, jax.Array) or traced(x) for x in inputs):
            return None
        known = iter([(type(x), x.shape, x.dtype, x.weak_type) for x in inputs])
        expected = [next(known) if d else x for x, d in zip(call.leaves, call.dynamic, strict=True)]
        return Before(graph, record, call.structure, call.dynamic, expected)

    def fits(self, leaves: list[Any], structure: Any) -> bool:
        """Whether arguments are of the same kind."""
        if structure != self.structure:
            return False
        for leaf, dynamic, expected in zip(leaves, self.dynamic, self.expected, strict=True):
            if not dynamic:
                if leaf is not expected:
                    return False
                continue
            kind, shape, dtype, weak = expected
            if type(leaf) is not kind:
                return False
            aval = leaf.aval
            if aval.shape != shape or aval.dtype != dtype or aval.weak_type != weak:
                return False
        return True

    def run(self, leaves: list[Any], args: tuple, kwargs: dict) -> tuple[bool, Any]:
        """Run the graph: whether that was right, and the result."""
        graph, dynamic = self.graph, self.dynamic
        still = [None if d else x for x, d in zip(leaves, dynamic, strict=True)]
        call = Call(still, dynamic, self.structure, (args, kwargs))
        try:
            found = graph.plan.find(call.root)
        except Changed:
            return False, None
        if len(found) < len(graph.plan.steps):
            return False, None
        graph.call, graph.found = call, found
        inputs = [x for x, d in zip(leaves, dynamic, strict=True) if d]
        try:
            outcome = graph.run(inputs, graph.plan.inputs(found))
        except (Signal, Exception):  # As when a setting of JAX has changed: told where all is looked up.
            return False, None
        if outcome.record is not self.record:
            return False, None
        return True, self.record.commit(outcome.arrays, found)
