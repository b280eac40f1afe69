"""Cases as a layer model takes them: one array, or a list of sequences, padded by buckets and masked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from antiphon.errors import InputError
from antiphon.networks.layers._layer import show

Sizes = tuple[int | None, ...]
MOST_GROUPS = 4  # lengths that sequences are padded to: each is compiled


class Batch(NamedTuple):
    """Cases of one shape, as a compiled step takes them.

    Attributes:
        inputs: One array `(case, ...)` for each input.
        masks: `(case, time)` for each input of sequences of different lengths, else None.
        targets: One array for each output, or none.
        weight: 1 for each case, 0 for those that fill up the batch.
    """

    inputs: tuple[Any, ...]
    masks: tuple[Any, ...]
    targets: tuple[Any, ...]
    weight: Any


@dataclass(frozen=True)
class Column:
    """One input, or the targets of one output, of all cases.

    Attributes:
        cases: One array for each case; if not ragged, all in one.
        ragged: Whether cases are padded and masked.
    """

    cases: Any
    ragged: bool

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def lengths(self) -> Int[np.ndarray, " case"]:
        """Frames of each case."""
        return np.array([len(case) for case in self.cases])

    def collate(self, rows: np.ndarray, time: int, size: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Some cases, padded to `time` frames and with empty cases up to `size`, and the mask."""
        if not self.ragged:
            some = self.cases[rows]
            return np.concatenate([some, np.zeros((size - len(rows), *some.shape[1:]), some.dtype)]), None
        first = self.cases[0]
        values = np.zeros((size, time, *first.shape[1:]), first.dtype)
        mask = np.zeros((size, time), bool)
        for place, row in enumerate(rows):
            case = self.cases[row]
            values[place, : len(case)] = case
            mask[place, : len(case)] = True
        return values, mask

    def take(self, rows: np.ndarray) -> Column:
        """Some cases."""
        return Column([self.cases[r] for r in rows] if self.ragged else self.cases[rows], self.ragged)


def bucket_groups(lengths: Int[np.ndarray, " case"], batch_size: int) -> Int[np.ndarray, " case"]:
    """The number of frames to pad each case to: few different ones, each for enough cases.

    Lengths are rounded up to 1, 2, 3, 4, 6, 8, 12, 16, ...; neighbours are merged until each group has a
    quarter of the cases and a full batch.
    """
    powers = 2 ** np.ceil(np.log2(np.maximum(lengths, 1))).astype(np.int64)
    rounded = np.where((powers >= 4) & (lengths <= powers * 3 // 4), powers * 3 // 4, powers)
    enough = max(batch_size, -(-len(lengths) // MOST_GROUPS))
    padded = rounded.copy()
    group: list[int] = []
    top = 0
    for length in np.unique(rounded)[::-1].tolist():
        # From the longest down, so that what is left over is short and joins the group above.
        if not group:
            top = length
        group.append(length)
        padded[rounded == length] = top
        if np.isin(rounded, group).sum() >= enough and (rounded < length).sum() >= enough:
            group = []
    return padded


@dataclass(frozen=True)
class Cases:
    """Inputs, and mostly targets, of some cases.

    Attributes:
        inputs: One column an input.
        targets: One column an output; none where only an answer is wanted.
        fixed: The number of frames that the model was built for, if it is fixed.
    """

    inputs: tuple[Column, ...]
    targets: tuple[Column, ...] = ()
    fixed: int | None = None

    def __len__(self) -> int:
        return len(self.inputs[0])

    def take(self, rows: np.ndarray) -> Cases:
        """Some of them."""
        return Cases(
            tuple(c.take(rows) for c in self.inputs), tuple(c.take(rows) for c in self.targets), self.fixed
        )

    def batches(
        self, size: int, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[Int[np.ndarray, " row"], int]]:
        """Rows of each batch and the frames to pad them to; in random order with a generator."""
        ragged = [column.lengths for column in self.inputs if column.ragged]
        if ragged and self.fixed is None:
            times = bucket_groups(np.max(ragged, axis=0), size)
        else:
            times = np.full(len(self), self.fixed or 0)
        found = []
        for time in np.unique(times).tolist():
            rows = np.flatnonzero(times == time)
            if rng is not None:
                rows = rng.permutation(rows)
            found += [(rows[start : start + size], time) for start in range(0, len(rows), size)]
        order = range(len(found)) if rng is None else rng.permutation(len(found))
        for index in order:
            yield found[index]

    def collate(self, rows: np.ndarray, time: int, size: int, out_times: Sequence[int]) -> Batch:
        """One batch.

        Args:
            rows: Which cases.
            time: Frames to pad them to.
            size: Cases to fill it up to.
            out_times: Frames of each output for inputs of `time` frames.
        """
        pairs = [column.collate(rows, time, size) for column in self.inputs]
        targets = tuple(
            column.collate(rows, out, size)[0] for column, out in zip(self.targets, out_times, strict=False)
        )
        weight = (np.arange(size) < len(rows)).astype(np.float32)
        return Batch(tuple(v for v, _ in pairs), tuple(m for _, m in pairs), targets, weight)


def infer_shape(X: Any, *, tokens: bool, fixed: bool) -> Sizes:
    """The shape of one case, as `Input` takes it.

    Args:
        X: One array of all cases, or a list of them.
        tokens: Whether cases are sequences of whole numbers.
        fixed: Whether the number of frames must be fixed.
    """
    X = plain(X)
    if isinstance(X, list) and not X:
        raise InputError("No cases.", "One case or more.", "Look at how the data was read.")
    if isinstance(X, list):
        shapes = [np.shape(case) for case in X]
        shape = shapes[0]
        even = len({s[:1] for s in shapes}) == 1
    else:
        shape, even = X.shape[1:], True
    is_sequence = len(shape) == 2 or (len(shape) == 1 and tokens)
    if is_sequence and not (fixed and even):
        return (None, *shape[1:])
    return tuple(shape)


def plain(X: Any) -> Any:
    """A list of cases, or one NumPy array of them, from lists, arrays, `Sequences` and data frames."""
    if hasattr(X, "is_table") and hasattr(X, "lengths"):  # antiphon.data.Sequences
        X = np.asarray(X) if X.is_table else list(X)
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1:
        X = list(X)
    if isinstance(X, list | tuple):
        # Numbers in plain lists, a table, are one array.
        return np.asarray(X) if X and all(np.ndim(c) == 0 for c in X) else list(X)
    return np.asarray(X)


def read_column(X: Any, shape: Sizes, dtype: Any, *, limit: int | None = None) -> Column:
    """Check one input.

    Args:
        X: One array of all cases, or a list of them.
        shape: Of one case; None for any number of frames.
        dtype: `float32` or `int32`.
        limit: Whole numbers must be below it.

    Raises:
        InputError: If a case has another shape, is empty, or has NaN or infinite numbers in it.
    """
    X = plain(X)
    whole = isinstance(X, np.ndarray)
    cases = [_numbers(case, index, dtype) for index, case in enumerate([X] if whole else X)]
    if not cases or (whole and not len(X)):
        raise InputError("No cases.", "One case or more.", "Look at how the data was read.")
    rank = len(shape)
    if whole and cases[0].ndim != rank + 1:
        raise InputError(
            f"An array of shape {show(cases[0].shape)}.",
            f"Cases of shape {_words(shape)}: {rank + 1} axes with the axis of cases in front.",
            "Reshape the data, or look at the first layer.",
        )
    ragged = (
        not whole and (shape[0] is None or len({case.shape for case in cases}) > 1) and _is_sequence(shape)
    )
    for index, case in enumerate(cases):
        got = case.shape[1:] if whole else case.shape
        wrong = len(got) != rank or any(
            w is not None and g != w for g, w in zip(got[1:], shape[1:], strict=True)
        )
        first = shape[0] if wrong is False else None
        if first is not None:
            wrong = got[0] > first if ragged else got[0] != first
        if wrong:
            raise InputError(
                f"{'Cases' if whole else f'Case {index}'} of shape {show(got)}.",
                f"The shape {_words(shape)} that the model was built for.",
                "Give each case as (time, feature), with the same features, or make a new model.",
            )
        if not whole and not got[0]:
            raise InputError(f"Case {index} without frames.", "One frame or more.", "Leave the case out.")
    for index, case in enumerate(cases):
        _check_values(case, None if whole else index, limit)
    if ragged:
        return Column(cases, True)
    return Column(cases[0] if whole else np.stack(cases), False)


def _is_sequence(shape: Sizes) -> bool:
    return len(shape) == 2 or shape == (None,)


def _numbers(case: Any, index: int, dtype: Any) -> np.ndarray:
    try:
        array = np.asarray(case)
        if array.dtype.kind not in "fiub":
            raise ValueError(f"values of type {array.dtype}")
        if np.dtype(dtype).kind == "i" and not (array == np.floor(array)).all():
            raise ValueError("numbers that are not whole")
        return array.astype(dtype)
    except ValueError as error:
        raise InputError(
            f"Data that is no array of {'whole ' if np.dtype(dtype).kind == 'i' else ''}numbers ({error}).",
            "An array of all cases, or a list with one array for each case.",
            f"Look at case {index}.",
        ) from error


def _check_values(values: np.ndarray, index: int | None, limit: int | None) -> None:
    if values.dtype.kind == "f" and not (fine := np.isfinite(values)).all():
        place = np.argwhere(~fine)[0].tolist()
        case, rest = (place[0], place[1:]) if index is None else (index, place)
        raise InputError(
            f"NaN or infinity in case {case}, at {tuple(rest)}.",
            "Finite numbers.",
            "Fill in or leave out what is missing.",
        )
    if limit is not None and ((values < 0) | (values >= limit)).any():
        bad = values[(values < 0) | (values >= limit)].flat[0]
        raise InputError(
            f"The number {bad} in an input of an Embedding.",
            f"Whole numbers from 0 to {limit - 1}.",
            "Raise input_dim of the Embedding, or correct the data.",
        )


def _words(shape: Sizes) -> str:
    return show(tuple("time" if size is None else size for size in shape))
