"""From the raw parts that a reader found to a `Dataset`: checks, the task, the split."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from antiphon.data._convert import as_sequences
from antiphon.data._dataset import Dataset, Split
from antiphon.data._labels import as_labels
from antiphon.data._sequences import Sequences, join
from antiphon.data._splits import holdout
from antiphon.errors import DatasetError, InputError

_log = logging.getLogger("antiphon.data")
DEFAULT_TEST_SHARE = 0.25


@dataclass(frozen=True)
class Part:
    """What a reader found for one part: cases, labels (or None) and groups, all as they were."""

    X: Any
    y: Any = None
    groups: np.ndarray | None = None


@dataclass(frozen=True)
class Found:
    """What a reader found at a path: one, two or three parts (train, validation, test)."""

    parts: Sequence[Part]
    target: str
    source: str
    features: Any = None
    layout: str | None = None
    task: str | None = None
    no_labels: str = ""


def cases_of(found: Found, layout: str | None, features: Any, rate_hz: float | None) -> list[Sequences]:
    """Check the cases of every part."""
    features = found.features if features is None else features
    layout = layout or found.layout
    return [as_sequences(part.X, layout=layout, features=features, rate_hz=rate_hz) for part in found.parts]


def build(
    name: str,
    found: Found,
    *,
    layout: str | None = None,
    features: Any = None,
    rate_hz: float | None = None,
    test_size: float | int | None = None,
    task: str | None = None,
    description: str = "",
) -> Dataset:
    """Check the parts together, find out the task and give a data set of two parts."""
    Xs = cases_of(found, layout, features, rate_hz)
    for X, part in zip(Xs, found.parts, strict=True):
        if part.y is None:
            raise DatasetError(
                f"{name} has no labels{found.no_labels}.",
                "One label a case, or one a frame.",
                "Add the labels, or say with target= where they are.",
            )
        if len(part.y) != len(X):
            raise InputError(
                f"{len(part.y)} labels for {len(X)} cases in {name}.",
                "One label a case.",
                "Check that data and labels come from the same place.",
            )
    X = reduce(join, Xs)
    labels = [part.y for part in found.parts]
    is_tagged = any(isinstance(y, list) for y in labels)
    y: Any = (
        [one for y in labels for one in y] if is_tagged else np.concatenate([np.asarray(y) for y in labels])
    )
    if not is_tagged:
        y = whole_numbers(y)
    task = task or found.task or infer_task(y)
    y = as_labels(y, len(X), task, lengths=X.lengths)
    known = [part.groups for part in found.parts if part.groups is not None]
    subjects = np.concatenate(known) if len(known) == len(found.parts) else None
    if subjects is not None and len(subjects) != len(X):
        raise InputError(
            f"{len(subjects)} groups for {len(X)} cases in {name}.",
            "One group (subject) a case.",
            "Correct the groups.",
        )
    train, test, how = _cut(y, subjects, [len(part) for part in Xs], test_size)
    whole = Split(X, y, subjects)
    every = np.concatenate(y) if isinstance(y, list) else y
    classes = None if task == "regression" else tuple(np.unique(every).tolist())
    description = " ".join(filter(None, (description, how)))
    _log.info("%s: %s, %d training and %d test cases. %s", name, task, len(train), len(test), how)
    return Dataset(
        name, description, whole.take(train), whole.take(test), found.target, found.source, task, classes
    )


def infer_task(y: Any) -> str:
    """Tell the task from the labels: arrays are tags, fractions are targets, the rest are classes.

    Example:
        >>> infer_task(np.array([0.5, 1.5])), infer_task(np.array(["a", "b"])), infer_task([np.array([0, 1])])
        ('regression', 'classification', 'tagging')
    """
    if isinstance(y, list) and y and np.ndim(y[0]) == 1:
        return "tagging"
    values = np.asarray(y)
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        if (finite != np.floor(finite)).any() or len(np.unique(finite)) > 20:
            return "regression"
    return "classification"


def whole_numbers(labels: np.ndarray) -> np.ndarray:
    """Bring text labels that are all whole numbers ("1", "2") to integers."""
    labels = np.asarray(labels)
    if labels.dtype.kind != "U":
        return labels
    try:
        numbers = labels.astype(np.int64)
    except (ValueError, OverflowError):
        return labels
    return numbers if (numbers.astype(labels.dtype) == labels).all() else labels


def _cut(y: Any, subjects: Any, sizes: list[int], test_size: float | int | None) -> tuple[Any, Any, str]:
    """Return the cases of the train and of the test part, and a sentence that says how they were chosen."""
    cases = sum(sizes)
    if len(sizes) > 1:
        if test_size is not None:
            raise InputError(
                f"test_size={test_size} for data with a test part of its own.",
                "No test_size.",
                "Leave it out, or load the one part only.",
            )
        how = "The validation part is part of the training cases." if len(sizes) > 2 else ""
        return np.arange(cases - sizes[-1]), np.arange(cases - sizes[-1], cases), how
    if isinstance(test_size, (bool, np.bool_)) or not isinstance(
        test_size, (int, float, np.number, type(None))
    ):
        raise InputError(
            f"test_size={test_size!r}.", "A share (0.25) or a number of cases (500).", "Pass a number."
        )
    if isinstance(test_size, (int, np.integer)):
        if not 0 < test_size < cases:
            raise InputError(
                f"test_size={test_size} of {cases} cases.",
                f"From 1 to {cases - 1}.",
                "Choose another number of cases.",
            )
        return (
            np.arange(cases - test_size),
            np.arange(cases - test_size, cases),
            f"Tested on the last {test_size} cases.",
        )
    share = DEFAULT_TEST_SHARE if test_size is None else float(test_size)
    train, test = holdout(y, subjects, size=share, seed=0)
    whom = ", whole subjects" if subjects is not None else ""
    return train, test, f"No test part: {len(test)} cases held out ({share:.0%}, stratified{whom}, seed 0)."
