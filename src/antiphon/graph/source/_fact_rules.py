"""How facts pass from the inputs of an equation to its output: a table of rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from antiphon.graph._graph import Equation
from antiphon.graph.source._facts import (
    ON_NUMBERS,
    ON_SIZES,
    Between,
    Fact,
    Full,
    Ramp,
    Within,
    both,
    bounds,
    elementwise,
    kind_of,
)
from antiphon.graph.source._sizes import Size, at_least, is_size, largest, product, smallest


def fact_of(equation: Equation, facts: Sequence[Fact]) -> Fact:
    """What is known of the output of an equation, given what is known of its inputs."""
    rule = RULES.get(equation.primitive)
    kinds = [kind_of(atom.dtype) for atom in (*equation.inputs, *equation.outputs)]
    if rule is None or len(equation.outputs) != 1 or not set(kinds) <= set("biuf"):
        return None
    return rule(equation, facts)


def _same(equation: Equation, facts: Sequence[Fact]) -> Fact:
    return facts[0]


def _converted(equation: Equation, facts: Sequence[Fact]) -> Fact:
    (fact,) = facts
    before, after = np.dtype(equation.inputs[0].dtype), np.dtype(equation.outputs[0].dtype)
    if isinstance(fact, Full):
        value = fact.value
        if not isinstance(value, bool | int | float):
            return fact if after.kind in "iuf" else None
        if after.kind not in "biuf" or (after.kind in "iu" and not np.isfinite(value)):
            return None
        return Full(np.asarray(value).astype(after).item())
    if isinstance(fact, Between):
        return fact  # 1 where it is true, 0 elsewhere
    return fact if before.kind in "iu" and after.kind in "iu" else None


def _moved(axes: dict[int, int]) -> Callable[[Fact], Fact]:
    """A fact where axis k has become axis `axes[k]`."""

    def move(fact: Fact) -> Fact:
        if isinstance(fact, Ramp):
            return Ramp(axes[fact.axis], fact.start, fact.step) if fact.axis in axes else None
        if isinstance(fact, Between):
            return Between(axes[fact.axis], fact.low, fact.high) if fact.axis in axes else None
        return fact

    return move


def _broadcast(equation: Equation, facts: Sequence[Fact]) -> Fact:
    to = equation.params["broadcast_dimensions"]
    shape, wide = equation.inputs[0].shape, equation.outputs[0].shape
    kept = {k: d for k, d in enumerate(to) if shape[k] == wide[d]}
    return _moved(kept)(facts[0])


def _squeezed(equation: Equation, facts: Sequence[Fact]) -> Fact:
    gone = equation.params["dimensions"]
    kept = [k for k in range(len(equation.inputs[0].shape)) if k not in gone]
    return _moved({k: i for i, k in enumerate(kept)})(facts[0])


def _transposed(equation: Equation, facts: Sequence[Fact]) -> Fact:
    return _moved({k: i for i, k in enumerate(equation.params["permutation"])})(facts[0])


def _reshaped(equation: Equation, facts: Sequence[Fact]) -> Fact:
    (fact,) = facts
    if isinstance(fact, Ramp | Between):
        long = [k for k, n in enumerate(equation.outputs[0].shape) if n != 1]
        before = [k for k, n in enumerate(equation.inputs[0].shape) if n != 1]
        return _moved({before[0]: long[0]})(fact) if len(long) == len(before) == 1 else None
    return fact


def _counted(equation: Equation, facts: Sequence[Fact]) -> Fact:
    if np.dtype(equation.outputs[0].dtype).kind not in "iu":
        return None
    return Ramp(equation.params["dimension"], 0, 1)


def _reversed(equation: Equation, facts: Sequence[Fact]) -> Fact:
    (fact,) = facts
    dimensions, shape = equation.params["dimensions"], equation.inputs[0].shape
    if isinstance(fact, Ramp) and fact.axis in dimensions:
        return Ramp(fact.axis, fact.start + fact.step * (shape[fact.axis] - 1), -fact.step)
    if isinstance(fact, Between) and fact.axis in dimensions:
        length = shape[fact.axis]
        return Between(fact.axis, length - fact.high, length - fact.low)
    return fact


def _summed(equation: Equation, facts: Sequence[Fact]) -> Fact:
    (fact,) = facts
    shape = equation.inputs[0].shape
    if isinstance(fact, Between) and equation.params["axes"] == (fact.axis,) and len(shape) == 1:
        return Full(fact.high - fact.low)
    if not isinstance(fact, Full) or not isinstance(fact.value, int | float):
        return None
    count = product(shape[k] for k in equation.params["axes"])
    value = fact.value
    if isinstance(value, float) and value != 0.0:
        return Full(count) if value == 1.0 else None
    return Full(int(value) * count if not isinstance(value, float) else 0.0)


def _any(equation: Equation, facts: Sequence[Fact]) -> Fact:
    fact = facts[0]
    if isinstance(fact, Between):
        return Full(True) if at_least(fact.high, fact.low + 1) else None
    return _all(equation, facts)


def _all(equation: Equation, facts: Sequence[Fact]) -> Fact:
    return facts[0] if isinstance(facts[0], Full) else None


def _extreme(equation: Equation, facts: Sequence[Fact]) -> Fact:
    if isinstance(facts[0], Full):
        return facts[0]
    low, high = bounds(facts[0], equation.inputs[0].shape)
    return None if low is None and high is None else Within(low, high)


def _where_largest(equation: Equation, facts: Sequence[Fact]) -> Fact:
    (fact,) = facts
    (axis,) = equation.params["axes"]
    if isinstance(fact, Full):
        return Full(0)
    if isinstance(fact, Between) and (equation.primitive, fact.axis) == ("argmax", axis):
        return Full(fact.low) if at_least(fact.high, fact.low + 1) else None
    return Within(0, equation.inputs[0].shape[axis] - 1)


def _running_sum(equation: Equation, facts: Sequence[Fact]) -> Fact:
    (fact,) = facts
    if not isinstance(fact, Full) or np.dtype(equation.outputs[0].dtype).kind not in "iu":
        return None
    value, axis, reverse = fact.value, equation.params["axis"], equation.params["reverse"]
    if not isinstance(value, int):
        return None
    length = equation.inputs[0].shape[axis]
    return Ramp(axis, value * length, -value) if reverse else Ramp(axis, value, value)


def _running_extreme(largest_first: bool) -> Callable[[Equation, Sequence[Fact]], Fact]:
    def rule(equation: Equation, facts: Sequence[Fact]) -> Fact:
        (fact,) = facts
        if isinstance(fact, Full):
            return fact
        axis, reverse = equation.params["axis"], equation.params["reverse"]
        if isinstance(fact, Ramp) and fact.axis == axis:
            rises = fact.step >= 0
            return fact if rises == (largest_first != reverse) else None
        low, high = bounds(fact, equation.inputs[0].shape)
        return None if low is None and high is None else Within(low, high)

    return rule


def _joined(equation: Equation, facts: Sequence[Fact]) -> Fact:
    if facts[0] is not None and all(isinstance(f, Full) and f == facts[0] for f in facts):
        return facts[0]
    axis = equation.params["dimension"]
    shapes = [atom.shape for atom in equation.inputs]
    first, rest = (*facts, None, None)[:2]
    if len(facts) == 2 and isinstance(first, Full) and isinstance(rest, Ramp):
        starts = is_size(first.value) and shapes[0][axis] == 1 and rest.axis == axis
        if starts and first.value + rest.step == rest.start:
            return Ramp(axis, first.value, rest.step)
    if len(facts) == 2 and isinstance(first, Full) and isinstance(rest, Full):
        start, end = shapes[0][axis], shapes[0][axis] + shapes[1][axis]
        if (first.value, rest.value) in ((False, True), (True, False)) and isinstance(first.value, bool):
            return Between(axis, start, end) if rest.value else Between(axis, 0, start)
    return _union(facts, shapes)


def _union(facts: Sequence[Fact], shapes: Sequence[Sequence[Size]]) -> Fact:
    low, high = bounds(facts[0], shapes[0])
    for fact, shape in zip(facts[1:], shapes[1:], strict=True):
        also_low, also_high = bounds(fact, shape)
        low, high = both(smallest, low, also_low), both(largest, high, also_high)
    return None if low is None and high is None else Within(low, high)


def _selected(equation: Equation, facts: Sequence[Fact]) -> Fact:
    which, *cases = facts
    if isinstance(which, Full):
        return cases[int(which.value)] if isinstance(which.value, bool | int) else None
    if cases[0] is not None and all(c == cases[0] for c in cases):
        return cases[0]
    return _union(cases, [atom.shape for atom in equation.inputs[1:]])


def _part_of(equation: Equation, facts: Sequence[Fact]) -> Fact:
    """Entries of an array: what is known of all of them."""
    fact = facts[0]
    if isinstance(fact, Full):
        fills = equation.primitive == "gather" and "FILL" in str(equation.params.get("mode"))
        return None if fills else fact
    return None


def _sliced(equation: Equation, facts: Sequence[Fact]) -> Fact:
    fact = facts[0]
    if isinstance(fact, Ramp):
        start = equation.params["start_indices"][fact.axis]
        stride = (equation.params["strides"] or (1,) * len(equation.inputs[0].shape))[fact.axis]
        return Ramp(fact.axis, fact.start + fact.step * start, fact.step * stride)
    if isinstance(fact, Full | Within):
        return fact
    return None


def _filled(equation: Equation, facts: Sequence[Fact]) -> Fact:
    return facts[0] if isinstance(facts[0], Full) and facts[0] == facts[1] else None


RULES: dict[str, Callable[[Equation, Sequence[Fact]], Fact]] = {
    **dict.fromkeys({*ON_NUMBERS, *ON_SIZES}, elementwise),
    **dict.fromkeys(("copy", "copy_p", "stop_gradient", "reduce_precision", "optimization_barrier"), _same),
    "convert_element_type": _converted,
    "broadcast_in_dim": _broadcast,
    "squeeze": _squeezed,
    "reshape": _reshaped,
    "transpose": _transposed,
    "iota": _counted,
    "rev": _reversed,
    "reduce_sum": _summed,
    "reduce_or": _any,
    "reduce_and": _all,
    "reduce_max": _extreme,
    "reduce_min": _extreme,
    "argmax": _where_largest,
    "argmin": _where_largest,
    "cumsum": _running_sum,
    "cummax": _running_extreme(True),
    "cummin": _running_extreme(False),
    "concatenate": _joined,
    "select_n": _selected,
    "dynamic_slice": _part_of,
    "gather": _part_of,
    "slice": _sliced,
    "pad": _filled,
    "dim_as_value": lambda equation, facts: Full(equation.params["dim"]),
}
