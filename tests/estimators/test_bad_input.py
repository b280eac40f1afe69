"""What cannot be learned from is refused through `fit` and `predict`, each with words of its own."""

import numpy as np
import pytest

from antiphon import (
    ProgramClassifier,
    ProgramRegressor,
    ProgramTagger,
    RecurrentClassifier,
    RecurrentRegressor,
)
from antiphon.errors import InputError
from antiphon.estimators import NetworkOptions
from antiphon.search import Settings

CASES = [np.float32([[i, 1], [i, 2]]) for i in range(8)]
LABELS = [0, 1] * 4
MODELS = [ProgramClassifier(), RecurrentClassifier(epochs=1)]

pytestmark = pytest.mark.usefixtures("instant")


def changed(case, value):
    return [*CASES[:case], value, *CASES[case + 1 :]]


def holding(value):
    case = CASES[2].copy()
    case[1, 0] = value
    return changed(2, case)


DATA = {
    "NaN": (holding(np.nan), "contains NaN: case 2, frame 1, feature 'f0' is nan"),
    "infinite": (holding(np.inf), "contains infinity.*case 2, frame 1, feature 'f0' is inf"),
    "empty sequence": (changed(3, np.zeros((0, 2))), "Case 3 is an empty sequence"),
    "ragged features": (changed(4, np.zeros((2, 3))), "Case 4 has 3 features and case 0 has 2: ragged"),
    "ragged rows": (changed(4, [[1.0, 2.0], [3.0]]), "Case 4 has rows of different lengths"),
    "strings": (changed(5, [["a", "b"]]), "Case 5: strings where numbers belong"),
    "no cases": ([], "No cases"),
    "ambiguous layout": (np.zeros((8, 3, 4)), r"shape \(8, 3, 4\) without a layout: which axis is time"),
    "one sequence, not a list": (np.zeros(8), "Expected 2D array, got 1D array instead"),
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("model", MODELS, ids=["program", "network"])
def test_data(model, name):
    X, message = DATA[name]
    with pytest.raises(InputError, match=message):
        model.fit(X, LABELS)
    good = model.fit(CASES, LABELS)
    with pytest.raises(InputError, match=message):
        good.predict(X)


TARGETS = {
    "one class": ([1] * 8, "Labels of one class only: all 8 cases are 1"),
    "as many classes as cases": (list("abcdefgh"), "8 cases for 8 classes: fewer samples than two"),
    "too few": ([0, 1], "2 labels for 8 cases"),
    "too many": ([0, 1] * 5, "10 labels for 8 cases"),
    "none": (None, "y is None"),
    "missing": ([0, 1, None, 1, 0, 1, 0, 1], "the class at place 2 is missing"),
    "amounts": ([0.5, 1.5] * 4, "Unknown label type: continuous"),
    "a label a frame": ([[0, 1]] * 8, "Labels that are no column"),
}


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("model", MODELS, ids=["program", "network"])
def test_labels(model, name):
    y, message = TARGETS[name]
    with pytest.raises(InputError, match=message):
        model.fit(CASES, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", "b"] * 4, "Strings as targets of a regression"),
        ([1.0, np.nan] * 4, "Input y contains NaN"),
        ([1.0, 1e300] * 4, "Targets within the range of float32".lower()),
        ([1.0] * 7, "7 labels for 8 cases"),
    ],
)
def test_targets_of_a_regression(y, message):
    for model in (ProgramRegressor(), RecurrentRegressor(epochs=1)):
        with pytest.raises(InputError, match=message):
            model.fit(CASES, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[0, 1]] * 7, "Tags of 7 sequences for 8 cases"),
        ([[0, 1]] * 7 + [[0, 1, 1]], "3 tags for the 2 frames of case 7"),
        ([[0, 0]] * 8, "Tags of one class only"),
        (LABELS, "one label a case use classification"),
    ],
)
def test_tags(y, message):
    with pytest.raises(InputError, match=message):
        ProgramTagger().fit(CASES, y)


def test_scores_of_labels_that_do_not_fit():
    model = ProgramTagger().fit(CASES, [[0, 1]] * 8)
    with pytest.raises(InputError, match="15 labels for 16 frames"):
        model.score(CASES, [[0, 1]] * 7 + [[0]])
    with pytest.raises(InputError, match="7 labels for 8 cases"):
        ProgramClassifier().fit(CASES, LABELS).metric_score(CASES, LABELS[:7])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ProgramClassifier(metric="recall"), "The metric 'recall' for classification"),
        (ProgramRegressor(metric="f1"), "The metric 'f1' for regression"),
        (ProgramClassifier(language="latin"), "The language 'latin'.*One of .*sequence".lower()),
        (ProgramClassifier(strategy="luck"), "strategy is 'luck'"),
        (ProgramClassifier(candidates=0), "candidates is 0"),
        (ProgramClassifier(n_jobs=0), "n_jobs=0"),
        (ProgramClassifier(layout="time first"), "The layout 'time first'"),
        (ProgramClassifier(features=["speed"]), "1 feature names"),
        (ProgramClassifier(class_weight="heavy"), "class_weight='heavy'"),
        (ProgramClassifier(class_weight={0: 1, 7: 2}), "class_weight="),
        (ProgramClassifier(class_weight={0: -1, 1: 2}), "The class weights"),
        (RecurrentClassifier(cell="transformer"), "cell='transformer'"),
        (RecurrentClassifier(hidden=0), "hidden=0"),
        (RecurrentClassifier(dropout=1.0), "dropout=1.0"),
        (RecurrentClassifier(epochs=0), "epochs=0"),
        (RecurrentClassifier(learning_rate=-1), "learning_rate=-1"),
    ],
    ids=str,
)
def test_settings(model, message):
    with pytest.raises(InputError) as caught:
        model.fit(CASES, [0.0, 1.0] * 4)
    assert message.lower().split(".*")[0] in str(caught.value).lower()


def test_f1_wants_two_classes():
    with pytest.raises(InputError, match="The metric 'f1' for 3 classes"):
        ProgramClassifier(metric="f1").fit(CASES, [0, 1, 2, 0, 1, 2, 0, 1])


def test_subjects_that_are_all_one_or_too_few():
    with pytest.raises(InputError, match="all come from one subject"):
        RecurrentClassifier(epochs=1).fit(CASES, LABELS, groups=["a"] * 8)
    with pytest.raises(InputError, match=r"shape \(3,\) for 8 cases"):
        ProgramClassifier().fit(CASES, LABELS, groups=["a", "b", "c"])


def test_options():
    for wrong in ({"batch_size": 0}, {"patience": 0.5}, {"validation": 1.0}, {"weight_decay": -1}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            NetworkOptions(**wrong)
    with pytest.raises(InputError, match="finalists"):
        Settings(finalists=0)


@pytest.mark.parametrize("state", [-1, "luck"])
def test_random_state(state):
    with pytest.raises(ValueError, match=r"seed|Seed"):
        ProgramClassifier(random_state=state).fit(CASES, LABELS)
