"""Features block by block: the same frames as of the whole recording, as soon as they can be known."""

import tracemalloc
from functools import lru_cache

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.audio import SoundFeatures, SoundStream
from antiphon.audio._features import KINDS
from antiphon.errors import InputError

RATE = 4000
EVERY = SoundFeatures(RATE, tuple(KINDS), n_mels=8, n_mfcc=4)
PLAIN = SoundFeatures(RATE, ("level",))
ODD = SoundFeatures(
    RATE, ("zero_crossings", "delta"), frame_seconds=0.01525, hop_seconds=0.00675, n_mels=4, n_mfcc=2
)
ROOM = 4096  # Samples of the longest recording here.


def sound(samples, seed=0):
    """A rising tone in noise, with a silent stretch."""
    time = np.arange(samples) / RATE
    wave = np.sin(2 * np.pi * (200 + 400 * time) * time) * 0.5
    wave += np.random.default_rng(seed).normal(0, 0.05, samples)
    wave[samples // 3 : samples // 2] = 0.0
    return wave.astype(np.float32)


@lru_cache
def compiled(features):
    return jax.jit(features)


def whole(features, wave):
    frames, _ = compiled(features)(np.pad(wave, (0, ROOM - len(wave))), np.int32(len(wave)))
    return np.asarray(frames)[: features.frame_count(len(wave))]


def streamed(features, wave, sizes, block_seconds=0.1):
    stream = SoundStream(features, block_seconds=block_seconds)
    found, place = [], 0
    for size in [*sizes, len(wave)]:
        found.append(stream.feed(wave[place : place + size]))
        place += size
    found.append(stream.finish())
    assert stream.samples == len(wave)
    assert stream.frames == sum(map(len, found))
    return np.concatenate(found)


def same(found, wanted):
    assert found.shape == wanted.shape
    scale = np.maximum(np.abs(wanted).max(0), 1e-3)
    assert (np.abs(found - wanted) / scale).max() <= 1e-5


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(1, ROOM), st.lists(st.integers(0, 900), max_size=8), st.integers(0, 9))
def test_every_kind_is_that_of_the_whole(samples, sizes, seed):
    wave = sound(samples, seed)
    same(streamed(EVERY, wave, sizes), whole(EVERY, wave))


@settings(max_examples=12, deadline=None)
@given(st.integers(1, ROOM), st.lists(st.integers(0, 900), max_size=8), st.sampled_from([0.004, 0.05, 2.0]))
def test_frames_and_hops_of_odd_lengths(samples, sizes, block):
    wave = sound(samples)
    same(streamed(ODD, wave, sizes, block), whole(ODD, wave))


SOME = [PLAIN, ODD, pytest.param(EVERY, marks=pytest.mark.slow)]


@pytest.mark.parametrize("features", SOME, ids=["plain", "odd", "every"])
def test_a_frame_comes_as_soon_as_its_sound_has_been_heard(features):
    stream = SoundStream(features)
    slopes = "delta" in features.kinds
    for sample in sound(1000):
        known = stream.frames
        stream.feed(np.array([sample]))
        for frame in range(known, stream.frames):
            due = max(frame, 4) if slopes else frame  # The first slopes are that of the fifth frame.
            assert stream.samples == due * features.hop_length + round(stream.latency_seconds * RATE)
    assert stream.frames >= 15


def test_how_long_it_waits():
    assert SoundStream(SoundFeatures(8000, ("level",))).latency_seconds == 0.016
    assert SoundStream(SoundFeatures(8000, ("delta2",))).latency_seconds == 0.056
    assert SoundStream(SoundFeatures(8000, ("pitch",))).latency_seconds == pytest.approx(1 / 60, abs=5e-4)


def test_its_memory_does_not_grow():
    stream = SoundStream(PLAIN)
    block = sound(400)
    for _ in range(20):
        stream.feed(block)
    tracemalloc.start()
    try:
        held = []
        for _ in range(2):
            for _ in range(200):
                stream.feed(block)
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 2 * block.nbytes


def test_what_cannot_be_streamed():
    with pytest.raises(InputError, match="cmvn=False"):
        SoundStream(SoundFeatures(RATE, ("mfcc",), cmvn=True))
    for seconds in (0, float("inf")):
        with pytest.raises(InputError, match=f"block_seconds={seconds}"):
            SoundStream(PLAIN, block_seconds=seconds)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, 4), np.float32), r"shape \(2, 4\)"),
        (np.zeros(4, np.int16), "type int16"),
        (np.array([0.0, np.nan]), r"sample nan at 0\.101 s"),
        (np.array([0.0, 0.0, -np.inf]), r"sample -inf at 0\.101 s"),
    ],
)
def test_samples_that_are_none(samples, message):
    stream = SoundStream(PLAIN)
    stream.feed(sound(402))
    with pytest.raises(InputError, match=message):
        stream.feed(samples)
    assert len(stream.feed(sound(400))) == 10  # It goes on as if they had not come.


def test_after_its_end():
    stream = SoundStream(PLAIN)
    with pytest.raises(InputError, match="without a sample"):
        stream.finish()
    stream.feed(sound(100))
    assert len(stream.finish()) == 2
    with pytest.raises(InputError, match="has ended"):
        stream.feed(sound(100))
    with pytest.raises(InputError, match="has ended"):
        stream.finish()
