"""Calls of other functions, replaced by what they do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from antiphon.graph._graph import Atom, Equation, Graph, Source, Value

# What only groups equations: the parameter that holds the body.
CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "remat": "jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
}


def inlined(graph: Graph) -> Graph:
    """A graph without calls, in its bodies too; custom derivatives are no calls.

    Example:
        >>> import jax
        >>> from antiphon.graph._jax import from_function
        >>> graph, _ = from_function(jax.jit(lambda x: x * 2), 1.0)
        >>> [e.primitive for e in graph.equations], [e.primitive for e in inlined(graph).equations]
        (['jit'], ['mul'])
    """
    constants = dict(graph.constants)
    equations: list[Equation] = []
    now: dict[Value, Atom] = {}

    def read(atom: Atom) -> Atom:
        return now.get(atom, atom) if isinstance(atom, Value) else atom

    def walk(body: Graph, source: Source | None) -> None:
        for equation in body.equations:
            if equation.source is None:  # JAX keeps no lines inside its own compiled functions
                equation = replace(equation, source=source)
            inputs = tuple(map(read, equation.inputs))
            if equation.primitive in CALLS:
                callee = fresh(equation.params[CALLS[equation.primitive]])
                constants.update(callee.constants)
                now.update(zip(callee.inputs, inputs, strict=True))
                walk(callee, equation.source)
                now.update(zip(equation.outputs, map(read, callee.outputs), strict=True))
            else:
                params = {k: _inlined_param(v) for k, v in equation.params.items()}
                equations.append(replace(equation, inputs=inputs, params=params))

    walk(graph, None)
    return replace(
        graph, equations=tuple(equations), outputs=tuple(map(read, graph.outputs)), constants=constants
    )


def _inlined_param(value: Any) -> Any:
    if isinstance(value, Graph):
        return inlined(value)
    if isinstance(value, tuple) and any(isinstance(v, Graph) for v in value):
        return tuple(_inlined_param(v) for v in value)
    return value


def fresh(graph: Graph) -> Graph:
    """The same graph with values of its own, so that it can stand in one graph more than once."""
    new: dict[Value, Value] = {}

    def own(value: Value) -> Value:
        new[value] = replace(value)
        return new[value]

    def read(atom: Atom) -> Atom:
        return new[atom] if isinstance(atom, Value) else atom

    inputs = tuple(map(own, graph.inputs))
    constants = {own(value): array for value, array in graph.constants.items()}
    equations = tuple(
        replace(e, inputs=tuple(map(read, e.inputs)), outputs=tuple(map(own, e.outputs)))
        for e in graph.equations
    )
    return replace(
        graph,
        inputs=inputs,
        equations=equations,
        outputs=tuple(map(read, graph.outputs)),
        constants=constants,
    )
