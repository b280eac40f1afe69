"""What each plain operation is in NumPy: a table from primitive to a rule that writes an expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from antiphon.errors import ExportError
from antiphon.graph._graph import Equation
from antiphon.graph.source._expressions import (
    ADD,
    AND,
    ATOM,
    COMPARE,
    MULTIPLY,
    OR,
    POWER,
    UNARY,
    XOR,
    Expression,
    broadcast,
    call,
    infix,
    number,
    size,
)
from antiphon.graph.source._rewrites import described
from antiphon.graph.source._sizes import Size

Rule = Callable[[Equation, Sequence[Expression]], Expression]

# Functions of our own that a file carries if it needs them.
HELPERS = {
    "sigmoid": '''def sigmoid(x):
    """The logistic function, without overflow."""
    return np.exp(-np.logaddexp(0, -x))''',
    "erf": "erf = np.vectorize(math.erf, otypes=[float])",
    "erfc": "erfc = np.vectorize(math.erfc, otypes=[float])",
}


def shape_text(shape: Sequence[Size]) -> str:
    """A shape as a tuple."""
    inner = ", ".join(size(n).text for n in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def whole(expression: Expression, shape: Sequence[Size]) -> Expression:
    """The expression, broadcast by hand to a shape that matters."""
    if tuple(expression.shape) == tuple(shape):
        return expression
    return Expression(f"np.broadcast_to({expression.text}, {shape_text(shape)})", ATOM, tuple(shape))


def _entries(rule: Callable[..., Expression]) -> Rule:
    """A rule that treats every entry alike, so that operands may have any shape that broadcasts."""
    return lambda equation, args: rule(*args)


def _wholly(rule: Rule) -> Rule:
    """A rule for which the shapes of operands matter."""

    def run(equation: Equation, args: Sequence[Expression]) -> Expression:
        wide = [whole(a, atom.shape) for a, atom in zip(args, equation.inputs, strict=True)]
        return rule(equation, wide)

    return run


def _out(equation: Equation, text: str, binds: int = ATOM) -> Expression:
    return Expression(text, binds, tuple(equation.outputs[0].shape))


def _is_whole(equation: Equation) -> bool:
    return np.dtype(equation.outputs[0].dtype).kind in "iu"


# --- entry by entry --------------------------------------------------------------------------------------


def _divide(equation: Equation, args: Sequence[Expression]) -> Expression:
    found = infix("/", MULTIPLY)(*args)
    if not _is_whole(equation):
        return found
    return Expression(f"np.trunc({found.text}).astype(int)", ATOM, found.shape)  # towards 0, as JAX does


def _negative(one: Expression) -> Expression:
    return Expression("-" + one.within(UNARY), UNARY, one.shape)


def _inverse(one: Expression) -> Expression:
    return Expression("~" + one.within(UNARY), UNARY, one.shape)


def _power(equation: Equation, args: Sequence[Expression]) -> Expression:
    exponent = number(equation.params["y"])
    return Expression(f"{args[0].within(POWER + 1)} ** {exponent.within(UNARY)}", POWER, args[0].shape)


def _to_the(one: Expression, other: Expression) -> Expression:
    text = f"{one.within(POWER + 1)} ** {other.within(UNARY)}"
    return Expression(text, POWER, broadcast(one.shape, other.shape))


def _square(one: Expression) -> Expression:
    return Expression(f"{one.within(POWER + 1)} ** 2", POWER, one.shape)


def _inverse_root(one: Expression) -> Expression:
    return Expression(f"1 / np.sqrt({one.text})", MULTIPLY, one.shape)


def _select(equation: Equation, args: Sequence[Expression]) -> Expression:
    which, *cases = args
    shape = broadcast(*(a.shape for a in args))
    if len(cases) == 2:
        return Expression(f"np.where({which.text}, {cases[1].text}, {cases[0].text})", ATOM, shape)
    places = which.text if equation.inputs[0].dtype != np.bool_ else f"{which.tight}.astype(int)"
    listed = ", ".join(c.text for c in cases)
    return Expression(f"np.choose({places}, [{listed}])", ATOM, shape)


def _clip(low: Expression, one: Expression, high: Expression) -> Expression:
    shape = broadcast(low.shape, one.shape, high.shape)
    return Expression(f"np.clip({one.text}, {low.text}, {high.text})", ATOM, shape)


def _convert(equation: Equation, args: Sequence[Expression]) -> Expression:
    before, after = (np.dtype(v.dtype).kind for v in (equation.inputs[0], equation.outputs[0]))
    if before == after or (before in "iu" and after in "iuf"):
        return args[0]  # whole numbers are numbers
    kind = {"b": "bool", "i": "int", "u": "int", "f": "float"}[after]
    if args[0].shape == () and args[0].binds != ATOM:
        return Expression(f"{kind}({args[0].text})", ATOM, ())
    return Expression(f"{args[0].tight}.astype({kind})", ATOM, args[0].shape)


def _round(equation: Equation, args: Sequence[Expression]) -> Expression:
    if int(equation.params["rounding_method"]) != 1:
        raise unsupported(equation, "rounding away from 0", "Use jnp.round, which rounds halves to even.")
    return call("np.round")(*args)


# --- along axes ------------------------------------------------------------------------------------------


def _axes_text(axes: Sequence[int], rank: int) -> str:
    if len(axes) == rank:
        return ""
    return f"axis={axes[0]}" if len(axes) == 1 else f"axis={tuple(axes)}"


def _reduce(method: str) -> Rule:
    def rule(equation: Equation, args: Sequence[Expression]) -> Expression:
        axes = _axes_text(equation.params["axes"], len(equation.inputs[0].shape))
        return _out(equation, f"{args[0].tight}.{method}({axes})")

    return _wholly(rule)


def _reversed(text: str, axis: int) -> str:
    return f"{text}[{':, ' * axis}::-1]"


def _running(function: str) -> Rule:
    def rule(equation: Equation, args: Sequence[Expression]) -> Expression:
        axis = equation.params["axis"]
        if equation.params["reverse"]:
            inner = _reversed(args[0].tight, axis)
            return _out(equation, _reversed(f"{function}({inner}, axis={axis})", axis))
        return _out(equation, f"{function}({args[0].text}, axis={axis})")

    return _wholly(rule)


def _rev(equation: Equation, args: Sequence[Expression]) -> Expression:
    turned = equation.params["dimensions"]
    marks = ["::-1" if k in turned else ":" for k in range(max(turned) + 1)]
    return _out(equation, f"{args[0].tight}[{', '.join(marks)}]")


def _product(equation: Equation, args: Sequence[Expression]) -> Expression:
    (left, right), (batch, also) = equation.params["dimension_numbers"]
    one, other = args
    a, b = (len(atom.shape) for atom in equation.inputs)
    if not batch and len(left) == len(right) == 1 and a <= 2 and b <= 2:
        first = one.within(MULTIPLY) if left[0] == a - 1 else f"{one.tight}.T"
        second = other.within(MULTIPLY + 1) if right[0] == 0 else f"{other.tight}.T"
        return _out(equation, f"{first} @ {second}", MULTIPLY)
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    mine = [next(letters) for _ in range(a)]
    yours = [next(letters) for _ in range(b)]
    for i, j in [*zip(left, right, strict=True), *zip(batch, also, strict=True)]:
        yours[j] = mine[i]
    rest = [mine[i] for i in range(a) if i not in left and i not in batch]
    rest += [yours[j] for j in range(b) if j not in right and j not in also]
    result = "".join([mine[i] for i in batch] + rest)
    spec = f"{''.join(mine)},{''.join(yours)}->{result}"
    return _out(equation, f'np.einsum("{spec}", {one.text}, {other.text})')


def _window(equation: Equation, args: Sequence[Expression]) -> Expression:
    p = equation.params
    if any(n != 1 for n in (*p["base_dilation"], *p["window_dilation"])):
        raise unsupported(equation, "a window with holes", "Use dilation 1.")
    kind, widths = p["kind"], p["window_dimensions"]
    neutral = {"max": "-np.inf", "min": "np.inf", "add": "0"}[kind]
    padded = args[0].text
    if any(pair != (0, 0) for pair in map(tuple, p["padding"])):
        pads = ", ".join(f"({size(a).text}, {size(b).text})" for a, b in p["padding"])
        padded = f"np.pad({padded}, ({pads}{',' if len(widths) == 1 else ''}), constant_values={neutral})"
    axes = [k for k, n in enumerate(widths) if n != 1]
    method = {"max": "max", "min": "min", "add": "sum"}[kind]
    lengths, over = (
        (str(widths[axes[0]]), f"axis={axes[0]}")
        if len(axes) == 1
        else (str(tuple(widths[k] for k in axes)), f"axis={tuple(axes)}")
    )
    last = "-1" if len(axes) == 1 else str(tuple(range(-len(axes), 0)))
    text = f"sliding_window_view({padded}, {lengths}, {over}).{method}(axis={last})" if axes else padded
    if any(n != 1 for n in p["window_strides"]):
        text += f"[{', '.join(f'::{n}' if n != 1 else ':' for n in p['window_strides'])}]"
    return _out(equation, text)


# --- shapes and parts ------------------------------------------------------------------------------------


def _broadcast(equation: Equation, args: Sequence[Expression]) -> Expression:
    """Only the axes that NumPy does not add by itself; what reads it broadcasts the rest."""
    to, wide = equation.params["broadcast_dimensions"], equation.params["shape"]
    (one,) = args
    full = tuple(equation.inputs[0].shape)
    if one.shape != full:
        one = whole(one, full)
    if not len(to):
        return one
    marks, shape = [], []
    for axis in range(min(to), len(wide)):
        marks.append(":" if axis in to else "None")
        shape.append(full[list(to).index(axis)] if axis in to else 1)
    if "None" not in marks:
        return Expression(one.text, one.binds, tuple(shape))
    while marks[-1] == ":":
        marks.pop()
    return Expression(f"{one.tight}[{', '.join(marks)}]", ATOM, tuple(shape))


def _reshape(equation: Equation, args: Sequence[Expression]) -> Expression:
    shape = ", ".join(size(n).text for n in equation.outputs[0].shape)
    if not shape:
        return _out(equation, f"{args[0].tight}.item()")
    return _out(equation, f"{args[0].tight}.reshape({shape})")


def _squeeze(equation: Equation, args: Sequence[Expression]) -> Expression:
    gone = equation.params["dimensions"]
    marks = ["0" if k in gone else ":" for k in range(max(gone) + 1)]
    return _out(equation, f"{args[0].tight}[{', '.join(marks)}]")


def _expand(equation: Equation, args: Sequence[Expression]) -> Expression:
    made = equation.params["dimensions"]
    marks = ["None" if k in made else ":" for k in range(max(made) + 1)]
    return _out(equation, f"{args[0].tight}[{', '.join(marks)}]")


def _transpose(equation: Equation, args: Sequence[Expression]) -> Expression:
    order = tuple(equation.params["permutation"])
    if order == tuple(reversed(range(len(order)))):
        return _out(equation, f"{args[0].tight}.T")
    return _out(equation, f"{args[0].tight}.transpose{order}")


def _concatenate(equation: Equation, args: Sequence[Expression]) -> Expression:
    axis = equation.params["dimension"]
    said = f", axis={axis}" if axis else ""
    return _out(equation, f"np.concatenate([{', '.join(a.text for a in args)}]{said})")


def _stack(equation: Equation, args: Sequence[Expression]) -> Expression:
    axis = equation.params["axis"]
    said = f", axis={axis}" if axis else ""
    return _out(equation, f"np.stack([{', '.join(a.text for a in args)}]{said})")


def _pad(equation: Equation, args: Sequence[Expression]) -> Expression:
    config = equation.params["padding_config"]
    if any(inner for _, _, inner in config):
        raise unsupported(equation, "padding between entries", "Pad at the ends only.")
    pads = ", ".join(f"({size(max(a, 0)).text}, {size(max(b, 0)).text})" for a, b, _ in config)
    comma = "," if len(config) == 1 else ""
    text = f"np.pad({args[0].text}, ({pads}{comma}), constant_values={args[1].text})"
    cut = [f"{-a if a < 0 else ''}:{b if b < 0 else ''}" for a, b, _ in config]
    return _out(equation, text if set(cut) == {":"} else f"{text}[{', '.join(cut)}]")


def _place(at: Size, length: Size) -> str:
    """A place along an axis, from its end where that is shorter."""
    back = length - at
    if isinstance(back, int) and not isinstance(at, int):
        return f"-{back}"
    return size(at).text


def _slice(equation: Equation, args: Sequence[Expression]) -> Expression:
    p, marks = equation.params, []
    shape = equation.inputs[0].shape
    strides = p["strides"] or (1,) * len(shape)
    for start, stop, stride, length in zip(
        p["start_indices"], p["limit_indices"], strides, shape, strict=True
    ):
        first = "" if isinstance(start, int) and start == 0 else _place(start, length)
        last = "" if stop == length else _place(stop, length)
        marks.append(f"{first}:{last}" + (f":{stride}" if stride != 1 else ""))
    while len(marks) > 1 and marks[-1] == ":":
        marks.pop()
    return _out(equation, f"{args[0].tight}[{', '.join(marks)}]")


def _index(equation: Equation, args: Sequence[Expression]) -> Expression:
    axis, place = equation.params["axis"], args[1].text
    length = equation.inputs[0].shape[axis]
    if not isinstance(length, int) and place == size(length - 1).text:
        place = "-1"
    array = whole(args[0], equation.inputs[0].shape)
    return _out(equation, f"{array.tight}[{':, ' * axis}{place}]")


def _take(equation: Equation, args: Sequence[Expression]) -> Expression:
    array, places = (whole(a, atom.shape) for a, atom in zip(args, equation.inputs, strict=True))
    return _out(equation, f"{array.tight}[{':, ' * equation.params['axis']}{places.text}]")


def _dynamic_slice(equation: Equation, args: Sequence[Expression]) -> Expression:
    marks = []
    array = whole(args[0], equation.inputs[0].shape)
    lengths = equation.inputs[0].shape
    for start, width, length in zip(args[1:], equation.params["slice_sizes"], lengths, strict=True):
        if width == length:
            marks.append(":")
            continue
        first = Expression(f"np.clip({start.text}, 0, {size(length - width).text})", ATOM, ())
        marks.append(f"{first.text}:{first.text} + {size(width).text}")
    return _out(equation, f"{array.tight}[{', '.join(marks)}]")


def _ramp(equation: Equation, args: Sequence[Expression]) -> Expression:
    start, step, length = equation.params["start"], equation.params["step"], equation.outputs[0].shape[0]
    if step == 0:
        return _out(equation, f"np.full({size(length).text}, {size(start).text})")
    stop = size(start + step * length).text
    if isinstance(start, int) and start == 0 and step == 1:
        return _out(equation, f"np.arange({stop})")
    said = "" if step == 1 else f", {step}"
    return _out(equation, f"np.arange({size(start).text}, {stop}{said})")


def _full(equation: Equation, args: Sequence[Expression]) -> Expression:
    shape = equation.params["shape"]
    said = size(shape[0]).text if len(shape) == 1 else shape_text(shape)
    names = {"0.0": "np.zeros", "1.0": "np.ones"}
    if args[0].text in names:
        return _out(equation, f"{names[args[0].text]}({said})")
    return _out(equation, f"np.full({said}, {args[0].text})")


def _size(equation: Equation, args: Sequence[Expression]) -> Expression:
    return size(equation.params["dim"])


def _sort(equation: Equation, args: Sequence[Expression]) -> Expression:
    return _out(equation, f"np.sort({args[0].text}, axis={equation.params['dimension']})")


def unsupported(equation: Equation, what: str, advice: str) -> ExportError:
    """The error for what a format cannot say."""
    return ExportError(
        f"The equation {described(equation)} is {what}.", "What NumPy has one word for.", advice
    )


RULES: dict[str, Rule] = {
    "add": _entries(infix("+", ADD)),
    "sub": _entries(infix("-", ADD)),
    "mul": _entries(infix("*", MULTIPLY)),
    "div": _divide,
    "rem": _entries(call("np.fmod")),
    "neg": _entries(_negative),
    "pow": _entries(_to_the),
    "integer_pow": _power,
    "square": _entries(_square),
    "rsqrt": _entries(_inverse_root),
    "max": _entries(call("np.maximum")),
    "min": _entries(call("np.minimum")),
    "and": _entries(infix("&", AND)),
    "or": _entries(infix("|", OR)),
    "xor": _entries(infix("^", XOR)),
    "not": _entries(_inverse),
    "eq": _entries(infix("==", COMPARE)),
    "ne": _entries(infix("!=", COMPARE)),
    "ge": _entries(infix(">=", COMPARE)),
    "gt": _entries(infix(">", COMPARE)),
    "le": _entries(infix("<=", COMPARE)),
    "lt": _entries(infix("<", COMPARE)),
    "select_n": _select,
    "clamp": _entries(_clip),
    "convert_element_type": _convert,
    "round": _round,
    "logistic": _entries(call("sigmoid")),
    "erf": _entries(call("erf")),
    "erfc": _entries(call("erfc")),
    "is_finite": _entries(call("np.isfinite")),
    "atan2": _entries(call("np.arctan2")),
    **{
        n: _entries(call(f"np.{n}"))
        for n in ["abs", "cbrt", "ceil", "cos", "cosh", "exp", "exp2", "expm1", "floor", "log", "log1p"]
    },
    **{n: _entries(call(f"np.{n}")) for n in ["sign", "sin", "sinh", "sqrt", "tan", "tanh"]},
    **{n: _entries(call(f"np.arc{n[1:]}")) for n in ["asin", "acos", "atan", "asinh", "acosh", "atanh"]},
    **{f"reduce_{n}": _reduce(n) for n in ("sum", "mean", "max", "min", "prod")},
    "reduce_or": _reduce("any"),
    "reduce_and": _reduce("all"),
    "argmax": _reduce("argmax"),
    "argmin": _reduce("argmin"),
    "cumsum": _running("np.cumsum"),
    "cumprod": _running("np.cumprod"),
    "cummax": _running("np.maximum.accumulate"),
    "cummin": _running("np.minimum.accumulate"),
    "cumlogsumexp": _running("np.logaddexp.accumulate"),
    "rev": _wholly(_rev),
    "dot_general": _wholly(_product),
    "window": _wholly(_window),
    "broadcast_in_dim": _broadcast,
    "reshape": _wholly(_reshape),
    "squeeze": _wholly(_squeeze),
    "expand_dims": _wholly(_expand),
    "transpose": _wholly(_transpose),
    "concatenate": _wholly(_concatenate),
    "stack": _wholly(_stack),
    "pad": _wholly(_pad),
    "slice": _wholly(_slice),
    "dynamic_slice": _dynamic_slice,
    "index": _index,
    "take": _take,
    "ramp": _ramp,
    "full": _full,
    "size": _size,
    "sort": _wholly(_sort),
}
