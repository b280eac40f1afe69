"""Where a search starts: its grammar, its folds, what workers need, what its journal is bound to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from antiphon.fitting import Folds, Problem, Schedule, SlotValues, text_of
from antiphon.language import Output, parameters
from antiphon.search._constraints import Constraint
from antiphon.search._demands import Constraints, bound_constraints
from antiphon.search._finish import FINAL_FOLDS
from antiphon.search._grammar import Grammar
from antiphon.search._journal import encode
from antiphon.search._settings import Settings
from antiphon.search._work import Workshop

Split = Callable[[int, int], list[tuple[np.ndarray, np.ndarray]]]


@dataclass(frozen=True)
class Setup:
    """A problem made ready for a search.

    Attributes:
        settings: As given.
        plain: The problem in the user's language; targets of a regression are standardised.
        grammar: The space of programs.
        workshop: What workers need.
        prior_loss: The loss of the best constant guess: what any program should be below.
        location: Mean of the targets, `(k,)`; regression only.
        scale: Their standard deviation.
        constraints: What programs must keep to.
    """

    settings: Settings
    plain: Problem
    grammar: Grammar
    workshop: Workshop
    prior_loss: float
    location: np.ndarray | None
    scale: np.ndarray | None
    constraints: Constraints

    def fingerprint(self) -> dict[str, Any]:
        """What results depend on besides their job: a journal of another search is refused by it."""
        s, p = self.settings, self.plain
        data = hashlib.sha256()
        folds = self.workshop.search_folds, self.workshop.final_folds
        splits = [part for f in folds for part in (f.train, f.validation)]
        for array in (p.values, p.mask, p.goals, *splits):
            data.update(np.ascontiguousarray(array).tobytes())
        bound = (
            p.language.features,
            sorted(p.language.groups.items()),
            p.language.rate_hz,
            p.language.is_table,
        )
        said = [(r.role, r.template, str(r.type), r.variables) for r in p.language.rules]
        defined = [(w.name, w.definition.body) for w in p.language.primitives.values() if w.definition]
        meant = [(n, text_of(b, p.language), parameters(b)) for n, b in defined]
        rules = hashlib.sha256(repr([said, bound, encode(meant)] if meant else [said, bound]).encode())
        return {
            "jax": jax.__version__,
            "data": data.hexdigest()[:16],
            "language": p.language.name,
            "rules": rules.hexdigest()[:16],
            "task": p.task,
            "metric": p.metric,
            "strategy": s.strategy,
            "seed": s.seed,
            "steps": s.steps,
            "penalty": s.penalty,
            "size_limit": s.size_limit,
            "relaxation": s.relaxation,
            "constraints": [str(c) for c in self.constraints.given],
            "screening": s.screening,
            "halving": s.halving,
        }


def set_up(
    problem: Problem,
    output: Output,
    settings: Settings,
    split: Split,
    constraints: Sequence[Constraint | str] = (),
) -> Setup:
    """Make a problem ready.

    Args:
        problem: Training data only.
        output: What the program's numbers mean.
        settings: Budget, strategy, seed.
        split: Gives folds: a function of their number and a seed to pairs of case numbers (train, held out).
        constraints: What programs must keep to, or the texts of it.
    """
    location = scale = numbers = None
    if problem.task == "regression":
        targets = problem.targets.astype(np.float64)
        numbers = targets[:, 0] if targets.shape[1] == 1 else None
        location, spread = targets.mean(0), targets.std(0)
        scale = np.where(spread > 0, spread, 1.0)
        problem = replace(
            problem,
            targets=((targets - location) / scale).astype(np.float32),
            location=float(location[0]),
            scale=float(scale[0]),
        )
    grammar = Grammar(
        problem.language,
        problem.output_type,
        size_limit=settings.size_limit,
        relaxation="superposition" if settings.strategy == "dpads" else settings.relaxation,
    )
    grammar.prepare(SlotValues(problem.language, problem.values, problem.mask), numbers)
    few = len(problem) < 2500
    search_pairs = split(5 if few else 3, settings.seed)
    repeats = 3 if len(problem) < 800 else 2 if few else 1
    final_pairs = [p for r in range(repeats) for p in split(FINAL_FOLDS, settings.seed + 1000 + r)]
    weights = problem.case_weights
    bound = bound_constraints(constraints, replace(problem, language=grammar.language), output)
    workshop = Workshop(
        replace(problem, language=grammar.language),
        folds_of(search_pairs, weights),
        folds_of(final_pairs, weights, whole=True),
        Schedule(steps=settings.steps, batch_size=512),
        settings.seed,
        bound,
    )
    return Setup(settings, problem, grammar, workshop, _prior_loss(problem), location, scale, bound)


def folds_of(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], weights: np.ndarray, *, whole: bool = False
) -> Folds:
    """Weights `(fold, case)` from case numbers; with `whole`, a last fold trains on everything."""
    train = np.zeros((len(pairs) + whole, len(weights)), np.float32)
    held = np.zeros_like(train)
    for i, (fit, out) in enumerate(pairs):
        train[i, fit], held[i, out] = weights[fit], 1.0
    if whole:
        train[-1] = weights
    return Folds(train, held)


def _prior_loss(problem: Problem) -> float:
    if problem.task == "regression":
        return 1.0
    flat = problem.goals[problem.mask] if problem.task == "tagging" else problem.goals
    if problem.soft is None:
        share = np.bincount(flat) / len(flat)
    else:
        share = flat.mean(0) if flat.ndim > 1 else np.array([1 - flat.mean(), flat.mean()])
    share = share[share > 0]
    return max(float(-(share * np.log(share)).sum()), 1e-3)
