"""Text to a tree of plain nodes that know their place in the text: the first half of parsing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from antiphon.errors import LanguageError


@dataclass
class Node:
    """What was read at one place: a name with settings and arguments, before types are known."""

    kind: str  # "var", "hole", "lam", "apply", "number"
    name: str
    start: int
    args: list[Node] = field(default_factory=list)
    settings: list[tuple[str, Any, int]] = field(default_factory=list)
    group: str = "all"
    rows: list[Row] | None = None


@dataclass
class Row:
    """One row of an affine map: entries as (name, centre, weight, place) and the constant."""

    entries: list[tuple[str, float, float, int]]
    constant: float


_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<mark>->|[-+*/^()\[\],;:=?>.]))"
)
_STRING_OR_COMMENT = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|#[^\n]*")
WORDS = {"if", "then", "else"}


def blank_comments(text: str) -> str:
    """The text with spaces where comments were, so that every place stays where it is.

    Example:
        >>> blank_comments('mean(x)  # the mean')
        'mean(x)            '
    """
    return _STRING_OR_COMMENT.sub(lambda m: " " * len(m[0]) if m[0][0] == "#" else m[0], text)


def pointed(text: str, at: int, got: str, expected: str, advice: str = "") -> LanguageError:
    """An error that shows the line of a text and points at the place."""
    before = text[:at]
    line_number = before.count("\n") + 1
    line = text.split("\n")[line_number - 1]
    column = at - (before.rfind("\n") + 1)
    # Of a very long line only the surroundings are shown.
    first = max(0, column - 60)
    shown = line[first : first + 120]
    where = f"line {line_number}, column {column + 1}:\n  {shown}\n  {' ' * (column - first)}^\n"
    return LanguageError(f"{got} At {where}", expected, advice)


class Reader:
    """Recursive descent over the text of one term."""

    def __init__(self, text: str) -> None:
        self.text = text
        plain = blank_comments(text)
        self.tokens: list[tuple[str, str, int]] = []
        at, end = 0, len(plain.rstrip())
        while at < end:
            found = _TOKEN.match(plain, at)
            if not found:
                place = at + len(plain[at:]) - len(plain[at:].lstrip())
                raise pointed(text, place, f"Unexpected {plain[place]!r}.", "A term.")
            kind = found.lastgroup or ""
            self.tokens.append((kind, found[kind], found.start(kind)))
            at = found.end()
        self.next = 0

    def read(self) -> Node:
        """The whole text as one term."""
        node = self.term()
        if self.next < len(self.tokens):
            raise self.wrong("The end of the program, or an operator.")
        return node

    def peek(self, ahead: int = 0) -> str | None:
        place = self.next + ahead
        return self.tokens[place][1] if place < len(self.tokens) else None

    def kind(self) -> str | None:
        return self.tokens[self.next][0] if self.next < len(self.tokens) else None

    def place(self) -> int:
        return self.tokens[self.next][2] if self.next < len(self.tokens) else len(self.text.rstrip())

    def wrong(self, expected: str) -> LanguageError:
        got = self.peek()
        return pointed(self.text, self.place(), f"Unexpected {got!r}." if got else "The text ends.", expected)

    def take(self, token: str) -> None:
        if self.peek() != token:
            raise self.wrong(f"'{token}'.")
        self.next += 1

    def take_kind(self, kind: str, expected: str) -> str:
        if self.kind() != kind:
            raise self.wrong(expected)
        self.next += 1
        return self.tokens[self.next - 1][1]

    def term(self) -> Node:
        start = self.place()
        if self.peek() == "if":
            self.take("if")
            condition = self.sum()
            self.take(">")
            if self.take_kind("number", "0, as conditions are '... > 0'.") != "0":
                self.next -= 1
                raise self.wrong("0, as conditions are '... > 0'.")
            self.take("then")
            yes = self.term()
            self.take("else")
            return Node("apply", "if", start, [condition, yes, self.term()])
        if self.kind() == "name" and self.peek(1) == "->":
            name = self.take_kind("name", "")
            self.take("->")
            return Node("lam", name, start, [self.term()])
        return self.sum()

    def sum(self) -> Node:
        return self._infix({"+": "add", "-": "sub"}, self.product)

    def product(self) -> Node:
        return self._infix({"*": "mul", "/": "div"}, self.power)

    def power(self) -> Node:
        return self._infix({"^": "power"}, self.atom)

    def _infix(self, words: dict[str, str], part: Callable[[], Node]) -> Node:
        left = part()
        while (sign := self.peek()) in words:
            self.take(sign)
            left = Node("apply", words[sign], left.start, [left, part()])
        return left

    def atom(self) -> Node:
        start = self.place()
        if self.peek() == "-":
            self.take("-")
            if self.kind() == "number":
                return Node("number", "-" + self.take_kind("number", ""), start)
            return Node("apply", "neg", start, [self.atom()])
        if self.kind() == "number":
            return Node("number", self.take_kind("number", ""), start)
        if self.peek() == "(":
            self.take("(")
            inner = self.term()
            self.take(")")
            return inner
        if self.peek() == "?":
            self.take("?")
            return Node("hole", self.take_kind("name", "The role of the hole, such as ?output."), start)
        if self.peek() in WORDS:
            raise self.wrong("A term.")
        name = self.take_kind("name", "A term: a variable, a primitive applied to arguments, or '('.")
        if self.peek() not in ("(", "["):
            return Node("var", name, start)
        node = Node("apply", name, start)
        if self.peek() == "[":
            self.take("[")
            self.affine_settings(node) if name == "affine" else self.settings(node)
            self.take("]")
        self.take("(")
        if self.peek() != ")":
            node.args.append(self.term())
            while self.peek() == ",":
                self.take(",")
                node.args.append(self.term())
        self.take(")")
        return node

    def settings(self, node: Node) -> None:
        while self.peek() != "]":
            place = self.place()
            key = self.take_kind("name", "The name of a constant or an array.")
            self.take("=")
            node.settings.append((key, self.value(), place))
            if self.peek() != "]":
                self.take(",")

    def value(self) -> Any:
        if self.peek() == "[":
            self.take("[")
            items = []
            while self.peek() != "]":
                items.append(self.value())
                if self.peek() != "]":
                    self.take(",")
            self.take("]")
            return items
        if self.kind() == "string":
            return json.loads(self.take_kind("string", ""))
        if self.kind() == "name":
            name = self.take_kind("name", "")
            return {"true": True, "false": False}.get(name, name)
        negative = self.peek() == "-"
        if negative:
            self.take("-")
        number = self.take_kind("number", "A number, a name, a string or a list.")
        value: Any = float(number) if re.search(r"[.eE]", number) else int(number)
        if self.kind() == "name" and self.peek() == "s":  # a time in seconds
            self.take("s")
            return Seconds(-value if negative else value)
        return -value if negative else value

    def affine_settings(self, node: Node) -> None:
        # A group stands first, followed by ':' if rows follow, or alone.
        if self.kind() in ("name", "string") and self.peek(1) in (":", "]"):
            place = self.place()
            lone = self.peek(1) == "]"
            node.group = str(self.value())
            node.settings.append(("group", node.group, place))
            if lone:
                return
            self.take(":")
        node.rows = [self.row()]
        while self.peek() == ";":
            self.take(";")
            node.rows.append(self.row())

    def row(self) -> Row:
        row = Row([], 0.0)
        sign = self.sign(first=True)
        while True:
            if self.kind() == "number" and self.peek(1) != "*":
                row.constant += sign * float(self.take_kind("number", ""))
            else:
                weight = sign
                if self.kind() == "number":
                    weight *= float(self.take_kind("number", ""))
                    self.take("*")
                row.entries.append(self.entry(weight))
            if self.peek() not in ("+", "-"):
                return row
            sign = self.sign()

    def sign(self, *, first: bool = False) -> float:
        if self.peek() == "-":
            self.take("-")
            return -1.0
        if not first:
            self.take("+")
        return 1.0

    def entry(self, weight: float) -> tuple[str, float, float, int]:
        place = self.place()
        if self.peek() != "(":
            return self.take_kind("name", "A feature, or a number."), 0.0, weight, place
        self.take("(")
        place = self.place()
        name = self.take_kind("name", "A feature.")
        sign = self.sign()
        centre = -sign * float(self.take_kind("number", "A number."))
        self.take(")")
        return name, centre, weight, place


class Seconds(float):
    """A time as written, before the rate turns it into frames."""
