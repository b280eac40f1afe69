"""What the sections on recordings and on speakers show, made ready for the page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from antiphon.report._player import wav_uris
from antiphon.report._result import Confusion, RunResult
from antiphon.report._sound_result import Recording, SoundLook
from antiphon.report._verdict import number, plural

OPEN = 4  # drawings that are unfolded from the start
MOST_CONFUSIONS = 8  # speakers whose own confusion matrix is drawn


@dataclass(frozen=True)
class Heard:
    """A recording on the page: what is said of it, its player, its drawing."""

    recording: Recording
    uri: str
    verdict: str
    right: bool | None
    plot: str = ""
    words: str = ""
    is_open: bool = False


@dataclass(frozen=True)
class SoundSection:
    """All of the section on recordings."""

    looks: tuple[Heard, ...]
    more: tuple[Heard, ...]
    told: str


def sound_section(result: RunResult) -> SoundSection | None:
    """Drawings with players, then players alone; as many players as there is room for."""
    from antiphon.report._sound_plot import sound_plot

    listening = result.listening
    if not listening.looks:
        return None
    recordings = [*(look.recording for look in listening.looks), *listening.more]
    uris = wav_uris(recordings)
    count = len(listening.looks)
    task = result.data.task
    looks = [
        Heard(look.recording, uri, *_verdict(look.recording, task), sound_plot(look), _words(look, task))
        for look, uri in zip(listening.looks, uris[:count], strict=True)
    ]
    # What went wrong is what a reader comes for.
    order = sorted(range(count), key=lambda i: (looks[i].right is not False, i))
    unfolded = set(order[:OPEN])
    more = [
        Heard(recording, uri, *_verdict(recording, task))
        for recording, uri in zip(listening.more, uris[count:], strict=True)
        if uri
    ]
    return SoundSection(
        tuple(Heard(**{**vars(heard), "is_open": i in unfolded}) for i, heard in enumerate(looks)),
        tuple(more),
        _told(result, looks, len(more)),
    )


_CHOSEN = {
    "classification": "Of each class the surest hit, and the mistake that the program was surest of.",
    "regression": "Those with the smallest and with the largest errors.",
    "tagging": "Those with the fewest and with the most wrong frames.",
}


def _told(result: RunResult, looks: list[Heard], more: int) -> str:
    """Which recordings are here, and how many are not."""
    listening, task = result.listening, result.data.task
    parts = [
        _CHOSEN[task],
        f"Drawn are {len(looks)} of {plural(listening.tested, 'recording')} of the test split.",
    ]
    if task == "classification" and listening.mistakes:
        drawn = sum(heard.right is False for heard in looks)
        left = listening.mistakes - drawn - more
        text = f"{plural(listening.mistakes, 'mistake')}: {drawn} drawn"
        text += f", {more} more to listen to below" if more else ""
        parts.append(text + (f", {left} left out" if left > 0 else "") + ".")
    if silent := sum(not heard.uri for heard in looks):
        parts.append(f"{plural(silent, 'drawing')} without a player: the page would be too large.")
    return " ".join([*parts, listening.note]).strip()


def _verdict(recording: Recording, task: str) -> tuple[str, bool | None]:
    chance = "" if recording.probability is None else f" (probability {number(recording.probability)})"
    if task == "tagging" or not recording.predicted_label:
        return recording.remark, None
    if task == "regression":
        return f"predicted {recording.predicted_label}, true {recording.true_label}", None
    if recording.predicted_label == recording.true_label:
        return f"✓ {recording.predicted_label}{chance}", True
    return f"✗ predicted {recording.predicted_label}{chance}, true {recording.true_label}", False


def _words(look: SoundLook, task: str) -> str:
    """The drawing in words, for who cannot see it."""
    from antiphon.report._sound_plot import taken_words

    recording = look.recording
    text = f"Spectrogram of {recording.name}, {recording.seconds:.2f} s"
    if recording.whole is not None:
        text += f" from {recording.start:.2f} s on, of {recording.whole:.2f} s in all"
    parts = [text]
    parts += [
        words
        for stream in look.streams
        for taken in stream.taken
        if (words := taken_words(taken, is_number=task == "regression"))
    ]
    course = look.course
    if course is not None and course.said and not course.by_frame:
        changes = [i for i in range(len(course.said)) if i == 0 or course.said[i] != course.said[i - 1]]
        told = [f"{course.said[i]} from {course.seconds[i]:.2f} s on" for i in changes[:8]]
        parts.append("decision: " + ", ".join(told) + (", ..." if len(changes) > 8 else ""))
    for name, events in (("true", look.true_events), ("predicted", look.predicted_events)):
        if events:
            told = [f"{label} {onset:.2f}-{offset:.2f} s" for label, onset, offset in events[:12]]
            parts.append(f"{name} events: " + ", ".join(told) + (", ..." if len(events) > 12 else ""))
    return ". ".join(parts) + "."


@dataclass(frozen=True)
class SubjectRow:
    """A speaker or subject as a row of the table."""

    name: str
    cases: int
    score: float
    in_training: bool
    mistake: str


@dataclass(frozen=True)
class SubjectSection:
    """All of the section on speakers or subjects."""

    noun: str
    rows: tuple[SubjectRow, ...]
    left_out: int
    plot: Markup
    confusions: tuple[tuple[str, Markup], ...]


def subject_section(result: RunResult) -> SubjectSection | None:
    """A table, a plot, and the confusion matrix of each of those who do worst."""
    from antiphon.report._plots import confusion_plot
    from antiphon.report._subjects_plot import MOST_SUBJECTS, subjects_plot

    subjects, classes = result.subjects, result.data.class_names
    if not subjects.scores:
        return None
    shown = subjects.scores[:MOST_SUBJECTS]
    return SubjectSection(
        subjects.noun,
        tuple(
            SubjectRow(one.name, one.cases, one.score, one.in_training, _mistake(one.matrix, classes))
            for one in shown
        ),
        len(subjects.scores) - len(shown),
        subjects_plot(subjects, classes, result.metric),
        tuple(
            (one.name, confusion_plot(Confusion(one.matrix, classes)))
            for one in shown[:MOST_CONFUSIONS]
            if one.matrix is not None and len(subjects.scores) > 1
        ),
    )


def _mistake(matrix: np.ndarray | None, classes: tuple[str, ...]) -> str:
    """The most frequent confusion in words."""
    if matrix is None:
        return ""
    wrong = np.array(matrix)
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return "none"
    i, j = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return f"{classes[i]} taken for {classes[j]} ({wrong[i, j]} of {int(matrix[i].sum())})"
