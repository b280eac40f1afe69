"""Names of values: unique in a graph with its bodies, and short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from antiphon.graph._graph import Atom, Graph, Value


def named(graph: Graph, wanted: Mapping[Value, str] | None = None) -> Graph:
    """The same graph with a name of its own for every value.

    Args:
        graph: Any.
        wanted: Names for some of its inputs and constants; one that is asked for twice gets a number.
    """
    taken: set[str] = set()
    kept: dict[Value, str] = {}
    for value, name in (wanted or {}).items():
        free = next(n for n in _numbered(name or "x") if n not in taken)
        taken.add(free)
        kept[value] = free
    return _named(graph, kept, (n for n in letters() if n not in taken))


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{k}" for k in count(2))


def letters() -> Iterator[str]:
    """`a`, `b`, ..., `z`, `aa`, `ab`, and so on."""
    for number in count(1):
        name = ""
        while number:
            number, rest = divmod(number - 1, 26)
            name = "abcdefghijklmnopqrstuvwxyz"[rest] + name
        yield name


def _named(graph: Graph, kept: Mapping[Value, str], free: Iterator[str]) -> Graph:
    new: dict[Value, Value] = {}

    def own(value: Value) -> Value:
        new[value] = replace(value, name=kept.get(value) or next(free))
        return new[value]

    def read(atom: Atom) -> Atom:
        return new[atom] if isinstance(atom, Value) else atom

    def param(value: Any) -> Any:
        if isinstance(value, Graph):
            return _named(value, {}, free)
        if isinstance(value, tuple) and any(isinstance(v, Graph) for v in value):
            return tuple(param(v) for v in value)
        return value

    constants = {own(value): array for value, array in graph.constants.items()}
    inputs = tuple(map(own, graph.inputs))
    equations = []
    for equation in graph.equations:
        inward = tuple(map(read, equation.inputs))
        params = {k: param(v) for k, v in equation.params.items()}
        equations.append(
            replace(equation, inputs=inward, params=params, outputs=tuple(map(own, equation.outputs)))
        )
    outputs = tuple(map(read, graph.outputs))
    return replace(graph, inputs=inputs, equations=tuple(equations), outputs=outputs, constants=constants)
