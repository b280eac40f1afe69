"""Products of matrices, plain and quantised."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from antiphon.graph.onnx_import._dtype import quantized
from antiphon.graph.onnx_import._rule import Call, rule


@rule("MatMul", 1, 13)
def _matmul(call: Call, a: Any, b: Any) -> Any:
    return jnp.matmul(a, b)


@rule("Gemm", 7, 13)
def _gemm(call: Call, a: Any, b: Any, c: Any = None) -> Any:
    a = a.T if call["transA"] else a
    b = b.T if call["transB"] else b
    y = jnp.matmul(a, b)
    if call["alpha"] != 1:
        y = y * np.asarray(call["alpha"], y.dtype)
    if c is None or call["beta"] == 0:
        return y
    if call["beta"] != 1:
        c = c * np.asarray(call["beta"], c.dtype)
    return y + jnp.broadcast_to(c, y.shape)


@rule("Einsum", 12, 12)
def _einsum(call: Call, *xs: Any) -> Any:
    return jnp.einsum(call["equation"].replace(" ", ""), *xs)


@rule("Det", 11, 22)
def _det(call: Call, x: Any) -> Any:
    return jnp.linalg.det(x)


def _centred(x: Any, zero: Any, rows: bool) -> Any:
    """`x` less its zero point in int32; a vector of zero points is one a row, or one a column."""
    x = x.astype(jnp.int32)
    if zero is None:
        return x
    zero = zero.astype(jnp.int32)
    if zero.ndim == 1 and zero.shape[0] != 1:
        zero = zero[:, None] if rows else zero[None, :]
    return (
        x - zero.reshape((1,) * (x.ndim - zero.ndim) + zero.shape)
        if zero.ndim <= x.ndim
        else x - zero.reshape(())
    )


@rule("MatMulInteger", 10, 10)
def _matmul_integer(call: Call, a: Any, b: Any, a_zero: Any = None, b_zero: Any = None) -> Any:
    return jnp.matmul(_centred(a, a_zero, True), _centred(b, b_zero, False))


def _scale(scale: Any, rank: int, rows: bool) -> Any:
    scale = scale.astype(jnp.float32)
    if scale.ndim == 1 and scale.shape[0] != 1:
        scale = scale[:, None] if rows else scale[None, :]
    return (
        scale.reshape((1,) * (rank - scale.ndim) + scale.shape) if scale.ndim <= rank else scale.reshape(())
    )


@rule("QLinearMatMul", 10, 21)
def _qlinear_matmul(
    call: Call,
    a: Any,
    a_scale: Any,
    a_zero: Any,
    b: Any,
    b_scale: Any,
    b_zero: Any,
    y_scale: Any,
    y_zero: Any,
) -> Any:
    product = jnp.matmul(_centred(a, a_zero, True), _centred(b, b_zero, False)).astype(jnp.float32)
    value = product * _scale(a_scale, product.ndim, True) * _scale(b_scale, product.ndim, False)
    return quantized(value / _scale(y_scale, product.ndim, True), y_zero, y_zero.dtype)


@rule("DynamicQuantizeLinear", 11, 11)
def _dynamic_quantize(call: Call, x: Any) -> Any:
    zero = jnp.zeros((), x.dtype)
    low, high = jnp.minimum(x.min(), zero), jnp.maximum(x.max(), zero)
    scale = (high - low) / np.asarray(255, x.dtype)
    scale = jnp.where(scale == 0, jnp.ones((), x.dtype), scale)
    point = jnp.clip(jnp.round(-low / scale), zero, np.asarray(255, x.dtype)).astype(jnp.uint8)
    return quantized(x / scale, point, jnp.uint8), scale, point
