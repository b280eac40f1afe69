"""Beam search over complete programs."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.fitting import text_of
from antiphon.language import Term, size
from antiphon.search._grammar import Grammar
from antiphon.search._strategy import Scored


class Beam:
    """Beam search over complete programs, grown by one construct a round.

    A round takes the cheapest programs so far that were not grown yet, and proposes all that are one
    construct larger, and for the cheapest of all those that differ in one sub-term.

    With a library, the cheapest programs grow by its words first, in rounds of their own: these are few, and
    what helped in an earlier task is likelier to help than any one of the language's own rules.

    Args:
        grammar: The space.
        penalty: What a node costs.
        width: Programs grown a round.
    """

    def __init__(self, grammar: Grammar, *, penalty: float, width: int = 2) -> None:
        self.grammar, self.penalty, self.width = grammar, penalty, width
        self.proposed: set[Term] = set()
        self.order: dict[Term, tuple[float, str]] = {}  # Cost, and text for ties.
        self.grown: set[Term] = set()
        self.extended: set[Term] = set()  # By words of a library.
        self.swapped: set[Term] = set()
        self.started = False

    def propose(self) -> Sequence[Term]:
        if not self.started:
            self.started = True
            return self._fresh(self.grammar.grow(None))
        while True:
            ranked = sorted(self.order, key=self.order.__getitem__)
            if fresh := self._fresh(self._by_words(ranked[: self.width])):
                return fresh
            chosen = [t for t in ranked if t not in self.grown][: self.width]
            found: dict[Term, None] = {}
            if ranked and ranked[0] not in self.swapped:
                self.swapped.add(ranked[0])
                found.update(dict.fromkeys(self.grammar.swap(ranked[0])))
            for program in chosen:
                self.grown.add(program)
                found.update(dict.fromkeys(self.grammar.grow(program)))
            fresh = self._fresh(list(found))
            if fresh or not chosen:
                return fresh

    def _by_words(self, programs: Sequence[Term]) -> list[Term]:
        """What programs become by one more word of a library each; again only those that were not asked."""
        found: dict[Term, None] = {}
        for program in programs:
            if program not in self.extended:
                self.extended.add(program)
                found.update(dict.fromkeys(self.grammar.grow(program, by_words=True)))
        return list(found)

    def _fresh(self, terms: Sequence[Term]) -> list[Term]:
        fresh = [t for t in terms if t not in self.proposed]
        self.proposed.update(fresh)
        return fresh

    def observe(self, results: Sequence[Scored]) -> None:
        for scored in results:
            cost = scored.error + self.penalty * size(scored.term)
            self.order[scored.term] = cost, text_of(scored.term, self.grammar.plain)
