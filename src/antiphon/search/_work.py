"""The work of a search that can be done anywhere: fitting groups of terms, in this process or in another."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import numpy as np

from antiphon.fitting import (
    Batch,
    Evaluator,
    Fit,
    Folds,
    Formulas,
    Problem,
    Schedule,
    Screener,
    choice_paths,
    leaf_keys,
    standardisation,
    text_of,
    to_own_units,
)
from antiphon.language import Term
from antiphon.search._demands import Constraints
from antiphon.search._superposed_words import mean_weights

_MAKING = Lock()  # Threads of one executor work in one workshop.


@dataclass(frozen=True)
class Job:
    """One group of terms of one skeleton, to be fitted together.

    Attributes:
        stage: Which folds and schedule: `"search"`, `"rung"` (a quarter of its steps), for partial programs
            `"relaxed"` or `"superposed"`, or `"final"`.
        terms: The group.
        start: For each term what its relative's leaves ended at: leaf text -> arrays, folds first.
        keep: For each term which weights of its affine maps may be used.
        l2: For each term the strength of its penalty.
        screened: Whether they have many skeletons, and are fitted as data of one function.
    """

    stage: str
    terms: tuple[Term, ...]
    start: tuple[Mapping[str, Any], ...] = ()
    keep: tuple[Mapping[str, np.ndarray], ...] = ()
    l2: tuple[float, ...] = ()
    screened: bool = False


@dataclass
class Workshop:
    """A problem with its folds: all that a worker needs, sent to it once.

    Args:
        problem: With the search's language, which holds neural modules.
        search_folds: Folds of the search.
        final_folds: Folds on which finalists are judged; the last one trains on everything.
        schedule: Of the search.
        seed: As in `Settings`.
        constraints: What the weights of programs must keep to; relaxations of partial programs need not, and
            so stay a bound on what their completions can do.
    """

    problem: Problem
    search_folds: Folds
    final_folds: Folds
    schedule: Schedule
    seed: int
    constraints: Constraints | None = None
    _evaluators: dict[str, Evaluator] = field(default_factory=dict, repr=False)
    _screeners: dict[str, Screener] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_evaluators": {}, "_screeners": {}}

    def evaluator(self, stage: str) -> Evaluator:
        """The evaluator of a stage, made when first asked for."""
        with _MAKING:
            if stage not in self._evaluators:
                made = Evaluator(self.problem, *self._folds_and_schedule(stage), self.seed)
                if self.constraints and stage not in ("relaxed", "superposed"):
                    made.limits = self.constraints.limits
                if self._evaluators:
                    made.slots = next(iter(self._evaluators.values())).slots
                self._evaluators[stage] = made
            return self._evaluators[stage]

    def screener(self, stage: str) -> Screener:
        """The same for terms of rare skeletons."""
        evaluator = self.evaluator(stage)
        with _MAKING:
            return self._screeners.setdefault(stage, Screener(evaluator))

    def _folds_and_schedule(self, stage: str) -> tuple[Folds, Schedule]:
        match stage:
            case "search":
                return self.search_folds, self.schedule
            case "rung":
                return self.search_folds, replace(self.schedule, steps=max(10, self.schedule.steps // 4))
            case "superposed" | "relaxed":  # A heuristic: two folds tell enough,
                few = Folds(self.search_folds.train[:2], self.search_folds.validation[:2])
                if stage == "superposed":  # whose weights are sharpest, and mean most, at the end;
                    return few, replace(self.schedule, keep_best=False, evaluations=1)
                # and half of the steps, where none is for weights.
                return few, replace(self.schedule, steps=max(10, self.schedule.steps // 2))
        # Trained to the end on every fold, as the last fold, which has no validation, must be.
        return self.final_folds, replace(self.schedule, keep_best=False)

    def prepare(self, job: Job) -> Batch | Formulas | None:
        """Compile, maybe in another thread, what `run` needs first; `None` where that is nothing."""
        return None if job.screened else self._batch(job, slice(0, self._most(job)))

    def _most(self, job: Job) -> int:
        """As many terms at once as memory allows."""
        evaluator = self.evaluator(job.stage)
        return evaluator.limit(evaluator.split(job.terms[0]))

    def _batch(self, job: Job, part: slice) -> Batch | Formulas:
        starts = [self._start(t, s) for t, s in zip(job.terms, job.start, strict=True)] if job.start else None
        return self.evaluator(job.stage).prepare(
            job.terms[part],
            start=starts[part] if starts else None,
            keep=job.keep[part] or None,
            l2=job.l2[part] or None,
        )

    def _fits(self, job: Job, prepared: Batch | Formulas | None) -> list[Fit]:
        evaluator = self.evaluator(job.stage)
        if job.screened:
            starts = [self._start(t, s) for t, s in zip(job.terms, job.start, strict=True)]
            return self.screener(job.stage).fit(job.terms, start=starts or None)
        fits: list[Fit] = []
        for at in range(0, len(job.terms), most := self._most(job)):
            part = slice(at, at + most)
            batch = prepared if prepared is not None and at == 0 else self._batch(job, part)
            fits += evaluator.train(job.terms[part], batch)
        return fits

    def run(self, job: Job, prepared: Batch | Formulas | None = None) -> dict[str, Any]:
        """Do a job.

        Args:
            job: What to fit.
            prepared: What `prepare` gave for it, if it was asked.

        Returns:
            `results`, one a term, as plain values and arrays; `compile_seconds` and `seconds` spent.
        """
        begun = time.perf_counter()
        evaluator = self.evaluator(job.stage)
        compiled = evaluator.compile_seconds
        fits = self._fits(job, prepared)
        keeps = job.keep or ({},) * len(job.terms)
        results = [
            self._plain(fit, term, job.stage, keep)
            for fit, term, keep in zip(fits, job.terms, keeps, strict=True)
        ]
        return {
            "results": results,
            "compile_seconds": evaluator.compile_seconds - compiled,
            "seconds": time.perf_counter() - begun,
        }

    def failed(self, job: Job, reason: str) -> dict[str, Any]:
        """What stands in for the results of a job that cannot be done."""
        nan, curve = float("nan"), [[], [], []]
        results = [
            {
                "text": text_of(term, self.problem.language),
                "score": nan,
                "loss": nan,
                "fold_scores": [],
                "threshold": None,
                "constant": False,
                "curve": curve,
                "reason": reason,
            }
            for term in job.terms
        ]
        return {"results": results, "compile_seconds": 0.0, "seconds": 0.0}

    def _start(self, term: Term, leaves: Mapping[str, Any]) -> dict[str, Any]:
        keys = leaf_keys(term, self.problem.language)
        return {path: leaves[key] for path, key in keys.items() if key in leaves}

    def _plain(self, fit: Fit, term: Term, stage: str, keep: Mapping[str, np.ndarray]) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "text": fit.text,
            "score": fit.score,
            "loss": fit.loss,
            "fold_scores": list(fit.fold_scores),
            "threshold": fit.threshold,
            "constant": fit.constant,
            "curve": [list(c) for c in fit.curve],
        }
        if fit.failed:
            return plain
        choices = choice_paths(term, self.problem.language)
        if choices:  # All that a superposition is for; its other arrays are of no program.
            plain["choices"] = {path: mean_weights(fit.parameters[path]["logits"]) for path in choices}
            return plain
        if stage != "final":
            # Affine leaves only: they are small, and a module in a hole is made anew for each hole.
            keys = leaf_keys(term, self.problem.language)
            plain["leaves"] = {
                key: fit.parameters[path] for path, key in keys.items() if key.startswith("affine")
            }
            return plain
        evaluator = self.evaluator(stage)
        folds = len(self.final_folds.train)
        standard = standardisation(evaluator.split(term), evaluator.slots, folds=folds, keep=keep)
        whole = {p: {n: a[-1] for n, a in leaf.items()} for p, leaf in fit.parameters.items()}
        for leaf in standard.values():
            leaf["keep"] = leaf["keep"][-1]
        own = to_own_units(whole, standard)
        plain["scales"] = {p: leaf["scale"] for p, leaf in standard.items()}
        plain["weights"] = {p: leaf["weight"] for p, leaf in fit.parameters.items() if p in standard}
        plain["own"] = {p: {n: np.asarray(a, np.float32) for n, a in leaf.items()} for p, leaf in own.items()}
        return plain
