"""What one number, or a few, say of the shape of a spectrum; and of the waveform in a frame."""

from __future__ import annotations

import itertools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from antiphon.audio._filters import chroma_filters, fft_frequencies
from antiphon.audio._spectrum import FEWEST, Spectrum, decibels
from antiphon.errors import InputError

Numbers = Float[Array, " time"]
_TINY = float(np.finfo(np.float32).tiny)


def _shares(magnitude: Spectrum) -> Spectrum:
    total = magnitude.sum(1, keepdims=True)
    return magnitude / jnp.where(total < _TINY, 1.0, total)


def _frequencies(magnitude: Spectrum, rate_hz: float) -> Float[Array, " bin"]:
    return jnp.asarray(fft_frequencies(rate_hz, 2 * (magnitude.shape[1] - 1)), magnitude.dtype)


def spectral_centroid(magnitude: Spectrum, rate_hz: float) -> Numbers:
    """The mean frequency, in Hz; 0 for silence. As `librosa.feature.spectral_centroid` has it.

    Args:
        magnitude: The magnitude of the transform, `(time, bin)`.
        rate_hz: Samples a second.

    Example:
        >>> spectral_centroid(jnp.array([[0.0, 1.0, 1.0]]), 8000).tolist()
        [3000.0]
    """
    return _shares(magnitude) @ _frequencies(magnitude, rate_hz)


def spectral_bandwidth(magnitude: Spectrum, rate_hz: float) -> Numbers:
    """The standard deviation of frequency around the centroid, in Hz.

    As `librosa.feature.spectral_bandwidth` has it.

    Args:
        magnitude: The magnitude of the transform, `(time, bin)`.
        rate_hz: Samples a second.

    Example:
        >>> spectral_bandwidth(jnp.array([[0.0, 1.0, 1.0]]), 8000).tolist()
        [1000.0]
    """
    apart = _frequencies(magnitude, rate_hz)[None, :] - spectral_centroid(magnitude, rate_hz)[:, None]
    variance = (_shares(magnitude) * apart**2).sum(1)
    # The slope of a root at 0 is infinite: a silent frame has no width, and pulls at nothing.
    return jnp.where(variance > 0, jnp.sqrt(jnp.where(variance > 0, variance, 1.0)), 0.0)


def spectral_rolloff(magnitude: Spectrum, rate_hz: float, *, share: float = 0.85) -> Numbers:
    """The frequency, in Hz, below which a share of the magnitude lies.

    As `librosa.feature.spectral_rolloff` has it: the first bin at which the running sum reaches it.

    Args:
        magnitude: The magnitude of the transform, `(time, bin)`.
        rate_hz: Samples a second.
        share: Between 0 and 1.

    Raises:
        InputError: If the share is not between 0 and 1.

    Example:
        >>> spectral_rolloff(jnp.array([[1.0, 8.0, 1.0]]), 8000).tolist()
        [2000.0]
    """
    if not 0 < share < 1:
        raise InputError(f"share={share}.", "A number between 0 and 1.", "Use 0.85.")
    below = jnp.cumsum(magnitude, axis=1)
    reached = below >= share * below[:, -1:]
    return _frequencies(magnitude, rate_hz)[jnp.argmax(reached, axis=1)]


def spectral_flatness(power: Spectrum) -> Numbers:
    """Geometric over arithmetic mean of the power, from 0 (a tone) to 1 (white noise, or silence).

    As `librosa.feature.spectral_flatness` has it.

    Args:
        power: The squared magnitude, `(time, bin)`.

    Example:
        >>> spectral_flatness(jnp.ones((1, 5))).tolist()
        [1.0]
    """
    held = jnp.maximum(power, FEWEST)
    return jnp.exp(jnp.log(held).mean(1)) / held.mean(1)


def spectral_contrast(
    magnitude: Spectrum,
    rate_hz: float,
    *,
    fmin: float = 200.0,
    bands: int = 4,
    quantile: float = 0.02,
    top_db: float | None = None,
) -> Float[Array, "time band"]:
    """Peaks over valleys, in decibels, below `fmin` and in each octave above it (Jiang et al. 2002).

    As `librosa.feature.spectral_contrast` has it with `top_db=80`: like librosa, it takes the magnitude for a
    power.

    Args:
        magnitude: The magnitude of the transform, `(time, bin)`.
        rate_hz: Samples a second.
        fmin: Where the first octave begins, in Hz.
        bands: Octaves.
        quantile: The share of bins that make a peak or a valley.
        top_db: How far below the loudest peak and valley of the clip the quietest may lie (see `decibels`).

    Returns:
        `(time, 1 + bands)`.

    Raises:
        InputError: If the last octave begins above half the rate.

    Example:
        >>> spectral_contrast(jnp.ones((2, 129)), 8000.0).shape
        (2, 5)
    """
    edges = np.concatenate([[0.0], fmin * 2.0 ** np.arange(bands + 1)])
    if bands < 1 or fmin <= 0 or edges[-2] >= rate_hz / 2:
        raise InputError(
            f"{bands} octaves from {fmin:g} Hz at {rate_hz:g} samples a second.",
            "At least one, the last of which begins below half the rate.",
            "Take fewer octaves, or a lower fmin.",
        )
    hz = fft_frequencies(rate_hz, 2 * (magnitude.shape[1] - 1))
    peaks, valleys = [], []
    for number, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = np.flatnonzero((hz >= low) & (hz <= high))
        first, last = inside[0] - (number > 0), inside[-1] + 1
        if number == bands:
            last = len(hz)
        most = max(1, int(np.rint(quantile * (last - first))))
        part = jnp.sort(magnitude[:, first : last - (number < bands)], axis=1)
        peaks.append(part[:, -most:].mean(1))
        valleys.append(part[:, :most].mean(1))
    loud, quiet = (decibels(jnp.stack(part, axis=1), top_db=top_db) for part in (peaks, valleys))
    return loud - quiet


def chroma(power: Spectrum, rate_hz: float) -> Float[Array, "time 12"]:
    """How strong each of the twelve pitch classes from C up is, the strongest being 1; 0 for silence.

    As `librosa.feature.chroma_stft(..., tuning=0)` has it.

    Args:
        power: The squared magnitude, `(time, bin)`.
        rate_hz: Samples a second.

    Example:
        >>> chroma(jnp.ones((2, 513)), 8000.0).shape
        (2, 12)
    """
    raw = power @ chroma_filters(float(rate_hz), 2 * (power.shape[1] - 1)).T
    most = raw.max(1, keepdims=True)
    return raw / jnp.where(most < _TINY, 1.0, most)


def zero_crossing_rate(frames: Float[Array, "time frame_length"]) -> Numbers:
    """The share of samples of a frame at which the sign changes. As `librosa.feature.zero_crossing_rate`.

    Args:
        frames: Of the waveform, with `edge=True` (see `frame`).

    Example:
        >>> zero_crossing_rate(jnp.array([[1.0, -1.0, 1.0, 1.0]])).tolist()
        [0.5]
    """
    negative = jnp.where(jnp.abs(frames) <= FEWEST, 0.0, frames) < 0
    changes = negative[:, 1:] != negative[:, :-1]
    return changes.sum(1, dtype=jnp.int32).astype(frames.dtype) / frames.shape[1]


def energy(frames: Float[Array, "time frame_length"]) -> Numbers:
    """The root mean square of each frame, as `librosa.feature.rms` has it.

    Args:
        frames: Of the waveform.

    Example:
        >>> energy(jnp.array([[3.0, -3.0]])).tolist()
        [3.0]
    """
    mean = (frames**2).mean(1)
    return jnp.where(mean > 0, jnp.sqrt(jnp.where(mean > 0, mean, 1.0)), 0.0)
