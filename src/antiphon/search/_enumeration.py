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
        self.seen: set[Term] = set()
        self._add(grammar.root)

    def _add(self, term: Term) -> None:
        self.seen.add(term)
        (self.open if holes(term) else self.whole)[self.grammar.least_size(term)].append(term)

    def propose(self) -> Sequence[Term]:
        while sizes := [*self.open, *self.whole]:
            least = min(sizes)
            # What completes a partial program is no smaller: after these, all of this size are known.
            for term in self.open.pop(least, []):
                for grown in self.grammar.expand(term):
                    if grown not in self.seen:
                        self._add(grown)
            if least in self.open or not (found := self.whole.pop(least, [])):
                continue
            found.sort(key=lambda term: text_of(term, self.grammar.plain))
            if rest := found[self.round_size :]:
                self.whole[least] = rest
            return found[: self.round_size]
        return []

    def observe(self, results: Sequence[Scored]) -> None:
        """Nothing to learn: the order is fixed."""
