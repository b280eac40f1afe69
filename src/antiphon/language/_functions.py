"""Bound variables: their canonical names, and values put in their places.

The names grow from the inside: `v` is bound by a function without functions in it, `v1` by one around it. So
a variable from further out never has the name of one that is bound inside, and nothing that is put in a place
changes its meaning there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from antiphon.language._terms import Apply, Lam, Term, Var, children, with_children


def has_function(term: Term) -> bool:
    """Whether a lambda is in a term."""
    return isinstance(term, Lam) or (isinstance(term, Apply) and any(map(has_function, term.args)))


def named_by_depth(term: Term, kept: frozenset[str] = frozenset()) -> Term:
    """The term with its bound variables named by how many functions are inside theirs.

    Args:
        term: The term.
        kept: Names that stay: those that rules speak of, so that what fills a hole finds its variables.

    Example:
        >>> named_by_depth(Apply("map", (Lam("frame", Apply("tanh", (Var("frame"),))), Var("x")))).args[0]
        Lam(name='v', body=Apply(name='tanh', args=(Var(name='v'),), config=(), parameters=None))
    """
    taken = {*_free(term, frozenset()), *kept}
    labels: list[str] = []
    number = 0
    while len(labels) <= _height(term):
        name = "v" if number == 0 else f"v{number}"
        number += 1
        if name not in taken:
            labels.append(name)
    return _renamed(term, {}, labels, kept)


def _height(term: Term) -> int:
    below = max(map(_height, children(term)), default=0)
    return below + 1 if isinstance(term, Lam) else below


def _free(term: Term, bound: frozenset[str]) -> Iterator[str]:
    if isinstance(term, Var) and term.name not in bound:
        yield term.name
    inner = bound | {term.name} if isinstance(term, Lam) else bound
    for child in children(term):
        yield from _free(child, inner)


def _renamed(term: Term, names: Mapping[str, str], labels: list[str], kept: frozenset[str]) -> Term:
    match term:
        case Var(name=name):
            return Var(names.get(name, name))
        case Lam(name=name, body=body):
            new = name if name in kept else labels[_height(body)]
            return Lam(new, _renamed(body, {**names, name: new}, labels, kept))
    return with_children(term, tuple(_renamed(c, names, labels, kept) for c in children(term)))


def fresh(*names: str) -> str:
    """Of the names that functions have for their variables, the one from furthest out."""
    return max(names, key=lambda name: (len(name), name))


def occurrences(term: Term, name: str) -> int:
    """How often a variable stands in a term, where nothing inside binds its name anew."""
    if isinstance(term, Var):
        return int(term.name == name)
    if isinstance(term, Lam) and term.name == name:
        return 0
    return sum(occurrences(c, name) for c in children(term))


def substituted(term: Term, name: str, value: Term) -> Term:
    """The term with a value in every place of a variable."""
    if isinstance(term, Var):
        return value if term.name == name else term
    if isinstance(term, Lam) and term.name == name:
        return term
    return with_children(term, tuple(substituted(c, name, value) for c in children(term)))
