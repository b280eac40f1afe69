"""Fitted parts of programs that later tasks may use: what they are, where they fit, how a search says them.

After Valkov et al., "HOUDINI: Lifelong Learning as Program Synthesis" (2018): a library of typed functions
that were trained on earlier tasks, composed anew with the rest of the language. Here a module is a term over
the input, with its arrays; a later search sees it as one word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from antiphon.errors import LanguageError
from antiphon.language import (
    Apply,
    Language,
    Parameters,
    Program,
    Real,
    Rule,
    Seq,
    Term,
    Type,
    check_in,
    define,
    free_variables,
    parse_term,
    print_term,
    walk,
)

MODULES = 4  # Of one task: each costs every later search a few candidates a round.
KINDS = {
    "decision": "whether a program said its second class",
    "score": "the numbers of a whole program",
    "condition": "whether a condition held",
    "frames": "numbers for each frame",
    "map": "a fitted leaf over what needs no fitting",
}
YES_OR_NO = ("decision", "condition")  # Elsewhere zero means nothing, or the same as for the decision.


@dataclass(frozen=True)
class Module:
    """A fitted part of a program.

    Attributes:
        name: Its word.
        kind: One of `KINDS`.
        term: Over the input `x`, with arrays in all parametric leaves.
        language: The language it was learned in, bound to its features.
        task: Where it comes from.
        score: What the program it comes from reached there.
    """

    name: str
    kind: str
    term: Term
    language: Language
    task: str
    score: float

    @property
    def type(self) -> Type:
        """The type of its value."""
        return check_in(self.term, self.language, None, {"x": self.language.input_type})[()]

    def __str__(self) -> str:
        said = " ".join(print_term(self.term, self.language).split())
        origin = f"{self.kind} of {self.task}, score {self.score:.3f}"
        return f"{self.name} : {self.language.input_type} -> {self.type}   # {origin}\n  {said}"

    def on(self, language: Language) -> Term | None:
        """The same function in another binding, or `None` where it would not be the same.

        Affine maps find their features by name; a feature that nothing weighs may be missing. Other leaves
        need exactly the features they were trained on. Units must agree, and where there are windows the
        rate too.
        """
        own = self.language
        words = [node for _, node in walk(self.term) if isinstance(node, Apply)]
        if any(language.features[f] != own.features[f] for f in own.features if f in language.features):
            return None
        if language.is_table != own.is_table:
            return None
        for word in words:
            if word.name not in language.primitives or language[word.name].run is not own[word.name].run:
                return None
            constants = dict(word.config)
            if "width" in constants and language.rate_hz != own.rate_hz:
                return None
            group = constants.get("group", "all")
            if group != "all" and language.groups.get(str(group)) != own.groups.get(str(group)):
                return None
            if word.parameters and word.name != "affine" and tuple(language.features) != tuple(own.features):
                return None
        if tuple(language.features) == tuple(own.features):
            return self.term
        try:
            return parse_term(print_term(self.term, own), language, self.type, complete=True)
        except LanguageError:
            return None

    def rules(self) -> list[Rule]:
        """What a search may do with its word."""
        said, result = f"{self.name}(x)", self.type
        if isinstance(result, Seq):
            used = [f"affine(mean({said}))", f"affine(max({said}))", f"map(v -> affine(v), {said})"]
        else:
            used = [f"affine({said})"]
        rules = [Rule("output", text) for one in used for text in (one, f"{one} + ?output")]
        if not isinstance(result, Seq) and _width(result) == 1:
            # It multiplies what is there: as a factor of a new product it would meet every summary.
            rules.append(Rule("output", f"affine({said}) * ?output", Real(1)))
            if self.kind in YES_OR_NO:
                rules.append(Rule("output", f"if {said} > 0 then ?output else ?output"))
                rules.append(Rule("condition", said))
        return rules

    def put_in(self, language: Language, *, tunable: bool) -> list[Rule]:
        """Define its word in a language, if it fits there; the rules for it.

        Args:
            language: Gets the word.
            tunable: As in `define`.
        """
        term = self.on(language)
        if term is None:
            return []
        define(
            language,
            self.name,
            {"x": language.input_type},
            term,
            self.type,
            tunable=tunable,
            prints=f"{self.name.replace('_', ' ')} of {{0}}",
        )
        return self.rules()


def modules_of(program: Program, task: str, score: float, *, taken: tuple[str, ...] = ()) -> list[Module]:
    """The fitted parts of a program, the largest first.

    Args:
        program: Finished.
        task: Its task's name.
        score: What it reached.
        taken: Words that are in use already.

    Example:
        >>> text = '''language sequence
        ... input x: Seq[Real[2]] of speed, angle
        ... output numbers y
        ... program
        ...   if affine[speed - 5](last(x)) > 0 then affine[2*angle](mean(x)) else affine[1](mean(x))'''
        >>> for module in modules_of(Program.parse(text), "turning", 0.9):
        ...     print(module.name, "|", module.kind, "|", module.type)
        turning_score | score | Real[1]
        turning_condition | condition | Real[1]
        turning_map | map | Real[1]
    """
    found: dict[Term, str] = {}

    def add(kind: str, term: Term) -> None:
        if free_variables(term) == ("x",) and _says_something(term):
            found.setdefault(term, kind)

    whole, output, language = program.term, program.output, program.language
    can_decide = {"step", "affine"} <= language.primitives.keys()
    if output.task == "classification" and output.scores == 1 and can_decide:
        add("decision", _decision(whole, output.threshold))
    if isinstance(output.type, Seq):
        add("frames", whole)
    else:
        add("score", whole)
    conditions, maps = set(), []
    for path, node in walk(whole):
        if isinstance(node, Apply) and node.name == "if" and "step" in language.primitives:
            conditions.add((*path, 0))
            add("condition", Apply("step", (node.args[0],)))
        elif isinstance(node, Apply) and node.name == "step":
            conditions.add((*path, 0))
            add("condition", node)
        elif isinstance(node, Apply) and node.name == "map":
            add("frames", node)
        elif isinstance(node, Apply) and node.parameters is not None and path not in conditions:
            maps.append(node)
    for node in maps:
        # A map of a map is learned anew as easily; what it reads is here by itself.
        if not any(isinstance(n, Apply) and n.parameters for p, n in walk(node) if p):
            add("map", node)
    names = list(taken)
    modules = []
    for term, kind in list(found.items())[:MODULES]:
        name = _fresh(f"{_word(task)}_{kind}", (*names, *language.primitives))
        names.append(name)
        modules.append(Module(name, kind, term, language, task, score))
    return modules


def _decision(term: Term, threshold: float | None) -> Term:
    """1 where a program of one score says its second class, else 0."""
    if threshold is not None and threshold != 0.5:
        shift = -np.log(threshold / (1 - threshold))
        leaf = Parameters(
            weight=np.ones((1, 1), np.float32),
            bias=np.array([shift], np.float32),
            centre=np.zeros(1, np.float32),
        )
        term = Apply("affine", (term,), (("group", "all"),), leaf)
    return Apply("step", (term,))


def _says_something(term: Term) -> bool:
    """Whether something was learned in it: an array that is a matrix and not zero."""
    arrays = [
        a for _, n in walk(term) if isinstance(n, Apply) and n.parameters for a in n.parameters.values()
    ]
    return any(a.ndim > 1 and np.any(a != 0) for a in arrays)


def _width(type_: Type) -> int | str:
    return getattr(type_, "size", 0)


def _word(task: str) -> str:
    """A task's name as the beginning of a word."""
    word = re.sub(r"\W+", "_", task, flags=re.ASCII).strip("_") or "task"
    return f"task_{word}" if word[0].isdigit() else word


def _fresh(name: str, taken: tuple[str, ...]) -> str:
    number, fresh = 1, name
    while fresh in taken:
        number += 1
        fresh = f"{name}_{number}"
    return fresh


def copied(language: Language) -> Language:
    """A copy of a bound language, to which words and rules may be added."""
    return language.bind(
        language.features, groups=language.groups, rate_hz=language.rate_hz, is_table=language.is_table
    )
