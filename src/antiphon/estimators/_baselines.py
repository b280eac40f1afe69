"""What else reaches how much on the same data: so that one sees whether a search was worth it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from antiphon.data import Sequences, as_sequences, folds
from antiphon.estimators._recurrent import RecurrentClassifier, RecurrentRegressor, RecurrentTagger
from antiphon.estimators._targets import Target, class_numbers, read_target
from antiphon.fitting import best_threshold, measure

Row = tuple[str, float, float, str]
FOLDS = 5
_NETWORKS = {
    "classification": RecurrentClassifier,
    "tagging": RecurrentTagger,
    "regression": RecurrentRegressor,
}


def baselines(
    train_X: Any,
    train_y: Any,
    test_X: Any,
    test_y: Any,
    task: str,
    metric: str,
    random_state: int,
    *,
    subjects: Any = None,
    progress: Callable[[str], None] | None = None,
) -> list[Row]:
    """Fit the usual models and judge them on the test cases, as a program is judged.

    The most frequent class (for regression the mean); logistic regression (ridge regression) and gradient
    boosting on the averages over time, for tagging on single frames; a bidirectional GRU. For F1 the decision
    threshold of each is chosen on cases held out of the training data, as it is for programs.

    Args:
        train_X: Cases to fit on.
        train_y: Their labels.
        test_X: Cases to judge on.
        test_y: Their labels.
        task: `"classification"`, `"regression"` or `"tagging"`.
        metric: `"accuracy"`, `"f1"`, `"macro-f1"`, `"r2"`, or `"auto"`.
        random_state: Seed.
        subjects: Who or what each training case comes from: none is fitted on and held out at once.
        progress: Called with the name of each model before it is fitted.

    Returns:
        For each model its name, test score, seconds to fit, and a remark.

    Example:
        >>> X = np.float32([[0], [1], [2], [3], [4], [5]] * 2)[:, :, None]
        >>> rows = baselines(list(X), [0, 0, 0, 1, 1, 1] * 2, list(X), [0, 0, 0, 1, 1, 1] * 2,
        ...                  "classification", "accuracy", 0)
        >>> [row[0] for row in rows]
        ['majority', 'logistic regression', 'gradient boosting', 'GRU']
    """
    cases, tests = as_sequences(train_X), as_sequences(test_X)
    target = read_target(train_y, cases, task, metric=metric)
    train, test = (_table(part, task) for part in (cases, tests))
    split = _split(cases, target, subjects, random_state, task)
    if task == "regression":
        numbers, truth = target.numbers[:, 0].astype(np.float64), np.asarray(test_y, np.float64)
    else:
        numbers, truth = (class_numbers(y, target.classes, task) for y in (train_y, test_y))
    data = _Data(train, numbers, test, truth, target.metric, split)

    where = "on single frames" if task == "tagging" else "on averages over time"
    if cases.is_table:
        where = "on the columns"
    linear, boosting = _models(task, random_state, len(train))
    plans: list[tuple[str, Callable[[], float], str]] = [
        ("mean" if task == "regression" else "majority", lambda: _constant(data), ""),
        (
            "ridge regression" if task == "regression" else "logistic regression",
            lambda: _table_score(linear, data),
            where,
        ),
        ("gradient boosting", lambda: _table_score(boosting, data), where),
    ]

    def network() -> float:
        model = _NETWORKS[task](metric=target.metric, random_state=random_state)
        return model.fit(cases, train_y, groups=subjects).metric_score(tests, test_y)

    plans.append(("GRU", network, "bidirectional, reads every frame"))
    rows: list[Row] = []
    for name, run, note in plans:
        if progress is not None:
            progress(name)
        start = time.perf_counter()
        # On tables as small as these, threads mostly wait for each other.
        with threadpool_limits(1):
            score = run()
        rows.append((name, score, time.perf_counter() - start, note))
    return rows


@dataclass(frozen=True)
class _Data:
    train: Float[np.ndarray, "row feature"]
    numbers: Shaped[np.ndarray, " row"]
    test: Float[np.ndarray, "test feature"]
    truth: Shaped[np.ndarray, " test"]
    metric: str
    folds: list[tuple[np.ndarray, np.ndarray]]


def _table(cases: Sequences, task: str) -> Float[np.ndarray, "row feature"]:
    frames = cases.frames.astype(np.float64)
    if task == "tagging":
        return frames
    starts = np.cumsum(cases.lengths) - cases.lengths
    return np.add.reduceat(frames, starts, axis=0) / cases.lengths[:, None]


def _split(
    cases: Sequences, target: Target, subjects: Any, seed: int, task: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of rows for choosing a threshold; empty where none is chosen."""
    if target.output.scores != 1 or target.metric not in ("f1", "macro-f1"):
        return []
    units = len(cases) if subjects is None else len(np.unique(subjects))
    found = folds(target.strata, subjects, n=min(FOLDS, units), seed=seed)
    if task != "tagging":
        return found
    case_of = np.repeat(np.arange(len(cases)), cases.lengths)
    return [tuple(np.flatnonzero(np.isin(case_of, part)) for part in pair) for pair in found]  # type: ignore[misc]


def _models(task: str, seed: int, rows: int) -> tuple[Any, Any]:
    # With the usual 20 rows a leaf, boosting could not split a few dozen rows at all.
    settings: dict[str, Any] = {"random_state": seed, "min_samples_leaf": int(np.clip(rows // 50, 2, 20))}
    if task == "regression":
        linear = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13)))
        return linear, HistGradientBoostingRegressor(**settings)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return linear, HistGradientBoostingClassifier(**settings)


def _constant(data: _Data) -> float:
    if data.metric == "r2":
        said = np.full(len(data.truth), data.numbers.mean())
    else:
        said = np.full(len(data.truth), np.bincount(data.numbers).argmax())
    return measure(said, data.truth, data.metric)


def _table_score(model: Any, data: _Data) -> float:
    if not data.folds:
        return measure(model.fit(data.train, data.numbers).predict(data.test), data.truth, data.metric)
    held_logits = np.full(len(data.train), np.nan)
    for rows, held in data.folds:
        if len(np.unique(data.numbers[rows])) == 2:
            held_logits[held] = _logits(model.fit(data.train[rows], data.numbers[rows]), data.train[held])
    judged = np.isfinite(held_logits)
    threshold = 0.5
    if judged.any():
        threshold = best_threshold(held_logits[judged], data.numbers[judged], data.metric)
    logits = _logits(model.fit(data.train, data.numbers), data.test)
    return measure((logits > np.log(threshold / (1 - threshold))).astype(int), data.truth, data.metric)


def _logits(model: Any, rows: np.ndarray) -> Float[np.ndarray, " row"]:
    positive = np.clip(model.predict_proba(rows)[:, 1], 1e-12, 1 - 1e-12)
    return np.log(positive) - np.log1p(-positive)
