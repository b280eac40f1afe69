"""Products of matrices, and convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from antiphon.graph.onnx_export._elementwise import wide
from antiphon.graph.onnx_export._rules import Equation, Rules, Scope
from antiphon.graph.onnx_export._scope import refuse
from antiphon.graph.onnx_export._shapes import padded

RULES = Rules()


@RULES("dot_general")
def _dot_general(scope: Scope, equation: Equation, left: str, right: str) -> str:
    one, other = equation.inputs[:2]
    wanted = equation.outputs[0].dtype
    held = wide(wanted)
    left, right = scope.cast(left, held, one.dtype), scope.cast(right, held, other.dtype)
    (over_left, over_right), (batch_left, batch_right) = equation.params["dimension_numbers"]
    axes = _Axes(batch_left, over_left, len(one.shape)), _Axes(batch_right, over_right, len(other.shape))
    if len(over_left) == 1 and len(axes[1].free) <= 1 and (not batch_left or len(axes[0].free) <= 1):
        result = _matmul(scope, left, right, *axes)
    else:
        result = scope.op("Einsum", left, right, equation=_letters(*axes))
    return scope.cast(result, wanted, held)


class _Axes:
    """Which axes of a factor go side by side, which are summed over, and which are its own."""

    def __init__(self, batch: Sequence[int], over: Sequence[int], rank: int) -> None:
        self.batch, self.over = [int(a) for a in batch], [int(a) for a in over]
        self.free = [a for a in range(rank) if a not in self.batch and a not in self.over]
        self.rank = rank


def _matmul(scope: Scope, left: str, right: str, one: _Axes, other: _Axes) -> str:
    """MatMul, with an axis of size 1 in place of a missing one."""
    at = len(one.batch)
    if not at and len(one.free) == 1 and not other.free:
        # A matrix times a vector is quicker from the other side: runtimes prepare a constant on the right.
        return scope.op("MatMul", right, scope.transpose(left, [*one.over, *one.free]))
    left = scope.transpose(left, [*one.batch, *one.free, *one.over])
    right = scope.transpose(right, [*other.batch, *other.over, *other.free])
    if not at and len(one.free) > 1 and not other.free:
        # As a matrix: onnxruntime joins a product with the transposition before it, and is wrong for vectors.
        return scope.squeeze(scope.op("MatMul", left, scope.unsqueeze(right, [1])), [len(one.free)])
    if not at:
        return scope.op("MatMul", left, right)  # which takes vectors as they are
    if not one.free:
        left = scope.unsqueeze(left, [at])
    if not other.free:
        right = scope.unsqueeze(right, [at + 1])
    result = scope.op("MatMul", left, right)
    return scope.squeeze(result, [a for a, axes in ((at, one.free), (at + 1, other.free)) if not axes])


def _letters(one: _Axes, other: _Axes) -> str:
    letters = iter(ascii_letters)
    left, right = [""] * one.rank, [""] * other.rank
    for mine, yours in ((one.batch, other.batch), (one.over, other.over)):
        for a, b in zip(mine, yours, strict=True):
            left[a] = right[b] = next(letters)
    for axes, names in ((one, left), (other, right)):
        for a in axes.free:
            names[a] = next(letters)
    result = [left[a] for a in (*one.batch, *one.free)] + [right[a] for a in other.free]
    return f"{''.join(left)},{''.join(right)}->{''.join(result)}"


@RULES("conv_general_dilated")
def _convolution(scope: Scope, equation: Equation, x: str, kernel: str) -> str:
    params, dtype = equation.params, equation.outputs[0].dtype
    numbers = params["dimension_numbers"]
    if params["batch_group_count"] != 1:
        raise refuse(equation, "A convolution in groups of the batch (a gradient of one)")
    spatial = len(params["window_strides"])
    x = scope.cast(scope.transpose(x, numbers.lhs_spec), dtype, equation.inputs[0].dtype)
    kernel = scope.cast(scope.transpose(kernel, numbers.rhs_spec), dtype, equation.inputs[1].dtype)
    shape: list[Any] = [equation.inputs[0].shape[a] for a in numbers.lhs_spec]
    strides, dilations = list(params["window_strides"]), list(params["rhs_dilation"])
    padding = [tuple(p) for p in params["padding"]]
    spread = [d - 1 for d in params["lhs_dilation"]]
    if any(spread) or any(not isinstance(n, int | np.integer) or n < 0 for p in padding for n in p):
        # What Conv cannot say is done to the input before.
        config = [(0, 0, 0)] * 2 + [(*p, s) for p, s in zip(padding, spread, strict=True)]
        x = padded(scope, x, scope.constant(0, dtype), tuple(shape), config, dtype)
        padding = [(0, 0)] * spatial
    if not spatial:  # a product of matrices, to ONNX a convolution of width 1
        x, kernel = scope.unsqueeze(x, [2]), scope.unsqueeze(kernel, [2])
        strides, dilations, padding = [1], [1], [(0, 0)]
    result = scope.op(
        "Conv",
        x,
        kernel,
        strides=[int(n) for n in strides],
        dilations=[int(n) for n in dilations],
        pads=[int(low) for low, _ in padding] + [int(high) for _, high in padding],
        group=int(params["feature_group_count"]),
    )
    if not spatial:
        result = scope.squeeze(result, [2])
    return scope.transpose(result, np.argsort(numbers.out_spec).tolist())
