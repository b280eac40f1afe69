"""The algebra of words: what a primitive declares about itself, and pairs of templates that are equal."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from antiphon.errors import LanguageError
from antiphon.language._read import Node, Reader
from antiphon.language._terms import Apply, Hole, Term, Value, Var, holes, size, walk
from antiphon.language._types import Fn, Real, Seq, Type, TypeVariable

if TYPE_CHECKING:
    from antiphon.language._language import Language
    from antiphon.language._primitive import Primitive

LAWS: dict[str, str] = {
    "commutative": "`f(a, b) = f(b, a)`",
    "associative": "`f(f(a, b), c) = f(a, f(b, c))`",
    "idempotent": "`f(a, a) = a`; of one argument, `f(f(a)) = f(a)`",
    "involution": "`f(f(a)) = a`, such as a minus sign",
    "addition": "it is the sum, entry by entry; commutative and associative",
    "affine": "with free arrays it can be every affine map of its argument (without one: every constant)",
    "linear": "`f(a) + f(b) = f(a + b)`, of sequences where both have the same mask",
    "average": "linear, and what is constant over time stays as it is, such as a mean",
    "selection": "an average that is the value at one frame, the same one whatever the values are",
    "aligned": "its result has the mask of the sequence it takes",
    "framewise": "it applies a function to every frame by itself, such as `map`",
}
IMPLIED: dict[str, tuple[str, ...]] = {
    "addition": ("commutative", "associative"),
    "average": ("linear",),
    "selection": ("average", "linear"),
    "framewise": ("aligned",),
}
_WITH_ARRAYS = ("commutative", "aligned")  # These hold whatever the arrays are.


def _fits(law: str, arguments: tuple[Type, ...], result: Type) -> bool:
    one = len(arguments) == 1
    closed = all(a == result for a in arguments)
    match law:
        case "commutative":
            return len(arguments) == 2 and arguments[0] == arguments[1]
        case "associative" | "addition":
            return len(arguments) == 2 and closed
        case "idempotent":
            return len(arguments) in (1, 2) and closed
        case "involution":
            return one and closed
        case "affine":
            return len(arguments) <= 1 and all(isinstance(t, Real) for t in (*arguments, result))
        case "linear":
            return one
        case "average":
            return one and isinstance(arguments[0], Seq)
        case "selection":
            return one and isinstance(arguments[0], Seq) and arguments[0].element == result
        case "framewise":
            return tuple(map(type, arguments)) == (Fn, Seq) and isinstance(result, Seq)
    return isinstance(result, Seq) and sum(isinstance(a, Seq) for a in arguments) == 1


_SHAPES = {
    "commutative": "two arguments of one type",
    "associative": "two arguments and a result of one type",
    "addition": "two arguments and a result of one type",
    "idempotent": "one or two arguments of the result's type",
    "involution": "one argument of the result's type",
    "affine": "at most one argument, a vector, and a vector as result",
    "linear": "one argument",
    "average": "one argument, a sequence",
    "selection": "one argument, a sequence, and its element as result",
    "aligned": "one sequence among its arguments and one as result",
    "framewise": "a function and a sequence as arguments and a sequence as result",
}


def check_laws(word: Primitive) -> None:
    """Refuse laws that a primitive cannot have.

    Raises:
        LanguageError: If there is no such law, or the signature or the arrays rule it out.
    """
    for law in word.laws:
        if law not in LAWS:
            raise LanguageError(
                f"Primitive {word.name!r} declares the law {law!r}.", f"Some of {', '.join(LAWS)}."
            )
        if not _fits(law, word.signature.arguments, word.signature.result):
            raise LanguageError(
                f"Primitive {word.name!r} : {word.signature} cannot be {law}.", f"{_SHAPES[law]}."
            )
        if law not in _WITH_ARRAYS and (law == "affine") != bool(word.parameters):
            raise LanguageError(
                f"Primitive {word.name!r} has "
                + (f"the arrays {', '.join(word.parameters)}" if word.parameters else "no arrays")
                + f" and declares the law {law!r}.",
                "Arrays for affine; of the others, only commutative and aligned may have some.",
            )


def laws_of(word: Primitive) -> frozenset[str]:
    """The laws of a primitive with those that they imply."""
    return frozenset(word.laws).union(*(IMPLIED.get(law, ()) for law in word.laws))


@dataclass(frozen=True)
class Equation:
    """Two templates that are equal whatever stands in their holes; `left` is replaced by `right`.

    A node has only those constants that the text gives: the others may have any value, and on the right
    they are those of the same word on the left.
    """

    left: Apply
    right: Term

    def words(self) -> set[str]:
        """The primitives that the equation speaks of."""
        nodes = [n for side in (self.left, self.right) for _, n in walk(side)]
        return {n.name for n in nodes if isinstance(n, Apply)}


def read_equation(one: str, other: str, language: Language) -> Equation:
    """Two templates as an equation, the simpler one on the right.

    Simpler is what has fewer nodes, and of as many, what is said by words that the language had earlier.

    Raises:
        LanguageError: If a side is no template of the language, the types differ, a hole is only in the
            simpler side, or neither side is simpler.
    """
    sides = [_template(Reader(text).read(), text, language) for text in (one, other)]
    order = {name: i for i, name in enumerate(language.primitives)}

    def cost(term: Term) -> tuple[int, int]:
        names = [n.name for _, n in walk(term) if isinstance(n, Apply)]
        return size(term), sum(order[name] for name in names)

    said = f"The equation {one} = {other}"
    right, left = sorted(sides, key=cost)
    if cost(left) == cost(right) or not isinstance(left, Apply):
        raise LanguageError(
            f"{said} does not say which side is simpler.",
            "Fewer nodes on one side, or words that the language had earlier.",
        )
    found = Counter(h.role for _, h in holes(left))
    wanted = Counter(h.role for _, h in holes(right))
    if wanted - found:
        extra = ", ".join(f"?{role}" for role in wanted - found)
        raise LanguageError(f"{said} has {extra} more often in its simpler side.", "At most as often.")
    known = {(n.name, k) for _, n in walk(left) if isinstance(n, Apply) for k in language[n.name].config}
    for _, node in walk(right):
        if not isinstance(node, Apply):
            continue
        for key in language[node.name].config:
            if key not in dict(node.config) and (node.name, key) not in known:
                raise LanguageError(f"{said}: nothing says the {key!r} of {node.name}.", f"{key}=... in [ ].")
    _check_types(left, right, language, said)
    return Equation(left, right)


def _template(node: Node, text: str, language: Language) -> Term:
    match node.kind:
        case "hole":
            return Hole(node.name, TypeVariable(node.name))
        case "var" | "lam":
            raise LanguageError(
                f"The template {text} has the variable {node.name!r}.",
                "Holes such as ?a for what may be any.",
            )
    if node.kind == "number" and node.name.isdigit() and "number" in language.primitives:
        return Apply("number", (), (("value", int(node.name)),))
    word = language.primitives.get(node.name)
    if word is None:
        raise LanguageError(
            f"Language {language.name!r} has no primitive {node.name!r}, in the template {text}.",
            f"One of {', '.join(sorted(language.primitives))}.",
        )
    config: dict[str, Value] = {} if node.name != "affine" else {"group": node.group}
    for key, value, _ in node.settings if node.name != "affine" else ():
        if key not in word.config or isinstance(value, list):
            raise LanguageError(
                f"{node.name} has no constant {key!r}, in the template {text}.",
                f"{', '.join(word.config) or 'none at all'}.",
            )
        config[key] = value
    if node.rows is not None:
        raise LanguageError(f"The template {text} has numbers in {node.name}.", "No arrays.")
    below = tuple(_template(a, text, language) for a in node.args)
    return Apply(node.name, below, tuple((k, config[k]) for k in word.config if k in config))


def _check_types(left: Term, right: Term, language: Language, said: str) -> None:
    """Find types for the holes with which both sides have the same type."""
    from antiphon.language._typing import check, role_type  # Here: types are checked with a language.

    probe = language.bind({"a": "", "b": ""}, groups={})
    frame = probe.frame_type
    names = sorted({h.role for _, h in holes(left)})
    usual: tuple[Type, ...] = (frame, Seq(frame), Real(1))
    choices = [(t,) if (t := role_type(name, probe)) is not None else usual for name in names]
    problem: LanguageError | None = None
    for chosen in itertools.product(*choices):
        types = dict(zip(names, chosen, strict=True))
        for expected in usual:
            try:
                for side in (left, right):
                    check(_typed(side, types, language), probe, expected)
            except LanguageError as error:
                problem = error
                continue
            return
    raise LanguageError(f"{said} has no type: {problem}", "Two sides of one type.")


def _typed(term: Term, types: dict[str, Type], language: Language) -> Term:
    match term:
        case Hole(role=role):
            return Hole(role, types[role])
        case Apply(name=name, args=args, config=config):
            first = {k: values[0] for k, values in language[name].config.items() if values}
            below = tuple(_typed(a, types, language) for a in args)
            return Apply(name, below, tuple({**first, **dict(config)}.items()))
    assert isinstance(term, Var)
    return term
