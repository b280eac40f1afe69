"""Who may pass: candidates that break a constraint are turned away, and it is told why."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.fitting import text_of
from antiphon.language import Term
from antiphon.search._constraints import Constraint
from antiphon.search._demands import Constraints
from antiphon.search._events import CandidateRejected, Listener

IDLE_ROUNDS = 50  # Rounds in a row in which nothing passes, after which a search gives up.


class Gate:
    """Turns away what breaks a constraint, before it costs anything.

    Args:
        constraints: Of the search.
        say: Called with an event for each candidate that is turned away.
    """

    def __init__(self, constraints: Constraints, say: Listener) -> None:
        self.constraints, self.say = constraints, say
        self.counts = dict.fromkeys(constraints.names, 0)
        self.last: dict[str, str] = {}
        self.refused: set[Term] = set()
        self.idle = 0

    def passing(self, terms: Sequence[Term]) -> list[Term]:
        """Those of a round that may be fitted."""
        if not self.constraints:
            return list(terms)
        passed = []
        for term in terms:
            wrong = None if term in self.refused else self.constraints.rejects(term)
            if wrong is not None:
                self.refused.add(term)
                self.refuse(text_of(term, self.constraints.language), *wrong)
            elif term not in self.refused:
                passed.append(term)
        self.idle = 0 if passed else self.idle + 1
        return passed

    @property
    def closed(self) -> bool:
        """Whether it is no use to wait for another candidate."""
        return self.idle >= IDLE_ROUNDS

    def refuse(self, text: str, constraint: Constraint, reason: str) -> None:
        """Count a candidate that breaks a constraint, and tell of it."""
        name = self.constraints.name_of(constraint)
        self.counts[name] += 1
        self.last[name] = f"{reason}, in {text}"
        self.say(CandidateRejected(sum(self.counts.values()), text, name, reason))

    def summary(self) -> str:
        """What was broken, how often, and an example of each; `""` if nothing was."""
        return "; ".join(
            f"{name}: {count} rejected (such as: {self.last[name]})"
            for name, count in self.counts.items()
            if count
        )
