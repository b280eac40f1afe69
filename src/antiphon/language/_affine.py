"""Affine maps that are still to be fitted: which sums and which chains of them are one map."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from antiphon.errors import LanguageError
from antiphon.language._language import Language
from antiphon.language._matching import Facts
from antiphon.language._terms import Apply, Value
from antiphon.language._types import Real, Seq
from antiphon.language._typing import check


def absorbed(parts: list[Facts], maps: list[Facts], laws: Mapping[str, frozenset[str]]) -> list[Facts] | None:
    """The operands of a sum without those that its free affine maps can be anyway; `None` if all stay.

    Constants go, as a map has one of its own, and so do the value that a map of all entries reads, its linear
    images, and maps without an argument.
    """
    reads = set()
    for part in maps:
        assert isinstance(part.term, Apply)
        if part.below and dict(part.term.config).get("group", "all") == "all":
            reads.add(part.below[0].text)
    with_argument = any(part.below for part in maps)

    def goes(part: Facts) -> bool:
        term = part.term
        if part.is_constant or part.text in reads:
            return True
        if not isinstance(term, Apply):
            return False
        own = laws.get(term.name, frozenset())
        if "affine" in own:
            return with_argument and not part.below and term.parameters is None
        return "linear" in own and part.below[0].text in reads

    kept = [part for part in parts if not goes(part)]
    if all(part.is_open for part in kept) and not all(part.is_open for part in parts):
        return None  # What went was all that said the size.
    return kept if len(kept) < len(parts) else None


def covers(groups: list[str], language: Language) -> list[str]:
    """The fewest feature groups that have together the members of these, in order of their names.

    Example:
        >>> from antiphon.language import sequence
        >>> bound = sequence.bind({"a": "", "b": "", "c": ""}, groups={"ab": ("a", "b")})
        >>> covers(["b", "a"], bound), covers(["a", "c"], bound), covers(["ab", "c", "a"], bound)
        (['ab'], ['a', 'c'], ['all'])
    """
    if "all" in groups:
        return ["all"]
    every = {
        **{f: frozenset([f]) for f in language.features},
        **{g: frozenset(m) for g, m in language.groups.items()},
    }
    wanted = frozenset().union(*(every[g] for g in groups))
    if wanted == frozenset(language.features):
        return ["all"]
    inside = {g: m for g, m in sorted(every.items()) if m <= wanted}
    largest = [
        g
        for g, m in inside.items()
        # Of groups with the same members the first.
        if not any(m < n or (m == n and h < g) for h, n in inside.items())
    ]
    needed = [
        g for g in largest if any(all(f not in inside[h] for h in largest if h != g) for f in inside[g])
    ]
    rest = [g for g in largest if g not in needed]
    for count in range(len(rest) + 1):
        for more in itertools.combinations(rest, count):
            if frozenset().union(*(inside[g] for g in [*needed, *more])) == wanted:
                return sorted([*needed, *more])
    raise AssertionError("the largest groups cover all")


def composed(outer: Apply, language: Language) -> tuple[tuple[str, Value], ...] | None:
    """The constants of the one map that is as much as a free map of a free map, if there is one.

    A map in between that is narrower than both ends does not let everything through: the chain is then a map
    of low rank, which is less than one map.
    """
    inner = outer.args[0]
    assert isinstance(inner, Apply)
    own, other = dict(outer.config), dict(inner.config)
    if own.get("group", "all") != "all" or ("group" in other and "group" not in own):
        return None
    middle = _width(inner, language)
    if middle is None:
        return None
    try:
        type_ = check(inner.args[0], language)[()]
    except LanguageError:
        return None  # Inside a function the size of its variable is not known here.
    ends = [_width(outer, language)]
    group = str(other.get("group", "all"))
    if isinstance(type_, Real):
        ends.append(int(language.group_members(group, type_).sum()))
    if not any(end is not None and middle >= end for end in ends):
        return None
    return tuple((k, group if k == "group" else v) for k, v in outer.config)


def _width(term: Apply, language: Language) -> int | None:
    """How many numbers a word gives, where it says so itself."""
    result = language[term.name].signature.result
    assert not isinstance(result, Seq)
    size = result.size if isinstance(result, Real) else None
    if isinstance(size, str):
        found = dict(term.config).get(size)
        size = found if type(found) is int else None
    return size
