"""Fitting terms of many skeletons together, by the table of their structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from antiphon.fitting._constants import are_all_constants
from antiphon.fitting._evaluator import Evaluator, Fit
from antiphon.fitting._leaves import penalties, standardisation, text_of
from antiphon.fitting._screening import TERMS, Candidate, train_table
from antiphon.fitting._skeleton import Split, standard_slots, words_of
from antiphon.fitting._training import batch_indices
from antiphon.fitting._tree_form import Form, Node, tree_of
from antiphon.language import Term


class Screener:
    """Fits terms whose skeletons are rare.

    Args:
        evaluator: Whose problem, folds and schedule count; a fit differs from its own by rounding only.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self.work = evaluator
        self._trees: dict[Term, Node | None] = {}

    def takes(self, term: Term) -> bool:
        """Whether a term can be screened: nothing in its skeleton runs over frames."""
        if self.work.problem.task == "tagging" or self.work.limits is not None:
            return False
        if are_all_constants(self.work.split(term).skeleton, self.work.problem):
            return False  # Least squares need no table.
        return self._tree(term) is not None

    def _tree(self, term: Term) -> Node | None:
        if term not in self._trees:
            self._trees[term] = tree_of(self.work.split(term))
        return self._trees[term]

    def group(self, terms: Sequence[Term]) -> list[list[int]]:
        """Which of these terms go together: lists of their numbers, in a fixed order."""
        by_form: dict[Form, list[int]] = {}
        for i, term in enumerate(terms):
            tree = self._tree(term)
            assert tree is not None
            by_form.setdefault(tree.form(), []).append(i)
        most = max(TERMS)
        return [m[at : at + most] for m in by_form.values() for at in range(0, len(m), most)]

    def fit(
        self, terms: Sequence[Term], *, start: Sequence[Mapping[str, Any] | None] | None = None
    ) -> list[Fit]:
        """Fit terms of many skeletons by one function whose data their structure is.

        Args:
            terms: One group, as `group` gives.
            start: As for `Evaluator.fit`.
        """
        work = self.work
        candidates, forms = [], set()
        for i, term in enumerate(terms):
            tree, parts = self._tree(term), work.split(term)
            assert tree is not None
            forms.add(tree.form())
            warm = (start[i] if start else None) or {}
            candidates.append(self._candidate(term, tree, parts, warm))
        (form,) = forms
        results = train_table(
            candidates,
            form,
            work.problem.task,
            work.schedule,
            train_weights=work.folds.train,
            validation_weights=work.folds.validation,
            targets=work.problem.goals,
            mask=work.problem.mask,
            indices=batch_indices(work.folds.train, work.schedule, seed=work.seed),
        )
        work.compile_seconds += sum(r.compile_seconds for r in results)
        work.run_seconds += sum(r.run_seconds for r in results)
        texts = [text_of(term, work.problem.language) for term in terms]
        return [work.judge(t, r, 0, False) for t, r in zip(texts, results, strict=True)]

    def _candidate(self, term: Term, tree: Node, parts: Split, warm: Mapping[str, Any]) -> Candidate:
        work = self.work
        standard = standardisation(parts, work.slots, folds=len(work.folds.train))
        by_slot = {slot: standard[path] for path, slot in standard_slots(parts.skeleton).items()}
        values = []
        for j, slot in enumerate(parts.slots):
            value, by = np.asarray(work.slots[slot]), by_slot.get(j)
            values.append(value if by is None else (value - by["shift"]) / by["scale"])
        start = work.starts(term, parts, warm)
        for path in standard:  # Weights outside of a map's group are 0, and without a slope they stay so.
            group = parts.data.get(path, {}).get("group")
            if group is not None:
                start[path]["weight"] = start[path]["weight"] * group
        slow, fast, strength = work.schedule.neural_rate, work.schedule.learning_rate, work.strength()
        factors = penalties(parts)
        return Candidate(
            tree,
            words_of(parts.skeleton, work.problem.language),
            parts.data,
            values,
            start,
            {p: dict.fromkeys(leaf, fast if p in standard else slow) for p, leaf in start.items()},
            {p: {n: strength * factors[p][n] for n in leaf} for p, leaf in start.items()},
        )
