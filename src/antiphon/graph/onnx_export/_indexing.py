"""Gather and scatter.

JAX's gather takes one window of the operand at each row of indices. Where the windows are whole axes it is
ONNX's Gather or GatherND; all else goes by the place of every single entry in the flattened operand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from antiphon.graph.onnx_export._elementwise import is_float, wide
from antiphon.graph.onnx_export._rules import Equation, Rules, Scope
from antiphon.graph.onnx_export._scope import refuse

RULES = Rules()


@dataclass
class _Windows:
    """Where the windows of a gather or scatter lie.

    Args:
        shape: Of the operand.
        sizes: Of a window, for each axis of the operand.
        starts: Axis of the operand for each column of the indices.
        batch: Axis of the operand -> axis of the indices that runs along with it.
        at: Axis of the operand -> axis of the result (or of the updates) along which its window lies.
        rows: Axes of the result along which the rows of the indices lie, in order.
        result: Shape of the result.
        drop: Whether a window that does not fit is none; otherwise it is moved to where it fits.
    """

    shape: tuple[Any, ...]
    sizes: tuple[Any, ...]
    starts: tuple[int, ...]
    batch: dict[int, int]
    at: dict[int, int]
    rows: list[int]
    result: tuple[Any, ...]
    drop: bool

    def room(self, axis: int) -> Any:
        """The largest place where a window can start."""
        return self.shape[axis] - self.sizes[axis]


def _ints(items: Sequence[Any]) -> tuple[int, ...]:
    return tuple(int(i) for i in items)


def _mode(equation: Equation) -> bool:
    """Whether windows that do not fit count as none."""
    mode = equation.params["mode"]
    name = getattr(mode, "name", str(mode))
    if name not in ("CLIP", "FILL_OR_DROP", "PROMISE_IN_BOUNDS"):
        raise refuse(equation, f"The mode {name} of indices out of bounds")
    # JAX promises nothing for scatters out of bounds, and leaves them out; gathers it moves.
    return name == "FILL_OR_DROP" or (name == "PROMISE_IN_BOUNDS" and equation.primitive != "gather")


@RULES("gather")
def _gather(scope: Scope, equation: Equation, x: str, indices: str) -> str:
    operand, rows, result = *equation.inputs, equation.outputs[0]
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    offsets = _ints(numbers.offset_dims)
    batch = dict(
        zip(_ints(numbers.operand_batching_dims), _ints(numbers.start_indices_batching_dims), strict=True)
    )
    hidden = {*_ints(numbers.collapsed_slice_dims), *batch}
    shown = [a for a in range(len(operand.shape)) if a not in hidden]
    windows = _Windows(
        operand.shape,
        tuple(sizes),
        _ints(numbers.start_index_map),
        batch,
        dict(zip(shown, offsets, strict=True)),
        [a for a in range(len(result.shape)) if a not in offsets],
        result.shape,
        _mode(equation),
    )
    columns = _columns(scope, indices, rows)
    valid = _valid(scope, windows, columns) if windows.drop else None
    columns = [_within(scope, c, windows.room(a)) for c, a in zip(columns, windows.starts, strict=True)]
    found = _whole_axes(scope, windows, x, columns)
    if found is None:
        places = _places(scope, windows, columns)
        found = scope.op("Gather", scope.reshape(x, (-1,)), places, axis=0)
    if valid is None:
        return found
    fill = scope.constant(_fill(equation), result.dtype)
    there = scope.unsqueeze(valid, [a for a in range(len(result.shape)) if a not in windows.rows])
    held = wide(result.dtype)
    kept = scope.op(
        "Where", there, scope.cast(found, held, result.dtype), scope.cast(fill, held, result.dtype)
    )
    return scope.cast(kept, result.dtype, held)


def _fill(equation: Equation) -> Any:
    """What JAX gives for an index out of bounds."""
    given, dtype = equation.params["fill_value"], np.dtype(equation.outputs[0].dtype)
    if given is not None:
        return given
    if is_float(dtype):
        return np.nan
    if dtype == np.bool_:
        return True
    return np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max


def _columns(scope: Scope, indices: str, rows: Any) -> list[str]:
    """Each column of the indices, in int64."""
    count, rank = int(rows.shape[-1]), len(rows.shape)
    indices = scope.cast(indices, np.int64, rows.dtype)
    if count == 1:
        return [scope.reshape(indices, ()) if rank == 1 else scope.squeeze(indices, [rank - 1])]
    return [scope.op("Gather", indices, scope.constant(k, np.int64), axis=rank - 1) for k in range(count)]


def _within(scope: Scope, column: str, room: Any) -> str:
    if isinstance(room, int | np.integer) and (value := scope.known(column)) is not None:
        return scope.constant(np.clip(value, 0, int(room)))
    low = scope.op("Max", column, scope.constant(0, np.int64))
    return scope.op("Min", low, scope.sizes.scalar(room))


def _valid(scope: Scope, windows: _Windows, columns: Sequence[str]) -> str | None:
    """Which rows of the indices give a window that fits."""
    found = None
    for column, axis in zip(columns, windows.starts, strict=True):
        fits = scope.op(
            "And",
            scope.op("GreaterOrEqual", column, scope.constant(0, np.int64)),
            scope.op("LessOrEqual", column, scope.sizes.scalar(windows.room(axis))),
        )
        found = fits if found is None else scope.op("And", found, fits)
    return found


def _whole_axes(scope: Scope, windows: _Windows, x: str, columns: Sequence[str]) -> str | None:
    """By Gather or GatherND, where each window is one entry of some axes and all of the others."""
    # A window as large as its axis starts at 0, wherever it was asked for.
    asked = [(a, c) for a, c in zip(windows.starts, columns, strict=True) if not _is_zero(windows.room(a))]
    single = [a for a, _ in asked]
    whole = [a for a in range(len(windows.shape)) if a not in single and a not in windows.batch]
    if (
        not asked
        or any(windows.sizes[a] != 1 for a in single)
        or not all(_is_zero(windows.room(a)) for a in whole)
    ):
        return None
    rank = len(windows.rows)
    if len(asked) == 1 and not windows.batch:
        (axis, column), *_ = asked
        result = scope.op("Gather", x, column, axis=axis)
        have: list[Any] = [a for a in whole if a < axis] + [None] * rank + [a for a in whole if a > axis]
        rows = iter(range(rank))
        have = [f"row {next(rows)}" if a is None else a for a in have]
    else:
        along = list(windows.batch.values())
        others = [k for k in range(rank) if k not in along]
        x = scope.transpose(x, [*windows.batch, *single, *whole])
        order = [*along, *others]
        # A column in the order of the operand's batch axes.
        cells = [scope.unsqueeze(scope.transpose(c, order), [rank]) for _, c in asked]
        vectors = cells[0] if len(cells) == 1 else scope.op("Concat", *cells, axis=rank)
        result = scope.op("GatherND", x, vectors, batch_dims=len(along))
        have = [f"row {k}" for k in order] + whole
    # A window of one entry that has an axis of its own in the result.
    want: list[Any] = [None] * len(windows.result)
    for k, axis in enumerate(windows.rows):
        want[axis] = f"row {k}"
    for axis, place in windows.at.items():
        want[place] = axis
    # A collapsed axis of size 1 was taken whole.
    result = scope.squeeze(result, [i for i, h in enumerate(have) if h not in want])
    have = [h for h in have if h in want]
    result = scope.transpose(result, [have.index(w) for w in want if w in have])
    return scope.unsqueeze(result, [i for i, w in enumerate(want) if w not in have])


def _is_zero(size: Any) -> bool:
    return str(size) == "0"


def _places(scope: Scope, windows: _Windows, columns: Sequence[str]) -> str:
    """For each entry of the result, its place in the flattened operand."""
    rank = len(windows.result)
    strides: list[Any] = [1] * len(windows.shape)
    for axis in reversed(range(len(windows.shape) - 1)):
        strides[axis] = strides[axis + 1] * windows.shape[axis + 1]

    def laid(line: str, axis: int, place: int) -> str:
        """A vector of places along an axis of the operand, along an axis of the result."""
        steps = scope.op("Mul", line, scope.sizes.scalar(strides[axis]))
        return scope.unsqueeze(steps, [a for a in range(rank) if a != place])

    parts: list[str] = []
    for axis, column in zip(windows.starts, columns, strict=True):
        steps = scope.op("Mul", column, scope.sizes.scalar(strides[axis]))
        parts.append(scope.unsqueeze(steps, [a for a in range(rank) if a not in windows.rows]))
    for axis, place in windows.at.items():
        if str(windows.sizes[axis]) != "1":
            parts.append(laid(scope.iota(windows.sizes[axis]), axis, place))
    for axis, along in windows.batch.items():
        parts.append(laid(scope.iota(windows.shape[axis]), axis, windows.rows[along]))
    total = parts[0] if parts else scope.constant(np.zeros([1] * rank), np.int64)
    for part in parts[1:]:
        total = scope.op("Add", total, part)
    return scope.op("Expand", total, scope.sizes.shape(windows.result))


@RULES("scatter", "scatter-add", "scatter-sub", "scatter-mul", "scatter-min", "scatter-max")
def _scatter(scope: Scope, equation: Equation, x: str, indices: str, updates: str) -> str:
    operand, rows, update = equation.inputs
    numbers = equation.params["dimension_numbers"]
    shown_at = _ints(numbers.update_window_dims)
    batch = dict(
        zip(_ints(numbers.operand_batching_dims), _ints(numbers.scatter_indices_batching_dims), strict=True)
    )
    hidden = {*_ints(numbers.inserted_window_dims), *batch}
    shown = [a for a in range(len(operand.shape)) if a not in hidden]
    at = dict(zip(shown, shown_at, strict=True))
    windows = _Windows(
        operand.shape,
        tuple(update.shape[at[a]] if a in at else 1 for a in range(len(operand.shape))),
        _ints(numbers.scatter_dims_to_operand_dims),
        batch,
        at,
        [a for a in range(len(update.shape)) if a not in shown_at],
        update.shape,
        _mode(equation),
    )
    held = wide(operand.dtype)
    columns = _columns(scope, indices, rows)
    valid = _valid(scope, windows, columns) if windows.drop else None
    columns = [_within(scope, c, windows.room(a)) for c, a in zip(columns, windows.starts, strict=True)]
    places = _places(scope, windows, columns)
    count: Any = 1
    for size in operand.shape:
        count = count * size
    # A place behind the last entry takes what fits nowhere.
    if valid is not None:
        there = scope.unsqueeze(valid, [a for a in range(len(update.shape)) if a not in windows.rows])
        places = scope.op("Where", there, places, scope.sizes.scalar(count))
    flat = scope.reshape(scope.cast(x, held, operand.dtype), (-1,))
    spare = scope.op("Concat", flat, scope.constant(np.zeros(1), held), axis=0)
    kind = equation.primitive.removeprefix("scatter").removeprefix("-")
    updates = scope.cast(updates, held, operand.dtype)
    if kind == "sub":
        updates = scope.op("Neg", updates)
    reduction = {"": "none", "sub": "add"}.get(kind, kind)
    put = scope.op(
        "ScatterElements",
        spare,
        scope.reshape(places, (-1,)),
        scope.reshape(updates, (-1,)),
        axis=0,
        **({} if reduction == "none" else {"reduction": reduction}),
    )
    result = scope.reshape(scope.slice(put, 0, 0, -1), operand.shape)
    return scope.cast(result, operand.dtype, held)
