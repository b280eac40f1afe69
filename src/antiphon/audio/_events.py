"""Events in seconds, from classes or probabilities of frames and back.

Frame `t` is about the moment `t / frames_hz`. An event holds the frames whose moments lie in it, its onset
included; a run of frames reaches half a frame beyond its first and its last moment. So tags become events and
are the same tags again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from antiphon.errors import InputError

BACKGROUND = "none"


@dataclass(frozen=True, order=True)
class Event:
    """Something that goes on from one moment to another.

    Args:
        onset: Its beginning, in seconds.
        offset: Its end, in seconds.
        label: What it is.

    Raises:
        InputError: If it does not end after it begins, or begins before 0.

    Example:
        >>> Event(0.5, 1.25, "speech").seconds
        0.75
    """

    onset: float
    offset: float
    label: Any

    def __post_init__(self) -> None:
        if not 0 <= self.onset < self.offset < float("inf"):
            raise InputError(
                f"An event {self.label!r} from {self.onset:g} s to {self.offset:g} s.",
                "An onset from 0 s up, and an offset after it.",
                "Correct the event.",
            )

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.offset - self.onset


@dataclass(frozen=True)
class EventRules:
    """How the probabilities of frames become events. What is done stands in this order.

    Args:
        median_seconds: Probabilities are replaced by the median of a window of so many seconds around them.
        threshold: An event has a probability above this somewhere.
        release: It goes on, before and after, while the probability is above this (hysteresis); None for the
            threshold itself.
        gap_seconds: Two events of a label are one where no more than this is between them.
        least_seconds: Shorter events are dropped.

    Raises:
        InputError: If a number makes no sense.

    Example:
        >>> EventRules(threshold=0.6, release=0.3, least_seconds=0.1).release
        0.3
    """

    median_seconds: float = 0.0
    threshold: float = 0.5
    release: float | None = None
    gap_seconds: float = 0.0
    least_seconds: float = 0.0

    def __post_init__(self) -> None:
        low = self.threshold if self.release is None else self.release
        if not 0 <= low <= self.threshold < 1:
            raise InputError(
                f"threshold={self.threshold} and release={self.release}.",
                "Probabilities below 1, the release not above the threshold.",
                "Correct them, or leave the release out.",
            )
        spans = (self.median_seconds, self.gap_seconds, self.least_seconds)
        if not all(0 <= span < float("inf") for span in spans):
            raise InputError(
                f"median_seconds, gap_seconds and least_seconds of {', '.join(map(str, spans))}.",
                "Seconds from 0 up.",
                "Correct them.",
            )

    def active(
        self, probabilities: Float[np.ndarray, "time label"], frames_hz: float
    ) -> Bool[np.ndarray, "time label"]:
        """At which frames there is an event of each label.

        Args:
            probabilities: `(time, label)`, from 0 to 1.
            frames_hz: Frames a second.

        Example:
            >>> rules = EventRules(threshold=0.6, release=0.3)
            >>> rules.active(np.array([[0.4], [0.7], [0.4], [0.1], [0.4]]), 100.0)[:, 0].tolist()
            [True, True, True, False, False]
        """
        values = np.asarray(probabilities, np.float64)
        half = round(self.median_seconds * frames_hz) // 2
        if half:
            from scipy.ndimage import median_filter

            values = median_filter(values, (2 * half + 1, 1), mode="nearest")
        low = self.threshold if self.release is None else self.release
        found = np.zeros(values.shape, bool)
        for label in range(values.shape[1]):
            column = values[:, label]
            spans = [
                span for span in runs(column > low) if (column[span[0] : span[1]] > self.threshold).any()
            ]
            spans = _joined(spans, self.gap_seconds * frames_hz + 1e-6)
            for first, stop in spans:
                if stop - first >= self.least_seconds * frames_hz - 1e-6:
                    found[first:stop, label] = True
        return found


def runs(active: Bool[np.ndarray, " time"]) -> list[tuple[int, int]]:
    """The first frame of each run of true ones, and the frame after its last.

    Example:
        >>> runs(np.array([True, True, False, True]))
        [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(np.int8)))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def _joined(spans: Sequence[tuple[int, int]], gap: float) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, stop in spans:
        if joined and first - joined[-1][1] <= gap:
            first = joined.pop()[0]
        joined.append((first, stop))
    return joined


def find_events(
    probabilities: Float[Any, "time label"],
    labels: Sequence[Any],
    frames_hz: float,
    rules: EventRules | None = None,
) -> tuple[Event, ...]:
    """Events from the probability of each label at each frame. Events of different labels may overlap.

    Args:
        probabilities: `(time, label)`, from 0 to 1.
        labels: What each column is.
        frames_hz: Frames a second.
        rules: How probabilities become events; a threshold of 0.5 by default.

    Returns:
        Events, by onset.

    Raises:
        InputError: If shapes do not fit, or the rate is not above 0.

    Example:
        >>> find_events([[0.1], [0.9], [0.8], [0.2]], ["speech"], 10.0)
        (Event(onset=0.05, offset=0.25, label='speech'),)
    """
    values = np.asarray(probabilities, np.float64)
    if values.ndim != 2 or values.shape[1] != len(labels) or not np.isfinite(values).all():
        raise InputError(
            f"Probabilities of shape {values.shape} for {len(labels)} labels.",
            f"Finite numbers of shape (time, {len(labels)}).",
            "Give one column a label.",
        )
    _check_rate(frames_hz)
    active = (rules or EventRules()).active(values, frames_hz)
    found = [
        Event(max(0.0, (first - 0.5) / frames_hz), (stop - 0.5) / frames_hz, label)
        for column, label in enumerate(labels)
        for first, stop in runs(active[:, column])
    ]
    return tuple(sorted(found, key=lambda event: (event.onset, event.offset, str(event.label))))


def tags_to_events(
    tags: Shaped[Any, " time"],
    frames_hz: float,
    *,
    background: Any = BACKGROUND,
    rules: EventRules | None = None,
) -> tuple[Event, ...]:
    """Events from one class a frame.

    Args:
        tags: `(time,)`.
        frames_hz: Frames a second.
        background: The class of frames without an event; None where there is none.
        rules: How frames become events: each class is taken for a probability of 0 or 1.

    Example:
        >>> tags_to_events(["none", "dog", "dog", "none"], 10.0)
        (Event(onset=0.05, offset=0.25, label='dog'),)
    """
    values = np.asarray(tags)
    labels = [label for label in np.unique(values).tolist() if background is None or label != background]
    there = np.stack([values == label for label in labels], axis=1) if labels else np.zeros((len(values), 0))
    return find_events(there, labels, frames_hz, rules)


def events_to_tags(
    events: Iterable[Event], time: int, frames_hz: float, *, background: Any = BACKGROUND
) -> Shaped[np.ndarray, " time"]:
    """One class a frame: the label of the event that its moment lies in.

    Args:
        events: In any order; those after the last frame do not count.
        time: How many frames there are.
        frames_hz: Frames a second.
        background: The class of frames in no event.

    Raises:
        InputError: If two events of different labels overlap, for a frame has one class, or if the background
            is text and labels are not, or the other way round.

    Example:
        >>> events_to_tags([Event(0.1, 0.25, "dog")], 4, 10.0).tolist()
        ['none', 'dog', 'dog', 'none']
    """
    _check_rate(frames_hz)
    ordered = sorted(events, key=lambda event: event.onset)
    latest: dict[Any, Event] = {}
    for event in ordered:
        for label, other in latest.items():
            if label != event.label and event.onset < other.offset - 1e-9:
                raise InputError(
                    f"The event {other.label!r} until {other.offset:g} s, and {event.label!r} from "
                    f"{event.onset:g} s on.",
                    "One label at a time: a frame has one class.",
                    "Learn one model a label, or cut one of the events.",
                )
        if event.label not in latest or latest[event.label].offset < event.offset:
            latest[event.label] = event
    names = [background, *(event.label for event in ordered)]
    if len({isinstance(name, str) for name in names}) > 1:
        raise InputError(
            f"The background {background!r} and events of the label {ordered[0].label!r}.",
            "Either texts or numbers as classes.",
            "Give a background of the kind of the labels (background=0).",
        )
    numbers = np.zeros(time, np.int64)
    # A moment that is an onset but for rounding belongs to the event.
    moments = np.arange(time) + 1e-6
    for number, event in enumerate(ordered, 1):
        first, stop = np.searchsorted(moments, [event.onset * frames_hz, event.offset * frames_hz])
        numbers[first:stop] = number
    return np.asarray(names)[numbers]


def _check_rate(frames_hz: float) -> None:
    if not 0 < frames_hz < float("inf"):
        raise InputError(
            f"frames_hz={frames_hz!r}.", "Frames a second, above 0.", "Take X.rate_hz of the frames."
        )
