"""Derivations: programs as the productions that make them, in the order in which their holes are filled.

A program of a grammar is written as a list of productions in prefix order: each fills the first hole that is
still open. Any prefix of such a list is a partial program; a stretch of it that closes the hole it opened is
a sub-term, and may be exchanged for any other stretch that fills the same hole. So random sampling, genetic
operators, tree search and learned proposals work on lists, for any language, and cannot leave the grammar.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from antiphon.language import Apply, Hole, Lam, Term, Var, canonical, children, holes, replace_at, size
from antiphon.search._grammar import Grammar


@dataclass(frozen=True, eq=False)
class Production:
    """One way to fill a hole.

    Attributes:
        number: Its place among all productions that the grammar's root can reach.
        hole: What it fills: a role and a type.
        filling: A template with holes, or a whole sub-term without parameters.
        inner: The holes of `filling`, left to right.
        own: Nodes of `filling` without its holes.
        least: Nodes of the smallest sub-term that it can become.
    """

    number: int
    hole: Hole
    filling: Term
    inner: tuple[Hole, ...]
    own: int
    least: int


Derivation = tuple[Production, ...]
Place = tuple[int, int]  # A production's number (-1 above the root) and which of its holes.
ABOVE: Place = (-1, 0)
# The chances of productions, given where they would stand and what was chosen before; they sum to 1.
Chances = Callable[[Place, Sequence[Production], Derivation], np.ndarray]


@dataclass(frozen=True)
class Region:
    """A stretch of a derivation that fills one hole: a sub-term that may be exchanged.

    Attributes:
        hole: Its role and type.
        start: Number of its first production.
        stop: Number after its last one.
    """

    hole: Hole
    start: int
    stop: int


class Derivations:
    """The derivations of a grammar: made at random, completed, taken apart, read back from terms.

    Args:
        grammar: The space; its size limit holds for all that is made.

    Example:
        >>> from antiphon.language import Real, print_term, sequence
        >>> grammar = Grammar(sequence.bind({"speed": "cm/s"}), Real(1), size_limit=6)
        >>> space = Derivations(grammar)
        >>> drawn = space.complete((), np.random.default_rng(0))
        >>> print_term(space.term(drawn), grammar.plain, {})
        'affine(middle(window_mean[width=3, look=centred](x)))'
        >>> [(r.hole.role, r.stop - r.start) for r in space.regions(drawn)]
        [('output', 2), ('summary', 1)]
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.by_hole: dict[Hole, tuple[Production, ...]] = {}
        fillings = self._reachable()
        least = _least_sizes(fillings)
        numbers = itertools.count()
        for hole, found in fillings.items():
            made = []
            for filling in found:
                inner = tuple(h for _, h in holes(filling))
                own = size(filling) - len(inner)
                total = own + sum(least[h] for h in inner)
                if total < inf:
                    made.append(Production(next(numbers), hole, filling, inner, own, int(total)))
            self.by_hole[hole] = tuple(made)
        self.least = least
        self._scope = _Scope(_joining(grammar))
        self._whole = {
            h: {canonical(p.filling, grammar.plain): p for p in reversed(found) if not p.inner}
            for h, found in self.by_hole.items()
        }

    def _reachable(self) -> dict[Hole, tuple[Term, ...]]:
        fillings: dict[Hole, tuple[Term, ...]] = {}
        waiting = [self.grammar.root]
        for hole in waiting:
            if hole not in fillings:
                fillings[hole] = self.grammar.fillings(hole)
                waiting += [h for filling in fillings[hole] for _, h in holes(filling)]
        return fillings

    @property
    def productions(self) -> tuple[Production, ...]:
        """All productions, by number."""
        return tuple(p for found in self.by_hole.values() for p in found)

    def term(self, derivation: Derivation) -> Term:
        """The canonical term of a derivation; what it leaves open is a hole."""
        return canonical(self.plain_term(derivation), self.grammar.plain)

    def plain_term(self, derivation: Derivation) -> Term:
        """The term as it was derived, with its operands in the order of the derivation."""
        steps = iter(derivation)

        def build(hole: Hole) -> Term:
            production = next(steps, None)
            if production is None:
                return hole
            term = production.filling
            for path, inner in holes(term):
                term = replace_at(term, path, build(inner))
            return term

        return build(self.grammar.root)

    def open(self, prefix: Derivation) -> list[tuple[Place, Hole]]:
        """The holes that a prefix leaves open, the next to fill last."""
        stack = [(ABOVE, self.grammar.root)]
        for production in prefix:
            stack.pop()
            inner = list(enumerate(production.inner))
            stack += [((production.number, i), hole) for i, hole in reversed(inner)]
        return stack

    def options(self, prefix: Derivation, limit: int | None = None) -> list[Production]:
        """What the first open hole of a prefix may become, so that a program within the size limit is left.

        Args:
            prefix: With an open hole.
            limit: Most nodes of the whole; by default the grammar's.
        """
        waiting = self.open(prefix)
        room = self.grammar.size_limit if limit is None else limit
        room -= sum(p.own for p in prefix) + sum(self.least[h] for _, h in waiting[:-1])
        return [p for p in self.by_hole[waiting[-1][1]] if p.least <= room]

    def complete(
        self, prefix: Derivation, rng: np.random.Generator, chances: Chances | None = None
    ) -> Derivation | None:
        """Fill all open holes at random.

        Args:
            prefix: What is chosen already.
            rng: Where chance comes from.
            chances: Of productions; by default each that leaves room for the rest is as likely.

        Returns:
            A whole derivation, or `None` if none fits the size limit.
        """
        room = self.grammar.size_limit - sum(p.own for p in prefix)
        return self._fill(prefix, self.open(prefix), room, rng, chances)

    def fill(self, hole: Hole, room: int, rng: np.random.Generator) -> Derivation | None:
        """A sub-term for one hole, at random, of at most `room` nodes; `None` if there is none."""
        return self._fill((), [(ABOVE, hole)], room, rng, None)

    def _fill(
        self,
        prefix: Derivation,
        waiting: list[tuple[Place, Hole]],
        room: int,
        rng: np.random.Generator,
        chances: Chances | None,
    ) -> Derivation | None:
        done = list(prefix)
        needed = sum(self.least[h] for _, h in waiting)
        while waiting:
            place, hole = waiting.pop()
            needed -= self.least[hole]
            fitting = [p for p in self.by_hole[hole] if p.least <= room - needed]
            if not fitting:
                return None
            if chances is None:
                chosen = fitting[int(rng.integers(len(fitting)))]
            else:
                chosen = fitting[int(rng.choice(len(fitting), p=chances(place, fitting, tuple(done))))]
            done.append(chosen)
            room -= chosen.own
            needed += sum(self.least[h] for h in chosen.inner)
            waiting += [((chosen.number, i), h) for i, h in reversed(list(enumerate(chosen.inner)))]
        return tuple(done)

    def room(self, derivation: Derivation, region: Region) -> int:
        """Most nodes of what may stand in a region of a whole derivation, by the size limit of the whole."""
        kept = (*derivation[: region.start], *derivation[region.stop :])
        return self.grammar.size_limit - sum(p.own for p in kept)

    def regions(self, derivation: Derivation) -> list[Region]:
        """All sub-terms of a whole derivation that may be exchanged, with the role and type of their hole."""
        stops: list[int] = [0] * len(derivation)
        ends: list[int] = []
        for start in reversed(range(len(derivation))):
            # The sub-terms below have been seen, the leftmost last.
            stop = start + 1
            for _ in derivation[start].inner:
                stop = ends.pop()
            stops[start] = stop
            ends.append(stop)
        return [Region(p.hole, i, stops[i]) for i, p in enumerate(derivation)]

    def places(self, derivation: Derivation) -> list[Place]:
        """Where each production of a derivation stands."""
        return [self.open(derivation[:i])[-1][0] for i in range(len(derivation))]

    def derive(self, term: Term) -> Derivation | None:
        """Read a whole term back as a derivation; `None` if the rules do not say it.

        Sums and products are taken apart in any order, as canonical terms sort them. A canonical term may be
        none that the rules say, though they say an equal one; so a strategy keeps the derivations it made.

        Args:
            term: Complete, without arrays.
        """
        return next(self._derive(term, self.grammar.root), None)

    def _derive(self, term: Term, hole: Hole) -> Iterator[Derivation]:
        whole = self._whole.get(hole, {}).get(term)
        if whole is not None:
            yield (whole,)
            return
        for production in self.by_hole.get(hole, ()):
            for parts in _match(production.filling, term, self._scope):
                choices = [self._derive(p, h) for p, h in zip(parts, production.inner, strict=True)]
                below = [next(c, None) for c in choices]
                if all(b is not None for b in below):
                    yield (production, *itertools.chain.from_iterable(b for b in below if b is not None))


def _least_sizes(fillings: dict[Hole, tuple[Term, ...]]) -> dict[Hole, float]:
    """Nodes of the smallest sub-term that each hole can become; infinite if it can become none."""
    least: dict[Hole, float] = dict.fromkeys(fillings, inf)
    sums = {
        hole: [(size(f), tuple(h for _, h in holes(f))) for f in found] for hole, found in fillings.items()
    }
    changed = True
    while changed:
        changed = False
        for hole, found in sums.items():
            best = min((n - len(inner) + sum(least[h] for h in inner) for n, inner in found), default=inf)
            changed |= best < least[hole]
            least[hole] = min(least[hole], best)
    return least


@dataclass(frozen=True)
class _Scope:
    """What matching knows: words that join operands in any order, and what bound variables are called."""

    joining: frozenset[str]
    names: tuple[tuple[str, str], ...] = ()


def _joining(grammar: Grammar) -> frozenset[str]:
    both = {"commutative", "associative"}
    words = grammar.plain.primitives.values()
    return frozenset(w.name for w in words if "addition" in w.laws or both <= set(w.laws))


def _match(pattern: Term, term: Term, scope: _Scope) -> Iterator[list[Term]]:
    """What the holes of a pattern stand for in a term, left to right, in all ways there are."""
    match pattern, term:
        case Hole(), _:
            yield [term]
        case Var(name=one), Var(name=other):
            if dict(scope.names).get(one, one) == other:
                yield []
        case Lam(), Lam():
            inner = _Scope(scope.joining, (*scope.names, (pattern.name, term.name)))
            yield from _match(pattern.body, term.body, inner)
        case Apply(), Apply() if pattern.name == term.name and pattern.config == term.config:
            if pattern.name in scope.joining:
                yield from _match_parts(
                    _operands(pattern, pattern.name), _operands(term, pattern.name), pattern.name, scope
                )
            else:
                yield from _match_all(pattern.args, term.args, scope)


def _match_all(patterns: Sequence[Term], terms: Sequence[Term], scope: _Scope) -> Iterator[list[Term]]:
    if not patterns:
        yield []
        return
    for first in _match(patterns[0], terms[0], scope):
        for rest in _match_all(patterns[1:], terms[1:], scope):
            yield [*first, *rest]


def _match_parts(patterns: list[Term], parts: list[Term], name: str, scope: _Scope) -> Iterator[list[Term]]:
    """Operands in any order: each pattern takes one of them, the last all that are left."""
    if len(parts) < len(patterns):
        return
    if len(patterns) == 1:
        joined = parts[0]
        for part in parts[1:]:
            joined = Apply(name, (joined, part))
        if len(parts) == 1 or isinstance(patterns[0], Hole):
            yield from _match(patterns[0], joined, scope)
        return
    for i, part in enumerate(parts):
        for first in _match(patterns[0], part, scope):
            for rest in _match_parts(patterns[1:], parts[:i] + parts[i + 1 :], name, scope):
                yield [*first, *rest]


def _operands(term: Term, name: str) -> list[Term]:
    """What a chain of one operation joins."""
    if isinstance(term, Apply) and term.name == name:
        return [part for a in children(term) for part in _operands(a, name)]
    return [term]


class Unseen:
    """The candidates that a strategy has proposed, so that it proposes none twice.

    Args:
        space: Of derivations.
    """

    def __init__(self, space: Derivations) -> None:
        self.space = space
        self.derivations: dict[Term, Derivation] = {}

    def take(self, derivation: Derivation | None) -> Term | None:
        """The term of a whole derivation, which then counts as seen; `None` if it did, or is too large."""
        if derivation is None:
            return None
        term = self.space.term(derivation)
        if term in self.derivations or size(term) > self.space.grammar.size_limit:
            return None
        self.derivations[term] = derivation
        return term

    def draw(self, count: int, draw: Callable[[], Derivation | None], *, patience: int = 2000) -> list[Term]:
        """Up to `count` new terms; fewer once so many draws in a row brought nothing new."""
        found: list[Term] = []
        failures = 0
        while len(found) < count and failures < patience:
            term = self.take(draw())
            failures = 0 if term is not None else failures + 1
            if term is not None:
                found.append(term)
        return found
