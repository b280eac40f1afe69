"""Types: what a term stands for.

Five constructors and nothing else: `Real[n]` (a vector of `n` numbers whose entries may have names and
units), `Seq[t]` (frames of type `t` over time), `Tree[t]` (nodes of type `t`), functions, and variables,
which stand for a type (`t`) or for a size (the `n` of `Real[n]`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from antiphon.errors import LanguageError

Size = int | str


@dataclass(frozen=True)
class Real:
    """A vector of `size` real numbers; a size may be a variable, by its name.

    Names and units say what the entries mean. They travel along but are no part of what a type *is*:
    two vectors of one size have one type.

    Example:
        >>> Real(2, names=("speed", "angle"), units=("cm/s", "rad"))
        Real[2]
        >>> Real(2, names=("speed", "angle")) == Real(2)
        True
    """

    size: Size
    names: tuple[str, ...] = field(default=(), compare=False)
    units: tuple[str, ...] = field(default=(), compare=False)

    def __repr__(self) -> str:
        return f"Real[{self.size}]"


@dataclass(frozen=True)
class Seq:
    """Frames of one type over time, with a mask that says which frames are real."""

    element: Type

    def __repr__(self) -> str:
        return f"Seq[{self.element!r}]"


@dataclass(frozen=True)
class Tree:
    """A rooted tree whose nodes have values of one type, and their children an order."""

    element: Type

    def __repr__(self) -> str:
        return f"Tree[{self.element!r}]"


@dataclass(frozen=True)
class Fn:
    """A function of one or more arguments; of none where a word stands for a value, as `-> Real[1]`."""

    arguments: tuple[Type, ...]
    result: Type

    def __repr__(self) -> str:
        parts = [f"({a!r})" if isinstance(a, Fn) else repr(a) for a in self.arguments]
        return " -> ".join([*parts, repr(self.result)] if parts else ["", repr(self.result)]).strip()


@dataclass(frozen=True)
class TypeVariable:
    """A type not yet known, the same wherever its name stands in one signature."""

    name: str

    def __repr__(self) -> str:
        return self.name


Type = Real | Seq | Tree | Fn | TypeVariable

_TOKEN = re.compile(r"\s*(->|\(|\)|\[|\]|[A-Za-z_][A-Za-z0-9_]*|\d+)")


def parse_type(text: str) -> Type:
    """Read a type from text.

    Args:
        text: For example `"Seq[Real[n]] -> Real[n]"`, or with a function in front
            `"(Real[n] -> Real[m]) -> Seq[Real[n]] -> Seq[Real[m]]"`.

    Returns:
        The type; arrows of one level make one `Fn` of several arguments.

    Raises:
        LanguageError: At the place where the text stops being a type.

    Example:
        >>> parse_type("(Real[n] -> Real[m]) -> Seq[Real[n]] -> Seq[Real[m]]")
        (Real[n] -> Real[m]) -> Seq[Real[n]] -> Seq[Real[m]]
    """
    tokens: list[tuple[str, int]] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        found = _TOKEN.match(text, at)
        if not found:
            raise _bad_type(text, at, "A type such as Real[3], Seq[Real[n]] or Real[n] -> Real[m].")
        tokens.append((found[1], found.start(1)))
        at = found.end()
    reader = _TypeReader(text, tokens)
    result = reader.arrow()
    if reader.peek() is not None:
        raise _bad_type(text, reader.place(), "The end of the type, or '->'.")
    return result


def _bad_type(text: str, at: int, expected: str) -> LanguageError:
    return LanguageError(f"Cannot read the type at column {at + 1}:\n  {text}\n  {' ' * at}^\n", expected)


class _TypeReader:
    """Recursive descent over the tokens of one type."""

    def __init__(self, text: str, tokens: list[tuple[str, int]]) -> None:
        self.text, self.tokens, self.next = text, tokens, 0

    def peek(self) -> str | None:
        return self.tokens[self.next][0] if self.next < len(self.tokens) else None

    def place(self) -> int:
        return self.tokens[self.next][1] if self.next < len(self.tokens) else len(self.text)

    def take(self, token: str | None = None) -> str:
        got = self.peek()
        if got is None or (token is not None and got != token):
            raise _bad_type(self.text, self.place(), f"'{token}'." if token else "A type.")
        self.next += 1
        return got

    def arrow(self) -> Type:
        if self.peek() == "->":  # a word without arguments
            self.take("->")
            return Fn((), self.atom())
        parts = [self.atom()]
        while self.peek() == "->":
            self.take("->")
            parts.append(self.atom())
        return parts[0] if len(parts) == 1 else Fn(tuple(parts[:-1]), parts[-1])

    def atom(self) -> Type:
        token = self.take()
        if token == "(":
            inner = self.arrow()
            self.take(")")
            return inner
        if token == "Real":
            self.take("[")
            size = self.take()
            if not re.fullmatch(r"\d+|[A-Za-z_]\w*", size) or size == "0":
                raise _bad_type(self.text, self.place(), "A size: a whole number from 1, or a name.")
            self.take("]")
            return Real(int(size) if size.isdigit() else size)
        if token in ("Seq", "Tree"):
            self.take("[")
            inner = self.arrow()
            self.take("]")
            return Seq(inner) if token == "Seq" else Tree(inner)
        if re.fullmatch(r"[a-z]\w*", token):
            return TypeVariable(token)
        raise _bad_type(
            self.text, self.tokens[self.next - 1][1], "Real[..], Seq[..], Tree[..], '(' or a variable."
        )


Bindings = dict[str, Type | Size]


def substitute(type_: Type, bindings: Mapping[str, Type | Size]) -> Type:
    """Replace the variables of a type by what is known of them.

    Example:
        >>> substitute(parse_type("Seq[Real[n]] -> Real[m]"), {"n": 3})
        Seq[Real[3]] -> Real[m]
    """
    match type_:
        case Real(size=size, names=names, units=units):
            if isinstance(size, str) and size in bindings:
                known = bindings[size]
                if isinstance(known, Real):  # a size bound by a vector carries its names along
                    return known
                assert isinstance(known, int | str)
                return Real(known, names, units)
            return type_
        case Seq(element=element):
            return Seq(substitute(element, bindings))
        case Tree(element=element):
            return Tree(substitute(element, bindings))
        case Fn(arguments=arguments, result=result):
            return Fn(tuple(substitute(a, bindings) for a in arguments), substitute(result, bindings))
        case TypeVariable(name=name):
            known = bindings.get(name, type_)
            assert not isinstance(known, int | str)
            return known


def match_type(pattern: Type, actual: Type, bindings: Bindings) -> bool:
    """Bind the variables of `pattern` so that it equals `actual`; False if nothing can.

    Sizes are bound to the whole `Real`, so that names and units travel with them.

    Example:
        >>> known = {}
        >>> match_type(parse_type("Seq[Real[n]]"), parse_type("Seq[Real[3]]"), known), known
        (True, {'n': Real[3]})
    """
    match pattern, actual:
        case Real(size=str(name)), Real():
            known = bindings.get(name)
            if known is None or (isinstance(known, Real) and known == actual and not known.names):
                bindings[name] = actual  # also when only its names are news
                return True
            return (known.size if isinstance(known, Real) else known) == actual.size
        case Real(size=wanted), Real(size=got):
            return wanted == got
        case TypeVariable(name=name), _:
            known = bindings.get(name)
            if known is None or (known == actual and not _has_names(known)):
                bindings[name] = actual  # also when only its names are news
                return True
            return known == actual
        case (Seq(element=a), Seq(element=b)) | (Tree(element=a), Tree(element=b)):
            return match_type(a, b, bindings)
        case Fn(arguments=a, result=r), Fn(arguments=b, result=s):
            return (
                len(a) == len(b)
                and all(match_type(p, q, bindings) for p, q in zip(a, b, strict=True))
                and match_type(r, s, bindings)
            )
    return False


def _has_names(type_: Type | Size) -> bool:
    match type_:
        case Real(names=names):
            return bool(names)
        case Seq(element=element) | Tree(element=element):
            return _has_names(element)
    return False


def is_known(type_: Type) -> bool:
    """Whether a type has no variable left."""
    match type_:
        case Real(size=size):
            return isinstance(size, int)
        case Seq(element=element) | Tree(element=element):
            return is_known(element)
        case Fn(arguments=arguments, result=result):
            return all(map(is_known, arguments)) and is_known(result)
    return False
