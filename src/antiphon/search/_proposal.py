"""Programs drawn from a distribution over productions that is learned from those that did well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float

from antiphon.language import Term, size
from antiphon.search._derivation import Derivation, Derivations, Place, Production, Unseen
from antiphon.search._grammar import Grammar
from antiphon.search._strategy import Scored


class ProposalModel(Protocol):
    """A distribution over the productions of a grammar, given what was chosen before."""

    def fit(self, programs: Sequence[Derivation], weights: Float[np.ndarray, " program"]) -> None:
        """Learn from programs, each counted by its weight."""
        ...

    def chances(
        self, place: Place, options: Sequence[Production], prefix: Derivation
    ) -> Float[np.ndarray, " option"]:
        """The probabilities of the productions that may stand at a place; they sum to 1."""
        ...


class Bigram:
    """How often a production stands below another, at a certain hole of it.

    Where a place was seen seldom it falls back on how often the production fills such a hole anywhere, and
    this on equal chances (smoothing by a Dirichlet prior, MacKay and Peto 1995).

    Args:
        space: Of derivations.
        smoothing: How many observations each fallback counts for.
        temperature: 1 draws as was learned; above 1 more evenly.

    Example:
        >>> from antiphon.language import Real, sequence
        >>> space = Derivations(Grammar(sequence.bind({"speed": "cm/s"}), Real(1), size_limit=6))
        >>> model, one = Bigram(space), space.complete((), np.random.default_rng(0))
        >>> root = space.by_hole[space.grammar.root]
        >>> before = model.chances((-1, 0), root, ())
        >>> model.fit([one], np.ones(1))
        >>> after = model.chances((-1, 0), root, ())
        >>> bool(after[root.index(one[0])] > before[root.index(one[0])]), round(float(after.sum()), 6)
        (True, 1.0)
    """

    def __init__(self, space: Derivations, *, smoothing: float = 2.0, temperature: float = 1.0) -> None:
        self.space, self.smoothing, self.temperature = space, smoothing, temperature
        self.anywhere = np.zeros(len(space.productions))
        self.below: dict[Place, dict[int, float]] = {}

    def fit(self, programs: Sequence[Derivation], weights: Float[np.ndarray, " program"]) -> None:
        """Count productions anew."""
        self.anywhere = np.zeros(len(self.space.productions))
        self.below = {}
        for derivation, weight in zip(programs, weights, strict=True):
            for place, production in zip(self.space.places(derivation), derivation, strict=True):
                self.anywhere[production.number] += weight
                seen = self.below.setdefault(place, {})
                seen[production.number] = seen.get(production.number, 0.0) + weight

    def chances(
        self, place: Place, options: Sequence[Production], prefix: Derivation
    ) -> Float[np.ndarray, " option"]:
        """The probabilities of `options`; what stands before them does not count."""
        numbers = [p.number for p in options]
        prior = _smoothed(self.anywhere[numbers], np.full(len(numbers), 1 / len(numbers)), self.smoothing)
        here = self.below.get(place, {})
        counts = np.array([here.get(n, 0.0) for n in numbers])
        return tempered(_smoothed(counts, prior, self.smoothing), self.temperature)


def _smoothed(counts: np.ndarray, prior: np.ndarray, strength: float) -> np.ndarray:
    return (counts + strength * prior) / (counts.sum() + strength)


def tempered(chances: Float[np.ndarray, " option"], temperature: float) -> Float[np.ndarray, " option"]:
    """Chances raised to `1 / temperature` and brought to sum 1."""
    raised = (chances / chances.max()) ** (1 / temperature)
    return raised / raised.sum()


class Proposal:
    """Programs drawn from a distribution that is fitted, after each round, to the best of all so far.

    So a search learns which productions pay on its problem, as the recognition model of DreamCoder (Ellis et
    al. 2021) does over many; refitting it to the best of its own draws is the cross-entropy method
    (Rubinstein 1999). Programs of an earlier search may give it a start.

    Args:
        grammar: The space.
        penalty: What a node costs.
        seed: Of the draws.
        model: Makes the distribution; a `Bigram` by default.
        programs: Sketches that did well elsewhere, best first: they are proposed, and learned from. What
            the rules do not say is left out.
        round_size: Candidates a round.
        elite: The distribution is fitted to this many, the best so far, weighted by their rank.
        uniform: Share of the draws that ignore what was learned.
    """

    def __init__(
        self,
        grammar: Grammar,
        *,
        penalty: float,
        seed: int,
        model: Callable[[Derivations], ProposalModel] = Bigram,
        programs: Sequence[Term] = (),
        round_size: int = 32,
        elite: int = 16,
        uniform: float = 0.1,
    ) -> None:
        self.penalty, self.round_size, self.elite, self.uniform = penalty, round_size, elite, uniform
        self.space = Derivations(grammar)
        self.unseen = Unseen(self.space)
        self.rng = np.random.default_rng([seed, 4])
        self.model = model(self.space)
        self.ranked: list[tuple[float, int, Derivation]] = []
        derivations = [self.space.derive(t) for t in programs]
        self.start = [d for d in derivations if d is not None]
        if self.start:
            self.model.fit(self.start, _rank_weights(len(self.start)))

    def propose(self) -> Sequence[Term]:
        # Those that did well elsewhere may do so here.
        known = [self.unseen.take(d) for d in self.start]
        if any(known):
            return [t for t in known if t is not None]
        return self.unseen.draw(self.round_size, self._draw)

    def _draw(self) -> Derivation | None:
        if self.rng.random() < self.uniform or not (self.ranked or self.start):
            return self.space.complete((), self.rng)
        return self.space.complete((), self.rng, self.model.chances)

    def observe(self, results: Sequence[Scored]) -> None:
        for scored in results:
            if np.isfinite(scored.error):
                cost = scored.error + self.penalty * size(scored.term)
                entry = (cost, len(self.ranked), self.unseen.derivations[scored.term])
                self.ranked.append(entry)
        self.ranked.sort(key=lambda entry: entry[:2])
        best = [derivation for *_, derivation in self.ranked[: self.elite]]
        if best:
            # What did well here outweighs what did well elsewhere as soon as there is enough of it.
            best += self.start[: max(0, self.elite - len(self.ranked))]
            self.model.fit(best, _rank_weights(len(best)))


def _rank_weights(count: int) -> np.ndarray:
    """From 1 for the best down to almost 0."""
    return 1.0 - np.arange(count) / count
