"""Operators that move elements without computing: shapes, slices, joins, padding."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import axes_of, axis_of, broadcast, canonical, claim, known, sizes
from antiphon.graph.onnx_import._dtype import dtype_of
from antiphon.graph.onnx_import._rule import Call, rule


@rule("Identity", 1, 25, flexible=True)
def _identity(call: Call, x: Any) -> Any:
    return x


def shape_part(call: Call, shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """The sizes from `start` to `end`."""
    return tuple(shape[slice(call.get("start", 0), call.get("end"))])


def vector(values: tuple[Any, ...]) -> np.ndarray:
    """Sizes as NumPy's array: of int64, or of objects if one of them is symbolic."""
    whole = all(isinstance(v, int | np.integer) for v in values)
    found = np.empty(len(values), np.int64 if whole else object)
    found[:] = values
    return found


@rule("Shape", 1, 25, flexible=True)
def _shape(call: Call, x: Any) -> Any:
    return vector(shape_part(call, np.shape(x)))


@rule("Size", 1, 25, flexible=True)
def _size(call: Call, x: Any) -> Any:
    total: Any = 1
    for size in np.shape(x):
        total = total * size
    return vector((total,)).reshape(())


def new_shape(call: Call, old: tuple[Any, ...], wanted: Any) -> tuple[Any, ...]:
    """The shape a `Reshape` asks for: 0 copies an old size, unless `allowzero`; one -1 is inferred."""
    shape = list(sizes(wanted))
    for axis, size in enumerate(shape):
        if isinstance(size, int) and size == 0 and not call.get("allowzero", 0):
            if axis >= len(old):
                raise ImportedModelError(f"shape {tuple(shape)} copies axis {axis} of shape {old}.")
            shape[axis] = old[axis]
        elif isinstance(size, int) and size < -1:
            raise ImportedModelError(f"a new shape {tuple(shape)} with a negative size.", "at most one -1.")
    return tuple(shape)


@rule("Reshape", 5, 25, static=(1,))
def _reshape(call: Call, x: Any, shape: Any) -> Any:
    return x.reshape(new_shape(call, x.shape, shape))


@rule("Flatten", 1, 25)
def _flatten(call: Call, x: Any) -> Any:
    axis = call["axis"]
    if not -x.ndim <= axis <= x.ndim:
        raise ImportedModelError(f"axis {axis} of an array of rank {x.ndim}.")
    axis += x.ndim if axis < 0 else 0
    front: Any = 1
    for size in x.shape[:axis]:
        front = front * size
    back: Any = 1
    for size in x.shape[axis:]:
        back = back * size
    return x.reshape(front, back)


def squeezed(call: Call, shape: tuple[Any, ...], axes: Any) -> tuple[int, ...]:
    """The axes that a `Squeeze` takes away."""
    if call.version < 13:
        axes = call.get("axes")
    if axes is None:
        return tuple(a for a, size in enumerate(shape) if isinstance(size, int) and size == 1)
    return axes_of(axes, len(shape))


@rule("Squeeze", 1, 25, static=(1,))
def _squeeze(call: Call, x: Any, axes: Any = None) -> Any:
    return lax.squeeze(x, squeezed(call, x.shape, axes))


def unsqueezed(call: Call, rank: int, axes: Any) -> tuple[int, ...]:
    """The axes, of the result, that an `Unsqueeze` puts in."""
    axes = call["axes"] if call.version < 13 else axes
    return axes_of(axes, rank + np.size(axes))


@rule("Unsqueeze", 1, 25, static=(1,))
def _unsqueeze(call: Call, x: Any, axes: Any = None) -> Any:
    return lax.expand_dims(x, unsqueezed(call, x.ndim, axes))


def permutation(call: Call, rank: int) -> tuple[int, ...]:
    """The order of axes of a `Transpose`; they are turned round where none is given."""
    return axes_of(call.get("perm", range(rank)[::-1]), rank)


@rule("Transpose", 1, 25)
def _transpose(call: Call, x: Any) -> Any:
    return lax.transpose(x, permutation(call, x.ndim))


@rule("Expand", 8, 13, static=(1,))
def _expand(call: Call, x: Any, shape: Any) -> Any:
    return jnp.broadcast_to(x, claim(broadcast(x.shape, sizes(shape))))


@rule("Tile", 6, 13, static=(1,))
def _tile(call: Call, x: Any, repeats: Any) -> Any:
    times = sizes(repeats)
    if len(times) != x.ndim:
        raise ImportedModelError(f"{len(times)} repeats for an array of rank {x.ndim}.", "one an axis.")
    claim([a * b for a, b in zip(x.shape, times, strict=True)])
    return jnp.tile(x, times)


@rule("Concat", 4, 13)
def _concat(call: Call, *xs: Any) -> Any:
    return jnp.concatenate(xs, axis=axis_of(call["axis"], xs[0].ndim))


def slices(call: Call, rank: int, starts: Any, ends: Any, axes: Any, steps: Any) -> tuple[slice, ...]:
    """The Python slices that a `Slice` means. Bounds beyond 32 bits stand for "to the end"."""
    if call.version < 10:
        starts, ends, axes = call["starts"], call["ends"], call.get("axes")
    begin, end = sizes(starts), sizes(ends)
    along = range(len(begin)) if axes is None else axes_of(axes, rank)
    by = (1,) * len(begin) if steps is None else sizes(steps)
    found = [slice(None)] * rank
    for axis, first, last, step in zip(along, begin, end, by, strict=True):
        if isinstance(step, int) and step == 0:
            raise ImportedModelError("a slice with step 0.")
        beyond = isinstance(last, int) and abs(last) >= 2**31 - 1
        found[axis] = slice(first, None if beyond else last, step)
    return tuple(found)


@rule("Slice", 1, 13, static=(1, 2, 3, 4))
def _slice(
    call: Call, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None
) -> Any:
    return x[slices(call, x.ndim, starts, ends, axes, steps)]


@rule("Split", 1, 18, static=(1,))
def _split(call: Call, x: Any, split: Any = None) -> Any:
    axis = axis_of(call["axis"], x.ndim)
    length = x.shape[axis]
    if call.version < 13:
        split = call.get("split")
    if split is not None:
        parts = sizes(split)
    else:
        count = call.get("num_outputs", call.wanted)
        if not isinstance(count, int) or count < 1:
            raise ImportedModelError(f"a split into {count} parts.", "at least one.")
        size = -(-length // count)
        parts = (*[size] * (count - 1), length - size * (count - 1))
    if len(parts) != call.wanted or any(isinstance(p, int) and p < 0 for p in parts):
        raise ImportedModelError(f"parts {parts} of {length} for {call.wanted} outputs.", "one an output.")
    if isinstance(length, int) and sum(parts) != length:
        raise ImportedModelError(f"parts {parts} of an axis of size {length}.", "that they add up to it.")
    found, start = [], 0
    for part in parts:
        found.append(lax.slice_in_dim(x, start, start + part, axis=axis))
        start = start + part
    return tuple(found)


@rule("Pad", 2, 25, static=(1, 3))
def _pad(call: Call, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    if call.version < 11:
        pads, value = np.asarray(call["pads"]), jnp.asarray(call["value"], x.dtype)
    along = range(x.ndim) if axes is None else axes_of(axes, x.ndim)
    amounts = sizes(pads)
    count = len(along)
    if len(amounts) != 2 * count:
        raise ImportedModelError(f"{len(amounts)} pads for {count} axes.", "two an axis.")
    widths: list[tuple[Any, Any]] = [(0, 0)] * x.ndim
    for place, axis in enumerate(along):
        widths[axis] = (amounts[place], amounts[place + count])
    claim(
        [
            max(0, s + a + b) if isinstance(s + a + b, int) else s
            for s, (a, b) in zip(x.shape, widths, strict=True)
        ]
    )
    mode = call["mode"]
    if mode == "constant":
        fill = jnp.zeros((), x.dtype) if value is None else value.reshape(()).astype(x.dtype)
        return lax.pad(x, fill, [(a, b, 0) for a, b in widths])
    if mode not in ("reflect", "edge", "wrap"):
        raise ImportedModelError(f"padding of mode {mode!r}.", "constant, reflect, edge or wrap.")
    x = lax.pad(x, jnp.zeros((), x.dtype), [(min(a, 0), min(b, 0), 0) for a, b in widths])
    return jnp.pad(x, [(max(a, 0), max(b, 0)) for a, b in widths], mode=mode)


@rule("DepthToSpace", 1, 28)
def _depth_to_space(call: Call, x: Any) -> Any:
    n, c, *spatial = x.shape
    b, rank = call["blocksize"], len(spatial)
    blocks = [b] * rank
    if call.get("mode", "DCR") == "DCR":
        x = x.reshape(n, *blocks, c // b**rank, *spatial)
        order = [0, rank + 1, *(v for a in range(rank) for v in (rank + 2 + a, 1 + a))]
    else:
        x = x.reshape(n, c // b**rank, *blocks, *spatial)
        order = [0, 1, *(v for a in range(rank) for v in (rank + 2 + a, 2 + a))]
    return x.transpose(order).reshape(n, c // b**rank, *(s * b for s in spatial))


@rule("SpaceToDepth", 1, 28)
def _space_to_depth(call: Call, x: Any) -> Any:
    n, c, *spatial = x.shape
    b, rank = call["blocksize"], len(spatial)
    x = x.reshape(n, c, *(v for s in spatial for v in (s // b, b)))
    blocks, cells = [3 + 2 * a for a in range(rank)], [2 + 2 * a for a in range(rank)]
    order = [0, *blocks, 1, *cells] if call.get("mode", "DCR") == "DCR" else [0, 1, *blocks, *cells]
    return x.transpose(order).reshape(n, c * b**rank, *(s // b for s in spatial))


@rule("Constant", 1, 25, flexible=True)
def _constant(call: Call) -> Any:
    for name, dtype in (
        ("value", None),
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
        ("sparse_value", None),
    ):
        if name in call.attributes:
            return np.asarray(call[name], dtype)
    raise ImportedModelError("a constant of text, or without a value.", "a tensor of numbers.")


def filling(call: Call) -> np.ndarray:
    """What `ConstantOfShape` fills with, a scalar: 0 where nothing is given."""
    value = call.get("value", np.zeros(1, np.float32))
    if value.size != 1:
        raise ImportedModelError(f"{value.size} values to fill with.", "one.")
    return value.reshape(())


@rule("ConstantOfShape", 9, 25, static=(0,))
def _constant_of_shape(call: Call, shape: Any) -> Any:
    value = filling(call)
    return jnp.full(claim(sizes(shape)), value.astype(canonical(value.dtype)))


@rule("Range", 11, 27, static=(0, 1, 2))
def _range(call: Call, start: Any, limit: Any, delta: Any) -> Any:
    first, last, step = (known(v, "a bound").reshape(-1)[0] for v in (start, limit, delta))
    if any(np.asarray(v).dtype == object for v in (start, limit, delta)):
        whole = isinstance(step, int | np.integer)
        if not whole or step != 1:
            raise ImportedModelError(
                f"a range to {last} in steps of {step}.", "steps of 1 to a symbolic size."
            )
        dtype = canonical(np.int64)
        return jnp.arange(last - first, dtype=dtype) + np.asarray(first, dtype)
    if step == 0:
        raise ImportedModelError("a range with step 0.")
    count = max(int(np.ceil((last - first) / step)), 0)
    claim((count,))
    dtype = canonical(start.dtype)
    wide = jnp.float32 if call.get("stash_type", 0) == 1 and dtype.itemsize == 2 else dtype
    numbers = jnp.arange(count, dtype=wide) * np.asarray(step, wide) + np.asarray(first, wide)
    return numbers.astype(dtype)


@rule("EyeLike", 9, 22, flexible=True)
def _eye_like(call: Call, x: Any) -> Any:
    rows, columns = np.shape(x)
    kind = call.get("dtype")
    dtype = dtype_of(kind) if kind else x.dtype
    return jnp.eye(rows, columns, k=call["k"], dtype=canonical(dtype))
