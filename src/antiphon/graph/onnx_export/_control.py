"""Loops and branches: Scan, Loop and If, whose bodies see all that is around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from antiphon.graph._graph import Atom
from antiphon.graph.onnx_export._elementwise import where_dtype
from antiphon.graph.onnx_export._emit import emit
from antiphon.graph.onnx_export._rules import Equation, Rules, Scope
from antiphon.graph.onnx_export._scope import declared

RULES = Rules()

Typed = tuple[str, Sequence[Any], Any]  # name, shape, dtype
Line = tuple[str, Sequence[Any], Any, int]  # name, shape of an entry, dtype, axis that the entries lie along


@RULES("scan")
def _scan(scope: Scope, equation: Equation, *names: str) -> tuple[str, ...]:
    params, body = equation.params, equation.params["jaxpr"]
    fixed, carried = params["num_consts"], params["num_carry"]
    consts = names[:fixed]
    inputs, outputs = body.inputs[fixed:], body.outputs
    states = [(n, v.shape, v.dtype) for n, v in zip(names[fixed:], inputs[:carried], strict=False)]
    lines = [
        (n, v.shape, v.dtype, 0) for n, v in zip(names[fixed + carried :], inputs[carried:], strict=True)
    ]
    kept = [(v.shape, v.dtype, 0) for v in outputs[carried:]]
    length = params["length"]
    if isinstance(length, int | np.integer) and length == 0:
        return (*names[fixed : fixed + carried], *(scope.constant(np.zeros((0, *s)), d) for s, d, _ in kept))
    counted = not lines
    if counted:  # Scan must have something to run over
        lines = [(scope.iota(length), (), np.dtype(np.int64), 0)]

    def step(inner: Scope, *given: str) -> tuple[str, ...]:
        return emit(inner, body, [*consts, *(given[:-1] if counted else given)])

    return scan(scope, step, states, lines, kept, reverse=params["reverse"])


def scan(
    scope: Scope,
    step: Callable[..., Sequence[str]],
    states: Sequence[Typed],
    lines: Sequence[Line],
    kept: Sequence[tuple[Sequence[Any], Any, int]],
    *,
    reverse: bool,
) -> tuple[str, ...]:
    """A Scan node.

    Args:
        scope: Gets the node.
        step: `(scope of the body, *states, *entries) -> (*states, *entries kept)`.
        states: What goes from step to step, at the start.
        lines: What it runs over.
        kept: Shape, dtype and axis of what each step gives.
        reverse: From the last entry to the first.

    Returns:
        The last states, then what was kept.
    """
    inner = scope.nested()
    inputs = [
        declared(scope.model.fresh(stem), shape, dtype)
        for stem, given in (("state", states), ("entry", lines))
        for _, shape, dtype, *_ in given
    ]
    results = distinct(inner, step(inner, *(i.name for i in inputs)), {i.name for i in inputs})
    types = [(shape, dtype) for _, shape, dtype in states] + [(shape, dtype) for shape, dtype, _ in kept]
    body = helper.make_graph(
        inner.nodes,
        scope.model.fresh("step"),
        inputs,
        [declared(n, *type_) for n, type_ in zip(results, types, strict=True)],
    )
    direction = int(reverse)
    attributes: dict[str, Any] = {"body": body, "num_scan_inputs": len(lines)}
    if reverse:
        attributes["scan_input_directions"] = [direction] * len(lines)
    if any(axis for *_, axis in lines):
        attributes["scan_input_axes"] = [axis for *_, axis in lines]
    if kept and reverse:
        attributes["scan_output_directions"] = [direction] * len(kept)
    if any(axis for *_, axis in kept):
        attributes["scan_output_axes"] = [axis for *_, axis in kept]
    given = [name for name, *_ in (*states, *lines)]
    return scope.ops("Scan", *given, count=len(results), **attributes)


@RULES("while")
def _while(scope: Scope, equation: Equation, *names: str) -> tuple[str, ...]:
    params = equation.params
    first, second = params["cond_nconsts"], params["body_nconsts"]
    for_cond, for_body = names[:first], names[first : first + second]
    start, carried = names[first + second :], params["body_jaxpr"].outputs
    # Over a batch the condition has a shape, and each case stands still when its own fails.
    live = params["cond_jaxpr"].outputs[0].shape

    def condition(here: Scope, state: Sequence[str]) -> tuple[str, list[str]]:
        """Whether to go on, and for which cases."""
        (found,) = emit(here, params["cond_jaxpr"], [*for_cond, *state])
        if not live:
            return found, []
        flat = here.reshape(here.cast(found, np.int32, np.bool_), (-1,))
        most = here.op("ReduceMax", flat, here.ints(0), keepdims=0)
        return here.cast(most, np.bool_, np.int32), [found]

    goes_on, cases = condition(scope, start)
    inner = scope.nested()
    inputs = [
        declared(scope.model.fresh("turn"), (), np.dtype(np.int64)),
        declared(scope.model.fresh("goes_on"), (), np.dtype(np.bool_)),
        *(declared(scope.model.fresh("state"), v.shape, v.dtype) for v in carried),
        *(declared(scope.model.fresh("live"), live, np.dtype(np.bool_)) for _ in cases),
    ]
    before = [i.name for i in inputs[2 : 2 + len(carried)]]
    state = emit(inner, params["body_jaxpr"], [*for_body, *before])
    if cases:
        state = tuple(
            chosen(inner, inputs[-1].name, len(live), new, old, v)
            for new, old, v in zip(state, before, carried, strict=True)
        )
    again, cases_after = condition(inner, state)
    results = distinct(inner, (again, *state, *cases_after), {i.name for i in inputs})
    types = [((), np.dtype(np.bool_)), *((v.shape, v.dtype) for v in carried)]
    types += [(live, np.dtype(np.bool_)) for _ in cases]
    body = helper.make_graph(
        inner.nodes,
        scope.model.fresh("body"),
        inputs,
        [declared(n, *type_) for n, type_ in zip(results, types, strict=True)],
    )
    given = [*start, *cases]
    return scope.ops("Loop", "", goes_on, *given, count=len(given), body=body)[: len(start)]


def chosen(scope: Scope, live: str, rank: int, new: str, old: str, value: Atom) -> str:
    """`new` for the cases that are live, else `old`; the first `rank` axes are those of the cases."""
    wide = scope.unsqueeze(live, range(rank, len(value.shape)))
    held = where_dtype(value.dtype)
    cast = (scope.cast(n, held, value.dtype) for n in (new, old))
    return scope.cast(scope.op("Where", wide, *cast), value.dtype, held)


@RULES("cond")
def _cond(scope: Scope, equation: Equation, which: str, *names: str) -> tuple[str, ...]:
    index = equation.inputs[0]
    number = scope.cast(which, np.int32, index.dtype)
    return _choose(scope, equation, number, 0, names)


def _choose(
    scope: Scope, equation: Equation, number: str, lowest: int, names: Sequence[str]
) -> tuple[str, ...]:
    """The branch of a number, of those from `lowest` on: an If for each but the last."""
    branches = equation.params["branches"]
    if lowest == len(branches) - 1:
        return emit(scope, branches[lowest], names)
    here = scope.op("LessOrEqual", number, scope.constant(lowest, np.int32))
    first, rest = scope.nested(), scope.nested()
    return scope.ops(
        "If",
        here,
        count=len(equation.outputs),
        then_branch=_branch(first, equation, emit(first, branches[lowest], names)),
        else_branch=_branch(rest, equation, _choose(rest, equation, number, lowest + 1, names)),
    )


def _branch(inner: Scope, equation: Equation, results: Sequence[str]) -> onnx.GraphProto:
    outputs = [
        declared(n, v.shape, v.dtype)
        for n, v in zip(distinct(inner, results, ()), equation.outputs, strict=True)
    ]
    return helper.make_graph(inner.nodes, inner.model.fresh("branch"), [], outputs)


def distinct(inner: Scope, names: Sequence[str], inputs: Any) -> list[str]:
    """Outputs of a body as ONNX wants them: each made by a node of the body, each once."""
    made = {name for node in inner.nodes for name in node.output} - set(inputs)
    found: list[str] = []
    for name in names:
        found.append(inner.op("Identity", name) if name not in made or name in found else name)
    return found
