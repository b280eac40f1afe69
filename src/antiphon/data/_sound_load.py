"""From recordings to a `Dataset`: labels, the split between speakers, features, copies to learn from."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from antiphon.data._dataset import Dataset, Split
from antiphon.data._features import Features
from antiphon.data._fetch import FETCHED, fetched_folder
from antiphon.data._manifest import holds_recordings
from antiphon.data._parts import Found, Part, build, whole_numbers
from antiphon.data._sequences import Sequences
from antiphon.data._sound_events import events_of, read_events
from antiphon.data._sound_frames import masked_copies, sound_features
from antiphon.data._sound_synthetic import synthetic_sounds
from antiphon.data._sounds import Sounds
from antiphon.errors import DatasetError, InputError

if TYPE_CHECKING:
    from antiphon.audio import Augmentation

_log = logging.getLogger("antiphon.data")
SYNTHETIC = "synthetic-sounds"
TITLE = "Tone, chirp, warble, clicks, noise or call, in noisy rooms (synthetic sound)"
_ABOUT = (
    "Synthetic: short tones, chirps, warbles, clicks, bursts of noise and calls at 5 to 25 dB over the noise "
    "of six rooms, each with a gain, a hum and a colour of its own. The last two rooms are the test part."
)


def is_sound(name_or_path: Any) -> bool:
    """Whether a name or a path stands for recordings.

    Args:
        name_or_path: As for `load`.

    Example:
        >>> is_sound("synthetic-sounds"), is_sound("japanese-vowels")
        (True, False)
    """
    if str(name_or_path) in (SYNTHETIC, *FETCHED):
        return True
    path = Path(name_or_path)
    if not str(name_or_path):  # Path("") is the folder one is in.
        return False
    if path.is_dir() and (any(path.glob("*_TRAIN.ts")) or any(path.glob("*_data.npy"))):
        return False
    return holds_recordings(path)


def read_sounds(name_or_path: Any, **options: Any) -> Sounds:
    """The recordings of a name or a path, labelled or not.

    Args:
        name_or_path: As for `load`.
        **options: Those of `Sounds.read`.

    Example:
        >>> read_sounds("synthetic-sounds")
        <Sounds: 288 recordings of 0.3-0.499 s, 8000 Hz>
    """
    name = str(name_or_path)
    given = {option: value for option, value in options.items() if value is not None}
    if name == SYNTHETIC:
        if "pattern" in given:
            raise InputError(f"A pattern of names for {name}.", "None: it has no files.", "Leave it out.")
        return synthetic_sounds(rate_hz=given.get("rate_hz", 8000))
    if name in FETCHED:
        sounds = Sounds.read(fetched_folder(name), **{"pattern": FETCHED[name].pattern, **given})
        return sounds.with_parts(FETCHED[name].parts(sounds.fields))
    return Sounds.read(name_or_path, **given)


def load_sounds(
    name_or_path: Any,
    *,
    sound: Any = None,
    pattern: str | None = None,
    strict: bool = False,
    resample_hz: float | None = None,
    augment: Augmentation | None = None,
    labels: Any = None,
    test_size: float | int | None = None,
    task: str | None = None,
) -> Dataset:
    """Load recordings as a data set of features; the arguments are those of `load`."""
    name = str(name_or_path)
    if labels is not None and (augment is not None or task not in (None, "tagging")):
        raise InputError(
            f"A list of events with {'augment' if augment is not None else f'task={task!r}'}.",
            "Events alone: they make it tagging, and changed copies may be faster or shifted.",
            "Leave it out.",
        )
    shortest = getattr(sound, "frame_seconds", 0.032)
    sounds = read_sounds(
        name_or_path, rate_hz=resample_hz, strict=strict, least_seconds=shortest, pattern=pattern
    )
    own = sound_features(sound, sounds.rate_hz)
    lengths = np.ones(len(sounds), np.int64)
    missed: list[str] = []
    if labels is None:
        y = _labels(sounds, name, task)
    else:
        lengths = np.array([own.frame_count(int(samples)) for samples in sounds.lengths])
        y, missed = _tags(sounds, labels, own, lengths)
    # Which cases are in which part is found out with their numbers, before any feature is computed.
    numbered, about, source = _numbered(sounds, y, lengths, name_or_path, test_size, task)
    places = [np.array([int(rows[0, 0]) for rows in split.X]) for split in numbered]
    leak = _leak(numbered)
    for note in leak:
        _log.warning("%s: %s", name, note)
    notes = [*sounds.notes, *missed, *leak]
    train = sounds[places[0]]
    subjects = numbered.train.subjects
    if augment is not None:
        count = len(train)
        train_y = np.tile(numbered.train.y, augment.copies + 1)
        # Copies of a recording must not be on both sides of a validation split.
        subjects = np.tile(np.arange(count) if subjects is None else subjects, augment.copies + 1)
        train = train.augmented(augment)
        X = masked_copies(train.frames(own), count, augment)
        notes.append(f"Each training recording and {augment.copies} changed copies of it ({augment}).")
    else:
        X = train.frames(own)
        train_y = _fitting(numbered.train.y, X.lengths)
    test = sounds[places[1]]
    test_X = test.frames(own)
    unfit = len(sounds.problems)
    told = [f"Problems with {unfit} recording{'s' * (unfit > 1)} (see problems)."] if unfit else []
    return replace(
        numbered,
        description=" ".join([about, numbered.description, *notes, *told]).strip(),
        train=Split(X, train_y, subjects, train),
        test=Split(test_X, _fitting(numbered.test.y, test_X.lengths), numbered.test.subjects, test),
        source=source,
        notes=tuple(notes),
        problems=sounds.problems,
    )


def _tags(sounds: Sounds, labels: Any, own: Any, lengths: np.ndarray) -> tuple[list[np.ndarray], list[str]]:
    """One class a frame, from the file of events; and a note about events that no frame lies in."""
    from antiphon.audio import events_to_tags

    events = events_of(sounds, read_events(labels), f"The list of events {labels}")
    hz = own.frames_hz
    tags = [events_to_tags(some, int(time), hz) for some, time in zip(events, lengths, strict=True)]
    missed = [
        f"{event.label} at {event.onset:g} s of {name}"
        for name, some, time in zip(sounds.names, events, lengths, strict=True)
        for event in some
        # Longer ones have a frame, but where they begin after the last one.
        if (event.seconds <= 1.001 / hz or event.onset > (time - 1) / hz)
        and event.label not in events_to_tags([event], int(time), hz)
    ]
    if not missed:
        return tags, []
    return tags, [
        f"Events that no frame lies in, and that are not learned: {len(missed)}, such as {missed[0]} "
        f"(a frame comes every {1 / hz:.3g} s)."
    ]


def _fitting(y: Any, lengths: np.ndarray) -> Any:
    """The same labels; of a recording that turned out a frame longer or shorter when it was read, so many."""
    if not isinstance(y, list):
        return y
    return [
        np.concatenate([tags, tags[-1:].repeat(max(0, time - len(tags)))])[:time]
        for tags, time in zip(y, lengths, strict=True)
    ]


def _labels(sounds: Sounds, name: str, task: str | None) -> np.ndarray:
    if sounds.labels is None:
        raise DatasetError(
            f"The recordings of {name} have no labels.",
            "A folder a class; or a manifest (a CSV file with the columns path and label); or a pattern of "
            "names.",
            "Say how names tell the label, for example with pattern='{label}_{speaker}_{index}' (--pattern); "
            "or bring a list of events with labels='events.csv' (--labels).",
        )
    y = whole_numbers(sounds.labels)
    if task == "regression" or (task is None and y.dtype.kind == "U"):
        try:
            numbers = y.astype(np.float64)
        except ValueError:
            numbers = None
        if numbers is not None:
            return numbers
        if task == "regression":
            raise DatasetError(
                f"Labels of {name} that are no numbers, such as {str(y[0])!r}.",
                "Numbers, for a regression.",
                "Leave task out for a classification.",
            )
    if task != "regression" and len(np.unique(y)) < 2:
        raise DatasetError(
            f"All {len(y)} recordings of {name} are of one class, {str(y[0])!r}.",
            "Recordings of at least two classes.",
            "Add recordings of what they are to be told from.",
        )
    return y


def _numbered(
    sounds: Sounds, y: Any, lengths: np.ndarray, name_or_path: Any, test_size: Any, task: str | None
) -> tuple[Dataset, str, str]:
    """A data set of the numbers of the recordings, each as often as it has labels."""
    name = str(name_or_path)
    parts = sounds.parts if sounds.parts is not None and len(np.unique(sounds.parts)) > 1 else None
    cut = (
        [np.arange(len(sounds))] if parts is None else [np.flatnonzero(parts == p) for p in np.unique(parts)]
    )
    if parts is not None and (parts == 2).sum() in (0, len(parts)):
        raise DatasetError(
            f"The split of {name} has {'no test' if not (parts == 2).any() else 'only test'} recordings.",
            "Recordings to learn from, and a test part.",
            "Correct the column split, or leave it out to have it chosen.",
        )
    who = sounds.speakers if sounds.speakers is not None and len(np.unique(sounds.speakers)) > 1 else None
    found = Found(
        [Part(_rows(cases, lengths), _of(y, cases), None if who is None else who[cases]) for cases in cut],
        "label",
        "",
    )
    known = name in (SYNTHETIC, *FETCHED)
    title = name if known else Path(name_or_path).resolve().stem
    dataset = build(title, found, test_size=test_size, task=task)
    if name == SYNTHETIC:
        return dataset, _ABOUT, "Made by Antiphon from a fixed seed."
    if name in FETCHED:
        return dataset, FETCHED[name].about, FETCHED[name].source
    return dataset, f"{len(sounds)} recordings of {sounds.rate_hz:g} Hz.", f"The recordings of {name}."


def _rows(cases: np.ndarray, lengths: np.ndarray) -> Sequences:
    numbers = np.repeat(cases, lengths[cases]).astype(np.float32)[:, None]
    return Sequences(numbers, lengths[cases], Features(("recording",)), is_table=bool((lengths == 1).all()))


def _of(y: Any, cases: np.ndarray) -> Any:
    return [y[case] for case in cases] if isinstance(y, list) else y[cases]


def _leak(dataset: Dataset) -> list[str]:
    """A loud note where speakers are on both sides of the split."""
    train, test = dataset.train.subjects, dataset.test.subjects
    if train is None or test is None:
        return []
    both = sorted(set(train.tolist()) & set(test.tolist()))
    if not both:
        return []
    shown = ", ".join(map(str, both[:5])) + (", ..." if len(both) > 5 else "")
    return [
        f"WARNING: {len(both)} speakers are in the training and in the test part ({shown}): the test score "
        "says nothing about speakers who were not heard before."
    ]
