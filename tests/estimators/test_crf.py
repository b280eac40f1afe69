"""A network under a conditional random field, as a tagger."""

import numpy as np
import pytest
from sklearn.base import clone

from antiphon.errors import InputError
from antiphon.estimators._crf import CRFTagger
from antiphon.estimators._network import NetworkOptions

SMALL = {"network": "rnn", "settings": {"hidden": 4, "dropout": 0.0}, "random_state": 0}


@pytest.fixture(scope="module")
def chains():
    """Tags that follow each other in a circle; frames that hardly tell them."""
    rng = np.random.default_rng(0)
    y = [(np.arange(rng.integers(5, 9)) + rng.integers(3)) % 3 for _ in range(40)]
    X = [np.float32(np.eye(3)[tags] + rng.normal(0, 0.7, (len(tags), 3))) for tags in y]
    names = np.array(["red", "green", "amber"])
    return X, [names[tags] for tags in y]


@pytest.mark.slow
def test_it_tags_whole_rows(chains):
    X, y = chains
    options = NetworkOptions(patience=10, batch_size=8)
    model = CRFTagger(**SMALL, epochs=30, learning_rate=3e-2, options=options).fit(X[:30], y[:30])
    assert model.score(X[30:], y[30:]) > 0.85
    assert len(model.curve_["train_loss"]) == len(model.curve_["validation_loss"]) >= model.n_iter_
    said, shares = model.predict(X[30:]), model.predict_proba(X[30:])
    assert [tags.shape for tags in said] == [(len(case),) for case in X[30:]]
    np.testing.assert_allclose(np.concatenate(shares).sum(1), 1, rtol=1e-5)
    # The most probable row, as the field itself says it.
    case = X[31]
    _, best = model.network_.viterbi(case, np.ones(len(case), bool))
    np.testing.assert_array_equal(said[1], model.classes_[np.asarray(best)])
    # Rows of the circle: no class follows itself.
    assert np.mean([np.mean(tags[1:] == tags[:-1]) for tags in said]) < 0.1
    assert clone(model).get_params() == model.get_params()


@pytest.mark.slow
def test_two_classes_have_one_score(chains):
    X, y = chains
    y = [np.where(tags == "red", 1, 0) for tags in y]
    model = CRFTagger(**SMALL, epochs=1, options=NetworkOptions(validation=0.0)).fit(X, y)
    shares = model.predict_proba(X[:2])
    _, decided = model.decision_function(X[:2])
    marginals = model.network_(X[1], np.ones(len(X[1]), bool))
    np.testing.assert_allclose(shares[1], marginals, atol=1e-5)
    np.testing.assert_array_equal(decided > 0, shares[1][:, 1] > 0.5)
    assert model.curve_["validation_loss"] == ()


def test_bad_settings(chains):
    X, y = chains
    for settings, words in (
        ({"epochs": 0}, "epochs=0"),
        ({"learning_rate": -1.0}, "learning_rate=-1"),
        ({"network": "hopfield"}, "network='hopfield'"),
        ({"settings": {"colour": 3}}, "colour"),
    ):
        with pytest.raises(InputError, match=words):
            CRFTagger(**{**SMALL, **settings}).fit(X, y)
    with pytest.raises(InputError, match="frames"):
        CRFTagger(**SMALL).fit(X, [tags[1:] for tags in y])
