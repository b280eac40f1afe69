"""Sums, extremes and the like: over whole axes, and along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from antiphon.graph._graph import Graph
from antiphon.graph.onnx_export._elementwise import is_float, wide
from antiphon.graph.onnx_export._rules import Equation, Rules, Scope
from antiphon.graph.onnx_export._scope import refuse

RULES = Rules()


@RULES("reduce_sum", "reduce_prod", "reduce_max", "reduce_min")
def _reduce(scope: Scope, equation: Equation, x: str) -> str:
    return _reduced(scope, equation, x, equation.primitive, equation.params["axes"])


@RULES("reduce")
def _reduce_by_body(scope: Scope, equation: Equation, *names: str) -> str:
    primitive, axes, dtype = body_of(equation), equation.params["dimensions"], equation.inputs[0].dtype
    start = scope.cast(names[1], wide(dtype), dtype)
    result = _reduced(scope, equation, names[0], f"reduce_{primitive}", axes)
    kind = {"sum": "Add", "prod": "Mul"}.get(primitive, primitive.capitalize())
    both = scope.op(kind, scope.cast(result, wide(dtype), dtype), start)
    return scope.cast(both, dtype, wide(dtype))


def body_of(equation: Equation) -> str:
    """What a function of two numbers does, if it is a sum, a product or an extreme of them."""
    body: Graph = equation.params["jaxpr"]
    if len(body.equations) == 1 and len(body.inputs) == 2 and len(body.outputs) == 1:
        (only,) = body.equations
        name = {"add": "sum", "mul": "prod", "max": "max", "min": "min"}.get(only.primitive)
        if name and set(only.inputs) == set(body.inputs) and body.outputs == only.outputs:
            return name
    raise refuse(equation, "A reduction by a function of one's own", "Use a sum, a product, max or min.")


def _reduced(scope: Scope, equation: Equation, x: str, primitive: str, axes: Sequence[int]) -> str:
    if not axes:
        return x
    dtype = equation.inputs[0].dtype
    kind = "Reduce" + primitive.removeprefix("reduce_").capitalize()
    held = wide(dtype)
    if held == np.uint64:
        raise refuse(equation, "ONNX runtimes do not calculate with uint64", "Use int64.")
    result = scope.op(kind, scope.cast(x, held, dtype), scope.ints(*axes), keepdims=0)
    if kind in ("ReduceMax", "ReduceMin") and is_float(dtype):
        # An extreme with a NaN among the numbers is NaN in JAX, and anything in ONNX.
        nan = scope.op("Where", scope.op("IsNaN", x), x, scope.constant(0, dtype))
        result = scope.op("Add", result, scope.op("ReduceSum", nan, scope.ints(*axes), keepdims=0))
    return scope.cast(result, dtype, held)


@RULES("reduce_and", "reduce_or", "reduce_xor")
def _reduce_bools(scope: Scope, equation: Equation, x: str) -> str:
    axes = equation.params["axes"]
    if equation.inputs[0].dtype != np.bool_:
        raise refuse(equation, "A reduction of bits", "Reduce bools, or sum.")
    if not axes:
        return x
    counted = scope.op("Not", x) if equation.primitive == "reduce_and" else x
    total = scope.op("ReduceSum", scope.cast(counted, np.int32, np.bool_), scope.ints(*axes), keepdims=0)
    if equation.primitive == "reduce_xor":
        odd = scope.op("Mod", total, scope.constant(2, np.int32))
        return scope.op("Equal", odd, scope.constant(1, np.int32))
    none = scope.op("Equal", total, scope.constant(0, np.int32))
    return none if equation.primitive == "reduce_and" else scope.op("Not", none)


@RULES("argmax", "argmin")
def _arg(scope: Scope, equation: Equation, x: str) -> str:
    (axis,), dtype = equation.params["axes"], equation.inputs[0].dtype
    kind = "ArgMax" if equation.primitive == "argmax" else "ArgMin"
    # ArgMax of int64 has no kernel everywhere, of int32 it has: bools and small numbers go there.
    result = scope.op(kind, scope.cast(x, wide(dtype), dtype), axis=int(axis), keepdims=0)
    if is_float(dtype):
        # The first NaN is the extreme, if there is one.
        nan = scope.cast(scope.op("IsNaN", x), np.int32, np.bool_)
        first = scope.op("ArgMax", nan, axis=int(axis), keepdims=0)
        some = scope.op("ReduceMax", nan, scope.ints(axis), keepdims=0)
        result = scope.op("Where", scope.cast(some, np.bool_, np.int32), first, result)
    return scope.cast(result, equation.outputs[0].dtype, np.int64)


# --- along an axis --------------------------------------------------------------------------------------


@RULES("cumsum")
def _cumsum(scope: Scope, equation: Equation, x: str) -> str:
    dtype, axis = equation.inputs[0].dtype, equation.params["axis"]
    held = wide(dtype)
    result = scope.op(
        "CumSum", scope.cast(x, held, dtype), scope.constant(axis, np.int64),
        reverse=int(equation.params["reverse"]),
    )  # fmt: skip
    return scope.cast(result, dtype, held)


@RULES("cummax", "cummin", "cumprod", "cumlogsumexp")
def _cumulative(scope: Scope, equation: Equation, x: str) -> str:
    from antiphon.graph.onnx_export._control import scan

    value, axis = equation.inputs[0], int(equation.params["axis"])
    held = wide(value.dtype)
    shape = (*value.shape[:axis], *value.shape[axis + 1 :])
    start = scope.expand(
        scope.constant(neutral(equation.primitive.removeprefix("cum"), held), held), (), shape
    )

    def step(inner: Scope, state: str, entry: str) -> tuple[str, str]:
        match equation.primitive:
            case "cumprod":
                state = inner.op("Mul", state, entry)
            case "cumlogsumexp":
                state = _logaddexp(inner, state, entry, held)
            case name:
                state = inner.op(name.removeprefix("cum").capitalize(), state, entry)
        return state, state

    _, result = scan(
        scope,
        step,
        [(start, shape, held)],
        [(scope.cast(x, held, value.dtype), shape, held, axis)],
        [(shape, held, axis)],
        reverse=equation.params["reverse"],
    )
    return scope.cast(result, value.dtype, held)


def neutral(kind: str, dtype: Any) -> Any:
    """What changes nothing when it is put in: of "sum", "prod", "max", "min" or "logsumexp"."""
    if kind in ("sum", "prod"):
        return 0 if kind == "sum" else 1
    low, high = (-np.inf, np.inf) if is_float(dtype) else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return high if kind == "min" else low


def _logaddexp(scope: Scope, a: str, b: str, dtype: Any) -> str:
    most = scope.op("Max", a, b)
    # Two infinities have no difference.
    infinite = scope.op("IsNaN", scope.op("Sub", most, most))
    safe = scope.op("Where", infinite, scope.constant(0, dtype), most)
    total = scope.op(
        "Add", scope.op("Exp", scope.op("Sub", a, safe)), scope.op("Exp", scope.op("Sub", b, safe))
    )
    return scope.op("Where", infinite, most, scope.op("Add", scope.op("Log", total), safe))
