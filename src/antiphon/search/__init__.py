"""Search for programs: partial programs, strategies, the journal, finalists."""

from antiphon.search._events import (
    BestImproved,
    CandidateFailed,
    CandidateFitted,
    CandidateStarted,
    Event,
    Listener,
    Phase,
    SearchEnded,
)
from antiphon.search._finish import Curve, Found
from antiphon.search._grammar import Grammar, canonical
from antiphon.search._journal import Journal
from antiphon.search._learn import SearchResult, learn
from antiphon.search._settings import STRATEGIES, Settings
from antiphon.search._strategies import Enumeration, Near, Scored, Strategy

__all__ = [
    "STRATEGIES",
    "BestImproved",
    "CandidateFailed",
    "CandidateFitted",
    "CandidateStarted",
    "Curve",
    "Enumeration",
    "Event",
    "Found",
    "Grammar",
    "Journal",
    "Listener",
    "Near",
    "Phase",
    "Scored",
    "SearchEnded",
    "SearchResult",
    "Settings",
    "Strategy",
    "canonical",
    "learn",
]
