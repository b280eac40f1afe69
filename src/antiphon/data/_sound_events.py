"""Events in recordings: read from a CSV file, and brought to the frames that a model learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

from antiphon.data._csv_lines import csv_lines
from antiphon.data._sequences import Sequences
from antiphon.errors import DatasetError, InputError

if TYPE_CHECKING:
    from antiphon.audio import Event
    from antiphon.data._sounds import Sounds

EVENT_COLUMNS = ("path", "onset", "offset", "label")


def is_event_list(columns: Sequence[str]) -> bool:
    """Whether a CSV file with these columns lists events, and not recordings.

    Example:
        >>> is_event_list(["path", "onset", "offset", "label"]), is_event_list(["path", "label"])
        (True, False)
    """
    return {"onset", "offset"} <= set(columns)


def read_events(path: Any) -> dict[str, tuple[Event, ...]]:
    """Read a CSV file with one line an event: its recording, its beginning and end in seconds, its label.

    Args:
        path: The file; its columns are `path` (as `Sounds.names` has it: relative to the folder of the
            recordings), `onset`, `offset` and `label`. A line with a path alone is a recording without
            events.

    Returns:
        Path -> events, by onset.

    Raises:
        DatasetError: The file cannot be read, a column is missing, or a line makes no sense; it is named.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "events.csv")
        ...     _ = file.write_text("path,onset,offset,label\\na.wav,0.5,1.5,dog\\nb.wav,,,\\n")
        ...     events = read_events(file)
        >>> events["a.wav"], events["b.wav"]
        ((Event(onset=0.5, offset=1.5, label='dog'),), ())
    """
    file = Path(path)
    columns, rows = csv_lines(file, "The list of events", "Check the path.")
    missing = [name for name in EVENT_COLUMNS if name not in columns]
    if missing or not rows:
        raise DatasetError(
            f"The list of events {file} has the columns {', '.join(columns) or '(none)'} and {len(rows)} "
            "lines.",
            f"The columns {', '.join(EVENT_COLUMNS)}, and one line an event.",
            f"Add the column {missing[0]}." if missing else "Fill it.",
        )
    found: dict[str, list[Event]] = {}
    for number, row in enumerate(rows, 2):
        name, event = _event(f"Line {number} of {file}", row)
        found.setdefault(name, []).extend([] if event is None else [event])
    return {name: tuple(sorted(events, key=lambda event: event.onset)) for name, events in found.items()}


def _event(where: str, row: Mapping[str, Any]) -> tuple[str, Event | None]:
    from antiphon.audio import Event

    path, onset, offset, label = ((row[name] or "").strip() for name in EVENT_COLUMNS)
    if not path:
        raise DatasetError(f"{where} names no recording.", "A path.", "Fill the column path.")
    name = Path(path).as_posix()
    if not (onset or offset or label):
        return name, None
    try:
        seconds = float(onset), float(offset)
    except ValueError:
        raise DatasetError(
            f"{where} has the onset {onset!r} and the offset {offset!r}.", "Both in seconds.", "Correct them."
        ) from None
    if not label:
        raise DatasetError(f"{where} has no label.", "What the event is.", "Fill the column label.")
    try:
        return name, Event(*seconds, label)
    except InputError as error:
        raise DatasetError(f"{where}: {error.got}", error.expected, error.advice) from error


def events_of(sounds: Sounds, events: Mapping[str, Sequence[Event]], where: str) -> list[tuple[Event, ...]]:
    """The events of each recording; one that is not named has none.

    Args:
        sounds: The recordings.
        events: Name of a recording -> its events.
        where: What the events are called in messages.

    Raises:
        DatasetError: Events of recordings that are not there, or that begin after their recording ends.
    """
    left_out = {problem.name for problem in sounds.problems if problem.left_out}
    known = set(sounds.names)
    strange = [name for name in events if name not in known and name not in left_out]
    if strange:
        raise DatasetError(
            f"{where} names {len(strange)} recordings that are not there, such as {strange[0]!r}.",
            f"Names such as {sounds.names[0]!r}.",
            "Write paths relative to the folder of the recordings.",
        )
    found = [tuple(events.get(name, ())) for name in sounds.names]
    for name, own, samples in zip(sounds.names, found, sounds.lengths, strict=True):
        late = [event for event in own if event.onset >= samples / sounds.rate_hz]
        if late:
            raise DatasetError(
                f"{where}: {name} is {samples / sounds.rate_hz:.3g} s long, and has an event at "
                f"{late[0].onset:g} s.",
                "Events within their recording, in seconds.",
                "Correct the onset, which may be in another unit.",
            )
    return found


def frame_labels(
    X: Sequences, events: Sequence[Sequence[Event]], *, background: Any = "none"
) -> list[Shaped[np.ndarray, " time"]]:
    """One class for each frame of each recording: the label of the event that it lies in.

    Args:
        X: Frames of recordings, as `Sounds.frames` gives them: frame `t` is about `t / X.rate_hz` seconds.
        events: The events of each recording.
        background: The class of frames in no event.

    Returns:
        A list of one `(time,)` array a recording: what taggers take as `y`.

    Raises:
        InputError: The recordings are not as many, the frames have no rate, or events of different labels
            overlap.

    Example:
        >>> from antiphon.audio import Event
        >>> from antiphon.data import Sounds
        >>> X = Sounds([np.sin(np.arange(800))], 8000).frames("level")
        >>> frame_labels(X, [[Event(0.02, 0.05, "tone")]])[0].tolist()[:6]
        ['none', 'none', 'tone', 'tone', 'tone', 'none']
    """
    from antiphon.audio import events_to_tags

    if len(events) != len(X):
        raise InputError(
            f"Events of {len(events)} recordings, and frames of {len(X)}.",
            "The events of each recording.",
            "Give an empty list for a recording without events.",
        )
    if X.rate_hz is None:
        raise InputError(
            "Frames whose rate is not known.", "Frames a second.", "Make them with Sounds.frames."
        )
    return [
        events_to_tags(own, int(length), X.rate_hz, background=background)
        for own, length in zip(events, X.lengths, strict=True)
    ]
