"""Losses for training and metrics for judging. Training sees raw scores: nothing is squashed twice."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from sklearn.metrics import f1_score

from antiphon.fitting._problem import Problem


def case_losses(scores: Array, targets: Array, mask: Array, task: str) -> Float[Array, " case"]:
    """The loss of each case.

    Args:
        scores: Raw scores (logits or numbers), `(case, k)`, for tagging `(case, time, k)`.
        targets: As `Problem.goals`.
        mask: `(case, time)`; masked frames have no say.
        task: `"classification"`, `"regression"` or `"tagging"`.

    Returns:
        Cross-entropy or squared error, `(case,)`; for tagging the mean over real frames.
    """
    if task == "regression":
        return ((scores - targets) ** 2).mean(-1)
    if scores.shape[-1] == 1:
        entropy = optax.sigmoid_binary_cross_entropy(scores[..., 0], targets.astype(jnp.float32))
    elif targets.ndim == scores.ndim:
        entropy = optax.softmax_cross_entropy(scores, targets)
    else:
        entropy = optax.softmax_cross_entropy_with_integer_labels(scores, targets)
    if task == "tagging":
        return jnp.where(mask, entropy, 0.0).sum(1) / jnp.maximum(mask.sum(1).astype(jnp.float32), 1.0)
    return entropy


def decide(scores: np.ndarray, threshold: float | None = None) -> np.ndarray:
    """Class numbers from raw scores `(..., k)`; with one score the class is 1 above the threshold.

    Args:
        scores: Logits.
        threshold: On the probability, in (0, 1); 0.5 if not given.
    """
    if scores.shape[-1] == 1:
        limit = 0.5 if threshold is None else threshold
        return (scores[..., 0] > np.log(limit / (1 - limit))).astype(np.int64)
    return scores.argmax(-1)


def measure(predicted: np.ndarray, true: np.ndarray, metric: str) -> float:
    """A metric, 1 for perfect: `accuracy`, `f1` (of class 1), `macro-f1` or `r2`.

    Example:
        >>> measure(np.array([0, 1, 1]), np.array([0, 1, 0]), "accuracy").__round__(3)
        0.667
    """
    match metric:
        case "accuracy":
            return float((predicted == true).mean())
        case "f1":
            # scikit-learn's takes a millisecond, and every candidate asks for it on every fold.
            said, positive = predicted == 1, true == 1
            return float(2 * (said & positive).sum() / max(1, said.sum() + positive.sum()))
        case "macro-f1":
            return float(f1_score(true, predicted, average="macro", zero_division=0.0))  # pyright: ignore[reportArgumentType]
        case "r2":
            spread = ((true - true.mean(0)) ** 2).mean()
            return float(1 - ((true - predicted) ** 2).mean() / spread) if spread > 0 else 0.0
    raise AssertionError(f"metric {metric!r}")


def best_threshold(scores: np.ndarray, true: np.ndarray, metric: str) -> float:
    """The probability above which class 1 is said, so that `metric` is best on these cases.

    Ties go to the middle of the best run of thresholds, so that one case more or less changes little.

    Args:
        scores: Logits `(case,)`.
        true: Class numbers 0 or 1, `(case,)`.
        metric: `"f1"`, `"macro-f1"` or `"accuracy"`.

    Returns:
        A probability, rounded to two digits, in [0.02, 0.98].
    """
    probability = 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
    grid = np.arange(2, 99) / 100
    said = probability[None, :] > grid[:, None]
    positive = (true == 1)[None, :]
    hits = (said & positive).sum(1)
    if metric == "accuracy":
        value = (said == positive).mean(1)
    else:
        value = 2 * hits / np.maximum(said.sum(1) + positive.sum(), 1)
        if metric == "macro-f1":
            negatives = (~said & ~positive).sum(1)
            value = (value + 2 * negatives / np.maximum((~said).sum(1) + (~positive).sum(), 1)) / 2
    # Smoothed over neighbouring thresholds: a lone peak is luck.
    smooth = np.convolve(np.pad(value, 3, mode="edge"), np.ones(7) / 7, mode="valid")
    best = smooth >= smooth.max() - 1e-9
    start = int(best.argmax())
    length = int(np.argmin([*best[start:], False]))
    return float(grid[start + (length - 1) // 2])


def flat_truth(problem: Problem, rows: np.ndarray) -> np.ndarray:
    """The targets of some cases as metrics want them: for tagging one entry a real frame."""
    return problem.targets[rows][problem.mask[rows]] if problem.task == "tagging" else problem.targets[rows]


def flat_goals(problem: Problem, rows: np.ndarray) -> np.ndarray:
    """What losses are computed from, of some cases, in the order of `flat_truth`."""
    return problem.goals[rows][problem.mask[rows]] if problem.task == "tagging" else problem.goals[rows]


def flat_scores(problem: Problem, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Scores of some cases, in the order of `flat_truth`, `(entry, k)`."""
    return scores[rows][problem.mask[rows]] if problem.task == "tagging" else scores[rows]


def entropy(scores: np.ndarray, true: np.ndarray, task: str) -> float:
    """Mean cross-entropy, or for regression mean squared error, of flat scores `(entry, k)`."""
    if task == "regression":
        return float(((scores - true) ** 2).mean())
    # In NumPy: for one candidate's few scores a call of JAX costs more than the sum.
    with np.errstate(over="ignore"):
        if scores.shape[-1] == 1:
            return float((np.logaddexp(0.0, scores[:, 0]) - scores[:, 0] * true).mean())
        picked = np.take_along_axis(scores, true[:, None].astype(np.int64), axis=1)[:, 0]
        return float((np.logaddexp.reduce(scores, axis=1) - picked).mean())
