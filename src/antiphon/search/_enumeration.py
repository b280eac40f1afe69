"""Complete programs by size."""

from __future__ import annotations

import heapq
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
        self.queue: list[tuple[int, int, str, Term]] = []
        self.seen: set[Term] = {grammar.root}
        self._push(grammar.root)

    def _push(self, term: Term) -> None:
        partial = int(bool(holes(term)))
        entry = (self.grammar.least_size(term), 1 - partial, text_of(term, self.grammar.plain), term)
        heapq.heappush(self.queue, entry)

    def propose(self) -> Sequence[Term]:
        found: list[Term] = []
        of_size = 0
        while self.queue and len(found) < self.round_size:
            if found and self.queue[0][0] > of_size:
                break  # The next size may be many times as many: it is begun when it is asked for.
            of_size, *_, term = heapq.heappop(self.queue)
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
