"""ONNX's element types as NumPy's, and the operators that change an array's type."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax import lax

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import canonical
from antiphon.graph.onnx_import._rule import Call, rule

# `TensorProto.DataType`. Text (8) is left out: an array of JAX holds numbers.
DTYPES: dict[int, Any] = {
    1: np.dtype(np.float32),
    2: np.dtype(np.uint8),
    3: np.dtype(np.int8),
    4: np.dtype(np.uint16),
    5: np.dtype(np.int16),
    6: np.dtype(np.int32),
    7: np.dtype(np.int64),
    9: np.dtype(bool),
    10: np.dtype(np.float16),
    11: np.dtype(np.float64),
    12: np.dtype(np.uint32),
    13: np.dtype(np.uint64),
    14: np.dtype(np.complex64),
    15: np.dtype(np.complex128),
    16: np.dtype(ml_dtypes.bfloat16),
    17: np.dtype(ml_dtypes.float8_e4m3fn),
    18: np.dtype(ml_dtypes.float8_e4m3fnuz),
    19: np.dtype(ml_dtypes.float8_e5m2),
    20: np.dtype(ml_dtypes.float8_e5m2fnuz),
    21: np.dtype(ml_dtypes.uint4),
    22: np.dtype(ml_dtypes.int4),
}
INT4 = {DTYPES[k] for k in (21, 22)}
FLOAT8 = {DTYPES[k] for k in (17, 18, 19, 20)}


def dtype_of(element: int) -> Any:
    """NumPy's dtype of an ONNX element type.

    Raises:
        ImportedModelError: Text, or a type unknown here.
    """
    if element not in DTYPES:
        what = "text" if element == 8 else f"element type {element}"
        raise ImportedModelError(f"tensors of {what}.", "numbers: floats, whole numbers, booleans.")
    return DTYPES[element]


def converted(x: Any, dtype: Any, saturate: bool = True) -> Any:
    """The array in another dtype: floats are cut towards zero; 8-bit floats are clipped, if asked for."""
    dtype = canonical(dtype)
    if dtype in FLOAT8 and jnp.issubdtype(x.dtype, jnp.floating) and x.dtype not in FLOAT8:
        limit = np.asarray(float(jnp.finfo(dtype).max), x.dtype)
        if saturate:
            x = jnp.where(jnp.isnan(x), x, jnp.clip(x, -limit, limit))
    if jnp.issubdtype(dtype, jnp.bool_):
        return x != jnp.zeros((), x.dtype)
    if dtype in INT4:  # the lowest four bits
        x = lax.convert_element_type(lax.convert_element_type(x, jnp.int32), jnp.int8)
    return lax.convert_element_type(x, dtype)


@rule("Cast", 6, 28)
def _cast(call: Call, x: Any) -> Any:
    return converted(x, dtype_of(call["to"]), bool(call.get("saturate", 1)))


@rule("CastLike", 15, 25)
def _cast_like(call: Call, x: Any, like: Any) -> Any:
    return converted(x, like.dtype, bool(call.get("saturate", 1)))


def _along(values: Any, x: Any, axis: int, block: int) -> Any:
    """Scales or zero points, one a tensor, a channel or a block, in the shape of `x`."""
    if values.ndim == 0 or (values.ndim == 1 and values.shape[0] == 1 and x.ndim != 1):
        return values.reshape((1,) * x.ndim)
    axis %= max(x.ndim, 1)
    if block:
        return jnp.repeat(values, block, axis=axis)[tuple(slice(0, s) for s in x.shape)]
    shape = [1] * x.ndim
    shape[axis] = -1
    return values.reshape(shape)


@rule("DequantizeLinear", 10, 28)
def _dequantize(call: Call, x: Any, scale: Any, zero: Any = None) -> Any:
    axis, block = call.get("axis", 1), call.get("block_size", 0)
    want = dtype_of(call["output_dtype"]) if call.get("output_dtype", 0) else scale.dtype
    wide = scale.dtype if scale.dtype.itemsize > 4 else jnp.float32
    value = x.astype(wide)
    if zero is not None:
        value = value - _along(zero, x, axis, block).astype(wide)
    return (value * _along(scale, x, axis, block).astype(wide)).astype(canonical(want))


@rule("QuantizeLinear", 10, 28)
def _quantize(call: Call, x: Any, scale: Any, zero: Any = None) -> Any:
    axis, block = call.get("axis", 1), call.get("block_size", 0)
    want = call.get("output_dtype", 0)
    dtype = zero.dtype if zero is not None else (dtype_of(want) if want else jnp.uint8)
    wide = scale.dtype if scale.dtype.itemsize > 4 else jnp.float32
    value = x.astype(wide) / _along(scale, x, axis, block).astype(wide)
    if canonical(dtype) in FLOAT8:
        if zero is not None:
            value = value + _along(zero, x, axis, block).astype(wide)
        return converted(value, dtype, bool(call.get("saturate", 1)))
    return quantized(value, None if zero is None else _along(zero, x, axis, block), dtype)


def quantized(value: Any, zero: Any, dtype: Any) -> Any:
    """The value rounded (half to even), moved by the zero point and clipped to a whole-number dtype."""
    rounded = jnp.round(value)
    if zero is not None:
        rounded = rounded + zero.astype(rounded.dtype)
    bounds = jnp.iinfo(dtype)
    low, high = (np.asarray(float(b), rounded.dtype) for b in (bounds.min, bounds.max))
    return jnp.clip(rounded, low, high).astype(dtype)


@rule("BitCast", 26, 26)
def _bit_cast(call: Call, x: Any) -> Any:
    want = canonical(dtype_of(call["to"]))
    # A truth value is a byte of 0 or 1.
    x = x.astype(jnp.uint8) if jnp.issubdtype(x.dtype, jnp.bool_) else x
    if jnp.issubdtype(want, jnp.bool_):
        return lax.bitcast_convert_type(x, jnp.uint8) != 0
    return lax.bitcast_convert_type(x, want)
