"""Models that listen: they remember how their frames were made, and predict from recordings."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from antiphon import load_model
from antiphon.audio import SoundFeatures
from antiphon.data import Sequences, Sounds
from antiphon.errors import InputError, ModelFileError
from antiphon.estimators import RecurrentClassifier

OWN = SoundFeatures(8000, ("level",))


def tone(hz, samples=800, rate=8000):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(samples) / rate)).astype(np.float32)


@pytest.fixture(scope="module")
def sounds():
    return Sounds([tone(100 + 20 * i) for i in range(8)], 8000, labels=["a", "b"] * 4)


@pytest.fixture(scope="module")
def model(sounds):
    return RecurrentClassifier(hidden=2, epochs=1, random_state=0).fit(sounds.frames(OWN), sounds.labels)


def test_it_predicts_from_waveforms_as_from_their_frames(model, sounds, tmp_path):
    assert model.sound_ == OWN
    wanted = model.predict_proba(sounds.frames(OWN))
    np.testing.assert_array_equal(model.predict_proba(sounds), wanted)
    paths = []
    for i, wave in enumerate(sounds):
        paths.append(tmp_path / f"{i}.wav")
        soundfile.write(paths[-1], wave, 8000, subtype="FLOAT")
    np.testing.assert_array_equal(model.predict_proba(paths), wanted)
    np.testing.assert_array_equal(model.predict_proba(str(tmp_path)), wanted)
    np.testing.assert_array_equal(model.predict_proba(paths[2]), wanted[2:3])
    assert model.score(sounds, sounds.labels) == model.score(sounds.frames(OWN), sounds.labels)


def test_the_model_file_keeps_it(model, sounds, tmp_path):
    again = load_model(model.save(tmp_path / "m.antiphon") and tmp_path / "m.antiphon")
    assert again.sound_ == OWN
    np.testing.assert_array_equal(again.predict_proba(sounds), model.predict_proba(sounds))


def test_a_file_whose_features_of_sound_are_others(model, tmp_path, monkeypatch):
    monkeypatch.setattr(model, "sound_", SoundFeatures(8000, ("centroid",)))
    model.save(tmp_path / "m.antiphon")
    with pytest.raises(ModelFileError, match="features of sound are not those"):
        load_model(tmp_path / "m.antiphon")


def test_another_rate_names_both(model, tmp_path):
    with pytest.raises(InputError, match=r"Recordings of 16000 Hz.* on recordings of 8000 Hz.*rate_hz=8000"):
        model.predict(Sounds([tone(100, rate=16000)], 16000))
    soundfile.write(tmp_path / "a.wav", tone(100, rate=16000), 16000)
    with pytest.raises(InputError, match="Recordings of 16000 Hz"):
        model.predict(tmp_path / "a.wav")
    assert len(model.predict(Sounds.read(tmp_path / "a.wav", rate_hz=8000))) == 1


def test_frames_made_otherwise(model, sounds):
    other = replace(OWN, frame_seconds=0.064)
    with pytest.raises(InputError, match=r"frame_seconds 0.064, and .* with frame_seconds 0.032"):
        model.predict(sounds.frames(other))
    X = sounds.frames(OWN)
    plain = Sequences(X.frames, X.lengths, X.features, X.rate_hz)  # made elsewhere: nobody knows how
    np.testing.assert_array_equal(model.predict(plain), model.predict(X))


def test_a_recording_that_cannot_be_used_is_named(model, tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(100), 8000)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    with pytest.raises(InputError, match=r"b.wav is no sound that can be read"):
        model.predict([tmp_path / "a.wav", tmp_path / "b.wav"])
    with pytest.raises(InputError, match="shorter than a frame"):
        model.predict(Sounds([tone(100, 50)], 8000))


def test_a_model_of_other_frames_does_not_listen(model, sounds, monkeypatch):
    monkeypatch.setattr(model, "sound_", None)  # as of a model that was fitted on plain arrays
    with pytest.raises(InputError, match="Waveforms, and RecurrentClassifier was fitted on frames of level"):
        model.predict(sounds)


def test_fitted_on_waveforms_it_has_features_by_default(sounds):
    class Fast(RecurrentClassifier):
        def fit(self, X, y):  # all that a fit does before it learns
            self._read(X, reset=True)
            return self

    model = Fast().fit(sounds, sounds.labels)
    assert model.sound_.kinds == ("mfcc", "centroid", "level")
    assert model.features_.columns("mfcc") == tuple(range(20))
    assert Fast().fit(list(sounds.frames(OWN)), sounds.labels).sound_ is None
