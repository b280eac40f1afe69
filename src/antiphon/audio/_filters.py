"""The constant matrices of spectral features, computed once in double precision."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Float64
from scipy.fft import dct
from scipy.signal import get_window

from antiphon.errors import InputError

_LINEAR_HZ = 200.0 / 3  # A mel below 1 kHz, on Slaney's scale.
_LOG_FROM = 1000.0
_LOG_STEP = np.log(6.4) / 27


def hz_to_mel(hz: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """Frequencies on the mel scale of Slaney's Auditory Toolbox (1998): linear to 1 kHz, then logarithmic.

    Example:
        >>> hz_to_mel(np.array([0.0, 1000.0, 6400.0])).round(6).tolist()
        [0.0, 15.0, 42.0]
    """
    high = _LOG_FROM / _LINEAR_HZ + np.log(np.maximum(hz, _LOG_FROM) / _LOG_FROM) / _LOG_STEP
    return np.where(hz < _LOG_FROM, hz / _LINEAR_HZ, high)


def mel_to_hz(mel: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """The inverse of `hz_to_mel`.

    Example:
        >>> mel_to_hz(np.array([15.0, 42.0])).round(6).tolist()
        [1000.0, 6400.0]
    """
    knee = _LOG_FROM / _LINEAR_HZ
    return np.where(
        mel < knee, mel * _LINEAR_HZ, _LOG_FROM * np.exp(_LOG_STEP * (np.maximum(mel, knee) - knee))
    )


def fft_frequencies(rate_hz: float, n_fft: int) -> Float64[np.ndarray, " bin"]:
    """The frequency of each bin, in Hz.

    Example:
        >>> fft_frequencies(8000, 4).tolist()
        [0.0, 2000.0, 4000.0]
    """
    return np.arange(1 + n_fft // 2) * (rate_hz / n_fft)


@lru_cache(maxsize=64)
def mel_filters(
    rate_hz: float, n_fft: int, n_mels: int, fmin: float, fmax: float
) -> Float32[np.ndarray, "mel bin"]:
    """Triangular filters, evenly spaced on the mel scale, each of area 1 (Slaney's normalisation).

    Args:
        rate_hz: Samples a second.
        n_fft: Samples of a Fourier transform.
        n_mels: Filters.
        fmin: Lower end of the first, in Hz.
        fmax: Upper end of the last, in Hz.

    Raises:
        InputError: If there are more filters than the transform can tell apart.

    Example:
        >>> mel_filters(8000, 256, 20, 0.0, 4000.0).shape
        (20, 129)
    """
    ends = hz_to_mel(np.array([fmin, fmax], np.float64))
    edges = mel_to_hz(np.linspace(ends[0], ends[1], n_mels + 2))
    bins = fft_frequencies(rate_hz, n_fft)
    rising = (bins[None, :] - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins[None, :]) / np.diff(edges)[1:, None]
    found = np.maximum(0, np.minimum(rising, falling))
    if not (found.max(1) > 0).all():
        raise InputError(
            f"{n_mels} mel bands from {fmin:g} to {fmax:g} Hz over {n_fft} samples at {rate_hz:g} Hz: "
            f"band {int((found.max(1) > 0).argmin())} has no bin of the transform.",
            "Bands that are no narrower than the bins.",
            "Take fewer bands, or a longer transform.",
        )
    return (found * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


@lru_cache(maxsize=64)
def cosine_matrix(n_mfcc: int, n_mels: int) -> Float32[np.ndarray, "coefficient mel"]:
    """The orthonormal discrete cosine transform of type 2, its first rows.

    Example:
        >>> cosine_matrix(2, 4).round(2)[0].tolist()
        [0.5, 0.5, 0.5, 0.5]
    """
    return np.asarray(dct(np.eye(n_mels), axis=0, type=2, norm="ortho"), np.float32)[:n_mfcc]


@lru_cache(maxsize=64)
def window(name: str, win_length: int, n_fft: int) -> Float32[np.ndarray, " n_fft"]:
    """A periodic window in the middle of zeros.

    Example:
        >>> window("hann", 2, 4).tolist()
        [0.0, 0.0, 1.0, 0.0]
    """
    left = (n_fft - win_length) // 2
    return np.pad(get_window(name, win_length), (left, n_fft - win_length - left)).astype(np.float32)


@lru_cache(maxsize=16)
def fourier_matrix(name: str, win_length: int, n_fft: int) -> Float32[np.ndarray, "part n_fft"]:
    """Real and imaginary parts of the windowed Fourier transform as one matrix, `2 * (1 + n_fft // 2)` rows.

    Example:
        >>> fourier_matrix("boxcar", 2, 2).tolist()
        [[1.0, 1.0], [1.0, -1.0], [0.0, 0.0], [0.0, 0.0]]
    """
    angles = 2 * np.pi * np.outer(np.arange(1 + n_fft // 2), np.arange(n_fft)) / n_fft
    both = np.concatenate([np.cos(angles), -np.sin(angles)]) * window(name, win_length, n_fft)
    return np.where(np.abs(both) < 1e-12, 0.0, both).astype(np.float32)


@lru_cache(maxsize=16)
def chroma_filters(rate_hz: float, n_fft: int) -> Float32[np.ndarray, "12 bin"]:
    """Weights of the twelve pitch classes from C up (Ellis 2007, "Chroma feature analysis and synthesis").

    Each bin belongs to the classes around its pitch (A at 440 Hz) by a Gaussian as wide as the bin, with a
    Gaussian of two octaves around the fifth one over all.

    Example:
        >>> chroma_filters(8000.0, 1024).shape
        (12, 513)
    """
    hz = np.arange(1, n_fft) * (rate_hz / n_fft)
    places = 12 * np.log2(hz / (440.0 / 16))
    places = np.concatenate([[places[0] - 18], places])  # 0 Hz: an octave and a half below the first bin.
    widths = np.concatenate([np.maximum(np.diff(places), 1.0), [1.0]])
    apart = np.remainder(places[None, :] - np.arange(12)[:, None] + 6 + 120, 12) - 6
    bumps = np.exp(-0.5 * (2 * apart / widths) ** 2)
    bumps /= np.sqrt((bumps**2).sum(0))
    bumps = bumps * np.exp(-0.5 * ((places / 12 - 5) / 2) ** 2)
    return np.roll(bumps, -3, axis=0)[:, : 1 + n_fft // 2].astype(np.float32)
