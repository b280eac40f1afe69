"""What is known of a value before it is computed: that all its entries are alike, that it counts, its bounds.

Of a function traced for any number of frames `T` much is known all the same: a mask that is true everywhere,
an index that counts from 0 to `T - 1`, a sum of `T` ones. A table of rules follows such facts from equation
to equation; what they leave over is what a person would have written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from antiphon.graph._graph import Equation
from antiphon.graph.source._sizes import Size, at_least, is_size, largest, smallest


@dataclass(frozen=True)
class Full:
    """Every entry is this number: a bool, int or float, or a size such as `T - 1`."""

    value: Any


@dataclass(frozen=True)
class Ramp:
    """Whole numbers that count along one axis: entry i is `start + step * i`."""

    axis: int
    start: Size
    step: int


@dataclass(frozen=True)
class Between:
    """True at the places `low ... high - 1` along an axis, where `0 <= low <= high <= length`."""

    axis: int
    low: Size
    high: Size


@dataclass(frozen=True)
class Within:
    """Whole numbers with bounds, each of which may be unknown."""

    low: Size | None
    high: Size | None


Fact = Full | Ramp | Between | Within | None


def kind_of(dtype: Any) -> str:
    """NumPy's letter for a kind of numbers; empty for types of JAX's own, such as random keys.

    Example:
        >>> kind_of(np.float32), kind_of(bool)
        ('f', 'b')
    """
    try:
        return np.dtype(dtype).kind
    except TypeError:
        return ""


def bounds(fact: Fact, shape: Sequence[Size]) -> tuple[Size | None, Size | None]:
    """The least and the largest entry, as far as known."""
    match fact:
        case Full(value=value) if is_size(value):
            return value, value
        case Ramp(axis=axis, start=start, step=step):
            end = start + step * (shape[axis] - 1)
            return (start, end) if step >= 0 else (end, start)
        case Within(low=low, high=high):
            return low, high
    return None, None


def fact_of_array(array: Any) -> Fact:
    """What is seen at a glance of an array that is there already."""
    flat = np.asarray(array).reshape(-1)
    if flat.dtype.kind not in "biuf" or not flat.size:
        return None
    if (flat == flat[0]).all():
        return Full(flat[0].item())
    if flat.dtype.kind in "iu":
        return Within(int(flat.min()), int(flat.max()))
    return None


def _floor(a: Size, b: Size) -> Size | None:
    return a // b if at_least(a, 0) and at_least(b, 1) else None  # JAX rounds to 0, sizes round down


def _remainder(a: Size, b: Size) -> Size | None:
    return a % b if at_least(a, 0) and at_least(b, 1) else None


def _sign(a: Size) -> Size | None:
    if at_least(a, 1):
        return 1
    if isinstance(a, int):
        return int(np.sign(a))
    return None


def _equal(a: Size, b: Size) -> bool | None:
    if a == b:
        return True
    return False if at_least(a, b + 1) or at_least(b, a + 1) else None


def _negated(value: bool | None) -> bool | None:
    return None if value is None else not value


ON_SIZES: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _floor,
    "rem": _remainder,
    "neg": lambda a: -a,
    "sign": _sign,
    "max": largest,
    "min": smallest,
    "eq": _equal,
    "ne": lambda a, b: _negated(_equal(a, b)),
    "ge": at_least,
    "gt": lambda a, b: at_least(a, b + 1),
    "le": lambda a, b: at_least(b, a),
    "lt": lambda a, b: at_least(b, a + 1),
}
ON_NUMBERS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": lambda a, b: np.divide(a, b) if a.dtype.kind == "f" else None,
    "neg": np.negative,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
    "eq": np.equal,
    "ne": np.not_equal,
    "ge": np.greater_equal,
    "gt": np.greater,
    "le": np.less_equal,
    "lt": np.less,
    "sqrt": np.sqrt,
    "square": np.square,
    "abs": np.abs,
}


def _fold(equation: Equation, values: Sequence[Any]) -> Fact:
    """One number from numbers."""
    name = equation.primitive
    dtypes = [np.dtype(atom.dtype) for atom in equation.inputs]
    if any(d.kind not in "biuf" for d in dtypes):
        return None
    whole = all(is_size(v) or (isinstance(v, float) and v.is_integer()) for v in values)
    named = not all(isinstance(v, bool | int | float) for v in values)
    # A float that is a size (`T` as a number to divide by) is exact only where the result is one of the two.
    exact = dtypes[0].kind in "iu" or name in ("max", "min", "eq", "ne", "ge", "gt", "le", "lt")
    if named:
        if not (whole and exact and name in ON_SIZES):
            return None
        result = ON_SIZES[name](*(v if is_size(v) else int(v) for v in values))
        return None if result is None else Full(result)
    if dtypes[0].kind in "iu" and name in ("div", "rem", "sign"):
        result = ON_SIZES[name](*map(int, values))
        return None if result is None else Full(result)
    if name not in ON_NUMBERS:
        return None
    with np.errstate(all="ignore"):
        found = ON_NUMBERS[name](*(np.asarray(v, d) for v, d in zip(values, dtypes, strict=True)))
    return None if found is None else Full(np.asarray(found).item())


def elementwise(equation: Equation, facts: Sequence[Fact]) -> Fact:
    values = [f.value for f in facts if isinstance(f, Full)]
    if len(values) == len(facts):
        return _fold(equation, values)
    name = equation.primitive
    if name in ("and", "or") and np.dtype(equation.inputs[0].dtype).kind == "b":
        for fact in facts:
            if isinstance(fact, Full) and fact.value is (name == "or"):
                return fact
        neutral = [f for f in facts if not isinstance(f, Full)]
        return neutral[0] if len(neutral) == 1 else (_overlap(*facts) if name == "and" else None)
    if np.dtype(equation.inputs[0].dtype).kind not in "iu":
        return None
    if name in _COUNTING and len(facts) == 2:
        found = _COUNTING[name](*facts)
        if found is not None:
            return found
    shapes = [atom.shape for atom in equation.inputs]
    limits = [bounds(f, s) for f, s in zip(facts, shapes, strict=True)]
    decided = _BOUNDED[name](*limits) if name in _BOUNDED else None
    return _places(name, facts, shapes) if decided is None and name in _MIRRORED else decided


def _shift(one: Fact, other: Fact) -> Fact:
    match one, other:
        case (Ramp(), Full(value=value)) if is_size(value):
            return Ramp(one.axis, one.start + value, one.step)
        case (Full(), Ramp()):
            return _shift(other, one)
        case (Ramp(), Ramp()) if one.axis == other.axis:
            return Ramp(one.axis, one.start + other.start, one.step + other.step)
    return None


def _scale(one: Fact, other: Fact) -> Fact:
    match one, other:
        case (Ramp(), Full(value=int(value))):
            return Ramp(one.axis, one.start * value, one.step * value)
        case (Full(), Ramp()):
            return _scale(other, one)
    return None


def _minus(fact: Fact) -> Fact:
    match fact:
        case Full(value=value) if is_size(value):
            return Full(-value)
        case Ramp(axis=axis, start=start, step=step):
            return Ramp(axis, -start, -step)
    return None


_COUNTING: dict[str, Callable[[Fact, Fact], Fact]] = {
    "add": _shift,
    "sub": lambda one, other: _shift(one, _minus(other)),
    "mul": _scale,
}


_MIRRORED = {"eq": "eq", "ge": "le", "gt": "lt", "le": "ge", "lt": "gt"}


def _places(name: str, facts: Sequence[Fact], shapes: Sequence[Sequence[Size]]) -> Fact:
    """Where counting numbers compare with one number as wanted."""
    one, other = facts
    if isinstance(one, Full):
        return _places(_MIRRORED[name], [other, one], [shapes[1], shapes[0]])
    if not (isinstance(one, Ramp) and one.step == 1 and isinstance(other, Full) and is_size(other.value)):
        return None
    at, end = other.value - one.start, shapes[0][one.axis]
    low = {"eq": at, "ge": at, "gt": at + 1}.get(name, 0)
    high = {"eq": at + 1, "lt": at, "le": at + 1}.get(name, end)
    if name == "eq":
        inside = at_least(low, 0) and at_least(end, high)
        return Between(one.axis, low, high) if inside else None
    low, high = largest(low, 0), smallest(high, end)
    return Between(one.axis, low, largest(high, low))


def _overlap(one: Fact, other: Fact) -> Fact:
    if isinstance(one, Between) and isinstance(other, Between) and one.axis == other.axis:
        low, high = largest(one.low, other.low), smallest(one.high, other.high)
        return Between(one.axis, low, largest(high, low))
    return None


Limits = tuple[Size | None, Size | None]


def both(f: Callable[[Size, Size], Size], a: Size | None, b: Size | None) -> Size | None:
    return None if a is None or b is None else f(a, b)


def _either(f: Callable[[Size, Size], Size], a: Size | None, b: Size | None) -> Size | None:
    return (b if a is None else a) if a is None or b is None else f(a, b)


def _comparison(yes: bool) -> Callable[[Limits, Limits], Fact]:
    def rule(one: Limits, other: Limits) -> Fact:
        """Of `one >= other`, or of its contrary."""
        if one[0] is not None and other[1] is not None and at_least(one[0], other[1]):
            return Full(yes)
        if one[1] is not None and other[0] is not None and at_least(other[0], one[1] + 1):
            return Full(not yes)
        return None

    return rule


_BOUNDED: dict[str, Callable[..., Fact]] = {
    "add": lambda a, b: Within(both(lambda x, y: x + y, a[0], b[0]), both(lambda x, y: x + y, a[1], b[1])),
    "sub": lambda a, b: Within(both(lambda x, y: x - y, a[0], b[1]), both(lambda x, y: x - y, a[1], b[0])),
    "max": lambda a, b: Within(_either(largest, a[0], b[0]), both(largest, a[1], b[1])),
    "min": lambda a, b: Within(both(smallest, a[0], b[0]), _either(smallest, a[1], b[1])),
    "ge": _comparison(True),
    "lt": _comparison(False),
    "le": lambda a, b: _comparison(True)(b, a),
    "gt": lambda a, b: _comparison(False)(b, a),
}
