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
from antiphon.search._finish import Curve, Found, choose, undominated
from antiphon.search._grammar import Grammar
from antiphon.search._journal import Journal, decode, encode
from antiphon.search._learn import learn
from antiphon.search._rescale import rescale, round_significant
from antiphon.search._result import SearchResult
from antiphon.search._settings import STRATEGIES, Settings
from antiphon.search._strategies import Beam, Enumeration, Near, Scored, Strategy, make_strategy

__all__ = [
    "STRATEGIES",
    "Beam",
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
    "choose",
    "decode",
    "encode",
    "learn",
    "make_strategy",
    "rescale",
    "round_significant",
    "undominated",
]
