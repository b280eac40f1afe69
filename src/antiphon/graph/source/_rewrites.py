"""Rules that make a graph plain: JAX's general forms of indexing, and what is simpler once facts are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from antiphon.errors import ExportError
from antiphon.graph._graph import Atom, Equation, Graph, Literal, Value
from antiphon.graph.source._facts import Between, Full, Ramp, Within, bounds, kind_of
from antiphon.graph.source._plain import ELEMENTWISE, Writer, plain
from antiphon.graph.source._sizes import at_least, is_size, product

Found = Sequence[Atom] | None


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


def described(equation: Equation) -> str:
    """An equation for an error message: its primitive and where it comes from."""
    source = equation.source
    place = f" ({source.file}, line {source.line})" if source else ""
    return f"{equation.primitive!r}{place}"


def number_kind(value: Value, what: str) -> str:
    """NumPy's letter for the kind of numbers in a value.

    Raises:
        ExportError: If it holds what sources do not compute with.
    """
    kind = kind_of(value.dtype)
    if kind not in ("b", "i", "u", "f") or (kind == "f" and np.dtype(value.dtype).itemsize < 4):
        raise ExportError(
            f"{what} has the type {value.dtype}.",
            "Booleans, whole numbers, float32 or float64.",
            "Compute with float32, and draw random numbers outside.",
        )
    return kind


# --- one number does nothing -------------------------------------------------------------------------------


def _neutral(writer: Writer, equation: Equation) -> Found:
    """`x + 0`, `x * 1`, `x & True`, `max(x, 0)` of what is never less, and the like."""
    one, other = equation.inputs
    shape = equation.outputs[0].shape
    name = equation.primitive
    left, right = _NEUTRAL.get(name, (None, None))
    if right is not None and tuple(one.shape) == tuple(shape) and _is(writer, other, right):
        return (one,)
    if left is not None and tuple(other.shape) == tuple(shape) and _is(writer, one, left):
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


def _is(writer: Writer, atom: Atom, number: Any) -> bool:
    value = writer.number(atom)
    return isinstance(value, bool | int | float) and value == number


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
    fact = writer.meant.get(which)
    neutral = {"reduce_sum": 0.0, "reduce_max": -np.inf, "reduce_min": np.inf}[equation.primitive]
    if not _is(writer, outside, neutral) or tuple(inside.shape) != tuple(operand.shape):
        return None
    if not isinstance(fact, Between) or fact.axis not in equation.params["axes"]:
        return None
    if equation.primitive != "reduce_sum" and not at_least(fact.high, fact.low + 1):
        return None
    starts = [fact.low if k == fact.axis else 0 for k in range(len(operand.shape))]
    sizes = [fact.high - fact.low if k == fact.axis else n for k, n in enumerate(operand.shape)]
    part, out = _slice(writer, equation, inside, starts, sizes), equation.outputs[0]
    return (writer.emit(equation, equation.primitive, (part,), out.shape, out.dtype, **equation.params),)


def _power(writer: Writer, equation: Equation) -> Found:
    return equation.inputs if equation.params["y"] == 1 else None


# --- parts of arrays -----------------------------------------------------------------------------------------


def _dynamic_slice(writer: Writer, equation: Equation) -> Found:
    operand, *starts = equation.inputs
    sizes, out = equation.params["slice_sizes"], equation.outputs[0]
    places: list[Any] = []
    for start, size, length in zip(starts, sizes, operand.shape, strict=True):
        place = 0 if size == length else writer.number(start)
        if place is None or not is_size(place):
            break
        # JAX moves a slice that reaches beyond an end back inside.
        if not (at_least(place, 0) and at_least(length - size, place)):
            break
        places.append(place)
    if len(places) == len(sizes):
        return (_slice(writer, equation, operand, places, sizes),)
    free = [k for k, (size, n) in enumerate(zip(sizes, operand.shape, strict=True)) if size != n]
    if len(free) == 1 and sizes[free[0]] == 1:
        (axis,) = free
        place = _clamped(writer, equation, starts[axis], operand.shape[axis])
        row = _index(writer, equation, operand, place, axis)
        shape = out.shape
        dims = tuple(k for k in range(len(shape)) if k != axis)
        return (
            writer.emit(
                equation, "broadcast_in_dim", (row,), shape, out.dtype, shape=shape, broadcast_dimensions=dims
            ),
        )
    return None


def _clamped(writer: Writer, like: Equation, place: Atom, length: Any) -> Atom:
    """A place as an atom, moved into `0 ... length - 1` if it may be outside."""
    low, high = bounds(writer.fact(place), place.shape)
    if low is not None and high is not None and at_least(low, 0) and at_least(length - 1, high):
        return writer.operand(place, like, whole=False)
    zero = Literal(np.asarray(0, np.int32))
    last = writer.lone(length - 1, np.dtype(np.int32), like)
    inner = writer.operand(place, like, whole=False)
    found = writer.emit(like, "clamp", (zero, inner, last), place.shape, place.dtype)
    writer.facts[found] = Within(0, length - 1)
    return found


def _slice(
    writer: Writer, like: Equation, operand: Atom, places: Sequence[Any], sizes: Sequence[Any]
) -> Atom:
    operand = writer.operand(operand, like, whole=True)
    if all(size == length for size, length in zip(sizes, operand.shape, strict=True)):
        return operand
    limits = tuple(p + n for p, n in zip(places, sizes, strict=True))
    return writer.emit(
        like,
        "slice",
        (operand,),
        sizes,
        operand.dtype,
        start_indices=tuple(places),
        limit_indices=limits,
        strides=None,
    )


def _index(writer: Writer, like: Equation, operand: Atom, place: Atom, axis: int) -> Atom:
    """Entry `place` along an axis; the last of a loop's stacked states is its final state."""
    operand = writer.operand(operand, like, whole=True)
    loop = writer.maker(operand, "scan")
    asked = writer.maker(place, "size")
    at = asked.params["dim"] if asked else (place.value.item() if isinstance(place, Literal) else None)
    if loop is not None and axis == 0 and at is not None:
        end = 0 if loop.params["reverse"] else loop.params["length"] - 1
        stacked = loop.outputs.index(operand)  # type: ignore[arg-type]
        outputs = loop.params["jaxpr"].outputs
        for k in range(loop.params["num_carry"]):
            if at == end and stacked >= loop.params["num_carry"] and outputs[k] is outputs[stacked]:
                return loop.outputs[k]
    shape = operand.shape[:axis] + operand.shape[axis + 1 :]
    return writer.emit(like, "index", (operand, place), shape, operand.dtype, axis=axis)


def _gather(writer: Writer, equation: Equation) -> Found:
    operand, indices = equation.inputs
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    out = equation.outputs[0]
    axes = numbers.start_index_map
    if numbers.operand_batching_dims or len(axes) != 1:
        raise ExportError(
            f"The equation {described(equation)} picks entries along several axes at once.",
            "Indexing along one axis, such as x[i] or x[:, i].",
            "Flatten the array and the places first.",
        )
    (axis,) = axes
    rest = all(n == m for k, (n, m) in enumerate(zip(sizes, operand.shape, strict=True)) if k != axis)
    batch = len(indices.shape) - 1
    places = _without_last(writer, equation, indices)
    low, high = bounds(writer.fact(indices), indices.shape)
    inside = "PROMISE" in str(equation.params["mode"]) or (
        low is not None
        and high is not None
        and at_least(low, 0)
        and at_least(operand.shape[axis] - sizes[axis], high)
    )
    if not inside and "CLIP" not in str(equation.params["mode"]):
        raise ExportError(
            f"The equation {described(equation)} gives a fill value for places that may be outside.",
            "Places that are surely inside the array.",
            'Index with x.at[i].get(mode="clip"), or clip the places.',
        )
    if axis in numbers.collapsed_slice_dims and rest:
        expected = tuple(k for k in range(len(out.shape)) if not axis <= k < axis + batch)
        if tuple(numbers.offset_dims) == expected:
            return (_take(writer, equation, operand, places, axis, inside),)
    if batch == 0 and not numbers.collapsed_slice_dims and rest:
        start = writer.number(places)
        if is_size(start) and inside:
            starts = [start if k == axis else 0 for k in range(len(operand.shape))]
            return (_slice(writer, equation, operand, starts, sizes),)
    raise ExportError(
        f"The equation {described(equation)} is a general gather.",
        "Indexing along one axis, such as x[i] or x[:, i].",
        "Write it with jnp.take, slices or a dot product.",
    )


def _without_last(writer: Writer, like: Equation, indices: Atom) -> Atom:
    """Indices `(..., 1)` without their last axis."""
    shape = tuple(indices.shape[:-1])
    fact = writer.fact(indices)
    wide = writer.maker(indices, "broadcast_in_dim", "reshape")
    if isinstance(fact, Full | Ramp):
        short = Value("", shape, indices.dtype)
        writer.facts[short] = fact
        return short
    if wide is not None and tuple(wide.inputs[0].shape) == shape:
        return wide.inputs[0]
    operand = writer.operand(indices, like, whole=True)
    return writer.emit(like, "squeeze", (operand,), shape, indices.dtype, dimensions=(len(shape),))


def _take(writer: Writer, like: Equation, operand: Atom, places: Atom, axis: int, inside: bool) -> Atom:
    fact, length = writer.fact(places), operand.shape[axis]
    counted = writer.fact(operand)
    if isinstance(counted, Ramp) and len(operand.shape) == 1 and inside:
        return _counted_at(writer, like, operand, places, counted)
    if places.shape and is_size(writer.number(places)):
        place = writer.lone(writer.number(places), np.dtype(np.int32), like)
        row = _index(writer, like, operand, place, axis)
        shape = (*operand.shape[:axis], *places.shape, *operand.shape[axis + 1 :])
        kept = tuple(k for k in range(len(shape)) if not axis <= k < axis + len(places.shape))
        return writer.emit(
            like, "broadcast_in_dim", (row,), shape, operand.dtype, shape=shape, broadcast_dimensions=kept
        )
    if not places.shape:
        place = (
            writer.operand(places, like, whole=False) if inside else _clamped(writer, like, places, length)
        )
        return _index(writer, like, operand, place, axis)
    low, high = bounds(fact, places.shape)
    sure = low is not None and high is not None and at_least(low, 0) and at_least(length - 1, high)
    if isinstance(fact, Ramp) and len(places.shape) == 1 and abs(fact.step) == 1 and sure:
        starts = [0] * len(operand.shape)
        starts[axis] = low
        sizes = list(operand.shape)
        sizes[axis] = places.shape[0]
        part = _slice(writer, like, operand, starts, sizes)
        if fact.step == 1:
            return part
        return writer.emit(like, "rev", (part,), sizes, operand.dtype, dimensions=(axis,))
    operand = writer.operand(operand, like, whole=True)
    place = writer.operand(places, like, whole=True) if inside else _clamped(writer, like, places, length)
    shape = (*operand.shape[:axis], *places.shape, *operand.shape[axis + 1 :])
    return writer.emit(like, "take", (operand, place), shape, operand.dtype, axis=axis)


def _counted_at(writer: Writer, like: Equation, operand: Atom, places: Atom, counted: Ramp) -> Atom:
    """Entries of counting numbers: what they count from, and the places themselves."""
    fact = writer.fact(places)
    if isinstance(fact, Ramp):
        found = Value("", places.shape, operand.dtype)
        start = counted.start + fact.start * counted.step
        writer.facts[found] = Ramp(fact.axis, start, counted.step * fact.step)
        return found
    result = places
    if counted.step != 1:
        step = Literal(np.asarray(counted.step, operand.dtype))
        result = writer.emit(
            like, "mul", (writer.operand(result, like, False), step), places.shape, operand.dtype
        )
    if counted.start != 0:
        start = writer.lone(counted.start, operand.dtype, like)
        result = writer.emit(
            like, "add", (writer.operand(result, like, False), start), places.shape, operand.dtype
        )
    return result


def _split(writer: Writer, equation: Equation) -> Found:
    (operand,) = equation.inputs
    axis, parts, start = equation.params["axis"], [], 0
    for size in equation.params["sizes"]:
        starts = [start if k == axis else 0 for k in range(len(operand.shape))]
        sizes = [size if k == axis else n for k, n in enumerate(operand.shape)]
        parts.append(_slice(writer, equation, operand, starts, sizes))
        start = start + size
    return parts


# --- shapes --------------------------------------------------------------------------------------------------


def _squeeze(writer: Writer, equation: Equation) -> Found:
    """Fewer axes: of a slice of one row, that row; of a broadcast that added them, what was broadcast."""
    (operand,) = equation.inputs
    if equation.primitive == "squeeze":
        gone = equation.params["dimensions"]
    else:
        gone = _axes_gone(operand.shape, equation.outputs[0].shape)
        if not gone:
            return None
    wide = writer.maker(operand, "broadcast_in_dim")
    if wide is not None:
        source, dims = wide.inputs[0], wide.params["broadcast_dimensions"]
        if not set(dims) & set(gone) and tuple(source.shape) == tuple(equation.outputs[0].shape):
            return (source,)
    part = writer.maker(operand, "slice")
    if part is None or part.params["strides"]:
        return None
    source = part.inputs[0]
    cut = [k for k, (n, m) in enumerate(zip(source.shape, operand.shape, strict=True)) if n != m]
    if not set(cut) <= set(gone):
        return None
    result: Atom = source
    for axis in sorted(gone, reverse=True):
        start = part.params["start_indices"][axis]
        result = _index(writer, part, result, writer.lone(start, np.dtype(np.int32), part), axis)
    return (result,)


def _axes_gone(before: Sequence[Any], after: Sequence[Any]) -> tuple[int, ...]:
    """The axes of length 1 that a reshape takes away; `()` if it does anything else."""
    gone, rest = [], list(after)
    for k, size in enumerate(before):
        if rest and rest[0] == size:
            rest.pop(0)
        elif size == 1:
            gone.append(k)
        else:
            return ()
    return () if rest else tuple(gone)


def _broadcast(writer: Writer, equation: Equation) -> Found:
    """A broadcast of a broadcast is one; one that changes nothing is none."""
    (operand,) = equation.inputs
    out = equation.outputs[0]
    dims = tuple(equation.params["broadcast_dimensions"])
    if tuple(operand.shape) == tuple(out.shape) and dims == tuple(range(len(dims))):
        return (operand,)
    inner = writer.maker(operand, "broadcast_in_dim")
    if inner is None:
        return None
    through = tuple(dims[d] for d in inner.params["broadcast_dimensions"])
    return (
        writer.emit(
            equation,
            "broadcast_in_dim",
            inner.inputs,
            out.shape,
            out.dtype,
            shape=out.shape,
            broadcast_dimensions=through,
        ),
    )


def _transpose(writer: Writer, equation: Equation) -> Found:
    """The transpose of a product of two matrices is the product the other way round."""
    (operand,) = equation.inputs
    out = equation.outputs[0]
    made = writer.maker(operand, "dot_general")
    if made is None or equation.params["permutation"] != (1, 0):
        return None
    (left, right), (batch_left, _) = made.params["dimension_numbers"]
    one, other = made.inputs
    if batch_left or len(one.shape) != 2 or len(other.shape) != 2:
        return None
    numbers = ((right, left), ((), ()))
    return (
        writer.emit(equation, "dot_general", (other, one), out.shape, out.dtype, dimension_numbers=numbers),
    )


def _window(writer: Writer, equation: Equation) -> Found:
    """A general window whose operation is one that has a name."""
    if equation.primitive != "reduce_window":
        kind = equation.primitive.removeprefix("reduce_window_")
        inputs = equation.inputs
    else:
        body = equation.params["jaxpr"]
        kind = body.equations[0].primitive if len(body.equations) == 1 else ""
        start = {"max": -np.inf, "min": np.inf, "add": 0.0}.get(kind)
        if start is None or len(equation.inputs) != 2 or not _is(writer, equation.inputs[1], start):
            return None
        inputs = equation.inputs[:1]
    params = {
        k: equation.params[k]
        for k in ("window_dimensions", "window_strides", "padding", "base_dilation", "window_dilation")
    }
    out = equation.outputs[0]
    operand = writer.operand(inputs[0], equation, whole=True)
    return (
        writer.emit(
            equation, "window", (operand,), out.shape, out.dtype, kind=kind.replace("sum", "add"), **params
        ),
    )


# --- choices -------------------------------------------------------------------------------------------------


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
    if not (_is(writer, test.inputs[1], 0) and _is(writer, cases[0], 0)):
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
            if rest.inputs[1] is gate and _is(writer, rest.inputs[0], 1):
                out = equation.outputs[0]
                return (
                    writer.emit(equation, "select_n", (hard.inputs[0], left, kept), out.shape, out.dtype),
                )
    return None


def _iota(writer: Writer, equation: Equation) -> Found:
    """Counting numbers as floats."""
    out, axis = equation.outputs[0], equation.params["dimension"]
    line = writer.line(equation, out, axis, 0, 1)
    number = writer.emit(
        equation, "convert_element_type", (line,), line.shape, out.dtype, new_dtype=out.dtype
    )
    return (writer.along(equation, number, out, axis),)


RULES = {
    "iota": _iota,
    **dict.fromkeys(("add", "sub", "mul", "and", "or", "max", "min"), _neutral),
    "div": _division,
    "convert_element_type": _converted,
    "integer_pow": _power,
    **dict.fromkeys(("reduce_sum", "reduce_max", "reduce_min"), _of_part),
    "dynamic_slice": _dynamic_slice,
    "gather": _gather,
    "split": _split,
    **dict.fromkeys(
        ("reduce_window", "reduce_window_max", "reduce_window_min", "reduce_window_sum"), _window
    ),
}
PEEPHOLES = {
    "squeeze": _squeeze,
    "reshape": _squeeze,
    "broadcast_in_dim": _broadcast,
    "transpose": _transpose,
    "select_n": _select,
    "add": _mixture,
}
