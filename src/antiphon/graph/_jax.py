"""The border to JAX: the only module that knows how JAX keeps a graph inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import jax
import numpy as np
from jax.extend import core

from antiphon.graph._graph import Atom, Equation, Graph, Literal, Source, Value


def from_function(f: Callable[..., Any], *examples: Any) -> tuple[Graph, Any]:
    """The graph of a function over the leaves of its arguments, and the tree of what it gives.

    Args:
        f: What JAX can trace.
        examples: Arrays, or trees of arrays, or `jax.ShapeDtypeStruct` (whose shape may be symbolic).
    """
    closed, shape = jax.make_jaxpr(f, return_shape=True)(*examples)
    return from_jaxpr(closed), jax.tree.structure(shape)


def from_jaxpr(closed: core.ClosedJaxpr) -> Graph:
    """A graph from JAX's own."""
    return _graph(closed.jaxpr, closed.consts)


def _graph(jaxpr: core.Jaxpr, consts: Sequence[Any]) -> Graph:
    names = _names()
    known: dict[core.Var, Value] = {}

    def define(var: core.Var) -> Value:
        known[var] = Value(next(names), tuple(var.aval.shape), var.aval.dtype)
        return known[var]

    def read(atom: Any) -> Atom:
        if isinstance(atom, core.Literal):
            return Literal(np.asarray(atom.val, atom.aval.dtype))
        return known[atom]

    inputs = tuple(define(v) for v in jaxpr.invars)
    constants = {define(v): value for v, value in zip(jaxpr.constvars, consts, strict=True)}
    equations = tuple(
        Equation(
            primitive=eqn.primitive.name,
            inputs=tuple(read(v) for v in eqn.invars),
            outputs=tuple(define(v) for v in eqn.outvars),
            params={k: _param(v) for k, v in eqn.params.items()},
            source=_source(eqn),
            operation=eqn.primitive,
        )
        for eqn in jaxpr.eqns
    )
    return Graph(inputs, equations, tuple(read(v) for v in jaxpr.outvars), constants)


def _param(value: Any) -> Any:
    if isinstance(value, core.ClosedJaxpr):
        return from_jaxpr(value)
    if isinstance(value, core.Jaxpr):
        return _graph(value, ())
    if isinstance(value, tuple | list) and any(isinstance(v, core.ClosedJaxpr | core.Jaxpr) for v in value):
        return tuple(_param(v) for v in value)
    return value


def _source(eqn: core.JaxprEqn) -> Source | None:
    return None  # to be read from eqn.source_info


def _names() -> Any:
    letters = "abcdefghijklmnopqrstuvwxyz"
    for number in count():
        name = ""
        number += 1
        while number:
            number, rest = divmod(number - 1, 26)
            name = letters[rest] + name
        yield name
