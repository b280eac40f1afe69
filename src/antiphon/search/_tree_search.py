"""Monte-Carlo tree search over partial programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, inf, log, sqrt

import numpy as np

from antiphon.language import Term, size
from antiphon.search._derivation import Derivation, Derivations, Production, Unseen
from antiphon.search._grammar import Grammar
from antiphon.search._strategy import Scored


@dataclass(eq=False)
class _Node:
    """A prefix of derivations: what its completions cost."""

    prefix: Derivation
    options: list[Production] | None = None
    below: dict[int, _Node] = field(default_factory=dict)  # By the number of the production.
    visits: int = 0
    pending: int = 0
    total: float = 0.0
    best: float = inf
    closed: bool = False  # Nothing new is below.


class TreeSearch:
    """Monte-Carlo tree search with upper confidence bounds (UCT: Kocsis and Szepesvári 2006).

    A node of the tree is a partial program, its children fill the first hole. A visit goes down where a bound
    on the value is highest, adds a node, completes its program at random, and tells all nodes above what that
    program cost. The value of a node is a mixture of the mean and the best of what was seen below it. A round
    is many visits: those whose programs are still to be fitted count as bad ones (virtual loss), so that the
    others go elsewhere. A node shows more of its children as it is visited more (progressive widening, Coulom
    2007), those first whose production did well anywhere.

    Args:
        grammar: The space.
        penalty: What a node of a program costs.
        seed: Of all that chance decides.
        round_size: Candidates a round.
        exploration: Weight of the bound.
        greed: Share of the best in the value; the rest is the mean.
    """

    WIDENING = 1.5  # Children shown: this times the root of the visits.
    PATIENCE = 4000  # Visits in a row that may lead to programs that are known already.

    def __init__(
        self,
        grammar: Grammar,
        *,
        penalty: float,
        seed: int,
        round_size: int = 32,
        exploration: float = 0.3,
        greed: float = 0.5,
    ) -> None:
        self.space, self.penalty = Derivations(grammar), penalty
        self.unseen = Unseen(self.space)
        self.rng = np.random.default_rng([seed, 3])
        self.round_size, self.exploration, self.greed = round_size, exploration, greed
        self.root = _Node(())
        self.costs: dict[Term, float] = {}
        self.waiting: dict[Term, list[list[_Node]]] = {}  # Paths to the programs of this round.
        self.by_production: dict[int, tuple[int, float]] = {}  # Number -> programs with it, their cost.
        self.low, self.high = inf, -inf

    def propose(self) -> Sequence[Term]:
        found: list[Term] = []
        failures = 0
        while len(found) < self.round_size and not self.root.closed and failures < self.PATIENCE:
            path = self._descend()
            derivation = self.space.complete(path[-1].prefix, self.rng)
            failures += 1
            if derivation is None:
                self._close(path)
                continue
            fresh = self.unseen.take(derivation)
            term = self.space.term(derivation) if fresh is None else fresh
            if fresh is not None:
                found.append(fresh)
                failures = 0
            if term in self.costs:
                self._reward(path, self.costs[term])
            elif term in self.unseen.derivations:
                self.waiting.setdefault(term, []).append(path)
                for node in path:
                    node.pending += 1
            if derivation == path[-1].prefix:
                self._close(path)
        return found

    def _descend(self) -> list[_Node]:
        """The path to a node that was never visited, or to a whole program."""
        path = [self.root]
        while True:
            node = path[-1]
            if node.options is None:
                complete = not self.space.open(node.prefix)
                node.options = [] if complete else self.space.options(node.prefix)
                self.rng.shuffle(node.options)  # type: ignore[arg-type]
            if not node.options:
                return path
            production = self._choose(node)
            fresh = production.number not in node.below
            child = node.below.setdefault(production.number, _Node((*node.prefix, production)))
            path.append(child)
            if fresh:
                return path

    def _choose(self, node: _Node) -> Production:
        assert node.options is not None
        tried = [p for p in node.options if p.number in node.below]
        open_ = [p for p in tried if not node.below[p.number].closed]
        untried = [p for p in node.options if p.number not in node.below]
        shown = ceil(self.WIDENING * sqrt(node.visits + node.pending + 1))
        if untried and (len(open_) < shown or not open_):
            return min(untried, key=self._promise)
        return max(open_, key=lambda p: self._bound(node, node.below[p.number]))

    def _promise(self, production: Production) -> float:
        """What programs with a production cost on average; before there is one, the best that was seen."""
        count, cost = self.by_production.get(production.number, (0, 0.0))
        return cost / count if count else self.low

    def _bound(self, parent: _Node, node: _Node) -> float:
        visits = max(1, node.visits + node.pending)  # None, where its first program was never fitted.
        spread = max(self.high - self.low, 1e-9)
        # What is not fitted yet counts as the worst that was seen.
        mean = (node.total + node.pending * self.high) / visits if self.high > -inf else 0.0
        best = node.best if node.best < inf else mean
        value = (1 - self.greed) * mean + self.greed * best
        worth = (self.high - value) / spread if self.high > -inf else 0.0
        return worth + self.exploration * sqrt(log(parent.visits + parent.pending + 1) / visits)

    def _reward(self, path: Sequence[_Node], cost: float) -> None:
        for node in path:
            node.visits += 1
            node.total += cost
            node.best = min(node.best, cost)

    def _close(self, path: Sequence[_Node]) -> None:
        """The last node has nothing new below it, nor have those above to which nothing else is left."""
        path[-1].closed = True
        for node in reversed(path[:-1]):
            options = node.options or ()
            if not all(p.number in node.below and node.below[p.number].closed for p in options):
                return
            node.closed = True

    def observe(self, results: Sequence[Scored]) -> None:
        known = [s.error for s in results if np.isfinite(s.error)]
        # A program that could not be trained is as bad as the worst that could.
        worst = max([*known, self.high, 0.0] if known or self.high > -inf else [1.0])
        for scored in results:
            error = scored.error if np.isfinite(scored.error) else worst
            cost = error + self.penalty * size(scored.term)
            self.costs[scored.term] = cost
            self.low, self.high = min(self.low, cost), max(self.high, cost)
            for production in dict.fromkeys(self.unseen.derivations[scored.term]):
                count, total = self.by_production.get(production.number, (0, 0.0))
                self.by_production[production.number] = count + 1, total + cost
            for path in self.waiting.get(scored.term, ()):
                self._reward(path, cost)
        for paths in self.waiting.values():
            for path in paths:
                for node in path:
                    node.pending -= 1
        self.waiting = {}
