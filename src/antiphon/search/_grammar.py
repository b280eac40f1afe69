"""Partial programs: which terms a hole may become, and what stands in for a hole."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from antiphon.errors import LanguageError
from antiphon.fitting import SlotValues, fill_hole, text_of, with_modules
from antiphon.language import (
    Apply,
    Hole,
    Lam,
    Language,
    Path,
    Real,
    Rule,
    Seq,
    Term,
    Type,
    Var,
    canonical,
    check,
    check_in,
    children,
    data_arrays,
    evaluate,
    holes,
    inline,
    parse_term,
    replace_at,
    size,
    walk,
    with_children,
)
from antiphon.search._atoms import Atoms, build_atoms
from antiphon.search._superposition import Superposition

ENTRIES = 48  # Components of all summaries that a relaxation reads.
ATOMS = 200  # Of formulas without constants, how many of the smallest may fill a hole.
SUMMARY_SIZE = 4  # Nodes of the largest summary that fills a hole; deeper ones grow by the user's own rules.


class Grammar:
    """The space of programs of one language and one output type.

    A hole of the roles `summary` and `stream` is filled in one step by a whole sub-term: these have no
    parameters, so all ways to fill it share a skeleton and are fitted together.

    Args:
        language: Bound to features.
        output_type: The type of whole programs.
        size_limit: Most nodes of a program.
        relaxation: As in `Settings`.
    """

    def __init__(
        self, language: Language, output_type: Type, *, size_limit: int = 20, relaxation: str = "summaries"
    ) -> None:
        self.plain = language
        self.output_type = output_type
        self.size_limit = size_limit
        self.relaxation = relaxation
        self.atoms: Atoms | None = None
        self.targets: Float[np.ndarray, " case"] | None = None
        self._closures: dict[tuple[str, Type, int], tuple[Term, ...]] = {}
        self._by_role: dict[tuple[str, Type], tuple[Term, ...]] = {}
        self.language = with_modules(language)
        self.superposition = Superposition(self)

    @property
    def root(self) -> Hole:
        """The program of which nothing is known."""
        return Hole("output", self.output_type)

    def closure(self, role: str, type_: Type, limit: int = SUMMARY_SIZE) -> tuple[Term, ...]:
        """Every term without parameters that a hole of a role may become, smallest first."""
        if role == "atom" and self.atoms is not None:
            return self.atoms.terms[:ATOMS] if type_ == Real(1) else ()
        key = (role, type_, limit)
        if key in self._closures:
            return self._closures[key]
        found: dict[Term, None] = {}
        if limit >= 1 and self.plain.input_type == type_:
            found[Var("x")] = None
        for rule in self.plain.rules:
            if rule.role != role:
                continue
            template = parse_template(rule, self.plain, type_)
            if template is None:
                continue
            inner = holes(template)
            room = limit - (size(template) - len(inner))
            choices = [self.closure(h.role, h.type, room - len(inner) + 1) for _, h in inner]
            for chosen in itertools.product(*choices):
                term = template
                for (path, _), part in zip(inner, chosen, strict=True):
                    term = replace_at(term, path, part)
                if size(term) <= limit and not self._has_parameters(term):
                    found[canonical(term, self.plain)] = None
        # A word for what can be said without it is a second name for one thing.
        new = [
            t
            for t in found
            if (meant := inline(t, self.plain)) == t or canonical(meant, self.plain) not in found
        ]
        ordered = tuple(sorted(new, key=lambda t: (size(t), text_of(t, self.plain))))
        self._closures[key] = ordered
        return ordered

    def _has_parameters(self, term: Term) -> bool:
        return any(isinstance(n, Apply) and self.plain[n.name].parameters for _, n in walk(term))

    def is_closed_role(self, role: str) -> bool:
        """Whether holes of a role are filled at once, by terms without parameters."""
        return role.split("_")[0] in ("summary", "stream", "atom")

    def expand(self, term: Term) -> list[Term]:
        """All ways to fill the first hole of a partial program, canonical and without repeats."""
        path, hole = holes(term)[0]
        found: dict[Term, None] = {}
        for filling in self.fillings(hole):
            grown = canonical(replace_at(term, path, filling), self.plain)
            if self.least_size(grown) <= self.size_limit:
                found[grown] = None
        return list(found)

    def fillings(self, hole: Hole) -> tuple[Term, ...]:
        """What a hole may become in one step: whole sub-terms without parameters, or templates with holes."""
        if self.is_closed_role(hole.role):
            return self.closure(hole.role, hole.type)
        return self._templates(hole.role, hole.type)

    def _templates(self, role: str, type_: Type) -> tuple[Term, ...]:
        key = (role, type_)
        if key not in self._by_role:
            rules = (r for r in self.plain.rules if r.role == role and r.type in (None, type_))
            templates = (parse_template(r, self.plain, type_) for r in rules)
            self._by_role[key] = tuple(self._without_choice(t) for t in templates if t is not None)
        return self._by_role[key]

    def _without_choice(self, template: Term) -> Term:
        """A template whose holes that only one sub-term can fill are filled."""
        for path, hole in holes(template):
            if self.is_closed_role(hole.role) and len(only := self.closure(hole.role, hole.type)) == 1:
                template = replace_at(template, path, only[0])
        return template

    def grow(self, program: Term | None, *, by_words: bool = False) -> list[Term]:
        """All complete programs one construct larger than a complete one.

        Every rule that has an `?output` hole takes the program in it (in all, where it has several), and its
        other holes become the same sub-term, any there is. Without a program: the rules that need none.

        Args:
            program: Of the grammar's output type, or `None` to begin.
            by_words: Only by rules that say a word of a library.
        """
        found: dict[Term, None] = {}
        for template in self._templates("output", self.output_type):
            if by_words and not self._says_word(template):
                continue
            inner = [h for _, h in holes(template)]
            if (program is None) == any(h.role == "output" for h in inner):
                continue
            for grown in self._completions(template, program):
                small = canonical(grown, self.plain)
                if size(small) <= self.size_limit and small != program:
                    found[small] = None
        return list(found)

    def _says_word(self, term: Term) -> bool:
        """Whether a word of a library is in a term."""
        return any(isinstance(n, Apply) and self.plain[n.name].definition is not None for _, n in walk(term))

    def _completions(self, template: Term, program: Term | None) -> list[Term]:
        """Fill a template's holes: `output` by a program, the others by one common sub-term each time."""
        for path, hole in holes(template):
            if hole.role == "output":
                assert program is not None
                return self._completions(replace_at(template, path, program), program)
        opened = dict.fromkeys(h for _, h in holes(template) if not self.is_closed_role(h.role))
        if not opened:
            return self._closed(template)
        first = next(iter(opened))
        templates = self._templates(first.role, first.type)
        # One construct at a time: what would open a further choice is taken only where nothing else is.
        whole = [t for t in templates if all(self.is_closed_role(h.role) for _, h in holes(t))]
        found = []
        for filling in whole or templates[:1]:
            term = template
            for path, hole in holes(template):
                if hole == first:
                    term = replace_at(term, path, filling)
            found += self._completions(term, program)
        return found

    def _closed(self, term: Term) -> list[Term]:
        """Fill holes that take sub-terms without parameters, those of one kind by the same each time."""
        kinds = {(h.role, h.type) for _, h in holes(term)}
        if not kinds:
            return [term]
        filled = []
        for chosen in itertools.product(
            *[self.closure(role, type_) for role, type_ in sorted(kinds, key=str)]
        ):
            one = term
            by_kind = dict(zip(sorted(kinds, key=str), chosen, strict=True))
            for path, hole in holes(term):
                one = replace_at(one, path, by_kind[(hole.role, hole.type)])
            filled.append(one)
        return filled

    def swap(self, program: Term) -> list[Term]:
        """All programs that differ from a complete one in a single sub-term without parameters."""
        found: dict[Term, None] = {}
        typing = check(program, self.plain, self.output_type)

        def visit(node: Term, path: Path) -> None:
            role = "summary" if isinstance(typing[path], Real) else "stream_frames"
            role = "atom" if self.atoms is not None else role
            if isinstance(node, Apply | Var) and node in self.closure(role, typing[path]):
                for other in self.closure(role, typing[path]):
                    swapped = canonical(replace_at(program, path, other), self.plain)
                    if swapped != program and size(swapped) <= self.size_limit:
                        found[swapped] = None
                return
            # A word of a library was fitted on the input itself.
            is_word = isinstance(node, Apply) and self.plain[node.name].definition is not None
            for i, child in enumerate(children(node)):
                if not (is_word and child == Var("x")):
                    visit(child, (*path, i))

        visit(program, ())
        return list(found)

    def least_size(self, term: Term) -> int:
        """The size of a partial program's smallest completion, or less: a hole takes an affine map of a
        summary, a summary, the input, or the smallest that the language's own rules say."""
        least = {"summary": 1, "stream": 1} if self.plain.is_table else {"summary": 2, "stream": 1}
        other = 1 if self.atoms is not None else least["summary"] + 1

        def least_of(hole: Hole) -> int:
            known = least.get(hole.role.split("_")[0])
            if known is not None:
                return known
            return min([other, *map(size, self._templates(hole.role, hole.type))])

        return size(term) + sum(least_of(h) - 1 for _, h in holes(term))

    def relax(self, term: Term) -> Term:
        """A partial program with what stands in for it in each hole."""
        if self.relaxation == "superposition":
            return self.superposition.relax(term)
        for path, hole in holes(term):
            term = replace_at(term, path, self._module(hole))
        return term

    def stage(self, term: Term) -> str:
        """How a term is fitted: the stage of its `Job`."""
        if not holes(term):
            return "search"
        return "superposed" if self.relaxation == "superposition" else "relaxed"

    def _module(self, hole: Hole) -> Term:
        if self.relaxation == "recurrent" or self.plain.is_table:
            return fill_hole(hole, {"x": self.plain.input_type})
        mlp = Apply("mlp", (Var("v"),), (("hidden", 16),))
        if isinstance(hole.type, Seq):
            body = (
                mlp
                if hole.role == "output"
                else Apply("mlp_to", (Var("v"),), (*mlp.config, ("entries", _width(hole.type))))
            )
            return Apply("map", (Lam("v", body), Apply("every_stream", (Var("x"),), (("entries", ENTRIES),))))
        wide = Apply("every_summary", (Var("x"),), (("entries", ENTRIES),))
        if hole.role.startswith("summary"):
            return Apply("mlp_to", (wide,), (*mlp.config, ("entries", _width(hole.type))))
        return with_children(mlp, (wide,))

    def prepare(self, slots: SlotValues, targets: Float[np.ndarray, " case"] | None = None) -> None:
        """Make what stands in for holes.

        A perceptron reads every summary (or stream) that the language can say. They are standardised,
        clipped at five deviations and brought to their first principal components, so that a relaxation
        costs little more than a program.

        Args:
            slots: Values over the training data, in the plain language.
            targets: The numbers to predict, in their own units, where that is the task.
        """
        if self.plain.is_table and any(r.role == "atom" for r in self.plain.rules):
            self.targets = targets
            self.atoms = build_atoms(self.plain, np.asarray(slots.input))
        if self.relaxation == "superposition":
            self.superposition.prepare(slots)
        if self.relaxation != "summaries" or self.plain.is_table:
            return
        frame = self.plain.frame_type
        streams = dict.fromkeys(
            [*self.closure("stream", Seq(frame)), *self.closure("stream_frames", Seq(frame))]
        )
        wanted = [("every_stream", "Seq[Real[entries]]", tuple(streams))]
        if not isinstance(self.output_type, Seq):
            # Where frames are only steps on the way, one stream leaves no choice and its hole is never open.
            wanted = wanted if len(self.closure("stream", Seq(frame))) > 1 else []
            wanted.append(("every_summary", "Real[entries]", self.closure("summary", frame)))
        for name, result, terms in wanted:
            self.language.primitive(
                f"Seq[Real[n]] -> {result}", name=name, config={"entries": (ENTRIES,)}, searched=False
            )(_reader(terms, slots))


def _width(type_: Type) -> int:
    vector = type_.element if isinstance(type_, Seq) else type_
    assert isinstance(vector, Real)
    assert isinstance(vector.size, int)
    return vector.size


def _reader(terms: tuple[Term, ...], slots: SlotValues) -> Callable[..., Any]:
    """The components of all terms side by side, as the implementation of a primitive."""
    language = slots.language
    statistics = [slots.location_and_scale(t) for t in terms]
    shift = np.concatenate([s[0] for s in statistics])
    scale = np.concatenate([s[1] for s in statistics])
    mask = np.asarray(slots.input[1])
    picked = np.random.default_rng(0).permutation(int(mask.sum()))[:5000]

    def sample(value: Any) -> np.ndarray:
        # Of frames only some, taken at once: all streams in full are too much to hold.
        return np.asarray(value[0])[mask][picked] if isinstance(value, tuple) else np.asarray(value)

    values = [sample(slots[t]) for t in terms]
    # What overflows is no reason to give up all the rest.
    wide = np.nan_to_num(np.concatenate(values, axis=1), nan=0.0)
    rows = np.clip((wide.astype(np.float64) - shift) / scale, -5, 5)
    _, strengths, directions = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    basis = np.zeros((len(shift), ENTRIES), np.float32)
    kept = min(ENTRIES, len(directions))
    # Whitened: small components may matter as much as large ones.
    weight = np.sqrt(len(rows)) / np.maximum(strengths[:kept], 1e-3 * strengths[0] + 1e-9)
    basis[:, :kept] = (directions[:kept] * weight[:, None]).T

    def read(frames: Any, mask: Any, *, entries: int) -> Any:
        found = [evaluate(t, language, {"x": (frames, mask)}, {}, {}) for t in terms]
        if isinstance(found[0], tuple):
            wide = jnp.nan_to_num(jnp.concatenate([f[0] for f in found], axis=1))
            return jnp.clip((wide - shift[None, :]) / scale[None, :], -5.0, 5.0) @ basis
        return jnp.clip((jnp.nan_to_num(jnp.concatenate(found)) - shift) / scale, -5.0, 5.0) @ basis

    return read


def parse_template(rule: Rule, language: Language, type_: Type) -> Term | None:
    """A rule's template as a term whose holes have types; `None` where it cannot have this type."""
    scope = {"x": language.input_type, **rule.scope(type_, language.frame_type)}
    try:
        # What is still to be trained is trained leaf by leaf: such a word is only a short way to say it.
        read = parse_term(rule.template, language, type_, scope=scope)
        term = inline(read, language, sketches_only=True)
        typing = check_in(term, language, type_, scope)
        data_arrays(term, language, typing)  # Its constants may mean nothing for these features.
    except LanguageError:
        return None
    for path, hole in holes(term):
        term = replace_at(term, path, Hole(hole.role, typing[path]))
    return term
