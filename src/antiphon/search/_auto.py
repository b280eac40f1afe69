"""Which strategy suits a search, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from antiphon.language import Hole
from antiphon.search._derivation import Derivations
from antiphon.search._grammar import Grammar
from antiphon.search._settings import Settings

FEW = 4  # Candidates for each sub-term that may fill a hole, below which a beam makes no second round.


@dataclass(frozen=True)
class Choice:
    """A strategy and the reason for it.

    Attributes:
        strategy: A name in `STRATEGIES`.
        reason: For people, as part of a sentence; empty where the strategy was asked for by name.
    """

    strategy: str
    reason: str = ""

    def __str__(self) -> str:
        if not self.reason:
            return self.strategy
        return f"{self.strategy} (auto: {self.reason})"


def choose_strategy(settings: Settings, grammar: Grammar) -> Choice:
    """The strategy that settings name, or for `auto` one that suits budget and space.

    A space that the budget covers is enumerated. Where a grammar nests other roles than `output`, a beam does
    not reach all programs, and genetic programming is taken. Where the budget ends before a beam has grown
    its first programs, `near` spends what there is on structure first. Else it is the beam.

    Args:
        settings: Budget.
        grammar: The space.

    Example:
        >>> from antiphon.language import Real, sequence
        >>> grammar = Grammar(sequence.bind({"speed": "cm/s"}), Real(1), size_limit=4)
        >>> print(choose_strategy(Settings(strategy="auto"), grammar))
        enumeration (auto: the budget covers all 42 programs)
    """
    if settings.strategy != "auto":
        return Choice(settings.strategy)
    if grammar.atoms is not None and grammar.targets is not None:
        return Choice("sums", "formulas over a table")
    space = Derivations(grammar)
    programs = count(space, settings.candidates)
    if programs <= settings.candidates:
        return Choice("enumeration", f"the budget covers all {programs} programs")
    nested = sorted(_nested(space) - {"output"})
    if nested:
        return Choice("genetic", f"holes of {', '.join(nested)} stand inside each other")
    closed = [len(ps) for h, ps in space.by_hole.items() if grammar.is_closed_role(h.role)]
    widest = max(closed, default=1)
    if settings.candidates < FEW * widest:
        return Choice("near", f"{settings.candidates} candidates for {widest} ways to fill a hole")
    return Choice("beam", "the cheapest program grows as long as the budget lasts")


def count(space: Derivations, most: int) -> int:
    """How many derivations there are within the size limit; counting stops above `most`.

    It is no less than the number of programs: some derivations are equal.
    """

    @cache
    def ways(hole: Hole, nodes: int) -> int:
        fitting = [p for p in space.by_hole[hole] if p.least <= nodes]
        # A production that adds no node could go on for ever; it is counted as leading nowhere.
        return sum(ways_of(p.inner, nodes - p.own) for p in fitting if p.own or not p.inner)

    @cache
    def ways_of(inner: tuple[Hole, ...], nodes: int) -> int:
        if not inner:
            return int(nodes == 0)
        return sum(ways(inner[0], taken) * ways_of(inner[1:], nodes - taken) for taken in range(1, nodes + 1))

    total = 0
    for nodes in range(1, space.grammar.size_limit + 1):
        total += ways(space.grammar.root, nodes)
        if total > most:
            break
    return total


def _nested(space: Derivations) -> set[str]:
    """Roles whose holes can stand, at some depth, inside a hole of the same role."""
    below = {
        role: {h.role for p in space.productions if p.hole.role == role for h in p.inner}
        for role in {p.hole.role for p in space.productions}
    }
    changed = True
    while changed:
        wider = {role: found.union(*(below.get(r, set()) for r in found)) for role, found in below.items()}
        changed = wider != below
        below = wider
    return {role for role, found in below.items() if role in found}
