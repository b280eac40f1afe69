"""How the candidates of a round become jobs: grouped by skeleton, and what is rare screened together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.language import Term
from antiphon.search._grammar import Grammar
from antiphon.search._work import Job, Workshop

RARE = 4  # A skeleton of fewer terms than this may not be worth compiling,
SCREENED_FROM = 8  # if there are so many such terms that one function for all of them is.


@dataclass(frozen=True)
class Group:
    """A job and whose it is: numbers of candidates of the round, in the order of the job's terms."""

    members: tuple[int, ...]
    job: Job


def groups_of(
    terms: Sequence[Term],
    grammar: Grammar,
    workshop: Workshop,
    warm: Callable[[Term], dict[str, Any]],
    *,
    screening: bool,
    stage: str = "search",
) -> list[Group]:
    """The jobs of a round.

    Which terms are screened depends on the round alone, not on what happens to be compiled: so the result
    is the same on every worker, and after a resumption.

    Args:
        terms: Complete programs, fitted in `stage`, and partial ones, which are relaxed.
        grammar: Theirs.
        workshop: Where they will be fitted.
        warm: Where the leaves of a term may start.
        screening: Whether rare skeletons go through the screening evaluator.
        stage: `"search"` or `"rung"`.
    """
    groups: list[Group] = []
    relaxed = [grammar.relax(t) for t in terms]

    def add(name: str, members: Sequence[int], *, screened: bool = False) -> None:
        start = tuple(warm(terms[i]) for i in members)
        job = Job(name, tuple(relaxed[i] for i in members), start=start, screened=screened)
        groups.append(Group(tuple(members), job))

    for name in (stage, "relaxed", "superposed"):
        of_stage = "search" if name == stage else name
        which = [i for i, t in enumerate(terms) if grammar.stage(t) == of_stage]
        evaluator, screener = workshop.evaluator(name), workshop.screener(name)
        batches = [[which[m] for m in batch] for batch in evaluator.group([relaxed[i] for i in which])]
        rare = [
            batch
            for batch in batches
            if screening and name == stage and len(batch) < RARE
            if screener.takes(relaxed[batch[0]])
        ]
        together = [i for batch in rare for i in batch]
        if len(together) < SCREENED_FROM:
            rare, together = [], []
        for batch in batches:
            if batch not in rare:
                add(name, batch)
        for batch in screener.group([relaxed[i] for i in together]):
            add(name, [together[m] for m in batch], screened=True)
    return groups
