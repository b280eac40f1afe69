"""A model that listens: samples in as they come, decisions out, in memory that does not grow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from antiphon.audio import SoundStream
from antiphon.errors import InputError
from antiphon.estimators._stream import model_stream


@dataclass(frozen=True)
class Decision:
    """What a model says at a moment.

    Attributes:
        seconds: The moment of the last frame that it is about, in seconds from the start.
        label: The class, or for a regression the number: of this frame where the model is a tagger, of all
            that was heard until then where it is not.
        probabilities: Of each class, in the order of `classes_`; empty for a regression.
    """

    seconds: float
    label: Any
    probabilities: tuple[float, ...] = ()


class Listener:
    """Feeds sound to a fitted model as it comes, and gives its decisions.

    They are those of `predict` for all that was heard, but are there as soon as the frames are. A tagger
    decides at each frame. Any other model decides at the end over all frames, and with `every_seconds` in
    between over the frames so far.

    Args:
        model: A fitted estimator that knows how its frames are made of sound (`sound_`): of a program that
            looks at the past only, or of a recurrent network that reads forward.
        every_seconds: How often it decides; a tagger at each frame if None, any other model at the end only.
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

    def __init__(self, model: Any, *, every_seconds: float | None = None, block_seconds: float = 0.1) -> None:
        check_is_fitted(model)
        if model.sound_ is None:
            raise InputError(
                f"{type(model).__name__} was not fitted on sound, but on frames of "
                f"{', '.join(model.features_.names[:5])}{', ...' if len(model.features_) > 5 else ''}.",
                "A model that knows how its frames are made of sound.",
                "Learn one on recordings, or on what Sounds.frames gives.",
            )
        if every_seconds is not None and not every_seconds > 0:
            raise InputError(f"every_seconds={every_seconds!r}.", "A positive number, or None.", "Use 1.0.")
        self._sound = SoundStream(model.sound_, block_seconds=block_seconds)
        stream = model_stream(model)
        self._model, self._state, self._advance = model, stream.initial, stream.advance
        self._period = (
            None if every_seconds is None else max(1, round(every_seconds * model.sound_.frames_hz))
        )
        self._last: np.ndarray | None = None
        self.compile_seconds = self._compile(block_seconds)

    @property
    def latency_seconds(self) -> float:
        """How long after a moment the sound must go on until its decision is known."""
        return self._sound.latency_seconds

    @property
    def rate_hz(self) -> float:
        """Samples a second of the sound that it takes."""
        return self._sound.features.rate_hz

    @property
    def samples(self) -> int:
        """How many samples were heard."""
        return self._sound.samples

    @property
    def frames(self) -> int:
        """How many frames were read by the model."""
        return self._sound.frames

    def feed(self, samples: Float[np.ndarray, " sample"]) -> list[Decision]:
        """Hear what comes next.

        Args:
            samples: `(sample,)`, floats from -1 to 1, at the rate of the model; any number of them.

        Returns:
            The decisions that are known now and were not before; perhaps none.

        Raises:
            InputError: If the samples are not one channel of finite floats, or the sound has ended.
        """
        first = self.frames
        return self._decided(self._scores(self._sound.feed(samples)), first)

    def finish(self) -> list[Decision]:
        """The decisions that waited for more; the last one is about all that was heard.

        Raises:
            InputError: If less than a frame was heard, or the sound has ended already.
        """
        first = self.frames
        scores = self._scores(self._sound.finish())
        features = self._sound.features
        if self.samples < features.frame_length:
            raise InputError(
                f"{self.samples} samples, which is shorter than a frame.",
                f"At least {features.frame_length} samples ({features.frame_seconds:g} s).",
                "Let the sound go on for longer.",
            )
        found = self._decided(scores, first)
        if self._model.task != "tagging":
            assert self._last is not None
            found += self._at(np.array([self.frames - 1]), self._last[None])
        return found

    def _scores(self, frames: np.ndarray) -> np.ndarray:
        """The scores after each frame."""
        many, found = self._sound.block_frames, []
        for first in range(0, len(frames), many):
            part = frames[first : first + many]
            padded = np.zeros((many, frames.shape[1]), np.float32)
            padded[: len(part)] = part
            self._state, scores = self._advance(self._state, padded, np.arange(many) < len(part))
            found.append(np.asarray(scores)[: len(part)])
        if not found:
            return np.zeros((0, self._model.output_.scores), np.float32)
        self._last = found[-1][-1]
        return np.concatenate(found)

    def _decided(self, scores: np.ndarray, first: int) -> list[Decision]:
        """The decisions among the frames from `first` on that are wanted."""
        numbers = np.arange(first, first + len(scores))
        if self._period is not None:
            chosen = (numbers % self._period == 0) & (numbers > 0)
        elif self._model.task == "tagging":
            chosen = np.ones(len(scores), bool)
        else:
            return []
        return self._at(numbers[chosen], scores[chosen])

    def _at(self, numbers: np.ndarray, scores: np.ndarray) -> list[Decision]:
        model, output = self._model, self._model.output_
        moments = (numbers / model.sound_.frames_hz).tolist()
        labels = output.decide(scores)
        if model.task == "regression":
            return [Decision(*one) for one in zip(moments, labels.tolist(), strict=True)]
        labels = labels.astype(model.classes_.dtype).tolist()
        chances = map(tuple, output.probabilities(scores).tolist())
        return [Decision(*one) for one in zip(moments, labels, chances, strict=True)]

    def _compile(self, block_seconds: float) -> float:
        """Run all once on silence; how long it took."""
        start = time.perf_counter()
        trial = SoundStream(self._sound.features, block_seconds=block_seconds)
        trial.feed(np.zeros(self._sound.features.frame_length, np.float32))
        trial.finish()
        many = trial.block_frames
        silence = np.zeros((many, len(trial.features.names)), np.float32)
        self._advance(self._state, silence, np.zeros(many, bool))
        return time.perf_counter() - start
