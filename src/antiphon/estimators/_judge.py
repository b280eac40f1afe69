"""Predictions and truth, as labels, to the figures that a run is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from antiphon.data import Split
from antiphon.errors import InputError
from antiphon.fitting import measure
from antiphon.language import Program


@dataclass(frozen=True)
class Judge:
    """Scores labels (for tagging lists of labels, for regression numbers) in one metric.

    Args:
        task: `"classification"`, `"regression"` or `"tagging"`.
        classes: The classes in order; empty for regression.
        metric: As `antiphon.fitting.measure` names it.

    Example:
        >>> Judge("classification", ("no", "yes"), "accuracy")(["no", "yes"], ["no", "no"])
        0.5
    """

    task: str
    classes: tuple[Any, ...]
    metric: str

    def __call__(self, predicted: Any, true: Any) -> float:
        return measure(self.numbers(predicted), self.numbers(true), self.metric)

    def numbers(self, labels: Any) -> np.ndarray:
        """Labels as class numbers, tags of all cases in a row; targets as they are."""
        if self.task == "regression":
            return np.asarray(labels, float)
        flat = np.concatenate([np.asarray(tags) for tags in labels]) if self.task == "tagging" else labels
        known = {label: number for number, label in enumerate(self.classes)}
        unknown = sorted({str(v) for v in np.asarray(flat).tolist() if v not in known})
        if unknown:
            raise InputError(
                f"Labels that the model does not know: {', '.join(unknown[:5])}.",
                f"Labels among {', '.join(map(str, self.classes[:20]))}.",
                "Check that the data have the labels that the model was learned on.",
            )
        return np.array([known[v] for v in np.asarray(flat).tolist()], np.int64)

    def confusion(self, predicted: Any, true: Any) -> Int[np.ndarray, "true predicted"]:
        """How often each true class was predicted as each class."""
        matrix = np.zeros((len(self.classes), len(self.classes)), np.int64)
        np.add.at(matrix, (self.numbers(true), self.numbers(predicted)), 1)
        return matrix


def importance(
    program: Program, split: Split, judge: Judge, *, repeats: int = 5, seed: int = 0
) -> tuple[tuple[str, float], ...]:
    """How much of the score is lost when one feature is taken from other cases.

    A feature's course over time stays whole, stretched to the length of the case that it comes to.

    Args:
        program: The program.
        split: The cases to judge on.
        judge: The metric.
        repeats: How often each feature is exchanged; the loss is the mean.
        seed: Seed of the exchange.

    Returns:
        Feature and lost score, the largest loss first.

    Example:
        >>> from antiphon.data import load
        >>> from antiphon.language import Program
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[4]] of speed, distance, angle, noise
        ... output classes ["fast", "slow"]
        ... program
        ...   affine[-1*speed + 5](mean(x))
        ... ''')
        >>> test = load("planted-speed").test
        >>> losses = importance(program, test, Judge("classification", ("fast", "slow"), "accuracy"))
        >>> losses[0][0], losses[1:]
        ('speed', (('distance', 0.0), ('angle', 0.0), ('noise', 0.0)))
    """
    values, mask = split.X.pad()
    lengths = split.X.lengths
    true = judge.numbers(split.y)

    def score(changed: np.ndarray) -> float:
        labels = program.decide(program.scores(changed, mask))
        if program.output.task == "tagging":
            labels = [row[there] for row, there in zip(labels, mask, strict=True)]
        return measure(judge.numbers(labels), true, judge.metric)

    rng = np.random.default_rng(seed)
    whole = score(values)
    step = np.arange(values.shape[1])
    found = []
    for feature, name in enumerate(program.language.features):
        lost = []
        for _ in range(repeats):
            other = rng.permutation(len(values))
            donor = np.minimum(
                step[None, :] * lengths[other, None] // lengths[:, None], lengths[other, None] - 1
            )
            changed = values.copy()
            changed[:, :, feature] = np.where(mask, values[other[:, None], donor, feature], 0)
            lost.append(whole - score(changed))
        found.append((name, float(np.mean(lost))))
    return tuple(sorted(found, key=lambda pair: -pair[1]))
