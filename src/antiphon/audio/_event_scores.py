"""How well events were found: event by event, as DCASE and sed_eval count, and frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from antiphon.audio._events import BACKGROUND, Event
from antiphon.errors import InputError

_ROUNDING = 1e-9  # Seconds: a distance of exactly a collar is within it.


@dataclass(frozen=True)
class EventScores:
    """How many events there are, how many were found, and how many of these are right.

    Attributes:
        true: Events that there are.
        found: Events that were found.
        matched: Pairs of both.
        by_label: F1 of each label.

    Example:
        >>> EventScores(4, 2, 2).precision, EventScores(4, 2, 2).recall, round(EventScores(4, 2, 2).f1, 3)
        (1.0, 0.5, 0.667)
    """

    true: int
    found: int
    matched: int
    by_label: Mapping[Any, float] = field(default_factory=dict)

    @property
    def precision(self) -> float:
        """Share of the found events that are right; 1 where none was found."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the events that were found; 1 where there is none."""
        return self.matched / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both, over all events together; 1 where there was nothing to find or say."""
        total = self.true + self.found
        return 2 * self.matched / total if total else 1.0


def event_scores(
    true: Sequence[Sequence[Event]],
    found: Sequence[Sequence[Event]],
    *,
    onset_collar: float = 0.2,
    offset_collar: float | None = 0.2,
    offset_share: float = 0.2,
) -> EventScores:
    """Event-based scores (Mesaros, Heittola and Virtanen 2016), of the events of many recordings.

    A found event is right if there is one of its label in the recording whose onset is within a collar, and
    whose offset is within a collar or a share of its length, whichever is more. Each event has one partner at
    most; of all pairings one with most pairs counts, as in sed_eval.

    Args:
        true: The events of each recording.
        found: Those that were found, of the same recordings in the same order.
        onset_collar: In seconds.
        offset_collar: In seconds; None where the offset does not matter.
        offset_share: Of the length of the true event.

    Raises:
        InputError: If the recordings are not as many, one is no list of events, or a collar is below 0.

    Example:
        >>> true, found = [Event(1.0, 3.0, "dog")], [Event(1.1, 3.4, "dog"), Event(4.0, 5.0, "dog")]
        >>> scores = event_scores([true], [found])
        >>> scores.precision, scores.recall
        (0.5, 1.0)
    """
    if len(true) != len(found):
        raise InputError(
            f"True events of {len(true)} recordings, and found ones of {len(found)}.",
            "The same recordings, in one order.",
            "Give an empty list for a recording without events.",
        )
    for events in (*true, *found):
        wrong = (
            [e for e in events if not isinstance(e, Event)] if isinstance(events, list | tuple) else [events]
        )
        if wrong:
            raise InputError(
                f"{wrong[0]!r} where the events of a recording should be.",
                "A list of events for each recording.",
                "Put the events of one recording into a list: [[Event(...), ...]].",
            )
    if min(onset_collar, offset_collar or 0.0, offset_share) < 0:
        raise InputError(
            f"{onset_collar=}, {offset_collar=} and {offset_share=}.", "Numbers from 0 up.", "Correct them."
        )
    counts: dict[Any, np.ndarray] = {}
    for right, said in zip(true, found, strict=True):
        for label in {event.label for event in (*right, *said)}:
            ours = [event for event in right if event.label == label]
            theirs = [event for event in said if event.label == label]
            pairs = _pairs(ours, theirs, onset_collar, offset_collar, offset_share)
            counts.setdefault(label, np.zeros(3, int))[:] += (len(ours), len(theirs), pairs)

    def scores(three: np.ndarray, by_label: Mapping[Any, float]) -> EventScores:
        ours, theirs, pairs = three.tolist()
        return EventScores(ours, theirs, pairs, by_label)

    by_label = {label: scores(counts[label], {}).f1 for label in sorted(counts, key=str)}
    return scores(sum(counts.values(), np.zeros(3, int)), by_label)


def _pairs(
    true: Sequence[Event], found: Sequence[Event], onset: float, offset: float | None, share: float
) -> int:
    """The most pairs that there can be."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if not true or not found:
        return 0
    ours, theirs = (np.array([(event.onset, event.offset) for event in part]) for part in (true, found))
    apart = np.abs(ours[:, None, :] - theirs[None, :, :])
    fit = apart[:, :, 0] <= onset + _ROUNDING
    if offset is not None:
        room = np.maximum(offset, share * (ours[:, 1] - ours[:, 0]))
        fit &= apart[:, :, 1] <= room[:, None] + _ROUNDING
    return int((maximum_bipartite_matching(csr_array(fit), perm_type="column") >= 0).sum())


def frame_f1(true: Sequence[Any], said: Sequence[Any], *, background: Any = BACKGROUND) -> float:
    """F1 over all frames of all recordings, of the classes that are not the background.

    Args:
        true: One `(time,)` array of classes a recording.
        said: The same of a model.
        background: The class of frames without an event.

    Returns:
        From 0 to 1; 1 where there was nothing to find or say.

    Raises:
        InputError: If recordings or frames are not as many.

    Example:
        >>> frame_f1([["none", "dog", "dog"]], [["none", "none", "dog"]])
        0.6666666666666666
    """
    sizes = [[len(tags) for tags in part] for part in (true, said)]
    if sizes[0] != sizes[1]:
        raise InputError(
            f"{sum(sizes[0])} true frames of {len(true)} recordings, and {sum(sizes[1])} of {len(said)}.",
            "The same frames.",
            "Check that both come from the same recordings.",
        )
    right, wrong = 0, 0
    for ours, theirs in zip(map(np.asarray, true), map(np.asarray, said), strict=True):
        here, there = ours != background, theirs != background
        same = (ours == theirs) & here
        right += 2 * int(same.sum())
        wrong += int(here.sum() + there.sum()) - 2 * int(same.sum())
    return right / (right + wrong) if right + wrong else 1.0
