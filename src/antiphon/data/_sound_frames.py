"""From waveforms to frames: one compiled function for each of few lengths; long recordings in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Int

from antiphon.data._features import Features
from antiphon.data._sequences import Sequences
from antiphon.data._sound_files import read_blocks
from antiphon.errors import InputError

if TYPE_CHECKING:
    from antiphon.audio import Augmentation, SoundFeatures
    from antiphon.data._sounds import Sounds

DEFAULT = ("mfcc", "centroid", "level")
SHORTEST = 4096  # Samples of the smallest bucket: compiling costs more than padding.
TOGETHER = 1 << 18  # Samples, padding included, that are computed at once.
LONG = 1 << 20  # Samples from which on a recording is computed in pieces.


def sound_features(sound: Any, rate_hz: float) -> SoundFeatures:
    """Settings of features for recordings of a rate.

    Args:
        sound: Settings, names of kinds (`"mfcc,centroid"` or a sequence), or None for MFCC, spectral
            centroid and level.
        rate_hz: Samples a second of the recordings.

    Raises:
        InputError: The settings are for another rate, or are none.

    Example:
        >>> sound_features("centroid, level", 8000).names
        ('centroid', 'level')
    """
    from antiphon.audio import SoundFeatures

    if sound is None:
        return SoundFeatures(rate_hz, DEFAULT)
    if isinstance(sound, str):
        return SoundFeatures(rate_hz, tuple(kind.strip() for kind in sound.split(",") if kind.strip()))
    if isinstance(sound, SoundFeatures):
        if sound.rate_hz != rate_hz:
            raise InputError(
                f"Recordings of {rate_hz:g} Hz, and features for {sound.rate_hz:g} Hz.",
                "One rate.",
                f"Resample the recordings when they are read: rate_hz={sound.rate_hz:g} "
                f"(--resample {sound.rate_hz:g} on the command line).",
            )
        return sound
    if isinstance(sound, Sequence) and all(isinstance(kind, str) for kind in sound):
        return SoundFeatures(rate_hz, tuple(sound))
    raise InputError(
        f"sound={sound!r}.", "A SoundFeatures, or names of kinds.", "Pass for example sound='mfcc,centroid'."
    )


def frames_of(sounds: Sounds, sound: Any) -> Sequences:
    """The features of every recording."""
    own = sound_features(sound, sounds.rate_hz)
    lengths = sounds.lengths
    short = np.flatnonzero(lengths < own.frame_length)
    if len(short):
        raise InputError(
            f"{sounds.names[short[0]]} is shorter than a frame: {lengths[short[0]]} of {own.frame_length} "
            f"samples ({len(short)} such recordings in all).",
            f"At least {own.frame_length} samples ({own.frame_seconds:g} s).",
            "Leave these recordings out, or make frame_seconds smaller.",
        )
    found: list[Any] = [None] * len(sounds)
    for case in np.flatnonzero(lengths >= LONG):
        found[case] = _in_pieces(sounds, int(case), own)
    compute = _compiled(own)
    for cases, padded, real in batches(sounds, np.flatnonzero(lengths < LONG)):
        frames, _ = compute(padded, real)
        for case, values, length in zip(cases, np.asarray(frames), real, strict=False):
            found[case] = values[: own.frame_count(int(length))]
    return as_frames(found, own)


def as_frames(found: Sequence[Float32[np.ndarray, "time feature"]], own: SoundFeatures) -> Sequences:
    """Frames of each recording, joined, with what they are."""
    lengths = np.array([len(values) for values in found], np.int64)
    features = Features(own.names, own.units, own.groups)
    return Sequences(np.concatenate(found), lengths, features, own.frames_hz, sound=own)


def batches(
    sounds: Sounds, cases: Int[np.ndarray, " some"]
) -> Iterator[tuple[Int[np.ndarray, " few"], Float32[np.ndarray, "batch sample"], Int[np.ndarray, " batch"]]]:
    """Recordings of about one length together, padded to one of few shapes.

    Yields:
        Which they are, the padded waveforms `(batch, sample)` and their lengths `(batch,)`; rows beyond the
        recordings are padding of length 1.
    """
    sizes = np.array([_bucket(n) for n in sounds.lengths[cases]], np.int64)
    for size in np.unique(sizes):
        together = max(1, TOGETHER // int(size))
        members = cases[sizes == size]
        for first in range(0, len(members), together):
            few = members[first : first + together]
            waves = [sounds[int(case)] for case in few]
            # A resampled recording may have one sample more than was thought.
            width = max(int(size), *(_bucket(len(wave)) for wave in waves))
            padded = np.zeros((together, width), np.float32)
            real = np.ones(together, np.int32)
            for row, wave in enumerate(waves):
                padded[row, : len(wave)], real[row] = wave, len(wave)
            yield few, padded, real


def copies_of(sounds: Sounds, augmentation: Augmentation) -> list[Float32[np.ndarray, " sample"]]:
    """The changed copies of all recordings: first copies, then second ones, ..."""
    import jax

    change = _changing(_compiled_for(augmentation), sounds.rate_hz)
    key = jax.random.key(augmentation.seed)
    found: list[Any] = [None] * (len(sounds) * augmentation.copies)
    # A faster copy of the shortest recording may be shorter than a frame: silence fills it up.
    least = int(sounds.lengths.min())
    for copy in range(augmentation.copies):
        for cases, padded, real in batches(sounds, np.arange(len(sounds))):
            numbers = np.zeros(len(padded), np.uint32)
            numbers[: len(cases)] = cases + copy * len(sounds)
            changed, lengths = change(padded, real, key, numbers)
            for case, values, length in zip(cases, np.asarray(changed), np.asarray(lengths), strict=False):
                short = max(0, least - int(length))
                found[case + copy * len(sounds)] = np.pad(values[:length], (0, short))
    return found


def masked_copies(X: Sequences, first: int, augmentation: Augmentation) -> Sequences:
    """Frames whose cases from `first` on are copies: stretches of those are blotted out."""
    import jax

    if not (augmentation.time_masks or augmentation.feature_masks):
        return X
    assert X.sound is not None
    blot = _blotting(_compiled_for(augmentation), X.sound.frames_hz)
    values, mask = X.pad()
    copies = np.arange(first, len(X))
    # Its own stream of numbers: the copies' waveforms have used the others.
    key = jax.random.fold_in(jax.random.key(augmentation.seed), 0x5BEC)
    values[copies] = np.asarray(blot(values[copies], mask[copies], key, copies.astype(np.uint32)))
    return Sequences(values[mask], X.lengths, X.features, X.rate_hz, sound=X.sound)


def _compiled_for(augmentation: Augmentation) -> Augmentation:
    """What compiled functions know of it: not the seed and the number of copies, which they are given."""
    return replace(augmentation, seed=0, copies=1)


def _bucket(samples: int) -> int:
    return max(SHORTEST, 1 << (int(samples) - 1).bit_length())


@lru_cache(maxsize=16)
def _compiled(own: SoundFeatures) -> Callable[..., Any]:
    import jax

    return jax.jit(jax.vmap(own))


@lru_cache(maxsize=16)
def _changing(augmentation: Augmentation, rate_hz: float) -> Callable[..., Any]:
    import jax

    def change(samples: Any, length: Any, key: Any, number: Any) -> Any:
        return augmentation(samples, rate_hz, length=length, key=jax.random.fold_in(key, number))

    return jax.jit(jax.vmap(change, in_axes=(0, 0, None, 0)))


@lru_cache(maxsize=16)
def _blotting(augmentation: Augmentation, frames_hz: float) -> Callable[..., Any]:
    import jax

    def blot(frames: Any, mask: Any, key: Any, number: Any) -> Any:
        return augmentation.blot(frames, mask, frames_hz, key=jax.random.fold_in(key, number))

    return jax.jit(jax.vmap(blot, in_axes=(0, 0, None, 0)))


def _in_pieces(sounds: Sounds, case: int, own: SoundFeatures) -> Float32[np.ndarray, "time feature"]:
    """The frames of a long recording, of which no more than a piece is computed, or read, at a time."""
    import jax.numpy as jnp

    from antiphon.audio import SoundStream, normalised

    seconds = TOGETHER / own.rate_hz
    stream = SoundStream(replace(own, cmvn=False), block_seconds=seconds)
    clip = sounds.clips[case]
    if clip.path is None or clip.array is not None:
        pieces: Iterator[np.ndarray] = iter([sounds[case]])
    else:
        pieces = read_blocks(clip.path, seconds, rate_hz=own.rate_hz, start=clip.start, end=clip.end)
    found = [stream.feed(piece) for piece in pieces]
    whole = np.concatenate([*found, stream.finish()])
    if own.cmvn:  # Over a whole recording, so after its pieces.
        return np.asarray(normalised(jnp.asarray(whole), jnp.ones(len(whole), bool)))
    return whole
