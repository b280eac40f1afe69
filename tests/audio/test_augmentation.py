"""Changed copies of sounds: each change against what it must be, and their settings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.audio import (
    Augmentation,
    add_noise,
    change_gain,
    change_speed,
    mask_frames,
    shift_time,
)
from antiphon.errors import InputError

SIZE = 1000
few = settings(deadline=None, max_examples=15)  # the first example compiles
WAVE = jnp.sin(2 * jnp.pi * 300 / 8000 * jnp.arange(SIZE, dtype=jnp.float32))
noisy = jax.jit(add_noise)
shifted = jax.jit(shift_time)
speeded = jax.jit(change_speed, static_argnames="size")
masked = jax.jit(mask_frames, static_argnames=("times", "longest", "features", "widest"))


@few
@given(st.floats(-60, 20, width=32))
def test_gain_is_in_decibels(gain):
    louder = change_gain(WAVE, gain)
    assert 20 * np.log10(np.abs(louder).max() / np.abs(WAVE).max()) == pytest.approx(gain, abs=1e-3)


@few
@given(st.floats(-20, 40, width=32), st.integers(10, SIZE), st.integers(0, 99))
def test_noise_is_as_far_below_as_asked(snr, length, seed):
    wave = WAVE.at[length:].set(7.0)  # padding, which has no part in the powers and stays
    found = np.asarray(noisy(wave, jnp.float32(snr), key=jax.random.key(seed), length=length))
    noise = (found - np.asarray(wave)).astype(np.float64)
    assert not noise[length:].any()
    got = 10 * np.log10((np.asarray(wave)[:length].astype(float) ** 2).sum() / (noise**2).sum())
    assert got == pytest.approx(snr, abs=0.02)


def test_noise_of_a_key_is_white_and_silence_stays():
    key = jax.random.key(5)
    noise = np.asarray(noisy(WAVE, jnp.float32(0), key=key, length=SIZE) - WAVE)
    np.testing.assert_array_equal(noise, np.asarray(noisy(WAVE, jnp.float32(0), key=key, length=SIZE) - WAVE))
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.1
    assert not np.asarray(noisy(jnp.zeros(SIZE), jnp.float32(0), key=key, length=SIZE)).any()


@few
@given(st.integers(-1200, 1200), st.integers(1, SIZE))
def test_a_shift_is_what_numpy_does_with_silence_around(by, length):
    wave = np.asarray(WAVE)
    wanted = wave.copy()
    around = np.concatenate([np.zeros(1200), wave[:length], np.zeros(1200)]).astype(np.float32)
    wanted[:length] = around[1200 - by : 1200 - by + length] if abs(by) <= 1200 else 0
    np.testing.assert_array_equal(np.asarray(shifted(WAVE, by, length=length)), wanted)


@few
@given(st.floats(0.5, 1.75, width=32), st.integers(400, SIZE))
def test_a_faster_tone_is_shorter_and_higher(factor, length):
    wave, count = speeded(WAVE, jnp.float32(factor), length=length, size=2000)
    assert abs(int(count) - length / factor) <= 0.51
    assert not np.asarray(wave[int(count) :]).any()
    times = np.arange(int(count)) * np.float64(np.float32(factor))
    inner = slice(40, int(count) - 40)
    np.testing.assert_allclose(np.asarray(wave)[: int(count)][inner],
                               np.sin(2 * np.pi * 300 / 8000 * times)[inner], atol=5e-3)  # fmt: skip


def test_what_would_be_above_half_the_rate_is_cut_off():
    high = jnp.sin(2 * jnp.pi * 3500 / 8000 * jnp.arange(SIZE, dtype=jnp.float32))
    wave, count = speeded(high, jnp.float32(1.5), length=SIZE, size=2000)
    assert np.abs(np.asarray(wave)[40 : int(count) - 40]).max() < 0.01


def test_a_copy_that_has_no_room_is_cut_off():
    wave, count = change_speed(WAVE, 0.5, size=600)
    assert (wave.shape, int(count)) == ((600,), 600)


@few
@given(st.integers(0, 500), st.integers(3, 20))
def test_masks_are_stretches_of_the_mean_inside_the_recording(seed, real):
    frames = jax.random.normal(jax.random.key(7), (20, 6))
    mask = jnp.arange(20) < real
    frames = jnp.where(mask[:, None], frames, jnp.nan)
    arguments = {"times": 1, "longest": 5, "features": 1, "widest": 2}
    found = np.asarray(masked(frames, mask, key=jax.random.key(seed), **arguments))
    before = np.asarray(frames)
    assert np.isnan(found[real:]).all()  # what is no frame is left alone, and reaches nothing
    changed = found[:real] != before[:real]
    rows, columns = changed.all(axis=1), changed.all(axis=0)
    np.testing.assert_array_equal(changed, rows[:, None] | columns[None, :])
    for line, most in ((rows, 5), (columns, 2)):
        places = np.flatnonzero(line)
        if rows.all() or columns.all():
            continue
        assert len(places) <= most
        assert not len(places) or np.ptp(places) == len(places) - 1
    mean = before[:real].mean(axis=0)
    np.testing.assert_allclose(found[:real][changed], np.broadcast_to(mean, (real, 6))[changed], atol=1e-5)


def test_masks_of_different_keys_differ():
    frames = jnp.arange(120.0).reshape(20, 6)
    arguments = {"times": 1, "longest": 5, "features": 1, "widest": 2}
    found = {
        masked(frames, jnp.ones(20, bool), key=jax.random.key(seed), **arguments).tobytes()
        for seed in range(12)
    }
    assert len(found) > 6


def test_all_of_it_is_seeded_and_differs_between_keys():
    change = Augmentation()
    run = jax.jit(lambda key, length: change(WAVE, 8000.0, key=key, length=length))
    (one, a), (again, b), (other, _) = (run(jax.random.key(seed), 900) for seed in (0, 0, 1))
    assert one.shape == (change.room(SIZE),) == (1112,)
    assert int(a) == int(b)
    assert 900 / 1.1 - 1 < int(a) < 900 / 0.9 + 1
    np.testing.assert_array_equal(one, again)
    assert (np.asarray(one) != np.asarray(other)).any()
    assert not np.asarray(one)[int(a) :].any()


def test_nothing_asked_for_changes_nothing():
    change = Augmentation(gain_db=None, snr_db=None, shift_seconds=0, speed=None)
    wave, length = change(WAVE, 8000.0, key=jax.random.key(0), length=900)
    np.testing.assert_array_equal(wave, WAVE.at[900:].set(0.0))
    assert int(length) == 900


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gain_db": (3, 1)}, r"gain_db=\(3, 1\)"),
        ({"snr_db": 10}, "snr_db=10"),
        ({"speed": (0.0, 1.0)}, r"speed=\(0.0, 1.0\)"),
        ({"copies": 0}, "copies=0"),
        ({"time_masks": -1}, "time_masks=-1"),
        ({"seed": 0.5}, "seed=0.5"),
        ({"shift_seconds": -1.0}, "shift_seconds=-1.0"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(InputError, match=message):
        Augmentation(**settings)
