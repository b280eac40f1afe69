"""Search for programs: partial programs, strategies, the journal, finalists."""

from antiphon.search._abstraction import Abstraction, learn_abstractions
from antiphon.search._atoms import Atoms, build_atoms
from antiphon.search._auto import Choice, choose_strategy
from antiphon.search._beam import Beam
from antiphon.search._branch_and_bound import BranchAndBound
from antiphon.search._constraints import (
    Constraint,
    Monotone,
    OnlyFeatures,
    OutputBound,
    SizeLimit,
    Without,
    WithoutFeature,
    parse_constraint,
)
from antiphon.search._demands import broken_constraints
from antiphon.search._derivation import Derivation, Derivations, Production, Region
from antiphon.search._differentiable import Differentiable
from antiphon.search._enumeration import Enumeration
from antiphon.search._events import (
    BestImproved,
    CandidateFailed,
    CandidateFitted,
    CandidateRejected,
    CandidateStarted,
    Event,
    Listener,
    Phase,
    SearchEnded,
)
from antiphon.search._finish import Curve, Found, choose, undominated
from antiphon.search._genetic import Genetic, crossover, mutate_point, mutate_subterm
from antiphon.search._grammar import Grammar
from antiphon.search._intervals import output_bounds
from antiphon.search._journal import Journal, decode, encode
from antiphon.search._learn import learn
from antiphon.search._library import Library, Solved
from antiphon.search._modules import Module, modules_of
from antiphon.search._near import Near
from antiphon.search._proposal import Bigram, Proposal, ProposalModel
from antiphon.search._recurrent_proposal import RecurrentProposal
from antiphon.search._rescale import rescale, round_significant
from antiphon.search._result import SearchResult
from antiphon.search._sampling import Sampling
from antiphon.search._settings import STRATEGIES, Settings
from antiphon.search._strategies import make_strategy
from antiphon.search._strategy import Scored, Strategy
from antiphon.search._superposition import Superposition, completions, filled
from antiphon.search._tasks import Lessons, Task, learn_tasks
from antiphon.search._tidy import tidy
from antiphon.search._tree_search import TreeSearch

__all__ = [
    "STRATEGIES",
    "Abstraction",
    "Atoms",
    "Beam",
    "BestImproved",
    "Bigram",
    "BranchAndBound",
    "CandidateFailed",
    "CandidateFitted",
    "CandidateRejected",
    "CandidateStarted",
    "Choice",
    "Constraint",
    "Curve",
    "Derivation",
    "Derivations",
    "Differentiable",
    "Enumeration",
    "Event",
    "Found",
    "Genetic",
    "Grammar",
    "Journal",
    "Lessons",
    "Library",
    "Listener",
    "Module",
    "Monotone",
    "Near",
    "OnlyFeatures",
    "OutputBound",
    "Phase",
    "Production",
    "Proposal",
    "ProposalModel",
    "RecurrentProposal",
    "Region",
    "Sampling",
    "Scored",
    "SearchEnded",
    "SearchResult",
    "Settings",
    "SizeLimit",
    "Solved",
    "Strategy",
    "Superposition",
    "Task",
    "TreeSearch",
    "Without",
    "WithoutFeature",
    "broken_constraints",
    "build_atoms",
    "choose",
    "choose_strategy",
    "completions",
    "crossover",
    "decode",
    "encode",
    "filled",
    "learn",
    "learn_abstractions",
    "learn_tasks",
    "make_strategy",
    "modules_of",
    "mutate_point",
    "mutate_subterm",
    "output_bounds",
    "parse_constraint",
    "rescale",
    "round_significant",
    "tidy",
    "undominated",
]
