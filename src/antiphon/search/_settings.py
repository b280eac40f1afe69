"""How a search is run: what it may spend, what it looks for, how it weighs size against error."""

from __future__ import annotations

from dataclasses import dataclass

from antiphon.errors import InputError


@dataclass(frozen=True)
class Settings:
    """Settings of one search.

    Attributes:
        strategy: A name in `STRATEGIES`.
        candidates: How many candidates may be fitted, partial programs included.
        seconds: How long it may take, finishing included; `None` for no limit. What was begun is finished, so
            it may be passed by the time that one program takes. A search that ends by the clock need not end
            at the same program twice.
        target_score: Stop as soon as a complete program reaches this cross-validated score.
        size_limit: Most nodes of a program.
        penalty: What a node costs, in units of error: the cost of a candidate is its error plus this times
            its size.
        finalists: How many programs are judged again on other splits before one is chosen.
        jobs: Worker processes; the result does not depend on it.
        cluster: Address of a Dask scheduler, whose workers fit instead; the result does not depend on it.
        seed: Of splits, initial weights and mini-batches.
        steps: Optimiser steps a candidate is trained for.
        relaxation: What stands in for a hole: `"summaries"` (a perceptron over every summary that the
            language can say), `"recurrent"` (a GRU over the frames) or `"superposition"` (a weighted sum of
            all that may stand there); `dpads` always takes the last.
        screening: Fit terms of rare skeletons together, as data of one function that is compiled once. Their
            numbers then differ from those of functions of their own by rounding.
        halving: Train all candidates of a round for a quarter of the steps, and only the best third to the
            end (successive halving, Jamieson and Talwalkar 2016). Off, to reproduce a published protocol.
        digits: Significant digits of coefficients; `None` keeps float32.
    """

    strategy: str = "beam"
    candidates: int = 600
    seconds: float | None = None
    target_score: float | None = None
    size_limit: int = 20
    penalty: float = 0.001
    finalists: int = 6
    jobs: int = 1
    cluster: str | None = None
    seed: int = 0
    steps: int = 300
    relaxation: str = "summaries"
    screening: bool = True
    halving: bool = False
    digits: int | None = 3

    def __post_init__(self) -> None:
        checks = [
            ("candidates", self.candidates, self.candidates >= 1, "at least 1"),
            ("seconds", self.seconds, self.seconds is None or self.seconds > 0, "above 0, or None"),
            ("size_limit", self.size_limit, self.size_limit >= 3, "at least 3: affine, a summary, x"),
            ("penalty", self.penalty, self.penalty >= 0, "at least 0"),
            ("finalists", self.finalists, self.finalists >= 1, "at least 1"),
            ("jobs", self.jobs, self.jobs >= 1, "at least 1"),
            (
                "cluster",
                self.cluster,
                self.cluster is None or self.jobs == 1,
                "left out where jobs is above 1",
            ),
            ("steps", self.steps, self.steps >= 10, "at least 10"),
            ("digits", self.digits, self.digits is None or self.digits >= 1, "at least 1, or None"),
            (
                "relaxation",
                self.relaxation,
                self.relaxation in RELAXATIONS,
                f"one of {', '.join(RELAXATIONS)}",
            ),
            ("strategy", self.strategy, self.strategy in STRATEGIES, f"one of {', '.join(STRATEGIES)}"),
        ]
        for name, value, fine, expected in checks:
            if not fine:
                raise InputError(f"{name} is {value!r}.", f"{expected[0].upper()}{expected[1:]}.")


RELAXATIONS = ("summaries", "recurrent", "superposition")

STRATEGIES = {
    "auto": "one of those below, by the budget and the size of the space; the search says which and why",
    "beam": "complete programs, the cheapest grown by one construct at a time",
    "near": "best-first over partial programs, neural relaxations as heuristic (NEAR, Shah et al. 2020)",
    "ids-bb": "partial programs depth-first, ever deeper, cut by the best complete one (IDS-BB, same paper)",
    "mcts": "Monte-Carlo tree search over partial programs (UCT, Kocsis and Szepesvari 2006)",
    "genetic": "genetic programming with typed crossover and mutation (Koza 1992, Montana 1995)",
    "proposal": "drawn from a distribution learned from the best so far (as DreamCoder, Ellis et al. 2021)",
    "proposal-rnn": "the same, the distribution a recurrent network over the program so far",
    "dpads": "all programs superposed, the likeliest first (dPads, Cui and Zhu 2021)",
    "sums": "sums of formulas found by least squares (symbolic regression, for tables)",
    "enumeration": "complete programs by size, smallest first",
    "sampling": "complete programs at random",
}
