"""Sequences of tensors, as Python lists whose length is known when tracing."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import array, axis_of, known, sizes
from antiphon.graph.onnx_import._rule import Call, rule


def _place(position: Any, length: int, end: int) -> int:
    found = int(known(position, "the position").reshape(()))
    if not -length <= found < length + end:
        raise ImportedModelError(
            f"place {found} of a sequence of {length}.", f"{-length} to {length + end - 1}."
        )
    return found + length if found < 0 else found


@rule("SequenceConstruct", 11, 11, flexible=True)
def _construct(call: Call, *items: Any) -> Any:
    return list(items)


@rule("SequenceEmpty", 11, 11, flexible=True)
def _empty(call: Call) -> Any:
    return []


@rule("SequenceAt", 11, 11, flexible=True)
def _at(call: Call, sequence: list[Any], position: Any) -> Any:
    return sequence[_place(position, len(sequence), 0)]


@rule("SequenceErase", 11, 11, flexible=True)
def _erase(call: Call, sequence: list[Any], position: Any = None) -> Any:
    place = len(sequence) - 1 if position is None else _place(position, len(sequence), 0)
    return sequence[:place] + sequence[place + 1 :]


@rule("SequenceInsert", 11, 11, flexible=True)
def _insert(call: Call, sequence: list[Any], item: Any, position: Any = None) -> Any:
    place = len(sequence) if position is None else _place(position, len(sequence), 1)
    return [*sequence[:place], item, *sequence[place:]]


@rule("SequenceLength", 11, 11, flexible=True)
def _length(call: Call, sequence: list[Any]) -> Any:
    return np.asarray(len(sequence), np.int64)


@rule("ConcatFromSequence", 11, 11, flexible=True)
def _concat(call: Call, sequence: list[Any]) -> Any:
    items = [array(v) for v in sequence]
    return jnp.stack(items, call["axis"]) if call["new_axis"] else jnp.concatenate(items, call["axis"])


@rule("SplitToSequence", 11, 24, flexible=True)
def _split(call: Call, x: Any, split: Any = None) -> Any:
    x = array(x)
    axis = axis_of(call["axis"], x.ndim)
    length = x.shape[axis]
    if split is None:
        parts = [1] * length
    elif np.ndim(split):
        parts = list(sizes(known(split, "the sizes of the parts")))
    else:
        step = int(known(split, "the size of a part").reshape(()))
        if step < 1:
            raise ImportedModelError(f"parts of size {step}.", "1 or more.")
        parts = [min(step, length - at) for at in range(0, length, step)]
    if sum(parts) != length or min(parts, default=0) < 0:
        raise ImportedModelError(f"parts {parts} of an axis of size {length}.")
    found, at = [], 0
    for part in parts:
        piece = lax.slice_in_dim(x, at, at + part, axis=axis)
        drop = split is None and not call["keepdims"]
        found.append(lax.squeeze(piece, (axis,)) if drop else piece)
        at += part
    return found
