"""Types, shapes and structures that are known at run time only."""

# ruff: noqa: SIM108 (how the code is written is the point)
from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from imperative._case import registers
from imperative.control_flow import BIG, DOWN, MINUS, ONE, UP
from imperative.loops import NEGATED, ROWS, whole

case = registers("dynamic types")

FIVE = np.array([1.0, -1.0, 2.0, 0.5, 4.0], np.float32)
TWO = np.array([3.0, 0.5], np.float32)
INTS = np.array([1, 2, 3], np.int32)


class Mode(enum.Enum):
    """What to do."""

    SUM = "sum"
    MEAN = "mean"


class Pair(NamedTuple):
    """Two things under names."""

    first: Any
    second: Any


@dataclass
class Item:
    """No pytree of JAX's."""

    weight: Any
    label: str


class Square:
    """A thing with a method."""

    def __init__(self, by):
        self.by = by

    def apply(self, x):
        return x * x * self.by


class Shift:
    """Another one."""

    def __init__(self, by):
        self.by = by

    def apply(self, x):
        return x + self.by


@case(calls=[(UP,), (FIVE,), (TWO,), (UP,)], grad=(0,))
def length_varies(xp):
    def f(x):
        total = xp.zeros(())
        for v in x:
            if v > 1:
                total = total + v
        return total / x.shape[0]

    return f


@case(calls=[(UP,), (INTS,), (DOWN,)])
def dtype_varies(xp):
    def f(x):
        if xp.sum(x) > 0:
            return x * 2
        return x

    return f


@case(calls=[(UP, None), (UP, ONE), (DOWN, None)], grad=(0,))
def argument_may_be_none(xp):
    def f(x, scale=None):
        if scale is not None:
            x = x * scale
        return xp.sum(x)

    return f


@case(calls=[(UP,), (2.5,), (3,), (UP,)])
def number_or_array(xp):
    def f(x):
        if isinstance(x, float | int):
            return x * 2
        return xp.sum(x)

    return f


@case(calls=[(UP,), (ROWS,), (ONE,)], grad=(0,))
def rank_decides(xp):
    def f(x):
        if x.ndim == 0:
            return x * 2
        if x.ndim == 1:
            return xp.sum(x)
        return xp.sum(x[0]) * xp.sum(x[1])

    return f


@case(calls=[(UP,), (DOWN,), (FIVE,)])
def boolean_mask(xp):
    def f(x):
        return x[x > 0] * 2

    return f


@case(calls=[(UP,), (DOWN,), (UP,)])
def result_may_be_none(xp):
    def f(x):
        if xp.sum(x) > 0:
            return x
        return None

    return f


@case(calls=[(UP,), (DOWN,)])
def result_is_of_two_structures(xp):
    def f(x):
        if xp.sum(x) > 0:
            return x, {"total": xp.sum(x)}
        return [x]

    return f


@case(calls=[(UP, whole(2)), (UP, whole(0)), (DOWN, whole(3))])
def variable_changes_type_in_loop(xp):
    def f(x, n):
        total = 0
        for i in range(n):
            total = total + x[i]
        return total

    return f


@case(calls=[(UP, whole(1)), (UP, whole(3)), (TWO, whole(2))])
def shape_grows_in_loop(xp):
    def f(x, n):
        for _ in range(n):
            x = xp.concatenate([x, x])
        return x

    return f


@case(calls=[(ROWS,), (NEGATED,)], grad=(0,))
def list_grows_in_loop(xp):
    def f(rows):
        out = []
        h = xp.zeros((3,))
        for row in rows:
            h = xp.tanh(h + row)
            out.append(h)
        return xp.stack(out)

    return f


@case(calls=[(ROWS,), (NEGATED,)])
def list_grows_in_branch(xp):
    def f(rows):
        out = [xp.sum(rows[0])]
        for row in rows:
            if row[0] > 0:
                out.append(xp.sum(row))
        return xp.stack(out)

    return f


@case(calls=[(ONE,), (BIG,)])
def list_grows_in_while(xp):
    def f(x):
        out = []
        while x > 0.2:
            x = x * 0.5
            out.append(x)
        return xp.stack(out)

    return f


@case(calls=[(UP, "sum"), (UP, "max"), (DOWN, "sum"), (DOWN, "other")])
def string_decides(xp):
    def f(x, how):
        if how == "sum":
            return xp.sum(x)
        elif how == "max":
            return xp.max(x)
        raise ValueError(f"unknown: {how}")

    return f


@case(calls=[(UP, Mode.SUM), (UP, Mode.MEAN), (DOWN, Mode.SUM)], grad=(0,))
def enum_decides(xp):
    def f(x, mode):
        y = xp.sum(x) if mode is Mode.SUM else xp.mean(x)
        if y > 1:
            y = y * 2
        return y

    return f


@case(calls=[(UP,), (UP, DOWN), (UP, DOWN, UP)], grad=(0,))
def any_number_of_arguments(xp):
    def f(*arrays):
        total = arrays[0]
        for a in arrays[1:]:
            if xp.sum(a) > 0:
                total = total + a
            else:
                total = total - a
        return total

    return f


@case(calls=[({"a": UP},), ({"a": UP, "b": DOWN},), ({"b": UP},)])
def dictionary_of_any_keys(xp):
    def f(parts):
        out = {}
        for name, x in parts.items():
            if xp.sum(x) > 0:
                out[name + "_scaled"] = x * 2
            else:
                out[name + "_scaled"] = -x
        return out

    return f


@case(calls=[([UP, FIVE, TWO],), ([UP],), ([TWO, UP],)])
def ragged_list(xp):
    def f(arrays):
        longest = arrays[0]
        for a in arrays:
            if a.shape[0] > longest.shape[0]:
                longest = a
        return xp.sum(longest), len(arrays)

    return f


@case(calls=[(UP,), (DOWN,), (np.zeros(3, np.float32),)])
def nonzero_size(xp):
    def f(x):
        index = xp.where(x > 0)[0]
        if len(index) == 0:
            return xp.zeros(())
        return xp.sum(x[index]) / len(index)

    return f


@case(calls=[(FIVE, whole(2)), (FIVE, whole(4)), (FIVE, whole(1))])
def slice_by_value(xp):
    def f(x, n):
        return x[: int(n)] * 2

    return f


@case(calls=[(ONE, UP), (BIG, UP), (MINUS, UP)])
def item_of_an_array(xp):
    def f(a, x):
        scale = a.item()
        if scale > 2:
            return x * scale
        return x

    return f


@case(calls=[(Pair(UP, ONE),), (Pair(DOWN, ONE),), (Pair(UP, None),)])
def named_tuple(xp):
    def f(pair):
        if pair.second is None:
            return Pair(pair.first, pair.first)
        if xp.sum(pair.first) > 0:
            return Pair(pair.first * pair.second, pair.second)
        return Pair(pair.first, pair.second * 2)

    return f


@case(calls=[(Item(UP, "a"), DOWN), (Item(DOWN, "b"), UP), (Item(UP, "b"), UP)])
def object_of_no_known_kind(xp):
    def f(item, x):
        if item.label == "a":
            return item.weight * x
        if xp.sum(x) > 0:
            return item.weight + x
        return x

    return f


@case(calls=[(Square(2.0), UP), (Shift(1.0), UP), (Square(3.0), DOWN)], grad=(1,))
def method_of_two_classes(xp):
    def f(thing, x):
        y = thing.apply(x)
        if xp.sum(y) > 10:
            return y / 2
        return y

    return f


@case(calls=[(abs, UP), (len, UP), (abs, DOWN)])
def function_as_argument(xp):
    def f(g, x):
        y = g(x)
        return y * 2

    return f


@case(calls=[(UP,), (FIVE,), (DOWN,)])
def branches_of_two_shapes(xp):
    def f(x):
        y = x if xp.sum(x) > 0 else x[:2]
        return y * 2

    return f


@case(calls=[(UP,), (DOWN,)])
def branches_of_two_dtypes(xp):
    def f(x):
        if xp.sum(x) > 0:
            return xp.argmax(x)
        return x[0]

    return f


@case(calls=[(ONE, 2.0), (ONE, 3.0), (BIG, 2.0), (ONE, 2)])
def number_that_changes(xp):
    def f(x, factor):
        if x > 2:
            return x
        return x * factor

    return f


@case(calls=[(UP, True), (UP, False), (DOWN, True)], grad=(0,))
def flag(xp):
    def f(x, training=True):
        if training:
            x = x * 0.5
            if xp.sum(x) < 0:
                x = x - 1
        return x

    return f


@case(calls=[(FIVE, (1, 5)), (FIVE, (5, 1)), (FIVE, (5,))])
def shape_as_argument(xp):
    def f(x, shape):
        y = xp.reshape(x, shape)
        if y[0].ndim == 0 or y.shape[0] > 1:
            return xp.sum(y)
        return y

    return f
