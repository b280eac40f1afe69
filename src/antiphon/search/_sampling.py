"""Monte-Carlo sampling: programs at random, the yardstick of every search that claims to learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from antiphon.language import Term
from antiphon.search._derivation import Derivations, Unseen
from antiphon.search._grammar import Grammar
from antiphon.search._strategy import Scored


class Sampling:
    """Programs at random: each hole takes any production that leaves room for the rest, all as likely.

    What was proposed before is drawn again. So this is uniform over productions, not over programs: small
    programs come often.

    Args:
        grammar: The space.
        seed: Of the draws.
        round_size: Candidates a round.
    """

    def __init__(self, grammar: Grammar, *, seed: int, round_size: int = 64) -> None:
        self.space = Derivations(grammar)
        self.unseen = Unseen(self.space)
        self.rng = np.random.default_rng([seed, 1])
        self.round_size = round_size

    def propose(self) -> Sequence[Term]:
        return self.unseen.draw(self.round_size, lambda: self.space.complete((), self.rng))

    def observe(self, results: Sequence[Scored]) -> None:
        """Nothing to learn."""
