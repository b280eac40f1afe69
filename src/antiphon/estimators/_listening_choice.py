"""Which cases of the test part tell something, so that a report shows them."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

MOST_LOOKS = 16
MOST_MORE = 60  # further mistakes, to listen to only


def choose(
    y: Any, predicted: Any, sure: Float[np.ndarray, " case"] | None, task: str
) -> tuple[list[int], list[int], int]:
    """Which cases tell something: of each class the surest hit and the mistake that was made most surely.

    Args:
        y: The labels, or for tagging one array of them a case.
        predicted: The predictions.
        sure: The probability of each prediction; not used but for classification.
        task: `"classification"`, `"regression"` or `"tagging"`.

    Returns:
        The cases to draw, further mistakes, and how many mistakes there are.

    Example:
        >>> y, predicted = np.array(["a", "a", "b", "b"]), np.array(["a", "b", "b", "b"])
        >>> choose(y, predicted, np.array([0.6, 0.9, 0.5, 0.8]), "classification")
        ([0, 1, 3], [], 1)
    """
    if task == "classification":
        assert sure is not None
        wrong = np.asarray(predicted) != np.asarray(y)
        order = np.argsort(-sure, kind="stable")
        hits: dict[str, int] = {}
        misses: dict[str, int] = {}
        for case in order.tolist():
            (misses if wrong[case] else hits).setdefault(str(y[case]), case)
        # Where there are too many classes: the worst mistakes, and the hits of their classes first.
        picked = sorted(misses.values(), key=lambda case: -sure[case])[: MOST_LOOKS // 2]
        erred = {str(y[case]) for case in picked}
        good = sorted(hits, key=lambda label: (label not in erred, -sure[hits[label]]))
        picked += [hits[label] for label in good][: MOST_LOOKS - len(picked)]
        label_order = {label: i for i, label in enumerate(np.unique(np.asarray(y)).astype(str).tolist())}
        picked.sort(key=lambda case: (label_order[str(y[case])], bool(wrong[case])))
        rest = [case for case in order.tolist() if wrong[case] and case not in picked]
        return picked, rest[:MOST_MORE], int(wrong.sum())
    if task == "regression":
        loss = np.abs(np.asarray(y, float) - np.asarray(predicted, float))
    else:
        loss = np.array([float(np.mean(np.asarray(p) != t)) for p, t in zip(predicted, y, strict=True)])
    order = np.argsort(loss, kind="stable").tolist()
    # Twice as many of the worst as of the best.
    best = order[: min(2, len(order))]
    worst = [case for case in reversed(order) if case not in best][:4]
    return [*best, *worst], [], int((loss > 0).sum()) if task == "tagging" else 0
