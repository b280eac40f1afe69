"""Losses against plain NumPy, metrics against scikit-learn, thresholds, weights of classes, mini-batches."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, r2_score

from antiphon.fitting import (
    Schedule,
    balanced_weights,
    batch_indices,
    best_threshold,
    case_losses,
    decide,
    flat_scores,
    flat_truth,
    measure,
)

RNG = np.random.default_rng(0)


def softmax_loss(scores, target):
    return np.log(np.exp(scores).sum()) - scores[target]


def test_classification_losses_are_cross_entropies():
    scores = RNG.normal(size=(6, 3)).astype(np.float32)
    targets = np.array([0, 1, 2, 2, 1, 0], np.int32)
    mask = np.ones((6, 1), bool)
    wanted = [softmax_loss(s, t) for s, t in zip(scores, targets, strict=True)]
    found = case_losses(jnp.asarray(scores), jnp.asarray(targets), jnp.asarray(mask), "classification")
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    one = scores[:, :1]
    wanted = [softmax_loss(np.array([0, s]), int(t > 0)) for s, t in zip(one[:, 0], targets, strict=True)]
    found = case_losses(jnp.asarray(one), jnp.asarray(np.minimum(targets, 1)), mask, "classification")
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_regression_losses_are_mean_squares():
    scores, targets = RNG.normal(size=(2, 5, 2)).astype(np.float32)
    found = case_losses(jnp.asarray(scores), jnp.asarray(targets), jnp.ones((5, 1), bool), "regression")
    np.testing.assert_allclose(found, ((scores - targets) ** 2).mean(1), rtol=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])
def test_tagging_losses_are_means_over_the_frames_that_are_there(outputs):
    scores = RNG.normal(size=(4, 5, outputs)).astype(np.float32)
    targets = RNG.integers(0, max(2, outputs), (4, 5)).astype(np.int32)
    lengths = np.array([5, 3, 1, 0])
    mask = np.arange(5)[None, :] < lengths[:, None]
    wild = np.where(mask[..., None], scores, np.float32(1e6))
    found = case_losses(jnp.asarray(wild), jnp.asarray(targets), jnp.asarray(mask), "tagging")
    full = scores if outputs > 1 else np.concatenate([np.zeros_like(scores), scores], axis=2)
    each = [
        np.mean([softmax_loss(full[i, t], targets[i, t]) for t in range(n)]) if n else 0.0
        for i, n in enumerate(lengths)
    ]
    np.testing.assert_allclose(found, each, rtol=1e-5)


def test_tagging_is_judged_on_the_frames_that_are_there(problem):
    tags = problem("tagging")
    rows = np.array([3, 1])
    truth = flat_truth(tags, rows)
    assert truth.tolist() == [*tags.targets[3][tags.mask[3]], *tags.targets[1][tags.mask[1]]]
    assert flat_scores(tags, tags.values, rows).shape == (len(truth), 2)


labels = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=30)


@given(labels)
def test_metrics_are_those_of_scikit_learn(pairs):
    said, true = np.array(pairs).T
    assert measure(said, true, "accuracy") == pytest.approx(accuracy_score(true, said))
    assert measure(said, true, "f1") == pytest.approx(f1_score(true, said, zero_division=0.0))
    macro = f1_score(true, said, average="macro", zero_division=0.0)
    assert measure(said, true, "macro-f1") == pytest.approx(macro)


def test_r2_is_that_of_scikit_learn():
    said, true = RNG.normal(size=(2, 30, 1))
    assert measure(said, true, "r2") == pytest.approx(r2_score(true, said))
    assert measure(said, np.ones((30, 1)), "r2") == 0.0


def test_decisions():
    logits = np.array([[-1.0], [0.1], [3.0]], np.float32)
    assert decide(logits).tolist() == [0, 1, 1]
    assert decide(logits, 0.9).tolist() == [0, 0, 1]
    assert decide(logits, 0.1).tolist() == [1, 1, 1]
    assert decide(np.array([[0.1, 0.3, 0.2]])).tolist() == [1]


@pytest.mark.parametrize("metric", ["f1", "macro-f1", "accuracy"])
def test_the_best_threshold_is_hardly_beaten_by_another(metric):
    rng = np.random.default_rng(1)
    true = (rng.random(400) < 0.2).astype(int)
    scores = rng.normal(2.0 * true - 2.5, 1.0)
    found = best_threshold(scores, true, metric)
    assert 0.02 <= found <= 0.98
    assert found == round(found, 2)

    def value(threshold):
        return measure(decide(scores[:, None], threshold), true, metric)

    best = max(value(t / 100) for t in range(2, 99))
    assert value(found) > best - 0.02
    if metric == "f1":
        assert value(found) > value(0.5) + 0.02


def test_a_threshold_stands_off_the_cases_on_both_sides():
    scores = np.array([-4.0, -4.0, -3.0, 3.0, 4.0, 4.0])
    assert 0.1 < best_threshold(scores, np.array([0, 0, 0, 1, 1, 1]), "f1") < 0.9


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_balanced_weights_give_each_class_the_same_total(targets):
    targets = np.array(targets)
    weights = balanced_weights(targets)
    totals = [weights[targets == c].sum() for c in np.unique(targets)]
    np.testing.assert_allclose(totals, totals[0], rtol=1e-5)
    assert weights.mean() == pytest.approx(1, rel=1e-5)
    assert weights.dtype == np.float32


def test_balanced_weights_of_tagged_cases():
    targets, mask = np.array([[0, 0, 1], [0, 0, 0]]), np.array([[True] * 3, [True, False, False]])
    np.testing.assert_allclose(balanced_weights(targets, mask), [(2 * 2 / 3 + 2) / 3, 2 / 3], rtol=1e-6)


def test_mini_batches_are_drawn_anew_each_epoch_from_the_training_cases_of_each_fold():
    weights = np.ones((2, 50), np.float32)
    weights[0, 40:] = weights[1, :10] = 0
    schedule = Schedule(steps=30, batch_size=12)
    rows = batch_indices(weights, schedule, seed=0)
    assert rows is not None
    assert rows.shape == (2, 30, 12)
    for fold, own in enumerate((range(40), range(10, 50))):
        epochs = rows[fold].reshape(10, 36)
        assert all(len(set(epoch)) == 36 for epoch in epochs)
        assert set(rows[fold].ravel()) == set(own)
        assert len({tuple(epoch) for epoch in epochs}) == 10
    assert batch_indices(weights[:, :20], Schedule(batch_size=12), seed=0) is None
    again, other = (batch_indices(weights, schedule, seed=s) for s in (0, 1))
    assert np.array_equal(rows, again)
    assert not np.array_equal(rows, other)
