"""The search itself: rounds of candidates until the budget is spent, then the finalists."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from antiphon.errors import SearchError
from antiphon.fitting import Folds, Problem, Schedule, SlotValues, leaf_keys, text_of
from antiphon.language import Output, Term, holes, size
from antiphon.search._events import (
    BestImproved,
    CandidateFailed,
    CandidateFitted,
    CandidateStarted,
    Event,
    Listener,
    Phase,
    SearchEnded,
)
from antiphon.search._finish import FINAL_FOLDS, Finisher, Found, choose, error_of, undominated
from antiphon.search._grammar import Grammar
from antiphon.search._journal import Journal
from antiphon.search._result import SearchResult
from antiphon.search._settings import Settings
from antiphon.search._strategies import Scored, make_strategy
from antiphon.search._work import Crew, Job, Workshop

Split = Callable[[int, int], list[tuple[np.ndarray, np.ndarray]]]
FINISHING_SHARE = 0.3  # Of a limit in seconds, kept for the finalists.
FINALISTS_LIMIT = 18
BEST_OF_SIZE = 3  # Finalists of each size that pays; the search's own splits do not tell them apart.


def learn(
    problem: Problem,
    output: Output,
    settings: Settings | None = None,
    *,
    split: Split,
    journal: Path | str | None = None,
    listeners: Sequence[Listener] = (),
) -> SearchResult:
    """Search for a program.

    Args:
        problem: Training data only; the language may be bound without neural modules.
        output: What the program's numbers mean; its threshold is fitted here.
        settings: Budget, strategy, seed.
        split: Gives folds: a function of their number and a seed to pairs of case numbers (train, held out).
        journal: A file that makes the search resumable.
        listeners: Called with every event, in order.

    Returns:
        The chosen program and the front.

    Raises:
        SearchError: If not one complete program could be fitted.
    """
    search = _Search(problem, output, settings or Settings(), split, journal, listeners)
    try:
        return search.run()
    finally:
        search.journal.close()


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


class _Search:
    def __init__(
        self,
        problem: Problem,
        output: Output,
        settings: Settings,
        split: Split,
        journal: Path | str | None,
        listeners: Sequence[Listener],
    ) -> None:
        self.settings, self.output, self.listeners = settings, output, listeners
        self.location: np.ndarray | None = None
        self.scale: np.ndarray | None = None
        if problem.task == "regression":
            targets = problem.targets.astype(np.float64)
            location, spread = targets.mean(0), targets.std(0)
            self.location = location
            self.scale = np.where(spread > 0, spread, 1.0)
            problem = replace(problem, targets=((targets - location) / self.scale).astype(np.float32))
        self.grammar = Grammar(
            problem.language,
            problem.output_type,
            size_limit=settings.size_limit,
            relaxation=settings.relaxation,
        )
        self.plain = problem
        self.grammar.prepare(SlotValues(problem.language, problem.values, problem.mask))
        self.problem = replace(problem, language=self.grammar.language)
        few = len(problem) < 2500
        search_pairs = split(5 if few else 3, settings.seed)
        repeats = 3 if len(problem) < 800 else 2 if few else 1
        final_pairs = [p for r in range(repeats) for p in split(FINAL_FOLDS, settings.seed + 1000 + r)]
        schedule = Schedule(steps=settings.steps, batch_size=512)
        weights = problem.case_weights
        self.workshop = Workshop(
            self.problem,
            folds_of(search_pairs, weights),
            folds_of(final_pairs, weights, whole=True),
            schedule,
            settings.seed,
        )
        self.prior_loss = _prior_loss(problem)
        self.journal = Journal(journal, self._fingerprint())
        self.begun = time.perf_counter() - self.journal.seconds
        self.compile_seconds = 0.0
        self.fitted = self.failed = 0
        self.complete: dict[Term, dict[str, Any]] = {}
        self.leaves: dict[tuple[int, str], Any] = {}
        self.best = float("inf")
        self.trace: list[tuple[float, int, float]] = []
        self.interrupted = False

    def _fingerprint(self) -> dict[str, Any]:
        s, p = self.settings, self.plain
        data = hashlib.sha256()
        folds = self.workshop.search_folds, self.workshop.final_folds
        splits = [part for f in folds for part in (f.train, f.validation)]
        for array in (p.values, p.mask, p.targets, *splits):
            data.update(np.ascontiguousarray(array).tobytes())
        bound = (
            p.language.features,
            sorted(p.language.groups.items()),
            p.language.rate_hz,
            p.language.is_table,
        )
        said = [(r.role, r.template, str(r.type)) for r in p.language.rules]
        rules = hashlib.sha256(repr([said, bound]).encode())
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
        }

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    def say(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)

    def run(self) -> SearchResult:
        with Crew(self.workshop, self.settings.jobs) as crew:
            self.crew = crew
            self.say(Phase("search", self.settings.strategy))
            try:
                self._rounds()
            except KeyboardInterrupt:
                self.interrupted = True
            if not self.complete:
                raise SearchError(
                    f"No complete program after {self.fitted} candidates ({self.failed} failed).",
                    "At least one that could be trained.",
                    "Give a larger budget (candidates, seconds), or look at the data for wild values.",
                )
            try:
                found = self._finish(self._finalists())
            except KeyboardInterrupt:  # Again, or only now: the cheapest program alone is finished.
                self.interrupted = True
                self.crew.drop()
                found = self._finish(self._finalists()[:1])
        front = undominated(found)
        chosen = choose(found)
        if chosen not in front:
            front = sorted([*front, chosen], key=lambda f: (f.size, -f.score))
        seconds = self.seconds
        self.say(SearchEnded(self.fitted, seconds, self.compile_seconds, self.interrupted))
        return SearchResult(
            chosen,
            tuple(front),
            self.fitted,
            self.failed,
            seconds,
            self.compile_seconds,
            self.settings.strategy,
            tuple(self.trace),
            self.interrupted,
        )

    # --- the search ------------------------------------------------------------------------------------

    def _rounds(self) -> None:
        strategy = make_strategy(self.settings.strategy, self.grammar, penalty=self.settings.penalty)
        while self.fitted < self.settings.candidates and not self._reached():
            terms = list(strategy.propose())[: self.settings.candidates - self.fitted]
            if not terms:
                break
            results = self._fit(terms)
            if results is None:
                break
            strategy.observe(
                [Scored(t, error_of(r, self.prior_loss)) for t, r in zip(terms, results, strict=True)]
            )

    def _reached(self) -> bool:
        target = self.settings.target_score
        return target is not None and any(r["score"] >= target for r in self.complete.values())

    def _deadline(self) -> float:
        limit = self.settings.seconds
        return float("inf") if limit is None else limit * (1 - FINISHING_SHARE)

    def _fit(self, terms: Sequence[Term]) -> list[dict[str, Any]] | None:
        """Fit a round, group by group; `None` if the time ran out before its end."""
        relaxed = [self.grammar.relax(t) for t in terms]
        groups: list[list[int]] = []
        jobs: list[Job] = []
        for stage in ("search", "relaxed"):
            which = [i for i, t in enumerate(terms) if bool(holes(t)) == (stage == "relaxed")]
            for members in self.workshop.evaluator(stage).group([relaxed[i] for i in which]):
                groups.append([which[m] for m in members])
                start = tuple(self._warm(terms[i]) for i in groups[-1])
                jobs.append(Job(stage, tuple(relaxed[i] for i in groups[-1]), start=start))
        results: list[dict[str, Any] | None] = [None] * len(terms)
        named = [[terms[i] for i in members] for members in groups]
        fitted = self._results(jobs, candidates=named, limit=self._deadline())
        for members, found in zip(groups, fitted, strict=False):
            for i, result in zip(members, found["results"], strict=True):
                results[i] = result
                self._take(terms[i], result, found["seconds"] / len(members))
        done = [r for r in results if r is not None]
        return done if len(done) == len(terms) else None

    def _warm(self, term: Term) -> dict[str, Any]:
        """Where the leaves of a term ended when a relative of it was fitted."""
        folds = len(self.workshop.evaluator("relaxed" if holes(term) else "search").folds.train)
        keys = leaf_keys(term, self.grammar.language).values()
        return {k: self.leaves[folds, k] for k in keys if (folds, k) in self.leaves}

    def _take(self, term: Term, result: dict[str, Any], seconds: float) -> None:
        self.fitted += 1
        text, nodes = text_of(term, self.grammar.language), size(term)
        if not np.isfinite(result["loss"]):
            self.failed += 1
            self.say(CandidateFailed(self.fitted, text, "its loss or its scores became NaN or infinite"))
            return
        self.say(CandidateFitted(self.fitted, text, nodes, result["score"], seconds))
        for key, leaf in result.get("leaves", {}).items():
            folds = len(next(iter(leaf.values())))
            self.leaves.setdefault((folds, key), leaf)
        if holes(term):
            return
        self.complete[term] = result
        cost = error_of(result, self.prior_loss) + self.settings.penalty * nodes
        if cost < self.best:
            self.best = cost
            self.trace.append((self.seconds, self.fitted, result["score"]))
            self.say(BestImproved(self.fitted, text, nodes, result["score"], self.seconds))

    def _results(
        self,
        jobs: Sequence[Job],
        *,
        candidates: Sequence[Sequence[Term]] = (),
        limit: float = float("inf"),
    ) -> Any:
        """The results of jobs, in order, from the journal where it has them; stops at the limit of time."""
        keys = [self._key(job) for job in jobs]
        # By key: equal jobs of one round are done once.
        fresh = {key: job for job, key in zip(jobs, keys, strict=True) if key not in self.journal}
        waiting = dict(zip(fresh, self.crew.start(list(fresh.values())), strict=True))
        for number, key in enumerate(keys):
            if key in self.journal:
                found = {**self.journal[key], "seconds": 0.0}
            else:
                if self.seconds > limit:
                    self.crew.drop()
                    return
                for ahead, term in enumerate(candidates[number] if candidates else (), 1):
                    text = text_of(term, self.grammar.language)
                    self.say(CandidateStarted(self.fitted + ahead, text, size(term)))
                found = waiting[key]()
                self.compile_seconds += found["compile_seconds"]
                self.journal.add({key: {"results": found["results"]}}, seconds=self.seconds)
            yield found

    def _key(self, job: Job) -> str:
        """What a group's results depend on, besides what the journal's header says."""
        language = self.grammar.language
        digest = hashlib.sha256()
        for term in job.terms:
            digest.update(text_of(term, language).encode() + b"\n")
        for tree in (*job.start, *job.keep):
            for path in sorted(tree):
                leaf = tree[path]
                arrays = leaf.items() if isinstance(leaf, dict) else [("", leaf)]
                for name, array in sorted(arrays):
                    digest.update(f"{path} {name}".encode() + np.ascontiguousarray(array).tobytes())
        digest.update(repr(job.l2).encode())
        return f"{job.stage} {digest.hexdigest()[:24]}"

    # --- the finalists ---------------------------------------------------------------------------------

    def _finish(self, terms: Sequence[Term]) -> list[Found]:
        self.say(Phase("finalists", f"{len(terms)} programs on other splits"))
        finisher = Finisher(
            self.plain,
            self.output,
            lambda jobs: [f["results"] for f in self._results(jobs)],
            prior_loss=self.prior_loss,
            penalty=self.settings.penalty,
            digits=self.settings.digits,
            location=self.location,
            scale=self.scale,
        )
        found = finisher.finish(terms)
        if not found:
            raise SearchError(
                "No finalist could be trained on all data.", "At least one.", "Look at the data."
            )
        return found

    def _finalists(self) -> list[Term]:
        """The cheapest programs, and the best of each size on the way to them."""
        cost = {
            t: error_of(r, self.prior_loss) + self.settings.penalty * size(t)
            for t, r in self.complete.items()
        }
        ranked = sorted(self.complete, key=lambda t: (cost[t], text_of(t, self.grammar.language)))
        chosen = ranked[: self.settings.finalists]
        best_error = float("inf")
        for nodes in sorted({size(t) for t in ranked}):
            of_size = [t for t in ranked if size(t) == nodes]
            error = error_of(self.complete[of_size[0]], self.prior_loss)
            if error < best_error:
                chosen += [t for t in of_size[:BEST_OF_SIZE] if t not in chosen]
            best_error = min(best_error, error)
        del chosen[FINALISTS_LIMIT:]
        return chosen


def _prior_loss(problem: Problem) -> float:
    """The loss of the best constant guess: what any program should be below."""
    if problem.task == "regression":
        return 1.0
    flat = problem.targets[problem.mask] if problem.task == "tagging" else problem.targets
    share = np.bincount(flat) / len(flat)
    share = share[share > 0]
    return max(float(-(share * np.log(share)).sum()), 1e-3)
