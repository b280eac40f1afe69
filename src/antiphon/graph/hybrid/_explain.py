"""What became of each line of a function, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from antiphon.graph.hybrid._signals import Reason, Site


@dataclass(frozen=True)
class Row:
    """What became of one construct.

    Args:
        file: Of the source.
        line: In it.
        construct: Such as "if" or "while".
        outcome: "converted", "assumed" or "fell back".
        why: In words.
        advice: What to write instead, where something can be gained.
    """

    file: str
    line: int
    construct: str
    outcome: str
    why: str
    advice: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}: {self.construct}: {self.outcome}: {self.why}"
        return f"{text} To mend it: {self.advice}" if self.advice else text


class Report:
    """Rows by place; the last word on a place counts."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int, str], Row] = {}

    def convert(self, site: Site, construct: str, why: str) -> None:
        """It became part of the graph."""
        self._put(site, construct, "converted", why)

    def assume(self, site: Site, construct: str, why: str, advice: str = "") -> None:
        """Its course, or its value, is assumed and checked."""
        self._put(site, construct, "assumed", why, advice)

    def fall_back(self, reason: Reason) -> None:
        """It runs as Python."""
        self._put(reason.site, reason.construct, "fell back", reason.why, reason.advice)

    def _put(self, site: Site, construct: str, outcome: str, why: str, advice: str = "") -> None:
        self._rows[site.file, site.line, construct] = Row(
            site.file, site.line, construct, outcome, why, advice
        )

    def explanation(self, title: str) -> Explanation:
        """As it stands now."""
        rows = sorted(self._rows.values(), key=lambda row: (row.file, row.line, row.construct))
        return Explanation(title, tuple(rows))


@dataclass(frozen=True)
class Explanation:
    """What became of each line of a function.

    Args:
        title: The function, and how often it was compiled.
        rows: By place.
    """

    title: str
    rows: tuple[Row, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        if not self.rows:
            return f"{self.title}\n  no construct needed conversion"
        return "\n".join([self.title, *(f"  {row}" for row in self.rows)])
