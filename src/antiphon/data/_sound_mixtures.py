"""Recordings put together: strings of words with pauses, and what is heard of them in noise.

What is true of them, which words there are and when somebody speaks, is known from how they were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float32, Float64

from antiphon.data._sounds import Sounds
from antiphon.errors import InputError

if TYPE_CHECKING:
    from antiphon.audio import Event

BELOW_PEAK_DB = 30.0  # Speech is what is at most so far below the loudest part of its recording.
WINDOW_SECONDS, STEP_SECONDS = 0.01, 0.005
PAUSE_SECONDS = 0.1  # Shorter pauses, as before a stop, belong to the word.
NOISES = ("white", "pink", "brown", "babble")
TALKERS = 6
Wave = Float64[np.ndarray, " sample"]


def active_parts(samples: Float32[np.ndarray, " sample"], rate_hz: float) -> list[tuple[int, int]]:
    """Where something is heard in a clean recording: the loud parts, by their energy.

    Args:
        samples: A recording without noise.
        rate_hz: Samples a second.

    Returns:
        The first sample of each part, and the sample after its last. Loud is what is at most 30 dB below the
        loudest 10 ms; pauses up to 0.1 s belong to it.

    Example:
        >>> wave = np.concatenate([np.zeros(800), np.sin(np.arange(1600)), np.zeros(800)])
        >>> active_parts(np.float32(wave), 8000)
        [(780, 2420)]
    """
    window, step = (max(1, round(seconds * rate_hz)) for seconds in (WINDOW_SECONDS, STEP_SECONDS))
    padded = np.pad(samples.astype(np.float64) ** 2, (window // 2, window))
    total = np.concatenate([[0.0], np.cumsum(padded)])
    starts = np.arange(0, len(samples), step)
    power = total[starts + window] - total[starts]
    loud = power > power.max() * 10 ** (-BELOW_PEAK_DB / 10)
    parts: list[tuple[int, int]] = []
    for place in np.flatnonzero(loud):
        first = max(0, int(starts[place]) - step // 2)
        stop = min(len(samples), int(starts[place]) + step - step // 2)
        if parts and first - parts[-1][1] <= PAUSE_SECONDS * rate_hz:
            first = parts.pop()[0]
        parts.append((first, stop))
    return parts


def join_sounds(
    sounds: Sounds,
    count: int,
    *,
    words: tuple[int, int] = (1, 5),
    gap_seconds: tuple[float, float] = (0.1, 0.5),
    seed: int = 0,
) -> tuple[Sounds, list[tuple[Event, ...]]]:
    """Strings of recordings with silence before, between and after them.

    Where speakers are known, all recordings of a string are of one.

    Args:
        sounds: Labelled recordings of single words.
        count: How many strings.
        words: Fewest and most recordings of a string.
        gap_seconds: Shortest and longest silence.
        seed: The same seed gives the same strings.

    Returns:
        The strings, whose labels are those of their recordings with blanks between them; and for each of them
        when its recordings are heard (see `active_parts`), as events with their labels.

    Raises:
        InputError: If the recordings have no labels, or a number makes no sense.

    Example:
        >>> one = Sounds([np.sin(np.arange(800)), np.sin(np.arange(400))], 8000, labels=["a", "b"])
        >>> strings, events = join_sounds(one, 2, words=(2, 2))
        >>> strings.labels.tolist(), [len(some) for some in events]
        (['b b', 'a b'], [2, 2])
    """
    from antiphon.audio import Event

    low, high = words
    if sounds.labels is None:
        raise InputError(
            "Recordings without labels.", "The word of each recording.", "Read them with a pattern."
        )
    if count < 1 or not 1 <= low <= high or not 0 <= gap_seconds[0] <= gap_seconds[1]:
        raise InputError(
            f"{count=}, {words=} and {gap_seconds=}.",
            "One string and one word at least; the lower end of a range first.",
            "Correct the numbers.",
        )
    rng = np.random.default_rng(seed)
    who = np.zeros(len(sounds), np.int64) if sounds.speakers is None else sounds.speakers
    everyone = np.unique(who)
    waves, texts, speakers, found = [], [], [], []
    for _ in range(count):
        speaker = everyone[rng.integers(len(everyone))]
        chosen = rng.choice(np.flatnonzero(who == speaker), int(rng.integers(low, high + 1)))
        pieces, events, place = [], [], 0
        for case in chosen:
            gap = round(rng.uniform(*gap_seconds) * sounds.rate_hz)
            wave = sounds[int(case)]
            for first, stop in active_parts(wave, sounds.rate_hz):
                begin, end = ((place + gap + at) / sounds.rate_hz for at in (first, stop))
                events.append(Event(begin, end, sounds.labels[case].item()))
            pieces += [np.zeros(gap, np.float32), wave]
            place += gap + len(wave)
        pieces.append(np.zeros(round(rng.uniform(*gap_seconds) * sounds.rate_hz), np.float32))
        waves.append(np.concatenate(pieces))
        texts.append(" ".join(str(sounds.labels[case]) for case in chosen))
        speakers.append(speaker)
        found.append(tuple(events))
    known = None if sounds.speakers is None else speakers
    names = [f"string_{number}" for number in range(count)]
    return Sounds(waves, sounds.rate_hz, names=names, labels=texts, speakers=known), found


def add_background(
    sounds: Sounds,
    events: Sequence[Sequence[Event]],
    *,
    kinds: Sequence[str] = NOISES,
    snr_db: Sequence[float] = (0.0, 5.0, 10.0),
    talkers: Sounds | None = None,
    peak_db: tuple[float, float] = (-20.0, -1.0),
    seed: int = 0,
) -> Sounds:
    """Recordings in noise, at signal-to-noise ratios; kinds and ratios are dealt out in turn.

    Args:
        sounds: Clean recordings.
        events: When something is heard in each of them: the ratio is that of the power then to the power of
            the noise.
        kinds: Any of `"white"`, `"pink"` (its power falls by 3 dB an octave), `"brown"` (by 6 dB an octave)
            and `"babble"` (six talkers at once).
        snr_db: Ratios, in decibels.
        talkers: Recordings that babble is made of.
        peak_db: The range from which the peak of a recording is drawn, in decibels below full scale.
        seed: The same seed gives the same noise.

    Returns:
        The recordings; `fields` has the kind of noise (`noise`) and the ratio (`snr_db`) of each, too.

    Raises:
        InputError: If a kind is unknown, there is babble without talkers, these are of another rate, or a
            number makes no sense.

    Example:
        >>> from antiphon.audio import Event
        >>> clean = Sounds([np.sin(np.arange(800))] * 2, 8000)
        >>> noisy = add_background(clean, [[Event(0.0, 0.1, "tone")]] * 2, kinds=["white", "pink"])
        >>> noisy.fields["noise"].tolist(), noisy.fields["snr_db"].tolist()
        (['white', 'pink'], ['0', '0'])
    """
    unknown = [kind for kind in kinds if kind not in NOISES]
    if unknown or not kinds:
        raise InputError(
            f"The kind of noise {unknown[0]!r}." if unknown else "No kinds of noise.",
            f"Some of {', '.join(NOISES)}.",
            "Check the spelling.",
        )
    if "babble" in kinds and talkers is None:
        raise InputError(
            "Babble without talkers.", "Recordings that it is made of.", "Pass talkers, or leave babble out."
        )
    if talkers is not None and talkers.rate_hz != sounds.rate_hz:
        raise InputError(
            f"Talkers of {talkers.rate_hz:g} Hz, and recordings of {sounds.rate_hz:g} Hz.",
            "The same rate.",
            f"Resample the talkers: Sounds.read(..., rate_hz={sounds.rate_hz:g}).",
        )
    if len(events) != len(sounds) or not len(snr_db) or not peak_db[0] <= peak_db[1] <= 0:
        raise InputError(
            f"Events of {len(events)} of {len(sounds)} recordings, {len(snr_db)} ratios and {peak_db=}.",
            "Events of each, a ratio at least, and peaks up to 0 dB, the lower end first.",
            "Correct them.",
        )
    rng = np.random.default_rng(seed)
    waves, said, ratios = [], [], []
    for case, (wave, own) in enumerate(zip(sounds, events, strict=True)):
        # All kinds at the first ratio, then all at the next.
        kind, ratio = kinds[case % len(kinds)], snr_db[case // len(kinds) % len(snr_db)]
        clean = wave.astype(np.float64)
        active = _active(own, len(clean), sounds.rate_hz)
        power = (clean[active] ** 2).mean() if active.any() else 1e-4
        noise = _noise(rng, kind, len(clean), talkers)
        heard = clean + noise * np.sqrt(power / (noise**2).mean() * 10 ** (-ratio / 10))
        heard *= 10 ** (rng.uniform(*peak_db) / 20) / np.abs(heard).max()
        waves.append(heard.astype(np.float32))
        said.append(kind)
        ratios.append(f"{ratio:g}")
    made = Sounds(waves, sounds.rate_hz, names=sounds.names, labels=sounds.labels, speakers=sounds.speakers)
    fields = {**sounds.fields, "noise": np.array(said), "snr_db": np.array(ratios)}
    return made._with(fields=fields, parts=sounds.parts)


def _active(events: Sequence[Event], samples: int, rate_hz: float) -> Bool[np.ndarray, " sample"]:
    found = np.zeros(samples, bool)
    for event in events:
        found[round(event.onset * rate_hz) : round(event.offset * rate_hz)] = True
    return found


def _noise(rng: np.random.Generator, kind: str, samples: int, talkers: Sounds | None) -> Wave:
    if kind == "babble":
        assert talkers is not None
        return sum((_talk(rng, talkers, samples) for _ in range(TALKERS)), np.zeros(samples))
    falls = {"white": 0.0, "pink": 0.5, "brown": 1.0}[kind]
    spectrum = np.fft.rfft(rng.normal(0, 1, samples))
    # Below a 400th of the rate (20 Hz at 8 kHz) nothing is heard: there the power rises no further.
    octaves = np.maximum(np.fft.rfftfreq(samples), 1 / 400)
    return np.fft.irfft(spectrum * octaves**-falls, samples)


def _talk(rng: np.random.Generator, talkers: Sounds, samples: int) -> Wave:
    """One talker without pauses, from somewhere in the middle of a word on."""
    pieces: list[Any] = []
    wanted = samples + int(talkers.lengths.max())
    while sum(map(len, pieces)) < wanted:
        wave = talkers[int(rng.integers(len(talkers)))].astype(np.float64)
        pieces.append(wave / np.sqrt((wave**2).mean() + 1e-12))
    first = int(rng.integers(len(pieces[0])))
    return np.concatenate(pieces)[first : first + samples]
