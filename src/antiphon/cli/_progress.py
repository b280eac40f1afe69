"""What one sees while a search runs: one live line on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from antiphon.cli._console import TITLE, clock, log

PHASES = {
    "search": "searching",
    "finalists": "judging the best again",
    "polishing": "polishing the chosen program",
}


class Progress:
    """A listener of a search's events that shows how far it is; use it as a context.

    Args:
        out: The console.
        candidates: The budget in programs, where there is one.
        seconds: The budget in time, where there is one.
        plain: Where lines go when there is no terminal.
    """

    def __init__(
        self,
        out: Console,
        *,
        candidates: int | None,
        seconds: float | None,
        plain: Callable[[str], None] = log,
    ) -> None:
        self.out, self.candidates, self.seconds, self.plain = out, candidates, seconds, plain
        self.done = self.failed = 0
        self.trying = ""
        self.best: tuple[float, int, str] | None = None
        self.phase, self.detail = "search", ""
        self.started = time.monotonic()
        self.live: Live | None = None

    def __enter__(self) -> Self:
        self.started = time.monotonic()
        if self.out.is_terminal:
            self.live = Live(
                get_renderable=self.render, console=self.out, refresh_per_second=4, transient=True
            )
            self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.__exit__(kind, error, trace)
            self.live = None

    def __call__(self, event: Any) -> None:
        """Take in one event of the search."""
        # By name, as the command line may not import the search.
        match type(event).__name__:
            case "CandidateStarted":
                self.trying = event.text
            case "CandidateFitted":
                self.done += 1
            case "CandidateFailed":
                self.done += 1
                self.failed += 1
            case "BestImproved":
                self.best = (event.score, event.size, event.text)
                self._say(f"best {event.score:.3f}  size {event.size}  {_one_line(event.text)}")
            case "Phase":
                if event.name != self.phase or event.detail != self.detail:
                    self.phase, self.detail = event.name, event.detail
                    self._say(f"{self.doing()}  ({self.done} candidates)")
            case "SearchEnded":
                self.phase = "ended"

    def _say(self, message: str) -> None:
        if self.live is None and not self.out.is_terminal:
            self.plain(message)

    def doing(self) -> str:
        """The phase in words."""
        words = PHASES.get(self.phase, self.phase)
        return f"{words}: {self.detail}" if self.detail else words

    def left(self) -> str:
        """How much time there is, or was needed so far."""
        elapsed = time.monotonic() - self.started
        if self.seconds is not None and self.phase == "search":
            return f"{clock(max(0.0, self.seconds - elapsed))} left"
        return clock(elapsed)

    def render(self) -> Group:
        """The live lines."""
        width = self.out.width
        count = f"{self.done}" + (f" of {self.candidates}" if self.candidates else "")
        first = Text(f"  candidates {count}")
        if self.failed:
            first.append(f" ({self.failed} failed)", "dim")
        if self.best is not None:
            score, size, text = self.best
            first.append("   best ").append(f"{score:.3f}", "bold green")
            first.append(f"   size {size}   ")
            room = width - first.cell_len - len(self.left()) - 3
            first.append(_short(_one_line(text), room), "cyan")
        first.append(" " * max(1, width - first.cell_len - len(self.left())))
        first.append(self.left(), "dim")
        if self.phase == "search":
            second = Text(f"{'':{TITLE}}trying {_short(_one_line(self.trying), width - TITLE - 8)}", "dim")
        else:
            second = Text(f"{'':{TITLE}}{self.doing()}", "dim")
        return Group(first, second)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _short(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(0, room - 1)] + "…" if room > 1 else ""
