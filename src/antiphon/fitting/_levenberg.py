"""Constants inside functions, by the method of Levenberg and Marquardt from several starts.

Constants that only multiply are no part of the search: for any values of the others they follow by least
squares (variable projection, Golub and Pereyra 1973, with the slopes of Kaufman 1975). All starts of all
folds of a formula run at once, in double precision: without noise, constants are found to the last digit that
the data have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from antiphon.fitting._constants import Constants, constants_of, guesses, unwrapped
from antiphon.fitting._linear import design_of, solve
from antiphon.fitting._numbers import values_of
from antiphon.language import Language, Path, Term

STARTS = 8
STEPS = 40
NUMBERS = 4_000_000  # About as many are held at once.
STEP = 1e-7  # Of a difference quotient.

Starts = Float[np.ndarray, "fold start constant"]


def curved_constants(
    term: Term,
    language: Language,
    plan: Constants,
    values: Sequence[Mapping[str, np.ndarray]],
    targets: Float[np.ndarray, " case"],
    weights: Float[np.ndarray, "fold case"],
    *,
    starts: Sequence[Mapping[str, Any]],
    seeds: Sequence[int],
) -> Float[np.ndarray, "candidate fold constant"]:
    """The best constants inside functions.

    Args:
        term: Of the skeleton of all candidates.
        language: Of the skeleton.
        plan: Its constants.
        values: For each candidate, the values of its slots.
        targets: In their own units.
        weights: Training weights.
        starts: For each candidate, arrays of a relative, folds first.
        seeds: For each candidate, of its starting values.
    """
    found = []
    cases = weights.shape[1]
    for known, start, seed in zip(values, starts, seeds, strict=True):
        first = _starts(term, language, plan, known, targets, weights, start, seed)
        folds, count, constants = first.shape
        most = max(1, NUMBERS // (count * cases * (len(plan.linear) + 1)))
        ends, errors = [], []
        for at in range(0, folds, most):
            part = slice(at, at + most)
            run = _Descent(term, language, plan, known, targets, np.repeat(weights[part], count, axis=0))
            end, error = run.descend(first[part].reshape(-1, constants))
            ends.append(end.reshape(-1, count, constants))
            errors.append(error.reshape(-1, count))
        best = np.concatenate(errors).argmin(1)
        found.append(np.take_along_axis(np.concatenate(ends), best[:, None, None], axis=1)[:, 0])
    return np.stack(found)


class _Descent:
    """Several descents at once; each has its own weights `(descent, case)`."""

    def __init__(
        self,
        term: Term,
        language: Language,
        plan: Constants,
        known: Mapping[str, np.ndarray],
        targets: np.ndarray,
        weights: np.ndarray,
    ) -> None:
        self.term, self.language, self.plan, self.known = term, language, plan, known
        self.targets, self.root = targets, np.sqrt(weights.astype(np.float64))

    def descend(
        self, curved: Float[np.ndarray, "descent constant"]
    ) -> tuple[Float[np.ndarray, "descent constant"], Float[np.ndarray, " descent"]]:
        """Go down from these starts; where it ended, and the squared error there."""
        with np.errstate(all="ignore"):
            return self._descend(curved.copy())

    def _descend(self, curved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        count = len(curved)
        damping, error = np.full(count, 1e-2), self._project(curved, np.arange(count))[0]
        active = np.flatnonzero(np.isfinite(error))
        stuck = np.zeros(count, int)
        for _ in range(STEPS):
            if not len(active):
                break
            _, left, design, normal, linear = self._project(curved[active], active)
            slope = self._slopes(curved[active], linear, active)
            # What the other constants would follow is no slope of what is left.
            along = np.linalg.solve(normal, np.swapaxes(design, 1, 2) @ slope) if design.shape[2] else None
            slope = slope - design @ along if along is not None else slope
            squares = np.swapaxes(slope, 1, 2) @ slope
            scale = np.maximum(np.einsum("dcc->dc", squares), 1e-300)
            damped = squares / np.sqrt(scale[:, :, None] * scale[:, None, :])
            damped = damped + damping[active][:, None, None] * np.eye(damped.shape[1])
            right = (np.swapaxes(slope, 1, 2) @ left[..., None])[..., 0] / np.sqrt(scale)
            sound = np.isfinite(damped).all((1, 2)) & np.isfinite(right).all(1)
            move = np.zeros_like(right)
            move[sound] = np.linalg.solve(damped[sound], right[sound][..., None])[..., 0]
            trial = curved[active] + move / np.sqrt(scale)
            after = self._project(trial, active)[0]
            better = after < error[active]
            stuck[active] = np.where(better & (after < (1 - 1e-10) * error[active]), 0, stuck[active] + 1)
            curved[active] = np.where(better[:, None], trial, curved[active])
            error[active] = np.where(better, after, error[active])
            factor = np.where(better, 0.2, 5.0)
            damping[active] = np.clip(damping[active] * factor, 1e-12, 1e12)
            active = active[(stuck[active] < 6) & (error[active] > 0)]
        return curved, np.where(np.isfinite(error), error, np.inf)

    def _value(self, curved: np.ndarray, linear: np.ndarray) -> np.ndarray:
        """The formula on every case, `(descent, case)`."""
        constants = {p: curved[:, j, None] for j, p in enumerate(self.plan.curved)}
        constants |= {p: linear[:, j, None] for j, p in enumerate(self.plan.linear)}
        found = values_of(self.term, self.language, self.known, constants)
        return np.broadcast_to(found, (len(curved), len(self.targets)))

    def _project(
        self, curved: np.ndarray, which: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Squared error; residuals; weighted columns of unit length, their products; the linear constants."""
        root = self.root[which]
        constants = {p: curved[:, j, None] for j, p in enumerate(self.plan.curved)}
        fixed, columns = design_of(
            self.term,
            self.language,
            self.plan.linear,
            self.known,
            constants,
            (len(curved), len(self.targets)),
        )
        wanted = np.where(root > 0, root * (self.targets - fixed), 0.0)
        design = np.where(root[..., None] > 0, root[..., None] * columns, 0.0)
        if not self.plan.linear:
            return (
                (wanted**2).sum(1),
                wanted,
                design,
                np.zeros((len(curved), 0, 0)),
                np.zeros((len(curved), 0)),
            )
        length = np.sqrt((design**2).sum(1))
        length = np.where(length > 0, length, 1.0)
        design = design / length[:, None, :]
        normal = np.swapaxes(design, 1, 2) @ design + 1e-11 * np.eye(design.shape[2])
        right = np.swapaxes(design, 1, 2) @ wanted[..., None]
        sound = np.asarray(np.isfinite(normal).all((1, 2)) & np.isfinite(right).all((1, 2)))
        normal = np.where(sound[:, None, None], normal, np.eye(design.shape[2]))
        linear = np.linalg.solve(normal, np.where(sound[:, None, None], right, np.nan))[..., 0]
        left = wanted - (design @ linear[..., None])[..., 0]
        return (left**2).sum(1), left, design, normal, linear / length

    def _slopes(self, curved: np.ndarray, linear: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Slopes of the weighted formula, the linear constants held, `(descent, case, constant)`."""
        root: np.ndarray = self.root[which]
        seen = np.greater(root, 0)
        slopes = []
        for j in range(curved.shape[1]):
            step = STEP * np.maximum(1e-3, np.abs(curved[:, j]))
            up, down = curved.copy(), curved.copy()
            up[:, j] += step
            down[:, j] -= step
            moved = self._value(up, linear) - self._value(down, linear)
            slopes.append(np.where(seen, root * moved / (2 * step[:, None]), 0.0))
        return np.stack(slopes, axis=-1)


def _starts(
    term: Term,
    language: Language,
    plan: Constants,
    known: Mapping[str, np.ndarray],
    targets: np.ndarray,
    weights: np.ndarray,
    start: Mapping[str, Any],
    seed: int,
) -> Starts:
    folds = len(weights)
    free = guesses(term, plan.curved, known, STARTS, np.random.default_rng(seed))
    found = np.repeat(free[None], folds, axis=0)
    outer = _from_inverse(term, language, plan, known, targets, weights)
    if outer is not None:
        found[:, 0] = outer
    before = [np.asarray(start[p]["value"], np.float64) for p in plan.curved if p in start]
    if len(before) == len(plan.curved) and all(len(k) == folds for k in before):
        found[:, -1] = np.concatenate(before, axis=1)
    return found


def _from_inverse(
    term: Term,
    language: Language,
    plan: Constants,
    known: Mapping[str, np.ndarray],
    targets: np.ndarray,
    weights: np.ndarray,
) -> Float[np.ndarray, "fold constant"] | None:
    """Constants of a linear formula inside a function, by least squares on the function's inverse."""
    inside, path, wanted = unwrapped(term, known, targets)
    inner = constants_of(inside)
    if not path or inner.curved or len(inner.linear) != len(plan.curved):
        return None
    fixed, design = design_of(inside, language, inner.linear, known, {}, targets.shape)
    wanted = wanted - fixed
    sound = np.isfinite(wanted) & np.isfinite(design).all(1)
    if sound.sum() <= design.shape[1]:
        return None
    repeated = np.repeat(design[None, sound], len(weights), axis=0)
    solution = solve(repeated, wanted[None, sound], weights[:, sound])
    return solution[:, [inner.linear.index(_below(p, path)) for p in plan.curved]]


def _below(name: str, path: Path) -> str:
    return ".".join(name.split(".")[len(path) :]) or "root"
