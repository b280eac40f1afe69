"""The models that a program is compared with: what they see, and that F1 is compared fairly."""

import numpy as np
import pytest

from antiphon.data import as_sequences, load
from antiphon.estimators import RecurrentClassifier, baselines
from antiphon.estimators import _baselines as module

NAMES = ["majority", "logistic regression", "gradient boosting", "GRU"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """A network of two epochs: what a real one reaches is measured elsewhere."""
    for task, kind in module._NETWORKS.items():
        monkeypatch.setitem(
            module._NETWORKS, task, lambda kind=kind, **given: kind(hidden=2, epochs=2, cell="rnn", **given)
        )


def walks(cases=120, share=0.5, seed=0):
    rng = np.random.default_rng(seed)
    y = (np.arange(cases) < share * cases).astype(int)
    return [np.float32(rng.normal(2.0 * label, 1.0, (rng.integers(2, 6), 2))) for label in y], y


def test_classes():
    X, y = walks()
    heard = []
    rows = baselines(X[::2], y[::2], X[1::2], y[1::2], "classification", "auto", 0, progress=heard.append)
    assert [row[0] for row in rows] == heard == NAMES
    scores = {name: score for name, score, _, _ in rows}
    assert scores["majority"] == 0.5
    assert scores["logistic regression"] > 0.85
    assert scores["gradient boosting"] > 0.8
    assert all(seconds >= 0 for _, _, seconds, _ in rows)
    assert [note for *_, note in rows][1:3] == ["on averages over time"] * 2


def test_the_same_seed_gives_the_same_scores():
    X, y = walks(40)
    one, two = ([row[1] for row in baselines(X, y, X, y, "classification", "accuracy", 5)] for _ in range(2))
    assert one == two


def test_numbers():
    X, _ = walks(60)
    y = [3 * case[:, 0].mean() for case in X]
    rows = baselines(X[::2], y[::2], X[1::2], y[1::2], "regression", "auto", 0)
    assert [row[0] for row in rows] == ["mean", "ridge regression", "gradient boosting", "GRU"]
    assert abs(rows[0][1]) < 0.2
    assert rows[1][1] > 0.95


def test_tags_are_judged_frame_by_frame():
    X, _ = walks(40)
    y = [np.where(case[:, 1] > 1, "up", "down") for case in X]
    rows = baselines(X[::2], y[::2], X[1::2], y[1::2], "tagging", "accuracy", 0)
    assert [row[0] for row in rows] == NAMES
    assert rows[1][1] > 0.9
    assert rows[1][3] == "on single frames"


def test_thresholds_for_f1_are_chosen_on_held_out_cases():
    X, y = walks(400, 0.15, seed=3)
    X = [case * 0.5 for case in X]
    noisy = [case + np.float32(np.random.default_rng(i).normal(0, 1, 2)) for i, case in enumerate(X)]
    args = (noisy[::2], y[::2], noisy[1::2], y[1::2], "classification")
    rows = {name: score for name, score, _, _ in baselines(*args, "f1", 0)}
    assert rows["majority"] == 0
    table = np.array([case.mean(0) for case in noisy])
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    plain = LogisticRegression().fit(table[::2], y[::2])
    assert rows["logistic regression"] > f1_score(y[1::2], plain.predict(table[1::2]))


def test_subjects_and_sequences_go_through():
    X, y = walks(60, 0.2)
    cases = as_sequences(X, features=["speed", "angle"])
    rows = baselines(cases, y, cases, y, "classification", "f1", 0, subjects=np.arange(60) % 6)
    assert [row[0] for row in rows] == NAMES


@pytest.mark.slow
def test_the_recurrent_network_is_a_strong_one():
    train, test = load("japanese-vowels")
    scores = [
        RecurrentClassifier(random_state=seed).fit(train.X, train.y).score(test.X, test.y)
        for seed in range(3)
    ]
    assert np.median(scores) > 0.965
