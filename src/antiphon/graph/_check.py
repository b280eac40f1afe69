"""The specification of graphs: what holds of every one, before and after each pass."""

from __future__ import annotations

from typing import Any

from antiphon.errors import GraphError
from antiphon.graph._bodies import bodies
from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value
from antiphon.graph._interpret import place
from antiphon.graph._jax import abstract
from antiphon.graph._names import defined
from antiphon.graph._text import shape_text, type_text


def check(graph: Graph, *, after: str = "") -> None:
    """Refuse a graph that is not well formed.

    Every value is defined once, before it is read, under a name of its own; shapes and dtypes are those that
    JAX gives the primitive; bodies of loops and branches take and give what is passed to them.

    Args:
        graph: What is checked, with its bodies.
        after: What made the graph, for the message.

    Raises:
        GraphError: Names the pass, the equation and its line.

    Example:
        >>> from dataclasses import replace
        >>> from antiphon.graph import trace
        >>> graph = trace(lambda x: x + 1, 2.0)
        >>> check(graph)
        >>> check(replace(graph, inputs=()), after="a careless pass")
        Traceback (most recent call last):
            ...
        antiphon.errors.GraphError: After a careless pass: add reads x, which is not defined... Expected: ...
    """
    try:
        _check(graph)
        _check_trees(graph)
    except _MalformedError as error:
        raise GraphError(
            (f"After {after}: " if after else "") + str(error),
            "A graph whose equations read what is defined and give the shapes of their primitives.",
            "This is a defect of what made the graph: please report it with the function that was traced.",
        ) from None


class _MalformedError(Exception):
    """What is wrong, in words."""


def _check(graph: Graph) -> None:
    known: set[Value] = set()
    names: set[str] = set()
    for value in defined(graph):
        if value.name in names:
            raise _MalformedError(f"two values are called {value.name!r}.")
        names.add(value.name)
    for value, array in graph.constants.items():
        if tuple(array.shape) != tuple(value.shape) or array.dtype != value.dtype:
            raise _MalformedError(f"constant {value.name} holds {type_text(array)}, not {type_text(value)}.")
    known.update(graph.inputs, graph.constants)
    for equation in graph.equations:
        for atom in equation.inputs:
            if isinstance(atom, Value) and atom not in known:
                raise _MalformedError(
                    f"{equation.primitive} reads {atom.name}, which is not defined{place(equation)}."
                )
        _check_bodies(equation)
        _check_types(equation)
        known.update(equation.outputs)
    for atom in graph.outputs:
        if isinstance(atom, Value) and atom not in known:
            raise _MalformedError(f"the graph gives {atom.name}, which is not defined.")


def _check_types(equation: Equation) -> None:
    try:
        types = abstract(equation)
    except Exception as error:
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _MalformedError(f"JAX refuses {equation.primitive}{place(equation)}: {message}") from error
    declared = [(tuple(v.shape), v.dtype) for v in equation.outputs]
    if types != declared:
        given = ", ".join(f"{dtype}{shape_text(shape)}" for shape, dtype in types)
        said = ", ".join(map(type_text, equation.outputs))
        raise _MalformedError(f"{equation.primitive} gives {given} and not {said}{place(equation)}.")


def _check_bodies(equation: Equation) -> None:
    for body in equation.bodies:
        _check(body)
    for part in bodies(equation):
        if len(part.operands) != len(part.graph.inputs):
            raise _MalformedError(
                f"a body of {equation.primitive} has {len(part.graph.inputs)} inputs and is called with "
                f"{len(part.operands)}{place(equation)}."
            )
        for operand, value in zip(part.operands, part.graph.inputs, strict=True):
            if operand is not None:
                _same(equation, equation.inputs[operand], value)
    if equation.primitive in _ENDS:
        _ENDS[equation.primitive](equation)


def _scan(equation: Equation) -> None:
    params = equation.params
    body, consts, carry = params["jaxpr"], params["num_consts"], params["num_carry"]
    _count(equation, equation.inputs, body.inputs)
    _count(equation, equation.outputs, body.outputs)
    for k in range(carry):
        _same(equation, equation.inputs[consts + k], body.inputs[consts + k])
        _same(equation, body.outputs[k], body.inputs[consts + k])
    for outer, inner in [
        *zip(equation.inputs[consts + carry :], body.inputs[consts + carry :], strict=True),
        *zip(equation.outputs[carry:], body.outputs[carry:], strict=True),
    ]:
        if tuple(outer.shape) != (params["length"], *inner.shape) or outer.dtype != inner.dtype:
            raise _MalformedError(
                f"scan steps over {type_text(outer)} as {type_text(inner)}{place(equation)}."
            )


def _while(equation: Equation) -> None:
    params = equation.params
    asked, body = params["cond_jaxpr"], params["body_jaxpr"]
    first, second = params["cond_nconsts"], params["body_nconsts"]
    states = equation.inputs[first + second :]
    for group in (asked.inputs[first:], body.inputs[second:], body.outputs, equation.outputs):
        _count(equation, states, group)
        for state, value in zip(states, group, strict=True):
            _same(equation, state, value)
    if [type_text(v) for v in asked.outputs] != ["bool[]"]:
        raise _MalformedError(f"the question of a while gives more than one bool{place(equation)}.")


def _cond(equation: Equation) -> None:
    for branch in equation.params["branches"]:
        _count(equation, equation.outputs, branch.outputs)
        for outer, inner in zip(equation.outputs, branch.outputs, strict=True):
            _same(equation, outer, inner)


def _count(equation: Equation, outer: Any, inner: Any) -> None:
    if len(outer) != len(inner):
        raise _MalformedError(
            f"{equation.primitive} passes {len(outer)} values as {len(inner)}{place(equation)}."
        )


def _same(equation: Equation, outer: Atom, inner: Atom) -> None:
    if tuple(outer.shape) != tuple(inner.shape) or outer.dtype != inner.dtype:
        what = "a number" if isinstance(outer, Literal) else outer.name
        raise _MalformedError(
            f"{equation.primitive} passes {what}, {type_text(outer)}, as {type_text(inner)}{place(equation)}."
        )


def _check_trees(graph: Graph) -> None:
    if graph.trees is not None:
        for what, tree, values in [
            ("arguments", graph.trees.inputs, graph.inputs),
            ("results", graph.trees.outputs, graph.outputs),
        ]:
            if tree.num_leaves != len(values):
                raise _MalformedError(
                    f"{what} of the function hold {tree.num_leaves} arrays, the graph {len(values)}."
                )


_ENDS = {"scan": _scan, "while": _while, "cond": _cond}
