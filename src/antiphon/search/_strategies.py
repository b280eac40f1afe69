"""The strategy of each name."""

from __future__ import annotations

from functools import partial

from antiphon.search._beam import Beam
from antiphon.search._branch_and_bound import BranchAndBound
from antiphon.search._differentiable import Differentiable
from antiphon.search._enumeration import Enumeration
from antiphon.search._genetic import Genetic
from antiphon.search._grammar import Grammar
from antiphon.search._near import Near
from antiphon.search._proposal import Proposal
from antiphon.search._recurrent_proposal import RecurrentProposal
from antiphon.search._sampling import Sampling
from antiphon.search._strategy import Strategy
from antiphon.search._sums import Sums
from antiphon.search._tree_search import TreeSearch


def make_strategy(name: str, grammar: Grammar, *, penalty: float, seed: int = 0) -> Strategy:
    """The strategy of a name in `STRATEGIES`, other than `auto`."""
    match name:
        case "beam":
            return Beam(grammar, penalty=penalty)
        case "near":
            return Near(grammar, penalty=penalty)
        case "ids-bb":
            return BranchAndBound(grammar, penalty=penalty)
        case "enumeration":
            return Enumeration(grammar)
        case "dpads":
            return Differentiable(grammar, penalty=penalty)
        case "sampling":
            return Sampling(grammar, seed=seed)
        case "mcts":
            return TreeSearch(grammar, penalty=penalty, seed=seed)
        case "genetic":
            return Genetic(grammar, penalty=penalty, seed=seed)
        case "proposal":
            return Proposal(grammar, penalty=penalty, seed=seed)
        case "proposal-rnn":
            model = partial(RecurrentProposal, seed=seed)
            return Proposal(grammar, penalty=penalty, seed=seed, model=model)
        case "sums":
            return Sums(grammar)
    raise AssertionError(name)
