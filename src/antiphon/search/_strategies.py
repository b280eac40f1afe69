"""Strategies: which candidates to fit next, seeing how the last ones did.

A strategy proposes rounds of terms and is told what they scored. It is deterministic: the same results
lead to the same rounds. So a search is replayed from its journal, not restored from a state.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from antiphon.fitting import text_of
from antiphon.language import Term, holes, size
from antiphon.search._grammar import Grammar


@dataclass(frozen=True)
class Scored:
    """A candidate with its error in [0, 1] or above (lower is better; infinite if training failed)."""

    term: Term
    error: float


class Strategy(Protocol):
    """What all strategies do."""

    def propose(self) -> Sequence[Term]:
        """The next round: complete or partial programs, none of them twice; empty when nothing is left."""
        ...

    def observe(self, results: Sequence[Scored]) -> None:
        """What the round scored, in its order; it may be cut short by the budget."""
        ...


class Near:
    """Best-first search over partial programs (A* of NEAR, Shah et al. 2020, section 3).

    The root is one hole. A partial program is judged with neural modules in its holes: with these it can do
    at least what its completions can, so its error bounds theirs from below (up to training), and its cost
    `error + penalty x least size` is an admissible guess of what they cost. The cheapest partial program is
    expanded next.

    Args:
        grammar: The space.
        penalty: What a node costs.
    """

    def __init__(self, grammar: Grammar, *, penalty: float) -> None:
        self.grammar, self.penalty = grammar, penalty
        self.frontier: list[tuple[float, int, Term]] = []
        self.seen: set[Term] = {grammar.root}
        self.order = itertools.count()
        heapq.heappush(self.frontier, (0.0, next(self.order), grammar.root))

    def propose(self) -> Sequence[Term]:
        while self.frontier:
            _, _, term = heapq.heappop(self.frontier)
            fresh = [t for t in self.grammar.expand(term) if t not in self.seen]
            self.seen.update(fresh)
            if fresh:
                return fresh
        return []

    def observe(self, results: Sequence[Scored]) -> None:
        for scored in results:
            if holes(scored.term):
                cost = scored.error + self.penalty * self.grammar.least_size(scored.term)
                heapq.heappush(self.frontier, (cost, next(self.order), scored.term))


class Enumeration:
    """Complete programs by size, smallest first; ties by their text.

    Args:
        grammar: The space.
        round_size: Candidates a round.
    """

    def __init__(self, grammar: Grammar, *, round_size: int = 128) -> None:
        self.grammar, self.round_size = grammar, round_size
        self.queue: list[tuple[int, int, str, Term]] = []
        self.seen: set[Term] = {grammar.root}
        self._push(grammar.root)

    def _push(self, term: Term) -> None:
        partial = int(bool(holes(term)))
        entry = (self.grammar.least_size(term), 1 - partial, text_of(term, self.grammar.plain), term)
        heapq.heappush(self.queue, entry)

    def propose(self) -> Sequence[Term]:
        found: list[Term] = []
        while self.queue and len(found) < self.round_size:
            *_, term = heapq.heappop(self.queue)
            if not holes(term):
                found.append(term)
                continue
            for grown in self.grammar.expand(term):
                if grown not in self.seen:
                    self.seen.add(grown)
                    self._push(grown)
        return found

    def observe(self, results: Sequence[Scored]) -> None:
        """Nothing to learn: the order is fixed."""


class Beam:
    """Beam search over complete programs, grown by one construct a round.

    A round takes the cheapest programs so far that were not grown yet, and proposes all that are one
    construct larger, and for the cheapest of all those that differ in one sub-term.

    Args:
        grammar: The space.
        penalty: What a node costs.
        width: Programs grown a round.
    """

    def __init__(self, grammar: Grammar, *, penalty: float, width: int = 2) -> None:
        self.grammar, self.penalty, self.width = grammar, penalty, width
        self.costs: dict[Term, float] = {}
        self.grown: set[Term] = set()
        self.swapped: set[Term] = set()
        self.started = False

    def propose(self) -> Sequence[Term]:
        if not self.started:
            self.started = True
            return self.grammar.grow(None)
        while True:
            ranked = sorted(self.costs, key=lambda t: (self.costs[t], text_of(t, self.grammar.plain)))
            chosen = [t for t in ranked if t not in self.grown][: self.width]
            found: dict[Term, None] = {}
            if ranked and ranked[0] not in self.swapped:
                self.swapped.add(ranked[0])
                found.update(dict.fromkeys(self.grammar.swap(ranked[0])))
            for program in chosen:
                self.grown.add(program)
                found.update(dict.fromkeys(self.grammar.grow(program)))
            fresh = [t for t in found if t not in self.costs]
            if fresh or not chosen:
                return fresh

    def observe(self, results: Sequence[Scored]) -> None:
        for scored in results:
            self.costs[scored.term] = scored.error + self.penalty * size(scored.term)


def make_strategy(name: str, grammar: Grammar, *, penalty: float) -> Strategy:
    """The strategy of a name in `STRATEGIES`."""
    match name:
        case "beam":
            return Beam(grammar, penalty=penalty)
        case "near":
            return Near(grammar, penalty=penalty)
        case "enumeration":
            return Enumeration(grammar)
    raise AssertionError(name)
