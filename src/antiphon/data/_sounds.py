"""Waveforms, from arrays or from files that are read only when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from jaxtyping import Float32, Int

from antiphon.data._sequences import Sequences
from antiphon.data._sound_gather import Clip, gather
from antiphon.data._sound_problems import Problem, heard
from antiphon.errors import InputError

if TYPE_CHECKING:
    from antiphon.audio import Augmentation, SoundFeatures


class Sounds:
    """Waveforms of different lengths, all at one rate, with what is known of each.

    Immutable and list-like: `len`, iteration and an integer index give read-only float32 waveforms
    `(sample,)`; a slice, an index array or a boolean mask gives `Sounds`. `Sounds.read` makes them of files.

    Args:
        waveforms: One `(sample,)` array of floats from -1 to 1 each.
        rate_hz: Samples a second.
        names: One name each; `clip_0`, `clip_1`, ... by default.
        labels: One label each, or None.
        speakers: Who speaks, or which device or room, one each; or None.

    Raises:
        InputError: If a waveform is not one channel of finite floats, or something has another length.

    Attributes:
        rate_hz: Samples a second.
        names: Names of the files, relative to their folder.
        labels: Labels `(case,)`, or None.
        speakers: Speakers `(case,)`, or None.
        parts: 0 (training), 1 (validation) or 2 (test) for each `(case,)`, or None where nothing says it.
        fields: What else names or the manifest say: name of the field -> `(case,)` texts.
        notes: What was done to the recordings on the way: mixed down, resampled.
        problems: What was wrong with recordings, those left out included.

    Example:
        >>> sounds = Sounds([np.zeros(800, np.float32), np.zeros(400, np.float32)], 8000, labels=["a", "b"])
        >>> sounds, [len(waveform) for waveform in sounds]
        (<Sounds: 2 recordings of 0.05-0.1 s, 8000 Hz>, [800, 400])
    """

    _clips: tuple[Clip, ...]
    rate_hz: float
    names: tuple[str, ...]
    labels: np.ndarray | None
    speakers: np.ndarray | None
    parts: np.ndarray | None
    fields: Mapping[str, np.ndarray]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]

    def __init__(
        self,
        waveforms: Sequence[Any],
        rate_hz: float,
        *,
        names: Sequence[str] | None = None,
        labels: Any = None,
        speakers: Any = None,
    ) -> None:
        if not rate_hz > 0:
            raise InputError(f"A rate of {rate_hz!r} Hz.", "Samples a second, above 0.", "Give the rate.")
        if not len(waveforms):
            raise InputError("No waveforms.", "At least one.", "Check how the sounds were read.")
        names = [f"clip_{i}" for i in range(len(waveforms))] if names is None else list(map(str, names))
        for what, values in (("names", names), ("labels", labels), ("speakers", speakers)):
            if values is not None and len(values) != len(waveforms):
                raise InputError(
                    f"{len(values)} {what} for {len(waveforms)} waveforms.",
                    "One each.",
                    f"Correct the {what}.",
                )
        clips = [_clip(name, waveform) for name, waveform in zip(names, waveforms, strict=True)]
        self._set(
            clips,
            rate_hz,
            labels=None if labels is None else np.asarray(labels),
            speakers=None if speakers is None else np.asarray(speakers),
        )

    def _set(self, clips: Sequence[Clip], rate_hz: float, **known: Any) -> None:
        # Attributes that are set once; nothing sets them later (`__setattr__`).
        blank = {"labels": None, "speakers": None, "parts": None, "fields": {}, "notes": (), "problems": ()}
        own = {"_clips": tuple(clips), "rate_hz": float(rate_hz), "names": tuple(clip.name for clip in clips)}
        for name, value in {**blank, **known, **own}.items():
            object.__setattr__(self, name, value)

    @classmethod
    def _of(cls, clips: Sequence[Clip], rate_hz: float, **known: Any) -> Sounds:
        made = cls.__new__(cls)
        made._set(clips, rate_hz, **known)
        return made

    @classmethod
    def read(
        cls,
        source: str | PathLike[str] | Sequence[str | PathLike[str]],
        *,
        rate_hz: float | None = None,
        pattern: str | None = None,
        strict: bool = False,
        labels: Any = None,
        speakers: Any = None,
        least_seconds: float = 0.0,
    ) -> Sounds:
        """Find recordings, check each of them, and make them one channel at one rate.

        Args:
            source: A folder (with a folder a class, perhaps inside `train` and `test`; with a manifest; or
                flat), a manifest (CSV with the columns path, label, and if wanted start, end, speaker,
                split), one recording, or a list of them.
            rate_hz: Samples a second that are wanted: recordings of another rate are resampled, which
                `notes` says. By default all must have the same.
            pattern: How names say what a recording is, such as `"{label}_{speaker}_{index}"`.
            strict: Whether any problem of a recording is an error.
            labels: Labels of a list of recordings, one each.
            speakers: Speakers of a list of recordings, one each.
            least_seconds: Shorter recordings are left out.

        Raises:
            DatasetError: Nothing there can be used, rates differ, or `strict` is set and something is wrong.

        Example:
            >>> import tempfile
            >>> import soundfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     for name in ("dog_ann", "cat_bob"):
            ...         soundfile.write(f"{folder}/{name}.wav", np.sin(np.arange(800)) / 2, 8000)
            ...     sounds = Sounds.read(folder, pattern="{label}_{speaker}")
            >>> sounds.names, sounds.labels.tolist(), sounds.speakers.tolist()
            (('cat_bob.wav', 'dog_ann.wav'), ['cat', 'dog'], ['bob', 'ann'])
        """
        found = gather(
            source, rate_hz=rate_hz, pattern=pattern, strict=strict, labels=labels, speakers=speakers,
            least_seconds=least_seconds,
        )  # fmt: skip
        return cls._of(found.clips, found.rate_hz, **found.known)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Sounds are immutable: {name} cannot be set.")

    def __repr__(self) -> str:
        low, high = (f"{n / self.rate_hz:.3g}" for n in (self.lengths.min(), self.lengths.max()))
        return f"<Sounds: {len(self)} recordings of {low}-{high} s, {self.rate_hz:g} Hz>"

    def __len__(self) -> int:
        return len(self._clips)

    def __iter__(self) -> Iterator[Float32[np.ndarray, " sample"]]:
        return (self[case] for case in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Float32[np.ndarray, " sample"]: ...
    @overload
    def __getitem__(self, index: Any) -> Sounds: ...
    def __getitem__(self, index: Any) -> Any:
        # scikit-learn indexes what has a shape as X[indices, ...].
        if isinstance(index, tuple) and len(index) == 2 and index[1] is Ellipsis:
            index = index[0]
        if isinstance(index, (bool, np.bool_)) or not isinstance(index, (int, np.integer)):
            return self.take(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"recording {index} of {len(self)}")
        found = self._clips[index].read(self.rate_hz).view()
        found.flags.writeable = False
        return found

    @property
    def lengths(self) -> Int[np.ndarray, " case"]:
        """Samples of each recording: of one that is resampled when it is read, within one."""
        return np.array([clip.samples for clip in self._clips], np.int64)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape `(case, sample)` of the recordings padded to the longest one.

        It also lets scikit-learn's splitters index `Sounds` as a whole, so that what is known of them, the
        rate above all, stays with them.
        """
        return len(self), int(self.lengths.max())

    @property
    def clips(self) -> tuple[Clip, ...]:
        """Where each waveform is."""
        return self._clips

    def take(self, indices: Any) -> Sounds:
        """Return the recordings at `indices` (a slice, a boolean mask or indices), in that order."""
        if isinstance(indices, (list, tuple)) and not indices:
            indices = np.empty(0, np.int64)
        cases = np.atleast_1d(np.arange(len(self))[indices])
        if not len(cases):
            raise InputError("None of the recordings.", "At least one.", "Choose some.")

        def cut(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[cases]

        return self._with(
            clips=[self._clips[case] for case in cases],
            labels=cut(self.labels),
            speakers=cut(self.speakers),
            parts=cut(self.parts),
            fields={name: values[cases] for name, values in self.fields.items()},
        )

    def with_parts(self, parts: Any) -> Sounds:
        """The same recordings, cut into parts.

        Args:
            parts: 0 (training), 1 (validation) or 2 (test) for each recording.
        """
        values = np.asarray(parts)
        if values.shape != (len(self),) or not np.isin(values, (0, 1, 2)).all():
            raise InputError(
                f"Parts of shape {values.shape} for {len(self)} recordings.",
                "0 (training), 1 (validation) or 2 (test) for each.",
                "Correct the parts.",
            )
        return self._with(parts=values)

    def _with(self, **changed: Any) -> Sounds:
        known = ("labels", "speakers", "parts", "fields", "notes", "problems")
        kept = {name: getattr(self, name) for name in known}
        clips = changed.pop("clips", self._clips)
        return self._of(clips, self.rate_hz, **{**kept, **changed})

    def frames(self, sound: SoundFeatures | Sequence[str] | str | None = None) -> Sequences:
        """The features of every recording, as `Sequences` that remember how they were made (`sound`).

        Args:
            sound: Which features: settings, or names of kinds (`"mfcc,centroid"`); by default MFCC, spectral
                centroid and level.

        Raises:
            InputError: The settings are for another rate, or a recording is shorter than a frame.

        Example:
            >>> sounds = Sounds([np.sin(np.arange(800)), np.sin(np.arange(400))], 8000)
            >>> sounds.frames("centroid,level")
            <Sequences: 2 cases, 6-11 frames, 2 features>
        """
        from antiphon.data._sound_frames import frames_of

        return frames_of(self, sound)

    def augmented(self, augmentation: Augmentation) -> Sounds:
        """These recordings, and after them changed copies of them (`antiphon.audio.Augmentation`).

        A copy has the label, the speaker and the part of its recording, and `#1`, `#2`, ... after its name.

        Args:
            augmentation: What is changed, how many copies there are, and the seed.

        Example:
            >>> from antiphon.audio import Augmentation
            >>> sounds = Sounds([np.sin(np.arange(800))], 8000, labels=["a"])
            >>> more = sounds.augmented(Augmentation(copies=2))
            >>> more.names, more.labels.tolist()
            (('clip_0', 'clip_0#1', 'clip_0#2'), ['a', 'a', 'a'])
        """
        from antiphon.data._sound_frames import copies_of

        count = augmentation.copies
        more = self.take(np.tile(np.arange(len(self)), count + 1))
        arrays = copies_of(self, augmentation)
        clips = list(self._clips)
        for i, array in enumerate(arrays):
            name = f"{self.names[i % len(self)]}#{i // len(self) + 1}"
            clips.append(Clip(name, len(array), array))
        return more._with(clips=clips)


def _clip(name: str, waveform: Any) -> Clip:
    values = np.asarray(waveform)
    if values.dtype.kind != "f" or values.ndim != 1:
        raise InputError(
            f"{name}: a waveform of shape {values.shape} and type {values.dtype}.",
            "One channel of floats from -1 to 1: shape (sample,).",
            "Divide whole numbers by 2 ** (bits - 1); take the mean over channels.",
        )
    values = values.astype(np.float32)
    unfit = [problem for problem in heard(name, [values]) if problem.left_out]
    if unfit:
        raise InputError(f"{unfit[0].what}.", "Finite samples, at least one.", "Leave this waveform out.")
    return Clip(name, len(values), values)
