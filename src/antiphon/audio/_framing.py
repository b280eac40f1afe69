"""Cutting a waveform into frames, each around its own moment."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from antiphon.errors import InputError

Samples = Float[Array, " sample"]
Length = Int[Array, ""] | int


def frame_count(samples: int, hop_length: int) -> int:
    """How many frames a waveform gives: one every `hop_length` samples, the first at sample 0.

    Example:
        >>> frame_count(8000, 128)
        63
    """
    return 1 + samples // hop_length


def frame(
    samples: Array, *, frame_length: int, hop_length: int, length: Length | None = None, edge: bool = False
) -> Float[Array, "time frame_length"]:
    """Frames of a waveform; frame `t` has sample `t * hop_length` in its middle.

    Args:
        samples: The waveform, `(sample,)`, possibly padded at its end.
        frame_length: Samples a frame.
        hop_length: Samples from one frame to the next.
        length: How many samples are real; all by default. What stands after them is not looked at.
        edge: Whether the first and the last sample go on for ever at the two ends, rather than silence.

    Returns:
        `(1 + sample // hop_length, frame_length)`.

    Raises:
        InputError: If the waveform is not one-dimensional or empty, or a length is below 1.

    Example:
        >>> frame(jnp.arange(6.0), frame_length=4, hop_length=2).tolist()[1]
        [0.0, 1.0, 2.0, 3.0]
    """
    check_waveform(samples)
    if frame_length < 1 or hop_length < 1:
        raise InputError(
            f"frame_length={frame_length} and hop_length={hop_length}.",
            "Whole numbers of samples from 1 up.",
            "Multiply seconds by the rate.",
        )
    count = frame_count(samples.shape[0], hop_length)
    starts = jnp.arange(count, dtype=jnp.int32) * hop_length - frame_length // 2
    places = starts[:, None] + jnp.arange(frame_length, dtype=jnp.int32)[None, :]
    last = jnp.asarray(samples.shape[0] if length is None else length, jnp.int32) - 1
    found = samples[jnp.clip(places, 0, last)]
    return found if edge else jnp.where((places >= 0) & (places <= last), found, 0.0)


def frame_mask(time: int, hop_length: int, length: Length) -> Bool[Array, " time"]:
    """Which of `time` frames a waveform of `length` samples has.

    Example:
        >>> frame_mask(4, 128, 300).tolist()
        [True, True, True, False]
    """
    return jnp.arange(time) <= jnp.asarray(length, jnp.int32) // hop_length


def check_waveform(samples: Array) -> None:
    """Refuse what is not one channel of at least one sample."""
    if samples.ndim != 1 or not samples.shape[0]:
        raise InputError(
            f"A waveform of shape {tuple(samples.shape)}.",
            "One channel of at least one sample: shape (sample,).",
            "Mix the channels down, or use jax.vmap for several waveforms of one length.",
        )
