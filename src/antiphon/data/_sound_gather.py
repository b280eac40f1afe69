"""Finding recordings, looking at each of them once, and saying what was done and what is wrong."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from antiphon.data._manifest import Row, find, name_rows
from antiphon.data._sound_files import (
    FOREIGN,
    QUALITY,
    SoundInfo,
    part,
    read_blocks,
    read_sound,
    resample,
    sound_info,
)
from antiphon.data._sound_problems import Problem, heard, settle
from antiphon.errors import DatasetError, InputError

_log = logging.getLogger("antiphon.data")
HELD = 1 << 28  # Bytes of samples that are kept in memory; of more, each recording is read when it is needed.


@dataclass(frozen=True)
class Clip:
    """One waveform: an array, or a part of a file."""

    name: str
    samples: int
    array: np.ndarray | None = None
    path: Path | None = None
    start: float = 0.0
    end: float | None = None
    own_hz: float = 0.0

    def read(self, rate_hz: float) -> Float32[np.ndarray, " sample"]:
        """Its samples, at a rate."""
        if self.array is not None:
            return self.array
        assert self.path is not None
        found, own = read_sound(self.path, start=self.start, end=self.end)
        return resample(found, own, rate_hz)


@dataclass(frozen=True)
class Gathered:
    """Recordings that can be used, their rate, and what is known of them (the attributes of `Sounds`)."""

    clips: Sequence[Clip]
    rate_hz: float
    known: Mapping[str, Any]


def gather(
    source: Any,
    *,
    rate_hz: float | None,
    pattern: str | None,
    strict: bool,
    labels: Any = None,
    speakers: Any = None,
    least_seconds: float = 0.0,
) -> Gathered:
    """Find recordings and check them, as `Sounds.read` says."""
    rows, problems, where = _rows(source, pattern, labels, speakers)
    infos, wrong = _infos(rows)
    problems += wrong
    if not infos:
        settle(problems, 0, where, strict=strict)
    rate = _rate(infos, rate_hz, where)
    clips, kept, wrong = _checked(infos, rate, least_seconds)
    problems += wrong
    settle(problems, len(clips), where, strict=strict)
    notes = _notes([infos[i] for i in kept], rate)
    for note in notes:
        _log.warning("%s: %s", where, note)
    known = [infos[i][0] for i in kept]
    every = sorted({name for row in known for name in row.fields})
    return Gathered(
        clips,
        rate,
        {
            "labels": _column([row.label for row in known]),
            "speakers": _column([row.speaker for row in known]),
            "parts": _column([row.part for row in known]),
            "fields": {name: np.array([row.fields.get(name, "") for row in known]) for name in every},
            "notes": notes,
            "problems": tuple(problems),
        },
    )


def _rows(
    source: Any, pattern: str | None, labels: Any, speakers: Any
) -> tuple[list[Row], list[Problem], str]:
    """The recordings that a source names, and those whose names do not fit."""
    given = {
        name: values for name, values in (("label", labels), ("speaker", speakers)) if values is not None
    }
    if isinstance(source, (str, PathLike)):
        path = Path(source)
        if given:
            raise InputError(
                "Labels or speakers beside a path.",
                "Labels and speakers for a list of recordings only.",
                "Name them in a manifest, or pass a list of paths.",
            )
        if not path.exists():
            raise DatasetError(f"No file and no folder {path}.", "An existing path.", "Check the path.")
        rows, unfit = find(path, pattern)
        where = str(path)
    else:
        paths = [Path(one) for one in source]
        if not paths:
            raise InputError("An empty list of recordings.", "At least one path.", "Check how it was made.")
        for what, values in given.items():
            if len(values) != len(paths):
                raise InputError(
                    f"{len(values)} {what}s for {len(paths)} recordings.",
                    "One each.",
                    f"Correct the {what}s.",
                )
        rows, unfit = [], []
        for i, one in enumerate(paths):
            fit, out = name_rows([one], one.parent, pattern)
            own = {what: values[i] for what, values in given.items()}
            rows += [replace(row, name=one.as_posix(), **own) for row in fit]
            unfit += out
        where = f"A list of {len(paths)} recordings"
    if unfit and not rows:
        raise DatasetError(
            f"No name in {where} fits the pattern {pattern!r}, not even {unfit[0].name!r}.",
            "Names such as the pattern says.",
            "Correct the pattern.",
        )
    return rows, [Problem(row.name, "name", f"{row.name} does not fit the pattern") for row in unfit], where


Known = tuple[Row, SoundInfo, int]


def _infos(rows: Sequence[Row]) -> tuple[list[Known], list[Problem]]:
    """What each file says of itself, with the number of samples that are wanted of it."""
    cache: dict[Path, SoundInfo | Problem] = {}
    found: list[Known] = []
    problems: list[Problem] = []
    for row in rows:
        if row.path not in cache:
            cache[row.path] = _info(row)
        info = cache[row.path]
        if isinstance(info, Problem):
            problems.append(replace(info, name=row.name))
            continue
        try:
            first, last = part(row.name, row.start, row.end, info.rate_hz, info.samples)
        except InputError as error:
            problems.append(Problem(row.name, "part", error.got.rstrip(".")))
            continue
        found.append((row, info, last - first))
    return found, problems


def _info(row: Row) -> SoundInfo | Problem:
    path, name = row.path, row.name
    if path.is_dir():
        return Problem(name, "unreadable", f"{name} is a folder, not a recording ({path})")
    if not path.is_file():
        return Problem(name, "missing", f"{name} is not there ({path})")
    if path.stat().st_size == 0:
        return Problem(name, "empty", f"{name} is empty: a file of 0 bytes")
    if path.suffix.lower() in FOREIGN:
        return Problem(name, "unreadable", f"{name} is of a kind that is not read: convert it to WAV or FLAC")
    try:
        info = sound_info(path)
    except DatasetError as error:
        if "which is not installed" in error.got:
            raise
        reason = error.got.rpartition("read: ")[2].rstrip(".")
        return Problem(name, "unreadable", f"{name} is no sound that can be read ({reason})")
    if info.cut_off:
        return Problem(name, "cut-off", f"{name} breaks off before the end that it announces")
    if not info.samples:
        return Problem(name, "empty", f"{name} holds no samples")
    return info


def _rate(infos: Sequence[Known], rate_hz: float | None, where: str) -> float:
    rates = Counter(info.rate_hz for _, info, _ in infos)
    if rate_hz is not None:
        if not rate_hz > 0:
            raise InputError(f"A rate of {rate_hz!r} Hz.", "Samples a second, above 0.", "Give the rate.")
        return float(rate_hz)
    if len(rates) > 1:
        first = {info.rate_hz: row.name for row, info, _ in reversed(infos)}
        said = ", ".join(f"{rate:g} Hz ({n}, such as {first[rate]})" for rate, n in rates.most_common())
        raise DatasetError(
            f"{where}: recordings of different rates: {said}.",
            "One rate, or one that is asked for.",
            f"Resample them: rate_hz={min(rates):g} (--resample {min(rates):g} on the command line).",
        )
    return next(iter(rates))


def _checked(
    infos: Sequence[Known], rate: float, least_seconds: float
) -> tuple[list[Clip], list[int], list[Problem]]:
    """Read every recording once: those that can be used, which they are, and what is wrong with others."""
    clips, kept, problems = [], [], []
    hold = sum(count / info.rate_hz for _, info, count in infos) * rate * 4 <= HELD
    for i, (row, info, count) in enumerate(infos):
        clip = Clip(row.name, count, None, row.path, row.start, row.end, info.rate_hz)
        try:
            samples, wrong = _hear(clip, least_seconds, hold=hold)
        except DatasetError as error:
            if "which is not installed" in error.got:
                raise
            samples, wrong = None, [Problem(row.name, "cut-off", f"{row.name} breaks off before its end")]
        problems += wrong
        if any(problem.left_out for problem in wrong):
            continue
        size = round(count * rate / info.rate_hz)
        if samples is not None:
            samples = resample(samples, info.rate_hz, rate)
            clip, size = replace(clip, array=samples), len(samples)
        clips.append(replace(clip, samples=size))
        kept.append(i)
    return clips, kept, problems


def _hear(clip: Clip, least_seconds: float, *, hold: bool) -> tuple[np.ndarray | None, list[Problem]]:
    """Its samples, where they are kept, and what is wrong with them; a long one is heard block by block."""
    least = int(np.ceil(least_seconds * clip.own_hz - 1e-6))
    assert clip.path is not None
    if hold:
        samples = clip.read(clip.own_hz)
        return samples, heard(clip.name, [samples], least=least)
    blocks = read_blocks(clip.path, start=clip.start, end=clip.end)
    return None, heard(clip.name, blocks, least=least)


def _notes(infos: Sequence[Known], rate: float) -> tuple[str, ...]:
    """What was done to recordings, in sentences."""
    channels = Counter(info.channels for _, info, _ in infos if info.channels > 1)
    others = Counter(info.rate_hz for _, info, _ in infos if info.rate_hz != rate)
    mixed = (f"{n} of {len(infos)} recordings have {k} channels, mixed down to their mean."
             for k, n in sorted(channels.items()))  # fmt: skip
    resampled = (
        f"{n} of {len(infos)} recordings resampled from {own:g} Hz to {rate:g} Hz (soxr {QUALITY})."
        for own, n in sorted(others.items())
    )
    return (*mixed, *resampled)


def _column(values: Sequence[Any]) -> np.ndarray | None:
    """A column, or None where nothing is known, or not of every recording."""
    return None if any(value is None for value in values) else np.array(values)
