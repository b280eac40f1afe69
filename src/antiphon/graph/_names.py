"""Names of values: unique in a graph with its bodies, short, and the user's own where they are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from keyword import iskeyword

from antiphon.graph._graph import Graph, Value
from antiphon.graph._walk import all_graphs, rebuilt


def named(graph: Graph, wanted: Mapping[Value, str] | None = None) -> Graph:
    """The same graph where every value has a name of its own.

    Args:
        graph: Any. A value whose name is empty gets a letter; of two of one name the second gets a number.
        wanted: Names for some of its values in place of those that they have.

    Example:
        >>> from antiphon.graph import Equation, Graph, Value
        >>> x, y = Value("x", (), "float32"), Value("", (), "float32")
        >>> named(Graph((x,), (Equation("neg", (x,), (y,)),), (y,))).outputs[0].name
        'a'
    """
    wanted = wanted or {}
    values = [v for g in all_graphs(graph) for v in defined(g)]
    taken: set[str] = set()
    names: dict[Value, str] = {}
    for value in values:
        name = wanted.get(value, value.name)
        if name:
            names[value] = next(n for n in _numbered(name) if n not in taken)
            taken.add(names[value])
    free = (name for name in letters() if name not in taken)
    for value in values:
        if value not in names:
            names[value] = next(free)
    if all(names[value] == value.name for value in values):
        return graph
    return rebuilt(graph, lambda value: replace(value, name=names[value]))


def defined(graph: Graph) -> Iterator[Value]:
    """Every value that a graph defines itself: inputs, constants, what its equations give."""
    yield from graph.inputs
    yield from graph.constants
    for equation in graph.equations:
        yield from equation.outputs


def letters() -> Iterator[str]:
    """`a`, `b`, ..., `z`, `aa`, `ab`, and so on, without words of Python such as `as`."""
    for number in count(1):
        name = ""
        while number:
            number, rest = divmod(number - 1, 26)
            name = "abcdefghijklmnopqrstuvwxyz"[rest] + name
        if not iskeyword(name):
            yield name


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{k}" for k in count(2))
