"""Labelled sounds made by formulas: to try things out where there are no recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from antiphon.data._sounds import Sounds
from antiphon.errors import InputError

Wave = Float[np.ndarray, " sample"]
_EDGE = 0.01  # Seconds over which a sound swells and fades, so that it does not click.


def _tone(rng: np.random.Generator, time: Wave, top: float) -> Wave:
    return np.sin(2 * np.pi * rng.uniform(0.05, 0.6) * top * time + rng.uniform(0, 2 * np.pi))


def _chirp(rng: np.random.Generator, time: Wave, top: float) -> Wave:
    low, high = rng.uniform(0.05, 0.25) * top, rng.uniform(0.45, 0.8) * top
    first, last = (low, high) if rng.random() < 0.5 else (high, low)
    return np.sin(2 * np.pi * (first * time + (last - first) * time**2 / (2 * time[-1])))


def _fm(rng: np.random.Generator, time: Wave, top: float) -> Wave:
    carrier, rate = rng.uniform(0.2, 0.5) * top, rng.uniform(5, 12)
    depth = rng.uniform(0.08, 0.15) * top  # How far the frequency swings, in Hz.
    return np.sin(2 * np.pi * carrier * time + depth / rate * np.sin(2 * np.pi * rate * time))


def _clicks(rng: np.random.Generator, time: Wave, top: float) -> Wave:
    wave = np.zeros_like(time)
    every = rng.uniform(0.03, 0.08)
    for moment in np.arange(rng.uniform(0, every), time[-1], every):
        since = time - moment
        wave += np.where(since >= 0, np.exp(-np.clip(since, 0, None) * 900), 0) * np.cos(np.pi * top * since)
    return wave


def _burst(rng: np.random.Generator, time: Wave, top: float) -> Wave:
    return rng.normal(0, 1, len(time))


def _call(rng: np.random.Generator, time: Wave, top: float) -> Wave:
    """Three to five short syllables of falling pitch with an overtone, like a bird's."""
    count = int(rng.integers(3, 6))
    period = time[-1] / count
    phase = np.mod(time, period) / period
    high, fall = rng.uniform(0.35, 0.5) * top, rng.uniform(0.3, 0.5)
    pitch = high * (1 - fall * phase)
    angle = 2 * np.pi * np.cumsum(pitch) * (time[1] - time[0])
    envelope = np.where(phase < 0.6, np.sin(np.pi * np.clip(phase / 0.6, 0, 1)), 0.0)
    return envelope * (np.sin(angle) + 0.3 * np.sin(2 * angle))


KINDS: dict[str, Callable[[np.random.Generator, Wave, float], Wave]] = {
    "tone": _tone,
    "chirp": _chirp,
    "fm": _fm,
    "clicks": _clicks,
    "noise": _burst,
    "call": _call,
}


def synthetic_sounds(
    kinds: Sequence[str] = tuple(KINDS),
    *,
    each: int = 8,
    rooms: int = 6,
    rate_hz: float = 8000,
    seconds: tuple[float, float] = (0.3, 0.5),
    snr_db: tuple[float, float] = (5.0, 25.0),
    seed: int = 0,
) -> Sounds:
    """Make labelled sounds, recorded in rooms that each have a gain, a hum and a colour of noise.

    Every sound is drawn anew: its frequencies, its length, and how far it is above the noise of its room. The
    last third of the rooms is the test part.

    Args:
        kinds: Any of `"tone"`, `"chirp"` (a sweep), `"fm"` (a warble), `"clicks"`, `"noise"` (a burst) and
            `"call"` (syllables of falling pitch).
        each: Sounds of each kind in each room.
        rooms: How many rooms; they are the speakers.
        rate_hz: Samples a second.
        seconds: Shortest and longest sound.
        snr_db: Least and most power of a sound over that of the noise, in decibels.
        seed: The same seed gives the same sounds.

    Raises:
        InputError: A kind is unknown, or a number makes no sense.

    Example:
        >>> sounds = synthetic_sounds(["tone", "clicks"], each=2, rooms=3)
        >>> len(sounds), sorted(set(sounds.labels.tolist())), len(set(sounds.speakers.tolist()))
        (12, ['clicks', 'tone'], 3)
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise InputError(
            f"The kind of sound {unknown[0]!r}." if unknown else "No kinds of sounds.",
            f"Some of {', '.join(KINDS)}.",
            "Check the spelling.",
        )
    low, high = seconds
    if each < 1 or rooms < 2 or not rate_hz >= 1000 or not 0.1 <= low <= high or snr_db[0] > snr_db[1]:
        raise InputError(
            f"each={each}, rooms={rooms}, rate_hz={rate_hz:g}, seconds={seconds}, snr_db={snr_db}.",
            "One sound each, two rooms, 1000 Hz and 0.1 s at least; the lower end of a range first.",
            "Correct the numbers.",
        )
    rng = np.random.default_rng(seed)
    waves, labels, speakers, parts, names = [], [], [], [], []
    for room in range(rooms):
        gain, hum, colour = rng.uniform(0.15, 0.6), rng.uniform(0, 0.3), rng.uniform(0, 0.9)
        for kind in kinds:
            for number in range(each):
                time = np.arange(round(rng.uniform(low, high) * rate_hz)) / rate_hz
                wave = KINDS[kind](rng, time, rate_hz / 2) * _envelope(time)
                noise = _noise(rng, time, colour) + hum * np.sin(2 * np.pi * 50 * time)
                wave = wave / np.sqrt((wave**2).mean())
                noise *= 10 ** (-rng.uniform(*snr_db) / 20) / np.sqrt((noise**2).mean())
                heard = wave + noise
                waves.append((gain * heard / np.abs(heard).max()).astype(np.float32))
                labels.append(kind)
                speakers.append(f"room_{room}")
                parts.append(2 if room >= rooms - max(1, rooms // 3) else 0)
                names.append(f"{kind}_room_{room}_{number}")
    return Sounds(waves, rate_hz, names=names, labels=labels, speakers=speakers).with_parts(parts)


def _envelope(time: Wave) -> Wave:
    edge = np.minimum(time, time[-1] - time) / _EDGE
    return np.clip(edge, 0, 1)


def _noise(rng: np.random.Generator, time: Wave, colour: float) -> Wave:
    """White noise through a one-pole low-pass: the higher the pole, the duller the room."""
    from scipy.signal import lfilter

    return np.asarray(lfilter([1 - colour], [1, -colour], rng.normal(0, 1, len(time))))
