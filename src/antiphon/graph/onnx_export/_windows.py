"""Sums, extremes and products over windows that slide along axes."""

from __future__ import annotations

import numpy as np

from antiphon.graph.onnx_export._elementwise import wide
from antiphon.graph.onnx_export._reductions import body_of, neutral
from antiphon.graph.onnx_export._rules import Equation, Rules, Scope
from antiphon.graph.onnx_export._scope import refuse
from antiphon.graph.onnx_export._shapes import padded

RULES = Rules()

_OPERATORS = {"sum": "Add", "prod": "Mul", "max": "Max", "min": "Min"}


@RULES("reduce_window_sum", "reduce_window_max", "reduce_window_min")
def _reduce_window(scope: Scope, equation: Equation, x: str) -> str:
    dtype = equation.inputs[0].dtype
    kind = equation.primitive.removeprefix("reduce_window_")
    return scope.cast(_windows(scope, equation, x, kind), dtype, wide(dtype))


@RULES("reduce_window")
def _reduce_window_by_body(scope: Scope, equation: Equation, *names: str) -> str:
    kind, dtype = body_of(equation), equation.inputs[0].dtype
    held = wide(dtype)
    start = scope.cast(names[1], held, dtype)
    result = _windows(scope, equation, names[0], kind)
    value = scope.known(start)
    # Each window begins with it, but XLA does not count it again for what lies beyond the ends.
    if value is None or value != neutral(kind, held):
        result = scope.op(_OPERATORS[kind], result, start)
    return scope.cast(result, dtype, held)


def _windows(scope: Scope, equation: Equation, x: str, kind: str) -> str:
    value, params = equation.inputs[0], equation.params
    held = wide(value.dtype)
    config = [
        (low, high, spread - 1)
        for (low, high), spread in zip(params["padding"], params["base_dilation"], strict=True)
    ]
    beyond = scope.constant(neutral(kind, held), held)
    x = padded(scope, scope.cast(x, held, value.dtype), beyond, value.shape, config, held)
    for axis, (width, apart, stride) in enumerate(
        zip(params["window_dimensions"], params["window_dilation"], params["window_strides"], strict=True)
    ):
        if not isinstance(width, int | np.integer):
            raise refuse(equation, f"A window of {width} entries", "Use cumsum or cummax.")
        x = _slide(scope, x, axis, int(width), int(apart), _OPERATORS[kind])
        if stride != 1:
            x = scope.slice(x, axis, 0, None, int(stride))
    return x


def _slide(scope: Scope, x: str, axis: int, width: int, apart: int, kind: str) -> str:
    """Every window along an axis, in a logarithm of its width: windows of 1, 2, 4, ... are put together."""

    def shifted(name: str, by: int, less: int) -> str:
        """Entries from `by` on, `less` fewer than there are."""
        rest = less - by
        return scope.slice(name, axis, by * apart, -rest * apart if rest else None) if less else name

    once = kind in ("Add", "Mul")
    have, reach = x, 1  # windows of `reach` entries, a power of two
    result, done = "", 0
    while True:
        if once and width & reach:  # each entry counts once: the binary digits of the width
            part = shifted(have, done, width - reach)
            result, done = (scope.op(kind, result, part) if result else part), done + reach
        if 2 * reach > width:
            break
        have = scope.op(kind, shifted(have, 0, reach), shifted(have, reach, reach))
        reach *= 2
    if once:
        return result
    # An extreme may see an entry twice: two windows that overlap.
    left = width - reach
    return scope.op(kind, shifted(have, 0, left), shifted(have, left, left)) if left else have
