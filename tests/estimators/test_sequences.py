"""The estimators on sequences: every kind of input, every task, scikit-learn's tools around them."""

import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import antiphon
from antiphon import (
    ProgramClassifier,
    ProgramRegressor,
    ProgramTagger,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
    search,
)
from antiphon.data import Features, as_sequences
from antiphon.language import Language, Program

SMALL = {"cell": "rnn", "hidden": 8, "bidirectional": False, "dropout": 0.0, "epochs": 30, "random_state": 0}

pytestmark = pytest.mark.usefixtures("instant")


def tag_walks():
    rng = np.random.default_rng(0)
    X = [np.float32(rng.normal(0, 2, (length, 1))) for length in rng.integers(4, 9, 30)]
    return X, [np.where(case[:, 0] > 0, "up", "down") for case in X]


def number_walks(cases=40):
    rng = np.random.default_rng(0)
    X = [np.float32(rng.normal(rng.normal(), 0.3, (length, 2))) for length in rng.integers(3, 9, cases)]
    return X, np.array([100 + 30 * case[:, 0].mean() for case in X])


@pytest.mark.parametrize("model", [ProgramClassifier(), RecurrentClassifier(**SMALL)])
def test_classifying(model, walks):
    X, y = walks
    assert model.fit(X[:45], y[:45]) is model
    assert model.classes_.tolist() == ["bird", "cat", "dog"]
    assert model.n_features_in_ == 2
    assert not hasattr(model, "feature_names_in_")
    assert model.metric_ == "accuracy"
    predicted, chances = model.predict(X[45:]), model.predict_proba(X[45:])
    assert predicted.dtype == model.classes_.dtype
    assert chances.shape == model.decision_function(X[45:]).shape == (15, 3)
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-6)
    assert (model.classes_[chances.argmax(1)] == predicted).all()
    assert model.score(X[45:], y[45:]) == model.metric_score(X[45:], y[45:]) > 0.7


@pytest.mark.parametrize("model", [ProgramRegressor(), RecurrentRegressor(**SMALL | {"epochs": 80})])
def test_regressing_in_the_units_of_the_target(model):
    X, y = number_walks()
    model.fit(X[:30], pd.Series(y[:30], name="distance"))
    assert model.metric_ == "r2"
    assert model.output_.targets == ("distance",)
    assert model.predict(X[30:]).shape == (10,)
    assert model.score(X[30:], y[30:]) > 0.5
    assert model.metric_score(X[30:], y[30:]) == pytest.approx(model.score(X[30:], y[30:]), abs=1e-5)


@pytest.mark.parametrize("model", [ProgramTagger(), RecurrentTagger(**SMALL)])
def test_tagging(model):
    X, y = tag_walks()
    model.fit(X[:24], y[:24])
    tags, chances = model.predict(X[24:]), model.predict_proba(X[24:])
    assert [len(t) for t in tags] == [len(case) for case in X[24:]]
    assert all(c.shape == (len(t), 2) for t, c in zip(tags, chances, strict=True))
    assert all(
        ((d > 0) == (t == "up")).all() for t, d in zip(tags, model.decision_function(X[24:]), strict=True)
    )
    assert model.score(X[24:], y[24:]) == model.metric_score(X[24:], y[24:]) > 0.9


def test_the_program_is_the_model(walks):
    X, y = walks
    model = ProgramClassifier(random_state=3).fit(X, y, journal="journal")
    assert isinstance(model.program_, Program)
    assert list(model.programs_) == ["size", "score", "score_std", "loss", "chosen", "text"]
    assert model.programs_.chosen.sum() == 1
    typed = Program.parse(model.programs_.text[0])
    assert typed == model.program_ == model.search_.chosen.program
    assert (typed.predict(X) == model.predict(X)).all()


def test_all_kinds_of_input_are_the_same_cases(walks):
    rng = np.random.default_rng(0)
    block = rng.normal(0, 1, (12, 5, 2)).astype(np.float32)
    y = np.arange(12) % 2
    block[y == 1] += 2
    named = [pd.DataFrame(case, columns=["speed", "angle"]) for case in block]
    forms = [
        ({}, list(block)),
        ({}, as_sequences(list(block))),
        ({}, named),
        ({"layout": "case-time-feature"}, block),
        ({"layout": "case-feature-time"}, block.transpose(0, 2, 1)),
        ({"features": ["speed", "angle"]}, block),
    ]
    answers = [
        ProgramClassifier(**settings).fit(X, y).predict_proba(X)[:, 1].tolist() for settings, X in forms
    ]
    assert all(answer == answers[0] for answer in answers)
    assert "of speed, angle" in str(ProgramClassifier().fit(named, y).program_)


def test_tables_bring_their_names():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(0, 1, (40, 2)), columns=["speed (cm/s)", "angle"])
    y = table["angle"] > 0
    model = ProgramClassifier().fit(table, y)
    assert model.program_.language.is_table
    assert model.feature_names_in_.tolist() == ["speed (cm/s)", "angle"]
    assert list(model.program_.language.features) == ["speed_cm_s", "angle"]
    assert model.classes_.dtype == bool
    assert model.score(table, y) > 0.9
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table[["angle", "speed (cm/s)"]])


@pytest.mark.parametrize("model", [ProgramClassifier(), RecurrentClassifier(**SMALL)])
def test_another_number_of_features_is_an_error_in_the_words_of_scikit_learn(model, walks):
    X, y = walks
    model.fit(X, y)
    with pytest.raises(ValueError, match=r"X has 3 features, but \w+ is expecting 2 features as input"):
        model.predict([np.zeros((4, 3))])
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


def test_what_else_differs_from_what_was_fitted_is_an_error(walks):
    X, y = walks
    model = ProgramClassifier().fit(as_sequences(X, features=["speed", "angle"], rate_hz=30), y)
    with pytest.raises(antiphon.errors.InputError, match="fitted on speed, angle"):
        model.predict(as_sequences(X, features=["angle", "speed"]))
    with pytest.raises(antiphon.errors.InputError, match="60 frames a second"):
        model.predict(as_sequences(X, features=["speed", "angle"], rate_hz=60))
    with pytest.raises(antiphon.errors.InputError, match="Rows of a table, and ProgramClassifier was fitted"):
        model.predict(np.zeros((3, 2)))
    assert (model.predict(X) == model.predict(as_sequences(X))).all()


def test_pipelines_and_searches_over_parameters(walks):
    X, y = walks
    table = np.array([case.mean(0) for case in X])
    pipeline = make_pipeline(StandardScaler(), ProgramClassifier()).fit(table, y)
    assert pipeline.score(table, y) > 0.8
    assert cross_val_score(ProgramClassifier(), X, y, cv=3).mean() > 0.7
    grid = GridSearchCV(ProgramClassifier(random_state=0), {"size_limit": [5, 9]}, cv=2)
    grid.fit(as_sequences(X, features=["speed", "angle"]), y)
    assert list(grid.best_estimator_.program_.language.features) == ["speed", "angle"]
    grid = GridSearchCV(RecurrentClassifier(**SMALL | {"epochs": 2}), {"hidden": [2, 3]}, cv=2)
    assert grid.fit(X, y).best_params_["hidden"] in (2, 3)


@pytest.mark.parametrize("kind", [RecurrentClassifier, ProgramClassifier])
def test_parameters_are_stored_as_given_and_about_twelve(kind):
    model = kind()
    assert len(model.get_params()) <= 13
    marker = {name: object() for name in model.get_params()}
    assert kind(**marker).get_params(deep=False) == marker
    assert clone(model.set_params(random_state=5)).random_state == 5


@pytest.mark.parametrize("state", [3, np.int64(3), "RandomState"])
def test_the_same_state_gives_the_same_network(state, walks):
    X, y = walks

    def chances():
        chance = np.random.RandomState(3) if state == "RandomState" else state
        return RecurrentClassifier(**SMALL | {"random_state": chance, "epochs": 3}).fit(X, y).predict_proba(X)

    assert np.array_equal(chances(), chances())


@pytest.mark.parametrize(
    ("counts", "metric"),
    [((10, 10), "accuracy"), ((16, 4), "f1"), ((4, 16), "macro-f1"), ((4, 4, 12), "accuracy")],
)
def test_the_metric_suits_the_classes_and_is_logged(counts, metric, caplog):
    y = np.repeat(np.arange(len(counts)), counts)
    X = [np.float32([[label], [label]]) for label in y]
    with caplog.at_level(logging.INFO, "antiphon.estimators"):
        model = ProgramClassifier().fit(X, y)
    assert model.metric_ == metric
    assert f"metric {metric}:" in caplog.text
    assert model.score(X, y) == model.metric_score(X, y) == 1


def test_score_is_scikit_learns_and_metric_score_the_models_own():
    rng = np.random.default_rng(0)
    y = np.repeat(["rest", "walk"], [80, 20])
    X = [np.float32(rng.normal(label == "walk", 1, (1, 1))) for label in y]
    for model in (ProgramClassifier(), RecurrentClassifier(**SMALL | {"epochs": 5})):
        model.fit(X, y)
        assert model.metric_ == "f1"
        assert 0 < model.output_.threshold < 0.5
        said = model.predict(X)
        assert ((model.predict_proba(X)[:, 1] > model.output_.threshold) == (said == "walk")).all()
        assert ((model.decision_function(X) > 0) == (said == "walk")).all()
        assert model.score(X, y) == (said == y).mean() != model.metric_score(X, y)


def test_class_weights_move_the_boundary():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    X = [np.float32(rng.normal(label, 1, (1, 1))) for label in y]
    for kind, settings in ((ProgramClassifier, {}), (RecurrentClassifier, SMALL)):
        plain = kind(**settings).fit(X, y).predict(X).mean()
        heavy = kind(**settings, class_weight={0: 1, 1: 10}).fit(X, y).predict(X).mean()
        assert heavy > plain + 0.1


def test_a_search_is_asked_for_what_the_parameters_say(walks, monkeypatch, tmp_path):
    asked = {}
    learn = search.learn

    def spy(problem, output, settings, **given):
        asked.update(given, problem=problem, settings=settings)
        return learn(problem, output, settings, **given)

    monkeypatch.setattr(search, "learn", spy)
    X, y = walks
    who, heard = np.arange(60) % 6, []
    ProgramClassifier(
        strategy="enumeration", candidates=7, seconds=5, size_limit=9, n_jobs=2, random_state=11,
        options=search.Settings(penalty=0.5, seed=3),
    ).fit(X, y, groups=who, journal=tmp_path / "journal", listeners=[heard.append])  # fmt: skip
    wanted = search.Settings("enumeration", 7, 5, size_limit=9, jobs=2, seed=11, penalty=0.5)
    assert asked["settings"] == wanted
    assert asked["journal"] == tmp_path / "journal"
    assert asked["executor"] is None
    assert isinstance(heard[-1], search.SearchEnded)
    for fit, held in asked["split"](3, 0):
        assert not set(who[fit]) & set(who[held])
    assert len(asked["split"](20, 0)) == 6, "no more folds than subjects"


def test_a_cluster_is_handed_on(walks, monkeypatch):
    asked = []
    monkeypatch.setattr(
        search, "learn", lambda problem, output, settings, **given: asked.append((settings, given))
    )
    executor = object()
    for model in (
        ProgramClassifier(n_jobs="tcp://a:1"),
        ProgramClassifier(options=search.Settings(cluster="tcp://a:1")),
    ):
        with pytest.raises(AttributeError):  # Nothing was found.
            model.fit(*walks, executor=executor)
    assert [(settings.cluster, given["executor"]) for settings, given in asked] == [
        ("tcp://a:1", executor)
    ] * 2


def test_defaults_are_those_of_the_search():
    own, known = ProgramClassifier()._settings(), search.Settings()
    assert (own.strategy, own.size_limit) == (known.strategy, known.size_limit)
    assert ProgramClassifier("architecture")._settings().size_limit == 30
    assert ProgramClassifier("architecture", size_limit=9)._settings().size_limit == 9


def test_a_language_of_ones_own_names_the_features(walks):
    X, y = walks
    mice = Language("mice_of_this_test", features={"speed": "cm/s", "angle": "rad"}, rate_hz=30)
    for language in (mice, "mice_of_this_test"):
        program = ProgramClassifier(language=language).fit(X, y).program_
        assert "of speed [cm/s], angle [rad]" in str(program)
    cases = as_sequences(X, features=Features(("a", "b"), ("V", ""), {"both": ("a", "b")}), rate_hz=50)
    bound = ProgramClassifier().fit(cases, y).program_.language
    assert (bound.features, bound.groups, bound.rate_hz) == ({"a": "V", "b": ""}, {"both": ("a", "b")}, 50)


def test_subjects_are_held_out_whole(walks, monkeypatch):
    from antiphon.estimators import _network

    X, y = walks
    who = np.arange(60) // 6
    seen = {}
    fit = _network.fit_network
    monkeypatch.setattr(_network, "fit_network", lambda *a, **k: seen.update(k) or fit(*a, **k))
    RecurrentClassifier(**SMALL | {"epochs": 1}).fit(X, y, groups=who)
    assert not set(who[seen["rows"]]) & set(who[seen["validation_rows"]])
    assert len(seen["validation_rows"]) > 0


def test_the_public_names_are_there():
    assert set(antiphon.__all__) <= set(dir(antiphon))
    assert antiphon.__version__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = antiphon.nothing
