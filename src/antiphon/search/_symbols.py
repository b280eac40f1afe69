"""Terms as s-expressions, as compression wants them, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping

from antiphon.language import (
    Apply,
    Hole,
    Lam,
    Term,
    TypeVariable,
    Var,
    children,
    free_variables,
    put_in,
    with_children,
)

ARGUMENT = re.compile(r"a\d+")
_TOKEN = re.compile(r"\(|\)|[^\s()]+")


class Symbols:
    """Terms to s-expressions and back: each primitive with its constants is one symbol."""

    def __init__(self) -> None:
        self.heads: dict[str, Apply] = {}
        self.symbols: dict[Apply, str] = {}

    def write(self, term: Term, bound: tuple[str, ...] = ()) -> str:
        match term:
            case Var(name=name):
                return f"${bound[::-1].index(name)}" if name in bound else f"v_{name}"
            case Lam(name=name, body=body):
                return f"(lam {self.write(body, (*bound, name))})"
            case Apply(args=args):
                head = Apply(term.name, (Hole("", TypeVariable("t")),) * len(args), term.config)
                if head not in self.symbols:
                    self.symbols[head] = f"p{len(self.symbols)}"
                    self.heads[self.symbols[head]] = head
                symbol = self.symbols[head]
                return f"({' '.join([symbol, *(self.write(a, bound) for a in args)])})" if args else symbol
        raise AssertionError("an abstraction is learned from terms without holes")

    def read(self, text: str, known: Mapping[str, Term | None]) -> Term | None:
        """The shape as a term over `x` and `a0`, `a1`...; `None` where it is none of the language's terms."""
        tokens = _TOKEN.findall(text)
        at = 0

        def tree() -> object:
            nonlocal at
            token = tokens[at]
            at += 1
            if token != "(":
                return token
            parts = []
            while tokens[at] != ")":
                parts.append(tree())
            at += 1
            return parts

        try:
            return named(self._term(tree(), (), known))
        except NoTermError:
            return None

    def _term(self, node: object, bound: tuple[str, ...], known: Mapping[str, Term | None]) -> Term:
        parts = node if isinstance(node, list) else [node]
        head, *rest = parts
        if not isinstance(head, str):
            raise NoTermError
        if head == "lam":
            name = f"v{len(bound)}"
            return Lam(name, self._term(rest[0], (*bound, name), known))
        args = tuple(self._term(part, bound, known) for part in rest)
        if head in self.heads and len(args) == len(self.heads[head].args):
            return with_children(self.heads[head], args)
        if head in known:
            body = known[head]
            if body is None or len(args) != sum(bool(ARGUMENT.fullmatch(v)) for v in free_variables(body)):
                raise NoTermError
            return put_in(body, {f"a{i}": a for i, a in enumerate(args)})
        if args:
            raise NoTermError
        if head.startswith("v_"):
            return Var(head[2:])
        if head.startswith("#"):
            return Var(f"a{head[1:]}")
        if head.startswith("$") and int(head[1:]) < len(bound):
            return Var(bound[::-1][int(head[1:])])
        raise NoTermError


class NoTermError(Exception):
    """A shape that is part of a term only, or a function over primitives."""


def named(term: Term, depth: int = 0) -> Term:
    """The term with its bound variables named by their depth, so that equal functions are equal terms."""
    if isinstance(term, Lam):
        name = "v" if depth == 0 else f"v{depth}"
        return Lam(name, named(put_in(term.body, {term.name: Var(name)}), depth + 1))
    return with_children(term, tuple(named(c, depth) for c in children(term)))
