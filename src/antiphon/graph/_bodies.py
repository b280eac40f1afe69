"""How the inputs and outputs of an equation belong to those of its nested bodies: one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from antiphon.graph._graph import Equation, Graph, Value


class Body(NamedTuple):
    """A body nested in an equation.

    Args:
        graph: The body.
        param: The parameter that holds it.
        index: Its place in that parameter, if that is a tuple.
        operands: For each input of the body the input of the equation that it always is; None for one that
            changes from step to step.
    """

    graph: Graph
    param: str
    index: int | None
    operands: tuple[int | None, ...]


def bodies(equation: Equation) -> list[Body]:
    """The bodies of a loop or branch, of which it is known how they are called; none for anything else."""
    return _BODIES[equation.primitive](equation) if equation.primitive in _BODIES else []


def with_graphs(equation: Equation, parts: Sequence[Body], graphs: Sequence[Graph]) -> Equation:
    """The same equation with other bodies, whose constants become inputs of it.

    Args:
        equation: A loop or branch.
        parts: Its bodies.
        graphs: What stands in place of each.
    """
    params = dict(equation.params)
    for part, graph in zip(parts, graphs, strict=True):
        if part.index is None:
            params[part.param] = graph
        else:
            held = params[part.param]
            params[part.param] = (*held[: part.index], graph, *held[part.index + 1 :])
    return replace(equation, params=params)


def lifted(equation: Equation, constants: dict[Value, Any]) -> Equation:
    """The same equation where what its bodies hold as constants comes in from outside.

    Args:
        equation: A loop or branch.
        constants: Those of the graph around it; what is lifted is added.
    """
    for k, part in enumerate(bodies(equation)):
        if part.graph.constants:
            equation = _lift(equation, k, constants)
    return equation


def _lift(equation: Equation, k: int, constants: dict[Value, Any]) -> Equation:
    parts = bodies(equation)
    body = parts[k].graph
    inner = tuple(body.constants)
    outer = tuple(replace(value) for value in inner)
    constants.update(zip(outer, body.constants.values(), strict=True))
    at_body, at_equation, counter = _CONSTS[equation.primitive](equation, parts[k])
    graphs = [part.graph for part in parts]
    graphs[k] = replace(body, inputs=_inserted(body.inputs, at_body, inner), constants={})
    if equation.primitive == "cond":  # all branches are called alike
        for j, part in enumerate(parts):
            if j != k:
                unused = tuple(replace(value) for value in inner)
                graphs[j] = replace(part.graph, inputs=_inserted(part.graph.inputs, at_body, unused))
    equation = with_graphs(equation, parts, graphs)
    params = dict(equation.params)
    if counter:
        params[counter] += len(inner)
    if "linear" in params:
        params["linear"] = _inserted(params["linear"], at_equation, (False,) * len(inner))
    return replace(equation, inputs=_inserted(equation.inputs, at_equation, outer), params=params)


def _inserted(items: Sequence[Any], at: int, more: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*items[:at], *more, *items[at:])


def _scan(equation: Equation) -> list[Body]:
    body, consts = equation.params["jaxpr"], equation.params["num_consts"]
    return [Body(body, "jaxpr", None, (*range(consts), *(None,) * (len(body.inputs) - consts)))]


def _while(equation: Equation) -> list[Body]:
    params = equation.params
    first, second = params["cond_nconsts"], params["body_nconsts"]
    states = (None,) * (len(equation.inputs) - first - second)
    return [
        Body(params["cond_jaxpr"], "cond_jaxpr", None, (*range(first), *states)),
        Body(params["body_jaxpr"], "body_jaxpr", None, (*range(first, first + second), *states)),
    ]


def _cond(equation: Equation) -> list[Body]:
    operands = tuple(range(1, len(equation.inputs)))
    return [Body(b, "branches", k, operands) for k, b in enumerate(equation.params["branches"])]


def _scan_consts(equation: Equation, part: Body) -> tuple[int, int, str]:
    consts = equation.params["num_consts"]
    return consts, consts, "num_consts"


def _while_consts(equation: Equation, part: Body) -> tuple[int, int, str]:
    first, second = equation.params["cond_nconsts"], equation.params["body_nconsts"]
    if part.param == "cond_jaxpr":
        return first, first, "cond_nconsts"
    return second, first + second, "body_nconsts"


def _cond_consts(equation: Equation, part: Body) -> tuple[int, int, str]:
    return len(part.graph.inputs), len(equation.inputs), ""


_BODIES: Mapping[str, Callable[[Equation], list[Body]]] = {"scan": _scan, "while": _while, "cond": _cond}
_CONSTS: Mapping[str, Callable[[Equation, Body], tuple[int, int, str]]] = {
    "scan": _scan_consts,
    "while": _while_consts,
    "cond": _cond_consts,
}
