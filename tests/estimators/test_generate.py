"""Sound made sample by sample: what the estimator says is what its network says, and it comes back."""

import jax
import numpy as np
import pytest
import soundfile
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from antiphon import load_model
from antiphon.audio import mu_law_encode
from antiphon.cli._use import _load_one_that_predicts
from antiphon.data import Features, Sounds
from antiphon.errors import ExportError, InputError, ModelFileError
from antiphon.estimators import Listener, SoundGenerator, export_model
from antiphon.estimators._generate import _pieces
from antiphon.language import Output
from antiphon.networks import build
from antiphon.networks.generative import CategoricalWaveNet

LEVELS = 8
SMALL = {
    "settings": {"hidden": 3},
    "levels": LEVELS,
    "piece_seconds": 0.05,
    "context_seconds": 0.01,
    "epochs": 1,
    "random_state": 0,
}


def sounds_of(lengths=(30, 28, 26), rate=1000):
    rng = np.random.default_rng(1)
    waves = [
        np.float32(0.5 * np.sin(np.arange(n) / 3 + rng.uniform(0, 6)) + 0.05 * rng.normal(size=n))
        for n in lengths
    ]
    return Sounds(waves, rate)


@pytest.fixture(scope="module")
def sounds():
    return sounds_of()


@pytest.fixture(scope="module")
def model():
    """A model as after a fit, which the slow tests do."""
    model = SoundGenerator("rnn", **SMALL)
    config = {"kind": "CategoricalRNN", "cell": "rnn", "hidden": 3, "symbols": LEVELS}
    model.network_ = jax.tree.map(lambda leaf: 2 * leaf, build(config, key=jax.random.key(0)))
    model.rate_hz_, model.is_table_ = 1000.0, False
    model.features_, model.n_features_in_ = Features(("sample",)), 1
    model.output_, model.metric_ = Output("tagging", tuple(range(LEVELS))), "log-likelihood"
    model.curve_, model.n_iter_ = {"train_loss": (2.0,)}, 1
    return model


def test_likelihoods_are_those_of_the_network(model, sounds):
    found = model.log_likelihood(sounds)
    step = jax.jit(lambda *now: model.network_.step(*now))  # a module itself has no hash
    for wave, one in zip(sounds, found, strict=True):
        state, last, total = model.network_.initial_state(), LEVELS, 0.0
        for code in mu_law_encode(wave, levels=LEVELS).tolist():
            state, said = step(state, last)
            last, total = code, total + float(said[code])
        assert one == pytest.approx(total / len(wave), rel=1e-4)
    assert model.score(sounds) == pytest.approx(np.average(found, weights=sounds.lengths))


def test_pieces_cover_each_sample_once():
    codes = [np.arange(10), np.arange(20, 24)]
    samples, real, learned = _pieces(codes, 4, 2)
    assert sorted(samples[learned].tolist()) == [*range(10), *range(20, 24)]
    assert samples.shape == (4, 6)
    assert [row[there].tolist() for row, there in zip(samples, real, strict=True)] == [
        [0, 1, 2, 3], [2, 3, 4, 5, 6, 7], [6, 7, 8, 9], [20, 21, 22, 23],
    ]  # fmt: skip


def test_samples_are_seeded_and_are_levels(model):
    one = model.sample(0.1, random_state=3)
    assert one.shape == (100,)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, model.sample(0.1, random_state=3))
    assert (one != model.sample(0.1, random_state=4)).any()
    assert len(np.unique(one)) <= LEVELS
    assert np.abs(one).max() <= 1


def test_it_comes_back_from_a_file(model, sounds, tmp_path):
    again = load_model(model.save(tmp_path / "m.antiphon") and tmp_path / "m.antiphon")
    assert type(again) is SoundGenerator
    assert again.rate_hz_ == 1000
    np.testing.assert_array_equal(again.log_likelihood(sounds), model.log_likelihood(sounds))
    np.testing.assert_array_equal(again.sample(0.1, random_state=3), model.sample(0.1, random_state=3))
    assert again.get_params() == clone(model).get_params()
    with pytest.raises(
        ModelFileError, match="holds a SoundGenerator, which makes sound and predicts nothing"
    ):
        _load_one_that_predicts(tmp_path / "m.antiphon")


def test_paths_are_recordings(model, sounds, tmp_path):
    soundfile.write(tmp_path / "a.wav", sounds[0], 1000, subtype="FLOAT")
    path = tmp_path / "a.wav"
    np.testing.assert_allclose(model.log_likelihood([path]), model.log_likelihood(sounds[:1]), rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "transformer"}, "network='transformer'"),
        ({"levels": 1}, "levels=1"),
        ({"piece_seconds": 0.0}, "piece_seconds=0.0"),
        ({"piece_seconds": float("nan")}, "piece_seconds=nan"),
        ({"context_seconds": -1.0}, "context_seconds=-1.0"),
        ({"settings": {"depth": 3}}, "depth"),
        ({"epochs": 0}, "epochs=0"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
    ],
)
def test_settings_that_make_no_sense(sounds, change, message):
    with pytest.raises(InputError, match=message):
        SoundGenerator(**{"network": "rnn", **SMALL, **change}).fit(sounds)


def test_what_it_does_not_take(model, sounds):
    with pytest.raises(InputError, match="list as recordings"):
        SoundGenerator(**SMALL).fit([np.zeros(100)])
    with pytest.raises(InputError, match=r"2000 Hz, and the model was fitted on 1000 Hz.*rate_hz=1000"):
        model.score(sounds_of(rate=2000))
    for seconds in (0.0, 1e-9, 601.0, float("nan")):
        with pytest.raises(InputError, match="A sound of"):
            model.sample(seconds)
    with pytest.raises(InputError, match="temperature=0"):
        model.sample(0.1, temperature=0)
    with pytest.raises(NotFittedError):
        SoundGenerator().sample(1.0)
    with pytest.raises(ExportError, match="makes sound and reads no frames"):
        export_model(model, "numpy")
    with pytest.raises(InputError, match="whose answer is no class and no number"):
        Listener(model)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["gru", "lstm", "wavenet"])
def test_it_learns_a_tone(network, tmp_path):
    settings = {"channels": 8, "skip_channels": 8, "layers": 4} if network == "wavenet" else {"hidden": 16}
    model = SoundGenerator(network, **{**SMALL, "settings": settings, "epochs": 150, "learning_rate": 0.02})
    model.fit(sounds_of((300, 170, 90)))
    assert model.score(sounds_of((200, 250))) > -1.0
    assert len(model.curve_["train_loss"]) == model.n_iter_ == 150
    made = model.sample(1.0, random_state=0)
    spectrum = np.abs(np.fft.rfft(made[200:] - made[200:].mean()))
    assert np.argmax(spectrum) / 0.8 == pytest.approx(1000 / (6 * np.pi), rel=0.1)
    if network == "wavenet":
        assert isinstance(model.network_, CategoricalWaveNet)
        again = load_model(model.save(tmp_path / "m.antiphon") and tmp_path / "m.antiphon")
        np.testing.assert_array_equal(again.sample(0.1, random_state=3), model.sample(0.1, random_state=3))
