"""Operators that reduce axes, or run along one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import axes_of, axis_of, canonical, known
from antiphon.graph.onnx_import._rule import Call, rule


def _reduction(op: str, last: int, f: Callable[..., Any], axes_input_since: int = 18) -> None:
    """Enter `f(x, axes, keepdims)`, whose axes are an attribute before a version, and an input since."""

    def apply(call: Call, x: Any, axes: Any = None) -> Any:
        if call.version < axes_input_since:
            axes = call.get("axes")
        if axes is None or np.size(axes) == 0:
            every = () if call.get("noop_with_empty_axes", 0) else tuple(range(x.ndim))
            return f(x, every, bool(call["keepdims"]))
        return f(x, axes_of(axes, x.ndim), bool(call["keepdims"]))

    rule(op, 1, last, static=(1,))(apply)


def _sum(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return jnp.sum(x, axis=axes, keepdims=keepdims, dtype=x.dtype)


def _lowest(dtype: Any) -> Any:
    if jnp.issubdtype(dtype, jnp.bool_):
        return False
    return -np.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min


def _highest(dtype: Any) -> Any:
    if jnp.issubdtype(dtype, jnp.bool_):
        return True
    return np.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).max


def _max(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return jnp.max(x, axis=axes, keepdims=keepdims, initial=_if_empty(x, axes, _lowest))


def _min(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return jnp.min(x, axis=axes, keepdims=keepdims, initial=_if_empty(x, axes, _highest))


def _if_empty(x: Any, axes: tuple[int, ...], value: Callable[[Any], Any]) -> Any:
    """What the reduction of no elements gives; `None` where there are some, to keep the graph plain."""
    return value(x.dtype) if any(isinstance(x.shape[a], int) and x.shape[a] == 0 for a in axes) else None


def _mean(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.mean(x, axis=axes, keepdims=keepdims)
    count = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    total = _sum(x, axes, keepdims)
    return lax.div(total, jnp.full_like(total, count))


def _log_sum_exp(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return jax.nn.logsumexp(x, axis=axes, keepdims=keepdims)


_reduction("ReduceSum", 13, _sum, axes_input_since=13)
_reduction("ReduceMax", 20, _max)
_reduction("ReduceMin", 20, _min)
_reduction("ReduceMean", 18, _mean)
_reduction("ReduceProd", 18, lambda x, axes, keep: jnp.prod(x, axis=axes, keepdims=keep, dtype=x.dtype))
_reduction("ReduceL1", 18, lambda x, axes, keep: _sum(jnp.abs(x), axes, keep))
_reduction("ReduceL2", 18, lambda x, axes, keep: jnp.sqrt(_sum(x * x, axes, keep)).astype(x.dtype))
_reduction("ReduceSumSquare", 18, lambda x, axes, keep: _sum(x * x, axes, keep))
_reduction("ReduceLogSum", 28, lambda x, axes, keep: jnp.log(_sum(x, axes, keep)))
_reduction("ReduceLogSumExp", 28, _log_sum_exp)


def _arg(op: str, f: Callable[..., Any]) -> None:
    def apply(call: Call, x: Any) -> Any:
        axis = axis_of(call["axis"], x.ndim)
        if call.get("select_last_index", 0):
            found = x.shape[axis] - 1 - f(jnp.flip(x, axis), axis=axis)
        else:
            found = f(x, axis=axis)
        found = found.astype(canonical(np.int64))
        return jnp.expand_dims(found, axis) if call["keepdims"] else found

    rule(op, 1, 13)(apply)


_arg("ArgMax", jnp.argmax)
_arg("ArgMin", jnp.argmin)


def _softmax_like(op: str, f: Callable[..., Any]) -> None:
    """Enter `f(x, axis)`; before version 13 the axes from `axis` on count as one."""

    def apply(call: Call, x: Any) -> Any:
        axis = axis_of(call["axis"], x.ndim)
        if call.version >= 13:
            return f(x, axis=axis)
        return f(x, axis=tuple(range(axis, x.ndim)))

    rule(op, 1, 13)(apply)


def _hardmax(x: Any, axis: int | tuple[int, ...]) -> Any:
    axes = (axis,) if isinstance(axis, int) else axis
    front = [a for a in range(x.ndim) if a not in axes]
    flat = x.transpose(*front, *axes).reshape(*(x.shape[a] for a in front), -1)
    hot = jax.nn.one_hot(jnp.argmax(flat, axis=-1), flat.shape[-1], dtype=x.dtype)
    back = np.argsort((*front, *axes))
    return hot.reshape([x.shape[a] for a in (*front, *axes)]).transpose(*back)


_softmax_like("Softmax", jax.nn.softmax)
_softmax_like("LogSoftmax", jax.nn.log_softmax)
_softmax_like("Hardmax", _hardmax)


def _cumulative(op: str, first: int, last: int, f: Callable[..., Any], neutral: int) -> None:
    def apply(call: Call, x: Any, axis: Any) -> Any:
        if np.size(axis) != 1:
            raise ImportedModelError(f"{np.size(axis)} axes.", "one axis.")
        along = axis_of(int(axis.reshape(-1)[0]), x.ndim)
        if call["reverse"]:
            x = jnp.flip(x, along)
        if call["exclusive"]:
            pads = [(0, 0, 0)] * x.ndim
            pads[along] = (1, -1, 0)
            x = lax.pad(x, np.asarray(neutral, x.dtype), pads)
        x = f(x, axis=along, dtype=x.dtype)
        return jnp.flip(x, along) if call["reverse"] else x

    rule(op, first, last, static=(1,))(apply)


_cumulative("CumSum", 11, 14, jnp.cumsum, 0)
_cumulative("CumProd", 26, 26, jnp.cumprod, 1)


@rule("TopK", 1, 24, static=(1,))
def _top_k(call: Call, x: Any, k: Any = None) -> Any:
    axis = axis_of(call["axis"], x.ndim)
    count = int(call["k"] if call.version < 10 else known(k, "k").reshape(-1)[0])
    if not 0 <= count <= x.shape[axis]:
        raise ImportedModelError(f"the {count} largest of {x.shape[axis]}.", f"0 to {x.shape[axis]}.")
    last = jnp.moveaxis(x, axis, -1)
    if call.get("largest", 1):
        values, places = lax.top_k(last, count)
    else:
        places = jnp.argsort(last, axis=-1, stable=True)[..., :count]
        values = jnp.take_along_axis(last, places, axis=-1)
    places = places.astype(canonical(np.int64))
    return jnp.moveaxis(values, -1, axis), jnp.moveaxis(places, -1, axis)
