"""Shapes that programs have in common, as new words: abstraction learning.

After DreamCoder (Ellis et al. 2021), which searches for the words that make the programs found so far
shortest, by the algorithm of Stitch (Bowers et al. 2023) in its own implementation, `stitch-core`. Programs
go in as sketches, without their numbers: s-expressions in which a primitive with its constants is one symbol
and variables bound by a lambda are de Bruijn indices. What comes out is kept where the language can place it:
its type follows from the places where it was found, its role and those of its arguments from the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from antiphon.errors import InputError
from antiphon.language import (
    Hole,
    Language,
    Path,
    Real,
    Rule,
    Seq,
    Term,
    Type,
    Typing,
    check,
    define,
    free_variables,
    parse_term,
    print_term,
    put_in,
    sketch,
    walk,
)
from antiphon.search._modules import copied
from antiphon.search._places import Places, match
from antiphon.search._symbols import Symbols, named

OUT = "m"  # The size of an output, which every task has its own.


@dataclass(frozen=True)
class Abstraction:
    """A shape that programs of several tasks have in common.

    Attributes:
        name: Its word.
        role: Where it may stand: `output`, `condition`, or a role of summaries or streams.
        arguments: Variables of its text besides `x` -> the roles of what fills them.
        text: The shape: a sketch over `x` and its arguments.
        is_frames: Whether outputs are frames (tagging).
        tasks: Where it was found.
    """

    name: str
    role: str
    arguments: tuple[tuple[str, str], ...]
    text: str
    is_frames: bool
    tasks: tuple[str, ...]

    def __str__(self) -> str:
        variables = "".join(f", {name}: {role}" for name, role in self.arguments)
        return f"{self.name}(x{variables}) : {self.role}   # shared by {', '.join(self.tasks)}\n  {self.text}"

    @property
    def call(self) -> str:
        """How a rule says it."""
        return f"{self.name}({', '.join(['x', *(f'?{role}' for _, role in self.arguments)])})"

    def put_in(self, language: Language) -> list[Rule]:
        """Define its word in a language; the rules for it, none where the language cannot say it.

        Args:
            language: Gets the word.
        """
        types = {"x": language.input_type}
        types |= {name: self._type(role, language) for name, role in self.arguments}
        result = self._type(self.role, language)
        known = {name: _known(type_) for name, type_ in types.items()}
        try:
            body = parse_term(self.text, language, _known(result), scope=known)
        except ValueError:  # Its features, groups or words are not here.
            return []
        define(language, self.name, types, body, result)
        rules = [Rule(self.role, self.call)]
        if self.role == "output" and "output" not in dict(self.arguments).values():
            rules.append(Rule(self.role, f"{self.call} + ?output"))
        return rules

    def _type(self, role: str, language: Language) -> Type:
        match role.split("_")[0]:
            case "summary":
                return language.frame_type
            case "stream":
                return Seq(language.frame_type)
            case "output":
                return Seq(Real(OUT)) if self.is_frames else Real(OUT)
        return Real(1)


def _known(type_: Type) -> Type:
    match type_:
        case Real(size=str()):
            return Real(1)
        case Seq(element=element):
            return Seq(_known(element))
    return type_


def learn_abstractions(
    programs: Sequence[tuple[str, Term, Language, Type]],
    *,
    most: int = 8,
    arity: int = 2,
    taken: Sequence[str] = (),
) -> list[Abstraction]:
    """The shapes that make programs of several tasks shortest when each is said as one word.

    Args:
        programs: Task, term (its arrays are left out), its language and its type. Several programs of one
            task are alternatives: the task counts as its shortest.
        most: How many shapes are looked for.
        arity: Most arguments of one.
        taken: Words that are in use.

    Raises:
        InputError: If `stitch-core` is not installed.

    Example:
        >>> from antiphon.language import sequence
        >>> bound = sequence.bind({"speed": "cm/s"})
        >>> def sketch_of(text):
        ...     return parse_term(text, bound, Real(1))
        >>> shared = "affine(middle(window_mean[width=5, look=centred](delta(x))))"
        >>> texts = {"run": f"affine(mean(x)) + {shared}", "jump": f"affine(max(x)) + {shared}"}
        >>> programs = [(task, sketch_of(text), bound, Real(1)) for task, text in texts.items()]
        >>> print(learn_abstractions(programs)[0])
        shape_1(x, a0: summary) : output   # shared by run, jump
          affine(a0) + affine(middle(window_mean[width=5, look=centred](delta(x))))
    """
    if len({task for task, *_ in programs}) < 2:
        return []
    symbols = Symbols()
    shown = [
        # Typed with its arrays: the size of a map of a map is theirs alone to say.
        _Shown(task, named(sketch(term)), language, type_, check(term, language, type_))
        for task, term, language, type_ in programs
    ]
    found = _compress([symbols.write(p.term) for p in shown], [p.task for p in shown], most, arity)
    kept: list[Abstraction] = []
    bodies: dict[str, Term | None] = {}
    places: dict[tuple, Places] = {}
    words = [*taken, *(word for p in shown for word in p.language.primitives)]
    for number, (name, text) in enumerate(found, 1):
        bodies[name] = body = symbols.read(text, bodies)
        word = f"shape_{number}"
        while word in words:
            word += "_"
        shape = None if body is None else _placed(word, body, shown, places)
        if shape is not None:
            words.append(word)
            kept.append(shape)
    return kept


def _compress(programs: list[str], tasks: list[str], most: int, arity: int) -> list[tuple[str, str]]:
    try:
        from stitch_core import compress
    except ImportError as error:
        raise InputError(
            "Abstractions are to be learned, but stitch-core is not installed.",
            "The package stitch-core.",
            "Run: pip install 'antiphon[library]', or leave abstractions out.",
        ) from error
    result = compress(
        programs,
        iterations=most,
        max_arity=arity,
        tasks=tasks,
        no_curried_bodies=True,
        no_curried_metavars=True,
    )
    return [(a.name, a.body) for a in result.abstractions]


@dataclass(frozen=True)
class _Shown:
    """One program that shapes are learned from."""

    task: str
    term: Term
    language: Language
    type: Type
    typing: Typing


def _placed(
    word: str, body: Term, programs: Sequence[_Shown], known: dict[tuple, Places]
) -> Abstraction | None:
    """A shape with its role and those of its arguments, from every place where a search could say it.

    `None` where these do not agree, where only one task has it, or where one rule says it already.
    """
    variables = sorted(v for v in free_variables(body) if v != "x")
    common: dict[str, list[str]] = {}
    tasks: dict[str, None] = {}
    first: tuple[_Shown, Places, Path, dict[str, Path]] | None = None
    for shown in programs:
        key = (shown.language.name, tuple(shown.language.features), shown.type)
        for path, node in walk(shown.term):
            found: dict[str, Path] = {}
            if not match(body, node, path, found, shown.term):
                continue
            if first is not None and isinstance(shown.type, Seq) != isinstance(first[0].type, Seq):
                continue  # An answer for each frame is another role than one for all.
            if key not in known:
                known[key] = Places(shown.language, shown.type)
            here = {
                name: known[key].roles(shown.term, at, shown.typing)
                for name, at in {"": path, **found}.items()
            }
            if not all(here.values()):
                continue
            for name, possible in here.items():
                common[name] = [r for r in common.get(name, possible) if r in possible]
            tasks[shown.task] = None
            first = first or (shown, known[key], path, found)
    if first is None or len(tasks) < 2 or not all(common.values()):
        return None
    shown, places, path, found = first
    roles = {name: of_place[0] for name, of_place in common.items()}
    filled = put_in(body, {v: Hole(roles[v], shown.typing[found[v]]) for v in variables})
    if places.is_said(roles[""], filled, shown.typing[path]):
        return None
    said = " ".join(print_term(body, shown.language, {}).split())
    arguments = tuple((v, roles[v]) for v in variables)
    shape = Abstraction(word, roles[""], arguments, said, isinstance(shown.type, Seq), tuple(tasks))
    return shape if shape.put_in(copied(shown.language)) else None
