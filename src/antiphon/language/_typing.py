"""Type checking: which type every node of a term has."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.errors import LanguageError
from antiphon.language._language import Language
from antiphon.language._primitive import Primitive
from antiphon.language._terms import Apply, Hole, Lam, Path, Term, Var
from antiphon.language._types import Bindings, Fn, Real, Seq, Tree, Type, is_known, match_type, substitute


class TermTypeError(LanguageError):
    """A term that has no type; `path` says which node."""

    def __init__(self, got: str, expected: str = "", advice: str = "", path: Path = ()) -> None:
        super().__init__(got, expected, advice)
        self.path = path


class UndeterminedError(TermTypeError):
    """A term whose type nothing below it says, though something around it may."""


Typing = dict[Path, Type]


def check(term: Term, language: Language, expected: Type | None = None) -> Typing:
    """The type of every node of a term, by path.

    Args:
        term: The term; its free variable is `x`, the language's input.
        language: The language, bound to features.
        expected: The type the whole term should have, where known.

    Raises:
        LanguageError: (a `TermTypeError`) with the path of the node that does not fit.

    Example:
        >>> from antiphon.language import parse_term, sequence
        >>> bound = sequence.bind({"speed": "cm/s", "angle": "rad"})
        >>> check(parse_term("affine(mean(x))", bound, Real(3)), bound, Real(3))[(0,)]
        Real[2]
    """
    return check_in(term, language, expected, {"x": language.input_type})


def check_in(term: Term, language: Language, expected: Type | None, scope: Mapping[str, Type]) -> Typing:
    """As `check`, for a term over other free variables: their names -> types."""
    typing: Typing = {}
    _Checker(language, typing).check(term, expected, scope, ())
    return typing


def role_type(role: str, language: Language) -> Type | None:
    """The type of a hole by its role, when nothing around it says; `stream_parts` is a kind of `stream`."""
    known = {"summary": language.frame_type, "stream": Seq(language.frame_type), "condition": Real(1)}
    return known.get(role.split("_")[0])


class _Checker:
    def __init__(self, language: Language, typing: Typing) -> None:
        self.language, self.typing = language, typing

    def check(self, term: Term, expected: Type | None, scope: Mapping[str, Type], path: Path) -> Type:
        found = self._find(term, expected, scope, path)
        if expected is not None:
            bindings: Bindings = {}
            if not match_type(expected, found, bindings):
                raise TermTypeError(f"{_describe(term)} has type {found}.", f"{expected}.", path=path)
        self.typing[path] = found
        return found

    def _find(self, term: Term, expected: Type | None, scope: Mapping[str, Type], path: Path) -> Type:
        match term:
            case Var(name=name):
                if name not in scope:
                    raise TermTypeError(
                        f"Unknown variable {name!r}.", f"One of {', '.join(scope)}.", path=path
                    )
                return scope[name]
            case Hole(role=role, type=type_):
                return self._hole(role, type_, expected, path)
            case Lam(name=name, body=body):
                if not isinstance(expected, Fn) or not is_known(expected.arguments[0]):
                    raise TermTypeError(f"A function of {name!r} stands where none belongs.", path=path)
                first, *more = expected.arguments
                inner = {**scope, name: first}
                if more:  # a function of several variables is one of the first to one of the others
                    found = self.check(body, Fn(tuple(more), expected.result), inner, (*path, 0))
                    return Fn(expected.arguments, found.result if isinstance(found, Fn) else found)
                result = expected.result if is_known(expected.result) else None
                return Fn(expected.arguments, self.check(body, result, inner, (*path, 0)))
            case Apply():
                return self._apply(term, expected, scope, path)

    def _hole(self, role: str, type_: Type, expected: Type | None, path: Path) -> Type:
        if is_known(type_):
            return type_
        if expected is not None and is_known(expected):
            return expected
        by_role = role_type(role, self.language)
        if by_role is None:
            raise UndeterminedError(f"Nothing says which type the hole ?{role} has.", path=path)
        return by_role

    def _apply(self, term: Apply, expected: Type | None, scope: Mapping[str, Type], path: Path) -> Type:
        word = self.language.primitives.get(term.name)
        if word is None:
            raise TermTypeError(
                f"Language {self.language.name!r} has no primitive {term.name!r}.",
                f"One of {', '.join(sorted(self.language.primitives))}.",
                path=path,
            )
        signature = word.signature
        if len(term.args) != len(signature.arguments):
            raise TermTypeError(
                f"{term.name} has {len(term.args)} argument(s).",
                f"{len(signature.arguments)}: {term.name} : {signature}.",
                path=path,
            )
        bindings: Bindings = {k: v for k, v in term.config if type(v) is int}
        self._bind_parameters(word, term, bindings, path)
        if (
            expected is not None
            and is_known(expected)
            and not match_type(signature.result, expected, bindings)
        ):
            raise TermTypeError(
                f"{term.name} gives {substitute(signature.result, bindings)}.", f"{expected}.", path=path
            )
        # Functions last: what they take is known from the other arguments.
        order = sorted(range(len(term.args)), key=lambda i: isinstance(signature.arguments[i], Fn))
        waiting: list[int] = []
        for i in order:
            try:
                self._argument(term, i, bindings, scope, path)
            except UndeterminedError:
                # Another argument may say it: the order of operands does not count.
                if len(waiting) + 1 == len(order):
                    raise
                waiting.append(i)
        for i in waiting:
            self._argument(term, i, bindings, scope, path)
        result = substitute(signature.result, bindings)
        if not is_known(result):
            raise UndeterminedError(
                f"The size of {term.name}'s result is not determined ({result}).",
                advice="use it where a size is expected, or give its parameters.",
                path=path,
            )
        return _without_units(result) if word.unitless else result

    def _argument(
        self, term: Apply, i: int, bindings: Bindings, scope: Mapping[str, Type], path: Path
    ) -> None:
        signature = self.language[term.name].signature
        pattern = substitute(signature.arguments[i], bindings)
        wanted = pattern if is_known(pattern) or isinstance(pattern, Fn) else None
        found = self.check(term.args[i], wanted, scope, (*path, i))
        if not match_type(signature.arguments[i], found, bindings):
            raise TermTypeError(
                f"{_describe(term.args[i])} has type {found}.",
                f"{pattern}, as argument {i + 1} of {term.name} : {signature}.",
                path=(*path, i),
            )

    def _bind_parameters(self, word: Primitive, term: Apply, bindings: Bindings, path: Path) -> None:
        if term.parameters is None:
            return
        if set(term.parameters) != set(word.parameters):
            raise TermTypeError(
                f"{word.name} has the arrays {', '.join(term.parameters) or 'none'}.",
                f"{', '.join(word.parameters) or 'none'}.",
                path=path,
            )
        for name, shape in word.parameters.items():
            sizes, array = shape.split(), term.parameters[name]
            for size, length in zip(sizes, array.shape, strict=False):
                if size.isidentifier():
                    bindings.setdefault(size, length)
            if array.shape != tuple(_length(size, bindings) for size in sizes):
                raise TermTypeError(
                    f"{word.name}'s array {name!r} has shape {array.shape}.", f"({shape}).", path=path
                )


def _length(size: str, bindings: Bindings) -> int | None:
    """A size such as `n`, `3` or `3*hidden`; `None` while a name in it is not bound."""
    product = 1
    for factor in size.split("*"):
        known = int(factor) if factor.isdigit() else bindings.get(factor)
        known = known.size if isinstance(known, Real) else known
        if not isinstance(known, int):
            return None
        product *= known
    return product


def _without_units(type_: Type) -> Type:
    match type_:
        case Real(size=size, names=names):
            return Real(size, names)
        case Seq(element=element):
            return Seq(_without_units(element))
        case Tree(element=element):
            return Tree(_without_units(element))
    return type_


def _describe(term: Term) -> str:
    match term:
        case Var(name=name):
            return f"Variable {name!r}"
        case Apply(name=name):
            return f"{name}(...)"
        case Hole(role=role):
            return f"Hole ?{role}"
    return "A function"


def parameter_shapes(
    term: Apply, typing: Typing, path: Path, language: Language
) -> dict[str, tuple[int, ...]]:
    """The shapes of a leaf's arrays, from the types around it."""
    word = language[term.name]
    bindings: Bindings = {k: v for k, v in term.config if type(v) is int}
    for i, argument in enumerate(word.signature.arguments):
        match_type(argument, typing[(*path, i)], bindings)
    match_type(word.signature.result, typing[path], bindings)

    shapes: dict[str, tuple[int, ...]] = {}
    for name, shape in word.parameters.items():
        lengths = [_length(size, bindings) for size in shape.split()]
        shapes[name] = tuple(n for n in lengths if n is not None)
        assert len(shapes[name]) == len(lengths), f"{word.name}: {shape} is not determined"
    return shapes
