"""Atoms: every formula of a few nodes without constants, one for all that are equal on the data.

They are built from small to large, thousands at a time: of two that have equal values on the training rows
the one of fewer nodes is kept (of equal sizes, the one that the rules give first), and larger ones are built
from those kept only. So `x * x * x` costs nothing besides `x * square(x)`, and the space grows by what its
formulas do and not by how they are written.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from antiphon.errors import LanguageError
from antiphon.language import (
    Apply,
    Hole,
    Language,
    Real,
    Term,
    Var,
    check,
    data_arrays,
    evaluate,
    holes,
    parse_term,
    replace_at,
    size,
)

MOST_TRIED = 300_000  # Formulas that are computed,
MOST_KEPT = 30_000  # and that are kept, of all roles together.
ROWS = 150  # Cases on which formulas are compared.
FEW, CHUNK = 1 << 9, 1 << 14
DIGITS = 5  # To which equal values agree.
WILD = 1e10  # Values beyond this are of no use in single precision.


@dataclass(frozen=True)
class Atoms:
    """Formulas without constants, smallest first.

    Attributes:
        terms: The formulas.
        sizes: Their nodes.
        values: What they are on some of the cases, `(atom, row)`.
        rows: Which cases these are.
        nodes: The size up to which every formula was looked at.
    """

    terms: tuple[Term, ...]
    sizes: np.ndarray
    values: Float[np.ndarray, "atom row"]
    rows: np.ndarray
    nodes: int


@dataclass
class _Level:
    """Formulas of one role and one size; a formula is a template and the numbers of what fills its holes."""

    made: list[tuple[int, tuple[tuple[int, int], ...]]]
    values: np.ndarray


@dataclass(frozen=True)
class _Template:
    role: str
    term: Term
    roles: tuple[str, ...]
    own: int
    symmetric: bool


def build_atoms(
    language: Language,
    values: Float[np.ndarray, "case feature"],
    *,
    role: str = "atom",
    tried: int = MOST_TRIED,
    kept: int = MOST_KEPT,
) -> Atoms:
    """All formulas of a role, from small to large, until so many were computed.

    The more columns a table has, the smaller are the largest formulas: what is limited is their number.

    Args:
        language: Bound to the columns, with rules for the role.
        values: The table.
        role: What is built.
        tried: How many formulas may be computed. A size is begun only if all of it can be.
        kept: How many different ones may be kept.

    Example:
        >>> from antiphon.language import arithmetic, print_term
        >>> row = arithmetic.bind({"a": "", "b": ""}, is_table=True)
        >>> table = np.random.default_rng(0).uniform(1, 2, (20, 2)).astype(np.float32)
        >>> atoms = build_atoms(row, table, tried=500)
        >>> [print_term(t, row) for t in atoms.terms[:6]]
        ['a', 'b', 'square(a)', 'square(b)', 'sqrt(a)', 'sqrt(b)']
    """
    return _Builder(language, values, role).build(tried, kept)


class _Builder:
    def __init__(self, language: Language, values: np.ndarray, role: str) -> None:
        self.language, self.role = language, role
        count = len(values)
        self.rows = np.unique(np.linspace(0, count - 1, min(count, ROWS)).astype(int))
        self.input = jnp.asarray(values[self.rows], jnp.float32)
        self.templates: list[_Template] = []
        self._collect(role)
        self.functions: dict[Term, jax.stages.Wrapped] = {}
        self.terms: dict[tuple[str, int, int], Term] = {}
        self.levels: dict[tuple[str, int], _Level] = {}
        self.seen: dict[str, set[bytes]] = {t.role: set() for t in self.templates}
        mixed = np.random.default_rng(0).normal(size=(len(self.rows), 3))
        self.mixed = mixed / np.linalg.norm(mixed, axis=0)

    def _collect(self, role: str) -> None:
        """The templates of a role and of all that it leads to."""
        found: dict[Term, None] = {}
        if [*self.language.features] == ["x"]:  # It has no other name than that of the row.
            found[Var("x")] = None
        for rule in self.language.rules:
            if rule.role != role or rule.type not in (None, Real(1)):
                continue
            try:
                found[parse_term(rule.template, self.language, Real(1))] = None
            except LanguageError:
                continue  # A rule of another type, or for a column that is not here.
        for term in found:
            inner = [h.role for _, h in holes(term)]
            same = len(inner) == 2 and inner[0] == inner[1] and _commutes(term)
            self.templates.append(_Template(role, term, tuple(inner), size(term) - len(inner), same))
        for other in sorted({r for t in self.templates for r in t.roles}):
            if not any(t.role == other for t in self.templates):
                self._collect(other)

    def build(self, tried: int, kept: int) -> Atoms:
        roles = list(self.seen)
        done, nodes = 0, 0
        while True:
            plans = [
                (t, s)
                for r in roles
                for t in self.templates
                if t.role == r
                for s in self._sizes(t, nodes + 1)
            ]
            cost = sum(self._count(t, s) for t, s in plans)
            if nodes and (
                (not any(self._count(t, s) for t, s in plans) and nodes > 3) or done + cost > tried
            ):
                break
            nodes += 1
            done += cost
            room = kept - sum(len(level.made) for level in self.levels.values())
            for role in roles:
                self._fill(role, nodes, [p for p in plans if p[0].role == role], max(0, room))
            if room <= 0:
                break
        return self._result(nodes)

    def _sizes(self, template: _Template, nodes: int) -> Iterator[tuple[int, ...]]:
        """How many nodes each hole of a template has where it has so many in all."""
        left = nodes - template.own
        if not template.roles:
            return iter([()] if left == 0 else [])
        choices = itertools.product(range(1, left), repeat=len(template.roles) - 1)
        found = [(*c, left - sum(c)) for c in choices if left - sum(c) >= 1] if left >= 1 else []
        if template.symmetric:
            found = [c for c in found if c[0] <= c[1]]
        return iter(found)

    def _count(self, template: _Template, sizes: tuple[int, ...]) -> int:
        count = 1
        for role, nodes in zip(template.roles, sizes, strict=True):
            level = self.levels.get((role, nodes))
            count *= len(level.made) if level else 0
        return count

    def _fill(self, role: str, nodes: int, plans: list[tuple[_Template, tuple[int, ...]]], room: int) -> None:
        made: list[tuple[int, tuple[tuple[int, int], ...]]] = []
        values: list[np.ndarray] = []
        for template, sizes in plans:
            if not self._count(template, sizes):
                continue
            number = self.templates.index(template)
            for places, found in self._computed(template, sizes):
                for i in self._fresh(role, found, is_leaf=not template.roles):
                    if len(made) >= room:
                        break
                    made.append((number, tuple((s, int(p[i])) for s, p in zip(sizes, places, strict=True))))
                    values.append(found[i])
        joined = np.stack(values) if values else np.zeros((0, len(self.rows)), np.float32)
        self.levels[role, nodes] = _Level(made, joined)

    def _computed(
        self, template: _Template, sizes: tuple[int, ...]
    ) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
        """All ways to fill a template, in chunks: numbers of what fills its holes, values `(way, row)`."""
        levels = [self.levels[r, s] for r, s in zip(template.roles, sizes, strict=True)]
        run = self._function(template.term)
        if not levels:
            yield [], np.asarray(run(self.input, ()))[None, :]
            return
        grids = np.meshgrid(*[np.arange(len(level.made)) for level in levels], indexing="ij")
        places = [g.reshape(-1) for g in grids]
        if template.symmetric and sizes[0] == sizes[1]:
            half = places[0] <= places[1]
            places = [p[half] for p in places]
        for at in range(0, len(places[0]), CHUNK):
            part = [p[at : at + CHUNK] for p in places]
            length = len(part[0])
            room = FEW if length <= FEW else CHUNK  # Two shapes: each compiles for longer than it runs.
            padded = [np.concatenate([p, np.zeros(room - length, p.dtype)]) for p in part]
            inputs = tuple(level.values[p] for level, p in zip(levels, padded, strict=True))
            yield part, np.asarray(run(self.input, inputs))[:length]

    def _function(self, term: Term) -> jax.stages.Wrapped:
        spots = holes(term)
        filled = term
        for i, (path, _) in enumerate(spots):
            filled = replace_at(filled, path, Var(f"h{i}"))
        if filled not in self.functions:
            data = data_arrays(filled, self.language, check(term, self.language, Real(1)))

            def one(row: jax.Array, parts: tuple[jax.Array, ...]) -> jax.Array:
                named = {"x": row, **{f"h{i}": p[None] for i, p in enumerate(parts)}}
                return evaluate(filled, self.language, named, {}, data)[0]

            over_rows = jax.vmap(one)
            self.functions[filled] = jax.jit(jax.vmap(over_rows, in_axes=(None, 0)) if spots else over_rows)
        return self.functions[filled]

    def _fresh(self, role: str, values: np.ndarray, *, is_leaf: bool) -> list[int]:
        """Which of these formulas are new: finite, not constant (but for numbers themselves), not seen."""
        wide = values.astype(np.float64)
        with np.errstate(all="ignore"):
            largest = np.abs(wide).max(1)
            sound = np.isfinite(largest) & (largest < WILD) & (largest > 1 / WILD)
            if not is_leaf:
                sound &= np.ptp(wide, axis=1) > 1e-5 * largest
            projected = wide @ self.mixed
            # Rounded by the size of the values themselves: a projection may be near 0 by chance.
            step = 10.0 ** (np.floor(np.log10(np.where(sound, largest, 1.0))) - DIGITS + 1)
            keys = np.round(projected / step[:, None])
        known = self.seen[role]
        fresh = []
        exponents = np.round(np.log10(step)).astype(np.int64)
        for i in np.flatnonzero(sound):
            key = keys[i].astype(np.int64).tobytes() + exponents[i].tobytes()
            if key not in known:
                known.add(key)
                fresh.append(int(i))
        return fresh

    def _result(self, nodes: int) -> Atoms:
        levels = [(n, self.levels[self.role, n]) for n in range(1, nodes + 1)]
        pairs = [
            (self._term(self.role, n, i), level.values[i])
            for n, level in levels
            for i in range(len(level.made))
        ]
        pairs = [(t, v) for t, v in pairs if not (isinstance(t, Apply) and t.name == "number")]
        values = np.stack([v for _, v in pairs]) if pairs else np.zeros((0, len(self.rows)))
        sizes = np.array([size(t) for t, _ in pairs], int)
        return Atoms(tuple(t for t, _ in pairs), sizes, values.astype(np.float64), self.rows, nodes)

    def _term(self, role: str, nodes: int, place: int) -> Term:
        if (role, nodes, place) in self.terms:
            return self.terms[role, nodes, place]
        number, parts = self.levels[role, nodes].made[place]
        template = self.templates[number]
        term = template.term
        for (path, hole), (below, i) in zip(holes(template.term), parts, strict=True):
            assert isinstance(hole, Hole)
            term = replace_at(term, path, self._term(hole.role, below, i))
        self.terms[role, nodes, place] = term
        return term


def _commutes(term: Term) -> bool:
    return (
        isinstance(term, Apply)
        and term.name in ("add", "mul")
        and all(isinstance(a, Hole) for a in term.args)
    )
