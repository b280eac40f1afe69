"""Changed copies of sounds to learn from: louder, noisier, shifted, faster, with stretches blotted out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from antiphon.audio._framing import Length, Samples, check_waveform
from antiphon.errors import InputError

Scalar = Float[Array, ""] | float
_TAPS = 16  # Zero crossings of the sinc on each side of a sample: aliases below -60 dB.


def change_gain(samples: Samples, gain_db: Scalar) -> Samples:
    """A waveform, louder by so many decibels.

    Example:
        >>> change_gain(jnp.array([0.1]), 20.0).round(3).tolist()
        [1.0]
    """
    check_waveform(samples)
    return samples * 10.0 ** (jnp.asarray(gain_db, samples.dtype) / 20.0)


def add_noise(
    samples: Samples, snr_db: Scalar, *, key: PRNGKeyArray, length: Length | None = None
) -> Samples:
    """A waveform with white noise, so that the ratio of their powers is exactly the one asked for.

    Args:
        samples: `(sample,)`, possibly padded at its end; what stands there stays as it is.
        snr_db: Power of the signal over that of the noise, in decibels. Silence stays silent.
        key: Seed of the noise.
        length: How many samples are real; all by default.

    Example:
        >>> wave = jnp.sin(jnp.arange(1000.0))
        >>> noise = add_noise(wave, 10.0, key=jax.random.key(0)) - wave
        >>> round(float((wave**2).mean() / (noise**2).mean()), 2)
        10.0
    """
    check_waveform(samples)
    real = _real(samples, length)
    noise = jnp.where(real, jax.random.normal(key, samples.shape, samples.dtype), 0.0)
    signal = jnp.where(real, samples, 0.0)
    ratio = (signal**2).sum() / jnp.maximum((noise**2).sum(), jnp.finfo(samples.dtype).tiny)
    return samples + noise * jnp.sqrt(ratio) * 10.0 ** (-jnp.asarray(snr_db, samples.dtype) / 20.0)


def shift_time(samples: Samples, by: Int[Array, ""] | int, *, length: Length | None = None) -> Samples:
    """A waveform, later by so many samples; what leaves at one end is lost, silence comes in at the other.

    Args:
        samples: `(sample,)`, possibly padded at its end.
        by: Samples; below 0 the waveform is earlier.
        length: How many samples are real; all by default.

    Example:
        >>> shift_time(jnp.array([1.0, 2.0, 3.0]), 1).tolist()
        [0.0, 1.0, 2.0]
    """
    check_waveform(samples)
    count = samples.shape[0]
    places = jnp.arange(count) - jnp.asarray(by, jnp.int32)
    last = jnp.asarray(count if length is None else length, jnp.int32)
    moved = jnp.where((places >= 0) & (places < last), samples[jnp.clip(places, 0, count - 1)], 0.0)
    return jnp.where(jnp.arange(count) < last, moved, samples)


def change_speed(
    samples: Samples, factor: Scalar, *, length: Length | None = None, size: int | None = None
) -> tuple[Samples, Int[Array, ""]]:
    """A waveform played faster: it is shorter, and its pitch is higher by the same factor.

    Resampled by a windowed sinc (Smith 1984), which cuts off what would be above half the rate.

    Args:
        samples: `(sample,)`, possibly padded at its end.
        factor: Above 1 is faster.
        length: How many samples are real; all by default.
        size: How many samples the answer has room for; as many as `samples` by default. What does not fit
            is cut off.

    Returns:
        The waveform `(size,)`, 0 after its end, and how many samples of it are real.

    Example:
        >>> wave, length = change_speed(jnp.ones(100), 2.0)
        >>> wave.shape, int(length)
        ((100,), 50)
    """
    check_waveform(samples)
    count = samples.shape[0]
    size = count if size is None else size
    real = jnp.asarray(count if length is None else length, jnp.int32)
    rate = jnp.asarray(factor, samples.dtype)
    out = jnp.clip(jnp.round(real.astype(samples.dtype) / rate).astype(jnp.int32), 1, size)
    # Whole steps are counted in integers: float32 would lose the fractions of late samples to them.
    number = jnp.arange(size)
    whole = jnp.floor(rate).astype(jnp.int32)
    beyond = number.astype(samples.dtype) * (rate - whole.astype(samples.dtype))
    base = number * whole + jnp.floor(beyond).astype(jnp.int32)
    fraction = beyond - jnp.floor(beyond)
    cut = jnp.minimum(1.0, 1.0 / rate)

    def add(tap: Int[Array, ""], total: Samples) -> Samples:
        place = base + tap
        away = tap.astype(samples.dtype) - fraction
        window = jnp.where(jnp.abs(away) < _TAPS, 0.5 + 0.5 * jnp.cos(jnp.pi * away / _TAPS), 0.0)
        value = jnp.where((place >= 0) & (place < real), samples[jnp.clip(place, 0, count - 1)], 0.0)
        return total + value * cut * jnp.sinc(cut * away) * window

    total = jax.lax.fori_loop(1 - _TAPS, _TAPS + 1, add, jnp.zeros(size, samples.dtype))
    return jnp.where(number < out, total, 0.0), out


def mask_frames(
    frames: Float[Array, "time feature"],
    mask: Bool[Array, " time"],
    *,
    key: PRNGKeyArray,
    times: int = 0,
    longest: int = 0,
    features: int = 0,
    widest: int = 0,
) -> Float[Array, "time feature"]:
    """Frames of which stretches of time, and bands of neighbouring features, are the mean of the recording.

    SpecAugment (Park et al. 2019, section 2, without time warping). It was made for mel bands, where
    neighbouring features are neighbouring frequencies.

    Args:
        frames: `(time, feature)`.
        mask: Which frames are real; the others stay as they are.
        key: Seed.
        times: How many stretches of time.
        longest: Frames of a stretch, at most; it is drawn evenly from 0 up.
        features: How many bands of features.
        widest: Features of a band, at most.

    Example:
        >>> frames = jnp.arange(12.0).reshape(6, 2)
        >>> blotted = mask_frames(frames, jnp.ones(6, bool), key=jax.random.key(1), times=1, longest=3)
        >>> int((blotted != frames).any(1).sum()) <= 3
        True
    """
    real = mask[:, None]
    count = mask.sum(dtype=jnp.int32)
    mean = jnp.where(real, frames, 0.0).sum(0, keepdims=True) / jnp.maximum(count, 1).astype(frames.dtype)
    time_key, feature_key = jax.random.split(key)
    gone = _stretches(time_key, times, longest, mask.shape[0], count)[:, None]
    width = jnp.asarray(frames.shape[1], jnp.int32)
    gone = gone | _stretches(feature_key, features, widest, frames.shape[1], width)[None, :]
    return jnp.where(real & gone, mean, frames)


@dataclass(frozen=True)
class Augmentation:
    """How copies of recordings differ from them. Each number is drawn evenly from its range.

    A copy is played at another speed, shifted, made noisier, made louder, in this order; then of its frames
    stretches are blotted out. The same seed gives the same copies.

    Args:
        copies: How many of each recording.
        gain_db: Louder by so much, in decibels; None for as loud as it is.
        snr_db: White noise so far below the signal, in decibels; None for none.
        shift_seconds: Shifted by at most so much, to either side.
        speed: Range of speeds; None for its own.
        time_masks: How many stretches of time are blotted out.
        time_mask_seconds: How long one is at most.
        feature_masks: How many bands of features are blotted out.
        feature_mask_width: How many features one has at most.
        seed: Seed of everything.

    Raises:
        InputError: A number or a range makes no sense.

    Example:
        >>> change = Augmentation(speed=(0.5, 0.5), snr_db=None)
        >>> wave, length = change(jnp.ones(800), 8000.0, key=jax.random.key(0))
        >>> wave.shape, int(length)
        ((1600,), 1600)
    """

    copies: int = 1
    gain_db: tuple[float, float] | None = (-6.0, 6.0)
    snr_db: tuple[float, float] | None = (10.0, 30.0)
    shift_seconds: float = 0.02
    speed: tuple[float, float] | None = (0.9, 1.1)
    time_masks: int = 0
    time_mask_seconds: float = 0.05
    feature_masks: int = 0
    feature_mask_width: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("gain_db", "snr_db", "speed"):
            given = getattr(self, name)
            if given is None:
                continue
            pair = tuple(float(end) for end in given) if isinstance(given, (tuple, list)) else ()
            lowest = 0.1 if name == "speed" else -math.inf
            if len(pair) != 2 or not lowest <= pair[0] <= pair[1] < math.inf:
                raise InputError(
                    f"{name}={given!r}.",
                    "Two numbers, the lower one first"
                    + ("; speeds from 0.1 up." if name == "speed" else "."),
                    f"Write for example {name}=(0.9, 1.1)." if name == "speed" else "Or None for no change.",
                )
            object.__setattr__(self, name, pair)
        counts = ("copies", "time_masks", "feature_masks", "feature_mask_width", "seed")
        whole = all(isinstance(getattr(self, name), int) and getattr(self, name) >= 0 for name in counts)
        if not whole or self.copies < 1 or self.shift_seconds < 0 or self.time_mask_seconds < 0:
            raise InputError(
                f"{self}.", "Counts from 0 up, at least one copy, no length below 0.", "Correct the numbers."
            )

    def room(self, samples: int) -> int:
        """How many samples a copy of so many may have."""
        return samples if self.speed is None else math.ceil(samples / self.speed[0])

    def __call__(
        self, samples: Samples, rate_hz: float, *, key: PRNGKeyArray, length: Length | None = None
    ) -> tuple[Samples, Int[Array, ""]]:
        """A changed copy of a waveform.

        Args:
            samples: `(sample,)`, possibly padded at its end.
            rate_hz: Samples a second.
            key: Seed of this copy.
            length: How many samples are real; all by default.

        Returns:
            The copy `(room(sample),)`, 0 after its end, and how many samples of it are real.
        """
        check_waveform(samples)
        keys = jax.random.split(key, 5)
        size = self.room(samples.shape[0])
        real = jnp.asarray(samples.shape[0] if length is None else length, jnp.int32)
        if self.speed is None:
            changed = jnp.where(jnp.arange(size) < real, samples, 0.0)
        else:
            changed, real = change_speed(samples, _draw(keys[0], self.speed), length=real, size=size)
        most = round(self.shift_seconds * rate_hz)
        if most:
            by = jax.random.randint(keys[1], (), -most, most + 1)
            changed = shift_time(changed, by, length=real)
        if self.snr_db is not None:
            changed = add_noise(changed, _draw(keys[2], self.snr_db), key=keys[3], length=real)
        if self.gain_db is not None:
            changed = change_gain(changed, _draw(keys[4], self.gain_db))
        return changed, real

    def blot(
        self,
        frames: Float[Array, "time feature"],
        mask: Bool[Array, " time"],
        frames_hz: float,
        *,
        key: PRNGKeyArray,
    ) -> Float[Array, "time feature"]:
        """Frames of a copy, with stretches blotted out (`mask_frames`).

        Args:
            frames: `(time, feature)`.
            mask: Which frames are real.
            frames_hz: Frames a second.
            key: Seed of this copy.
        """
        return mask_frames(
            frames,
            mask,
            key=key,
            times=self.time_masks,
            longest=round(self.time_mask_seconds * frames_hz),
            features=self.feature_masks,
            widest=self.feature_mask_width,
        )


def _draw(key: PRNGKeyArray, ends: tuple[float, float]) -> Float[Array, ""]:
    return jax.random.uniform(key, (), minval=ends[0], maxval=ends[1])


def _real(samples: Samples, length: Length | None) -> Bool[Array, " sample"]:
    count = samples.shape[0]
    return jnp.arange(count) < jnp.asarray(count if length is None else length, jnp.int32)


def _stretches(
    key: PRNGKeyArray, how_many: int, most: int, size: int, real: Int[Array, ""]
) -> Bool[Array, " place"]:
    """Which of `size` places are inside one of some stretches, all of them within the real places."""
    width_key, place_key = jax.random.split(key)
    widths = jax.random.randint(width_key, (how_many,), 0, most + 1)
    widths = jnp.minimum(widths, real)
    room = (real - widths + 1).astype(jnp.float32)
    starts = jnp.floor(jax.random.uniform(place_key, (how_many,)) * room).astype(jnp.int32)
    places = jnp.arange(size)[None, :]
    inside = (places >= starts[:, None]) & (places < (starts + widths)[:, None])
    return inside.any(axis=0)
