"""What each plain operation is in NumPy: a table from primitive to a rule that writes an expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

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
from antiphon.graph.source._numpy_parts import (
    concatenate,
    dynamic_slice,
    expand,
    full,
    index,
    out,
    pad,
    ramp,
    reshape,
    size_of,
    slice_of,
    sort,
    spread,
    squeeze,
    stack,
    take,
    transpose,
    unsupported,
    whole,
)

Rule = Callable[[Equation, Sequence[Expression]], Expression]

# Functions of our own that a file carries if it needs them.
HELPERS = {
    "sigmoid": '''def sigmoid(x):
    """The logistic function, without overflow."""
    return np.exp(-np.logaddexp(0, -x))''',
    "erf": "erf = np.vectorize(math.erf, otypes=[float])",
    "erfc": "erfc = np.vectorize(math.erfc, otypes=[float])",
}


def _entries(rule: Callable[..., Expression]) -> Rule:
    """A rule that treats every entry alike, so that operands may have any shape that broadcasts."""
    return lambda equation, args: rule(*args)


def _wholly(rule: Rule) -> Rule:
    """A rule for which the shapes of operands matter."""

    def run(equation: Equation, args: Sequence[Expression]) -> Expression:
        wide = [whole(a, atom.shape) for a, atom in zip(args, equation.inputs, strict=True)]
        return rule(equation, wide)

    return run


def _is_whole(equation: Equation) -> bool:
    return np.dtype(equation.outputs[0].dtype).kind in "iu"


# --- entry by entry -------------------------------------------------------------------------------------


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


# --- along axes -----------------------------------------------------------------------------------------


def _axes_text(axes: Sequence[int], rank: int) -> str:
    if len(axes) == rank:
        return ""
    return f"axis={axes[0]}" if len(axes) == 1 else f"axis={tuple(axes)}"


def _reduce(method: str) -> Rule:
    def rule(equation: Equation, args: Sequence[Expression]) -> Expression:
        axes = _axes_text(equation.params["axes"], len(equation.inputs[0].shape))
        return out(equation, f"{args[0].tight}.{method}({axes})")

    return _wholly(rule)


def _reversed(text: str, axis: int) -> str:
    return f"{text}[{':, ' * axis}::-1]"


def _running(function: str) -> Rule:
    def rule(equation: Equation, args: Sequence[Expression]) -> Expression:
        axis = equation.params["axis"]
        if equation.params["reverse"]:
            inner = _reversed(args[0].tight, axis)
            return out(equation, _reversed(f"{function}({inner}, axis={axis})", axis))
        return out(equation, f"{function}({args[0].text}, axis={axis})")

    return _wholly(rule)


def _rev(equation: Equation, args: Sequence[Expression]) -> Expression:
    turned = equation.params["dimensions"]
    marks = ["::-1" if k in turned else ":" for k in range(max(turned) + 1)]
    return out(equation, f"{args[0].tight}[{', '.join(marks)}]")


def _product(equation: Equation, args: Sequence[Expression]) -> Expression:
    (left, right), (batch, also) = equation.params["dimension_numbers"]
    one, other = args
    a, b = (len(atom.shape) for atom in equation.inputs)
    if not batch and len(left) == len(right) == 1 and a <= 2 and b <= 2:
        first = one.within(MULTIPLY) if left[0] == a - 1 else f"{one.tight}.T"
        second = other.within(MULTIPLY + 1) if right[0] == 0 else f"{other.tight}.T"
        return out(equation, f"{first} @ {second}", MULTIPLY)
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    mine = [next(letters) for _ in range(a)]
    yours = [next(letters) for _ in range(b)]
    for i, j in [*zip(left, right, strict=True), *zip(batch, also, strict=True)]:
        yours[j] = mine[i]
    rest = [mine[i] for i in range(a) if i not in left and i not in batch]
    rest += [yours[j] for j in range(b) if j not in right and j not in also]
    result = "".join([mine[i] for i in batch] + rest)
    spec = f"{''.join(mine)},{''.join(yours)}->{result}"
    return out(equation, f'np.einsum("{spec}", {one.text}, {other.text})')


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
    return out(equation, text)


def _convolve(equation: Equation, args: Sequence[Expression]) -> Expression:
    """Windows along the axes of space, times the kernel, summed over window and channels."""
    p, numbers = equation.params, equation.params["dimension_numbers"]
    if p["feature_group_count"] != 1 or p["batch_group_count"] != 1 or any(n != 1 for n in p["lhs_dilation"]):
        raise unsupported(
            equation, "a convolution in groups, or a transposed one", "Use a plain convolution."
        )
    lhs, rhs, out_ = numbers.lhs_spec, numbers.rhs_spec, numbers.out_spec
    space, rank = lhs[2:], len(lhs)
    letters = "pqrs"[: len(space)], "ijkl"[: len(space)]

    def named(spec: Sequence[int], first: str, second: str, rest: str) -> str:
        found = dict(zip(spec, first + second + rest, strict=True))
        return "".join(found[k] for k in range(rank))

    shape = equation.inputs[1].shape
    widths = [(shape[k] - 1) * dilation + 1 for k, dilation in zip(rhs[2:], p["rhs_dilation"], strict=True)]
    text = args[0].text
    if any(tuple(pair) != (0, 0) for pair in p["padding"]):
        by_axis = dict(zip(space, p["padding"], strict=True))
        pads = ", ".join(
            f"({size(a).text}, {size(b).text})" for a, b in (by_axis.get(k, (0, 0)) for k in range(rank))
        )
        text = f"np.pad({text}, ({pads}))"
    text = f"sliding_window_view({text}, {tuple(widths)}, axis={tuple(space)})"
    steps = dict(zip(space, p["window_strides"], strict=True))
    marks = [steps.get(k, 1) for k in range(rank)] + list(p["rhs_dilation"])
    if any(n != 1 for n in marks):
        text += f"[{', '.join(':' if n == 1 else f'::{n}' for n in marks)}]"
    spec = f"{named(lhs, 'b', 'c', letters[0])}{letters[1]},{named(rhs, 'o', 'c', letters[1])}"
    spec += f"->{named(out_, 'b', 'o', letters[0])}"
    return out(equation, f'np.einsum("{spec}", {text}, {args[1].text})')


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
    "conv_general_dilated": _wholly(_convolve),
    "broadcast_in_dim": spread,
    "reshape": _wholly(reshape),
    "squeeze": _wholly(squeeze),
    "expand_dims": _wholly(expand),
    "transpose": _wholly(transpose),
    "concatenate": _wholly(concatenate),
    "stack": _wholly(stack),
    "pad": _wholly(pad),
    "slice": _wholly(slice_of),
    "dynamic_slice": dynamic_slice,
    "index": index,
    "take": take,
    "ramp": ramp,
    "full": full,
    "size": size_of,
    "sort": _wholly(sort),
}
