"""What is assumed about numbers and state, and how it is given up, with a line in the log."""

from __future__ import annotations

import logging
from typing import Any

from antiphon.graph.hybrid._build import Call, Graphed
from antiphon.graph.hybrid._case import Case, number_of, short_of
from antiphon.graph.hybrid._signals import Site

log = logging.getLogger("antiphon.graph.hybrid")


class Assumptions:
    """Which numbers of Python have been seen to change, so that they are inputs now.

    Args:
        site: Where the function is, for the log.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.numbers: dict[Any, set[int]] = {}
        self._pinned: dict[Any, set[int]] = {}
        self._said: set[str] = set()

    def tell(self, site: Site, what: str) -> None:
        """Say once what has changed."""
        self.once(logging.WARNING, f"{site}: {what}: the graph is made again")

    def once(self, level: int, text: str) -> None:
        """Say something once."""
        if text not in self._said:
            self._said.add(text)
            log.log(level, text)

    def weaken(self, case: Case, stale: Graphed, call: Call) -> None:
        """State is not what a graph was made for: numbers that changed become inputs."""
        plan, numbers = stale.plan, 0
        for change in plan.changed(call.root):
            step, value = change.step, change.value
            path = plan.path(step.parent, step.kind, step.key)
            both = number_of(step.expected) and number_of(value)
            if step.holds is None and both and path not in case.pinned:
                case.varying.add(path)
                numbers += 1
            was, now = short_of(step.expected), short_of(value)
            self.tell(self.site, f"{path} was {was} when the graph was made, and is {now}")
        if numbers:
            case.graphs.remove(stale)

    def vary(self, cases: dict[Any, Case], key: Any, leaves: list[Any]) -> bool:
        """Numbers among the arguments that have changed become inputs: whether there are any."""
        for other in cases:
            new = self._changed(other, key, leaves) if other[0] == key[0] else None
            if new and not new & self._pinned.get(key[0], set()):
                self.numbers.setdefault(key[0], set()).update(new)
                del cases[other]
                first = min(new)
                was, now = other[1][first][1], leaves[first]
                self.tell(self.site, f"a number among the arguments was {was!r}, and is {now!r}")
                return True
        return False

    def _changed(self, other: Any, key: Any, leaves: list[Any]) -> set[int] | None:
        new = set()
        for i, (a, b) in enumerate(zip(other[1], key[1], strict=True)):
            if a == b:
                continue
            if a is None or b is None or not (number_of(leaves[i]) and a[0] is b[0]):
                return None
            new.add(i)
        return new

    def pin(self, cases: dict[Any, Case], case: Case, call: Call) -> bool:
        """Numbers that were made inputs are needed as Python's own: whether there are any."""
        fresh = case.varying - case.pinned
        case.pinned |= fresh
        numbers = self.numbers.get(call.structure, set()) - self._pinned.get(call.structure, set())
        if numbers:
            self._pinned.setdefault(call.structure, set()).update(numbers)
            self.numbers.pop(call.structure)
            for key in [k for k, c in cases.items() if c is case]:
                del cases[key]
        return bool(fresh or numbers)
