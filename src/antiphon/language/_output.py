"""What a program's numbers mean: scores to probabilities, labels and back to text."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import expit, softmax

from antiphon.errors import InputError
from antiphon.language._types import Real, Seq, Type

Label = int | str | float | bool
TASKS = ("classification", "regression", "tagging")


@dataclass(frozen=True)
class Output:
    """The meaning of a program's output.

    Two classes have one score, a logit: the second class where `sigmoid(score) > threshold`. More classes
    have a score each, and the largest wins. Regression has one score for each target.

    Attributes:
        task: `"classification"`, `"regression"`, or `"tagging"` (a class for every frame).
        classes: The labels, as plain Python values; `()` for regression.
        threshold: Probability of the second class above which it is chosen; `None` means 0.5.
        targets: Names of the numbers; regression only.

    Raises:
        InputError: If the parts do not fit each other.

    Example:
        >>> walks = Output("classification", ("rest", "walk"), threshold=0.25)
        >>> walks.type, walks.decide(np.float32([[-2.0], [-1.0]])).tolist()
        (Real[1], ['rest', 'walk'])
    """

    task: str
    classes: tuple[Label, ...] = ()
    threshold: float | None = None
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise InputError(f"The task {self.task!r} is unknown.", f"One of {', '.join(TASKS)}.")
        if self.task == "regression":
            if self.classes or not self.targets:
                raise InputError(
                    "A regression without targets, or with classes.", "Names of targets, no classes."
                )
        elif len({(type(c), c) for c in self.classes}) < max(2, len(self.classes)) or self.targets:
            raise InputError(
                f"The classes {list(self.classes)}.", "At least two different ones, and no targets."
            )
        if not all(type(c) in (int, str, float, bool) for c in self.classes):
            raise InputError(
                "A class that is no plain Python value.",
                "Integers, strings, floats or booleans.",
                "call .tolist().",
            )
        if self.threshold is not None and (len(self.classes) != 2 or not 0 < self.threshold < 1):
            raise InputError(
                f"The threshold {self.threshold}.", "A number between 0 and 1, for two classes only."
            )

    @property
    def scores(self) -> int:
        """How many numbers the program gives, for a case or for a frame."""
        if self.task == "regression":
            return len(self.targets)
        return 1 if len(self.classes) == 2 else len(self.classes)

    @property
    def type(self) -> Type:
        """The type that the program's term must have."""
        vector = Real(self.scores)
        return Seq(vector) if self.task == "tagging" else vector

    @property
    def row_names(self) -> tuple[str, ...]:
        """What each score is called; empty where there is only one."""
        if self.scores == 1:
            return ()
        return self.targets or tuple(json.dumps(c) for c in self.classes)

    def probabilities(
        self, scores: Float[np.ndarray, "*cases scores"]
    ) -> Float[np.ndarray, "*cases classes"]:
        """Probability of each class.

        Raises:
            InputError: For a regression, which has none.

        Example:
            >>> Output("classification", (0, 1)).probabilities(np.float32([[0.0]])).tolist()
            [[0.5, 0.5]]
        """
        if self.task == "regression":
            raise InputError("Probabilities of a regression.", "A program with classes.", "use the scores.")
        wide = np.asarray(scores, np.float64)
        if self.scores == 1:
            second = expit(wide)
            return np.concatenate([1.0 - second, second], axis=-1)
        return softmax(wide, axis=-1)

    def decide(self, scores: Float[np.ndarray, "*cases scores"]) -> np.ndarray:
        """The label of each case (or frame); for a regression the numbers, flat if there is one target.

        Example:
            >>> Output("classification", ("a", "b", "c")).decide(np.float32([[0, 2, 1]])).tolist()
            ['b']
        """
        scores = np.asarray(scores)
        if self.task == "regression":
            return scores[..., 0] if self.scores == 1 else scores
        if self.scores == 1:
            threshold = 0.5 if self.threshold is None else self.threshold
            chosen = (self.probabilities(scores)[..., 1] > threshold).astype(np.int64)
        else:
            chosen = scores.argmax(-1)
        return label_array(self.classes)[chosen]


def label_array(classes: tuple[Label, ...]) -> np.ndarray:
    """Labels as an array that keeps what they are.

    Example:
        >>> label_array((1, 2)).dtype.kind, label_array((1, "two")).dtype.kind
        ('i', 'O')
    """
    mixed = len({type(c) for c in classes}) > 1
    return np.array(classes, dtype=object if mixed else None)
