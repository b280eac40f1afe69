"""Differentiable search: training says which production each hole wants."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from math import inf

from antiphon.language import Apply, Hole, Path, Term, Var, canonical, check, children, holes, replace_at
from antiphon.search._grammar import Grammar
from antiphon.search._strategy import Scored
from antiphon.search._superposition import Choices, Superposition, completions, filled

# The production at the top is decided among a few; which summary it reads among more: these are fitted as one
# batch, and training tells near relatives less surely apart.
FEW, MANY = 3, 8


class Differentiable:
    """Best-first search over partial programs whose holes are superpositions (dPads, Cui and Zhu 2021).

    The cheapest partial program goes on: one hole becomes, in turn, each of the few fillings that
    training gave most weight, and the rest stays superposed and is trained again. Beside these come the
    most probable complete programs of all that the same weights say: a descent that would have ended there
    need not be walked. Fillings of little weight are kept for when nothing else is left.

    What was decided first was decided while the rest was superposed. So each complete program that is cheaper
    than all before it is opened again, in one place at a time, and goes on from there.

    Args:
        grammar: The space.
        penalty: What a node costs.
    """

    def __init__(self, grammar: Grammar, *, penalty: float) -> None:
        self.grammar, self.penalty = grammar, penalty
        self.superposition = Superposition(grammar)
        self.frontier: list[tuple[float, int, Term, Choices]] = []
        self.unlikely: list[tuple[float, int, list[Term]]] = []
        self.seen: set[Term] = set()
        self.order = itertools.count()
        self.best = inf
        self.reopened: list[Term] = []

    def propose(self) -> Sequence[Term]:
        if not self.seen:
            self.seen.add(self.grammar.root)
            return [self.grammar.root]
        while self.reopened or self.frontier or self.unlikely:
            if self.reopened:
                found, self.reopened = self.reopened, []
            elif self.frontier:
                found = self._likely(*heapq.heappop(self.frontier))
            else:
                found = heapq.heappop(self.unlikely)[2]
            fresh = [t for t in dict.fromkeys(found) if t not in self.seen]
            self.seen.update(fresh)
            if fresh:
                return fresh
        return []

    def observe(self, results: Sequence[Scored]) -> None:
        best: Term | None = None
        for scored in results:
            cost = scored.error + self.penalty * self.grammar.least_size(scored.term)
            if holes(scored.term):
                heapq.heappush(self.frontier, (cost, next(self.order), scored.term, scored.choices))
            elif cost < self.best:
                self.best, best = cost, scored.term
        if best is not None:
            self.reopened = self._small(self._opened(best))

    def _likely(self, cost: float, _: int, term: Term, choices: Choices) -> list[Term]:
        plans = self.superposition.weighed(term, choices)
        number = self.superposition.next_hole(term)
        path, hole = holes(term)[number]
        weight = plans[number].filling_weights
        fillings = self.grammar.fillings(hole)
        ranked = sorted(range(len(fillings)), key=lambda i: -weight.get(fillings[i], 0.0))
        count = MANY if self.grammar.is_closed_role(hole.role) else FEW
        first = self._small(replace_at(term, path, fillings[i]) for i in ranked)
        heapq.heappush(self.unlikely, (cost, next(self.order), first[count:]))
        whole = filled(term, [completions(plan, FEW + 1) for plan in plans], FEW + 1)
        return [*self._small(term for _, term in whole), *first[:count]]

    def _opened(self, program: Term) -> list[Term]:
        """A complete program with a hole for one of its sub-terms without parameters, each in turn."""
        typing = check(program, self.grammar.plain, self.grammar.output_type)
        closed = [
            (Hole(role, type_), self.grammar.closure(role, type_))
            for role, type_ in dict.fromkeys((role, type_) for role, type_, _ in self.superposition.heights)
            if self.grammar.is_closed_role(role)
        ]
        found: list[Term] = []

        def visit(node: Term, path: Path) -> None:
            ways = [(h, c) for h, c in closed if h.type == typing[path] and node in c]
            if isinstance(node, Apply | Var) and ways:
                if len({c for _, c in ways}) == 1:  # Else it is not known which role it has here.
                    found.append(replace_at(program, path, ways[0][0]))
                return
            for i, child in enumerate(children(node)):
                visit(child, (*path, i))

        visit(program, ())
        return found

    def _small(self, terms: Iterable[Term]) -> list[Term]:
        found = dict.fromkeys(canonical(self._settled(t), self.grammar.plain) for t in terms)
        return [t for t in found if self.grammar.least_size(t) <= self.grammar.size_limit]

    def _settled(self, term: Term) -> Term:
        """A partial program whose holes that only one template can fill are filled: nothing to train."""
        while True:
            given = [(p, self.grammar.fillings(h)) for p, h in holes(term)]
            only = [(path, fillings[0]) for path, fillings in given if len(fillings) == 1]
            if not only or self.grammar.least_size(term) > self.grammar.size_limit:
                return term
            term = replace_at(term, *only[0])
