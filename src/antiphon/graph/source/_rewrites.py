"""Rules that make a graph plain: what is simpler once facts are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from antiphon.graph._graph import Atom, Equation, Graph, Value
from antiphon.graph.source._facts import Between, bounds, kind_of
from antiphon.graph.source._parts import (
    broadcast,
    dynamic_slice,
    gather,
    iota,
    slice_of,
    split,
    squeeze,
    transpose,
    window,
)
from antiphon.graph.source._plain import ELEMENTWISE, Found, Writer, is_number, plain
from antiphon.graph.source._sizes import at_least, is_size, product


def plain_graph(graph: Graph) -> Graph:
    """A graph in plain words (see `_plain`).

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> (T,) = jax.export.symbolic_shape("T")
        >>> last = trace(lambda x: x[-1] * 2, jax.ShapeDtypeStruct((T, 2), jnp.float32))
        >>> [e.primitive for e in plain_graph(last).equations]
        ['size', 'index', 'mul']
    """
    return plain(graph, RULES, PEEPHOLES)


# --- one number does nothing ----------------------------------------------------------------------------


def _neutral(writer: Writer, equation: Equation) -> Found:
    """`x + 0`, `x * 1`, `x & True`, `max(x, 0)` of what is never less, and the like."""
    one, other = equation.inputs
    shape = equation.outputs[0].shape
    name = equation.primitive
    left, right = _NEUTRAL.get(name, (None, None))
    if right is not None and tuple(one.shape) == tuple(shape) and is_number(writer, other, right):
        return (one,)
    if left is not None and tuple(other.shape) == tuple(shape) and is_number(writer, one, left):
        return (other,)
    if name in ("max", "min"):
        for kept, limit in ((one, other), (other, one)):
            if tuple(kept.shape) == tuple(shape) and _keeps(writer, name, kept, limit):
                return (kept,)
    return None


_NEUTRAL: dict[str, tuple[Any, Any]] = {
    "add": (0, 0),
    "sub": (None, 0),
    "mul": (1, 1),
    "div": (None, 1),
    "and": (True, True),
    "or": (False, False),
}


def _keeps(writer: Writer, name: str, kept: Atom, limit: Atom) -> bool:
    low, high = bounds(writer.fact(kept), kept.shape)
    least, most = bounds(writer.fact(limit), limit.shape)
    if name == "max":
        return low is not None and most is not None and bool(at_least(low, most))
    return high is not None and least is not None and bool(at_least(least, high))


def _division(writer: Writer, equation: Equation) -> Found:
    """A sum over axes divided by how many there are is a mean."""
    top, bottom = equation.inputs
    total, count = writer.maker(top, "reduce_sum"), writer.number(bottom)
    if total is not None and count is not None:
        axes = total.params["axes"]
        if is_size(count) or (isinstance(count, float) and count.is_integer()):
            entries = product(total.inputs[0].shape[k] for k in axes)
            if entries == (count if is_size(count) else int(count)):
                out = equation.outputs[0]
                return (writer.emit(equation, "reduce_mean", total.inputs, out.shape, out.dtype, axes=axes),)
    return _neutral(writer, equation)


def _converted(writer: Writer, equation: Equation) -> Found:
    if not kind_of(equation.outputs[0].dtype):
        return None
    before, after = np.dtype(equation.inputs[0].dtype), np.dtype(equation.outputs[0].dtype)
    same = before == after or (
        before.kind == after.kind == "f" and {before.itemsize, after.itemsize} == {4, 8}
    )
    return equation.inputs if same else None


def _of_part(writer: Writer, equation: Equation) -> Found:
    """A sum or extreme of what is neutral outside a stretch along an axis looks at that stretch only."""
    (operand,) = equation.inputs
    choice = writer.maker(operand, "select_n")
    if choice is None or len(choice.inputs) != 3:
        return None
    which, outside, inside = choice.inputs
    fact = writer.meant.get(which) if isinstance(which, Value) else None
    neutral = {"reduce_sum": 0.0, "reduce_max": -np.inf, "reduce_min": np.inf}[equation.primitive]
    if not is_number(writer, outside, neutral) or tuple(inside.shape) != tuple(operand.shape):
        return None
    if not isinstance(fact, Between) or fact.axis not in equation.params["axes"]:
        return None
    if equation.primitive != "reduce_sum" and not at_least(fact.high, fact.low + 1):
        return None
    starts = [fact.low if k == fact.axis else 0 for k in range(len(operand.shape))]
    sizes = [fact.high - fact.low if k == fact.axis else n for k, n in enumerate(operand.shape)]
    part, out = slice_of(writer, equation, inside, starts, sizes), equation.outputs[0]
    return (writer.emit(equation, equation.primitive, (part,), out.shape, out.dtype, **equation.params),)


def _power(writer: Writer, equation: Equation) -> Found:
    return equation.inputs if equation.params["y"] == 1 else None


# --- choices --------------------------------------------------------------------------------------------


def _select(writer: Writer, equation: Equation) -> Found:
    """`where(c, f(where(c, x, safe)), other)`: the inner choice only kept a gradient finite."""
    which, *cases = equation.inputs
    if len(cases) != 2:
        return None
    changed = False
    for side, case in enumerate(cases):
        made = writer.maker(case, *ELEMENTWISE)
        if made is None or made.primitive == "select_n":
            continue
        inner = [writer.maker(a, "select_n") for a in made.inputs]
        if any(i is not None and i.inputs[0] is which and len(i.inputs) == 3 for i in inner):
            inputs = [
                i.inputs[1 + side] if i is not None and i.inputs[0] is which and len(i.inputs) == 3 else a
                for a, i in zip(made.inputs, inner, strict=True)
            ]
            out = case
            cases[side] = writer.emit(made, made.primitive, inputs, out.shape, out.dtype, **made.params)
            changed = True
    if _is_root_of_more_than_0(writer, which, cases):
        return cases[1:]
    if not changed:
        return None
    out = equation.outputs[0]
    return (writer.emit(equation, "select_n", (which, *cases), out.shape, out.dtype),)


def _is_root_of_more_than_0(writer: Writer, which: Atom, cases: Sequence[Atom]) -> bool:
    """Whether a choice is `where(x > 0, sqrt(x), 0)` of a sum of squares, which is never below 0."""
    test, root = writer.maker(which, "gt"), writer.maker(cases[1], "sqrt")
    if test is None or root is None or test.inputs[0] is not root.inputs[0]:
        return False
    if not (is_number(writer, test.inputs[1], 0) and is_number(writer, cases[0], 0)):
        return False
    total = writer.maker(root.inputs[0], "reduce_sum", "reduce_mean")
    squares = writer.maker(total.inputs[0], "square", "integer_pow") if total else None
    return squares is not None and squares.params.get("y", 2) % 2 == 0


def _mixture(writer: Writer, equation: Equation) -> Found:
    """`g a + (1 - g) b` where g is 0 or 1 is a choice."""
    one, other = (writer.maker(a, "mul") for a in equation.inputs)
    if one is None or other is None:
        return None
    for gate, kept in (one.inputs, one.inputs[::-1]):
        for against, left in (other.inputs, other.inputs[::-1]):
            hard = writer.maker(gate, "convert_element_type")
            rest = writer.maker(against, "sub")
            if hard is None or hard.inputs[0].dtype != np.bool_ or rest is None:
                continue
            if rest.inputs[1] is gate and is_number(writer, rest.inputs[0], 1):
                out = equation.outputs[0]
                return (
                    writer.emit(equation, "select_n", (hard.inputs[0], left, kept), out.shape, out.dtype),
                )
    return None


RULES = {
    "iota": iota,
    **dict.fromkeys(("add", "sub", "mul", "and", "or", "max", "min"), _neutral),
    "div": _division,
    "convert_element_type": _converted,
    "integer_pow": _power,
    **dict.fromkeys(("reduce_sum", "reduce_max", "reduce_min"), _of_part),
    "dynamic_slice": dynamic_slice,
    "gather": gather,
    "split": split,
    **dict.fromkeys(("reduce_window", "reduce_window_max", "reduce_window_min", "reduce_window_sum"), window),
}
PEEPHOLES = {
    "squeeze": squeeze,
    "reshape": squeeze,
    "broadcast_in_dim": broadcast,
    "transpose": transpose,
    "select_n": _select,
    "add": _mixture,
}
