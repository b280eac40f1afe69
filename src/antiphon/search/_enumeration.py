"""Complete programs by size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from antiphon.fitting import text_of
from antiphon.language import Term, holes
from antiphon.search._grammar import Grammar
from antiphon.search._strategy import Scored


class Enumeration:
    """Complete programs by size, smallest first; ties by their text.

    Args:
        grammar: The space.
        round_size: Most candidates of a round, which are of one size.
    """

    def __init__(self, grammar: Grammar, *, round_size: int = 2048) -> None:
        self.grammar, self.round_size = grammar, round_size
        self.open: defaultdict[int, list[Term]] = defaultdict(list)  # By least size: with holes,
        self.whole: defaultdict[int, list[Term]] = defaultdict(list)  # and without.
        self.ordered: list[Term] = []  # Of the size that is proposed, the last first.
        self.seen: set[Term] = set()
        self._add(grammar.root)

    def _add(self, term: Term) -> None:
        self.seen.add(term)
        (self.open if holes(term) else self.whole)[self.grammar.least_size(term)].append(term)

    def propose(self) -> Sequence[Term]:
        if self.ordered:
            return self._round()
        while sizes := [*self.open, *self.whole]:
            least = min(sizes)
            # What completes a partial program is no smaller: after these, all of this size are known.
            for term in self.open.pop(least, []):
                for grown in self.grammar.expand(term):
                    if grown not in self.seen:
                        self._add(grown)
            if least in self.open or not (found := self.whole.pop(least, [])):
                continue
            self.ordered = sorted(found, key=lambda term: text_of(term, self.grammar.plain), reverse=True)
            return self._round()
        return []

    def _round(self) -> list[Term]:
        """The next of what is in order, which are all of one size."""
        return [self.ordered.pop() for _ in range(min(self.round_size, len(self.ordered)))]

    def observe(self, results: Sequence[Scored]) -> None:
        """Nothing to learn: the order is fixed."""
