"""Constants with no more digits than the data speak for.

What a constant is worth is weighed against what it costs to say (minimum description length, Rissanen 1978):
for each, the sum of half its rise of squared error in units of the noise and of the nats that its text has. A
whole number and a small fraction cost little, each decimal digit `log 10`. Constants are fixed one after the
other, the cheapest first, and those that are left are fitted anew each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from antiphon.fitting._least_squares import values_of_slots
from antiphon.fitting._numbers import values_of
from antiphon.fitting._problem import Problem
from antiphon.fitting._skeleton import SlotValues, Split

LARGEST_DENOMINATOR = 12
DIGITS = 7  # What single precision can tell.
PRECISION = 1e-7  # Of targets in single precision, relative: no error below this is noise.
REFITS = 6
STEP = 1e-6  # Of a difference quotient.

Vector = Float[np.ndarray, " constant"]


def round_constants(
    parts: Split, slots: SlotValues, problem: Problem, fitted: Mapping[str, float]
) -> dict[str, float]:
    """The constants of a formula, each with the fewest digits that the data do not speak against.

    Args:
        parts: The formula, split.
        slots: Values of what it reads.
        problem: Data; all cases are looked at.
        fitted: Path of each constant -> its value, fitted to all cases.

    Returns:
        Path -> value.
    """
    formula = _Formula(parts, slots, problem, tuple(fitted))
    start = np.array(list(fitted.values()), np.float64)
    return dict(zip(fitted, formula.rounded(start).tolist(), strict=True))


class _Formula:
    def __init__(self, parts: Split, slots: SlotValues, problem: Problem, paths: tuple[str, ...]) -> None:
        self.targets = problem.targets[:, 0].astype(np.float64) * problem.scale + problem.location
        self.root = np.sqrt(problem.case_weights.astype(np.float64))
        self.term, self.language, self.paths = parts.skeleton.term, problem.language, paths
        self.inputs = values_of_slots(parts, slots)

    def value(self, constants: Vector) -> Float[np.ndarray, " case"]:
        """The formula on every case."""
        named = dict(zip(self.paths, constants.tolist(), strict=True))
        with np.errstate(all="ignore"):
            found = values_of(self.term, self.language, self.inputs, named)
        return np.broadcast_to(found, self.targets.shape)

    def residuals(self, constants: Vector) -> tuple[np.ndarray, np.ndarray]:
        """Weighted errors `(case,)` and their slopes `(case, constant)`."""
        slopes = []
        for j, constant in enumerate(constants):
            step = np.zeros_like(constants)
            step[j] = STEP * max(abs(constant), 1e-3)
            slopes.append((self.value(constants + step) - self.value(constants - step)) / (2 * step[j]))
        left = self.root * (self.value(constants) - self.targets)
        return left, self.root[:, None] * np.stack(slopes, axis=-1)

    def error(self, constants: Vector) -> float:
        total = float(((self.root * (self.value(constants) - self.targets)) ** 2).sum())
        return total if np.isfinite(total) else float("inf")

    def refit(self, constants: Vector, free: np.ndarray) -> Vector:
        """Gauss-Newton steps over the free constants, halved while they do not help."""
        best = self.error(constants)
        for _ in range(REFITS):
            if not free.any():
                break
            left, slope = self.residuals(constants)
            length = np.sqrt((slope[:, free] ** 2).sum(0))
            length = np.where(length > 0, length, 1.0)
            move = np.zeros_like(constants)
            move[free] = np.linalg.lstsq(slope[:, free] / length, -left, rcond=1e-12)[0] / length
            for _ in range(5):
                found = self.error(constants + move)
                if found < best:
                    break
                move /= 4
            if not found < best:
                break
            constants, gain, best = constants + move, best - found, found
            if gain < 1e-9 * best:
                break
        return constants

    def rounded(self, constants: Vector) -> Vector:
        free = np.ones(len(constants), bool)
        constants = self.refit(constants, free)
        least = self.error(constants)
        if not np.isfinite(least):
            return constants
        size = float((self.root**2 * self.targets**2).sum())
        noise = max(
            least / max(1, len(self.targets) - len(constants)), PRECISION**2 * size / len(self.targets)
        )
        while free.any():
            spread = self._spreads(constants, free)
            found = []
            for i in np.flatnonzero(free):
                for value, nats in candidates(constants[i]):
                    rise = (value - constants[i]) ** 2 / max(spread[i], 1e-300) / (2 * noise)
                    found.append((rise + nats, rise, int(i), value))
            _, rise, i, value = min(found)
            trial = constants.copy()
            trial[i] = value
            free[i] = False
            trial = self.refit(trial, free)
            # The rise was foreseen from slopes alone: far away it may be more.
            allowed = self.error(constants) + 2 * noise * (2 * rise + 1)
            if self.error(trial) > allowed:
                trial = constants.copy()
                trial[i] = float(np.float32(constants[i]))
                trial = self.refit(trial, free)
            constants = trial
        return constants

    def _spreads(self, constants: Vector, free: np.ndarray) -> Vector:
        """By how much the error rises with each constant while the other free ones follow: 1 / curvature."""
        _, slope = self.residuals(constants)
        spread = np.zeros(len(constants))
        columns = slope[:, free]
        length = np.sqrt((columns**2).sum(0))
        length = np.where(length > 0, length, 1.0)
        scaled = columns / length
        inverse = np.linalg.pinv(scaled.T @ scaled, rcond=1e-14, hermitian=True)
        spread[free] = np.maximum(np.diag(inverse), 0) / length**2
        return spread


def candidates(value: float) -> list[tuple[float, float]]:
    """What may be said for a number, each with the nats that saying it costs.

    Example:
        >>> [round(v, 3) for v, _ in candidates(0.3333)][:3]
        [0.0, 0.5, 0.333]
    """
    found = [(0.0, 0.0)]
    if abs(value) < 1e4:
        for denominator in range(1, LARGEST_DENOMINATOR + 1):
            fraction = Fraction(round(value * denominator), denominator)
            if fraction.denominator == denominator and fraction:
                nats = np.log(2.0 * (1 + abs(fraction.numerator))) + 3 * np.log(denominator)
                found.append((float(fraction), float(nats)))
    if value:
        found = sorted(found, key=lambda pair: pair[1])
        for digits in range(1, DIGITS + 1):
            found.append((float(f"{value:.{digits}g}"), digits * np.log(10.0) + 2.0))
    return found
