"""Sorting, and the largest few."""

from __future__ import annotations

from typing import Any

import numpy as np

from antiphon.graph.onnx_export._elementwise import is_float, wide
from antiphon.graph.onnx_export._rules import Equation, Rules, Scope

RULES = Rules()


@RULES("sort")
def _sort(scope: Scope, equation: Equation, *names: str) -> tuple[str, ...]:
    axis, first = int(equation.params["dimension"]), equation.inputs[0]
    size, order = first.shape[axis], ""
    # By the last key first: each stable sort keeps what the ones before have done.
    for i in reversed(range(equation.params["num_keys"])):
        order = _order(scope, names[i], equation.inputs[i].dtype, axis, size, order, descending=False)
    return tuple(scope.op("GatherElements", name, order, axis=axis) for name in names)


@RULES("top_k")
def _top_k(scope: Scope, equation: Equation, x: str) -> tuple[str, str]:
    value, count = equation.inputs[0], equation.params["k"]
    axis = int(equation.params.get("axis", len(value.shape) - 1)) % len(value.shape)
    order = _order(scope, x, value.dtype, axis, value.shape[axis], "", descending=True)
    chosen = scope.slice(order, axis, 0, count)
    largest = scope.op("GatherElements", x, chosen, axis=axis)
    return largest, scope.cast(chosen, equation.outputs[1].dtype, np.int64)


def _order(scope: Scope, key: str, dtype: Any, axis: int, size: Any, so_far: str, *, descending: bool) -> str:
    """The places of the entries in their order; equal ones stay as they are.

    NaN is larger than all numbers, as in JAX: TopK would put it anywhere.
    """
    passes = [(scope.cast(key, wide(dtype), dtype))]
    if is_float(dtype):
        nan = scope.op("IsNaN", key)
        infinity = scope.constant(np.inf, dtype)
        passes = [scope.op("Where", nan, infinity, key), scope.cast(nan, np.int32, np.bool_)]
    for numbers in passes:
        here = scope.op("GatherElements", numbers, so_far, axis=axis) if so_far else numbers
        # Of equal entries TopK gives the one with the lower place first.
        _, moved = scope.ops(
            "TopK", here, scope.sizes.one(size), count=2, axis=axis, largest=int(descending), sorted=1
        )
        so_far = scope.op("GatherElements", so_far, moved, axis=axis) if so_far else moved
    return so_far
