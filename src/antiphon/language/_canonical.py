"""One term for all that are equal by algebra, so that a search meets each function once.

Two terms without free arrays are equal if they have the same value on every input. Two sketches are equal if
they can become the same functions, whatever arrays they get: `affine(s) + affine(s)` is `affine(s)`, as sums
of affine maps are affine maps, but a product of two is more than one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

from antiphon.language._affine import composed
from antiphon.language._frames import averaged, framewise
from antiphon.language._functions import has_function, named_by_depth
from antiphon.language._language import Language
from antiphon.language._laws import Equation, laws_of
from antiphon.language._matching import Facts, Found, Matcher
from antiphon.language._sums import one_affine, one_framewise, one_linear, variables
from antiphon.language._terms import Apply, Config, Hole, Lam, Parameters, Term, Var
from antiphon.language._types import is_known

KEPT = 50_000  # Sub-terms that are remembered; then all are forgotten.


def canonical(term: Term, language: Language) -> Term:
    """The one term for all that are equal to this one by the laws and equations of a language.

    It is never larger, has the same type, and is its own canonical form. Operands whose order does not count
    are sorted, those with holes last; bound variables are named `v`, `v1` and so on from the inside (those
    that rules of the language speak of keep their names). What is done to a partial program holds for
    everything that its holes may become. Arrays are never changed.

    Args:
        term: A sketch or a program, possibly with holes.
        language: Of the term.

    Example:
        >>> from antiphon.language import Real, parse_term, print_term, sequence
        >>> bound = sequence.bind({"speed": "cm/s", "angle": "rad"})
        >>> text = "affine(mean(x)) + affine(last(prefix_max(x))) + affine[angle](mean(x))"
        >>> print_term(canonical(parse_term(text, bound, Real(1)), bound), bound, {})
        'affine(max(x)) + affine(mean(x))'
    """
    known = _MADE.get(language)
    if known is None or known.version != (language.words_version, language.equations):
        known = _MADE[language] = Canonicaliser(language)
    return known.of(term)


class Canonicaliser:
    """The canonical forms of one language, with a memory of sub-terms."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.version = (language.words_version, language.equations)
        self.laws = {name: laws_of(word) for name, word in language.primitives.items()}
        self.unordered = {n: True for n, laws in self.laws.items() if "commutative" in laws}
        self.equations: dict[str, list[Equation]] = {}
        for equation in language.equations:
            self.equations.setdefault(equation.left.name, []).append(equation)
        self.matcher = Matcher(
            language, self.unordered, lambda t, parts: self.join(t.name, t.config, list(parts))
        )
        # Word -> the sizes in its result, each with the arguments that say it.
        self.sources: dict[str, list[tuple[str, list[int]]]] = {}
        self.memory: dict[object, Facts] = {}

    def of(self, term: Term) -> Term:
        if len(self.memory) > KEPT:
            self.memory.clear()
        if not has_function(term):
            return self.facts(term).term
        while True:
            named = named_by_depth(term, self.language.kept_names)
            found = self.facts(named).term
            if found in (term, named):
                return found
            term = found

    def facts(self, term: Term) -> Facts:
        """The canonical form of a term, with what is known of it."""
        match term:
            case Apply(name=name, args=args, config=config, parameters=arrays):
                if self.is_unordered_sum(name):
                    return self.join(name, config, [self.facts(part) for part in _flat(term)])
                return self.apply(name, config, arrays, tuple([self.facts(a) for a in args]))
            case Lam(name=name, body=body):
                return self.function(name, self.facts(body))
            case Var(name=name):
                return self._leaf(term, name, is_open=False)
            case Hole(role=role, type=type_):
                return self._leaf(term, f"?{role}:{type_!r}", is_open=not is_known(type_))

    def is_unordered_sum(self, name: str) -> bool:
        laws = self.laws.get(name, frozenset())
        return "commutative" in laws and "associative" in laws

    def _leaf(self, term: Term, text: str, *, is_open: bool) -> Facts:
        found = self.memory.get(text)
        if found is None:
            is_hole = isinstance(term, Hole)
            found = Facts(term, text, (), (), is_hole, not is_hole, False, is_open, 1)
            self.memory[text] = found
        return found

    def function(self, name: str, body: Facts) -> Facts:
        term = Lam(name, body.term)
        text = f"{name}->{body.text}"
        return Facts(
            term, text, (body,), (), body.has_holes, body.is_settled, False, body.is_open, body.size + 1
        )

    # --- one word -------------------------------------------------------------------------------------------

    def apply(self, name: str, config: Config, arrays: Parameters | None, below: tuple[Facts, ...]) -> Facts:
        """The canonical form of a word over canonical arguments."""
        if arrays is None and self.is_unordered_sum(name):
            return self.join(name, config, list(below))
        key = (name, config, arrays, *[b.text for b in below])
        found = self.memory.get(key)
        if found is None:
            found = self._simpler(name, config, arrays, below)
            if found is None or (found.is_open and not self._is_open(name, config, arrays, below)):
                node = self._node(name, config, arrays, below)
                found = self._by_equation(node)
                if found is None or (found.is_open and not node.is_open):
                    found = node
            self.memory[key] = found
        return found

    def _is_open(
        self, name: str, config: Config, arrays: Parameters | None, below: tuple[Facts, ...]
    ) -> bool:
        """Whether a word's result has a size that neither its constants, arrays nor arguments say."""
        if arrays is not None:
            return False
        if name not in self.sources:
            signature = self.language[name].signature
            said = [variables(a) for a in signature.arguments]
            self.sources[name] = [
                (size, [i for i, names in enumerate(said) if size in names])
                for size in sorted(variables(signature.result))
            ]
        return any(
            all(below[i].is_open for i in places) and all(size != key for key, _ in config)
            for size, places in self.sources[name]
        )

    def _node(self, name: str, config: Config, arrays: Parameters | None, below: tuple[Facts, ...]) -> Facts:
        if self.unordered.get(name) and _place(below[1]) < _place(below[0]):
            below = below[::-1]
        word = self.language[name]
        settled = arrays is not None or not word.parameters
        return Facts(
            Apply(name, tuple([b.term for b in below]), config, arrays),
            _head(name, config, arrays) + "(" + ",".join([b.text for b in below]) + ")",
            below,
            (),
            any(b.has_holes for b in below),
            settled and all(b.is_settled for b in below),
            settled and all(b.is_constant for b in below),
            self._is_open(name, config, arrays, below),
            1 + sum(b.size for b in below),
        )

    def _simpler(
        self, name: str, config: Config, arrays: Parameters | None, below: tuple[Facts, ...]
    ) -> Facts | None:
        """What the laws make of a word over its arguments, where they make anything."""
        laws = self.laws.get(name, frozenset())
        if not laws:
            return None
        inner = below[-1] if below else None
        same = (
            inner is not None
            and isinstance(inner.term, Apply)
            and (inner.term.name, inner.term.config, inner.term.parameters) == (name, config, arrays)
        )
        if len(below) == 2 and inner is not None:
            if "idempotent" in laws and inner.is_settled and inner.text == below[0].text:
                return inner
            if "associative" in laws and same:
                left = self.apply(name, config, arrays, (below[0], inner.below[0]))
                return self.apply(name, config, arrays, (left, inner.below[1]))
            if "framewise" in laws:
                return framewise(self, name, config, below)
            return None
        if inner is None or not isinstance(inner.term, Apply):
            return None
        if same and "involution" in laws:
            return inner.below[0]
        if same and "idempotent" in laws:
            return inner
        if "affine" in laws and arrays is None:
            return self._affine(name, config, inner)
        if {"linear", "involution"} <= laws and self.is_free_affine(inner):
            return inner
        if "average" in laws and "framewise" in self.laws.get(inner.term.name, ()):
            return averaged(self, name, config, inner)
        return None

    def is_free_affine(self, facts: Facts) -> bool:
        """Whether a term is an affine map that is still to be fitted."""
        term = facts.term
        return (
            isinstance(term, Apply) and term.parameters is None and "affine" in self.laws.get(term.name, ())
        )

    def _affine(self, name: str, config: Config, inner: Facts) -> Facts | None:
        """A free affine map of what another map only shifts, turns or maps on."""
        term = inner.term
        assert isinstance(term, Apply)
        if self.is_free_affine(inner) and inner.below:
            joined = composed(Apply(name, (term,), config), self.language)
            return None if joined is None else self.apply(name, joined, None, inner.below)
        everything = dict(config).get("group", "all") == "all"
        laws = self.laws.get(term.name, frozenset())
        if everything and {"linear", "involution"} <= laws:
            return self.apply(name, config, None, inner.below)
        if "addition" in laws:
            kept = [part for part in inner.operands if not part.is_constant]
            if 0 < len(kept) < len(inner.operands):
                return self.apply(name, config, None, (self.join(term.name, term.config, kept),))
        return None

    # --- words whose operands have no order -----------------------------------------------------------------

    def join(self, name: str, config: Config, operands: list[Facts]) -> Facts:
        """The canonical form of several operands under a word that is commutative and associative."""
        flat: list[Facts] = []
        for part in operands:
            same = part.operands and isinstance(part.term, Apply) and part.term.name == name
            flat.extend(part.operands if same else (part,))
        flat.sort(key=_place)
        if len(flat) == 1:
            return flat[0]
        key = (name, config, *[part.text for part in flat])
        found = self.memory.get(key)
        if found is None:
            fewer = self._fewer(name, config, flat)
            found = None if fewer is None else self.join(name, config, fewer)
            if found is None or (found.is_open and not all(p.is_open for p in flat)):
                found = self._sum(name, config, flat)
            self.memory[key] = found
        return found

    def _sum(self, name: str, config: Config, parts: list[Facts]) -> Facts:
        joined = parts[0].term
        for part in parts[1:]:
            joined = Apply(name, (joined, part.term), config)
        text = _head(name, config, None) + "(" + ",".join([p.text for p in parts]) + ")"
        return Facts(
            joined,
            text,
            (),
            tuple(parts),
            parts[-1].has_holes,
            all(p.is_settled for p in parts),
            all(p.is_constant for p in parts),
            all(p.is_open for p in parts),
            len(parts) - 1 + sum(p.size for p in parts),
        )

    def _fewer(self, name: str, config: Config, parts: list[Facts]) -> list[Facts] | None:
        """Fewer or simpler operands that are equal to these; `None` where there are none."""
        laws = self.laws[name]
        if "idempotent" in laws and (kept := _once(parts)) is not None:
            return kept
        if "addition" in laws:
            for rule in (one_linear, one_framewise, one_affine):
                if (kept := rule(self, name, config, parts)) is not None:
                    return kept
        for equation in self.equations.get(name, ()):
            if not set(equation.left.config) <= set(config):
                continue
            for found, left in self.matcher.among(equation.left, tuple(parts)):
                constants = {**found.constants, **{(name, k): v for k, v in config}}
                return [*left, self._build(equation.right, Found(found.holes, constants))]
        return None

    # --- equations ------------------------------------------------------------------------------------------

    def _by_equation(self, facts: Facts) -> Facts | None:
        term = facts.term
        assert isinstance(term, Apply)
        for equation in self.equations.get(term.name, ()):
            for found in self.matcher.match(equation.left, facts):
                return self._build(equation.right, found)
        return None

    def _build(self, template: Term, found: Found) -> Facts:
        """One side of an equation with what the other side found in its holes."""
        if isinstance(template, Hole):
            return found.holes[template.role]
        assert isinstance(template, Apply)
        given = dict(template.config)
        keys = self.language[template.name].config
        config = tuple((k, given[k] if k in given else found.constants[(template.name, k)]) for k in keys)
        below = tuple([self._build(a, found) for a in template.args])
        return self.apply(template.name, config, None, below)


_MADE: WeakKeyDictionary[Language, Canonicaliser] = WeakKeyDictionary()


def _head(name: str, config: Config, arrays: Parameters | None) -> str:
    text = name
    if config:
        text += "[" + ",".join([f"{k}={v!r}" for k, v in config]) + "]"
    if arrays is not None:
        text += "{" + ",".join([f"{k}{a.shape}{a.dtype}{a.tobytes().hex()}" for k, a in arrays.items()]) + "}"
    return text


def _place(facts: Facts) -> tuple[bool, str]:
    return facts.has_holes, facts.text


def _flat(term: Apply) -> list[Term]:
    """The operands of nested words of one name, left to right."""
    return [
        part
        for a in term.args
        for part in (
            _flat(a) if isinstance(a, Apply) and (a.name, a.config) == (term.name, term.config) else (a,)
        )
    ]


def _once(parts: Iterable[Facts]) -> list[Facts] | None:
    kept: dict[object, Facts] = {}
    count = 0
    for i, part in enumerate(parts):
        kept.setdefault(part.text if part.is_settled else i, part)
        count += 1
    return list(kept.values()) if len(kept) < count else None
