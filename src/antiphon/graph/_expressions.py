"""Each primitive as it is written in a line of a program: one rule each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antiphon.graph._graph import Equation, Literal
from antiphon.graph._phrases import (
    AND,
    ATOM,
    COMPARE,
    OR,
    POWER,
    PRODUCT,
    SHIFT,
    SIGN,
    SUM,
    XOR,
    Text,
    Writer,
    call_text,
    plain_call,
)
from antiphon.graph._subscripts import dynamic_slice_text, gather_text, slice_text, squeeze_text, update_text
from antiphon.graph._text import dtype_text, number_text, shape_text


def write(equation: Equation, inputs: Sequence[Text]) -> Text:
    """The right-hand side of an equation.

    Example:
        >>> from antiphon.graph import trace
        >>> write(trace(lambda x, y: x - y, 1.0, 2.0).equations[0], [Text("x"), Text("a - b", SUM)]).text
        'x - (a - b)'
    """
    return WRITERS.get(equation.primitive, plain_call)(equation, inputs)


def is_elementwise(equation: Equation) -> bool:
    """Whether NumPy would broadcast the inputs of an equation by itself."""
    return equation.primitive in _ELEMENTWISE


def _bare(equation: Equation, inputs: Sequence[Text]) -> list[Text]:
    """The inputs without their broadcasts, where another input has the whole shape."""
    whole = [k for k, text in enumerate(inputs) if text.bare is None and equation.inputs[k].shape]
    keep = None if whole or not equation.outputs[0].shape else 0
    return [text.bare if text.bare and k != keep else text for k, text in enumerate(inputs)]


def _infix(operator: str, binds: int) -> Writer:
    def rule(equation: Equation, inputs: Sequence[Text]) -> Text:
        left, right = _bare(equation, inputs)
        return Text(f"{left.within(binds)} {operator} {right.within(binds + 1)}", binds)

    return rule


def _function(name: str) -> Writer:
    return lambda equation, inputs: call_text(name, [i.text for i in _bare(equation, inputs)])


def _divide(equation: Equation, inputs: Sequence[Text]) -> Text:
    whole = equation.outputs[0].dtype.kind in "iu"
    return (_function("div") if whole else _infix("/", PRODUCT))(equation, inputs)


def _prefix(operator: str) -> Writer:
    return lambda equation, inputs: Text(operator + inputs[0].within(SIGN), SIGN)


def _power(equation: Equation, inputs: Sequence[Text]) -> Text:
    exponent = (
        str(equation.params["y"]) if "y" in equation.params else _bare(equation, inputs)[1].within(ATOM)
    )
    return Text(f"{inputs[0].within(ATOM)} ** {exponent}", POWER)


def _select(equation: Equation, inputs: Sequence[Text]) -> Text:
    which, *cases = _bare(equation, inputs)
    if len(cases) == 2 and equation.inputs[0].dtype == bool:
        return call_text("where", [which.text, cases[1].text, cases[0].text])
    return call_text("choose", [which.text, f"[{', '.join(c.text for c in cases)}]"])


def _clip(equation: Equation, inputs: Sequence[Text]) -> Text:
    low, x, high = _bare(equation, inputs)
    return call_text("clip", [x.text, low.text, high.text])


def _convert(equation: Equation, inputs: Sequence[Text]) -> Text:
    source, target = equation.inputs[0].dtype, equation.params["new_dtype"]
    if source == target:
        return inputs[0]
    (x,) = equation.inputs
    if isinstance(x, Literal):
        return Text(number_text(x.value.astype(target)))
    bare = inputs[0].bare
    return call_text(dtype_text(target), [inputs[0].text])._replace(
        bare=bare and call_text(dtype_text(target), [bare.text])
    )


def _same(equation: Equation, inputs: Sequence[Text]) -> Text:
    return inputs[0]


def _along(name: str) -> Writer:
    """A reduction: over all axes if none is named."""

    def rule(equation: Equation, inputs: Sequence[Text]) -> Text:
        axes = equation.params["axes"]
        rank = len(equation.inputs[0].shape)
        where = [] if len(axes) == rank else [f"axis={axes[0] if len(axes) == 1 else shape_text(axes)}"]
        return call_text(name, [inputs[0].text, *where])

    return rule


def _cumulative(name: str) -> Writer:
    def rule(equation: Equation, inputs: Sequence[Text]) -> Text:
        parts = [inputs[0].text, f"axis={equation.params['axis']}"]
        return call_text(name, parts + (["reverse=True"] if equation.params.get("reverse") else []))

    return rule


def _broadcast(equation: Equation, inputs: Sequence[Text]) -> Text:
    (inner, shape) = (equation.inputs[0].shape, equation.params["shape"])
    axes = equation.params["broadcast_dimensions"]
    text = inputs[0].bare or inputs[0]
    first = len(shape) - len(inner)
    if all(axis == first + k for k, axis in enumerate(axes)):
        whole = (
            call_text("broadcast", [text.text, shape_text(shape)])
            if inner
            else call_text("full", [shape_text(shape), text.text])
        )
        return whole._replace(bare=text)
    marks = [":" if k in axes else "None" for k in range(len(shape))]
    while marks[0] == "None":  # NumPy adds axes in front by itself
        marks.pop(0)
    bare = Text(f"{text.within(ATOM)}[{', '.join(marks)}]")
    exact = all(shape[k] == 1 for k in range(len(shape)) if k not in axes) and 0 in axes
    if exact and all(shape[axis] == size for axis, size in zip(axes, inner, strict=True)):
        return bare
    whole = call_text("broadcast", [text.text, shape_text(shape), f"axes={shape_text(axes)}"])
    return whole._replace(bare=bare)


def _transpose(equation: Equation, inputs: Sequence[Text]) -> Text:
    order = equation.params["permutation"]
    if tuple(order) == (1, 0):
        return Text(f"{inputs[0].within(ATOM)}.T")
    return call_text("transpose", [inputs[0].text, shape_text(order)])


def _flip(equation: Equation, inputs: Sequence[Text]) -> Text:
    axes = equation.params["dimensions"]
    return call_text("flip", [inputs[0].text, f"axis={axes[0] if len(axes) == 1 else shape_text(axes)}"])


def _reshape(equation: Equation, inputs: Sequence[Text]) -> Text:
    return call_text("reshape", [inputs[0].text, shape_text(equation.params["new_sizes"])])


def _iota(equation: Equation, inputs: Sequence[Text]) -> Text:
    shape, axis = equation.params["shape"], equation.params["dimension"]
    text = call_text("arange", [str(shape[axis])])
    return (
        text if len(shape) == 1 else call_text("broadcast", [text.text, shape_text(shape), f"axes=({axis},)"])
    )


def _concatenate(equation: Equation, inputs: Sequence[Text]) -> Text:
    parts = f"[{', '.join(i.text for i in inputs)}]"
    return call_text("concatenate", [parts, f"axis={equation.params['dimension']}"])


def _dot(equation: Equation, inputs: Sequence[Text]) -> Text:
    (contract, batch) = equation.params["dimension_numbers"]
    left, right = (len(atom.shape) for atom in equation.inputs)
    a, b = inputs
    lead = tuple(range(left - 2))
    plain = not batch[0] and not batch[1] and left and right
    matrices = plain and len(contract[0]) == 1 and contract[0][0] == left - 1
    if matrices and contract[1][0] == max(right - 2, 0) and right <= 2:
        return Text(f"{a.within(PRODUCT)} @ {b.within(SIGN)}", PRODUCT)
    if matrices and contract[1][0] == right - 1 == 1:
        return Text(f"{a.within(PRODUCT)} @ {b.within(ATOM)}.T", PRODUCT)
    if left == right > 2 and tuple(batch[0]) == tuple(batch[1]) == lead:  # noqa: SIM102
        if (tuple(contract[0]), tuple(contract[1])) == ((left - 1,), (right - 2,)):
            return Text(f"{a.within(PRODUCT)} @ {b.within(SIGN)}", PRODUCT)
    return call_text("einsum", [f'"{_einsum(equation)}"', a.text, b.text])


_LETTERS = "ijklmnopqrstuvwxyzabcdefgh"


def _einsum(equation: Equation) -> str:
    (contract, batch) = equation.params["dimension_numbers"]
    free = iter(_LETTERS)
    names: list[dict[int, str]] = [{}, {}]
    for pairs in (batch, contract):
        for i, j in zip(*pairs, strict=True):
            names[0][i] = names[1][j] = next(free)
    sides = []
    for side, atom in zip(names, equation.inputs, strict=True):
        sides.append("".join(side.get(k) or side.setdefault(k, next(free)) for k in range(len(atom.shape))))
    lost = {names[0][i] for i in contract[0]}
    head = "".join(names[0][i] for i in batch[0])
    rest = "".join(n for text in sides for n in text if n not in lost and n not in head)
    text = f"{sides[0]},{sides[1]}->{head}{rest}"
    order = dict.fromkeys(n for side in sides for n in side)
    return text.translate({ord(n): _LETTERS[k] for k, n in enumerate(order)})


def _conv(equation: Equation, inputs: Sequence[Text]) -> Text:
    """A convolution, with the settings that are not the plain ones."""
    params, plain = equation.params, range(len(equation.inputs[0].shape))
    specs = params["dimension_numbers"]
    settings = [
        f"{word}={params[name]}"
        for name, word in (
            ("window_strides", "strides"), ("padding", "padding"), ("lhs_dilation", "input_dilation"),
            ("rhs_dilation", "dilation"), ("feature_group_count", "groups"),
        )
        if _tells(params[name])
    ]  # fmt: skip
    axes = [
        f"{word}={spec}" for word, spec in zip(("x", "w", "y"), specs, strict=True) if spec != tuple(plain)
    ]
    return call_text("conv", [*(i.text for i in inputs), *settings, *axes])


def _tells(setting: Any) -> bool:
    """Whether a setting of a convolution is another than one step, no padding."""
    return setting not in (1, (1,) * len(setting), ((0, 0),) * len(setting)) if setting != 1 else False


def _scatter(how: str) -> Writer:
    """Changes at some places of an array; the details of how places are numbered are left out."""
    return lambda equation, inputs: Text(
        f"{inputs[0].within(ATOM)}.at[{inputs[1].text}].{how}({inputs[2].text})"
    )


def _dim(equation: Equation, inputs: Sequence[Text]) -> Text:
    size = str(equation.params["dim"])
    return Text(size, ATOM if size.isidentifier() else SUM)


_INFIX = {
    "add": _infix("+", SUM),
    "add_any": _infix("+", SUM),
    "sub": _infix("-", SUM),
    "mul": _infix("*", PRODUCT),
    "div": _divide,
    "pow": _power,
    "and": _infix("&", AND),
    "or": _infix("|", OR),
    "xor": _infix("^", XOR),
    "shift_left": _infix("<<", SHIFT),
    "shift_right_logical": _infix(">>>", SHIFT),
    "shift_right_arithmetic": _infix(">>", SHIFT),
    **{
        name: _infix(sign, COMPARE)
        for name, sign in {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items()
    },
}
_FUNCTIONS = {
    **{name: name for name in ("max", "min", "rem", "atan2", "nextafter")},
    **{
        name: name
        for name in ("exp", "exp2", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan")
    },
    **{
        name: name
        for name in ("sinh", "cosh", "tanh", "sqrt", "rsqrt", "cbrt", "square", "abs", "sign", "floor")
    },
    **{
        name: name
        for name in ("ceil", "round", "erf", "erfc", "erf_inv", "lgamma", "digamma", "population_count")
    },
    "logistic": "sigmoid",
    "is_finite": "isfinite",
}
_ELEMENTWISE = {*_INFIX, *_FUNCTIONS, "select_n", "clamp"}

WRITERS: dict[str, Writer] = {
    **_INFIX,
    **{name: _function(word) for name, word in _FUNCTIONS.items()},
    "neg": _prefix("-"),
    "not": _prefix("~"),
    "integer_pow": _power,
    "select_n": _select,
    "clamp": _clip,
    "convert_element_type": _convert,
    "copy": _same,
    "copy_p": _same,
    **{f"reduce_{name}": _along(name) for name in ("sum", "max", "min", "prod")},
    "reduce_and": _along("all"),
    "reduce_or": _along("any"),
    "argmax": _along("argmax"),
    "argmin": _along("argmin"),
    **{name: _cumulative(name) for name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")},
    "broadcast_in_dim": _broadcast,
    "slice": slice_text,
    "dynamic_slice": dynamic_slice_text,
    "dynamic_update_slice": update_text,
    "transpose": _transpose,
    "squeeze": squeeze_text,
    "gather": gather_text,
    "rev": _flip,
    "reshape": _reshape,
    "iota": _iota,
    "concatenate": _concatenate,
    "dot_general": _dot,
    "dim_as_value": _dim,
    "conv_general_dilated": _conv,
    "scatter": _scatter("set"),
    "scatter-add": _scatter("add"),
    "scatter_add": _scatter("add"),
    "scatter_mul": _scatter("multiply"),
    "scatter_min": _scatter("min"),
    "scatter_max": _scatter("max"),
}
