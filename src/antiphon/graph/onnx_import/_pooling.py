"""Pooling over windows and over all of space."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import canonical
from antiphon.graph.onnx_import._convolution import windows
from antiphon.graph.onnx_import._rule import Call, rule


class _Windows:
    """The windows of one call: sizes for `lax.reduce_window`, and the padding with what `ceil_mode` adds."""

    def __init__(self, call: Call, x: Any) -> None:
        if x.ndim < 3:
            raise ImportedModelError(f"pooling of an array of shape {x.shape}.", "(batch, channel, *space).")
        kernel = tuple(call["kernel_shape"])
        strides, dilations, self.pads = windows(call, x.shape[2:], kernel)
        self.extra = [0] * len(kernel)
        if call.get("ceil_mode", 0):
            self.extra = [
                self._extra(*v) for v in zip(x.shape[2:], kernel, strides, dilations, self.pads, strict=True)
            ]
        self.kernel, self.strides, self.dilations = (1, 1, *kernel), (1, 1, *strides), (1, 1, *dilations)

    @staticmethod
    def _extra(size: int, width: int, stride: int, dilation: int, pads: tuple[int, int]) -> int:
        """Padding at the end that makes room for the last, partial window, if that begins inside."""
        reach = (width - 1) * dilation + 1
        room = size + sum(pads) - reach
        count = -(-room // stride) + 1
        if (count - 1) * stride >= size + pads[0]:
            count -= 1
        return max((count - 1) * stride - room, 0)

    def reduce(self, x: Any, start: Any, f: Any, pads: list[tuple[int, int]] | None = None) -> Any:
        """The reduction of each window; what `pads` leaves out counts as padded already."""
        pads = self.pads if pads is None else pads
        padding = [(0, 0), (0, 0), *((a, b + e) for (a, b), e in zip(pads, self.extra, strict=True))]
        return lax.reduce_window(
            x, start, f, self.kernel, self.strides, padding, window_dilation=self.dilations
        )


def _least(dtype: Any) -> Any:
    """The neutral element of the maximum."""
    return np.asarray(-np.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min, dtype)


@rule("MaxPool", 1, 22)
def _max_pool(call: Call, x: Any) -> Any:
    found = _Windows(call, x)
    largest = found.reduce(x, _least(x.dtype), lax.max)
    if not call.wants(1):
        return largest
    kind = canonical(np.int64)
    space = list(x.shape[2:])
    order = "F" if call["storage_order"] else "C"
    inside = np.arange(int(np.prod(space))).reshape(space, order=order)
    outside = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *(1 for _ in space)) * inside.size
    places = jnp.asarray((outside + inside).astype(kind))

    def larger(a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
        first = (a[0] > b[0]) | ((a[0] == b[0]) & (a[1] <= b[1]))
        return jnp.where(first, a[0], b[0]), jnp.where(first, a[1], b[1])

    starts = (_least(x.dtype), np.asarray(np.iinfo(kind).max, kind))
    return largest, found.reduce((lax.stop_gradient(x), places), starts, larger)[1]


@rule("AveragePool", 7, 22)
def _average_pool(call: Call, x: Any) -> Any:
    found = _Windows(call, x)
    zero = np.zeros((), x.dtype)
    total = found.reduce(x, zero, lax.add)
    counted = jnp.ones((1, 1, *x.shape[2:]), x.dtype)
    if call.get("count_include_pad", 0):
        counted = lax.pad(counted, np.ones((), x.dtype), [(0, 0, 0)] * 2 + [(a, b, 0) for a, b in found.pads])
        count = found.reduce(counted, zero, lax.add, [(0, 0)] * len(found.pads))
    else:
        count = found.reduce(counted, zero, lax.add)
    return total / count


@rule("LpPool", 2, 22)
def _lp_pool(call: Call, x: Any) -> Any:
    p = np.asarray(call["p"], x.dtype)
    total = _Windows(call, x).reduce(jnp.abs(x) ** p, np.zeros((), x.dtype), lax.add)
    return total ** (1 / p)


def _space(x: Any) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


@rule("GlobalAveragePool", 1, 22)
def _global_average_pool(call: Call, x: Any) -> Any:
    return jnp.mean(x, axis=_space(x), keepdims=True)


@rule("GlobalMaxPool", 1, 22)
def _global_max_pool(call: Call, x: Any) -> Any:
    return jnp.max(x, axis=_space(x), keepdims=True)


@rule("GlobalLpPool", 2, 22)
def _global_lp_pool(call: Call, x: Any) -> Any:
    p = np.asarray(call["p"], x.dtype)
    return jnp.sum(jnp.abs(x) ** p, axis=_space(x), keepdims=True) ** (1 / p)
