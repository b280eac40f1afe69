"""Estimators of any network of the catalogue."""

import numpy as np
import pytest
from sklearn.base import clone

from antiphon import load_model
from antiphon.errors import InputError
from antiphon.estimators import NetworkClassifier, NetworkRegressor, NetworkTagger
from antiphon.networks import FAMILIES

SMALL = {"epochs": 2, "random_state": 0}


def cases(count=12, seed=0):
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(int(n), 2)).astype(np.float32) for n in rng.integers(3, 9, count)]
    y = np.array([x[:, 0].mean() > 0 for x in X])
    y[:2] = [True, False]
    return X, y


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("transformer", "spiking")]


@pytest.mark.parametrize("name", ["minlstm", "cnn", *SLOW])
def test_a_saved_network_says_the_same(name, tmp_path):
    X, y = cases()
    model = NetworkClassifier(name, {FAMILIES[name].width: 4}, **SMALL).fit(X, y)
    model.save(tmp_path / "model.antiphon")
    again = load_model(tmp_path / "model.antiphon")
    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.frames])
@pytest.mark.slow
def test_every_network_of_frames_tags(name):
    X, _ = cases()
    y = [(x[:, 0] > 0).astype(int) for x in X]
    model = NetworkTagger(name, {FAMILIES[name].width: 4}, **SMALL).fit(X, y)
    assert [len(t) for t in model.predict(X)] == [len(x) for x in X]


def test_a_regressor_answers_in_the_units_of_its_targets():
    X, _ = cases(30)
    y = np.array([1000 + 100 * x[:, 0].mean() for x in X])
    model = NetworkRegressor("gru", {"hidden": 8}, epochs=60, random_state=0).fit(X, y)
    assert abs(model.predict(X).mean() - y.mean()) < y.std()
    assert model.score(X, y) > 0.5


def test_it_can_be_cloned():
    model = clone(NetworkClassifier("lstm", {"hidden": 3}, epochs=7))
    assert (model.network, model.settings, model.epochs) == ("lstm", {"hidden": 3}, 7)


def test_a_network_that_answers_otherwise_is_refused():
    X, y = cases()
    with pytest.raises(InputError, match="answers once"):
        NetworkClassifier("wavenet").fit(X, y)
    with pytest.raises(InputError, match="every frame"):
        NetworkTagger("cnn").fit(X, [(x[:, 0] > 0).astype(int) for x in X])


def test_an_unknown_network_is_named():
    X, y = cases()
    with pytest.raises(InputError, match="perceiver"):
        NetworkClassifier("perceiver").fit(X, y)


def test_an_unknown_setting_is_named():
    X, y = cases()
    with pytest.raises(InputError, match="colour"):
        NetworkClassifier("gru", {"colour": 3}).fit(X, y)
