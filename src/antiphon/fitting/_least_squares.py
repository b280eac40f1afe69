"""Least squares: formulas whose only trainable leaves are constants need no training loop.

Where a formula is linear in its constants, each fold's best ones are the solution of one linear system. The
others are found by `_levenberg`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from antiphon.fitting._constants import constants_of
from antiphon.fitting._levenberg import curved_constants
from antiphon.fitting._linear import design_of, solve
from antiphon.fitting._loop import BatchResult
from antiphon.fitting._problem import Problem
from antiphon.fitting._skeleton import SlotValues, Split


@dataclass(frozen=True)
class Formulas:
    """Formulas of one skeleton whose constants are to be fitted on every fold.

    Constants are in the units of the data: targets are brought back to theirs (`Problem.location`, `scale`).

    Attributes:
        parts: The formulas, split.
        slots: Values of what they read.
        problem: Data and task.
        train_weights: Weight of each case in training.
        validation_weights: Weight of each case in validation.
        starts: For each formula, arrays of a relative, folds first.
        seeds: For each formula, the seed of its starting values.
        evaluations: How many times a curve is looked at; it is flat here.
    """

    parts: Sequence[Split]
    slots: SlotValues
    problem: Problem
    train_weights: Float[np.ndarray, "fold case"]
    validation_weights: Float[np.ndarray, "fold case"]
    starts: Sequence[Mapping[str, Any]]
    seeds: Sequence[int]
    evaluations: int

    def train(self) -> BatchResult:
        """Fit them, as a training loop would; NaN where a formula is not defined on some case."""
        begun = time.perf_counter()
        location, scale = self.problem.location, self.problem.scale
        targets = self.problem.targets[:, 0].astype(np.float64) * scale + location
        term, language = self.parts[0].skeleton.term, self.problem.language
        plan = constants_of(term)
        values = [values_of_slots(part, self.slots) for part in self.parts]
        folds, cases = self.train_weights.shape
        curved = np.zeros((len(self.parts), folds, 0))
        if plan.curved:
            curved = curved_constants(
                term,
                language,
                plan,
                values,
                targets,
                self.train_weights,
                starts=self.starts,
                seeds=self.seeds,
            )
        linear = np.full((len(self.parts), folds, len(plan.linear)), np.nan)
        predicted = np.full((len(self.parts), folds, cases), np.nan)
        for i, known in enumerate(values):
            inside = {p: curved[i, :, j, None] for j, p in enumerate(plan.curved)}
            copies = folds if plan.curved else 1
            fixed, design = design_of(term, language, plan.linear, known, inside, (copies, cases))
            if not (np.isfinite(fixed).all() and np.isfinite(design).all()):
                continue
            if plan.linear:
                linear[i] = solve(design, targets[None, :] - fixed, self.train_weights.astype(np.float64))
            with np.errstate(all="ignore"):
                predicted[i] = fixed + (design @ linear[i][..., None])[..., 0]
        scores = (predicted - location) / scale
        with np.errstate(all="ignore"):
            losses = (scores - self.problem.targets[:, 0].astype(np.float64)) ** 2
        held, trained = (_means(losses, w) for w in (self.validation_weights, self.train_weights))
        found = {path: {"value": linear[:, :, j, None]} for j, path in enumerate(plan.linear)}
        found |= {path: {"value": curved[:, :, j, None]} for j, path in enumerate(plan.curved)}
        flat = [np.repeat(v[..., None], self.evaluations, axis=-1) for v in (trained, held)]
        return BatchResult(found, scores[..., None], flat[0], flat[1], 0.0, time.perf_counter() - begun)


def values_of_slots(parts: Split, slots: SlotValues) -> dict[str, Float[np.ndarray, " case"]]:
    """What a formula reads, by the names in its skeleton, in double precision."""
    return {f"u{i}": np.asarray(slots[slot], np.float64)[:, 0] for i, slot in enumerate(parts.slots)}


def _means(losses: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean loss of each fold, `(candidate, fold)`; 0 where a fold holds nothing out."""
    return (losses * weights).sum(-1) / np.maximum(weights.sum(-1), 1e-6)
