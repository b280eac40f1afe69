"""Superpositions: all fillings of a hole at once, each with a weight that training moves.

A superposition is a term like any other, so it is fitted, journalled and resumed like any other. Where
alternatives have a child of the same kind in common they share it, the n-th child of a kind of one with that
of another, and with it all its arrays (node sharing of dPads, Cui and Zhu 2021, section 3.1): a superposition
of a grammar that unrolls to trees of exponential number has one sub-term a child, evaluated once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from antiphon.errors import LanguageError
from antiphon.fitting import SlotValues
from antiphon.language import (
    Apply,
    Hole,
    Lam,
    Language,
    Real,
    Seq,
    Term,
    Type,
    Var,
    check,
    children,
    holes,
    path_name,
    replace_at,
    walk,
    with_children,
)
from antiphon.search._superposed_words import every_word, register_words

if TYPE_CHECKING:
    from antiphon.search._grammar import Grammar

DEPTH = 2  # How many productions deep a hole is unrolled.

Choices = Mapping[str, Sequence[float]]
Key = tuple[str, Type, bool]


@dataclass(frozen=True)
class Mixture:
    """A hole that becomes one of these terms without parameters.

    Attributes:
        terms: The terms.
        word: What gives the values of all of them.
        mixing: What weighs these.
        weights: Of each term, once trained.
    """

    terms: tuple[Term, ...]
    word: str
    mixing: str
    weights: tuple[float, ...] = ()

    @property
    def filling_weights(self) -> dict[Term, float]:
        """The weight of each way to fill the hole."""
        return dict(zip(self.terms, self.weights, strict=True))


@dataclass(frozen=True)
class Options:
    """A hole that becomes one of these templates, whose holes are filled by the shared children.

    Attributes:
        templates: With holes.
        filled_by: For each template the number of the child in each of its holes, in order.
        bodies: The templates over variables for the children and for what they have in common.
        common: Leaves with arrays that several of them have in common: variable, term, type.
        children: What fills the holes.
        types: Their types.
        weights: Of each template, once trained.
    """

    templates: tuple[Term, ...]
    filled_by: tuple[tuple[int, ...], ...]
    bodies: tuple[Term, ...]
    common: tuple[tuple[str, Term, Type], ...]
    children: tuple[Plan, ...]
    types: tuple[Type, ...]
    weights: tuple[float, ...] = ()

    @property
    def filling_weights(self) -> dict[Term, float]:
        """The weight of each way to fill the hole."""
        return dict(zip(self.templates, self.weights, strict=True))


Plan = Mixture | Options


class Superposition:
    """Relaxes the holes of one grammar's partial programs, and reads what training made of them.

    Args:
        grammar: The space.
        depth: How many productions deep the first open hole is unrolled; more where nothing shallower is
            complete.

    Raises:
        LanguageError: When first used, if no program is ever complete.
    """

    def __init__(self, grammar: Grammar, *, depth: int = DEPTH) -> None:
        self.grammar, self.depth = grammar, depth

    @cached_property
    def heights(self) -> dict[Key, float]:
        """How many productions the shallowest completion of each reachable kind of hole has; 0 if closed."""
        root = self.grammar.root
        below: dict[Key, list[list[Key]]] = {}
        waiting: list[Key] = [(root.role, root.type, False)]
        while waiting:
            key = waiting.pop(0)
            if key in below:
                continue
            templates = [] if self._is_closed(key) else self.grammar.fillings(Hole(key[0], key[1]))
            below[key] = [keys_of(t) for t in templates]
            waiting += [k for keys in below[key] for k in keys]
        found = {
            k: 0.0 if self._is_closed(k) and self.grammar.closure(k[0], k[1]) else math.inf for k in below
        }
        for _ in below:
            for key, templates in below.items():
                if templates:
                    found[key] = min(1 + max((found[k] for k in keys), default=0.0) for keys in templates)
        first = next(iter(found))
        if found[first] == math.inf:
            raise LanguageError(
                f"Language {self.grammar.plain.name!r} has no program of type {root.type}: "
                f"each rule for ?{root.role} leaves a hole that nothing fills for good.",
                "A rule for `output` whose holes have rules without further holes.",
            )
        return found

    def _is_closed(self, key: Key) -> bool:
        return self.grammar.is_closed_role(key[0])

    def plan(self, key: Key, depth: int | None = None) -> Plan:
        """What a kind of hole may become, unrolled."""
        if self._is_closed(key):
            mixing = "mixture_frames" if isinstance(key[1], Seq) else "mixture"
            word = every_word(list(self.heights).index(key))
            return Mixture(self.grammar.closure(key[0], key[1]), word, mixing)
        height = self.heights[key]
        depth = max(self.depth if depth is None else depth, int(height))
        numbers: dict[tuple[Key, int], int] = {}
        templates, filled_by = [], []
        for template in self.grammar.fillings(Hole(key[0], key[1])):
            keys = keys_of(template)
            if 1 + max((self.heights[k] for k in keys), default=0.0) > depth:
                continue
            times = [keys[:i].count(k) for i, k in enumerate(keys)]
            templates.append(template)
            filled_by.append(
                tuple(numbers.setdefault(place, len(numbers)) for place in zip(keys, times, strict=True))
            )
        below = tuple(self.plan(k, depth - 1) for k, _ in numbers)
        bodies, common = _share(templates, filled_by, self.grammar.plain, key[1])
        types = tuple(k[1] for k, _ in numbers)
        return Options(tuple(templates), tuple(filled_by), bodies, common, below, types)

    def plans(self, term: Term) -> list[Plan]:
        """The plan of each hole of a partial program, in order.

        Only where nothing is decided yet, the hole is unrolled: below, the next production is decided by what
        it can be at once, which spares compiling what is thrown away.
        """
        depth = None if isinstance(term, Hole) else 1
        return [self.plan(key, depth) for key in keys_of(term)]

    def next_hole(self, term: Term) -> int:
        """Which hole is decided next: the first that has holes below it, else the first.

        So the structure is known before what it reads: all ways to fill the other holes share it, and their
        superpositions are fitted as one batch.
        """
        keys = keys_of(term)
        return next((i for i, k in enumerate(keys) if not self._is_closed(k)), 0)

    def relax(self, term: Term) -> Term:
        """A partial program with a superposition in each hole."""
        for (path, _), plan in zip(holes(term), self.plans(term), strict=True):
            term = replace_at(term, path, relaxed(plan))
        return term

    def choosing(self, term: Term) -> list[str]:
        """The paths of the leaves that choose, in the relaxation of a partial program; the order is that of
        the plans: of each hole, first what its children choose, then its own."""
        return [
            path_name(path)
            for path, node in walk(self.relax(term))
            if isinstance(node, Apply) and node.name.startswith(("choice_", "mixture"))
        ]

    def weighed(self, term: Term, choices: Choices) -> list[Plan]:
        """The plans of a partial program's holes with the weights that training its relaxation gave.

        Args:
            term: The partial program.
            choices: Path of each choosing leaf of the relaxation -> weights; even where left out.
        """
        leaves = iter(self.choosing(term))
        return [_weighed(plan, choices, leaves) for plan in self.plans(term)]

    def prepare(self, slots: SlotValues) -> None:
        """Give the grammar's language the words of superpositions.

        Args:
            slots: Values over the training data, in the plain language.
        """
        most = max(len(self.grammar.fillings(Hole(k[0], k[1]))) for k in self.heights)
        mixed = {
            every_word(i): (self.grammar.closure(role, type_), scaled)
            for i, (role, type_, scaled) in enumerate(self.heights)
            if self.grammar.is_closed_role(role) and len(self.grammar.closure(role, type_)) > 1
        }
        register_words(self.grammar.language, mixed, slots, most)


def keys_of(term: Term) -> list[Key]:
    """The kind of each hole: its role, its type, and whether only affine maps read it, so that its scale
    is free."""
    return [(h.role, h.type, _is_scaled(term, path)) for path, h in holes(term)]


def _is_scaled(term: Term, path: tuple[int, ...]) -> bool:
    if not path:
        return False
    parent = next(node for at, node in walk(term) if at == path[:-1])
    match parent:
        case Apply(name="affine"):
            return True
        case Apply(name="map", args=(Lam(name=v, body=body), _)) if path[-1] == 1:
            inside = [n for _, n in walk(body)]
            reads = [n for n in inside if isinstance(n, Apply) and n.name == "affine" and n.args == (Var(v),)]
            return len(reads) == inside.count(Var(v))
    return False


# --- plans as terms -------------------------------------------------------------------------------------


def relaxed(plan: Plan) -> Term:
    """A superposition as a term; its choosing leaves come in the order of the plan, children first."""
    if isinstance(plan, Mixture):
        if len(plan.terms) == 1:
            return plan.terms[0]
        every = Apply(plan.word, (Var("x"),))
        return Apply(plan.mixing, (every, plan.terms[0]), (("alternatives", len(plan.terms)),))
    bodies = plan.bodies
    whole = bodies[0] if len(bodies) == 1 else Apply(f"choice_{len(bodies)}", bodies)
    for name, value, type_ in reversed(plan.common):
        whole = _let(name, value, type_, whole)
    for i, child in reversed(list(enumerate(plan.children))):
        whole = _let(_part(i), relaxed(child), plan.types[i], whole)
    return whole


def _part(number: int) -> str:
    return f"part{number}"


def _let(name: str, value: Term, type_: Type, body: Term) -> Term:
    vector = type_.element if isinstance(type_, Seq) else type_
    assert isinstance(vector, Real)
    assert isinstance(vector.size, int)
    word = "share_frames" if isinstance(type_, Seq) else "share"
    return Apply(word, (value, Lam(name, body)), (("entries", vector.size),))


def _with_parts(template: Term, numbers: Sequence[int]) -> Term:
    for (path, _), number in zip(holes(template), numbers, strict=True):
        template = replace_at(template, path, Var(_part(number)))
    return template


def _share(
    templates: Sequence[Term], filled_by: Sequence[Sequence[int]], language: Language, type_: Type
) -> tuple[tuple[Term, ...], tuple[tuple[str, Term, Type], ...]]:
    """Alternatives over their parts, and the leaves with arrays that several of them have in common."""
    bodies = [_with_parts(t, numbers) for t, numbers in zip(templates, filled_by, strict=True)]
    types: dict[Term, Type] = {}
    for template, body in zip(templates, bodies, strict=True):
        typing = check(template, language, type_)
        types.update({node: typing[path] for path, node in walk(body)})
    common: list[tuple[str, Term, Type]] = []
    free = {"x"}.union(_part(n) for numbers in filled_by for n in numbers)
    while True:
        counts: dict[Term, list[int]] = {}
        for number, body in enumerate(bodies):
            for node in _units(body, language, free):
                counts.setdefault(node, []).append(number)
        # Said twice by one alternative it has two sets of arrays there.
        several = [n for n, where in counts.items() if len(where) > 1 and len(set(where)) == len(where)]
        if not several:
            return tuple(bodies), tuple(common)
        name = f"common{len(common)}"
        common.append((name, several[0], types[several[0]]))
        bodies = [_replaced(body, several[0], Var(name)) for body in bodies]


def _units(term: Term, language: Language, free: set[str]) -> Iterator[Term]:
    """The smallest sub-terms with arrays that can be said outside, where only the variables `free` are."""
    inner = [unit for c in children(term) for unit in _units(c, language, free)]
    has_arrays = any(isinstance(n, Apply) and language[n.name].parameters for _, n in walk(term))
    if not inner and has_arrays and isinstance(term, Apply) and _unbound(term) <= free:
        yield term
    yield from inner


def _unbound(term: Term) -> set[str]:
    match term:
        case Var(name=name):
            return {name}
        case Lam(name=name, body=body):
            return _unbound(body) - {name}
    return set().union(*map(_unbound, children(term)))


def _replaced(term: Term, old: Term, new: Term) -> Term:
    if term == old:
        return new
    return with_children(term, tuple(_replaced(c, old, new) for c in children(term)))


# --- plans with weights ---------------------------------------------------------------------------------


def _weighed(plan: Plan, choices: Choices, leaves: Iterator[str]) -> Plan:
    if isinstance(plan, Mixture):
        return replace(plan, weights=_read(len(plan.terms), choices, leaves))
    below = tuple(_weighed(child, choices, leaves) for child in plan.children)
    return replace(plan, children=below, weights=_read(len(plan.templates), choices, leaves))


def _read(count: int, choices: Choices, leaves: Iterator[str]) -> tuple[float, ...]:
    even = (1.0 / count,) * count
    return even if count == 1 else tuple(choices.get(next(leaves), even))


def completions(plan: Plan, count: int) -> list[tuple[float, Term]]:
    """The most probable fillings without holes: logarithm of the product of their weights, and the term."""
    if isinstance(plan, Mixture):
        ranked = sorted(zip(map(_log, plan.weights), plan.terms, strict=True), key=lambda one: -one[0])
        return ranked[:count]
    below = [completions(child, count) for child in plan.children]
    found: list[tuple[float, Term]] = []
    for template, numbers, weight in zip(plan.templates, plan.filled_by, plan.weights, strict=True):
        ways = filled(template, [below[n] for n in numbers], count)
        found += [(_log(weight) + by, term) for by, term in ways]
    return sorted(found, key=lambda one: -one[0])[:count]


def filled(term: Term, ways: Sequence[list[tuple[float, Term]]], count: int) -> list[tuple[float, Term]]:
    """The most probable ways to fill all holes of a term, each from its own list."""
    found: list[tuple[float, Term]] = [(0.0, term)]
    for way in ways:
        joined = [
            (before + by, replace_at(grown, holes(grown)[0][0], part))
            for before, grown in found
            for by, part in way
        ]
        found = sorted(joined, key=lambda one: -one[0])[:count]
    return found


def _log(weight: float) -> float:
    return math.log(max(weight, 1e-30))
