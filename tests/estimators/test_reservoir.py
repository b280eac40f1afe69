"""Reservoirs as an estimator: they learn, say why not, and keep scikit-learn's conventions."""

import numpy as np
import pytest
from sklearn.base import clone

from antiphon.data import load
from antiphon.errors import InputError
from antiphon.estimators._reservoir import ReservoirClassifier


@pytest.fixture(scope="module")
def vowels():
    """The training part, as a list of arrays, with its labels."""
    train, _ = load("japanese-vowels")
    starts = np.cumsum(train.X.lengths) - train.X.lengths
    cases = [train.X.frames[s : s + n] for s, n in zip(starts, train.X.lengths, strict=True)]
    return cases, np.asarray(train.y)


def part(cases, rows):
    return [cases[row] for row in rows]


def test_it_knows_who_speaks(vowels):
    cases, y = vowels
    rows, held = np.flatnonzero(np.arange(len(y)) % 3), np.flatnonzero(np.arange(len(y)) % 3 == 0)
    model = ReservoirClassifier(units=80, random_state=0).fit(part(cases, rows), y[rows])
    assert model.score(part(cases, held), y[held]) > 0.95
    likely = model.predict_proba(part(cases, held))
    np.testing.assert_allclose(likely.sum(1), 1, atol=1e-5)
    # Probabilities mean something: held-out labels are far likelier than by chance.
    truth = np.searchsorted(model.classes_, y[held])
    assert -np.log(likely[np.arange(len(held)), truth]).mean() < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("reservoir", ["echo-state", "liquid"])
def test_cross_validated_accuracy_on_vowels(vowels, reservoir):
    from sklearn.model_selection import StratifiedKFold

    cases, y = vowels
    right = 0
    for rows, held in StratifiedKFold(5, shuffle=True, random_state=0).split(cases, y):
        model = ReservoirClassifier(reservoir, random_state=0).fit(part(cases, rows), y[rows])
        right += (model.predict(part(cases, held)) == y[held]).sum()
    assert right / len(y) > 0.95


def small(classes=("no", "yes"), cases=24, seed=0):
    rng = np.random.default_rng(seed)
    y = np.array([classes[i % len(classes)] for i in range(cases)])
    X = [rng.normal(size=(4, 1)).astype(np.float32) + list(classes).index(label) for label in y]
    return X, y


SMALL = {"units": 8, "random_state": 0}


def test_the_same_seed_gives_the_same_model():
    X, y = small()
    one, again, other = (
        ReservoirClassifier(units=8, random_state=seed).fit(X, y).decision_function(X) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_a_rare_class_gets_its_own_threshold():
    X, y = small(cases=40)
    y = np.array(["no"] * 40)
    y[:8] = "yes"
    model = ReservoirClassifier(**SMALL).fit(X, y)
    assert model.metric_ == "f1"
    assert model.output_.threshold is not None
    assert model.decision_function(X).shape == (40,)
    assert ReservoirClassifier(**SMALL, metric="accuracy").fit(X, y).output_.threshold is None


def test_groups_are_held_out_together_and_the_penalty_can_be_given():
    X, y = small()
    model = ReservoirClassifier(**SMALL, ridge=2.5).fit(X, y, groups=np.arange(24) // 4)
    assert model.ridge_ == 2.5
    assert ReservoirClassifier(**SMALL).fit(X, y, groups=np.zeros(24)).ridge_ == 1.0
    weighed = ReservoirClassifier(**SMALL, ridge=2.5, class_weight={"no": 1, "yes": 9}).fit(X, y)
    assert (weighed.predict(X) == "yes").sum() >= (model.predict(X) == "yes").sum()


def test_it_can_be_cloned():
    model = ReservoirClassifier(units=np.int64(8), input_scale=np.float64(0.4), random_state=3)
    again = clone(model)
    assert again.get_params() == model.get_params()
    X, y = small()
    assert again.fit(X, y).score(X, y) > 0.5


BAD = {
    "reservoir": ({"reservoir": "lake"}, "reservoir='lake'"),
    "units": ({"units": 0}, "units=0"),
    "leak": ({"leak": 2.0}, "leak=2.0"),
    "ridge": ({"ridge": -1.0}, "ridge=-1.0"),
    "metric": ({"metric": "auc"}, "metric 'auc'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_refused(name):
    settings, said = BAD[name]
    with pytest.raises(InputError, match=said):
        ReservoirClassifier(**{**SMALL, **settings}).fit(*small())


@pytest.mark.slow
def test_scikit_learns_own_checks_pass():
    import warnings

    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(ReservoirClassifier(units=20), on_fail=None)
    assert not {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert sum(r["status"] == "passed" for r in results) >= 48
