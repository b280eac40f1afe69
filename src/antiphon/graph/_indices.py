"""Reading parts of an array by numbers that form a range: a slice, which says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from antiphon.graph._graph import Atom, Equation, Literal, Value
from antiphon.graph._jax import is_size, operation
from antiphon.graph._rewrite import Change, Scope


class Range(NamedTuple):
    """The numbers `first`, `first + step`, ..., `count` of them; they may be expressions of named sizes."""

    first: Any
    step: int
    count: Any


def index_rule(equation: Equation, scope: Scope) -> Change | None:
    """A slice in place of what reads a known range of an array."""
    if equation.primitive == "dynamic_slice":
        return _dynamic_slice(equation, scope)
    if equation.primitive == "gather":
        return _gather(equation, scope)
    return None


def _dynamic_slice(equation: Equation, scope: Scope) -> Change | None:
    array, *starts = equation.inputs
    firsts = [_number(start, scope) for start in starts]
    sizes = equation.params["slice_sizes"]
    if any(first is None for first in firsts):
        return None
    if not all(_inside(f, size, whole) for f, size, whole in zip(firsts, sizes, array.shape, strict=True)):
        return None  # JAX would move the slice into the array
    return Change("slice at a known place", None, (_slice(equation, array, firsts, sizes, equation.outputs),))


def _gather(equation: Equation, scope: Scope) -> Change | None:
    array, places = equation.inputs
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    if numbers.operand_batching_dims or len(numbers.start_index_map) != 1:
        return None
    (axis,) = numbers.start_index_map
    rank = len(array.shape)
    others = all(size == n for k, (size, n) in enumerate(zip(sizes, array.shape, strict=True)) if k != axis)
    if not others:
        return None
    if len(places.shape) == 1 and not numbers.collapsed_slice_dims:  # one window
        found = _range(places, scope)
        window = None if found is None else Range(found.first, 1, sizes[axis])
        in_order = tuple(numbers.offset_dims) == tuple(range(rank))
    elif len(places.shape) == 2 and tuple(numbers.collapsed_slice_dims) == (axis,):  # rows by their numbers
        window = _range(places, scope)
        in_order = tuple(numbers.offset_dims) == tuple(k for k in range(rank) if k != axis)
    else:
        return None
    if window is None or not in_order or window.step not in (1, -1):
        return None
    first = window.first if window.step == 1 else window.first - (window.count - 1)
    if not _inside(first, window.count, array.shape[axis]):
        return None
    starts = [first if k == axis else 0 for k in range(rank)]
    counts = [window.count if k == axis else n for k, n in enumerate(array.shape)]
    if window.step == 1:
        return Change("rows of a range", None, (_slice(equation, array, starts, counts, equation.outputs),))
    (given,) = equation.outputs
    part = replace(given, name="")
    turned = Equation(
        "rev", (part,), (given,), {"dimensions": (axis,)}, equation.source, operation("rev"), equation.origin
    )
    return Change("rows of a range", None, (_slice(equation, array, starts, counts, (part,)), turned))


def _slice(
    equation: Equation, array: Atom, starts: Sequence[Any], sizes: Sequence[Any], outputs: tuple[Value, ...]
) -> Equation:
    params = {
        "start_indices": tuple(starts),
        "limit_indices": tuple(start + size for start, size in zip(starts, sizes, strict=True)),
        "strides": None,
    }
    return Equation("slice", (array,), outputs, params, equation.source, operation("slice"), equation.origin)


def _range(atom: Atom, scope: Scope) -> Range | None:
    """The range that a list of whole numbers is, along its longest axis."""
    array = scope.array(atom)
    if array is not None:
        return _counted(np.asarray(array)) if array.dtype.kind in "iu" else None
    made = scope.maker(atom)
    if made is None or len(made.outputs) != 1:
        return None
    if made.primitive == "iota" and len(made.params["shape"]) == 1:
        return Range(0, 1, made.params["shape"][0])
    if made.primitive == "rev":
        inner = _range(made.inputs[0], scope)
        return inner and Range(inner.first + inner.step * (inner.count - 1), -inner.step, inner.count)
    if made.primitive in ("broadcast_in_dim", "reshape"):  # `numbers[:, None]`, or one number as a list
        (source,) = made.inputs
        if not source.shape:
            number = _number(source, scope)
            return None if number is None else Range(number, 1, 1)
        long = [n for n in made.outputs[0].shape if is_size(n) or n != 1]
        return _range(source, scope) if long == [n for n in source.shape if is_size(n) or n != 1] else None
    if made.primitive in ("add", "sub", "mul"):
        return _moved(made, scope)
    return None


def _moved(equation: Equation, scope: Scope) -> Range | None:
    """A range plus, minus or times a number."""
    left, right = equation.inputs
    inner, number = _range(left, scope), _number(right, scope)
    if inner is None or number is None:
        inner, number = _range(right, scope), _number(left, scope)
        if inner is None or number is None or equation.primitive == "sub":
            return None
    if equation.primitive == "mul":
        step = inner.step * number
        return None if is_size(step) else Range(inner.first * number, step, inner.count)
    return Range(inner.first + (number if equation.primitive == "add" else -number), inner.step, inner.count)


def _counted(numbers: np.ndarray) -> Range | None:
    flat = numbers.reshape(-1)
    if flat.size == 0 or (numbers.ndim and max(numbers.shape) != flat.size):
        return None
    step = int(flat[1] - flat[0]) if flat.size > 1 else 1
    same = np.array_equal(flat, flat[0].astype(np.int64) + step * np.arange(flat.size))
    return Range(int(flat[0]), step, flat.size) if same else None


def _number(atom: Atom, scope: Scope) -> Any:
    """The whole number or named size that an atom is, perhaps spread over an array, or None."""
    made = scope.maker(atom, "dim_as_value")
    if made is not None:
        return made.params["dim"]
    made = scope.maker(atom, "broadcast_in_dim")
    if made is not None and not made.inputs[0].shape:
        return _number(made.inputs[0], scope)
    array = scope.array(atom)
    if isinstance(atom, Literal) or (array is not None and np.ndim(array) == 0):
        return int(array) if array.dtype.kind in "iu" else None
    return None


def _inside(first: Any, size: Any, whole: Any) -> bool:
    """Whether a window lies inside an axis for every value of the sizes."""
    try:
        return bool(first >= 0) and bool(whole - first - size >= 0)
    except Exception as error:
        if type(error).__name__ != "InconclusiveDimensionOperation":
            raise
        return False
