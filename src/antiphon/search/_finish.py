"""From the best sketches to programs that can be read: judged again, pruned, rounded, given a threshold.

Selecting on a little validation data is half of the error of a search. So finalists are judged on other
splits than those that chose them, several times over, with the strength of the penalty chosen for each; then
weights that do little are taken away as long as the held-out cost hardly moves; what is left is trained
again on all data and rounded, and it is these rounded numbers that the program has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from antiphon.fitting import (
    Problem,
    SlotValues,
    Split,
    are_all_constants,
    condition_paths,
    round_constants,
    split,
)
from antiphon.language import Apply, Output, Program, Term, inline, sketch, walk, with_parameters
from antiphon.search._constraints import Constraint
from antiphon.search._gate import Gate
from antiphon.search._rescale import rescale, round_near, round_significant
from antiphon.search._tidy import tidy
from antiphon.search._work import Job

STRENGTHS = (0.1, 0.5, 2.0, 10.0)
SHARES = (0.8, 0.6, 0.45, 0.33, 0.24, 0.17, 0.12, 0.08)  # Shares of the weights that pruning tries to keep.
PRUNING_TOLERANCE = 0.25  # Standard errors of the held-out metric that fewer weights may cost,
CHOICE_TOLERANCE = 0.5  # and that a smaller program may cost.
NO_DIFFERENCE = 0.001  # Scores this near are the same, however sure both are.
FINAL_FOLDS = 5

# Shares of a limit in seconds, after which nothing further is begun.
SEARCHED_BY, JUDGED_BY, PRUNED_BY = 0.7, 0.85, 1.0


class RunJobs(Protocol):
    """Runs jobs in order and gives the results of as many as there is time for."""

    def __call__(self, jobs: Sequence[Job], *, by: float, at_least: int) -> list[list[dict[str, Any]]]:
        """Run jobs.

        Args:
            jobs: What to fit.
            by: The share of the limit in seconds after which no further job is waited for.
            at_least: How many of the first jobs are waited for whatever the time.
        """
        ...


@dataclass(frozen=True)
class Curve:
    """Losses while a program was trained, averaged over folds."""

    name: str
    steps: tuple[int, ...]
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]


@dataclass(frozen=True)
class Found:
    """A finished program.

    Attributes:
        program: With its rounded numbers and its threshold.
        score: The metric on held-out cases, over repeated splits.
        score_std: Standard deviation over these splits.
        loss: Mean loss on held-out cases.
        size: Nodes of the program.
        cost: Error plus penalty times size.
        curve: How training went.
        constant: Whether it gives one answer only.
        score_error: Standard error of the score.
    """

    program: Program
    score: float
    score_std: float
    loss: float
    size: int
    cost: float
    curve: Curve
    constant: bool = False
    score_error: float = 0.0


def error_of(result: Mapping[str, Any], prior_loss: float) -> float:
    """How wrong a candidate is: the mean of what its metric lacks to 1, and its loss in units of a guess's.

    The metric alone is too coarse on little data: one case of 54 is two hundredths.
    """
    if not np.isfinite(result["loss"]):
        return float("inf")
    error = 0.5 * (1 - result["score"]) + 0.5 * result["loss"] / prior_loss
    # One answer for all is never preferred to a program that discriminates.
    return error + 1.0 if result["constant"] else error


def spread_of(result: Mapping[str, Any]) -> float:
    """Standard error of the held-out metric.

    Repeated splits judge the same cases again, so only the folds of one split count as independent.
    """
    scores = result["fold_scores"]
    return float(np.std(scores) / np.sqrt(max(1, min(FINAL_FOLDS, len(scores)))))


class Finisher:
    """Turns sketches into finished programs.

    Args:
        problem: With standardised targets, for regression.
        output: What the numbers mean; without a threshold.
        run: Runs jobs, in order and as long as there is time.
        prior_loss: Loss of the best constant.
        penalty: What a node costs.
        digits: Significant digits.
        location: Mean of the targets, `(k,)`; regression only.
        scale: Their standard deviation.
        gate: Turns away finished programs that break a constraint.
    """

    def __init__(
        self,
        problem: Problem,
        output: Output,
        run: RunJobs,
        *,
        prior_loss: float,
        penalty: float,
        digits: int | None,
        location: np.ndarray | None = None,
        scale: np.ndarray | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.problem, self.output, self.run = problem, output, run
        self.prior_loss, self.penalty, self.digits = prior_loss, penalty, digits
        self.location, self.scale = location, scale
        self.gate = gate

    def finish(self, terms: Sequence[Term]) -> tuple[list[Found], int]:
        """Finish sketches; those that fail to train, break a constraint or come too late are left out.

        Args:
            terms: Those that matter most first.

        Returns:
            The finished programs, and how many of the sketches there was time for.
        """
        dense = self._best_strength(terms)
        kept = [i for i, d in enumerate(dense) if d is not None]
        pruned = self._prune([terms[i] for i in kept], [d for d in dense if d is not None])
        found = [self._found(terms[i], r) for i, r in zip(kept, pruned, strict=True) if r is not None]
        return found, len(dense)

    def _best_strength(self, terms: Sequence[Term]) -> list[dict[str, Any] | None]:
        """Of each term that there is time for the best result; at least until one can be used."""
        best: list[dict[str, Any] | None] = []
        while len(best) < len(terms) and not any(best):
            rest = [(term, self._strengths(term)) for term in terms[len(best) :]]
            jobs = [Job("final", (term,) * len(strengths), l2=strengths) for term, strengths in rest]
            found = self.run(jobs, by=JUDGED_BY, at_least=1)
            best += [self._best(*one, results) for one, results in zip(rest, found, strict=False)]
        return best

    def _best(
        self, term: Term, strengths: Sequence[float], results: Sequence[dict[str, Any]]
    ) -> dict[str, Any] | None:
        tried = [{**r, "l2": l2} for r, l2 in zip(results, strengths, strict=True) if np.isfinite(r["loss"])]
        # One that breaks a constraint may keep to it once it is pruned.
        sound = [r for r in tried if self._broken(term, r) is None] or tried
        return min(sound, key=lambda r: error_of(r, self.prior_loss)) if sound else None

    def _prune(
        self, terms: Sequence[Term], dense: Sequence[Mapping[str, Any]]
    ) -> list[Mapping[str, Any] | None]:
        half = len(SHARES) // 2
        jobs = [
            [
                Job(
                    "final",
                    (term,) * half,
                    keep=tuple(_keep(term, full["weights"], share) for share in shares),
                    l2=(full["l2"],) * half,
                )
                for shares in (SHARES[:half], SHARES[half:])
                if full["weights"]  # Without weights, as in a formula, there is nothing to prune.
            ]
            for term, full in zip(terms, dense, strict=True)
        ]
        every = [job for of_term in jobs for job in of_term]
        # Pruning may be what it takes to keep to a constraint: then there must be time for it.
        needed = len(every) if self.gate is not None and self.gate.constraints else 0
        found = iter(self.run(every, by=PRUNED_BY, at_least=needed))
        chosen: list[Mapping[str, Any] | None] = []
        for term, full, of_term in zip(terms, dense, jobs, strict=True):
            pruned = [result for _ in of_term for result in next(found, [])]
            tried = [full, *pruned]
            wrong = [self._broken(term, r) for r in tried]
            if self.gate is not None and (first := wrong[0]) is not None and all(wrong):
                self.gate.refuse(full["text"], *first)
                chosen.append(None)
                continue
            tried = [r for r, w in zip(tried, wrong, strict=True) if w is None]
            errors = [error_of(r, self.prior_loss) for r in tried]
            limit = min(errors) + PRUNING_TOLERANCE * spread_of(tried[int(np.argmin(errors))])
            chosen.append(
                next(r for r, e in zip(reversed(tried), reversed(errors), strict=True) if e <= limit)
            )
        return chosen

    def _broken(self, term: Term, result: Mapping[str, Any]) -> tuple[Constraint, str] | None:
        """Which constraint the program of a result breaks, pruned and rounded as it is."""
        if self.gate is None or not self.gate.constraints or not np.isfinite(result["loss"]):
            return None
        return self.gate.constraints.broken(self._program(term, result))

    def _strengths(self, term: Term) -> tuple[float, ...]:
        """Penalties to choose from; where there is no map to prune, as in a network, the usual one alone."""
        has_map = any(isinstance(node, Apply) and node.name == "affine" for _, node in walk(term))
        return STRENGTHS if has_map and not self._is_formula(term) else (1.0,)

    def _is_formula(self, term: Term) -> bool:
        return are_all_constants(self._split(term).skeleton, self.problem)

    def _split(self, term: Term) -> Split:
        return split(term, self.problem.language, self.problem.output_type)

    def _formula(self, term: Term, own: Mapping[str, Any]) -> Term:
        """A formula, which is fitted in the units of its data, with constants as short as these allow."""
        fitted = {path: float(leaf["value"][0]) for path, leaf in own.items()}
        if self.digits is not None and fitted:
            slots = SlotValues(self.problem.language, self.problem.values, self.problem.mask)
            fitted = round_constants(self._split(term), slots, self.problem, fitted)
        arrays = {path: {"value": np.array([value], np.float32)} for path, value in fitted.items()}
        return tidy(with_parameters(sketch(term), arrays))

    def _filled(self, term: Term, result: Mapping[str, Any]) -> Term:
        if self._is_formula(term):
            return self._formula(term, result["own"])
        arrays = {
            path: round_leaf(leaf, result["scales"].get(path), self.digits)
            for path, leaf in self._in_units(term, result["own"]).items()
        }
        filled = with_parameters(sketch(term), arrays)
        # Words for what was learned before are said out: a program needs no dictionary.
        filled = inline(filled, self.problem.language, rounded=lambda a: round_significant(a, self.digits))
        if self.location is not None and self.scale is not None:
            filled = rescale(filled, self.location, self.scale, digits=self.digits)
        return filled

    def _program(self, term: Term, result: Mapping[str, Any]) -> Program:
        filled = self._filled(term, result)
        program = Program(filled, self.problem.language, self._with_threshold(result["threshold"]))
        return program if self.gate is None else self.gate.constraints.mended(program, self.digits)

    def _found(self, term: Term, result: Mapping[str, Any]) -> Found:
        program = self._program(term, result)
        nodes = program.size
        steps, train, held = result["curve"]
        return Found(
            program,
            result["score"],
            float(np.std(result["fold_scores"])),
            result["loss"],
            nodes,
            error_of(result, self.prior_loss) + self.penalty * nodes,
            Curve(result["text"], tuple(steps), tuple(train), tuple(held)),
            result["constant"],
            spread_of(result),
        )

    def _with_threshold(self, threshold: float | None) -> Output:
        # A half is what is meant when nothing is said.
        return self.output if threshold in (None, 0.5) else replace(self.output, threshold=threshold)

    def _in_units(self, term: Term, own: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
        arrays = {path: {n: np.asarray(a, np.float32) for n, a in leaf.items()} for path, leaf in own.items()}
        for path in condition_paths(term):
            if "centre" in arrays.get(path, {}):
                arrays[path] = plain_condition(arrays[path])
        return arrays


def plain_condition(leaf: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A condition scaled so that its largest weight is 1: `2.1 - distance > 0` reads as `distance < 2.1`."""
    weight, bias, centre = leaf["weight"], leaf["bias"], leaf["centre"]
    largest = np.abs(weight).max(axis=1)
    factor = np.where(largest > 0, largest, 1.0)
    if np.count_nonzero(weight) == 1:  # A lone feature is compared with its own threshold, not a shifted one.
        bias, centre = bias - weight @ centre, np.zeros_like(centre)
    scaled = {"weight": weight / factor[:, None], "bias": bias / factor, "centre": centre}
    return {name: array.astype(np.float32) for name, array in scaled.items()}


def _keep(term: Term, weights: Mapping[str, np.ndarray], share: float) -> dict[str, np.ndarray]:
    """Which weights to keep, in each fold by its own: the largest share of those it was trained to.

    They are compared in training coordinates, where all features are alike. Conditions are ranked by
    themselves, as their scale means nothing. Each map keeps at least one weight in all.

    Args:
        term: The sketch.
        weights: Path of an affine map -> weights `(fold, m, n)`.
        share: Of all weights, in (0, 1].

    Returns:
        Path -> 0 or 1, `(fold, m, n)`.
    """
    conditions = set(condition_paths(term))
    magnitude = {path: np.abs(w) for path, w in weights.items()}
    common = [m.reshape(len(m), -1) for path, m in magnitude.items() if path not in conditions]
    limit = _largest(np.concatenate(common, axis=1), share) if common else np.zeros(0)
    masks = {}
    for path, size in magnitude.items():
        flat = size.reshape(len(size), -1)
        own = _largest(flat, share) if path in conditions else np.minimum(limit, flat.max(1))
        masks[path] = (size >= own[:, None, None]).astype(np.float32)
    return masks


def _largest(flat: np.ndarray, share: float) -> np.ndarray:
    """In each row the value that a share of the entries reaches."""
    count = max(1, int(np.ceil(share * flat.shape[1])))
    return np.sort(flat, axis=1)[:, -count]


def round_leaf(
    leaf: Mapping[str, np.ndarray], scale: np.ndarray | None, digits: int | None
) -> dict[str, np.ndarray]:
    """The arrays of a leaf as the program keeps them.

    Weights have `digits` significant digits. The constant of an affine map has more where it is large beside
    what the map's input moves: `pressure - 101335` needs them all. A centre was rounded before the constant
    was computed, and stays; so does the scaling of a neural module.

    Args:
        leaf: In the units of the data.
        scale: Spread of what an affine map reads, `(n,)`; `None` for other leaves.
        digits: Or `None` to keep float32.
    """
    rounded = {}
    for name, array in leaf.items():
        if name in ("shift", "scale", "centre"):
            rounded[name] = np.asarray(array, np.float32)
        elif name == "bias" and scale is not None:
            spread = np.sqrt(((leaf["weight"].astype(np.float64) * scale) ** 2).sum(1))
            rounded[name] = round_near(array, spread, digits)
        else:
            rounded[name] = round_significant(array, digits)
    return rounded


def choose(found: Sequence[Found], *, no_difference: float = NO_DIFFERENCE) -> Found:
    """The program to recommend: the smallest whose metric is as good as the best one's.

    As good means within half a standard error of the best held-out score: the one-standard-error rule of
    Breiman et al. (Classification and Regression Trees, 1984, section 3.4.3), held tighter, as the finalists
    are the best of many; a thousandth never counts. Of equal sizes the lowest cost wins. A program that
    gives one answer only is taken only where there is no other.

    Args:
        found: At least one finished program.
        no_difference: Scores this near are the same.
    """
    telling = [f for f in found if not f.constant] or list(found)
    best = max(telling, key=lambda f: (f.score, -f.loss))
    allowed = max(CHOICE_TOLERANCE * best.score_error, no_difference)
    as_good = [f for f in telling if f.score >= best.score - allowed]
    return min(as_good, key=lambda f: (f.size, f.cost))


def undominated(found: Sequence[Found]) -> list[Found]:
    """The front: programs such that none smaller, or of equal size, scores as well; smallest first."""
    front: list[Found] = []
    for one in sorted(found, key=lambda f: (f.size, -f.score, f.loss)):
        if not front or one.score > max(f.score for f in front):
            front.append(one)
    return front
