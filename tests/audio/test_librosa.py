"""Each feature is librosa's: on made signals from a file, on speech where librosa and recordings are here."""

import wave as wave_file
from pathlib import Path

import jax
import numpy as np
import pytest
from sound_reference import difference, of_librosa, of_ours
from sound_signals import RATE, waveforms

GOLDEN = np.load(Path(__file__).with_name("librosa_golden.npz"))
FEATURES = sorted({name.split(".")[1] for name in GOLDEN.files})
DIGITS = Path(__file__).parents[3] / "shared" / "data" / "spoken_digits"
OURS = jax.jit(of_ours, static_argnums=1)


@pytest.fixture(scope="module")
def found():
    return {name: jax.device_get(OURS(wave, RATE)) for name, wave in waveforms().items()}


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("signal", waveforms())
def test_a_feature_is_librosas(found, signal, feature):
    assert difference(found[signal][feature], GOLDEN[f"{signal}.{feature}"]) <= 1e-4


@pytest.mark.slow
@pytest.mark.skipif(not DIGITS.is_dir(), reason="the recordings of spoken digits are not here")
def test_features_of_speech_are_librosas():
    pytest.importorskip("librosa")
    for path in sorted(DIGITS.glob("*_11.wav"))[::4]:
        with wave_file.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        theirs = of_librosa(samples, RATE)
        ours = of_ours(samples, RATE)
        for feature, value in theirs.items():
            if (
                feature == "contrast"
            ):  # Its valleys are rounding errors where a recording has digital silence.
                continue
            assert difference(ours[feature], value) <= 1e-4, (path.name, feature)
