"""Best-first search over partial programs, with neural relaxations as heuristic."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from antiphon.language import Apply, Hole, Term, canonical, children, holes, replace_at, walk
from antiphon.search._grammar import Grammar
from antiphon.search._strategy import Scored

Kind = tuple[str, ...]


@dataclass(eq=False)
class Partial:
    """A partial program that can be expanded.

    Attributes:
        term: With a hole.
        cost: What its completions may cost at least, as far as was seen.
        order: When it was made.
        left: Fillings of its first hole that were not tried yet; `None` before any was.
    """

    term: Term
    cost: float
    order: int
    left: list[Term] | None = field(default=None, repr=False)


class Expansion:
    """The children of partial programs, a few at a time, the most promising first.

    A hole of whole sub-terms has dozens of fillings, which share a compiled function but each cost a
    candidate. Those of the same words, such as means over windows of several widths, are of one kind. When
    the last hole of a structure is filled for the first time, the best of each kind is tried: what completes
    a program need not be what does well alone. Otherwise a few at a time are: first those that, in other
    places, were better than their siblings, or are of a kind that was.

    Args:
        grammar: The space.
        few: Children at a time.
    """

    def __init__(self, grammar: Grammar, *, few: int = 8) -> None:
        self.grammar, self.few = grammar, few
        self.seen: set[Term] = {grammar.root}
        self.advantage: dict[tuple[Hole, Term | Kind], tuple[int, float]] = {}
        self.fillings: set[Term] = set()
        self.surveyed: set[Kind] = set()
        self.origin: dict[Term, tuple[Hole, Term]] = {}  # Of this round.

    def children(self, node: Partial) -> list[Term]:
        """The next few, none of which was proposed before; empty when nothing is left."""
        path, hole = holes(node.term)[0]
        if node.left is None:
            node.left = list(self.grammar.fillings(hole))
        found: list[Term] = []
        self.origin = {}
        most = len(node.left)
        if self.grammar.is_closed_role(hole.role):
            self.fillings.update(node.left)
            node.left.sort(key=lambda filling: self._promise(hole, filling))
            most = self.few
            if len(holes(node.term)) == 1 and (shape := self._shape(node.term)) not in self.surveyed:
                self.surveyed.add(shape)
                first = list({kind_of(f): f for f in reversed(node.left)}.values())
                node.left.sort(key=lambda filling: filling not in first)
                most = len(first)
        while node.left and len(found) < most:
            filling = node.left.pop(0)
            child = canonical(replace_at(node.term, path, filling), self.grammar.plain)
            if child not in self.seen and self.grammar.least_size(child) <= self.grammar.size_limit:
                self.seen.add(child)
                self.origin[child] = hole, filling
                found.append(child)
        return found

    def _shape(self, term: Term) -> Kind:
        """What a program is apart from the sub-terms that fill its holes."""
        if term in self.fillings:
            return ("",)
        inner = [word for child in children(term) for word in self._shape(child)]
        return (term.name, *inner) if isinstance(term, Apply) else ("", *inner)

    def _promise(self, hole: Hole, filling: Term) -> float:
        of_kind, kind_total = self.advantage.get((hole, kind_of(filling)), (0, 0.0))
        count, total = self.advantage.get((hole, filling), (0, 0.0))
        return (total + kind_total / (of_kind + 1)) / (count + 1)

    def learn(self, results: Sequence[Scored]) -> None:
        """Compare the children of a round with each other."""
        finite = [s for s in results if np.isfinite(s.error) and s.term in self.origin]
        if not finite:
            return
        usual = float(np.mean([s.error for s in finite]))
        for scored in finite:
            hole, filling = self.origin[scored.term]
            for key in ((hole, filling), (hole, kind_of(filling))):
                count, total = self.advantage.get(key, (0, 0.0))
                self.advantage[key] = count + 1, total + scored.error - usual


def kind_of(filling: Term) -> Kind:
    """The words of a term."""
    return tuple(node.name for _, node in walk(filling) if isinstance(node, Apply))


class Near:
    """Best-first search over partial programs (A* of NEAR, Shah et al. 2020, section 3).

    The root is one hole. A partial program is judged with neural modules in its holes: with these it can do
    at least what its completions can, so its error bounds theirs from below (up to training), and its cost
    `error + penalty x least size` is an admissible guess of what they cost.

    The children of a partial program are tried a few at a time; what is left of it is then thought to cost as
    much as the best of those that were. Of equal costs the one that is nearest to complete comes first.

    Args:
        grammar: The space.
        penalty: What a node costs.
    """

    def __init__(self, grammar: Grammar, *, penalty: float) -> None:
        self.grammar, self.penalty = grammar, penalty
        self.expansion = Expansion(grammar)
        self.order = itertools.count(1)
        self.frontier = [Partial(grammar.root, 0.0, 0)]
        self.node = self.frontier[0]

    def propose(self) -> Sequence[Term]:
        while self.frontier:
            self.node = min(self.frontier, key=lambda n: (n.cost, self._missing(n.term), n.order))
            found = self.expansion.children(self.node)
            if not self.node.left:
                self.frontier.remove(self.node)
            if found:
                return found
        return []

    def _missing(self, term: Term) -> int:
        """How far a partial program is from complete: a hole that becomes a template counts twice."""
        return sum(1 if self.grammar.is_closed_role(hole.role) else 2 for _, hole in holes(term))

    def observe(self, results: Sequence[Scored]) -> None:
        self.expansion.learn(results)
        best = inf
        for scored in results:
            cost = scored.error + self.penalty * self.grammar.least_size(scored.term)
            best = min(best, cost)
            if holes(scored.term):
                self.frontier.append(Partial(scored.term, cost, next(self.order)))
        if results:
            self.node.cost = max(self.node.cost, best)
