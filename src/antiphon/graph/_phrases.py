"""Expressions as text that knows how strongly it holds together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from antiphon.graph._graph import Equation
from antiphon.graph._text import params_text

# How strongly an expression holds together, as in Python.
COMPARE, OR, XOR, AND, SHIFT, SUM, PRODUCT, SIGN, POWER, ATOM = range(10)


class Text(NamedTuple):
    """An expression.

    Args:
        text: As it is written.
        binds: How strongly it holds together.
        bare: Without a broadcast that NumPy does by itself, if there is one in it.
        index: For a part of an array the array, and for each axis the range and the place where it starts.
    """

    text: str
    binds: int = ATOM
    bare: Text | None = None
    index: tuple[str, tuple[tuple[str, str], ...]] | None = None

    def within(self, binds: int) -> str:
        """As a part of an expression of some strength, in brackets where it needs them."""
        return self.text if self.binds >= binds else f"({self.text})"


Writer = Callable[[Equation, Sequence[Text]], Text]


def call_text(name: str, parts: Sequence[str]) -> Text:
    """A call of a function."""
    return Text(f"{name}({', '.join(parts)})")


def plain_call(equation: Equation, inputs: Sequence[Text]) -> Text:
    return call_text(equation.primitive, [i.text for i in inputs] + params_text(equation.params))
