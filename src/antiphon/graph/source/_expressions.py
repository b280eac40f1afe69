"""Expressions of Python as text, with brackets only where they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from antiphon.graph.source._sizes import Size, say

# How tightly operations bind, from Python's grammar.
COMPARE, OR, XOR, AND, ADD, MULTIPLY, UNARY, POWER, ATOM = range(9)


@dataclass(frozen=True)
class Expression:
    """Text that gives an array.

    Args:
        text: Python.
        binds: How tightly its outermost operation binds.
        shape: What it gives has this shape, which NumPy may still have to broadcast.
    """

    text: str
    binds: int
    shape: tuple[Any, ...]

    def within(self, binds: int) -> str:
        """The text as part of an operation that binds this tightly."""
        return self.text if self.binds >= binds else f"({self.text})"

    @property
    def tight(self) -> str:
        """The text as something to index, or to call a method of."""
        return self.within(ATOM)


def broadcast(*shapes: tuple[Any, ...]) -> tuple[Any, ...]:
    """The shape that NumPy gives operands of these shapes.

    Example:
        >>> broadcast((5, 1), (3,), ())
        (5, 3)
    """
    rank = max(map(len, shapes), default=0)
    wide = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    return tuple(next((n for n in axis if n != 1), 1) for axis in zip(*wide, strict=True))


def infix(sign: str, binds: int) -> Callable[..., Expression]:
    """A rule for an operation written between its operands."""

    def rule(one: Expression, other: Expression) -> Expression:
        # Two comparisons in a row would be one in Python.
        left = one.within(binds + 1 if binds == COMPARE else binds)
        text = f"{left} {sign} {other.within(binds + 1)}"
        if binds == ADD and other.binds == UNARY and other.text[1:].replace(".", "").isdigit():
            text = f"{left} {'-' if sign == '+' else '+'} {other.text[1:]}"
        return Expression(text, binds, broadcast(one.shape, other.shape))

    return rule


def call(function: str) -> Callable[..., Expression]:
    """A rule for a function of arrays, entry by entry."""

    def rule(*args: Expression) -> Expression:
        text = f"{function}({', '.join(a.text for a in args)})"
        return Expression(text, ATOM, broadcast(*(a.shape for a in args)))

    return rule


def number(value: Any) -> Expression:
    """One number; a float32 in as few digits as tell it from its neighbours.

    Example:
        >>> number(np.float32(0.1)).text, number(-2).text, number(np.inf).text
        ('0.1', '-2', 'np.inf')
    """
    text = number_text(value)
    return Expression(text, UNARY if text.startswith("-") else ATOM, ())


def number_text(value: Any) -> str:
    """The digits of one number."""
    value = np.asarray(value)[()]
    if value.dtype.kind == "b":
        return str(bool(value))
    if value.dtype.kind in "iu":
        return str(int(value))
    if np.isfinite(value):
        digits = np.format_float_positional(value, unique=True, trim="0")
        if len(digits) <= 12:
            return digits
        return np.format_float_scientific(value, unique=True, trim="-")
    return "np.nan" if np.isnan(value) else ("np.inf" if value > 0 else "-np.inf")


def size(value: Size) -> Expression:
    """A size, such as `T - 1`.

    Example:
        >>> import jax
        >>> size(jax.export.symbolic_shape("max(floordiv(T - 1, 2), 1)")[0]).text
        'max((T - 1) // 2, 1)'
    """
    return say(
        value,
        name=lambda text: Expression(text, ATOM, ()),
        number=number,
        rules={
            "+": _plus,
            "-": infix("-", ADD),
            "*": infix("*", MULTIPLY),
            "neg": lambda a: Expression("-" + a.within(UNARY), UNARY, ()),
            "max": call("max"),
            "min": call("min"),
            "floordiv": infix("//", MULTIPLY),
            "mod": infix("%", MULTIPLY),
        },
    )


def _plus(one: Expression, other: Expression) -> Expression:
    if one.text.startswith("-") and not other.text.startswith("-"):
        return infix("-", ADD)(other, Expression(one.text[1:], max(one.binds, ADD), ()))
    return infix("+", ADD)(one, other)
