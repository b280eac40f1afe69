"""What a tagger found in recordings, as events in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from antiphon.data import Sequences, as_sequences
from antiphon.errors import InputError
from antiphon.estimators._base import SequenceEstimator

if TYPE_CHECKING:
    from antiphon.audio import Event, EventRules


def predict_events(
    model: SequenceEstimator, X: Any, *, rules: EventRules | None = None, background: Any = "none"
) -> list[tuple[Event, ...]]:
    """The events that a fitted tagger finds.

    Args:
        model: A fitted `ProgramTagger`, `NetworkTagger`, `RecurrentTagger` or `CRFTagger`.
        X: Recordings (`Sounds`, or paths) for a model that was fitted on their frames; or frames.
        rules: How probabilities of frames become events. By default the classes that `predict` says are
            taken as they are.
        background: The class of frames without an event; None where every frame is in one.

    Returns:
        The events of each recording, in seconds, by onset.

    Raises:
        InputError: If the model tags no frames, the background is none of its classes, or nobody knows how
            many frames a second there are.

    Example:
        >>> from antiphon.data import Sounds, frame_labels
        >>> from antiphon.audio import Event
        >>> from antiphon.estimators import CRFTagger
        >>> X = Sounds([np.sin(np.arange(1600.0))] * 4, 8000).frames("level")
        >>> y = frame_labels(X, [[Event(0.1, 0.2, "tone")]] * 4)
        >>> model = CRFTagger("rnn", {"hidden": 2}, epochs=2, random_state=0).fit(X, y)
        >>> len(predict_events(model, X))
        4
    """
    from antiphon.audio import find_events, tags_to_events

    check_is_fitted(model)
    if model.task != "tagging":
        raise InputError(
            f"Events of a {type(model).__name__}.",
            "A tagger: a model that says a class at every frame.",
            "Fit a ProgramTagger, NetworkTagger or CRFTagger on frames and events.",
        )
    classes: list[Any] = model.classes_.tolist()  # type: ignore[attr-defined]
    if background is not None and background not in classes:
        raise InputError(
            f"The background {background!r}, and the classes {', '.join(map(str, classes))}.",
            "One of them, or None where every frame is in an event.",
            "Pass background=..., the class of frames without an event.",
        )
    cases = X if isinstance(X, Sequences) else as_sequences(model._heard(X, reset=False), layout=model.layout)
    hz = cases.rate_hz or model.rate_hz_
    if hz is None:
        raise InputError(
            "Frames whose rate is not known.",
            "Frames a second.",
            "Fit on recordings, or pass rate_hz to as_sequences.",
        )
    if rules is None:
        return [tags_to_events(tags, hz, background=background) for tags in model.predict(cases)]
    kept = [number for number, label in enumerate(classes) if label != background]
    shares: Any = model.predict_proba(cases)  # type: ignore[attr-defined]
    return [
        find_events(np.asarray(rows)[:, kept], [classes[number] for number in kept], hz, rules)
        for rows in shares
    ]
