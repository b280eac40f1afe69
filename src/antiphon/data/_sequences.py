"""Sequences of different lengths, kept as one block of frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from jaxtyping import Bool, Float32, Int

from antiphon.data._features import Features
from antiphon.errors import InputError

if TYPE_CHECKING:
    from antiphon.audio import SoundFeatures


def bucket_length(length: int) -> int:
    """Round a number of frames up to one of few: 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, ...

    A function compiled for a shape is used again for all data of that bucket; at most a third of
    the padded frames of the longest sequence are padding.

    Example:
        >>> [bucket_length(n) for n in (1, 5, 13, 29, 100)]
        [1, 6, 16, 32, 128]
    """
    if length < 1:
        raise InputError(f"A length of {length} frames.", "At least one frame.", "Pass a positive number.")
    power = 1 << (int(length) - 1).bit_length()
    return power * 3 // 4 if power >= 4 and length <= power * 3 // 4 else power


class Sequences:
    """Labelled or unlabelled cases, each a `(time, feature)` array of its own length.

    Immutable and list-like: `len`, iteration and an integer index give read-only float32 arrays
    `(time, feature)`; a slice, an index array or a boolean mask gives `Sequences`. Make them with
    `as_sequences`, which checks what it is given.

    Args:
        frames: All frames of all cases, one case after the other: `(frame, feature)`.
        lengths: How many frames each case has: `(case,)`.
        features: Names, units and groups of the columns.
        rate_hz: Frames a second, or None where not known.
        is_table: True where every case is one row of a table.
        sound: How the frames were made of waveforms, or None where they are no sound.

    Example:
        >>> X = Sequences(np.zeros((5, 1), np.float32), np.array([2, 3]), Features.numbered(1))
        >>> [frames.shape for frames in X]
        [(2, 1), (3, 1)]
    """

    __slots__ = ("_starts", "features", "frames", "is_table", "lengths", "rate_hz", "sound")

    features: Features
    rate_hz: float | None
    is_table: bool
    sound: SoundFeatures | None
    frames: Float32[np.ndarray, "frame feature"]
    lengths: Int[np.ndarray, " case"]

    def __init__(
        self,
        frames: Float32[np.ndarray, "frame feature"],
        lengths: Int[np.ndarray, " case"],
        features: Features,
        rate_hz: float | None = None,
        is_table: bool = False,
        sound: SoundFeatures | None = None,
    ) -> None:
        frames = np.ascontiguousarray(frames, dtype=np.float32).view()
        lengths = np.asarray(lengths, dtype=np.int64).copy()
        assert frames.shape == (lengths.sum(), len(features)), "as_sequences checks what users bring"
        frames.flags.writeable = lengths.flags.writeable = False
        for name, value in (
            ("frames", frames),
            ("lengths", lengths),
            ("features", features),
            ("rate_hz", None if rate_hz is None else float(rate_hz)),
            ("is_table", bool(is_table)),
            ("sound", sound),
            ("_starts", np.concatenate([[0], np.cumsum(lengths)])),
        ):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Sequences are immutable: {name} cannot be set.")

    def __reduce__(self) -> tuple:
        return type(self), (self.frames, self.lengths, self.features, self.rate_hz, self.is_table, self.sound)

    def __repr__(self) -> str:
        if self.is_table:
            return f"<Sequences: a table of {len(self)} rows, {len(self.features)} features>"
        spread = f"{self.lengths.min()}-{self.lengths.max()}" if len(self) else "0"
        return f"<Sequences: {len(self)} cases, {spread} frames, {len(self.features)} features>"

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape `(case, time, feature)` of the cases padded to the longest one.

        It also lets scikit-learn's splitters index a `Sequences` as a whole, so that its features
        and rate survive cross-validation.
        """
        return len(self), int(self.lengths.max(initial=0)), len(self.features)

    def __iter__(self) -> Iterator[Float32[np.ndarray, "time feature"]]:
        return (self[case] for case in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Float32[np.ndarray, "time feature"]: ...
    @overload
    def __getitem__(self, index: Any) -> Sequences: ...
    def __getitem__(self, index: Any) -> Any:
        # scikit-learn indexes what has a shape as X[indices, ...].
        if isinstance(index, tuple) and len(index) == 2 and index[1] is Ellipsis:
            index = index[0]
        if not isinstance(index, (int, np.integer)) or isinstance(index, (bool, np.bool_)):
            return self.take(index)
        case = int(index) + (len(self) if index < 0 else 0)
        if not 0 <= case < len(self):
            raise IndexError(f"case {index} of {len(self)}")
        return self.frames[self._starts[case] : self._starts[case + 1]]

    def take(self, indices: Any) -> Sequences:
        """Return the cases at `indices` (a slice, a boolean mask or indices), in that order."""
        if isinstance(indices, (list, tuple)) and not indices:
            indices = np.empty(0, dtype=np.int64)
        cases = np.atleast_1d(np.arange(len(self))[indices])
        lengths = self.lengths[cases]
        starts = np.cumsum(lengths) - lengths
        rows = np.repeat(self._starts[cases] - starts, lengths) + np.arange(lengths.sum())
        return Sequences(self.frames[rows], lengths, self.features, self.rate_hz, self.is_table, self.sound)

    def pad(
        self, time: int | None = None
    ) -> tuple[Float32[np.ndarray, "case time feature"], Bool[np.ndarray, "case time"]]:
        """Pad every case with zeros at its end to the same length.

        Args:
            time: Frames to pad to; by default the bucket of the longest case (`bucket_length`).

        Returns:
            The padded frames `(case, time, feature)` and a mask `(case, time)`, True where a frame is real.
        """
        longest = int(self.lengths.max(initial=1))
        time = bucket_length(longest) if time is None else time
        if time < longest:
            raise InputError(
                f"Padding to {time} frames, and a case of {longest} frames.",
                f"A time of at least {longest}.",
                "Leave time out to have it chosen.",
            )
        mask = np.arange(time)[None, :] < self.lengths[:, None]
        values = np.zeros((len(self), time, len(self.features)), np.float32)
        values[mask] = self.frames
        return values, mask

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return a table as `(case, feature)`, cases of one length as `(case, time, feature)`."""
        if len(set(self.lengths.tolist())) > 1:
            raise InputError(
                f"Cases of {self.lengths.min()} to {self.lengths.max()} frames as one array.",
                "Cases of one length.",
                "Call pad(), which gives an array and a mask.",
            )
        shape = (len(self), len(self.features))
        whole = self.frames.reshape(shape if self.is_table else (shape[0], -1, shape[1]))
        return np.array(whole, dtype=dtype, copy=copy)


def join(first: Sequences, second: Sequences) -> Sequences:
    """Return the cases of `first` followed by those of `second`.

    Example:
        >>> X = Sequences(np.zeros((5, 1), np.float32), np.array([2, 3]), Features.numbered(1))
        >>> len(join(X, X))
        4
    """
    if first.features.names != second.features.names:
        raise InputError(
            f"Cases with the features {', '.join(first.features.names)} and "
            f"cases with the features {', '.join(second.features.names)}.",
            "The same features in both parts.",
            "Bring the columns of both parts into one order.",
        )
    if None not in (first.sound, second.sound) and first.sound != second.sound:
        raise InputError(
            f"Frames made by {first.sound} and frames made by {second.sound}.",
            "Features of sound made in one way.",
            "Compute both parts with the same SoundFeatures.",
        )
    return Sequences(
        np.concatenate([first.frames, second.frames]),
        np.concatenate([first.lengths, second.lengths]),
        first.features,
        first.rate_hz,
        first.is_table and second.is_table,
        first.sound or second.sound,
    )
