"""What a search strategy is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from antiphon.language import Term


@dataclass(frozen=True)
class Scored:
    """A candidate with its error in [0, 1] or above (lower is better; infinite if training failed).

    Attributes:
        term: Complete or partial.
        error: Of the program, or of the relaxation.
        choices: What the weights of a superposition ended at: path of the choosing leaf -> weights.
    """

    term: Term
    error: float
    choices: Mapping[str, Sequence[float]] = field(default_factory=dict)


class Strategy(Protocol):
    """Which candidates to fit next, seeing how the last ones did.

    A strategy proposes rounds of terms and is told what they scored. It is deterministic: the same results
    lead to the same rounds. So a search is replayed from its journal, not restored from a state.
    """

    def propose(self) -> Sequence[Term]:
        """The next round: complete or partial programs, none of them twice; empty when nothing is left."""
        ...

    def observe(self, results: Sequence[Scored]) -> None:
        """What the round scored, in its order; it may be cut short by the budget."""
        ...
