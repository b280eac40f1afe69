"""Normalisation: of a batch, a layer, an instance, a group; and dropout as it is after training."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import aligned, axis_of, known
from antiphon.graph.onnx_import._convolution import channels
from antiphon.graph.onnx_import._rule import Call, rule


def _number(value: float, like: Any) -> Any:
    return np.asarray(value, like.dtype)


def _centred(x: Any, axes: tuple[int, ...], epsilon: float) -> tuple[Any, Any, Any]:
    """`x` at mean 0 and variance 1 over the axes, its mean, and one over its deviation."""
    mean = jnp.mean(x, axis=axes, keepdims=True)
    apart = x - mean
    variance = jnp.mean(apart * apart, axis=axes, keepdims=True)
    inverse = lax.rsqrt(variance + _number(epsilon, x))
    return apart * inverse, mean, inverse


@rule("BatchNormalization", 7, 15)
def _batch_normalization(call: Call, x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
    if call.get("training_mode", 0):
        return _training_batch(call, x, scale, bias, mean, variance)
    kind = variance.dtype
    scale, bias, mean = (v.astype(kind) for v in (scale, bias, mean))
    factor = scale * lax.rsqrt(variance + _number(call["epsilon"], variance))
    centred = x.astype(kind) - channels(mean, x.ndim)
    return (centred * channels(factor, x.ndim) + channels(bias, x.ndim)).astype(x.dtype)


def _training_batch(call: Call, x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
    axes = (0, *range(2, x.ndim))
    y, now, _ = _centred(x, axes, call["epsilon"])
    apart = x - now
    spread = jnp.mean(apart * apart, axis=axes)
    keep = call["momentum"]

    def moved(old: Any, new: Any) -> Any:
        return old * _number(keep, old) + new.astype(old.dtype) * _number(1 - keep, old)

    y = y * channels(scale, x.ndim) + channels(bias, x.ndim)
    return y, moved(mean, now.reshape(-1)), moved(variance, spread)


@rule("InstanceNormalization", 6, 22)
def _instance_normalization(call: Call, x: Any, scale: Any, bias: Any) -> Any:
    y, _, _ = _centred(x, tuple(range(2, x.ndim)), call["epsilon"])
    return y * channels(scale, x.ndim) + channels(bias, x.ndim)


@rule("LayerNormalization", 17, 17)
def _layer_normalization(call: Call, x: Any, scale: Any, bias: Any = None) -> Any:
    axis = axis_of(call["axis"], x.ndim)
    kind = jnp.float32 if call["stash_type"] == 1 else x.dtype
    y, mean, inverse = _centred(x.astype(kind), tuple(range(axis, x.ndim)), call["epsilon"])
    wide, factor = aligned(y.astype(x.dtype), scale)
    y = wide * factor
    if bias is not None:
        y = jnp.add(*aligned(y, bias))
    return y, mean, inverse


@rule("RMSNormalization", 23, 23)
def _rms_normalization(call: Call, x: Any, scale: Any) -> Any:
    axis = axis_of(call["axis"], x.ndim)
    wide = x.astype(jnp.float32 if call["stash_type"] == 1 else x.dtype)
    square = jnp.mean(wide * wide, axis=tuple(range(axis, x.ndim)), keepdims=True)
    y = (wide * lax.rsqrt(square + _number(call["epsilon"], wide))).astype(x.dtype)
    return jnp.multiply(*aligned(y, scale))


@rule("GroupNormalization", 18, 21)
def _group_normalization(call: Call, x: Any, scale: Any, bias: Any) -> Any:
    groups = call["num_groups"]
    if groups < 1 or x.shape[1] % groups:
        raise ImportedModelError(f"{groups} groups of {x.shape[1]} channels.", "a divisor of the channels.")
    grouped = x.reshape(x.shape[0], groups, -1)
    kind = jnp.float32 if call.get("stash_type", 0) == 1 else x.dtype
    y, _, _ = _centred(grouped.astype(kind), (2,), call["epsilon"])
    if call.version < 21:  # one scale a group then, one a channel since
        each = x.shape[1] // groups
        scale, bias = jnp.repeat(scale, each), jnp.repeat(bias, each)
    y = y.astype(x.dtype).reshape(x.shape)
    return y * channels(scale, x.ndim) + channels(bias, x.ndim)


@rule("LRN", 1, 13)
def _lrn(call: Call, x: Any) -> Any:
    size = call["size"]
    before = (size - 1) // 2
    total = lax.reduce_window(
        x * x,
        _number(0, x),
        lax.add,
        (1, size, *(1 for _ in x.shape[2:])),
        (1,) * x.ndim,
        [(0, 0), (before, size - 1 - before), *((0, 0) for _ in x.shape[2:])],
    )
    base = _number(call["bias"], x) + _number(call["alpha"] / size, x) * total
    return x / base ** _number(call["beta"], x)


@rule("LpNormalization", 1, 22)
def _lp_normalization(call: Call, x: Any) -> Any:
    axis = axis_of(call["axis"], x.ndim)
    if call["p"] == 1:
        size = jnp.sum(jnp.abs(x), axis=axis, keepdims=True)
    else:
        size = jnp.sqrt(jnp.sum(x * x, axis=axis, keepdims=True))
    return jnp.where(size == 0, jnp.zeros((), x.dtype), x / jnp.where(size == 0, jnp.ones((), x.dtype), size))


@rule("MeanVarianceNormalization", 9, 13)
def _mean_variance_normalization(call: Call, x: Any) -> Any:
    axes = tuple(axis_of(a, x.ndim) for a in call["axes"])
    apart = x - jnp.mean(x, axis=axes, keepdims=True)
    deviation = jnp.sqrt(jnp.mean(apart * apart, axis=axes, keepdims=True))
    return apart / (deviation + _number(1e-9, x))


@rule("Dropout", 7, 22, static=(2,))
def _dropout(call: Call, x: Any, ratio: Any = None, training: Any = None) -> Any:
    if training is not None and bool(known(training, "training_mode")):
        rate = 0.5 if ratio is None else float(known(ratio, "the ratio"))
        if rate != 0:
            raise ImportedModelError(
                f"dropout at rate {rate} while training, which draws at random.",
                "a model exported for inference.",
                "Export it again with its dropout off.",
            )
    return x, jnp.ones(x.shape, bool)
