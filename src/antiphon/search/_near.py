"""Best-first search over partial programs, with neural relaxations as heuristic."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence

from antiphon.language import Term, holes
from antiphon.search._grammar import Grammar
from antiphon.search._strategy import Scored


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
