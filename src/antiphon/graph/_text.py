"""How numbers, dtypes, shapes and parameters are written."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np

from antiphon.graph._jax import is_size

_SHORT = {"float": "f", "bfloat": "bf", "int": "i", "uint": "u", "complex": "c"}


def dtype_text(dtype: Any) -> str:
    """A dtype in short, such as `f32`, `i8`, `bool`.

    Example:
        >>> dtype_text(np.dtype("float32")), dtype_text(np.dtype("bool"))
        ('f32', 'bool')
    """
    name = str(getattr(dtype, "name", dtype))
    stem = name.rstrip("0123456789")
    return _SHORT[stem] + name[len(stem) :] if stem in _SHORT and stem != name else name


def type_text(value: Any) -> str:
    """Dtype and shape of a value, such as `f32[T, 12]`.

    Example:
        >>> type_text(np.zeros((3, 2), np.float32))
        'f32[3, 2]'
    """
    return f"{dtype_text(value.dtype)}[{', '.join(map(str, value.shape))}]"


def shape_text(shape: tuple[Any, ...]) -> str:
    """A shape as Python writes it.

    Example:
        >>> shape_text((3,))
        '(3,)'
    """
    inside = ", ".join(map(str, shape))
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def number_text(number: Any) -> str:
    """A number with as many digits as its dtype can tell apart.

    Example:
        >>> number_text(np.float32(0.1)), number_text(np.float32(2)), number_text(np.int32(2))
        ('0.1', '2.0', '2')
    """
    return str(np.asarray(number)[()])


def array_text(array: Any, *, longest: int = 40) -> str:
    """A small array in full, a large one by its extent; a key of random numbers as such.

    Example:
        >>> array_text(np.float32([1, 2.5])), array_text(np.arange(0.0, 1.0, 0.01))
        ('[1.0, 2.5]', '100 numbers, 0 to 0.99')
    """
    try:
        numbers = np.asarray(array)
    except TypeError:
        return "random key"
    if numbers.dtype == object:
        return "random key"
    if numbers.ndim == 0:
        return number_text(numbers)
    if numbers.size <= longest:
        text = str(np.vectorize(number_text, otypes=[object])(numbers).tolist()).replace("'", "")
        if len(text) <= longest:
            return text
    if numbers.dtype.kind in "biu":
        return f"{numbers.size} numbers"
    numbers = numbers.astype(np.float64) if numbers.dtype.kind != "c" else abs(numbers)
    return f"{numbers.size} numbers, {numbers.min():.3g} to {numbers.max():.3g}"


def params_text(params: Any) -> list[str]:
    """Those parameters of an equation that say something, as `name=value`."""
    return [f"{k}={_param_text(v)}" for k, v in params.items() if _tells(v)]


def _tells(value: Any) -> bool:
    if value is None or value is False or (isinstance(value, tuple) and not value):
        return False
    known = bool | int | float | str | enum.Enum | np.dtype | np.generic | tuple
    return isinstance(value, known) or is_size(value)


def _param_text(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, np.dtype):
        return dtype_text(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return f"({', '.join(params_text(value._asdict()))})"  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(value, tuple):
        inside = ", ".join(map(_param_text, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return str(value)
