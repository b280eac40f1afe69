"""Two ways to hear a sound that goes on: frame by frame, and in windows that overlap."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from antiphon.audio import SoundFeatures, SoundStream, check_samples
from antiphon.errors import ExportError, InputError
from antiphon.estimators._export import model_function
from antiphon.estimators._network import NetworkEstimator
from antiphon.estimators._program import ProgramClassifier, ProgramRegressor
from antiphon.estimators._reservoir import ReservoirClassifier
from antiphon.estimators._stream import model_stream

Scored = tuple[Float[np.ndarray, " moment"], Float[np.ndarray, "moment score"]]
_WHOLE = (ProgramClassifier, ProgramRegressor, NetworkEstimator, ReservoirClassifier)

OR_A_WINDOW = ". Or let it hear the last second again and again: window_seconds=1.0 (--window 1)."


class Following:
    """Frame by frame: the model keeps a state, and its scores are about all that was heard, or of a frame."""

    def __init__(self, model: Any, every_seconds: float | None, block_seconds: float) -> None:
        self._model, self._block = model, block_seconds
        try:
            self._sound = SoundStream(model.sound_, block_seconds=block_seconds)
            stream = model_stream(model)
        except (InputError, ExportError) as error:
            if model.task == "tagging" or not isinstance(model, _WHOLE) or not block_seconds > 0:
                raise  # A window would not help.
            advice = error.advice.rstrip(".") + OR_A_WINDOW
            raise type(error)(error.got, error.expected, advice) from error
        self._state, self._advance = stream.initial, stream.advance
        hz = model.sound_.frames_hz
        self._period = None if every_seconds is None else max(1, round(every_seconds * hz))
        self._last: np.ndarray | None = None

    @property
    def latency_seconds(self) -> float:
        return self._sound.latency_seconds

    @property
    def samples(self) -> int:
        return self._sound.samples

    @property
    def frames(self) -> int:
        return self._sound.frames

    def feed(self, samples: Any) -> Scored:
        first = self.frames
        return self._wanted(self._scores(self._sound.feed(samples)), first)

    def finish(self) -> Scored:
        first = self.frames
        scores = self._scores(self._sound.finish())
        check_long_enough(self.samples, self._model.sound_)
        moments, found = self._wanted(scores, first)
        if self._model.task == "tagging":
            return moments, found
        assert self._last is not None
        end = (self.frames - 1) / self._model.sound_.frames_hz
        return np.append(moments, end), np.concatenate([found, self._last[None]])

    def try_out(self) -> None:
        trial = SoundStream(self._sound.features, block_seconds=self._block)
        trial.feed(np.zeros(trial.features.frame_length, np.float32))
        trial.finish()
        silence = np.zeros((trial.block_frames, len(trial.features.names)), np.float32)
        self._advance(self._state, silence, np.zeros(len(silence), bool))

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

    def _wanted(self, scores: np.ndarray, first: int) -> Scored:
        """The moments from the frame `first` on that are asked for."""
        numbers = np.arange(first, first + len(scores))
        if self._period is not None:
            chosen = (numbers % self._period == 0) & (numbers > 0)
        else:
            chosen = np.full(len(scores), self._model.task == "tagging")
        return numbers[chosen] / self._model.sound_.frames_hz, scores[chosen]


class Windows:
    """The last seconds again and again, each time as a recording of its own."""

    latency_seconds = 0.0  # Nothing of what a window has not is waited for.

    def __init__(self, model: Any, every_seconds: float | None, window_seconds: float) -> None:
        sound, name = model.sound_, type(model).__name__
        if model.task == "tagging" or not isinstance(model, _WHOLE):
            raise InputError(
                f"A window for a {name}, which is no program or network that says one class or number of a "
                "recording.",
                "A model of this kind, or no window.",
                "Leave window_seconds (--window) out, or learn such a model.",
            )
        if not sound.frame_seconds <= window_seconds < float("inf"):
            raise InputError(
                f"window_seconds={window_seconds!r}.",
                f"A frame ({sound.frame_seconds:g} s) or more.",
                "Take about as long as the recordings that the model was learned from.",
            )
        self._sound, self._width = sound, round(window_seconds * sound.rate_hz)
        every = window_seconds / 2 if every_seconds is None else every_seconds
        self._step = max(1, round(every * sound.rate_hz))
        self._kept = np.zeros(0, np.float32)
        self._next = -(-self._width // self._step) * self._step  # Where the first full window ends.
        self._ended = False
        self.samples = self.frames = 0
        run, _, _ = model_function(model)
        self._scores = jax.jit(lambda samples, length: run(*sound(samples, length)))

    def feed(self, samples: Any) -> Scored:
        self._check_open()
        values = check_samples(samples, self._sound.rate_hz, before=self.samples)
        moments, found = [], []
        while len(values):
            block, values = np.split(values, [min(len(values), self._next - self.samples)])
            self._kept = np.concatenate([self._kept, block])[-self._width :]
            self.samples += len(block)
            if self.samples == self._next:
                self._next += self._step
                moments.append(self.samples / self._sound.rate_hz)
                found.append(self._score())
        return np.array(moments), np.array(found)

    def finish(self) -> Scored:
        self._check_open()
        self._ended = True
        check_long_enough(self.samples, self._sound)
        return np.array([self.samples / self._sound.rate_hz]), self._score()[None]

    def try_out(self) -> None:
        self._scores(np.zeros(self._width, np.float32), np.int32(self._width)).block_until_ready()

    def _score(self) -> np.ndarray:
        padded = np.zeros(self._width, np.float32)
        padded[: len(self._kept)] = self._kept
        self.frames += self._sound.frame_count(len(self._kept))
        return np.asarray(self._scores(padded, np.int32(len(self._kept))))

    def _check_open(self) -> None:
        if self._ended:
            raise InputError("A sound that has ended.", "One that goes on.", "Make a new listener.")


def check_long_enough(samples: int, sound: SoundFeatures) -> None:
    """Refuse to answer for less than a frame."""
    if samples < sound.frame_length:
        raise InputError(
            f"{samples} samples, which is shorter than a frame.",
            f"At least {sound.frame_length} samples ({sound.frame_seconds:g} s).",
            "Let the sound go on for longer.",
        )
