"""A model that listens: samples in as they come, decisions out, in memory that does not grow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from antiphon.errors import InputError
from antiphon.estimators._hearing import Following, Windows


@dataclass(frozen=True)
class Decision:
    """What a model says at a moment.

    Attributes:
        seconds: The moment of the last frame that it is about, in seconds from the start.
        label: The class, or for a regression the number: of this frame where the model is a tagger, else of
            all that was heard until then, or of the window.
        probabilities: Of each class, in the order of `classes_`; empty for a regression.
    """

    seconds: float
    label: Any
    probabilities: tuple[float, ...] = ()


class Listener:
    """Feeds sound to a fitted model as it comes, and gives its decisions.

    They are those of `predict` for all that was heard, but are there as soon as the frames are. A tagger
    decides at each frame. Any other model decides at the end over all frames, and with `every_seconds` in
    between over the frames so far. With `window_seconds` it decides again and again about the last seconds,
    each time as `predict` does for a recording of these seconds; so any program or network can.

    Args:
        model: A fitted estimator that knows how its frames are made of sound (`sound_`): without a window of
            a program that looks at the past only, or of a recurrent network that reads forward.
        every_seconds: How often it decides. By default a tagger at each frame, any other model at the end
            only, and with windows each time when half a window is new.
        window_seconds: How long a window is; None for none. Taggers have none.
        block_seconds: How much sound is brought at a time, more or less (see `antiphon.audio.SoundStream`).

    Attributes:
        latency_seconds: How long after a moment the sound must go on until its decision is known.
        compile_seconds: How long it took to compile the model, before any sound.

    Raises:
        InputError: The model was not fitted on sound, also reads backward, has no form in which it goes frame
            by frame, has features that need the whole recording, or a setting makes no sense.
        ExportError: Its program has a word that needs frames that are yet to come; the message names it.

    Example:
        >>> from antiphon.data import synthetic_sounds
        >>> from antiphon.estimators import RecurrentClassifier
        >>> made = synthetic_sounds(["tone", "noise"], each=2)
        >>> model = RecurrentClassifier(hidden=2, epochs=1, bidirectional=False, random_state=0)
        >>> listener = Listener(model.fit(made.frames("level"), made.labels))
        >>> first, second = np.array_split(made[0], 2)
        >>> decisions = listener.feed(first) + listener.feed(second) + listener.finish()
        >>> [one.label for one in decisions] == model.predict(made[:1]).tolist()
        True
    """

    def __init__(
        self,
        model: Any,
        *,
        every_seconds: float | None = None,
        window_seconds: float | None = None,
        block_seconds: float = 0.1,
    ) -> None:
        check_is_fitted(model)
        if model.task not in ("classification", "regression", "tagging"):
            raise InputError(
                f"A {type(model).__name__}, whose answer is no class and no number.",
                "A classifier, a regressor or a tagger.",
                "Learn one of these.",
            )
        if model.sound_ is None:
            raise InputError(
                f"{type(model).__name__} was not fitted on sound, but on frames of "
                f"{', '.join(model.features_.names[:5])}{', ...' if len(model.features_) > 5 else ''}.",
                "A model that knows how its frames are made of sound.",
                "Learn one on recordings, or on what Sounds.frames gives.",
            )
        if every_seconds is not None and not 0 < every_seconds < float("inf"):
            raise InputError(f"every_seconds={every_seconds!r}.", "A positive number, or None.", "Use 1.0.")
        self._model = model
        self._hearing: Following | Windows
        if window_seconds is None:
            self._hearing = Following(model, every_seconds, block_seconds)
        else:
            self._hearing = Windows(model, every_seconds, window_seconds)
        start = time.perf_counter()
        self._hearing.try_out()
        self.compile_seconds = time.perf_counter() - start

    @property
    def latency_seconds(self) -> float:
        """How long after a moment the sound must go on until its decision is known."""
        return self._hearing.latency_seconds

    @property
    def rate_hz(self) -> float:
        """Samples a second of the sound that it takes."""
        return self._model.sound_.rate_hz

    @property
    def samples(self) -> int:
        """How many samples were heard."""
        return self._hearing.samples

    @property
    def frames(self) -> int:
        """How many frames were read by the model."""
        return self._hearing.frames

    def feed(self, samples: Float[np.ndarray, " sample"]) -> list[Decision]:
        """Hear what comes next.

        Args:
            samples: `(sample,)`, floats from -1 to 1, at the rate of the model; any number of them.

        Returns:
            The decisions that are known now and were not before; perhaps none.

        Raises:
            InputError: If the samples are not one channel of finite floats, or the sound has ended.
        """
        return self._decided(*self._hearing.feed(samples))

    def finish(self) -> list[Decision]:
        """The decisions that waited for more; the last one is about all that was heard, or the last window.

        Raises:
            InputError: If less than a frame was heard, or the sound has ended already.
        """
        return self._decided(*self._hearing.finish())

    def _decided(self, moments: np.ndarray, scores: np.ndarray) -> list[Decision]:
        if not len(moments):
            return []
        output = self._model.output_
        labels = output.decide(scores)
        if self._model.task == "regression":
            return [Decision(*one) for one in zip(moments.tolist(), labels.tolist(), strict=True)]
        labels = labels.astype(self._model.classes_.dtype).tolist()
        chances = map(tuple, output.probabilities(scores).tolist())
        return [Decision(*one) for one in zip(moments.tolist(), labels, chances, strict=True)]
