"""A teacher: any black box that says a class, probabilities or a number for each case."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from antiphon.data import Sequences, as_labels
from antiphon.errors import InputError
from antiphon.estimators._base import SequenceEstimator

LEAST = 1e-3  # Probabilities below this count as this: nobody is infinitely sure.
TASKS = ("classification", "regression", "tagging")


@dataclass(frozen=True)
class Answers:
    """What a teacher said of some cases; tags of all cases stand one after the other.

    Attributes:
        labels: A class or number for each entry, `(entry,)`: an entry is a case, or for tagging a frame.
        soft: Probability of each class, `(entry, class)`, where the teacher gives them.
        classes: The classes of these columns.
    """

    labels: np.ndarray
    soft: np.ndarray | None = None
    classes: np.ndarray | None = None

    def as_y(self, lengths: np.ndarray, task: str) -> Any:
        """The labels as `fit` takes them."""
        return np.split(self.labels, np.cumsum(lengths)[:-1]) if task == "tagging" else self.labels

    def joined(self, other: Answers) -> Answers:
        """These and those of other cases after them."""
        soft = None
        if self.soft is not None and other.soft is not None:
            soft = np.concatenate([self.soft, other.soft])
        return Answers(np.concatenate([self.labels, other.labels]), soft, self.classes)

    def importance(self, lengths: np.ndarray, task: str) -> np.ndarray:
        """How much it matters that a case is right: what the teacher's scores differ by, with mean 1.

        After VIPER (Bastani et al. 2018, equation 3): the best minus the worst score, here logarithms of
        probabilities. Ones where the teacher gives none.
        """
        if self.soft is None:
            return np.ones(len(lengths), np.float32)
        scores = np.log(np.maximum(self.soft, LEAST))
        each = scores.max(1) - scores.min(1)
        if task == "tagging":
            each = np.add.reduceat(each, np.cumsum(lengths) - lengths) / lengths
        mean = float(each.mean())
        return (each / mean if mean > 0 else np.ones_like(each)).astype(np.float32)


class Teacher:
    """One way to ask any teacher.

    Args:
        given: A callable, an estimator with `predict`, or the path of a model file.
        task: What it says; None to find out from it.
        classes: Of the columns, where a callable gives probabilities or scores.
    """

    def __init__(self, given: Any, task: str | None, classes: Any = None) -> None:
        if isinstance(given, str | os.PathLike):
            from antiphon._model_file import load_model

            given = load_model(given)
        if not callable(given) and not hasattr(given, "predict"):
            raise InputError(
                f"A teacher of type {type(given).__name__}.",
                "A function of cases, a fitted estimator with predict, or a model file.",
                "Wrap it in a function that takes cases and gives labels, probabilities or numbers.",
            )
        if task is not None and task not in TASKS:
            raise InputError(f"The task {task!r}.", f"One of {', '.join(TASKS)}.", "Check the spelling.")
        self.given: Any = given
        self.classes = None if classes is None else np.asarray(classes)
        self.task = task or getattr(given, "task", None) or self._kind()
        self.asked = 0

    def _kind(self) -> str | None:
        from sklearn.base import is_classifier, is_regressor

        if not hasattr(self.given, "predict"):
            return None
        return (
            "classification"
            if is_classifier(self.given)
            else "regression"
            if is_regressor(self.given)
            else None
        )

    def policy(self, X: Any) -> Any:
        """What the teacher says of inputs, for the first rollouts."""
        from antiphon.data import as_sequences

        cases = as_sequences(X)
        return self.ask(cases).as_y(cases.lengths, self.task or "")

    def ask(self, cases: Sequences) -> Answers:
        """Ask about some cases.

        Raises:
            InputError: If what comes back is not one answer a case.
        """
        self.asked += len(cases)
        given: Any = self.given
        if isinstance(self.given, SequenceEstimator):
            inputs: Any = cases
        else:
            inputs = np.array(cases.frames) if cases.is_table else [np.array(frames) for frames in cases]
        if not hasattr(given, "predict"):
            return self._read(given(inputs), cases)
        labels = self._read(given.predict(inputs), cases)
        if self.task == "regression" or not hasattr(given, "predict_proba"):
            return labels
        soft = self._read_soft(given.predict_proba(inputs), cases)
        return Answers(labels.labels, soft, np.asarray(given.classes_))

    def _read(self, raw: Any, cases: Sequences) -> Answers:
        if self.task is None:
            self.task = _task_of(raw)
        columns = _columns(raw, self.task)
        if self.task != "regression" and columns is not None:
            soft = self._read_soft(raw, cases)
            classes = np.arange(soft.shape[1]) if self.classes is None else self.classes
            if len(classes) != soft.shape[1]:
                raise InputError(
                    f"The teacher gave {soft.shape[1]} scores, and there are {len(classes)} classes.",
                    "One column a class.",
                    "Name the classes in the order of the columns: distil(..., classes=[...]).",
                )
            return Answers(classes[soft.argmax(1)], soft, classes)
        raw = np.asarray(raw).reshape(-1) if self.task == "regression" else raw
        labels = as_labels(raw, len(cases), str(self.task), lengths=cases.lengths)
        flat = np.concatenate(labels) if self.task == "tagging" else np.asarray(labels)
        return Answers(flat.astype(np.float64) if self.task == "regression" else _plain(flat))

    def _read_soft(self, raw: Any, cases: Sequences) -> np.ndarray:
        rows = np.concatenate([np.asarray(r, float) for r in raw]) if self.task == "tagging" else raw
        rows = np.asarray(rows, float)
        wanted = int(cases.lengths.sum()) if self.task == "tagging" else len(cases)
        if rows.ndim != 2 or len(rows) != wanted or not np.isfinite(rows).all():
            raise InputError(
                f"The teacher gave probabilities of shape {rows.shape} for {wanted} "
                f"{'frames' if self.task == 'tagging' else 'cases'}.",
                "One row of finite numbers each.",
                "Look at what the teacher returns for these inputs.",
            )
        if (rows >= 0).all() and np.allclose(rows.sum(1), 1, atol=1e-3):
            return rows
        return softmax(rows, axis=1)  # Scores, such as logits.


def _plain(labels: np.ndarray) -> np.ndarray:
    """Labels in a type that a journal keeps."""
    return np.array(labels.tolist()) if labels.dtype == object else labels


def _columns(raw: Any, task: str | None) -> int | None:
    """How many scores an entry has, if it has scores and not a label."""
    if task == "tagging":
        first = np.asarray(raw[0]) if len(raw) else np.zeros(0)
        return int(first.shape[-1]) if first.ndim == 2 else None
    array = np.asarray(raw)
    return int(array.shape[-1]) if array.ndim == 2 and array.shape[-1] > 1 else None


def _task_of(raw: Any) -> str:
    """What answers are, where nobody said it."""
    if isinstance(raw, list | tuple) and len(raw) and np.ndim(raw[0]) >= 1:
        return "tagging"
    array = np.asarray(raw)
    if array.ndim == 2 and array.shape[1] > 1:
        return "classification"
    return "regression" if array.dtype.kind == "f" else "classification"


def soft_targets(answers: Answers, classes: np.ndarray, output_scores: int) -> np.ndarray | None:
    """Probabilities as they are fitted: of the second of two classes, else of each class.

    Args:
        answers: Of a teacher.
        classes: Those that are learned, in rising order.
        output_scores: How many scores a program gives.
    """
    if answers.soft is None or answers.classes is None:
        return None
    columns = {label: i for i, label in enumerate(answers.classes.tolist())}
    wanted = answers.soft[:, [columns[label] for label in classes.tolist()]]
    wanted = wanted / np.maximum(wanted.sum(1, keepdims=True), LEAST)
    return (wanted[:, 1] if output_scores == 1 else wanted).astype(np.float32)
