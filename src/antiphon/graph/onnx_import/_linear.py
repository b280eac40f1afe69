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


@rule("Einsum", 12, 28)
def _einsum(call: Call, *xs: Any) -> Any:
    return jnp.einsum(call["equation"].replace(" ", ""), *xs)


@rule("Det", 11, 22)
def _det(call: Call, x: Any) -> Any:
    return jnp.linalg.det(x)


def _rows(x: Any, rank: int, rows: bool) -> Any:
    """Numbers, one in all, one a row or one a column, with axes put in front up to `rank`."""
    if x.ndim == 1 and x.shape[0] != 1:
        x = x[:, None] if rows else x[None, :]
    return x.reshape((1,) * (rank - x.ndim) + x.shape) if x.ndim <= rank else x.reshape(())


def _centred(x: Any, zero: Any, rows: bool) -> Any:
    """`x` less its zero point in int32; a vector of zero points is one a row, or one a column."""
    x = x.astype(jnp.int32)
    if zero is None:
        return x
    return x - _rows(zero.astype(jnp.int32), x.ndim, rows)


@rule("MatMulInteger", 10, 10)
def _matmul_integer(call: Call, a: Any, b: Any, a_zero: Any = None, b_zero: Any = None) -> Any:
    return jnp.matmul(_centred(a, a_zero, True), _centred(b, b_zero, False))


def _scale(scale: Any, rank: int, rows: bool) -> Any:
    return _rows(scale.astype(jnp.float32), rank, rows)


@rule("QLinearMatMul", 10, 21)
def _qlinear_matmul(
    call: Call, a: Any, a_scale: Any, a_zero: Any, b: Any, b_scale: Any, b_zero: Any, y_scale: Any,
    y_zero: Any,
) -> Any:  # fmt: skip
    product = jnp.matmul(_centred(a, a_zero, True), _centred(b, b_zero, False)).astype(jnp.float32)
    value = product * _scale(a_scale, product.ndim, True) * _scale(b_scale, product.ndim, False)
    return quantized(
        value / _scale(y_scale, product.ndim, True), _rows(y_zero, product.ndim, True), y_zero.dtype
    )


@rule("DynamicQuantizeLinear", 11, 11)
def _dynamic_quantize(call: Call, x: Any) -> Any:
    zero = jnp.zeros((), x.dtype)
    low, high = jnp.minimum(x.min(), zero), jnp.maximum(x.max(), zero)
    scale = (high - low) / np.asarray(255, x.dtype)
    scale = jnp.where(scale == 0, jnp.ones((), x.dtype), scale)
    point = jnp.clip(jnp.round(-low / scale), zero, np.asarray(255, x.dtype)).astype(jnp.uint8)
    return quantized(x / scale, point, jnp.uint8), scale, point
