"""Symbolic regression: sums of atoms, found by least squares before they are fitted.

The pool holds every atom that the grammar can say, with its values. Sums grow by one atom a round. A beam
keeps the best of each length by how short data and formula can be said together (minimum description length,
Rissanen 1978); how much an atom takes off the error of a sum is known for all of them at once, from inner
products alone (orthogonal matching pursuit, Pati et al. 1993). Pairs are looked at in full among the smallest
atoms, and families of atoms of few different words have beams of their own. The same is done for functions of
sums, such as `exp(?sum)`: the sum is then compared with the function's inverse of the target. The best are
proposed, fitted and judged on held-out cases like the candidates of any other strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from antiphon.errors import InputError
from antiphon.fitting import unwrapped
from antiphon.language import Apply, Hole, Term, canonical, holes, replace_at
from antiphon.search._grammar import Grammar, parse_template
from antiphon.search._strategy import Scored
from antiphon.search._summands import build_pool, families

WIDTH = 60  # Sums that grow in a round,
FAMILY_WIDTH = 12  # and of each family of atoms.
ALIKE = 1e-7  # Columns that differ by less are one.
PAIRED = 2500  # Of the smallest atoms every pair is looked at.
SUMMANDS = 6
PROPOSED = {"plain": 24, "curved": 16, "inside": 5}
NATS = 2.5  # What a node costs: about the logarithm of the number of words.
EXACT = 1e-10  # An error below this is nothing but rounding.
FLOOR = 1e-13  # Relative squared errors below this mean nothing in single precision.


@dataclass(frozen=True)
class _Sum:
    members: tuple[int, ...]
    error: float
    cost: float


@dataclass
class _Beam:
    """The best sums of some of the atoms."""

    some: np.ndarray
    width: int
    sums: list[_Sum] = field(default_factory=list)


@dataclass
class _Target:
    """What a sum is compared with: the target, or what has to be inside a function that gives it."""

    around: Term | None
    values: Float[np.ndarray, " row"]
    beams: list[_Beam] = field(default_factory=list)

    def best(self) -> list[_Sum]:
        """The sums of all beams, the best first."""
        found = {s.members: s for beam in self.beams for s in beam.sums}
        return sorted(found.values(), key=lambda s: (s.cost, s.members))


class Sums:
    """Beam search over sums of atoms; complete programs only.

    Args:
        grammar: Of a language with rules for `atom`, over a table, prepared with the training data.

    Raises:
        InputError: If the language or the task has no sums of atoms.
    """

    def __init__(self, grammar: Grammar) -> None:
        if grammar.atoms is None or grammar.targets is None:
            raise InputError(
                f"The strategy 'sums' for the language {grammar.plain.name!r}.",
                "A language over tables with rules for 'atom', such as arithmetic, and numbers to predict.",
                "Use another strategy, such as 'beam'.",
            )
        self.grammar, self.atoms = grammar, grammar.atoms
        self.targets: list[_Target] | None = None
        self.summands = 0
        self.waiting: list[list[Term]] = []
        self.done = False
        self.proposed: set[Term] = set()

    def propose(self) -> Sequence[Term]:
        if self.targets is None:
            self.pool = build_pool(self.grammar, self.atoms)
            self.targets = _targets(self.grammar, self.atoms.rows)
            every, some = np.arange(len(self.pool.terms)), families(self.pool)
            for target in self.targets:
                width = FAMILY_WIDTH if target.around is None else FAMILY_WIDTH // 2
                target.beams = [_Beam(every, WIDTH), *[_Beam(family, width) for family in some]]
        while not self.done:
            if not self.waiting:
                if self.summands == SUMMANDS:
                    break
                self.summands += 1
                for target in self.targets:
                    for beam in target.beams:
                        beam.sums = self._grown(target, beam)
                self.waiting = self._rounds()
            found = self.waiting.pop(0)
            fresh = [t for t in found if t not in self.proposed]
            self.proposed.update(fresh)
            if fresh:
                return fresh
        return []

    def observe(self, results: Sequence[Scored]) -> None:
        self.done = any(scored.error < EXACT for scored in results)

    def _grown(self, target: _Target, beam: _Beam) -> list[_Sum]:
        columns, sizes = self.pool.columns[beam.some], self.pool.sizes[beam.some]
        centred = target.values - target.values.mean()
        unit = centred / np.sqrt(centred @ centred)
        found: dict[tuple[int, ...], float] = {}
        if self.summands == 1:
            left = 1.0 - (columns @ unit) ** 2
            found = {(int(beam.some[i]),): e for i, e in _lowest(left, sizes, len(unit), 4 * beam.width)}
        if self.summands == 2:
            found = self._pairs(unit, beam)
        for known in beam.sums:
            basis = np.linalg.qr(self.pool.columns[list(known.members)].T)[0]
            rest = unit - basis @ (basis.T @ unit)
            room = 1.0 - ((columns @ basis) ** 2).sum(1)
            gain = np.where(room > ALIKE, (columns @ rest) ** 2 / np.maximum(room, ALIKE), 0.0)
            left = float(rest @ rest) - gain
            for i, error in _lowest(left, sizes, len(unit), beam.width):
                found.setdefault(tuple(sorted((*known.members, int(beam.some[i])))), error)
        return self._best([(m, e) for m, e in found.items() if len(set(m)) == self.summands], beam.width)

    def _pairs(self, unit: np.ndarray, beam: _Beam) -> dict[tuple[int, ...], float]:
        """Every pair of the smallest atoms, and what it leaves of the error; the best ones only."""
        some = beam.some[~self.pool.curved[beam.some]][:PAIRED]
        columns, sizes = self.pool.columns[some], self.pool.sizes[some]
        along = columns @ unit
        each: list[tuple[float, int, int, float]] = []
        for at in range(0, len(some), 500):
            part = slice(at, at + 500)
            shared = columns[part] @ columns.T
            room = 1.0 - shared**2
            both = along[part, None] ** 2 + along[None] ** 2 - 2 * along[part, None] * along[None] * shared
            left = np.where(room > ALIKE, 1.0 - both / np.maximum(room, ALIKE), 1.0)
            cost = _cost(left, sizes[part, None] + sizes[None], len(unit))
            count = min(4 * beam.width, cost.size - 1)
            order = np.argpartition(cost, count, axis=None)[:count]
            for place in order.tolist():
                i, j = divmod(place, len(some))
                each.append((float(cost[i, j]), at + i, j, float(left[i, j])))
        pairs = [(i, j, left) for _, i, j, left in sorted(each) if i < j]
        return {(int(some[i]), int(some[j])): left for i, j, left in pairs[: 4 * beam.width]}

    def _best(self, found: list[tuple[tuple[int, ...], float]], width: int) -> list[_Sum]:
        sums = []
        for members, error in found:
            nodes = int(self.pool.sizes[list(members)].sum())
            if nodes + len(members) - 1 <= self.grammar.size_limit:
                cost = _cost(error, nodes + 2 * len(members), self.pool.columns.shape[1])
                sums.append(_Sum(members, error, float(cost)))
        sums.sort(key=lambda s: (s.cost, s.members))
        curved = [s for s in sums if self._is_curved(s)]
        flat = [s for s in sums if not self._is_curved(s)]
        return flat[:width] + curved[: width // 2]

    def _rounds(self) -> list[list[Term]]:
        """The best sums; those inside of a function; those with constants inside: each asks for more work."""
        assert self.targets is not None
        rounds: dict[str, list[Term]] = {"plain": [], "inside": [], "curved": []}
        for target in self.targets:
            sums = target.best()
            flat, curved = ([s for s in sums if self._is_curved(s) == k] for k in (False, True))
            for kind, sums in (("plain" if target.around is None else "inside", flat), ("curved", curved)):
                if kind != "curved" or target.around is None:
                    rounds[kind] += [self._program(target.around, s) for s in sums[: PROPOSED[kind]]]
        return list(rounds.values())

    def _is_curved(self, known: _Sum) -> bool:
        return bool(self.pool.curved[list(known.members)].any())

    def _program(self, around: Term | None, chosen: _Sum) -> Term:
        term: Term = CONSTANT
        for i in reversed(chosen.members):
            term = Apply("add", (Apply("mul", (CONSTANT, self.pool.terms[i])), term))
        if around is not None:
            path, _ = holes(around)[0]
            term = replace_at(around, path, term)
        return canonical(term, self.grammar.plain)


CONSTANT = Apply("constant")


def _cost(error: float | np.ndarray, nodes: int | np.ndarray, rows: int) -> np.ndarray:
    """The nats that data and formula take: a fit is worth what it shortens the residuals by."""
    return 0.5 * rows * np.log(np.maximum(error, 0.0) + FLOOR) + NATS * np.asarray(nodes)


def _lowest(errors: np.ndarray, sizes: np.ndarray, rows: int, count: int) -> list[tuple[int, float]]:
    cost = _cost(errors, sizes, rows)
    order = np.argpartition(cost, min(count, len(cost) - 1))[:count]
    order = order[np.lexsort((order, cost[order]))]
    return [(int(i), float(errors[i])) for i in order]


def _targets(grammar: Grammar, rows: np.ndarray) -> list[_Target]:
    """The target itself, and for each rule such as `exp(?sum)` what the sum should be."""
    assert grammar.targets is not None
    values = grammar.targets[rows]
    found = [_Target(None, values)]
    for rule in grammar.plain.rules:
        if rule.role != "output":
            continue
        template = parse_template(rule, grammar.plain, grammar.output_type)
        if template is None or [h.role for _, h in holes(template)] != ["sum"]:
            continue
        left, _, wanted = unwrapped(template, {}, values)
        if (
            isinstance(left, Hole)
            and np.isfinite(wanted).all()
            and np.ptp(wanted) > 1e-6 * np.abs(wanted).max()
        ):
            found.append(_Target(template, wanted))
    return found
