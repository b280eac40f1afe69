"""What a search gives back."""

from __future__ import annotations

from dataclasses import dataclass

from antiphon.search._finish import Found


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        chosen: The smallest program that is as good as the best.
        front: Programs that no smaller one beats, smallest first.
        candidates: How many candidates were fitted, those from the journal included.
        failed: How many of them failed to train.
        seconds: How long it took, earlier runs of the same journal included.
        compile_seconds: Of these, how many went to compiling (summed over workers; this run).
        strategy: Its name; for `auto`, which one was taken and why.
        trace: Each improvement of the best complete program: seconds, candidate number, score.
        interrupted: Whether it was stopped by Ctrl-C.
        rejected: For each constraint how many candidates broke it.
    """

    chosen: Found
    front: tuple[Found, ...]
    candidates: int
    failed: int
    seconds: float
    compile_seconds: float
    strategy: str
    trace: tuple[tuple[float, int, float], ...]
    interrupted: bool
    rejected: tuple[tuple[str, int], ...] = ()
