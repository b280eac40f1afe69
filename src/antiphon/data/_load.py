"""Loading a data set by name or from a path."""

from __future__ import annotations

import difflib
from dataclasses import replace
from functools import reduce
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from antiphon.data._arrays import read_folder, read_npz
from antiphon.data._builtin import SHIPPED, shipped_file
from antiphon.data._convert import as_sequences
from antiphon.data._csv import read_csv
from antiphon.data._dataset import Dataset, Entry, Split
from antiphon.data._manifest import no_recordings, refuse_events
from antiphon.data._parts import Found, Part, build, cases_of
from antiphon.data._planted import PLANTED
from antiphon.data._sequences import Sequences, join
from antiphon.data._sound_load import SYNTHETIC, TITLE, is_sound, load_sounds, read_sounds
from antiphon.data._ts import read_ts
from antiphon.errors import DatasetError, InputError

if TYPE_CHECKING:
    from antiphon.audio import Augmentation

EXTENSIONS = (".ts", ".npz", ".csv")


def available() -> tuple[Entry, ...]:
    """List the built-in data sets.

    Example:
        >>> [entry.name for entry in available()][:2]
        ['japanese-vowels', 'basic-motions']
    """
    real = (Entry(name, data.title, "classification", data.source) for name, data in SHIPPED.items())
    planted = (Entry(name, title, task, "synthetic") for name, (_, title, task) in PLANTED.items())
    return (*real, *planted, Entry(SYNTHETIC, TITLE, "classification", "synthetic"))


def load(
    name_or_path: str | PathLike[str],
    *,
    target: str | None = None,
    layout: str | None = None,
    test_size: float | int | None = None,
    features: Any = None,
    rate_hz: float | None = None,
    task: str | None = None,
    sound: Any = None,
    pattern: str | None = None,
    strict: bool = False,
    resample_hz: float | None = None,
    augment: Augmentation | None = None,
    labels: str | PathLike[str] | None = None,
) -> Dataset:
    """Load a built-in data set by its name, or one of yours from a path.

    Args:
        name_or_path: A name that `available` lists, or a path:
            - `.ts` (UEA archive): the file, its `_TRAIN.ts` (the `_TEST.ts` beside it is found) or their
              common stem;
            - `.npz` with `X`, `y`, and optionally `lengths` and `groups`;
            - `.csv`, wide (one row a case) or long (one row a frame);
            - a folder of `.npy` files `{train,val,test}_data.npy` and `{part}_labels.npy` or
              `{part}_{target}_labels.npy`;
            - recordings (WAV, FLAC, OGG, MP3): a folder with a folder a class, a folder with a manifest or a
              manifest (a CSV file with the columns path, label, and if wanted start, end, speaker, split), or
              a flat folder with a `pattern`. Where speakers are known, none is on both sides of the split.
        target: Which labels: the `{target}` of a folder, or a column of a CSV file.
        layout: The axes of 3-D arrays: `"case-time-feature"` or `"case-feature-time"`.
        test_size: For data without a test part: the share to hold out (a float: stratified, seed 0)
            or how many of the last cases (an integer). By default a quarter.
        features: Names of the features, a `Features`, or the path of a CSV file of them.
        rate_hz: Frames a second.
        task: `"classification"`, `"regression"` or `"tagging"`, where the labels do not tell it: by
            default numbers with fractions are a regression, one array of labels a case is tagging.
        sound: For recordings: their features, a `SoundFeatures` or names of kinds (`"mfcc,centroid"`); by
            default MFCC, spectral centroid and level.
        pattern: For recordings: how names say what one is, such as `"{label}_{speaker}_{index}"`.
        strict: For recordings: whether one that is corrupt, empty, silent or clipped is an error; by default
            it is in `problems`.
        resample_hz: For recordings: samples a second that are wanted; by default all must have the same.
        augment: For recordings: changed copies that are added to the training part.
        labels: For recordings: a CSV file of events (columns path, onset, offset, label; seconds), which
            makes it tagging: the class of a frame is the event that it lies in, else "none".

    Raises:
        DatasetError: The data set is unknown, missing or malformed.
        InputError: Its values or labels cannot be used.

    Example:
        >>> train, test = load("japanese-vowels")
        >>> train.X
        <Sequences: 270 cases, 7-26 frames, 12 features>
    """
    name = str(name_or_path)
    options = {
        "sound": sound, "pattern": pattern, "strict": strict or None, "resample_hz": resample_hz,
        "augment": augment, "labels": labels,
    }  # fmt: skip
    if is_sound(name_or_path):
        others = {"target": target, "layout": layout, "features": features, "rate_hz": rate_hz}
        _refuse(
            name, others, "a data set of sound", "Recordings have options of their own: sound, pattern, ..."
        )
        return load_sounds(
            name_or_path, sound=sound, pattern=pattern, strict=strict, resample_hz=resample_hz,
            augment=augment, labels=labels, test_size=test_size, task=task,
        )  # fmt: skip
    _expect_recordings(Path(name_or_path), options)
    _refuse(name, options, "data without recordings", "Leave it out.")
    if name in SHIPPED or name in PLANTED:
        if test_size is not None or layout is not None:
            raise InputError(
                f"A layout or a test_size for the built-in data set {name}.",
                "Neither: its layout is known and its split is official.",
                "Leave them out.",
            )
        dataset = _shipped(name) if name in SHIPPED else PLANTED[name][0]()
        if target not in (None, dataset.target):
            raise DatasetError(
                f"The data set {name} has no target {target!r}.",
                f"Its target, {dataset.target!r}.",
                "Leave target out.",
            )
        return _relabelled(dataset, features, rate_hz) if features is not None or rate_hz else dataset
    path = Path(name_or_path)
    found = _read(path, target, layout, features)
    return build(
        path.stem, found, layout=layout, features=features, rate_hz=rate_hz, test_size=test_size, task=task
    )


def load_cases(
    name_or_path: str | PathLike[str],
    *,
    layout: str | None = None,
    features: Any = None,
    rate_hz: float | None = None,
    sound: Any = None,
) -> Sequences:
    """Load the cases of every part of a data set, labelled or not: what a learned program can predict for.

    Args:
        name_or_path: A name or a path, as for `load`; labels are not needed and not looked at.
        layout: The axes of 3-D arrays.
        features: Names of the features, a `Features`, or the path of a CSV file of them.
        rate_hz: Frames a second.
        sound: The features of recordings, as for `load`.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(Path(folder, "new.npz"), X=np.zeros((4, 3)))
        ...     load_cases(Path(folder, "new.npz"))
        <Sequences: a table of 4 rows, 3 features>
    """
    if is_sound(name_or_path):
        return read_sounds(name_or_path).frames(sound)
    if str(name_or_path) in SHIPPED or str(name_or_path) in PLANTED:
        dataset = load(name_or_path, layout=layout, features=features, rate_hz=rate_hz)
        return join(dataset.train.X, dataset.test.X)
    found = _read(Path(name_or_path), None, layout, features)
    return reduce(join, cases_of(found, layout, features, rate_hz))


def _refuse(name: str, options: dict[str, Any], what: str, advice: str) -> None:
    """Refuse options that mean nothing for these data."""
    given = [option for option, value in options.items() if value is not None]
    if given:
        raise InputError(f"{', '.join(given)} for {name}, which is {what}.", "None of these.", advice)


def _expect_recordings(path: Path, options: dict[str, Any]) -> None:
    """Where options for recordings are given, a path without any is the mistake, not the options."""
    if all(value is None for value in options.values()) or path.is_file():
        return
    if path.is_dir() and not any(path.glob("*_TRAIN.ts")) and not any(path.glob("*_data.npy")):
        raise no_recordings(path)
    if not path.exists() and (path.suffix or len(path.parts) > 1):
        _existing(path)


def _shipped(name: str) -> Dataset:
    data = SHIPPED[name]
    files = [read_ts(shipped_file(name, part)) for part in ("TRAIN", "TEST")]
    parts = [Part(file.cases, file.y) for file in files]
    found = Found(parts, data.target, data.source, data.features, task=files[0].task)
    return build(name, found, rate_hz=data.rate_hz, description=data.description)


def _relabelled(dataset: Dataset, features: Any, rate_hz: float | None) -> Dataset:
    def relabelled(split: Split) -> Split:
        return replace(split, X=as_sequences(split.X, features=features, rate_hz=rate_hz))

    return replace(dataset, train=relabelled(dataset.train), test=relabelled(dataset.test))


def _read(path: Path, target: str | None, layout: str | None, features: Any) -> Found:
    """Find the files of a path, read them, and join what a train and a test file hold."""
    if path.is_dir():
        archive = sorted(path.glob("*_TRAIN.ts"))
        if len(archive) != 1:
            return read_folder(path, layout, target)
        path = archive[0]
    files = _files(path)
    found = [_read_file(file, target, layout, features) for file in files]
    parts = [part for one in found for part in one.parts]
    return replace(found[0], parts=parts)


def _read_file(file: Path, target: str | None, layout: str | None, features: Any) -> Found:
    suffix = file.suffix.lower()
    if layout is not None and suffix in (".csv", ".ts"):
        raise InputError(
            f"The layout {layout!r} for {file}.",
            f"No layout: {suffix} files say where cases, frames and features are.",
            "Leave layout out.",
        )
    if suffix == ".npz":
        return read_npz(file, layout, features, target)
    if suffix == ".csv":
        refuse_events(file)
        return read_csv(file, target)
    if suffix != ".ts":
        raise DatasetError(
            f"{file}: files of the kind {suffix or '(no extension)'} cannot be read.",
            f"One of {', '.join(EXTENSIONS)}, a recording, or a folder of .npy files.",
            "Convert the data, or pass arrays from Python.",
        )
    if target is not None:
        raise DatasetError(
            f"{file} has no target {target!r}.",
            "No target: a .ts file has labels of one kind.",
            "Leave target out.",
        )
    ts = read_ts(file)
    return Found(
        [Part(ts.cases, ts.y)],
        "class" if ts.task == "classification" else "target",
        f"The file {file} ({ts.problem}).",
        task=ts.task,
    )


def _files(path: Path) -> list[Path]:
    """Return the one file, or the train and the test file, that a path stands for."""
    for end in ("_TRAIN", "_TEST"):
        if path.stem.endswith(end):
            stem = path.with_name(path.stem.removesuffix(end))
            train, test = (stem.with_name(f"{stem.name}{part}{path.suffix}") for part in ("_TRAIN", "_TEST"))
            return [train, test] if train.is_file() and test.is_file() else [_existing(path)]
    if not path.is_file():
        for extension in EXTENSIONS:
            train = path.with_name(f"{path.name}_TRAIN{extension}")
            if train.is_file():
                return _files(train)
            if path.suffix == extension and path.with_name(f"{path.stem}_TRAIN{extension}").is_file():
                return _files(path.with_name(f"{path.stem}_TRAIN{extension}"))
    return [_existing(path)]


def _existing(path: Path) -> Path:
    if path.is_file():
        return path
    names = [entry.name for entry in available()]
    near = difflib.get_close_matches(str(path), names, n=3, cutoff=0.6)
    like_path = path.suffix.lower() in (*EXTENSIONS, ".npy") or len(path.parts) > 1
    if like_path and not near:
        raise DatasetError(
            f"No file and no folder {path}.", "An existing path.", f"Check the path (read from {Path.cwd()})."
        )
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    raise DatasetError(
        f"The data set {str(path)!r} is unknown.{guess}",
        f"A built-in name ({', '.join(names)}), or the path of a file or a folder.",
        "See what there is with: antiphon data list",
    )
