"""Element-wise operators: arithmetic, comparison, logic, activations."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import aligned, is_known
from antiphon.graph.onnx_import._rule import Call, rule


def _unary(op: str, first: int, last: int, f: Callable[[Any], Any]) -> None:
    rule(op, first, last)(lambda call, x: f(x))


def _binary(op: str, first: int, last: int, f: Callable[[Any, Any], Any]) -> None:
    rule(op, first, last)(lambda call, a, b: f(*aligned(a, b)))


def _variadic(op: str, first: int, last: int, f: Callable[[Any, Any], Any]) -> None:
    rule(op, first, last)(lambda call, *xs: reduce(lambda a, b: f(*aligned(a, b)), xs))


_unary("Abs", 6, 13, jnp.abs)
_unary("Neg", 6, 13, jnp.negative)
_unary("Ceil", 6, 13, jnp.ceil)
_unary("Floor", 6, 13, jnp.floor)
_unary("Round", 11, 22, jnp.round)
_unary("Sign", 9, 13, jnp.sign)
_unary("Exp", 6, 13, jnp.exp)
_unary("Log", 6, 13, jnp.log)
_unary("Sqrt", 6, 13, jnp.sqrt)
_unary("Reciprocal", 6, 13, jnp.reciprocal)
_unary("Erf", 9, 13, lax.erf)
for _name in ("sin", "cos", "tan", "asin", "acos", "atan"):
    _unary(_name.capitalize(), 7, 22, getattr(jnp, _name))
for _name in ("sinh", "cosh", "asinh", "acosh", "atanh"):
    _unary(_name.capitalize(), 9, 22, getattr(jnp, _name))
_unary("Tanh", 6, 13, jnp.tanh)
_unary("Not", 1, 1, jnp.logical_not)
_unary("IsNaN", 9, 20, jnp.isnan)
_unary("BitwiseNot", 18, 18, jnp.bitwise_not)

_binary("Add", 7, 14, jnp.add)
_binary("Sub", 7, 14, jnp.subtract)
_binary("Mul", 7, 14, jnp.multiply)
_binary("And", 7, 7, jnp.logical_and)
_binary("Or", 7, 7, jnp.logical_or)
_binary("Xor", 7, 7, jnp.logical_xor)
_binary("Equal", 7, 19, jnp.equal)
_binary("Less", 7, 13, jnp.less)
_binary("LessOrEqual", 12, 16, jnp.less_equal)
_binary("Greater", 7, 13, jnp.greater)
_binary("GreaterOrEqual", 12, 16, jnp.greater_equal)
_binary("BitwiseAnd", 18, 18, jnp.bitwise_and)
_binary("BitwiseOr", 18, 18, jnp.bitwise_or)
_binary("BitwiseXor", 18, 18, jnp.bitwise_xor)

_variadic("Sum", 8, 13, jnp.add)
_variadic("Max", 8, 13, jnp.maximum)
_variadic("Min", 8, 13, jnp.minimum)


@rule("Mean", 8, 13)
def _mean(call: Call, *xs: Any) -> Any:
    total = reduce(lambda a, b: jnp.add(*aligned(a, b)), xs)
    return total / np.asarray(len(xs), total.dtype)


@rule("Div", 7, 14)
def _div(call: Call, a: Any, b: Any) -> Any:
    a, b = jnp.broadcast_arrays(*aligned(a, b))
    return lax.div(a, b)  # whole numbers are cut towards zero, as in C


@rule("Mod", 10, 28)
def _mod(call: Call, a: Any, b: Any) -> Any:
    a, b = aligned(a, b)
    return jnp.fmod(a, b) if call["fmod"] else jnp.mod(a, b)


@rule("Pow", 7, 15)
def _pow(call: Call, x: Any, y: Any) -> Any:
    if is_known(y) and y.size == 1 and y.ndim <= x.ndim and jnp.issubdtype(x.dtype, jnp.floating):
        power = float(np.asarray(y).item())
        if power.is_integer() and abs(power) <= 16:
            return lax.integer_pow(x, int(power))
        if power == 0.5:
            return jnp.sqrt(x)
    # Floats win over whole numbers, and the wider float over the other; the result is of the base's type.
    real = [v.dtype for v in (x, y) if jnp.issubdtype(v.dtype, jnp.floating)] or [x.dtype]
    kind = max(real, key=lambda dtype: dtype.itemsize)
    return jnp.power(*aligned(x.astype(kind), y.astype(kind))).astype(x.dtype)


@rule("BitShift", 11, 28)
def _bit_shift(call: Call, x: Any, by: Any) -> Any:
    x, by = jnp.broadcast_arrays(*aligned(x, by))
    if call["direction"] == "LEFT":
        return lax.shift_left(x, by)
    signed = jnp.issubdtype(x.dtype, jnp.signedinteger)
    return lax.shift_right_arithmetic(x, by) if signed else lax.shift_right_logical(x, by)


@rule("IsInf", 10, 20)
def _is_inf(call: Call, x: Any) -> Any:
    up = jnp.isposinf(x) if call["detect_positive"] else jnp.zeros(x.shape, bool)
    return up | jnp.isneginf(x) if call["detect_negative"] else up


@rule("Clip", 6, 13)
def _clip(call: Call, x: Any, low: Any = None, high: Any = None) -> Any:
    if call.version < 11:
        low, high = (np.asarray(call[n], x.dtype) for n in ("min", "max"))
    for bound, limit in ((low, jnp.maximum), (high, jnp.minimum)):
        if bound is not None:
            x = limit(*aligned(x, bound))
    return x


@rule("Where", 9, 16)
def _where(call: Call, condition: Any, x: Any, y: Any) -> Any:
    return jnp.where(*aligned(condition, x, y))


@rule("Relu", 6, 14)
def _relu(call: Call, x: Any) -> Any:
    return jnp.maximum(x, np.zeros((), x.dtype))


@rule("LeakyRelu", 6, 16)
def _leaky_relu(call: Call, x: Any) -> Any:
    return jnp.where(x >= 0, x, x * _number(call["alpha"], x))


@rule("PRelu", 7, 16)
def _prelu(call: Call, x: Any, slope: Any) -> Any:
    wide, slope = aligned(x, slope)
    return jnp.where(wide >= 0, wide, wide * slope)


@rule("ThresholdedRelu", 10, 22)
def _thresholded_relu(call: Call, x: Any) -> Any:
    return jnp.where(x > _number(call["alpha"], x), x, jnp.zeros((), x.dtype))


@rule("Elu", 6, 22)
def _elu(call: Call, x: Any) -> Any:
    return jnp.where(x > 0, x, _number(call["alpha"], x) * jnp.expm1(_below(x)))


@rule("Selu", 6, 22)
def _selu(call: Call, x: Any) -> Any:
    alpha, gamma = _number(call["alpha"], x), _number(call["gamma"], x)
    return gamma * jnp.where(x > 0, x, alpha * jnp.expm1(_below(x)))


@rule("Celu", 12, 28)
def _celu(call: Call, x: Any) -> Any:
    alpha = _number(call["alpha"], x)
    return jnp.maximum(x, _number(0, x)) + alpha * jnp.expm1(_below(x) / alpha)


@rule("Gelu", 20, 20)
def _gelu(call: Call, x: Any) -> Any:
    kind = call["approximate"]
    if kind not in ("none", "tanh"):
        raise ImportedModelError(f"Gelu with approximate={kind!r}.", "'none' or 'tanh'.")
    return jax.nn.gelu(x, approximate=kind == "tanh")


@rule("HardSigmoid", 6, 22)
def _hard_sigmoid(call: Call, x: Any) -> Any:
    return jnp.clip(x * _number(call["alpha"], x) + _number(call["beta"], x), _number(0, x), _number(1, x))


@rule("HardSwish", 14, 22)
def _hard_swish(call: Call, x: Any) -> Any:
    return x * jnp.clip(x / _number(6, x) + _number(0.5, x), _number(0, x), _number(1, x))


@rule("Swish", 24, 24)
def _swish(call: Call, x: Any) -> Any:
    return x * jax.nn.sigmoid(x * _number(call["alpha"], x))


@rule("Shrink", 9, 9)
def _shrink(call: Call, x: Any) -> Any:
    lambd, bias = _number(call["lambd"], x), _number(call["bias"], x)
    return jnp.where(x < -lambd, x + bias, jnp.where(x > lambd, x - bias, jnp.zeros((), x.dtype)))


_unary("Sigmoid", 6, 13, jax.nn.sigmoid)
_unary("Softplus", 1, 22, lambda x: jnp.logaddexp(x, jnp.zeros_like(x)))
_unary("Softsign", 1, 22, jax.nn.soft_sign)
_unary("Mish", 18, 22, lambda x: x * jnp.tanh(jnp.logaddexp(x, jnp.zeros_like(x))))


def _number(value: Any, like: Any) -> Any:
    """The number as a NumPy scalar of the array's dtype, so that no dtype is promoted."""
    return np.asarray(value, like.dtype)


def _below(x: Any) -> Any:
    """The part of `x` below zero: what a branch for it sees, so that its gradient is finite elsewhere."""
    return jnp.minimum(x, np.zeros((), x.dtype))
