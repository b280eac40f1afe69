"""Shapes and parts of arrays in NumPy: rules that write an expression each."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.errors import ExportError
from antiphon.graph._graph import Equation
from antiphon.graph.source._expressions import ATOM, Expression, size
from antiphon.graph.source._refusals import described
from antiphon.graph.source._sizes import Size


def shape_text(shape: Sequence[Size]) -> str:
    """A shape as a tuple."""
    inner = ", ".join(size(n).text for n in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def whole(expression: Expression, shape: Sequence[Size]) -> Expression:
    """The expression, broadcast by hand to a shape that matters."""
    if tuple(expression.shape) == tuple(shape):
        return expression
    return Expression(f"np.broadcast_to({expression.text}, {shape_text(shape)})", ATOM, tuple(shape))


def out(equation: Equation, text: str, binds: int = ATOM) -> Expression:
    """An expression of the shape that an equation gives."""
    return Expression(text, binds, tuple(equation.outputs[0].shape))


def unsupported(equation: Equation, what: str, advice: str) -> ExportError:
    """The error for what a format cannot say."""
    return ExportError(
        f"The equation {described(equation)} is {what}.", "What NumPy has one word for.", advice
    )


def spread(equation: Equation, args: Sequence[Expression]) -> Expression:
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


def reshape(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`reshape`."""
    shape = ", ".join(size(n).text for n in equation.outputs[0].shape)
    if not shape:
        return out(equation, f"{args[0].tight}.item()")
    return out(equation, f"{args[0].tight}.reshape({shape})")


def squeeze(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`squeeze`."""
    gone = equation.params["dimensions"]
    marks = ["0" if k in gone else ":" for k in range(max(gone) + 1)]
    return out(equation, f"{args[0].tight}[{', '.join(marks)}]")


def expand(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`expand`."""
    made = equation.params["dimensions"]
    marks = ["None" if k in made else ":" for k in range(max(made) + 1)]
    return out(equation, f"{args[0].tight}[{', '.join(marks)}]")


def transpose(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`transpose`."""
    order = tuple(equation.params["permutation"])
    if order == tuple(reversed(range(len(order)))):
        return out(equation, f"{args[0].tight}.T")
    return out(equation, f"{args[0].tight}.transpose{order}")


def concatenate(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`concatenate`."""
    axis = equation.params["dimension"]
    said = f", axis={axis}" if axis else ""
    return out(equation, f"np.concatenate([{', '.join(a.text for a in args)}]{said})")


def stack(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`stack`."""
    axis = equation.params["axis"]
    said = f", axis={axis}" if axis else ""
    return out(equation, f"np.stack([{', '.join(a.text for a in args)}]{said})")


def pad(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`pad`."""
    config = equation.params["padding_config"]
    if any(inner for _, _, inner in config):
        raise unsupported(equation, "padding between entries", "Pad at the ends only.")
    pads = ", ".join(f"({size(max(a, 0)).text}, {size(max(b, 0)).text})" for a, b, _ in config)
    comma = "," if len(config) == 1 else ""
    text = f"np.pad({args[0].text}, ({pads}{comma}), constant_values={args[1].text})"
    cut = [f"{-a if a < 0 else ''}:{b if b < 0 else ''}" for a, b, _ in config]
    return out(equation, text if set(cut) == {":"} else f"{text}[{', '.join(cut)}]")


def _place(at: Size, length: Size) -> str:
    """A place along an axis, from its end where that is shorter."""
    back = length - at
    if isinstance(back, int) and not isinstance(at, int):
        return f"-{back}"
    return size(at).text


def slice_of(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`slice_of`."""
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
    return out(equation, f"{args[0].tight}[{', '.join(marks)}]")


def index(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`index`."""
    axis, place = equation.params["axis"], args[1].text
    length = equation.inputs[0].shape[axis]
    if not isinstance(length, int) and place == size(length - 1).text:
        place = "-1"
    array = whole(args[0], equation.inputs[0].shape)
    return out(equation, f"{array.tight}[{':, ' * axis}{place}]")


def take(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`take`."""
    array, places = (whole(a, atom.shape) for a, atom in zip(args, equation.inputs, strict=True))
    return out(equation, f"{array.tight}[{':, ' * equation.params['axis']}{places.text}]")


def dynamic_slice(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`dynamic_slice`."""
    marks = []
    array = whole(args[0], equation.inputs[0].shape)
    lengths = equation.inputs[0].shape
    for start, width, length in zip(args[1:], equation.params["slice_sizes"], lengths, strict=True):
        if width == length:
            marks.append(":")
            continue
        first = Expression(f"np.clip({start.text}, 0, {size(length - width).text})", ATOM, ())
        marks.append(f"{first.text}:{first.text} + {size(width).text}")
    return out(equation, f"{array.tight}[{', '.join(marks)}]")


def ramp(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`ramp`."""
    start, step, length = equation.params["start"], equation.params["step"], equation.outputs[0].shape[0]
    if step == 0:
        return out(equation, f"np.full({size(length).text}, {size(start).text})")
    stop = size(start + step * length).text
    if isinstance(start, int) and start == 0 and step == 1:
        return out(equation, f"np.arange({stop})")
    said = "" if step == 1 else f", {step}"
    return out(equation, f"np.arange({size(start).text}, {stop}{said})")


def full(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`full`."""
    shape = equation.params["shape"]
    said = size(shape[0]).text if len(shape) == 1 else shape_text(shape)
    names = {"0.0": "np.zeros", "1.0": "np.ones"}
    if args[0].text in names:
        return out(equation, f"{names[args[0].text]}({said})")
    return out(equation, f"np.full({said}, {args[0].text})")


def size_of(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`size_of`."""
    return size(equation.params["dim"])


def sort(equation: Equation, args: Sequence[Expression]) -> Expression:
    """`sort`."""
    return out(equation, f"np.sort({args[0].text}, axis={equation.params['dimension']})")
