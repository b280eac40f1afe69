"""Shape arithmetic: operators over values known when tracing, in NumPy.

Models compute shapes by graph operators. In NumPy they keep their 64 bits, and an object array keeps symbolic
sizes. A rule gives `NotImplemented` where it has no answer; the rule of the table is used then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from antiphon.graph.onnx_import import _layout
from antiphon.graph.onnx_import._array import axes_of, axis_of, broadcast, claim, sizes
from antiphon.graph.onnx_import._dtype import dtype_of
from antiphon.graph.onnx_import._rule import Call

# Shapes are short; larger constants are data, and go to JAX.
MOST_ELEMENTS = 1024

HostRule = Callable[..., Any]


def _plain(f: Callable[..., Any]) -> HostRule:
    return lambda call, *xs: f(*xs)


def _div(call: Call, a: np.ndarray, b: np.ndarray) -> Any:
    if a.dtype == object or b.dtype == object:
        return np.floor_divide(a, b)  # sizes are never negative
    if a.dtype.kind not in "iu" or not np.all(b):
        return NotImplemented
    return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b)), a.dtype)


def _cast(call: Call, x: np.ndarray) -> Any:
    kind = dtype_of(call["to"]).kind
    if x.dtype == object:
        return x if kind == "i" else NotImplemented
    if kind not in "iub" or x.dtype.kind not in "iubf" or not np.all(np.isfinite(x)):
        return NotImplemented
    return x.astype(dtype_of(call["to"]))


def _gather(call: Call, x: np.ndarray, indices: np.ndarray) -> Any:
    if indices.dtype == object:
        return NotImplemented
    return np.asarray(np.take(x, indices, axis=axis_of(call["axis"], x.ndim)))


def _range(call: Call, start: np.ndarray, limit: np.ndarray, delta: np.ndarray) -> Any:
    if any(v.dtype.kind not in "iu" or v.size != 1 for v in (start, limit, delta)) or not np.all(delta):
        return NotImplemented
    first, last, step = (int(v.reshape(-1)[0]) for v in (start, limit, delta))
    found = range(first, last, step)
    return np.asarray(found, start.dtype) if len(found) <= MOST_ELEMENTS else NotImplemented


def _constant_of_shape(call: Call, shape: np.ndarray) -> Any:
    wanted = sizes(shape)
    if (
        shape.dtype == object
        or min(wanted, default=0) < 0
        or np.prod(claim(wanted), dtype=float) > MOST_ELEMENTS
    ):
        return NotImplemented
    return np.full(wanted, _layout.filling(call))


def _product(call: Call, x: np.ndarray, axes: Any = None) -> Any:
    axes = call.get("axes", axes)
    if x.ndim != 1 or call.get("noop_with_empty_axes", 0):
        return NotImplemented
    found = np.empty(1, x.dtype)
    found[0] = reduce(lambda a, b: a * b, x, 1)
    return found if call["keepdims"] else found.reshape(())


def _expand(call: Call, x: np.ndarray, shape: np.ndarray) -> Any:
    if shape.dtype == object:
        return NotImplemented
    wanted = broadcast(x.shape, sizes(shape))
    return np.broadcast_to(x, wanted) if np.prod(wanted, dtype=float) <= MOST_ELEMENTS else NotImplemented


def _slice(
    call: Call, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None
) -> Any:
    return x[_layout.slices(call, x.ndim, starts, ends, axes, steps)]


def _compare(f: Callable[[Any, Any], Any]) -> HostRule:
    def apply(call: Call, a: np.ndarray, b: np.ndarray) -> Any:
        return np.asarray(f(a, b)).astype(bool)

    return apply


def _split(call: Call, x: np.ndarray, split: Any = None) -> Any:
    if x.ndim != 1 or call.version < 13 or split is None or split.dtype == object:
        return NotImplemented
    if split.sum() != x.size or len(split) != call.wanted:
        return NotImplemented
    return tuple(np.split(x, np.cumsum(split)[:-1]))


def _squeeze(call: Call, x: np.ndarray, axes: Any = None) -> Any:
    return np.squeeze(x, _layout.squeezed(call, x.shape, axes))


def _unsqueeze(call: Call, x: np.ndarray, axes: Any = None) -> Any:
    return np.expand_dims(x, _layout.unsqueezed(call, x.ndim, axes))


def _concat(call: Call, *xs: np.ndarray) -> Any:
    return np.concatenate(xs, axis=axis_of(call["axis"], xs[0].ndim))


HOST: dict[str, HostRule] = {
    "Add": _plain(np.add),
    "Sub": _plain(np.subtract),
    "Mul": _plain(np.multiply),
    "Neg": _plain(np.negative),
    "Abs": _plain(np.abs),
    "Div": _div,
    "Max": lambda call, *xs: reduce(np.maximum, xs),
    "Min": lambda call, *xs: reduce(np.minimum, xs),
    "Equal": _compare(np.equal),
    "Less": _compare(np.less),
    "LessOrEqual": _compare(np.less_equal),
    "Greater": _compare(np.greater),
    "GreaterOrEqual": _compare(np.greater_equal),
    "And": _plain(np.logical_and),
    "Or": _plain(np.logical_or),
    "Xor": _plain(np.logical_xor),
    "Not": _plain(np.logical_not),
    "Where": _plain(np.where),
    "Cast": _cast,
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": lambda call, x, shape: x.reshape(_layout.new_shape(call, x.shape, shape)),
    "Transpose": lambda call, x: np.transpose(x, axes_of(_layout.permutation(call, x.ndim), x.ndim)),
    "Expand": _expand,
    "Range": _range,
    "ConstantOfShape": _constant_of_shape,
    "ReduceProd": _product,
}


def on_host(call: Call, values: list[Any]) -> Any:
    """The outputs, if all inputs are NumPy's, small, and no floats of a network; else `NotImplemented`."""
    apply = HOST.get(call.node.op)
    if apply is None or not values:
        return NotImplemented
    for value in values:
        if value is None:
            continue
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iubO" or value.size > MOST_ELEMENTS:
            return NotImplemented
    return apply(call, *values)
