"""Features of a sound as it comes in, block by block, in memory that does not grow.

Each block is computed by `SoundFeatures` itself, on a piece of one fixed length that begins a few frames
earlier; the frames near the piece's ends, which would be other ones in the whole recording, are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Float32

from antiphon.audio._features import SoundFeatures, pitch_frame
from antiphon.audio._spectrum import SLOPE
from antiphon.errors import InputError

Frames = Float32[np.ndarray, "time feature"]


class SoundStream:
    """The frames of a waveform of any length, given as soon as they are known.

    All frames together are those of `features` for the whole waveform. A frame is known once the last sample
    under it has been heard and, with slopes (`"delta"`, `"delta2"`), four frames more: `latency_seconds`
    after its moment. (The first four slopes are one with the fifth, so they wait for the ninth frame.)

    Args:
        features: Which features. All kinds go block by block; `cmvn=True` does not, since it needs the end.
        block_seconds: How much sound is brought at a time, more or less. What is longer is cut; what is much
            shorter costs as much as a whole block.

    Attributes:
        features: The features.
        latency_seconds: How long after its moment the sound must go on until a frame is known.
        block_frames: How many frames are computed at a time, at most.
        samples: How many samples were heard.
        frames: How many frames were given.

    Raises:
        InputError: If the features need the whole recording, or a block has no length.

    Example:
        >>> stream = SoundStream(SoundFeatures(8000, ("level", "centroid")))
        >>> wave = np.sin(np.arange(4000, dtype=np.float32))
        >>> [stream.feed(block).shape for block in np.split(wave, 2)], stream.finish().shape
        ([(24, 2), (25, 2)], (2, 2))
        >>> stream.latency_seconds
        0.016
    """

    def __init__(self, features: SoundFeatures, *, block_seconds: float = 0.1) -> None:
        if features.cmvn:
            raise InputError(
                "Features with cmvn=True: each is standardised by its mean and deviation over the whole "
                "recording, which a stream does not know before its end.",
                "Features that look at a bounded piece of sound.",
                "Learn the model on features with cmvn=False: networks standardise their input by what they "
                "were trained on, and programs bring their own constants.",
            )
        if not 0 < block_seconds < float("inf"):
            raise InputError(f"block_seconds={block_seconds!r}.", "A positive number.", "Use 0.1.")
        self.features = features
        hop, length = features.hop_length, features.frame_length
        if "pitch" in features.kinds:
            length = max(length, pitch_frame(features))
        half = SLOPE // 2 if {"delta", "delta2"} & set(features.kinds) else 0
        # What is behind a frame's moment, and what is ahead of it, in samples.
        behind, self._ahead = length // 2, length - length // 2 + half * hop
        self._first = self._ahead + half * hop  # For the first slopes, which are those of a later frame.
        self._block = max(1, round(block_seconds * features.rate_hz))
        self._before = -(-behind // hop) + 2 * half  # Frames at the head of a piece that are left out.
        self.block_frames = -(-self._block // hop)  # Frames that a piece gives.
        self._room = (self._before + self.block_frames) * hop + max(0, self._ahead - hop)
        self._compute = _compiled(features)
        self._kept = np.zeros(0, np.float32)
        self._start = 0  # The frame at which what is kept begins.
        self._ended = False
        self.samples = 0
        self.frames = 0

    @property
    def latency_seconds(self) -> float:
        """How long after its moment the sound must go on until a frame is known."""
        return self._ahead / self.features.rate_hz

    def feed(self, samples: Float[np.ndarray, " sample"]) -> Frames:
        """Hear what comes next.

        Args:
            samples: `(sample,)`, floats from -1 to 1; any number of them.

        Returns:
            The frames that are known now and were not before, `(time, feature)`; perhaps none.

        Raises:
            InputError: If the samples are not one channel of finite floats, or the stream has ended.
        """
        samples = self._checked(samples)
        found = []
        for first in range(0, len(samples), self._block):
            piece = samples[first : first + self._block]
            self._kept = np.concatenate([self._kept, piece])
            self.samples += len(piece)
            found += self._known()
        return self._joined(found)

    def finish(self) -> Frames:
        """The frames that waited for more. Nothing can be fed after this.

        Raises:
            InputError: If nothing was heard, or the stream has ended already.
        """
        self._check_open()
        if not self.samples:
            raise InputError(
                "A stream without a sample.", "At least one sample.", "Check where it comes from."
            )
        self._ended = True
        return self._joined(self._known())

    def _known(self) -> list[Frames]:
        """The frames that what was heard tells, in pieces; of all that is left when the stream has ended."""
        hop = self.features.hop_length
        if self._ended:
            last = self.samples // hop
        elif self.samples < self._first:
            last = -1
        else:
            last = (self.samples - self._ahead) // hop
        found = []
        while self.frames <= last:
            self._forget()
            piece = self._kept[: self._room]
            padded = np.zeros(self._room, np.float32)
            padded[: len(piece)] = piece
            frames, _ = self._compute(padded, np.int32(len(piece)))
            count = min(self.block_frames, last + 1 - self.frames)
            first = self.frames - self._start
            found.append(np.array(np.asarray(frames)[first : first + count]))
            self.frames += count
        self._forget()
        return found

    def _forget(self) -> None:
        """Drop the samples that no frame looks at any more."""
        start = max(0, self.frames - self._before)
        self._kept = self._kept[(start - self._start) * self.features.hop_length :].copy()
        self._start = start

    def _checked(self, samples: Any) -> Float32[np.ndarray, " sample"]:
        self._check_open()
        return check_samples(samples, self.features.rate_hz, before=self.samples)

    def _check_open(self) -> None:
        if self._ended:
            raise InputError("A stream that has ended.", "One that goes on.", "Make a new one.")

    def _joined(self, found: list[Frames]) -> Frames:
        return np.concatenate(found) if found else np.zeros((0, len(self.features.names)), np.float32)


def check_samples(samples: Any, rate_hz: float, *, before: int = 0) -> Float32[np.ndarray, " sample"]:
    """A block of samples, if it is one channel of finite floats.

    Args:
        samples: What should be `(sample,)`, from -1 to 1.
        rate_hz: Samples a second.
        before: How many samples came before it: the message says when a bad one comes.

    Raises:
        InputError: If it is not.

    Example:
        >>> check_samples(np.array([0.5, -0.5]), 8000).dtype
        dtype('float32')
    """
    values = np.asarray(samples)
    if values.ndim != 1 or values.dtype.kind != "f":
        raise InputError(
            f"Samples of shape {values.shape} and type {values.dtype}.",
            "One channel of floats from -1 to 1: shape (sample,).",
            "Divide whole numbers by 2 ** (bits - 1); take the mean over channels.",
        )
    fine = np.isfinite(values)
    if not fine.all():
        place = before + int(np.argmin(fine))
        raise InputError(
            f"The sample {values[~fine][0]} at {place / rate_hz:.3f} s.",
            "Finite samples.",
            "Check where the sound comes from.",
        )
    return values.astype(np.float32)


@lru_cache(maxsize=16)
def _compiled(features: SoundFeatures) -> Callable[..., Any]:
    return jax.jit(features)
