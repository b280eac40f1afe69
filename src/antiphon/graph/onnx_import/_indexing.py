"""Operators that read and write by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import aligned, axis_of, canonical, claim, is_known
from antiphon.graph.onnx_import._rule import Call, rule


def within(indices: Any, size: Any) -> Any:
    """Indices counted from the front.

    Raises:
        ImportedModelError: A known index is outside. (A traced one cannot be checked: it gives NaN or 0.)
    """
    if isinstance(size, int) and is_known(indices) and indices.dtype != object and indices.size:
        low, high = int(indices.min()), int(indices.max())
        if low < -size or high >= size:
            raise ImportedModelError(f"indices from {low} to {high}.", f"{-size} to {size - 1}.")
    if isinstance(size, int):
        size = np.asarray(size, indices.dtype)
    return jnp.where(indices < 0, indices + size, indices)


@rule("Gather", 1, 13)
def _gather(call: Call, x: Any, indices: Any) -> Any:
    axis = axis_of(call["axis"], x.ndim)
    return jnp.take(x, within(indices, x.shape[axis]), axis=axis, mode="fill")


@rule("GatherElements", 11, 13)
def _gather_elements(call: Call, x: Any, indices: Any) -> Any:
    axis = axis_of(call["axis"], x.ndim)
    fitting = x[tuple(slice(None) if a == axis else slice(0, s) for a, s in enumerate(indices.shape))]
    return jnp.take_along_axis(fitting, within(indices, x.shape[axis]), axis=axis, mode="fill")


def _grid(shape: tuple[int, ...], rank: int) -> list[Any]:
    """The index along each axis of `shape`, shaped to broadcast against arrays of `rank` axes."""
    found = []
    for axis, size in enumerate(shape):
        wide = [1] * rank
        wide[axis] = size
        found.append(jnp.arange(size, dtype=canonical(np.int64)).reshape(wide))
    return found


def _places(indices: Any, shape: tuple[int, ...], batch: int) -> tuple[Any, ...]:
    """One index array an axis, from the rows of a `GatherND` or `ScatterND`."""
    depth = indices.shape[-1]
    if depth + batch > len(shape):
        raise ImportedModelError(
            f"{depth} indices a row for an array of rank {len(shape)}.", "at most its rank."
        )
    rank = indices.ndim - 1
    rows = [within(indices[..., i], shape[batch + i]) for i in range(depth)]
    front = _grid(indices.shape[:batch], rank)
    together = (
        jnp.broadcast_arrays(*(p.astype(canonical(np.int64)) for p in (*front, *rows))) if depth else []
    )
    return tuple(together)


@rule("GatherND", 11, 13)
def _gather_nd(call: Call, x: Any, indices: Any) -> Any:
    return x.at[_places(indices, x.shape, call.get("batch_dims", 0))].get(mode="fill")


def _write(x: Any, places: tuple[Any, ...], updates: Any, how: str) -> Any:
    at = x.at[places]
    ways: dict[str, Callable[..., Any]] = {
        "none": at.set,
        "add": at.add,
        "mul": at.multiply,
        "max": at.max,
        "min": at.min,
    }
    if how not in ways:
        raise ImportedModelError(f"a reduction {how!r}.", ", ".join(ways))
    return ways[how](updates, mode="drop")


@rule("ScatterElements", 11, 18)
def _scatter_elements(call: Call, x: Any, indices: Any, updates: Any) -> Any:
    axis = axis_of(call["axis"], x.ndim)
    if indices.shape != updates.shape:
        raise ImportedModelError(
            f"indices of shape {indices.shape}, updates of {updates.shape}.", "one shape."
        )
    places = _grid(indices.shape, x.ndim)
    places[axis] = within(indices, x.shape[axis]).astype(canonical(np.int64))
    return _write(x, tuple(jnp.broadcast_arrays(*places)), updates, call.get("reduction", "none"))


rule("Scatter", 9, 11)(_scatter_elements)


@rule("ScatterND", 11, 18)
def _scatter_nd(call: Call, x: Any, indices: Any, updates: Any) -> Any:
    return _write(x, _places(indices, x.shape, 0), updates, call.get("reduction", "none"))


@rule("TensorScatter", 24, 24)
def _tensor_scatter(call: Call, past: Any, update: Any, starts: Any = None) -> Any:
    axis = axis_of(call["axis"], past.ndim)
    length, steps = past.shape[axis], update.shape[axis]
    if starts is None:
        starts = jnp.zeros(past.shape[0], canonical(np.int64))
    grid = _grid(update.shape, past.ndim)
    place = starts.reshape((-1,) + (1,) * (past.ndim - 1)) + jnp.arange(steps, dtype=starts.dtype).reshape(
        [-1 if a == axis else 1 for a in range(past.ndim)]
    )
    grid[axis] = place % np.asarray(length, place.dtype) if call["mode"] == "circular" else place
    kind = canonical(np.int64)
    return past.at[tuple(jnp.broadcast_arrays(*(g.astype(kind) for g in grid)))].set(update, mode="drop")


@rule("OneHot", 9, 28, static=(1,))
def _one_hot(call: Call, indices: Any, depth: Any, values: Any) -> Any:
    size = int(depth.reshape(-1)[0])
    axis = axis_of(call["axis"], indices.ndim + 1)
    shape = list(indices.shape)
    shape.insert(axis, size)
    claim(shape)
    places = jnp.expand_dims(indices, axis)
    wide = [1] * len(shape)
    wide[axis] = size
    count = jnp.arange(size, dtype=places.dtype).reshape(wide)
    here = (places == count) | (places + np.asarray(size, places.dtype) == count)
    return jnp.where(here, values[1], values[0])


@rule("Trilu", 14, 14)
def _trilu(call: Call, x: Any, k: Any = None) -> Any:
    kind = canonical(np.int64)
    rows = jnp.arange(x.shape[-2], dtype=kind).reshape(-1, 1)
    columns = jnp.arange(x.shape[-1], dtype=kind).reshape(1, -1)
    offset = columns - rows - (np.zeros((), kind) if k is None else k.reshape(()).astype(kind))
    keep = offset >= 0 if call["upper"] else offset <= 0
    return jnp.where(keep.reshape((1,) * (x.ndim - 2) + keep.shape), x, jnp.zeros((), x.dtype))


@rule("ReverseSequence", 10, 28)
def _reverse_sequence(call: Call, x: Any, lengths: Any) -> Any:
    batch, time = call["batch_axis"], call["time_axis"]
    kind = lengths.dtype
    step = jnp.arange(x.shape[time], dtype=kind).reshape([-1 if a == time else 1 for a in range(x.ndim)])
    count = lengths.reshape([-1 if a == batch else 1 for a in range(x.ndim)])
    place = jnp.where(step < count, count - np.asarray(1, kind) - step, step)
    return jnp.take_along_axis(x, jnp.broadcast_to(place, x.shape), axis=time)


@rule("NonZero", 9, 13, static=(0,))
def _non_zero(call: Call, x: Any) -> Any:
    return np.stack(np.nonzero(np.atleast_1d(x))).astype(np.int64)


@rule("Compress", 9, 28, static=(1,))
def _compress(call: Call, x: Any, condition: Any) -> Any:
    places = np.nonzero(condition)[0]
    axis = call.get("axis")
    return jnp.take(x.reshape(-1) if axis is None else x, places, axis=0 if axis is None else axis)


@rule("Unique", 11, 28, static=(0,))
def _unique(call: Call, x: Any) -> Any:
    axis = call.get("axis")
    values, first, inverse, counts = np.unique(x, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not call["sorted"]:
        order = np.argsort(first)
        values, first, counts = np.take(values, order, axis or 0), first[order], counts[order]
        inverse = np.argsort(order)[inverse]
    return values, *(v.astype(np.int64) for v in (first, inverse, counts))


def corners(x: Any, places: list[Any], fill: bool) -> Any:
    """`x[n, :, i, j, ...]` at integer places `(n, ...)`, zero outside if `fill`; gives `(n, ..., c)`."""
    spatial = x.shape[2:]
    inside: Any = True
    safe = []
    for place, size in zip(places, spatial, strict=True):
        limit = np.asarray(size - 1, place.dtype)
        inside = (place >= 0) & (place <= limit) & inside
        safe.append(jnp.clip(place, np.zeros((), place.dtype), limit))
    batch = jnp.arange(x.shape[0], dtype=safe[0].dtype).reshape((-1,) + (1,) * (safe[0].ndim - 1))
    read = jnp.moveaxis(x, 1, -1)[tuple(jnp.broadcast_arrays(*aligned(batch, *safe)))]
    return jnp.where(inside[..., None], read, jnp.zeros((), x.dtype)) if fill else read
