"""What is to be learned: data, targets and how success is measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Shaped

from antiphon.language import Language, Real, Seq, Type

TaskKind = Literal["classification", "regression", "tagging"]


@dataclass(frozen=True)
class Problem:
    """Labelled sequences, bound to a language.

    Attributes:
        language: The language, bound to the features of the data.
        values: Frames, padded with zeros at the end, `(case, time, feature)`.
        mask: True where a frame is real, `(case, time)`.
        targets: Class numbers `(case,)`, numbers `(case, output)`, or class numbers a frame `(case, time)`.
        task: What is to be predicted.
        n_outputs: How many numbers a program gives: 1 for two classes, else one a class or a target.
        metric: `"accuracy"`, `"f1"` (of class 1), `"macro-f1"` or `"r2"`.
        weights: Weight of each case, `(case,)`.
        soft: Probabilities to be fitted instead of class numbers, of class 1 `(case,)` or of each class
            `(case, class)`; for tagging `(case, time)` or `(case, time, class)`. Metrics go by `targets`.
        location: What was taken off the targets of a regression before they were divided by `scale`.
        scale: See there; above 0.
    """

    language: Language
    values: Float[np.ndarray, "case time feature"]
    mask: Bool[np.ndarray, "case time"]
    targets: Shaped[np.ndarray, "case ..."]
    task: TaskKind
    n_outputs: int
    metric: str
    weights: Float[np.ndarray, " case"] = field(default_factory=lambda: np.ones(0, np.float32))
    soft: Float[np.ndarray, "case ..."] | None = None
    location: float = 0.0
    scale: float = 1.0

    def __len__(self) -> int:
        return len(self.values)

    @property
    def output_type(self) -> Type:
        """The type of a program for this problem."""
        return Seq(Real(self.n_outputs)) if self.task == "tagging" else Real(self.n_outputs)

    @property
    def goals(self) -> Shaped[np.ndarray, "case ..."]:
        """What losses are computed from: the soft targets where there are any."""
        return self.targets if self.soft is None else self.soft

    @property
    def case_weights(self) -> Float[np.ndarray, " case"]:
        """The weights; ones where none were given."""
        return self.weights if len(self.weights) else np.ones(len(self), np.float32)


def balanced_weights(targets: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Weights `(case,)` that give every class the same total, with mean 1.

    Args:
        targets: Class numbers `(case,)`, or `(case, time)` with a mask: a case then weighs as its frames do
            on average.
        mask: For tagging, which frames are real.

    Example:
        >>> balanced_weights(np.array([0, 0, 0, 1])).tolist()[2:]
        [0.6666666865348816, 2.0]
    """
    real = np.ones(targets.shape, bool) if mask is None else mask
    counts = np.bincount(targets[real])
    by_class = real.sum() / np.maximum(counts, 1) / np.count_nonzero(counts)
    each = np.where(real, by_class[targets], 0.0)
    if mask is not None:
        each = each.sum(1) / np.maximum(real.sum(1), 1)
    return each.astype(np.float32)
