"""The fundamental frequency of each frame by YIN."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from antiphon.errors import InputError

_TINY = float(np.finfo(np.float32).tiny)


def yin(
    frames: Float[Array, "time frame_length"],
    rate_hz: float,
    *,
    fmin: float = 60.0,
    fmax: float = 400.0,
    threshold: float = 0.1,
) -> Float[Array, " time"]:
    """The fundamental frequency, in Hz (de Cheveigné and Kawahara 2002, steps 1 to 5).

    Equal to `librosa.yin` for the same frames: the shortest period whose normalised difference is a minimum
    below the threshold, else the period of the least difference; refined by a parabola. A frame without a
    pitch has a frequency all the same, since YIN always answers.

    Args:
        frames: Of the waveform, `(time, frame_length)`.
        rate_hz: Samples a second.
        fmin: Lowest frequency looked for, in Hz; its period must fit a frame.
        fmax: Highest frequency looked for, in Hz.
        threshold: Of the normalised difference.

    Raises:
        InputError: If the range is empty, above half the rate, or a period of `fmin` is longer than a frame.

    Example:
        >>> wave = jnp.sin(2 * jnp.pi * 100.0 * jnp.arange(512) / 8000)
        >>> yin(wave[None, :], 8000).round(0).tolist()
        [100.0]
    """
    size = frames.shape[1]
    if not 0 < fmin < fmax <= rate_hz / 2 or rate_hz / fmin >= size - 1:
        raise InputError(
            f"A pitch from {fmin:g} to {fmax:g} Hz in frames of {size} samples at {rate_hz:g} Hz.",
            f"0 < fmin < fmax <= {rate_hz / 2:g}, and a period of fmin shorter than a frame.",
            f"Take fmin above {rate_hz / (size - 1):.0f} Hz, or longer frames.",
        )
    shortest, longest = int(np.floor(rate_hz / fmax)), min(int(np.ceil(rate_hz / fmin)), size - 1)
    measure = _normalised_difference(frames, shortest, longest)
    before, after = measure[:, :-2], measure[:, 2:]
    inner = measure[:, 1:-1]
    curve, slope = before + after - 2 * inner, (after - before) / 2
    inside = jnp.abs(slope) < jnp.abs(curve)
    shift = jnp.pad(jnp.where(inside, -slope / jnp.where(inside, curve, 1.0), 0.0), ((0, 0), (1, 1)))
    trough = jnp.concatenate(
        [
            measure[:, :1] < measure[:, 1:2],
            (inner < before) & (inner <= after),
            measure[:, -1:] < measure[:, -2:-1],
        ],
        axis=1,
    )
    deep = trough & (measure < threshold)
    chosen = jnp.where(deep.any(1), jnp.argmax(deep, axis=1), jnp.argmin(measure, axis=1))
    whole = (shortest + chosen).astype(frames.dtype)
    period = whole + jnp.take_along_axis(shift, chosen[:, None], axis=1)[:, 0]
    return rate_hz / period


def _normalised_difference(
    frames: Float[Array, "time frame_length"], shortest: int, longest: int
) -> Float[Array, "time period"]:
    """The cumulative mean normalised difference (equation 8), by an autocorrelation (equation 7)."""
    size = frames.shape[1]
    room = 2 ** int(np.ceil(np.log2(2 * size - 1)))
    spectrum = jnp.fft.rfft(frames, n=room)
    correlation = jnp.fft.irfft(spectrum.real**2 + spectrum.imag**2, n=room)[:, : longest + 1]
    # What the first samples weigh, which the shifted frame has lost.
    lost = jnp.cumsum(frames**2, axis=1)[:, :longest]
    difference = 2 * (correlation[:, :1] - correlation[:, 1:]) - lost
    mean = jnp.cumsum(difference, axis=1) / jnp.arange(1, longest + 1, dtype=frames.dtype)[None, :]
    difference, mean = difference[:, shortest - 1 :], mean[:, shortest - 1 :]
    heard = jnp.abs(mean) > _TINY  # In silence every period fits, and nothing pulls at it.
    return jnp.where(heard, difference / jnp.where(heard, mean, 1.0), 0.0)
