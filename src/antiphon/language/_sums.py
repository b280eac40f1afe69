"""Sums whose operands make one: the same linear word, the same sequence, the same value under a map."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from antiphon.language._affine import absorbed, covers
from antiphon.language._functions import fresh, substituted
from antiphon.language._matching import Facts
from antiphon.language._terms import Apply, Config, Lam, Var
from antiphon.language._types import Fn, Real, Seq, Type, TypeVariable

if TYPE_CHECKING:
    from antiphon.language._canonical import Canonicaliser


def one_linear(known: Canonicaliser, name: str, config: Config, parts: list[Facts]) -> list[Facts] | None:
    """`f(a) + f(b)` is `f(a + b)` for a linear word, over one mask."""
    kinds: dict[object, list[Facts]] = {}
    for part in parts:
        term = part.term
        if isinstance(term, Apply) and "linear" in known.laws.get(term.name, ()):
            signature = known.language[term.name].signature
            if not variables(signature.arguments[0]) <= variables(signature.result):
                continue  # Sums of results of one size do not mean arguments of one size.
            seq = isinstance(signature.arguments[0], Seq)
            mask = mask_of(known, part.below[0]) if seq else ""
            if mask is not None:
                kinds.setdefault((term.name, term.config, mask), []).append(part)
    for same in kinds.values():
        if len(same) > 1:
            term = same[0].term
            assert isinstance(term, Apply)
            inner = known.join(name, config, [part.below[0] for part in same])
            one = known.apply(term.name, term.config, None, (inner,))
            return [*_without(parts, same), one]
    return None


def one_framewise(known: Canonicaliser, name: str, config: Config, parts: list[Facts]) -> list[Facts] | None:
    """Two functions of the frames of one sequence are one function, their sum."""
    kinds: dict[object, list[Facts]] = {}
    for part in parts:
        term = part.term
        if isinstance(term, Apply) and "framewise" in known.laws.get(term.name, ()):
            function, stream = part.below
            if stream.is_settled and isinstance(function.term, Lam):
                kinds.setdefault((term.name, term.config, stream.text), []).append(part)
    for same in kinds.values():
        if len(same) > 1:
            term = same[0].term
            assert isinstance(term, Apply)
            lambdas = [p.below[0].term for p in same]
            variable = fresh(*[f.name for f in lambdas if isinstance(f, Lam)])
            bodies = [
                known.facts(substituted(f.body, f.name, Var(variable))) for f in lambdas if isinstance(f, Lam)
            ]
            function = known.function(variable, known.join(name, config, bodies))
            one = known.apply(term.name, term.config, None, (function, same[0].below[1]))
            return [*_without(parts, same), one]
    return None


def one_affine(known: Canonicaliser, name: str, config: Config, parts: list[Facts]) -> list[Facts] | None:
    """Free affine maps of one value are one, and take up what they could be anyway."""
    maps = [p for p in parts if known.is_free_affine(p) and all(b.is_settled for b in p.below)]
    if not maps:
        free = [p for p in parts if known.is_free_affine(p)]
        kept = [p for p in parts if not p.is_constant]
        return kept if free and len(kept) < len(parts) else None
    kept = absorbed(parts, maps, known.laws)
    if kept is not None:
        return kept
    kinds: dict[object, list[Facts]] = {}
    for part in maps:
        assert isinstance(part.term, Apply)
        rest = tuple((k, v) for k, v in part.term.config if k != "group")
        kinds.setdefault((part.term.name, rest, *[b.text for b in part.below]), []).append(part)
    for same in kinds.values():
        groups = [str(dict(p.term.config).get("group", "all")) for p in same if isinstance(p.term, Apply)]
        cover = covers(groups, known.language)
        if cover != sorted(groups):
            term = same[0].term
            assert isinstance(term, Apply)
            configs = [tuple((k, g if k == "group" else v) for k, v in term.config) for g in cover]
            new = [known.apply(term.name, c, None, same[0].below) for c in configs]
            return [*_without(parts, same), *new]
    return None


def mask_of(known: Canonicaliser, stream: Facts) -> str | None:
    """Where the mask of a sequence comes from, as text: equal texts, equal masks; `None` if unknown."""
    term = stream.term
    if isinstance(term, Apply):
        laws = known.laws.get(term.name, frozenset())
        if stream.operands and "addition" in laws:
            masks = {mask_of(known, part) for part in stream.operands}
            return masks.pop() if len(masks) == 1 else None
        if "aligned" in laws:
            arguments = known.language[term.name].signature.arguments
            places = [i for i, a in enumerate(arguments) if isinstance(a, Seq)]
            return mask_of(known, stream.below[places[0]])
    return stream.text if stream.is_settled else None


def _without(parts: list[Facts], gone: list[Facts]) -> list[Facts]:
    left = Counter(id(p) for p in gone)
    kept = []
    for part in parts:
        if left[id(part)]:
            left[id(part)] -= 1
        else:
            kept.append(part)
    return kept


def variables(type_: Type) -> set[str]:
    """The names of sizes and types that are open in a type."""
    match type_:
        case Real(size=str(size)):
            return {size}
        case Seq(element=element):
            return variables(element)
        case TypeVariable(name=name):
            return {name}
        case Fn(arguments=arguments, result=result):
            return variables(result).union(*map(variables, arguments))
    return set()
