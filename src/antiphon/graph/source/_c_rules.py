"""What each plain operation is in C99: entries by expressions, the rest by loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from antiphon.errors import ExportError
from antiphon.graph._graph import Equation
from antiphon.graph.source._facts import kind_of
from antiphon.graph.source._rewrites import described
from antiphon.graph.source._sizes import Size, say

if TYPE_CHECKING:
    from antiphon.graph.source._c import Block

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
        head = (
            "" if text == "0" else (f"({text}) * {size(n)} + " if " " in text else f"{text} * {size(n)} + ")
        )
        text = head + i
    return text


# --- entry by entry: a rule gets the expressions of its operands -------------------------------------------


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

# --- entries that are other entries: a rule gives the cell -------------------------------------------------


def _broadcast(equation: Equation, block: Block) -> Cell:
    to = equation.params["broadcast_dimensions"]
    one = block.ready(equation.inputs[0])
    shape = equation.inputs[0].shape
    out = equation.outputs[0].shape

    def at(index: Index) -> str:
        inner = ["0" if shape[k] == 1 and out[d] != 1 else index[d] for k, d in enumerate(to)]
        return one.at(inner)

    return Cell(at, tuple(out), cheap=True)


def _moved(change: Callable[[Equation, Index], Index]) -> Callable[[Equation, Block], Cell]:
    def rule(equation: Equation, block: Block) -> Cell:
        one = block.cell(equation.inputs[0])
        return Cell(
            lambda index: one.at(change(equation, index)), tuple(equation.outputs[0].shape), one.cheap
        )

    return rule


def _transposed(equation: Equation, index: Index) -> Index:
    order = list(equation.params["permutation"])
    return [index[order.index(k)] for k in range(len(order))]


def _squeezed(equation: Equation, index: Index) -> Index:
    rest = iter(index)
    gone = equation.params["dimensions"]
    return ["0" if k in gone else next(rest) for k in range(len(equation.inputs[0].shape))]


def _expanded(equation: Equation, index: Index) -> Index:
    return [i for k, i in enumerate(index) if k not in equation.params["dimensions"]]


def _reversed(equation: Equation, index: Index) -> Index:
    shape = equation.inputs[0].shape
    turned = equation.params["dimensions"]
    return [
        f"({size(n - 1)} - {i})" if k in turned else i
        for k, (i, n) in enumerate(zip(index, shape, strict=True))
    ]


def _sliced(equation: Equation, index: Index) -> Index:
    p = equation.params
    strides = p["strides"] or (1,) * len(index)
    found = []
    for i, start, stride in zip(index, p["start_indices"], strides, strict=True):
        i = i if stride == 1 else f"{i} * {stride}"
        found.append(i if isinstance(start, int) and start == 0 else f"({size(start)} + {i})")
    return found


def _reshape(equation: Equation, block: Block) -> Cell:
    one = block.ready(equation.inputs[0], flat=True)
    out = tuple(equation.outputs[0].shape)
    return Cell(lambda index: f"{one.flat}[{flat_index(index, out)}]", out, True, one.flat)


def _index(equation: Equation, block: Block) -> Cell:
    one, place, axis = block.cell(equation.inputs[0]), block.cell(equation.inputs[1]), equation.params["axis"]
    at = place.at([])
    shape = tuple(equation.outputs[0].shape)
    return Cell(lambda index: one.at([*index[:axis], at, *index[axis:]]), shape, one.cheap)


def _take(equation: Equation, block: Block) -> Cell:
    one, places = block.cell(equation.inputs[0]), block.cell(equation.inputs[1])
    axis, many = equation.params["axis"], len(equation.inputs[1].shape)

    def at(index: Index) -> str:
        inner = places.at(index[axis : axis + many])
        return one.at([*index[:axis], inner, *index[axis + many :]])

    return Cell(at, tuple(equation.outputs[0].shape))


def _dynamic_slice(equation: Equation, block: Block) -> Cell:
    one, *starts = map(block.cell, equation.inputs)
    sizes, shape = equation.params["slice_sizes"], equation.inputs[0].shape
    first = [
        "" if n == m else f"smaller(larger({s.at([])}, 0), {size(m - n)})"
        for s, n, m in zip(starts, sizes, shape, strict=True)
    ]

    def at(index: Index) -> str:
        return one.at([f"({f} + {i})" if f else i for f, i in zip(first, index, strict=True)])

    return Cell(at, tuple(sizes))


def _concatenate(equation: Equation, block: Block) -> Cell:
    axis = equation.params["dimension"]
    parts = [block.cell(a) for a in equation.inputs]

    def at(index: Index) -> str:
        text, start = "", 0
        ends = []
        for part in parts:
            inner = [*index]
            inner[axis] = (
                index[axis] if isinstance(start, int) and start == 0 else f"({index[axis]} - {size(start)})"
            )
            start = start + part.shape[axis]
            ends.append((part.at(inner), size(start)))
        text = ends[-1][0]
        for expression, end in reversed(ends[:-1]):
            text = f"({index[axis]} < {end} ? {expression} : {text})"
        return text

    return Cell(at, tuple(equation.outputs[0].shape))


def _stack(equation: Equation, block: Block) -> Cell:
    axis = equation.params["axis"]
    parts = [block.cell(a) for a in equation.inputs]

    def at(index: Index) -> str:
        inner = [*index[:axis], *index[axis + 1 :]]
        text = parts[-1].at(inner)
        for k in reversed(range(len(parts) - 1)):
            text = f"({index[axis]} == {k} ? {parts[k].at(inner)} : {text})"
        return text

    return Cell(at, tuple(equation.outputs[0].shape))


def _pad(equation: Equation, block: Block) -> Cell:
    one, value = block.cell(equation.inputs[0]), block.cell(equation.inputs[1]).at([])
    config = equation.params["padding_config"]
    if any(inner for _, _, inner in config):
        raise unsupported(equation)

    def at(index: Index) -> str:
        inner, tests = [], []
        for i, (low, _, _), n in zip(index, config, one.shape, strict=True):
            place = i if isinstance(low, int) and low == 0 else f"({i} - {size(low)})"
            inner.append(place)
            if place != i or i.isidentifier():
                tests.append(f"{place} >= 0 && {place} < {size(n)}")
        return f"({' && '.join(tests)} ? {one.at(inner)} : {value})"

    return Cell(at, tuple(equation.outputs[0].shape))


def _ramp(equation: Equation, block: Block) -> Cell:
    start, step = size(equation.params["start"]), equation.params["step"]

    def at(index: Index) -> str:
        counted = index[0] if step == 1 else f"{step} * {index[0]}"
        return counted if start == "0" else f"({start} + {counted})"

    return Cell(at, tuple(equation.outputs[0].shape), cheap=True)


def _full(equation: Equation, block: Block) -> Cell:
    value = block.cell(equation.inputs[0])
    return Cell(lambda index: value.at([]), tuple(equation.params["shape"]), cheap=True)


def _size(equation: Equation, block: Block) -> Cell:
    text = size(equation.params["dim"])
    text = f"(float){text}" if kind_of(equation.outputs[0].dtype) == "f" else text
    return Cell(lambda index: text, (), cheap=True)


def unsupported(equation: Equation) -> ExportError:
    """The error for what has no rule."""
    return ExportError(
        f"The equation {described(equation)} has no rule in C.",
        "Affine maps, recurrent cells, windows, sums and operations entry by entry.",
        "Export to ONNX or StableHLO, or write this step with other operations.",
    )


VIEWS: dict[str, Callable[[Equation, Block], Cell]] = {
    "broadcast_in_dim": _broadcast,
    "transpose": _moved(_transposed),
    "squeeze": _moved(_squeezed),
    "expand_dims": _moved(_expanded),
    "rev": _moved(_reversed),
    "slice": _moved(_sliced),
    "reshape": _reshape,
    "index": _index,
    "take": _take,
    "dynamic_slice": _dynamic_slice,
    "concatenate": _concatenate,
    "stack": _stack,
    "pad": _pad,
    "ramp": _ramp,
    "full": _full,
    "size": _size,
}
