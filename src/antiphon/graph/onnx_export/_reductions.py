"""Sums, extremes and the like: over whole axes, along an axis, and over windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from antiphon.graph.onnx_export._elementwise import is_float, wide
from antiphon.graph.onnx_export._rules import Equation, Rules, Scope
from antiphon.graph.onnx_export._scope import refuse
from antiphon.graph.onnx_export._shapes import padded

RULES = Rules()


@RULES("reduce_sum", "reduce_prod", "reduce_max", "reduce_min")
def _reduce(scope: Scope, equation: Equation, x: str) -> str:
    dtype, axes = equation.inputs[0].dtype, equation.params["axes"]
    if not axes:
        return x
    kind = "Reduce" + equation.primitive.removeprefix("reduce_").capitalize()
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
    start = scope.expand(scope.constant(_neutral(equation.primitive, held), held), (), shape)

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


def _neutral(primitive: str, dtype: Any) -> Any:
    """What changes nothing when it is put in."""
    kind = primitive.rsplit("_", 1)[-1].removeprefix("cum")
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


# --- over windows ---------------------------------------------------------------------------------------


@RULES("reduce_window_sum", "reduce_window_max", "reduce_window_min")
def _reduce_window(scope: Scope, equation: Equation, x: str) -> str:
    value, params = equation.inputs[0], equation.params
    held = wide(value.dtype)
    kind = equation.primitive.removeprefix("reduce_window_").capitalize()
    shape = value.shape
    config = [
        (low, high, spread - 1)
        for (low, high), spread in zip(params["padding"], params["base_dilation"], strict=True)
    ]
    neutral = scope.constant(_neutral(equation.primitive, held), held)
    x = padded(scope, scope.cast(x, held, value.dtype), neutral, shape, config, held)
    for axis, (width, apart, stride) in enumerate(
        zip(params["window_dimensions"], params["window_dilation"], params["window_strides"], strict=True)
    ):
        if not isinstance(width, int | np.integer):
            raise refuse(equation, f"A window of {width} entries", "Use cumsum or cummax.")
        x = _slide(scope, x, axis, int(width), int(apart), "Add" if kind == "Sum" else kind)
        if stride != 1:
            x = scope.slice(x, axis, 0, None, int(stride))
    return scope.cast(x, value.dtype, held)


def _slide(scope: Scope, x: str, axis: int, width: int, apart: int, kind: str) -> str:
    """Every window along an axis, in a logarithm of its width: windows of 1, 2, 4, ... are put together."""

    def shifted(name: str, by: int, less: int) -> str:
        """Entries from `by` on, `less` fewer than there are."""
        rest = less - by
        return scope.slice(name, axis, by * apart, -rest * apart if rest else None) if less else name

    have, reach = x, 1  # windows of `reach` entries, a power of two
    result, done = "", 0
    while True:
        if kind == "Add" and width & reach:  # each entry counts once: the binary digits of the width
            part = shifted(have, done, width - reach)
            result, done = (scope.op("Add", result, part) if result else part), done + reach
        if 2 * reach > width:
            break
        have = scope.op(kind, shifted(have, 0, reach), shifted(have, reach, reach))
        reach *= 2
    if kind == "Add":
        return result
    # An extreme may see an entry twice: two windows that overlap.
    left = width - reach
    return scope.op(kind, shifted(have, 0, left), shifted(have, left, left)) if left else have
