"""Genetic programming over derivations, so that every child is well typed and in the grammar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from antiphon.language import Term, size
from antiphon.search._derivation import Derivation, Derivations, Unseen
from antiphon.search._grammar import Grammar
from antiphon.search._strategy import Scored


def crossover(
    space: Derivations, mother: Derivation, father: Derivation, rng: np.random.Generator
) -> Derivation | None:
    """The mother with one of its sub-terms exchanged for one of the father's that fills the same hole.

    Args:
        space: Of both.
        mother: A whole derivation.
        father: Another.
        rng: Where chance comes from.

    Returns:
        A whole derivation, perhaps above the size limit; `None` if the two share no kind of hole.
    """
    given = space.regions(father)
    pairs = [(r, g) for r in space.regions(mother) for g in given if r.hole == g.hole]
    # Whole programs fill the same hole, too: this would be the father himself.
    pairs = [(r, g) for r, g in pairs if r.start or g.start]
    if not pairs:
        return None
    at, new = pairs[int(rng.integers(len(pairs)))]
    return (*mother[: at.start], *father[new.start : new.stop], *mother[at.stop :])


def mutate_subterm(space: Derivations, parent: Derivation, rng: np.random.Generator) -> Derivation | None:
    """The parent with one of its sub-terms made anew at random, within the size limit."""
    regions = space.regions(parent)
    at = regions[int(rng.integers(len(regions)))]
    grown = space.fill(at.hole, space.room(parent, at), rng)
    return None if grown is None else (*parent[: at.start], *grown, *parent[at.stop :])


def mutate_point(space: Derivations, parent: Derivation, rng: np.random.Generator) -> Derivation | None:
    """The parent with one production exchanged for another with the same holes below."""
    at = int(rng.integers(len(parent)))
    old = parent[at]
    others = [p for p in space.by_hole[old.hole] if p.inner == old.inner and p is not old]
    if not others:
        return None
    return (*parent[:at], others[int(rng.integers(len(others)))], *parent[at + 1 :])


@dataclass(frozen=True)
class _Individual:
    derivation: Derivation
    cost: float
    order: int


class Genetic:
    """Genetic programming (Koza 1992), its crossover typed (Montana 1995) by the grammar (Whigham 1995).

    The first generation is drawn at random. Parents are the cheapest of a few at random (a tournament); the
    next population is the best of parents and children together, so the best is never lost.

    Args:
        grammar: The space.
        penalty: What a node costs.
        seed: Of all that chance decides.
        population: Programs that are kept.
        round_size: Children a generation.
        tournament: How many compete to be a parent.
    """

    CROSSOVER, SUBTERM, POINT = 0.5, 0.25, 0.2  # How children are made; the rest is drawn at random.

    def __init__(
        self,
        grammar: Grammar,
        *,
        penalty: float,
        seed: int,
        population: int = 48,
        round_size: int = 32,
        tournament: int = 4,
    ) -> None:
        self.grammar, self.penalty = grammar, penalty
        self.space = Derivations(grammar)
        self.unseen = Unseen(self.space)
        self.rng = np.random.default_rng([seed, 2])
        self.size, self.round_size, self.tournament = population, round_size, tournament
        self.population: list[_Individual] = []

    def propose(self) -> Sequence[Term]:
        if not self.population:
            return self.unseen.draw(self.size, lambda: self.space.complete((), self.rng))
        return self.unseen.draw(self.round_size, self._child)

    def _child(self) -> Derivation | None:
        kind = self.rng.random()
        mother = self._parent()
        if kind < self.CROSSOVER:
            return crossover(self.space, mother, self._parent(), self.rng)
        if kind < self.CROSSOVER + self.SUBTERM:
            return mutate_subterm(self.space, mother, self.rng)
        if kind < self.CROSSOVER + self.SUBTERM + self.POINT:
            return mutate_point(self.space, mother, self.rng)
        return self.space.complete((), self.rng)

    def _parent(self) -> Derivation:
        drawn = self.rng.integers(len(self.population), size=self.tournament)
        # The population is sorted, so the best of a tournament is the first of it.
        return self.population[int(drawn.min())].derivation

    def observe(self, results: Sequence[Scored]) -> None:
        order = len(self.unseen.derivations)
        children = [
            _Individual(self.unseen.derivations[s.term], s.error + self.penalty * size(s.term), order + i)
            for i, s in enumerate(results)
            if np.isfinite(s.error)
        ]
        ranked = sorted([*self.population, *children], key=lambda one: (one.cost, one.order))
        self.population = ranked[: self.size]
