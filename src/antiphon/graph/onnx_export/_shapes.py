"""Operations that move entries and change shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from antiphon.graph.onnx_export._rules import Equation, Rules, Scope

RULES = Rules()

# Larger than any size, as the end of a slice.
END = np.iinfo(np.int64).max


@RULES("broadcast_in_dim")
def _broadcast(scope: Scope, equation: Equation, x: str) -> str:
    (operand,), shape = equation.inputs, equation.params["shape"]
    kept = [int(d) for d in equation.params["broadcast_dimensions"]]
    if operand.shape == ():
        return scope.expand(x, (), shape)
    aligned: list[Any] = [1] * len(shape)
    for axis, size in zip(kept, operand.shape, strict=True):
        aligned[axis] = size
    return scope.expand(
        scope.unsqueeze(x, [d for d in range(len(shape)) if d not in kept]), tuple(aligned), shape
    )


@RULES("reshape")
def _reshape(scope: Scope, equation: Equation, x: str) -> str:
    if (order := equation.params["dimensions"]) is not None:
        x = scope.transpose(x, order)
    return scope.reshape(x, equation.outputs[0].shape)


@RULES("squeeze")
def _squeeze(scope: Scope, equation: Equation, x: str) -> str:
    return scope.squeeze(x, equation.params["dimensions"])


@RULES("expand_dims")
def _expand_dims(scope: Scope, equation: Equation, x: str) -> str:
    return scope.unsqueeze(x, equation.params["dimensions"])


@RULES("transpose")
def _transpose(scope: Scope, equation: Equation, x: str) -> str:
    return scope.transpose(x, equation.params["permutation"])


@RULES("concatenate")
def _concatenate(scope: Scope, equation: Equation, *names: str) -> str:
    if len(names) == 1:
        return names[0]
    return scope.op("Concat", *names, axis=int(equation.params["dimension"]))


@RULES("stack")
def _stack(scope: Scope, equation: Equation, *names: str) -> str:
    axis = int(equation.params["axis"])
    return scope.op("Concat", *(scope.unsqueeze(n, [axis]) for n in names), axis=axis)


@RULES("split")
def _split(scope: Scope, equation: Equation, x: str) -> tuple[str, ...]:
    sizes = equation.params["sizes"]
    return scope.ops(
        "Split", x, scope.sizes.shape(sizes), count=len(sizes), axis=int(equation.params["axis"])
    )


@RULES("unstack")
def _unstack(scope: Scope, equation: Equation, x: str) -> tuple[str, ...]:
    axis, count = int(equation.params["axis"]), len(equation.outputs)
    if count == 1:
        return (scope.squeeze(x, [axis]),)
    parts = scope.ops("Split", x, count=count, axis=axis, num_outputs=count)
    return tuple(scope.squeeze(part, [axis]) for part in parts)


@RULES("tile")
def _tile(scope: Scope, equation: Equation, x: str) -> str:
    return scope.op("Tile", x, scope.sizes.shape(equation.params["reps"]))


@RULES("rev")
def _rev(scope: Scope, equation: Equation, x: str) -> str:
    axes = [int(d) for d in equation.params["dimensions"]]
    if not axes:
        return x
    count = len(axes)
    return scope.op(
        "Slice", x, scope.ints(*[-1] * count), scope.ints(*[-END] * count), scope.ints(*axes),
        scope.ints(*[-1] * count),
    )  # fmt: skip


@RULES("slice")
def _slice(scope: Scope, equation: Equation, x: str) -> str:
    shape = equation.inputs[0].shape
    starts, limits = equation.params["start_indices"], equation.params["limit_indices"]
    strides = equation.params["strides"] or (1,) * len(shape)
    cut = [
        axis
        for axis, (start, limit, stride) in enumerate(zip(starts, limits, strides, strict=True))
        if not (_same(start, 0) and _same(limit, shape[axis]) and stride == 1)
    ]
    if not cut:
        return x
    return scope.op(
        "Slice",
        x,
        scope.sizes.shape([starts[a] for a in cut]),
        scope.sizes.shape([limits[a] for a in cut]),
        scope.ints(*cut),
        scope.ints(*(strides[a] for a in cut)),
    )


def _same(one: Any, other: Any) -> bool:
    return one is other or str(one) == str(other)


@RULES("pad")
def _pad(scope: Scope, equation: Equation, x: str, value: str) -> str:
    return padded(
        scope, x, value, equation.inputs[0].shape, equation.params["padding_config"], equation.inputs[0].dtype
    )


def padded(scope: Scope, x: str, value: str, shape: Any, config: Any, dtype: Any) -> str:
    """The array with `value` put before, behind and between its entries; negative numbers cut.

    Args:
        shape: Of `x`.
        config: For each axis how many before, behind, and between any two.
        dtype: Of `x`.
    """
    dtype, given = np.dtype(dtype), np.dtype(dtype)
    if dtype in (np.int16, np.uint16):  # Pad has no kernel
        dtype = np.dtype(np.int32)
        x, value = scope.cast(x, dtype, given), scope.cast(value, dtype, given)
    for axis, (_, _, between) in enumerate(config):
        if not _same(between, 0):
            x = _spread(scope, x, value, shape, axis, between)
            size = shape[axis]
            shape = (*shape[:axis], size + (size - 1) * between, *shape[axis + 1 :])
    before, behind = [low for low, _, _ in config], [high for _, high, _ in config]
    for axis, (low, high) in enumerate(zip(before, behind, strict=True)):
        # What is cut at an end that is also padded elsewhere is cut first: no value comes back.
        cut_low, cut_high = _is_negative(low), _is_negative(high)
        if cut_low or cut_high:
            x = scope.slice(x, axis, -low if cut_low else 0, high if cut_high else None)
            before[axis] = 0 if cut_low else low
            behind[axis] = 0 if cut_high else high
    if not all(_same(n, 0) for n in (*before, *behind)):
        x = scope.op("Pad", x, scope.sizes.shape([*before, *behind]), value)
    return scope.cast(x, given, dtype)


def _is_negative(size: Any) -> bool:
    if isinstance(size, int | np.integer):
        return bool(size < 0)
    return str(size).startswith("-")  # a named size is at least 1, so `-T` is below 0


def _spread(scope: Scope, x: str, value: str, shape: Any, axis: int, between: Any) -> str:
    """`between` values put in between any two entries along an axis."""
    column = scope.unsqueeze(x, [axis + 1])
    amounts: list[Any] = [0] * (2 * (len(shape) + 1))
    amounts[len(shape) + 1 + axis + 1] = between
    wide = scope.op("Pad", column, scope.sizes.shape(amounts), value)
    size = shape[axis]
    flat = scope.reshape(wide, (*shape[:axis], size * (between + 1), *shape[axis + 1 :]))
    return scope.slice(flat, axis, 0, size + (size - 1) * between)


@RULES("iota")
def _iota(scope: Scope, equation: Equation) -> str:
    shape, dtype = equation.outputs[0].shape, equation.outputs[0].dtype
    axis = int(equation.params["dimension"])
    line = scope.iota(shape[axis], dtype)
    aligned = tuple(size if d == axis else 1 for d, size in enumerate(shape))
    return scope.expand(scope.unsqueeze(line, [d for d in range(len(shape)) if d != axis]), aligned, shape)


@RULES("dim_as_value")
def _size(scope: Scope, equation: Equation) -> str:
    return scope.cast(scope.sizes.scalar(equation.params["dim"]), equation.outputs[0].dtype, np.int64)


@RULES("empty")
def _empty(scope: Scope, equation: Equation) -> str:
    value = equation.outputs[0]
    return scope.expand(scope.constant(0, value.dtype), (), value.shape)


@RULES("dynamic_slice")
def _dynamic_slice(scope: Scope, equation: Equation, x: str, *starts: str) -> str:
    sizes, shape = equation.params["slice_sizes"], equation.inputs[0].shape
    starts = starts[: len(shape)]
    axes = [axis for axis in range(len(shape)) if not _same(sizes[axis], shape[axis])]
    if not axes:
        return x
    first = [
        _start(scope, starts[axis], equation.inputs[1 + axis].dtype, shape[axis] - sizes[axis])
        for axis in axes
    ]
    begin = first[0] if len(first) == 1 else scope.op("Concat", *first, axis=0)
    end = scope.op("Add", begin, scope.sizes.shape([sizes[axis] for axis in axes]))
    return scope.op("Slice", x, begin, end, scope.ints(*axes))


def _start(scope: Scope, start: str, dtype: Any, largest: Any) -> str:
    """A start moved to where the slice fits, as JAX moves it; a vector of one int64."""
    name = scope.reshape(scope.cast(start, np.int64, dtype), (1,))
    value = scope.known(name)
    if value is not None and isinstance(largest, int | np.integer):
        return scope.ints(min(max(int(value[0]), 0), int(largest)))
    if value is not None and value[0] <= 0:
        return scope.ints(0)
    return scope.op("Min", scope.op("Max", name, scope.ints(0)), scope.sizes.one(largest))


@RULES("dynamic_update_slice")
def _dynamic_update_slice(scope: Scope, equation: Equation, x: str, update: str, *starts: str) -> str:
    shape, part = equation.inputs[0].shape, equation.inputs[1].shape
    places: list[tuple[int, str, str]] = []
    for axis, start in enumerate(starts[: len(shape)]):
        if not _same(part[axis], shape[axis]):
            begin = _start(scope, start, equation.inputs[2 + axis].dtype, shape[axis] - part[axis])
            places.append((axis, begin, scope.op("Add", begin, scope.sizes.one(part[axis]))))
    return _with_part(scope, x, update, places)


def _with_part(scope: Scope, x: str, update: str, places: list[tuple[int, str, str]]) -> str:
    """What is before, in and behind the part along one axis; what is in it is so put together in turn."""
    if not places:
        return update
    (axis, begin, end), *rest = places
    axes = scope.ints(axis)
    inside = scope.op("Slice", x, begin, end, axes) if rest else ""
    inside = _with_part(scope, inside, update, rest)
    before = scope.op("Slice", x, scope.ints(0), begin, axes)
    behind = scope.op("Slice", x, end, scope.ints(END), axes)
    return scope.op("Concat", before, inside, behind, axis=axis)
