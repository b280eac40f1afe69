"""The search itself: rounds of candidates until the budget is spent, then the finalists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.errors import SearchError
from antiphon.fitting import Problem, leaf_keys, text_of
from antiphon.language import Output, Term, holes, size, sketch
from antiphon.search._auto import choose_strategy
from antiphon.search._constraints import Constraint
from antiphon.search._crew import Crew
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
from antiphon.search._finish import SEARCHED_BY, Finisher, Found, choose, error_of, undominated
from antiphon.search._gate import Gate
from antiphon.search._journal import Journal
from antiphon.search._ledger import Ledger
from antiphon.search._result import SearchResult
from antiphon.search._rounds import groups_of
from antiphon.search._settings import Settings
from antiphon.search._setup import Setup, Split, set_up
from antiphon.search._strategies import make_strategy
from antiphon.search._strategy import Scored
from antiphon.search._work import Job

FINALISTS_LIMIT = 18
ATTEMPTS = 5  # Rounds of finalists, where none of a round can be used.
HALVED_FROM = 8  # Candidates of a round that are thinned out.
SURVIVING = 3  # One of so many is trained to the end.
BEST_OF_SIZE = 3  # Finalists of each size that pays; the search's own splits do not tell them apart.


def learn(
    problem: Problem,
    output: Output,
    settings: Settings | None = None,
    *,
    split: Split,
    journal: Path | str | None = None,
    listeners: Sequence[Listener] = (),
    executor: Executor | Callable[[], Executor] | None = None,
    constraints: Sequence[Constraint | str] = (),
    first: Sequence[Term] = (),
) -> SearchResult:
    """Search for a program.

    Args:
        problem: Training data only; the language may be bound without neural modules.
        output: What the program's numbers mean; its threshold is fitted here.
        settings: Budget, strategy, seed.
        split: Gives folds: a function of their number and a seed to pairs of case numbers (train, held out).
        journal: A file that makes the search resumable.
        listeners: Called with every event, in order.
        executor: Who fits, instead of `settings.jobs` processes: an executor, which stays open, or a function
            that makes one, which is called again when a worker's death has broken it.
        constraints: What the program must keep to: objects, or their texts (see `parse_constraint`).
        first: Complete programs to begin with, such as those of a search on other data; they count.

    Returns:
        The chosen program and the front.

    Raises:
        SearchError: If not one complete program could be fitted, none keeps to the constraints, or the
            workers are lost.
        InputError: If the executor, the cluster or a constraint cannot be used.
    """
    setup = set_up(problem, output, settings or Settings(), split, constraints)
    wanted = setup.settings
    written = Journal(journal, setup.fingerprint())
    try:
        with Crew(setup.workshop, wanted.jobs, cluster=wanted.cluster, executor=executor) as crew:
            ledger = Ledger(written, crew, setup.grammar.language)
            return _Search(setup, output, ledger, listeners).run(first)
    finally:
        written.close()


class _Search:
    def __init__(self, setup: Setup, output: Output, ledger: Ledger, listeners: Sequence[Listener]) -> None:
        self.setup, self.output, self.ledger, self.listeners = setup, output, ledger, listeners
        self.settings, self.grammar, self.workshop = setup.settings, setup.grammar, setup.workshop
        self.fitted = self.failed = 0
        self.choice = choose_strategy(self.settings, self.grammar)
        self.complete: dict[Term, dict[str, Any]] = {}
        self.leaves: dict[tuple[int, str], Any] = {}
        self.best = float("inf")
        self.trace: list[tuple[float, int, float]] = []
        self.interrupted = False
        self.gate = Gate(setup.constraints, self.say)

    def say(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)

    def run(self, first: Sequence[Term] = ()) -> SearchResult:
        self.say(Phase("search", str(self.choice)))
        try:
            self._begin(first)
            self._rounds()
        except KeyboardInterrupt:
            self.interrupted = True
        if not self.complete:
            self._nothing_keeps_to_constraints()
            raise SearchError(
                f"No complete program after {self.fitted} candidates ({self.failed} failed).",
                "At least one that could be trained.",
                "Give a larger budget (candidates, seconds), or look at the data for wild values.",
            )
        try:
            found = self._finish(self._finalists())
        except KeyboardInterrupt:  # Again, or only now: the cheapest program alone is finished.
            self.interrupted = True
            self.ledger.crew.drop()
            found = self._finish(self._finalists()[:1])
        front = undominated(found)
        chosen = choose(found, no_difference=self.grammar.plain.no_difference)
        if chosen not in front:
            front = sorted([*front, chosen], key=lambda f: (f.size, -f.score))
        seconds, compiling = self.ledger.seconds, self.ledger.compile_seconds
        self.say(SearchEnded(self.fitted, seconds, compiling, self.interrupted))
        return SearchResult(
            chosen,
            tuple(front),
            self.fitted,
            self.failed,
            seconds,
            compiling,
            str(self.choice),
            tuple(self.trace),
            self.interrupted,
            tuple(self.gate.counts.items()),
        )

    def _nothing_keeps_to_constraints(self) -> None:
        if broken := self.gate.summary():
            raise SearchError(
                f"No program keeps to the constraints: {broken}.",
                "One at least.",
                "Loosen a constraint, give a larger budget, or widen the language.",
            )

    # --- the search ------------------------------------------------------------------------------------

    def _begin(self, first: Sequence[Term]) -> None:
        """Fit programs that are known already; where their leaves end is where their relatives begin."""
        terms = self.gate.passing(list(dict.fromkeys(sketch(t) for t in first)))
        self._fit(terms[: self.settings.candidates])

    def _rounds(self) -> None:
        strategy = make_strategy(
            self.choice.strategy,
            self.grammar,
            penalty=self.settings.penalty,
            seed=self.settings.seed,
        )
        while self.fitted < self.settings.candidates and not self._reached():
            proposed = list(strategy.propose())
            passing = self.gate.passing(proposed)
            known = {t: self.complete[t] for t in passing if t in self.complete}
            terms = [t for t in passing if t not in known][: self.settings.candidates - self.fitted]
            results = self._fit(terms)
            if not proposed or results is None or self.gate.closed:
                break
            known.update(zip(terms, results, strict=True))
            error = {t: self._error(r) for t, r in known.items()}
            judged = [t for t in proposed if t in error or t in self.gate.refused]
            choices = {t: r.get("choices", {}) for t, r in known.items()}
            strategy.observe([Scored(t, error.get(t, float("inf")), choices.get(t, {})) for t in judged])

    def _error(self, result: dict[str, Any]) -> float:
        return error_of(result, self.setup.prior_loss)

    def _reached(self) -> bool:
        target = self.settings.target_score
        return target is not None and any(r["score"] >= target for r in self.complete.values())

    def _limit(self, share: float) -> float:
        """Seconds of the search until a share of its limit is over."""
        return float("inf") if self.settings.seconds is None else self.settings.seconds * share

    def _fit(self, terms: Sequence[Term]) -> list[dict[str, Any]] | None:
        """Fit a round; `None` if the time ran out before its end."""
        losers: dict[int, dict[str, Any]] = {}
        if self.settings.halving:
            whole = [i for i, t in enumerate(terms) if not holes(t)]
            if len(whole) >= HALVED_FROM:
                # Successive halving with one rung: the worse ones are known for what they are by then.
                short = self._run([terms[i] for i in whole], stage="rung")
                if short is None:
                    return None
                order = sorted(range(len(whole)), key=lambda n: (self._error(short[n]), n))
                for n in order[max(HALVED_FROM // 2, len(whole) // SURVIVING) :]:
                    losers[whole[n]] = {**short[n], "eliminated": True}
        rest = [i for i in range(len(terms)) if i not in losers]
        results = self._run([terms[i] for i in rest], report=True)
        for i, loser in losers.items():
            self._take(terms[i], loser, 0.0)
        if results is None:
            return None
        found = {**losers, **dict(zip(rest, results, strict=True))}
        return [found[i] for i in range(len(terms))]

    def _run(
        self, terms: Sequence[Term], *, stage: str = "search", report: bool = False
    ) -> list[dict[str, Any]] | None:
        """Fit terms, group by group, and take their results in where they are to be reported."""
        groups = groups_of(
            terms, self.grammar, self.workshop, self._warm, screening=self.settings.screening, stage=stage
        )

        def starting(number: int) -> None:
            for ahead, i in enumerate(groups[number].members if report else (), 1):
                text = text_of(terms[i], self.grammar.language)
                self.say(CandidateStarted(self.fitted + ahead, text, size(terms[i])))

        results: list[dict[str, Any] | None] = [None] * len(terms)
        fitted = self.ledger.results(
            [g.job for g in groups], starting=starting, limit=self._limit(SEARCHED_BY)
        )
        for group, found in zip(groups, fitted, strict=False):
            for i, result in zip(group.members, found["results"], strict=True):
                results[i] = result
                if report:
                    self._take(terms[i], result, found["seconds"] / len(group.members))
        done = [r for r in results if r is not None]
        return done if len(done) == len(terms) else None

    def _warm(self, term: Term) -> dict[str, Any]:
        """Where the leaves of a term ended when a relative of it was fitted."""
        folds = len(self.workshop.evaluator(self.grammar.stage(term)).folds.train)
        keys = leaf_keys(term, self.grammar.language).values()
        return {k: self.leaves[folds, k] for k in keys if (folds, k) in self.leaves}

    def _take(self, term: Term, result: dict[str, Any], seconds: float) -> None:
        self.fitted += 1
        text, nodes = text_of(term, self.grammar.language), size(term)
        if not np.isfinite(result["loss"]):
            self.failed += 1
            reason = result.get("reason", "its loss or its scores became NaN or infinite")
            self.say(CandidateFailed(self.fitted, text, reason))
            return
        self.say(CandidateFitted(self.fitted, text, nodes, result["score"], seconds))
        for key, leaf in result.get("leaves", {}).items():
            folds = len(next(iter(leaf.values())))
            self.leaves.setdefault((folds, key), leaf)
        if holes(term) or "eliminated" in result:
            return
        self.complete[term] = result
        cost = self._error(result) + self.settings.penalty * nodes
        if cost < self.best:
            self.best = cost
            self.trace.append((self.ledger.seconds, self.fitted, result["score"]))
            self.say(BestImproved(self.fitted, text, nodes, result["score"], self.ledger.seconds))

    # --- the finalists ---------------------------------------------------------------------------------

    def _finishing(self, jobs: Sequence[Job], *, by: float, at_least: int) -> list[list[dict[str, Any]]]:
        done = self.ledger.results(jobs, limit=self._limit(by), at_least=at_least)
        return [job["results"] for job in done]

    def _finish(self, terms: Sequence[Term]) -> list[Found]:
        self.say(Phase("finalists", f"{len(terms)} programs on other splits"))
        finisher = Finisher(
            self.setup.plain,
            self.output,
            self._finishing,
            prior_loss=self.setup.prior_loss,
            penalty=self.settings.penalty,
            digits=self.settings.digits,
            location=self.setup.location,
            scale=self.setup.scale,
            gate=self.gate,
        )
        for _ in range(ATTEMPTS):
            found, judged = finisher.finish(terms)
            if judged < len(terms):
                self.say(Phase("finalists", f"{judged} of {len(terms)} could be judged in time"))
            if found:
                return found
            for term in terms[:judged]:  # Each failed or breaks a constraint: now the next ones.
                del self.complete[term]
            if not (terms := self._finalists()):
                break
        self._nothing_keeps_to_constraints()
        raise SearchError("No finalist could be trained on all data.", "At least one.", "Look at the data.")

    def _finalists(self) -> list[Term]:
        """The cheapest programs, and the best of each size on the way to them."""
        error = {t: self._error(r) for t, r in self.complete.items()}
        cost = {t: error[t] + self.settings.penalty * size(t) for t in error}
        ranked = sorted(self.complete, key=lambda t: (cost[t], text_of(t, self.grammar.language)))
        if not ranked:
            return []
        chosen = ranked[: self.settings.finalists]
        # However large it is: where data have no noise it may be the only one that is right.
        best = min(ranked, key=lambda t: error[t])
        chosen += [best] if best not in chosen else []
        best_error = float("inf")
        for nodes in sorted({size(t) for t in ranked}):
            of_size = [t for t in ranked if size(t) == nodes]
            if error[of_size[0]] < best_error:
                chosen += [t for t in of_size[:BEST_OF_SIZE] if t not in chosen]
            best_error = min(best_error, error[of_size[0]])
        del chosen[FINALISTS_LIMIT:]
        return chosen
