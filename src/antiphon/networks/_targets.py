"""Targets of a layer model, checked against what its outputs are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from antiphon.errors import InputError
from antiphon.networks._cases import Column, plain
from antiphon.networks.layers._layer import show

Shape = tuple[Any, ...]


def read_targets(
    y: Any,
    kind: str,
    rank: int,
    size: int,
    count: int,
    frames: Sequence[int] | None = None,
    time: int | None = None,
) -> Column:
    """Check the targets of one output.

    Args:
        y: One array, or a list with one array a case.
        kind: `class`, `shares`, `binary`, `numbers` or `own`, as `kind_of` gives it.
        rank: Axes of the output of one case.
        size: Its last axis.
        count: How many cases there are.
        frames: Frames of the output for each case, where cases differ in length.
        time: Frames of the output where they do not.

    Raises:
        InputError: If there are too few or too many, one has another shape, a class is out of range or no
            whole number, or a number is NaN or infinite.
    """
    y = plain(y)
    if len(y) != count:
        raise InputError(
            f"Targets for {len(y)} cases, and data of {count} cases.",
            "One target a case.",
            "Check that data and targets come from the same place.",
        )
    if isinstance(y, np.ndarray):
        y = _numbers(y, kind)
        y = _with_last_axis(y, kind, rank, size)
        _check_shape(y.shape[1:], kind, rank, size)
        cases: Sequence[np.ndarray] = y
    else:
        cases = [_with_last_axis(_numbers(case, kind)[None], kind, rank, size)[0] for case in y]
        for case in cases:
            _check_shape(case.shape, kind, rank, size)
    if frames is not None or time is not None:
        wanted_each = [time] * count if frames is None else frames
        for index, (case, wanted) in enumerate(zip(cases, wanted_each, strict=True)):
            if len(case) != wanted:
                raise InputError(
                    f"Targets for {len(case)} frames of case {index}.",
                    f"{wanted}: one for each frame of the output.",
                    "Give one target a frame, or set return_sequences=False for one a case.",
                )
    for index, case in enumerate(cases if isinstance(cases, list) else [cases]):
        _check_values(np.asarray(case), index if isinstance(cases, list) else None, kind, size)
    if isinstance(cases, list) and frames is None:
        return Column(np.stack(cases), False)
    return Column(cases, isinstance(cases, list))


def _numbers(y: Any, kind: str) -> np.ndarray:
    array = np.asarray(y)
    if array.dtype.kind not in "fiub":
        raise InputError(
            f"Targets of type {array.dtype}.",
            "Numbers.",
            "Bring names to 0, 1, 2, ... first: classes, y = numpy.unique(y, return_inverse=True).",
        )
    if kind != "class":
        return array.astype(np.int32 if kind == "own" and array.dtype.kind in "iub" else np.float32)
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.floor(array))).all():
        raise InputError(
            "Classes that are no whole numbers.",
            "Whole numbers from 0 up.",
            'For shares take loss="categorical_crossentropy", for numbers "mse".',
        )
    return array.astype(np.int32)


def _with_last_axis(y: np.ndarray, kind: str, rank: int, size: int) -> np.ndarray:
    """Take off, or put on, a last axis of length 1, which Keras does not insist on either."""
    if kind == "class" and y.ndim == rank + 1 and y.shape[-1] == 1:
        return y[..., 0]
    if kind in ("binary", "numbers") and size == 1 and y.ndim == rank:
        return y[..., None]
    return y


def _check_shape(shape: Shape, kind: str, rank: int, size: int) -> None:
    axes = rank - 1 if kind == "class" else rank
    if kind == "own" or (len(shape) == axes and (kind == "class" or shape[-1] == size)):
        return
    frames = ("time",) * (rank - 1)
    if kind == "class":
        words = "One class number for each frame" if frames else "One class number"
        hint = 'For one-hot rows take loss="categorical_crossentropy"'
    else:
        words = f"A target of shape {show((*frames, size))}"
        hint = 'For class numbers take loss="sparse_categorical_crossentropy"'
    raise InputError(
        f"A target of shape {show(shape)} for a case.",
        f"{words}.",
        f"{hint}; return_sequences says whether there is an answer for each frame.",
    )


def _check_values(y: np.ndarray, index: int | None, kind: str, size: int) -> None:
    where = "" if index is None else f" in case {index}"
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise InputError(
            f"NaN or infinity in the targets{where}.", "Finite numbers.", "Leave such cases out."
        )
    if kind == "class" and y.size and (y.min() < 0 or y.max() >= size):
        raise InputError(
            f"The class {y.min() if y.min() < 0 else y.max()}{where}, and an output of {size} classes.",
            f"Whole numbers from 0 to {size - 1}.",
            "Count classes from 0, and give the last Dense layer one unit a class.",
        )
    if kind in ("binary", "shares") and y.size and (y.min() < 0 or y.max() > 1):
        raise InputError(
            f"The target {y.min() if y.min() < 0 else y.max()}{where}.",
            "Numbers from 0 to 1.",
            "For class numbers take sparse_categorical_crossentropy.",
        )
