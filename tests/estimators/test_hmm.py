"""Hidden Markov models as a scikit-learn classifier."""

import warnings

import jax
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from antiphon.data import as_sequences
from antiphon.errors import InputError
from antiphon.estimators._hmm import HMMClassifier, HMMOptions
from antiphon.networks.probabilistic import log_likelihoods

FEW = HMMOptions(max_iterations=10)


def test_it_classifies_by_bayes_rule(walks):
    X, y = walks
    model = HMMClassifier(states=2, random_state=0, options=FEW).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.metric_score(X, y) == model.score(X, y)
    assert model.classes_.tolist() == ["bird", "cat", "dog"]
    shares = model.predict_proba(X)
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_array_equal(model.classes_[shares.argmax(1)], model.predict(X))
    # Bayes' rule written out, from the models that were fitted.
    models = [jax.tree.map(lambda leaf, c=c: leaf[c], model.network_.hmms) for c in range(3)]
    likelihoods = [log_likelihoods(hmm, *as_sequences(X).pad()) for hmm in models]
    joint = [
        found + np.log(np.mean(y == name)) for found, name in zip(likelihoods, model.classes_, strict=True)
    ]
    wanted = np.exp(joint - np.logaddexp.reduce(joint, 0)).T
    np.testing.assert_allclose(shares, wanted, rtol=1e-5, atol=1e-12)
    # What was fitted says how likely the training cases are.
    own = [found[y == name].sum() for found, name in zip(likelihoods, model.classes_, strict=True)]
    np.testing.assert_allclose(model.log_likelihoods_, own, rtol=1e-5)
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))


@pytest.mark.slow
def test_two_classes_of_symbols_and_an_unseen_symbol():
    rng = np.random.default_rng(0)
    y = np.arange(20) % 2
    # Class 1 repeats a symbol, class 0 alternates: only the order of the symbols tells them apart.
    X = [
        np.array([(start + t * (1 - kind)) % 2 for t in range(rng.integers(4, 9))], np.float32)
        for kind, start in zip(y, rng.integers(0, 2, 20), strict=True)
    ]
    model = HMMClassifier(states=2, emission="categorical", restarts=5, random_state=0).fit(X, y)
    assert model.score(X, y) == 1
    assert model.predict_proba(X).shape == (20, 2)
    assert model.decision_function(X).shape == (20,)
    np.testing.assert_allclose(model.predict_proba([[[7.0], [0.0]]]), [[0.5, 0.5]])
    priors = HMMClassifier(states=2, emission="categorical", prior=[0.9, 0.1], random_state=0, options=FEW)
    np.testing.assert_allclose(priors.fit(X, y).predict_proba([[[7.0], [0.0]]]), [[0.9, 0.1]], rtol=1e-6)


def test_bad_settings(walks):
    X, y = walks
    for settings, words in (
        ({"states": 0}, "out_size=0"),
        ({"emission": "poisson"}, "emission='poisson'"),
        ({"topology": "ring"}, "topology='ring'"),
        ({"prior": "flat"}, "prior='flat'"),
        ({"prior": [1.0]}, r"A prior of shape \(1,\)"),
        ({"restarts": 0}, "restarts=0"),
        ({"emission": "categorical"}, "categorical emissions"),
    ):
        with pytest.raises(InputError, match=words):
            HMMClassifier(**settings).fit(X, y)
    with pytest.raises(InputError, match="start='given'"):
        HMMOptions(start="given")


@pytest.mark.slow
def test_scikit_learns_checks():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(HMMClassifier(states=1, restarts=1, options=FEW), on_fail=None)
    assert not {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert sum(r["status"] == "passed" for r in results) >= 48
