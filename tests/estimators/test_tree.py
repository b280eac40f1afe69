"""TreeClassifier: structure learned from labelled trees, settings, bad input."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from antiphon.errors import InputError
from antiphon.estimators import TreeClassifier
from antiphon.fitting import DivergedError
from antiphon.networks.trees import Tree, TreeRNN, random_expressions

OPERATORS = ("and", "or", "not")
TREES, TRUTH = random_expressions(120, depth=2, operators=OPERATORS, seed=0)


@pytest.fixture(scope="module")
def fitted():
    """Fitted on expressions of one height; its arrays have the shapes of all fits here."""
    return TreeClassifier(hidden=16, epochs=60, batch_size=40, random_state=0).fit(TREES, TRUTH)


@pytest.mark.slow
def test_it_learns_what_the_words_alone_do_not_say(fitted):
    deeper, answers = random_expressions(200, depth=4, operators=OPERATORS, seed=1)
    assert fitted.score(deeper, answers) > 0.85
    assert 0.35 < answers.mean() < 0.65


def test_scores_chances_and_classes_agree(fitted):
    chances = fitted.predict_proba(TREES)
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-12)
    assert (fitted.predict(TREES) == fitted.classes_[chances.argmax(1)]).all()
    assert ((fitted.decision_function(TREES) > 0) == (chances[:, 1] > 0.5)).all()
    # One by one, as text, as nested lists: the same answers.
    texts = [str(tree) for tree in TREES[:3]]
    np.testing.assert_allclose(fitted.predict_proba(texts), chances[:3], atol=1e-6)


@pytest.mark.slow
def test_it_stops_when_nothing_gets_better_and_the_same_seed_gives_the_same():
    settings = {"network": "rnn", "hidden": 4, "dropout": 0.2, "learning_rate": 0.1, "validation": 0.5}
    noise = np.where(np.random.default_rng(0).integers(2, size=len(TREES)), "yes", "no")
    one, other = (
        TreeClassifier(**settings, epochs=60, patience=2, random_state=0).fit(TREES, noise) for _ in range(2)
    )
    assert isinstance(one.network_, TreeRNN)
    assert len(one.curve_["train_loss"]) == len(one.curve_["validation_loss"]) == one.n_iter_ + 2 < 60
    assert one.classes_.tolist() == ["no", "yes"]
    assert set(one.predict(TREES)) <= {"no", "yes"}
    np.testing.assert_array_equal(one.predict_proba(TREES), other.predict_proba(TREES))


@pytest.mark.slow
def test_numbers_in_nodes_are_scaled():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 3)) * 1000
    trees = [Tree(None, [Tree(v[0]), Tree(None, [Tree(v[1]), Tree(v[2])])]) for v in values]
    model = TreeClassifier(hidden=4, epochs=40, arity=2, batch_size=20, random_state=0)
    model.fit(trees, values[:, 0] > values[:, 2])
    assert model.labels_ is None
    assert model.score(trees, values[:, 0] > values[:, 2]) > 0.9
    assert 300 < float(model.network_.scaling.scale[0]) < 3000
    with pytest.raises(DivergedError, match="NaN or infinite in epoch"):
        clone(model).set_params(learning_rate=1e38).fit(trees, values[:, 0] > values[:, 2])
    with pytest.raises(InputError, match="A node with 4 children"):
        model.predict([[[1.0], [1.0], [2.0], [3.0]]])


def test_it_is_an_estimator(fitted):
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        again.predict(TREES)
    # A word that was never seen counts as no value.
    assert fitted.predict_proba(["(nand 0 1)"]).shape == (1, 2)


@pytest.mark.parametrize(
    ("settings", "X", "y", "message"),
    [
        ({"network": "gru"}, TREES, TRUTH, "network='gru'"),
        ({"epochs": 0}, TREES, TRUTH, "epochs=0"),
        ({"batch_size": 1.5}, TREES, TRUTH, "batch_size=1.5"),
        ({"learning_rate": 0}, TREES, TRUTH, "learning_rate=0"),
        ({"validation": 1.0}, TREES, TRUTH, "validation=1.0"),
        ({"hidden": 0}, TREES, TRUTH, "hidden=0"),
        ({}, TREES, TRUTH[:-1], "120 trees, and labels of shape (119,)"),
        ({}, TREES, np.zeros(120), "One class: [0.0]"),
        ({}, [], [], "No list of trees"),
        ({}, "(a b)", [1], "No list of trees"),
        ({"arity": 1}, TREES, TRUTH, "Expected: at most 1"),
    ],
)
def test_what_does_not_fit_is_refused(settings, X, y, message):
    with pytest.raises(InputError) as caught:
        TreeClassifier(**settings).fit(X, y)
    assert message in str(caught.value)
