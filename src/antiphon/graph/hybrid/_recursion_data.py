"""What a Python object is to a body that is traced: a constant, data, or something whose parts are read."""

from __future__ import annotations

import enum
import types
from typing import Any

import equinox as eqx
import jax
import numpy as np

INT32 = 2**31
HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that was made by a class statement

CONSTANT, DATA, PROXY, ITEMS = "constant", "data", "proxy", "items"

WRITTEN = (type(None), bool, str, bytes, type(Ellipsis), np.bool_)
_FIXED = (
    type,
    enum.Enum,
    np.dtype,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.ModuleType,
    slice,
    frozenset,
    range,
)
MISSING = enum.Enum("MISSING", "attribute").attribute  # pyright: ignore[reportAttributeAccessIssue]


def is_number(thing: Any) -> bool:
    """A Python number that may be data: no truth value, and no integer that an array could not hold."""
    kind = type(thing)
    return kind is float or kind is complex or (kind is int and -INT32 <= thing < INT32)


def is_array(thing: Any) -> bool:
    """An array of JAX's or NumPy's, a tracer among them."""
    return eqx.is_array(thing) or isinstance(thing, np.ndarray | np.generic)


def kind_of(thing: Any) -> str:
    """Which of the four a value is; numbers are data here."""
    if isinstance(thing, (*WRITTEN, *_FIXED)):
        return CONSTANT
    if is_array(thing) or is_number(thing):
        return DATA
    if isinstance(thing, int):
        return CONSTANT
    if type(thing) in (list, tuple) and all(is_array(v) or is_number(v) for v in thing):
        return ITEMS if thing else PROXY
    if not type(thing).__flags__ & HEAP and type(thing) not in (list, tuple, dict):
        return CONSTANT
    return PROXY


_dynamic: dict[type, bool] = {}
_plain: set[type] = set()  # classes whose objects are told apart by what is read of them alone
_arrays: set[type] = set()  # of JAX


def is_dynamic(thing: Any) -> bool:
    """Whether a shared argument is an input: an array, or a number that is no whole one. Asked by class."""
    kind = type(thing)
    known = _dynamic.get(kind)
    if known is None:
        known = _dynamic[kind] = is_array(thing) or isinstance(thing, float | complex)
    return known


def key_of(thing: Any, by_value: bool) -> Any:
    """What must be equal for two values to take the same way through a body.

    Args:
        thing: The value.
        by_value: Whether a number is assumed to stay what it is.
    """
    kind = type(thing)
    if kind in _plain:
        return kind
    if kind is bool or kind is str or thing is None:
        return kind, thing
    if kind in _arrays:
        return np.ndarray, thing.shape, thing.dtype, thing.weak_type
    if kind is int or kind is float:
        return (kind, thing) if by_value or not is_number(thing) else kind
    if is_array(thing):
        if isinstance(thing, jax.Array):
            _arrays.add(kind)
        return np.ndarray, thing.shape, thing.dtype, getattr(thing, "weak_type", False)
    if kind is list or kind is tuple:
        return kind, bool(thing) and all(is_array(v) or is_number(v) for v in thing)
    if isinstance(thing, (*WRITTEN, *_FIXED)):
        return kind, (thing if isinstance(thing, WRITTEN) or type(thing).__hash__ else id(thing))
    if not kind.__flags__ & HEAP and kind is not dict:
        return kind, id(thing)
    _plain.add(kind)
    return kind


def stand_in(thing: Any, seeds: tuple[Any, Any, Any]) -> Any:
    """A tracer of the kind of `thing`, without its value.

    Args:
        thing: An array or a number.
        seeds: Tracers: of an array of float32 `()`, of a Python int and of a Python float.
    """
    array, whole, real = seeds
    if type(thing) is int:
        return whole + 0
    if type(thing) is float:
        return real + 0.0
    dtype = jax.dtypes.canonicalize_dtype(thing.dtype)
    return jax.numpy.broadcast_to(jax.lax.convert_element_type(array, dtype), thing.shape)


def sample(shape: Any, dtype: Any) -> np.ndarray:
    """Rows of zeros, where nothing better is at hand."""
    return np.zeros(shape, dtype)
