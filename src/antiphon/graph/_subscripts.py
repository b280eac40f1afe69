"""Parts of arrays as they are written: `x[0]`, `x[1:3]`, `x[i]`."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.graph._graph import Equation
from antiphon.graph._phrases import ATOM, SUM, Text, call_text, plain_call
from antiphon.graph._text import shape_text


def _indexed(array: str, parts: Sequence[tuple[str, str]], dropped: Sequence[int] = ()) -> Text:
    """`array[...]`: a range for each axis, or a place for the axes that are dropped."""
    words = [start if k in dropped else range_ for k, (range_, start) in enumerate(parts)]
    while len(words) > 1 and words[-1] == ":":
        words.pop()
    return Text(f"{array}[{', '.join(words)}]", index=(array, tuple(parts)))


def slice_text(equation: Equation, inputs: Sequence[Text]) -> Text:
    params, shape = equation.params, equation.inputs[0].shape
    strides = params["strides"] or (1,) * len(shape)
    parts = []
    for a, b, s, n in zip(params["start_indices"], params["limit_indices"], strides, shape, strict=True):
        first, last = "" if a == 0 else a, "" if b == n else b
        parts.append((f"{first}:{last}" + (f":{s}" if s != 1 else ""), str(a)))
    return _indexed(inputs[0].within(ATOM), parts)


def dynamic_slice_text(equation: Equation, inputs: Sequence[Text]) -> Text:
    array, *starts = inputs
    parts = [
        (":" if size == whole else f"{start.text}:{start.within(SUM)} + {size}", start.text)
        for start, size, whole in zip(
            starts, equation.params["slice_sizes"], equation.inputs[0].shape, strict=True
        )
    ]
    return _indexed(array.within(ATOM), parts)


def squeeze_text(equation: Equation, inputs: Sequence[Text]) -> Text:
    axes = equation.params["dimensions"]
    if inputs[0].index is not None:
        return _indexed(*inputs[0].index, dropped=axes)
    return call_text("squeeze", [inputs[0].text, f"axis={axes[0] if len(axes) == 1 else shape_text(axes)}"])


def _window(equation: Equation, inputs: Sequence[Text]) -> Text:
    """A part of an array that starts at a place which is computed."""
    starts = equation.params["dimension_numbers"].start_index_map
    place = inputs[1].bare
    parts = []
    for axis, size in enumerate(equation.params["slice_sizes"]):
        if axis in starts:
            start = place or Text(f"{inputs[1].within(ATOM)}[{starts.index(axis)}]")
            parts.append((f"{start.text}:{start.within(SUM)} + {size}", start.text))
        else:
            parts.append((":" if size == equation.inputs[0].shape[axis] else f":{size}", "0"))
    return _indexed(inputs[0].within(ATOM), parts)


def gather_text(equation: Equation, inputs: Sequence[Text]) -> Text:
    """Whole rows by their numbers; anything else in full."""
    params, (array, places) = equation.params, equation.inputs
    numbers = params["dimension_numbers"]
    rank, batch = len(array.shape), len(places.shape) - 1
    if batch == 0 and not numbers.collapsed_slice_dims and tuple(numbers.offset_dims) == tuple(range(rank)):
        return _window(equation, inputs)
    (axis, *more) = numbers.start_index_map
    whole = tuple(1 if k == axis else n for k, n in enumerate(array.shape))
    rows = tuple(numbers.collapsed_slice_dims) == (axis,) and tuple(params["slice_sizes"]) == whole
    around = tuple(k for k in range(batch + rank - 1) if not axis <= k < axis + batch)
    if more or not rows or tuple(numbers.offset_dims) != around or numbers.operand_batching_dims:
        return plain_call(equation, inputs)
    place = inputs[1].text
    added = f"[{':, ' * batch}None]"
    place = place.removesuffix(added) if place.endswith(added) else f"{place}[..., 0]"
    return Text(f"{inputs[0].within(ATOM)}[{':, ' * axis}{place}]")


def update_text(equation: Equation, inputs: Sequence[Text]) -> Text:
    array, new, *starts = inputs
    return call_text("update", [array.text, new.text, f"at=({', '.join(s.text for s in starts)})"])
