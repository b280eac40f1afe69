"""What happens in a search, as one stream of frozen events; progress bars, journals and tests listen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A new part of the work began, or its detail is known: `search`, `finalists` or `polishing`."""

    name: str
    detail: str = ""


@dataclass(frozen=True)
class CandidateStarted:
    """A candidate is about to be fitted; partial programs have holes in their text."""

    number: int
    text: str
    size: int


@dataclass(frozen=True)
class CandidateFitted:
    """A candidate was fitted, or found in the journal (then `seconds` is 0)."""

    number: int
    text: str
    size: int
    score: float
    seconds: float


@dataclass(frozen=True)
class CandidateFailed:
    """Training ended in numbers that are none, or killed its workers; the candidate loses, no more."""

    number: int
    text: str
    reason: str


@dataclass(frozen=True)
class CandidateRejected:
    """A candidate breaks a constraint: `number` counts those that do; none of them costs any budget."""

    number: int
    text: str
    constraint: str
    reason: str


@dataclass(frozen=True)
class BestImproved:
    """A complete program costs less than all before it."""

    number: int
    text: str
    size: int
    score: float
    seconds: float


@dataclass(frozen=True)
class SearchEnded:
    """The end of it all."""

    candidates: int
    seconds: float
    compile_seconds: float
    interrupted: bool


Event = (
    Phase
    | CandidateStarted
    | CandidateFitted
    | CandidateFailed
    | CandidateRejected
    | BestImproved
    | SearchEnded
)
Listener = Callable[[Event], None]
