"""Entries that are other entries, in C99: shapes, parts and places, without a copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from antiphon.graph._graph import Equation
from antiphon.graph.source._c_rules import Cell, Index, flat_index, size, unsupported
from antiphon.graph.source._facts import kind_of

if TYPE_CHECKING:
    from antiphon.graph.source._c import Block


def _broadcast(equation: Equation, block: Block) -> Cell:
    to = equation.params["broadcast_dimensions"]
    one = block.ready(equation.inputs[0])
    shape = equation.inputs[0].shape
    out = equation.outputs[0].shape

    def at(index: Index) -> str:
        inner = ["0" if shape[k] == 1 and out[d] != 1 else index[int(d)] for k, d in enumerate(to)]
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
