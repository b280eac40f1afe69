"""What each plain operation is in C99: entries by expressions, the rest by loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from antiphon.errors import ExportError
from antiphon.graph._graph import Equation
from antiphon.graph.source._facts import kind_of
from antiphon.graph.source._refusals import described
from antiphon.graph.source._sizes import Size, say

Index = Sequence[str]


@dataclass(frozen=True)
class Cell:
    """A value as C reads it.

    Args:
        at: The expression of one entry, for an expression of each index.
        shape: Its shape.
        cheap: Whether reading an entry many times costs nothing.
        flat: The name of the array that holds it row by row, if there is one.
    """

    at: Callable[[Index], str]
    shape: tuple[Any, ...]
    cheap: bool = False
    flat: str = ""


HELPERS = {
    "sigmoid": "static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }",
    "larger": "static int larger(int a, int b) { return a > b ? a : b; }",
    "smaller": "static int smaller(int a, int b) { return a < b ? a : b; }",
    "maximum": "static float maximum(float a, float b) { return a > b || isnan(a) ? a : b; }",
    "minimum": "static float minimum(float a, float b) { return a < b || isnan(a) ? a : b; }",
    "sign": "static float sign(float x) { return (float)((x > 0.0f) - (x < 0.0f)); }",
}


def size(value: Size) -> str:
    """A size in C.

    Example:
        >>> import jax
        >>> size(jax.export.symbolic_shape("max(floordiv(T, 3), 1)")[0])
        'larger((T / 3), 1)'
    """
    text = say(
        value,
        name=str,
        number=str,
        rules={
            "+": lambda a, b: f"({a} + {b})",
            "-": lambda a, b: f"({a} - {b})",
            "*": lambda a, b: f"({a} * {b})",
            "neg": lambda a: f"(-{a})",
            "max": lambda a, b: f"larger({a}, {b})",
            "min": lambda a, b: f"smaller({a}, {b})",
            "floordiv": lambda a, b: f"({a} / {b})",  # sizes are never below 0
            "mod": lambda a, b: f"({a} % {b})",
        },
    )
    return text


def number(value: Any) -> str:
    """One number.

    Example:
        >>> number(np.float32(0.1)), number(np.int32(3)), number(np.float32(-np.inf))
        ('0.1f', '3', '-INFINITY')
    """
    value = np.asarray(value)[()]
    if value.dtype.kind in "biu":
        return str(int(value))
    if np.isnan(value):
        return "NAN"
    if np.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    text = repr(float(str(np.float32(value))))
    return f"{text}f"


def flat_index(index: Index, shape: Sequence[Any]) -> str:
    """The place of an entry in an array that is stored row by row."""
    text = "0"
    for i, n in zip(index, shape, strict=True):
        whole = text.startswith("(") and text.endswith(")") and text.count("(") == 1
        head = text if whole or " " not in text else f"({text})"
        text = i if text == "0" else f"{head} * {size(n)} + {i}"
    return text


# --- entry by entry: a rule gets the expressions of its operands ----------------------------------------


def _infix(sign: str) -> Callable[..., str]:
    return lambda equation, a, b: f"({a} {sign} {b})"


def _function(name: str) -> Callable[..., str]:
    return lambda equation, *args: f"{name}({', '.join(args)})"


def _is_float(equation: Equation, k: int = 0) -> bool:
    return kind_of(equation.inputs[k].dtype) == "f"


def _or_whole(name: str, whole: str) -> Callable[..., str]:
    """A function of floats, and what it is for whole numbers."""
    return lambda equation, *args: (
        f"{name}({', '.join(args)})" if _is_float(equation) else whole.format(*args)
    )


def _power(equation: Equation, a: str) -> str:
    y = equation.params["y"]
    if y == 2 and len(a) < 40:
        return f"({a} * {a})"
    return f"powf({a}, {float(y)}f)" if _is_float(equation) else f"(int)pow({a}, {float(y)})"


def _convert(equation: Equation, a: str) -> str:
    before, after = kind_of(equation.inputs[0].dtype), kind_of(equation.outputs[0].dtype)
    if before == after:
        return a
    if after == "b":
        return f"({a} != 0)"
    return f"(float){a}" if after == "f" else f"(int){a}"


def _select(equation: Equation, which: str, *cases: str) -> str:
    if len(cases) == 2:
        return f"({which} ? {cases[1]} : {cases[0]})"
    text = cases[-1]
    for k in reversed(range(len(cases) - 1)):
        text = f"({which} == {k} ? {cases[k]} : {text})"
    return text


def _clamp(equation: Equation, low: str, a: str, high: str) -> str:
    if _is_float(equation, 1):
        return f"minimum(maximum({a}, {low}), {high})"
    return f"smaller(larger({a}, {low}), {high})"


def _round(equation: Equation, a: str) -> str:
    # rintf rounds halves to even, roundf away from 0.
    return f"rintf({a})" if int(equation.params["rounding_method"]) == 1 else f"roundf({a})"


def _not(equation: Equation, a: str) -> str:
    return f"(!{a})" if kind_of(equation.inputs[0].dtype) == "b" else f"(~{a})"


ENTRIES: dict[str, Callable[..., str]] = {
    "add": _infix("+"),
    "sub": _infix("-"),
    "mul": _infix("*"),
    "div": _infix("/"),
    "rem": _or_whole("fmodf", "({0} % {1})"),
    "neg": lambda equation, a: f"(-{a})",
    "abs": _or_whole("fabsf", "abs({0})"),
    "sign": _or_whole("sign", "(({0} > 0) - ({0} < 0))"),
    "max": _or_whole("maximum", "larger({0}, {1})"),
    "min": _or_whole("minimum", "smaller({0}, {1})"),
    "and": _infix("&"),
    "or": _infix("|"),
    "xor": _infix("^"),
    "not": _not,
    "eq": _infix("=="),
    "ne": _infix("!="),
    "ge": _infix(">="),
    "gt": _infix(">"),
    "le": _infix("<="),
    "lt": _infix("<"),
    "pow": _function("powf"),
    "integer_pow": _power,
    "square": lambda equation, a: f"({a} * {a})" if len(a) < 40 else f"powf({a}, 2.0f)",
    "rsqrt": lambda equation, a: f"(1.0f / sqrtf({a}))",
    "logistic": _function("sigmoid"),
    "select_n": _select,
    "clamp": _clamp,
    "convert_element_type": _convert,
    "round": _round,
    "is_finite": lambda equation, a: f"(isfinite({a}) != 0)",
    "atan2": _function("atan2f"),
    **{
        n: _function(f"{n}f")
        for n in [
            "cbrt",
            "ceil",
            "cos",
            "cosh",
            "erf",
            "erfc",
            "exp",
            "exp2",
            "expm1",
            "floor",
            "log",
            "log1p",
        ]
    },
    **{
        n: _function(f"{n}f")
        for n in ["sin", "sinh", "sqrt", "tan", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh"]
    },
}


def unsupported(equation: Equation) -> ExportError:
    """The error for what has no rule."""
    return ExportError(
        f"The equation {described(equation)} has no rule in C.",
        "Affine maps, recurrent cells, windows, sums and operations entry by entry.",
        "Export to ONNX or StableHLO, or write this step with other operations.",
    )
