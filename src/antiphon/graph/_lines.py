"""Lines of a printed program in which variables are still to get their names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from antiphon.graph._graph import Source, Value

_TOKEN = re.compile(r"⟦(\d+)⟧")


@dataclass
class Line:
    """One line: its code, with a token in place of each variable, and what is remarked beside it."""

    depth: int
    code: str
    note: str = ""
    source: Source | None = None
    defines: tuple[int, ...] = ()


@dataclass
class Variables:
    """Which values share a variable, as the state of a loop does before, in and after it; and its name."""

    tokens: dict[Value, int] = field(default_factory=dict)
    values: list[Value] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)

    def token(self, value: Value) -> int:
        """The number that stands for a value."""
        if value not in self.tokens:
            self.tokens[value] = len(self.values)
            self.values.append(value)
            self.parents.append(self.tokens[value])
        return self.tokens[value]

    def text(self, value: Value) -> str:
        """What stands for a value in code."""
        return f"⟦{self.token(value)}⟧"

    def root(self, token: int) -> int:
        """The one that gives its name to all that share a variable with a token."""
        while self.parents[token] != token:
            token = self.parents[token]
        return token

    def share(self, value: Value, with_: Value) -> None:
        """Let a value be kept in the variable of another, under that one's name."""
        inner, outer = self.root(self.token(value)), self.root(self.token(with_))
        if inner != outer:
            self.parents[inner] = outer

    def reads(self, code: str, token: int) -> bool:
        """Whether code mentions the variable of a token."""
        return any(self.root(int(k)) == self.root(token) for k in _TOKEN.findall(code))

    def named(self, code: str) -> str:
        """Code with names in it."""
        return _TOKEN.sub(lambda match: self.values[self.root(int(match[1]))].name, code)


def laid_out(lines: list[Line], variables: Variables, *, widest: int = 58, indent: int = 4) -> list[str]:
    """Lines as text: what is remarked stands in one column; a source line is told where it changes."""
    codes = [" " * (indent * line.depth) + variables.named(line.code) for line in lines]
    remarked = [len(code) for code, line in zip(codes, lines, strict=True) if line.note or line.source]
    column = min(max(remarked, default=0), widest)
    notes = [len(line.note) for line in lines if line.note]
    second = min(max(notes, default=0), 24)
    told: Source | None = None
    texts = []
    for code, line in zip(codes, lines, strict=True):
        place = ""
        if line.source is not None and line.source != told:
            told = line.source
            place = f"{told.file.replace(chr(92), '/').rsplit('/', 1)[-1]}:{told.line}"
            name = told.function.rsplit(".", 1)[-1]
            place += f" {name}" if name.isidentifier() else ""
        remark = f"{line.note:<{second}}  {place}".rstrip() if place else line.note
        texts.append(f"{code:<{column}}  # {remark}" if remark else code)
    return texts
