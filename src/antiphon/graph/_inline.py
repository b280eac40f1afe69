"""Calls of other functions, replaced by what they do."""

from __future__ import annotations

from dataclasses import replace

from antiphon.graph._graph import Atom, Equation, Graph, Value
from antiphon.graph._walk import fresh, with_bodies

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

    def walk(body: Graph, caller: Equation | None) -> None:
        for equation in body.equations:
            if caller is not None and equation.source is None:  # JAX keeps no lines inside what it compiles
                equation = replace(equation, source=caller.source, origin=caller.origin)
            inputs = tuple(map(read, equation.inputs))
            if equation.primitive in CALLS:
                callee = fresh(equation.params[CALLS[equation.primitive]])
                constants.update(callee.constants)
                now.update(zip(callee.inputs, inputs, strict=True))
                walk(callee, equation)
                now.update(zip(equation.outputs, map(read, callee.outputs), strict=True))
            else:
                equations.append(replace(with_bodies(equation, inlined), inputs=inputs))

    walk(graph, None)
    return replace(
        graph, equations=tuple(equations), outputs=tuple(map(read, graph.outputs)), constants=constants
    )
