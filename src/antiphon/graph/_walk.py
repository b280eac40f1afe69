"""Going through a graph with its nested bodies, and building it anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from antiphon.graph._graph import Atom, Equation, Graph, Value


def all_graphs(graph: Graph) -> Iterator[Graph]:
    """A graph and all that is nested in it, the outer before the inner."""
    yield graph
    for equation in graph.equations:
        for body in equation.bodies:
            yield from all_graphs(body)


def all_equations(graph: Graph) -> Iterator[Equation]:
    """The equations of a graph and of all that is nested in it."""
    for part in all_graphs(graph):
        yield from part.equations


def with_bodies(equation: Equation, change: Callable[[Graph], Graph]) -> Equation:
    """An equation whose nested bodies are changed; itself if none of them is."""
    params = {k: changed(v, change) for k, v in equation.params.items()}
    if all(params[k] is v for k, v in equation.params.items()):
        return equation
    return replace(equation, params=params)


def rebuilt(graph: Graph, own: Callable[[Value], Value]) -> Graph:
    """The same graph with other values, in its bodies too.

    Args:
        graph: Any.
        own: What stands in place of a value where it is defined.
    """
    new: dict[Value, Value] = {}

    def define(value: Value) -> Value:
        new[value] = own(value)
        return new[value]

    def read(atom: Atom) -> Atom:
        return new[atom] if isinstance(atom, Value) else atom

    inputs = tuple(map(define, graph.inputs))
    constants = {define(value): array for value, array in graph.constants.items()}
    equations = tuple(
        replace(
            with_bodies(equation, lambda body: rebuilt(body, own)),
            inputs=tuple(map(read, equation.inputs)),
            outputs=tuple(map(define, equation.outputs)),
        )
        for equation in graph.equations
    )
    outputs = tuple(map(read, graph.outputs))
    return replace(graph, inputs=inputs, equations=equations, outputs=outputs, constants=constants)


def fresh(graph: Graph) -> Graph:
    """The same graph with values of its own, so that it can stand in one graph more than once."""
    return rebuilt(graph, lambda value: replace(value))


def changed(value: Any, change: Callable[[Graph], Any]) -> Any:
    """A parameter in which graphs, alone or in a tuple, are changed; itself if there are none."""
    if isinstance(value, Graph):
        return change(value)
    if isinstance(value, tuple | list) and any(isinstance(v, Graph) for v in value):
        parts = [changed(v, change) for v in value]
        if all(a is b for a, b in zip(parts, value, strict=True)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value
