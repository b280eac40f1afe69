"""The short-time Fourier transform, mel bands, cepstra and their slopes."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from antiphon.audio import _filters as filters
from antiphon.audio._framing import Length, Samples, frame
from antiphon.errors import InputError

Spectrum = Float[Array, "time bin"]
FEWEST = 1e-10  # Power below which a band counts as silent: -100 dB.
SLOPE = 9  # Frames that a slope is fitted to.


def stft(
    samples: Samples,
    *,
    n_fft: int,
    hop_length: int,
    win_length: int | None = None,
    window: str = "hann",
    length: Length | None = None,
) -> Complex[Array, "time bin"]:
    """The short-time Fourier transform, with silence around the waveform.

    Equal to `librosa.stft(samples, n_fft=..., hop_length=..., win_length=...)`, transposed.

    Args:
        samples: The waveform, `(sample,)`.
        n_fft: Samples of a transform.
        hop_length: Samples from one frame to the next.
        win_length: Samples under the window; `n_fft` by default.
        window: Its name, as `scipy.signal.get_window` knows it.
        length: How many samples are real.

    Returns:
        `(time, 1 + n_fft // 2)`.

    Example:
        >>> stft(jnp.ones(100), n_fft=16, hop_length=8).shape
        (13, 9)
    """
    frames = frame(samples, frame_length=n_fft, hop_length=hop_length, length=length)
    return jnp.fft.rfft(frames * filters.window(window, win_length or n_fft, n_fft)[None, :])


def power_spectrum(
    samples: Samples,
    *,
    n_fft: int,
    hop_length: int,
    win_length: int | None = None,
    window: str = "hann",
    length: Length | None = None,
    transform: str = "fft",
) -> Spectrum:
    """The squared magnitude of `stft`.

    Args:
        samples: The waveform, `(sample,)`.
        n_fft: Samples of a transform.
        hop_length: Samples from one frame to the next.
        win_length: Samples under the window; `n_fft` by default.
        window: Its name.
        length: How many samples are real.
        transform: `"fft"`, or `"matrix"` for a product with a matrix: slower, but of operations that every
            format for exported networks has.

    Example:
        >>> one, other = (power_spectrum(jnp.arange(64.0), n_fft=16, hop_length=8, transform=t)
        ...               for t in ("fft", "matrix"))
        >>> bool(jnp.allclose(one, other, rtol=1e-3))
        True
    """
    settings = (window, win_length or n_fft, n_fft)
    if transform == "fft":
        found = stft(
            samples, n_fft=n_fft, hop_length=hop_length, win_length=win_length, window=window, length=length
        )
        return found.real**2 + found.imag**2
    frames = frame(samples, frame_length=n_fft, hop_length=hop_length, length=length)
    parts = frames @ filters.fourier_matrix(*settings).T
    real, imaginary = jnp.split(parts, 2, axis=1)
    return real**2 + imaginary**2


def decibels(power: Float[Array, "*shape"], *, top_db: float | None = None) -> Float[Array, "*shape"]:
    """Power in decibels: `10 log10(max(power, 1e-10))`.

    Args:
        power: Of any shape.
        top_db: How far below the loudest entry the quietest may lie, as `librosa.power_to_db` has it with 80.
            By default there is no such floor: it needs the whole clip, and a stream has no end.

    Example:
        >>> [round(value) for value in decibels(jnp.array([1.0, 100.0, 0.0])).tolist()]
        [0, 20, -100]
    """
    found = (10 / jnp.log(10.0)) * jnp.log(jnp.maximum(power, FEWEST))
    return found if top_db is None else jnp.maximum(found, found.max() - top_db)


def mel_spectrum(
    power: Spectrum, rate_hz: float, *, n_mels: int, fmin: float = 0.0, fmax: float | None = None
) -> Float[Array, "time mel"]:
    """Power in mel bands, as `librosa.feature.melspectrogram` has it.

    Args:
        power: What `power_spectrum` gives.
        rate_hz: Samples a second.
        n_mels: Bands.
        fmin: Lower end of the first, in Hz.
        fmax: Upper end of the last, in Hz; half the rate by default.

    Example:
        >>> mel_spectrum(jnp.ones((3, 129)), 8000.0, n_mels=20).shape
        (3, 20)
    """
    n_fft = 2 * (power.shape[1] - 1)
    top = rate_hz / 2 if fmax is None else fmax
    return power @ filters.mel_filters(float(rate_hz), n_fft, n_mels, float(fmin), float(top)).T


def mfcc(log_mel: Float[Array, "time mel"], n_mfcc: int) -> Float[Array, "time coefficient"]:
    """Mel-frequency cepstral coefficients (Davis and Mermelstein 1980), as `librosa.feature.mfcc` has them.

    Args:
        log_mel: Mel bands in decibels.
        n_mfcc: How many coefficients, at most as many as bands.

    Raises:
        InputError: If there are more coefficients than bands.

    Example:
        >>> mfcc(jnp.ones((3, 20)), 13).shape
        (3, 13)
    """
    if not 1 <= n_mfcc <= log_mel.shape[1]:
        raise InputError(
            f"{n_mfcc} cepstral coefficients of {log_mel.shape[1]} mel bands.",
            "From 1 to as many as there are bands.",
            "Take fewer coefficients, or more bands.",
        )
    return log_mel @ filters.cosine_matrix(n_mfcc, log_mel.shape[1]).T


def delta(
    frames: Float[Array, "time feature"],
    *,
    width: int = SLOPE,
    order: int = 1,
    count: Int[Array, ""] | int | None = None,
) -> Float[Array, "time feature"]:
    """How fast features rise, by a line (order 1) or a parabola (order 2) fitted to `width` frames.

    Equal to `librosa.feature.delta`, which is a Savitzky-Golay filter; within half a width of an end it is
    the slope of the first or last whole window. Of fewer frames than `width`, the outer ones are repeated.

    Args:
        frames: `(time, feature)`.
        width: Frames of a window, odd.
        order: 1 or 2.
        count: How many frames are real; all by default.

    Raises:
        InputError: If the width is even or below 3, or the order is neither 1 nor 2.

    Example:
        >>> delta(jnp.arange(12.0)[:, None])[:2].round(4).tolist()
        [[1.0], [1.0]]
    """
    if width < 3 or width % 2 == 0 or order not in (1, 2):
        raise InputError(
            f"width={width} and order={order}.", "An odd width from 3 up; order 1 or 2.", "Correct them."
        )
    half = width // 2
    offset = jnp.arange(-half, half + 1)
    place = offset.astype(frames.dtype)
    if order == 1:
        weights = place / (place**2).sum()
    else:  # The second derivative of the least-squares parabola.
        centred = place**2 - (place**2).mean()
        weights = 2 * centred / (centred**2).sum()
    last = jnp.asarray(frames.shape[0] if count is None else count, jnp.int32) - 1
    middle = jnp.clip(jnp.arange(frames.shape[0]), half, jnp.maximum(last - half, half))
    around = jnp.clip(middle[:, None] + offset[None, :], 0, last)
    return jnp.einsum("twf,w->tf", frames[around], weights)


def normalised(
    frames: Float[Array, "time feature"], mask: Bool[Array, " time"], *, variance: bool = True
) -> Float[Array, "time feature"]:
    """Cepstral mean and variance normalisation: each feature of an utterance with mean 0 and deviation 1.

    Args:
        frames: `(time, feature)`.
        mask: Which frames are real; the others become 0.
        variance: Whether the deviation is set to 1, too.

    Example:
        >>> normalised(jnp.array([[1.0], [3.0]]), jnp.ones(2, bool)).round(3).tolist()
        [[-1.0], [1.0]]
    """
    real = mask[:, None]
    count = jnp.maximum(mask.sum(dtype=jnp.int32), 1).astype(frames.dtype)
    held = jnp.where(real, frames, 0.0)
    centred = jnp.where(real, held - held.sum(0, keepdims=True) / count, 0.0)
    if not variance:
        return centred
    spread = jnp.sqrt((centred**2).sum(0, keepdims=True) / count + 1e-10)
    return centred / spread
