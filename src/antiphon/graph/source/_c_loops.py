"""Operations of C99 that need loops of their own: products, sums, running sums, windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from antiphon.graph._graph import Equation
from antiphon.graph.source._c_rules import flat_index, size, unsupported
from antiphon.graph.source._facts import kind_of
from antiphon.graph.source._sizes import product

if TYPE_CHECKING:
    from antiphon.graph.source._c import Block

Loop = Callable[[Equation, "Block", str], None]

# kind -> (start, step) with `{0}` for what is there already and `{1}` for what comes.
FLOATS = {
    "sum": ("0.0", "{0} += {1};"),
    "mean": ("0.0", "{0} += {1};"),
    "prod": ("1.0", "{0} *= {1};"),
    "max": ("-INFINITY", "{0} = {1} > {0} || isnan({1}) ? {1} : {0};"),
    "min": ("INFINITY", "{0} = {1} < {0} || isnan({1}) ? {1} : {0};"),
}
WHOLES = {
    "sum": ("0", "{0} += {1};"),
    "prod": ("1", "{0} *= {1};"),
    "max": ("INT_MIN", "{0} = larger({0}, {1});"),
    "min": ("INT_MAX", "{0} = smaller({0}, {1});"),
    "or": ("0", "{0} |= {1};"),
    "and": ("1", "{0} &= {1};"),
}


def accumulator(equation: Equation, kind: str) -> tuple[str, str, str]:
    """Type, start and step of what gathers entries; sums of floats are gathered in double."""
    if kind_of(equation.inputs[0].dtype) == "f":
        start, step = FLOATS[kind]
        return ("double" if kind in ("sum", "mean", "prod") else "float"), start, step
    start, step = WHOLES[kind]
    return "int", start, step


def _reduce(equation: Equation, block: Block, target: str) -> None:
    kind = equation.primitive.removeprefix("reduce_")
    axes = equation.params["axes"]
    one, shape = block.cell(equation.inputs[0]), equation.inputs[0].shape
    type_, start, step = accumulator(equation, kind)
    kept = [k for k in range(len(shape)) if k not in axes]
    with block.loops([shape[k] for k in kept]) as outer:
        total = block.name("total")
        block.line(f"{type_} {total} = {start};")
        with block.loops([shape[k] for k in axes]) as inner:
            index = dict(zip([*kept, *axes], [*outer, *inner], strict=True))
            entry = one.at([index[k] for k in range(len(shape))])
            if step.count("{1}") > 1:
                block.line(f"const {type_} entry = {entry};")
                entry = "entry"
            block.line(step.format(total, entry))
        found = f"{total} / {size(product(shape[k] for k in axes))}" if kind == "mean" else total
        cast = "(float)" if type_ == "double" else ""
        found = f"({found})" if cast and " " in found else found
        block.line(f"{target}[{flat_index(outer, [shape[k] for k in kept])}] = {cast}{found};")


def _arg(equation: Equation, block: Block, target: str) -> None:
    (axis,) = equation.params["axes"]
    one, shape = block.ready(equation.inputs[0]), equation.inputs[0].shape
    sign = ">" if equation.primitive == "argmax" else "<"
    kept = [k for k in range(len(shape)) if k != axis]
    with block.loops([shape[k] for k in kept]) as outer:
        best = block.name("best")
        block.line(f"int {best} = 0;")
        with block.loops([shape[axis]]) as (place,):
            there = one.at([*outer[:axis], place, *outer[axis:]])
            known = one.at([*outer[:axis], best, *outer[axis:]])
            block.line(f"if ({there} {sign} {known}) {best} = {place};")
        block.line(f"{target}[{flat_index(outer, [shape[k] for k in kept])}] = {best};")


def _running(equation: Equation, block: Block, target: str) -> None:
    kind = {"cumsum": "sum", "cumprod": "prod", "cummax": "max", "cummin": "min"}[equation.primitive]
    axis, reverse = equation.params["axis"], equation.params["reverse"]
    one, shape = block.cell(equation.inputs[0]), equation.inputs[0].shape
    type_, start, step = accumulator(equation, kind)
    kept = [k for k in range(len(shape)) if k != axis]
    with block.loops([shape[k] for k in kept]) as outer:
        total = block.name("total")
        block.line(f"{type_} {total} = {start};")
        with block.loops([shape[axis]]) as (place,):
            if reverse:
                turned = block.name("k")
                block.line(f"const int {turned} = {size(shape[axis])} - 1 - {place};")
                place = turned
            index = [*outer[:axis], place, *outer[axis:]]
            block.line(f"const {type_} entry = {one.at(index)};")
            block.line(step.format(total, "entry"))
            cast = "(float)" if type_ == "double" else ""
            block.line(f"{target}[{flat_index(index, shape)}] = {cast}{total};")


def _product(equation: Equation, block: Block, target: str) -> None:
    (left, right), (batch, also) = equation.params["dimension_numbers"]
    one, other = (block.ready(a) for a in equation.inputs)
    a, b = (atom.shape for atom in equation.inputs)
    free_a = [k for k in range(len(a)) if k not in left and k not in batch]
    free_b = [k for k in range(len(b)) if k not in right and k not in also]
    shape = equation.outputs[0].shape
    type_, start, step = accumulator(equation, "sum")
    with block.loops(shape) as outer:
        total = block.name("total")
        block.line(f"{type_} {total} = {start};")
        with block.loops([a[k] for k in left]) as inner:
            many = len(batch)
            first = dict(zip([*batch, *free_a, *left], [*outer[: many + len(free_a)], *inner], strict=True))
            rest = outer[many + len(free_a) :]
            second = dict(zip([*also, *free_b, *right], [*outer[:many], *rest, *inner], strict=True))
            x = one.at([first[k] for k in range(len(a))])
            y = other.at([second[k] for k in range(len(b))])
            cast = "(double)" if type_ == "double" else ""
            block.line(step.format(total, f"{cast}{x} * {y}"))
        cast = "(float)" if type_ == "double" else ""
        block.line(f"{target}[{flat_index(outer, shape)}] = {cast}{total};")


def _window(equation: Equation, block: Block, target: str) -> None:
    p = equation.params
    if any(n != 1 for n in (*p["base_dilation"], *p["window_dilation"])):
        raise unsupported(equation)
    kind = p["kind"].replace("add", "sum")
    one, shape = block.cell(equation.inputs[0]), equation.inputs[0].shape
    out = equation.outputs[0].shape
    type_, start, step = accumulator(equation, kind)
    with block.loops(out) as outer:
        total = block.name("total")
        block.line(f"{type_} {total} = {start};")
        wide = [k for k, n in enumerate(p["window_dimensions"]) if n != 1]
        with block.loops([p["window_dimensions"][k] for k in wide]) as inner:
            places, tests = [], []
            steps = dict(zip(wide, inner, strict=True))
            for k, i in enumerate(outer):
                low, stride = p["padding"][k][0], p["window_strides"][k]
                text = i if stride == 1 else f"{i} * {stride}"
                text += f" + {steps[k]}" if k in steps else ""
                text += f" - {size(low)}" if not isinstance(low, int) or low else ""
                if text == i:
                    places.append(i)
                    continue
                place = block.name("k")
                block.line(f"const int {place} = {text};")
                places.append(place)
                tests.append(f"{place} < 0 || {place} >= {size(shape[k])}")
            if tests:
                block.line(f"if ({' || '.join(tests)}) continue;")
            block.line(f"const {type_} entry = {one.at(places)};")
            block.line(step.format(total, "entry"))
        cast = "(float)" if type_ == "double" else ""
        block.line(f"{target}[{flat_index(outer, out)}] = {cast}{total};")


def _convolve(equation: Equation, block: Block, target: str) -> None:
    p, numbers = equation.params, equation.params["dimension_numbers"]
    if p["feature_group_count"] != 1 or p["batch_group_count"] != 1 or any(n != 1 for n in p["lhs_dilation"]):
        raise unsupported(equation)
    lhs, rhs, out = numbers.lhs_spec, numbers.rhs_spec, numbers.out_spec
    one, kernel = (block.ready(a) for a in equation.inputs)
    shape, widths, wide = equation.inputs[0].shape, equation.inputs[1].shape, equation.outputs[0].shape
    with block.loops(wide) as outer:
        total = block.name("total")
        block.line(f"double {total} = 0.0;")
        with block.loops([widths[k] for k in rhs[1:]]) as (channel, *inner):
            places, tests = {lhs[0]: outer[out[0]], lhs[1]: channel}, []
            weights = {rhs[0]: outer[out[1]], rhs[1]: channel}
            for k, step in enumerate(inner):
                stride, (low, _), dilation = p["window_strides"][k], p["padding"][k], p["rhs_dilation"][k]
                place = block.name("k")
                start = outer[out[2 + k]] if stride == 1 else f"{outer[out[2 + k]]} * {stride}"
                away = step if dilation == 1 else f"{step} * {dilation}"
                block.line(f"const int {place} = {start} + {away} - {size(low)};")
                tests.append(f"{place} < 0 || {place} >= {size(shape[lhs[2 + k]])}")
                places[lhs[2 + k]], weights[rhs[2 + k]] = place, step
            block.line(f"if ({' || '.join(tests)}) continue;")
            x = one.at([places[k] for k in range(len(shape))])
            y = kernel.at([weights[k] for k in range(len(shape))])
            block.line(f"{total} += (double){x} * {y};")
        block.line(f"{target}[{flat_index(outer, wide)}] = (float){total};")


LOOPS: dict[str, Loop] = {
    **{f"reduce_{n}": _reduce for n in ("sum", "mean", "max", "min", "prod", "or", "and")},
    "argmax": _arg,
    "argmin": _arg,
    "cumsum": _running,
    "cumprod": _running,
    "cummax": _running,
    "cummin": _running,
    "dot_general": _product,
    "window": _window,
    "conv_general_dilated": _convolve,
}
