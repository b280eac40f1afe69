"""Indexing and shapes in plain words: JAX's general slices and gathers as entries, parts and places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from antiphon.errors import ExportError
from antiphon.graph._graph import Atom, Equation, Literal, Value
from antiphon.graph.source._facts import Full, Ramp, Within, bounds
from antiphon.graph.source._plain import Found, Writer, is_number
from antiphon.graph.source._refusals import described
from antiphon.graph.source._sizes import at_least, is_size

# --- parts of arrays ------------------------------------------------------------------------------------


def dynamic_slice(writer: Writer, equation: Equation) -> Found:
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
        return (slice_of(writer, equation, operand, places, sizes),)
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


def slice_of(
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


def gather(writer: Writer, equation: Equation) -> Found:
    operand, indices = equation.inputs
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    out = equation.outputs[0]
    # Along an axis that is taken whole the place can only be 0.
    free = [(c, k) for c, k in enumerate(numbers.start_index_map) if sizes[k] != operand.shape[k]]
    free = free or list(enumerate(numbers.start_index_map))[:1]
    if numbers.operand_batching_dims or len(free) != 1:
        raise ExportError(
            f"The equation {described(equation)} picks entries along several axes at once.",
            "Indexing along one axis, such as x[i] or x[:, i].",
            "Flatten the array and the places first.",
        )
    ((column, axis),) = free
    indices = _column(writer, equation, indices, column, len(numbers.start_index_map))
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
            return (_take(writer, equation, operand, places, axis, bool(inside)),)
    rank = len(operand.shape)
    apart = (
        tuple(numbers.offset_dims) == tuple(range(batch, batch + rank)) and not numbers.collapsed_slice_dims
    )
    if batch and apart and rest and sizes[axis] == 1:
        found = _take(writer, equation, operand, places, axis, bool(inside))
        return (_kept_axis(writer, equation, found, axis, batch),)
    if batch == 0 and not numbers.collapsed_slice_dims and rest:
        start = writer.number(places)
        if is_size(start) and inside:
            starts = [start if k == axis else 0 for k in range(len(operand.shape))]
            return (slice_of(writer, equation, operand, starts, sizes),)
    raise ExportError(
        f"The equation {described(equation)} is a general gather.",
        "Indexing along one axis, such as x[i] or x[:, i].",
        "Write it with jnp.take, slices or a dot product.",
    )


def _column(writer: Writer, like: Equation, indices: Atom, column: int, many: int) -> Atom:
    """The places along one axis, of indices that have a column for each of several."""
    if many == 1:
        return indices
    joined = writer.maker(indices, "concatenate")
    if joined is not None and all(a.shape[-1] == 1 for a in joined.inputs):
        return joined.inputs[column]
    shape = tuple(indices.shape)
    starts = [0] * (len(shape) - 1) + [column]
    return slice_of(writer, like, indices, starts, (*shape[:-1], 1))


def _kept_axis(writer: Writer, like: Equation, found: Atom, axis: int, batch: int) -> Atom:
    """What was taken along an axis with the places first, and an axis of length 1 where they came from."""
    if axis:
        moved = range(axis, axis + batch)
        order = (*moved, *(k for k in range(len(found.shape)) if k not in moved))
        shape = tuple(found.shape[k] for k in order)
        found = writer.emit(like, "transpose", (found,), shape, found.dtype, permutation=order)
    shape = (*found.shape[: batch + axis], 1, *found.shape[batch + axis :])
    kept = tuple(k for k in range(len(shape)) if k != batch + axis)
    return writer.emit(
        like, "broadcast_in_dim", (found,), shape, found.dtype, shape=shape, broadcast_dimensions=kept
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
        starts: list[Any] = [0] * len(operand.shape)
        starts[axis] = low
        sizes = list(operand.shape)
        sizes[axis] = places.shape[0]
        part = slice_of(writer, like, operand, starts, sizes)
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


def split(writer: Writer, equation: Equation) -> Found:
    (operand,) = equation.inputs
    axis, parts, start = equation.params["axis"], [], 0
    for size in equation.params["sizes"]:
        starts = [start if k == axis else 0 for k in range(len(operand.shape))]
        sizes = [size if k == axis else n for k, n in enumerate(operand.shape)]
        parts.append(slice_of(writer, equation, operand, starts, sizes))
        start = start + size
    return parts


# --- shapes ---------------------------------------------------------------------------------------------


def squeeze(writer: Writer, equation: Equation) -> Found:
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


def broadcast(writer: Writer, equation: Equation) -> Found:
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


def transpose(writer: Writer, equation: Equation) -> Found:
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


def window(writer: Writer, equation: Equation) -> Found:
    """A general window whose operation is one that has a name."""
    if equation.primitive != "reduce_window":
        kind = equation.primitive.removeprefix("reduce_window_")
        inputs = equation.inputs
    else:
        body = equation.params["jaxpr"]
        kind = body.equations[0].primitive if len(body.equations) == 1 else ""
        start = {"max": -np.inf, "min": np.inf, "add": 0.0}.get(kind)
        if start is None or len(equation.inputs) != 2 or not is_number(writer, equation.inputs[1], start):
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


def iota(writer: Writer, equation: Equation) -> Found:
    """Counting numbers as floats."""
    out, axis = equation.outputs[0], equation.params["dimension"]
    line = writer.line(equation, out, axis, 0, 1)
    number = writer.emit(
        equation, "convert_element_type", (line,), line.shape, out.dtype, new_dtype=out.dtype
    )
    return (writer.along(equation, number, out, axis),)
