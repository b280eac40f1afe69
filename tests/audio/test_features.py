"""Features of sound: names and units, padding, batches, slopes, settings, bad input."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_signals import RATE, waveforms

from antiphon import audio
from antiphon.audio import SoundFeatures
from antiphon.errors import InputError
from antiphon.graph import trace

ALL = (
    "mfcc", "mel", "delta", "delta2", "level", "centroid", "bandwidth", "rolloff", "flatness", "contrast",
    "chroma", "zero_crossings", "pitch",
)  # fmt: skip
EVERYTHING = SoundFeatures(RATE, kinds=ALL)
COMPILED = jax.jit(EVERYTHING)
WAVE = jnp.asarray(waveforms()["chirp"])


def test_every_feature_has_a_name_and_a_unit():
    frames, mask = COMPILED(WAVE)
    assert frames.shape == (EVERYTHING.frame_count(len(WAVE)), len(EVERYTHING.names))
    assert len(set(EVERYTHING.names)) == len(EVERYTHING.names) == len(EVERYTHING.units)
    assert set(EVERYTHING.units) == {"dB", "Hz", ""}
    assert EVERYTHING.units[EVERYTHING.names.index("centroid")] == "Hz"
    assert mask.all()
    assert EVERYTHING.groups["mfcc"] == tuple(f"mfcc_{i}" for i in range(20))
    assert EVERYTHING.frames_hz == 100


@settings(max_examples=10, deadline=None)
@given(length=st.integers(1, 2400), fill=st.sampled_from([0.0, 1.0, np.nan]))
def test_what_stands_behind_a_recording_changes_nothing(length, fill):
    padded = jnp.where(jnp.arange(2400) < length, WAVE, fill)
    frames, mask = COMPILED(padded, length)
    other, _ = COMPILED(jnp.where(jnp.arange(2400) < length, WAVE, 0.5), length)
    np.testing.assert_array_equal(frames, other)
    assert int(mask.sum()) == EVERYTHING.frame_count(length)
    assert np.isfinite(frames).all()
    assert not frames[~np.asarray(mask)].any()


@pytest.mark.parametrize("length", [700, 1999])
def test_a_padded_recording_has_the_features_of_the_recording(length):
    whole, _ = jax.jit(EVERYTHING)(WAVE[:length])
    padded, mask = COMPILED(jnp.pad(WAVE[:length], (0, 2400 - length)), length)
    np.testing.assert_allclose(padded[np.asarray(mask)], whole, rtol=1e-5, atol=1e-4)


def test_a_batch_is_its_recordings():
    waves = jnp.stack([jnp.asarray(w) for w in waveforms().values()])
    together, _ = jax.jit(jax.vmap(EVERYTHING))(waves)
    for one, wave in zip(together, waves, strict=True):
        np.testing.assert_allclose(one, COMPILED(wave)[0], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("wave", [jnp.zeros(2400), WAVE], ids=["silence", "sound"])
def test_slopes_are_finite_even_of_silence(wave):
    slope = jax.jit(jax.grad(lambda w: EVERYTHING(w)[0].sum()))(wave)
    assert np.isfinite(slope).all()


def test_a_matrix_gives_what_the_fast_transform_gives():
    kinds = ("mfcc", "centroid", "flatness")
    fast, slow = (SoundFeatures(RATE, kinds=kinds, transform=t)(WAVE)[0] for t in ("fft", "matrix"))
    np.testing.assert_allclose(slow, fast, rtol=1e-4, atol=1e-3)
    graph = trace(SoundFeatures(RATE, kinds=kinds, transform="matrix"), WAVE)
    assert not any(equation.primitive == "fft" for equation in graph.equations)


def test_normalised_features_have_mean_0_and_deviation_1():
    frames, mask = SoundFeatures(RATE, kinds=("mfcc",), cmvn=True)(WAVE, 2000)
    real = np.asarray(frames)[np.asarray(mask)]
    np.testing.assert_allclose(real.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(real.std(0), 1, atol=1e-3)
    assert set(SoundFeatures(RATE, cmvn=True).units) == {""}


def test_settings_survive_json():
    again = SoundFeatures(**json.loads(json.dumps(EVERYTHING.config)))
    assert again == EVERYTHING
    assert hash(again) == hash(EVERYTHING)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kinds": ("mfcc", "loudness")}, "loudness"),
        ({"kinds": ()}, "(none)"),
        ({"kinds": ("mfcc", "mfcc")}, "each once"),
        ({"transform": "wavelet"}, "wavelet"),
        ({"hop_seconds": 0.0}, "every 0 s"),
        ({"rate_hz": 0}, "0 Hz"),
        ({"fmin": 3000.0, "fmax": 2000.0}, "3000"),
        ({"fmax": 5000.0}, "5000"),
    ],
)
def test_wrong_settings_are_named(wrong, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(").replace(")", r"\)")):
        SoundFeatures(**{"rate_hz": RATE, **wrong})


@pytest.mark.parametrize("wave", [jnp.zeros(0), jnp.zeros((10, 2)), jnp.zeros(())])
def test_what_is_no_waveform_is_refused(wave):
    with pytest.raises(InputError, match="one channel of at least one sample"):
        EVERYTHING(wave)


@pytest.mark.parametrize(
    "call",
    [
        lambda: audio.frame(WAVE, frame_length=0, hop_length=1),
        lambda: audio.mfcc(jnp.ones((3, 4)), 5),
        lambda: audio.delta(jnp.ones((9, 1)), width=4),
        lambda: audio.delta(jnp.ones((9, 1)), order=3),
        lambda: audio.mel_filters(8000.0, 64, 60, 0.0, 4000.0),
        lambda: audio.spectral_rolloff(jnp.ones((1, 5)), 8000, share=1.5),
        lambda: audio.spectral_contrast(jnp.ones((1, 129)), 8000, bands=9),
        lambda: audio.yin(jnp.ones((1, 64)), 8000, fmin=50),
    ],
)
def test_wrong_arguments_are_refused(call):
    with pytest.raises(InputError):
        call()
