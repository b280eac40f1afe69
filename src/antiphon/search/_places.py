"""Where a shape stands in a program, and which roles the grammar gives to that place."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.language import (
    Apply,
    Fn,
    Lam,
    Language,
    Path,
    Real,
    Seq,
    Term,
    Type,
    Var,
    children,
    free_variables,
    holes,
    put_in,
    size,
)
from antiphon.search._grammar import Grammar, parse_template
from antiphon.search._symbols import ARGUMENT, named


class Places:
    """Which roles the places of programs have: by the rules that could have put something there."""

    def __init__(self, language: Language, type_: Type) -> None:
        self.grammar, self.output = Grammar(language, type_), type_
        frame = language.frame_type
        kinds = {"summary": frame, "stream": Seq(frame), "output": type_}
        self.templates: list[tuple[str, Term]] = []
        # What holes stand in: node with its constants and number of the argument -> roles.
        self.holes: dict[tuple, dict[str, None]] = {}
        for rule in language.rules:
            template = parse_template(rule, language, kinds.get(rule.role.split("_")[0], Real(1)))
            if template is None:
                continue
            self.templates.append((rule.role, named(template)))
            for path, hole in holes(template):
                above = term_at(template, path[:-1]) if path else None
                if isinstance(above, Apply):
                    self.holes.setdefault((above.name, above.config, path[-1]), {})[hole.role] = None

    def roles(self, term: Term, path: Path, typing: Mapping[Path, Type]) -> list[str]:
        """The roles of a place, those that come first in the rules first."""
        node, type_ = term_at(term, path), typing[path]
        if not path:
            return ["output"]
        parent, i = term_at(term, path[:-1]), path[-1]
        if isinstance(type_, Fn) or not isinstance(parent, Apply):
            return []
        if parent.name == "if" and i == 0:
            return ["condition"]
        if parent.name in ("add", "if") and "output" in self.roles(term, path[:-1], typing):
            return ["output"]
        said = self.holes.get((parent.name, parent.config, i), {})
        closed = [role for role in said if self.grammar.is_closed_role(role)]
        return [role for role in closed if node in self.grammar.closure(role, type_, size(node))]

    def is_said(self, role: str, filled: Term, type_: Type) -> bool:
        """Whether one step of the rules says a shape already."""
        return (role, filled) in self.templates or (
            self.grammar.is_closed_role(role) and filled in self.grammar.closure(role, type_)
        )


def match(pattern: Term, term: Term, path: Path, values: dict[str, Path], whole: Term) -> bool:
    """Whether a term is an instance of a shape; `values` gets the path of what fills each variable."""
    match pattern, term:
        case Var(name=name), _ if ARGUMENT.fullmatch(name):
            if name in values:
                return term_at(whole, values[name]) == term
            values[name] = path
            return set(free_variables(term)) <= {"x"}
        case Apply(name=name, config=config, args=args), Apply(args=below):
            same = name == term.name and config == term.config and len(args) == len(below)
            return same and all(
                match(p, t, (*path, i), values, whole)
                for i, (p, t) in enumerate(zip(args, below, strict=True))
            )
        case Lam(name=name, body=body), Lam(name=other, body=inner):
            # Both are named by depth, each from its own root.
            return match(put_in(body, {name: Var(other)}), inner, (*path, 0), values, whole)
    return pattern == term


def term_at(term: Term, path: Path) -> Term:
    for i in path:
        term = children(term)[i]
    return term
