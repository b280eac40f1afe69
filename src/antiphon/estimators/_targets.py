"""From what a user gives as `y` to what is fitted: class numbers or numbers, a metric, weights."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from sklearn.utils.class_weight import compute_class_weight

from antiphon.data import Sequences, as_labels
from antiphon.errors import InputError
from antiphon.language import Output

METRICS = {
    "classification": ("auto", "accuracy", "f1", "macro-f1"),
    "tagging": ("auto", "accuracy", "f1", "macro-f1"),
    "regression": ("auto", "r2"),
}
RARE = 0.35  # a class of two that has less than this share is what one looks for

_log = logging.getLogger("antiphon.estimators")


@dataclass(frozen=True)
class Target:
    """What is to be predicted, ready to be fitted.

    Attributes:
        numbers: Class numbers `(case,)`, for tagging `(case, time)` padded with 0; or numbers `(case, 1)`.
        classes: The classes in rising order, in the type the user gave them; empty for regression.
        output: What a model's scores mean, still without a threshold.
        metric: `"accuracy"`, `"f1"`, `"macro-f1"` or `"r2"`.
        weights: Weight of each case, with mean 1.
        strata: What to balance when cases are held out.
    """

    numbers: Shaped[np.ndarray, "case ..."]
    classes: Shaped[np.ndarray, " class"]
    output: Output
    metric: str
    weights: Float[np.ndarray, " case"]
    strata: Any


def read_target(
    y: Any,
    X: Sequences,
    task: str,
    *,
    metric: str = "auto",
    class_weight: Any = None,
    time: int | None = None,
) -> Target:
    """Check labels against their cases and number their classes.

    Args:
        y: As `antiphon.data.as_labels` takes it.
        X: The cases.
        task: `"classification"`, `"regression"` or `"tagging"`.
        metric: A metric, or `"auto"`.
        class_weight: None, `"balanced"`, or a dictionary from class to weight.
        time: Frames that tags are padded to.

    Raises:
        InputError: If labels, metric or weights cannot be used.

    Example:
        >>> from antiphon.data import as_sequences
        >>> X = as_sequences([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]])
        >>> target = read_target(["no", "no", "yes", "no", "no", "no"], X, "classification")
        >>> target.metric, target.numbers.tolist()
        ('f1', [0, 0, 1, 0, 0, 0])
    """
    if metric not in METRICS[task]:
        raise InputError(
            f"The metric {metric!r} for {task}.", f"One of {', '.join(METRICS[task])}.", "Check the spelling."
        )
    labels = as_labels(y, len(X), task, lengths=X.lengths)
    if task == "regression":
        return _regression(labels, getattr(y, "name", None))
    flat = np.concatenate(labels) if task == "tagging" else labels
    classes, numbers = np.unique(flat, return_inverse=True)
    numbers = numbers.astype(np.int32)
    chosen = choose_metric(metric, numbers, classes)
    by_class = _class_weights(class_weight, classes, flat)
    if task == "tagging":
        mask = np.arange(time or int(X.lengths.max()))[None, :] < X.lengths[:, None]
        each = np.zeros(mask.shape, np.float32)
        each[mask] = by_class[numbers]
        weights = each.sum(1) / X.lengths
        padded = np.zeros(mask.shape, np.int32)
        padded[mask] = numbers
        numbers = padded
    else:
        weights = by_class[numbers]
    weights = (weights / weights.mean()).astype(np.float32)
    return Target(numbers, classes, Output(task, tuple(classes.tolist())), chosen, weights, labels)


def _regression(values: Float[np.ndarray, " case"], name: Any) -> Target:
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32)[:, None]
    if not np.isfinite(numbers).all():
        raise InputError(
            f"A target of {values[~np.isfinite(numbers[:, 0])][0]:g}.",
            "Targets within the range of float32.",
            "Rescale the targets.",
        )
    output = Output("regression", targets=(name if isinstance(name, str) and name else "y",))
    return Target(numbers, np.empty(0), output, "r2", np.ones(len(numbers), np.float32), values)


def choose_metric(metric: str, numbers: Shaped[np.ndarray, " entry"], classes: np.ndarray) -> str:
    """The metric that was asked for, or for `"auto"` one that suits the classes; the choice is logged.

    Where one of two classes is rare, accuracy rewards a model that never says it. Then it is F1 of the rare
    class if that is the second one (which is what scikit-learn means by F1), else the mean F1 of both.

    Args:
        metric: `"auto"`, `"accuracy"`, `"f1"` or `"macro-f1"`.
        numbers: Class numbers.
        classes: The classes.

    Example:
        >>> choose_metric("auto", np.array([1, 1, 1, 0]), np.array(["rest", "walk"]))
        'macro-f1'
    """
    if metric == "f1" and len(classes) != 2:
        raise InputError(
            f"The metric 'f1' for {len(classes)} classes.",
            "Two classes, of which the second is the one looked for.",
            "Use 'macro-f1', the mean over all classes.",
        )
    if metric != "auto":
        return metric
    second = float((numbers == 1).mean())
    if len(classes) > 2 or min(second, 1 - second) >= RARE:
        _log.info("metric accuracy: %d classes, none of two is rare", len(classes))
        return "accuracy"
    chosen, rare = ("f1", classes[1]) if second < RARE else ("macro-f1", classes[0])
    _log.info("metric %s: class %s is rare, %.0f %% of all", chosen, rare, 100 * min(second, 1 - second))
    return chosen


def _class_weights(given: Any, classes: np.ndarray, labels: np.ndarray) -> Float[np.ndarray, " class"]:
    if given is not None and given != "balanced" and not isinstance(given, Mapping):
        raise InputError(
            f"class_weight={given!r}.", "None, 'balanced' or a dictionary from class to weight.", "Check it."
        )
    try:
        weights = compute_class_weight(given, classes=classes, y=labels)
    except ValueError as error:
        raise InputError(
            f"class_weight={given!r}: {error}.".replace("..", "."),
            f"Weights for {', '.join(map(str, classes))}.",
            "Name the classes as they are in y.",
        ) from error
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise InputError(
            f"The class weights {weights.tolist()}.", "Positive numbers.", "Correct class_weight."
        )
    return np.asarray(weights, np.float64)


def class_numbers(labels: Any, classes: np.ndarray, task: str) -> np.ndarray:
    """The numbers of labels, joined to one row; -1 for a label that is no class.

    Example:
        >>> class_numbers(["b", "z"], np.array(["a", "b"]), "classification").tolist()
        [1, -1]
    """
    parts: Sequence[Any] = labels if task == "tagging" else [labels]
    flat = np.concatenate([np.asarray(part).reshape(-1) for part in parts])
    if flat.dtype == object:
        flat = np.array(flat.tolist())
    place = np.clip(np.searchsorted(classes, flat), 0, len(classes) - 1)
    return np.where(classes[place] == flat, place, -1)
