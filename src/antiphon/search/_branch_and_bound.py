"""Iterative deepening over partial programs, cut by the best complete one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from antiphon.language import Term, holes
from antiphon.search._grammar import Grammar
from antiphon.search._strategy import Scored


@dataclass(frozen=True)
class _Open:
    """A partial program that waits to be expanded: what it may cost at least, how many steps made it."""

    bound: float
    order: int
    depth: int
    term: Term


class BranchAndBound:
    """Iterative-deepening depth-first branch and bound (IDS-BB of NEAR, Shah et al. 2020, section 3).

    Partial programs are judged with neural modules in their holes, as in `Near`. The one that seems cheapest
    among the last made is expanded next, down to a limit of steps; what seems to cost more than the best
    complete program is cut. Of what the limit stopped, the cheapest go on with the next, larger limit.
    Modules are trained shortly, so a bound may be wrong: what was cut or left behind is taken up, cheapest
    first, when nothing else is left.

    Args:
        grammar: The space.
        penalty: What a node costs.
        first_limit: Steps of the first limit; each next one is one larger.
        capacity: How many partial programs go on with the next limit.
    """

    def __init__(self, grammar: Grammar, *, penalty: float, first_limit: int = 2, capacity: int = 6) -> None:
        self.grammar, self.penalty, self.limit, self.capacity = grammar, penalty, first_limit, capacity
        self.stack: list[_Open] = [_Open(0.0, 0, 0, grammar.root)]
        self.later: list[_Open] = []
        self.cut: list[_Open] = []
        self.seen: set[Term] = {grammar.root}
        self.best = inf
        self.depth = 0
        self.order = itertools.count(1)

    def propose(self) -> Sequence[Term]:
        while (node := self._next()) is not None:
            fresh = [t for t in self.grammar.expand(node.term) if t not in self.seen]
            self.seen.update(fresh)
            self.depth = node.depth + 1
            if fresh:
                return fresh
        return []

    def _next(self) -> _Open | None:
        while self.stack or self.later:
            if not self.stack:
                self.limit += 1
                self.later = _cheapest_last(self.later)
                self.stack, left = self.later[-self.capacity :], self.later[: -self.capacity]
                self.cut, self.later = self.cut + left, []
            node = self.stack.pop()
            if node.bound >= self.best:
                self.cut.append(node)
            elif node.depth >= self.limit:
                self.later.append(node)
            else:
                return node
        self.cut = _cheapest_last(self.cut)
        return self.cut.pop() if self.cut else None

    def observe(self, results: Sequence[Scored]) -> None:
        made: list[_Open] = []
        for scored in results:
            cost = scored.error + self.penalty * self.grammar.least_size(scored.term)
            if holes(scored.term):
                made.append(_Open(cost, next(self.order), self.depth, scored.term))
            else:
                self.best = min(self.best, cost)
        self.stack += _cheapest_last(made)


def _cheapest_last(found: Sequence[_Open]) -> list[_Open]:
    """Where the next one is taken."""
    return sorted(found, key=lambda o: (o.bound, o.order), reverse=True)
