"""Supernets: one term that holds many, with a choice wherever they differ.

Terms are laid over each other from the root down. Where all have the same primitive they share it; where
they do not, a `pick` node takes one of the alternatives, and which one is data: so every candidate that the
supernet holds is the same skeleton, and the arrays of a primitive at one place are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from antiphon.language import (
    Apply,
    Hole,
    Lam,
    Language,
    Term,
    Var,
    children,
    path_name,
    print_term,
    walk,
    with_children,
)

COMMUTATIVE = ("add", "mul")
PICK = "pick_"


def with_picks(language: Language, supernet: Term) -> Language:
    """A copy of a language that also has the `pick` nodes of a supernet.

    `pick_K : (Real[1] -> t) -> ... -> t` with the constant `choice`, of K alternatives of one type, is the
    value of the one with that number. Each stands in a function, so that only the chosen one is computed
    where the choice is the same for a whole batch.

    Example:
        >>> from antiphon.language import parse_term, sequence
        >>> bound = sequence.bind({"speed": ""})
        >>> both = superpose([parse_term(t, bound) for t in ("mean(x)", "last(x)")], bound)
        >>> with_picks(bound, both)["pick_2"].signature
        (Real[1] -> t) -> (Real[1] -> t) -> t
    """
    extended = language.bind(
        language.features, groups=language.groups, rate_hz=language.rate_hz, is_table=language.is_table
    )
    for count in sorted(set(picks(supernet).values())):
        extended.primitive(
            "(Real[1] -> t) -> " * count + "t",
            name=f"{PICK}{count}",
            prints="one of " + ", ".join(f"{{{i}}}" for i in range(count)),
            config={"choice": tuple(range(count))},
            data={"choice": _index},
            # Never computed ahead as a constant, so that its choice stays data.
            soft=True,
            searched=False,
        )(_pick)
    return extended


def picks(supernet: Term) -> dict[str, int]:
    """Path of each pick of a supernet -> how many alternatives it has."""
    return {
        path_name(path): len(node.args)
        for path, node in walk(supernet)
        if isinstance(node, Apply) and _is_pick(node)
    }


def _is_pick(node: Term) -> bool:
    return isinstance(node, Apply) and node.name.startswith(PICK)


def _index(value: Any, types: Any, language: Language) -> np.ndarray:
    return np.asarray(value, np.int32)


def _pick(*alternatives: Callable[[Array], Any], choice: Array, temperature: Any) -> Any:
    return jax.lax.switch(choice, alternatives, jnp.zeros(1, jnp.float32))


def _thunk(term: Term) -> Lam:
    return Lam("_", term)


def superpose(terms: Sequence[Term], language: Language) -> Term:
    """The supernet of some terms of one type, each pick at its first alternative.

    Args:
        terms: Without holes. The supernet also holds all terms that mix what these have at each place.
        language: Of the terms.

    Example:
        >>> from antiphon.language import parse_term, sequence
        >>> bound = sequence.bind({"speed": ""})
        >>> texts = "tanh(mean(x))", "tanh(last(x))", "tanh(mean(delta(x)))"
        >>> both = superpose([parse_term(t, bound) for t in texts], bound)
        >>> print_term(both, with_picks(bound, both), {})
        'tanh(pick_2[choice=0](_ -> last(x), _ -> mean(pick_2[choice=0](_ -> delta(x), _ -> x))))'
    """
    return _merge([_aligned(t, language) for t in terms], language)


def _merge(terms: Sequence[Term], language: Language) -> Term:
    by_head: dict[tuple, list[Term]] = {}
    for term in terms:
        assert not isinstance(term, Hole)
        by_head.setdefault(_head(term), []).append(term)
    merged = [_merge_same(by_head[head], language) for head in sorted(by_head, key=repr)]
    if len(merged) == 1:
        return merged[0]
    return Apply(f"{PICK}{len(merged)}", tuple(map(_thunk, merged)), (("choice", 0),))


def _merge_same(terms: Sequence[Term], language: Language) -> Term:
    columns = zip(*(children(t) for t in terms), strict=True)
    return with_children(terms[0], tuple(_merge(list(dict.fromkeys(c)), language) for c in columns))


def _head(term: Term) -> tuple:
    match term:
        case Apply(name=name, args=args, config=config):
            return "apply", name, config, len(args)
        case Lam(name=name):
            return "lam", name
        case Var(name=name):
            return "var", name
    raise AssertionError(term)


def within(supernet: Term, term: Term, language: Language) -> Term | None:
    """The supernet with its choices set so that it is the given term; `None` if it does not hold it.

    Example:
        >>> from antiphon.language import parse_term, sequence
        >>> bound = sequence.bind({"speed": ""})
        >>> mean, last, first = (parse_term(f"tanh({r}(x))", bound) for r in ("mean", "last", "first"))
        >>> both = superpose([mean, last], bound)
        >>> print_term(within(both, mean, bound), with_picks(bound, both), {}), within(both, first, bound)
        ('tanh(pick_2[choice=1](_ -> last(x), _ -> mean(x)))', None)
    """
    return _within(supernet, _aligned(term, language))


def _within(supernet: Term, term: Term) -> Term | None:
    if _is_pick(supernet):
        assert isinstance(supernet, Apply)
        for i, thunk in enumerate(supernet.args):
            [alternative] = children(thunk)
            if _head(alternative) == _head(term):
                inner = _within(alternative, term)
                if inner is None:
                    return None
                args = (*supernet.args[:i], _thunk(inner), *supernet.args[i + 1 :])
                return replace(supernet, args=args, config=(("choice", i),))
        return None
    if _head(supernet) != _head(term):
        return None
    below: list[Term] = []
    for a, b in zip(children(supernet), children(term), strict=True):
        inner = _within(a, b)
        if inner is None:
            return None
        below.append(inner)
    return with_children(supernet, tuple(below))


def _aligned(term: Term, language: Language) -> Term:
    """The term with its operands in an order by what they read, so that edges from one node meet."""
    term = with_children(term, tuple(_aligned(c, language) for c in children(term)))
    if not (isinstance(term, Apply) and term.name in COMMUTATIVE):
        return term
    parts = sorted(_operands(term, term.name), key=lambda t: (_read(t), print_term(t, language, {})))
    joined = parts[0]
    for part in parts[1:]:
        joined = Apply(term.name, (joined, part))
    return joined


def _operands(term: Term, name: str) -> list[Term]:
    if isinstance(term, Apply) and term.name == name:
        return [part for a in term.args for part in _operands(a, name)]
    return [term]


def _read(term: Term) -> tuple[str, ...]:
    return tuple(sorted({node.name for _, node in walk(term) if isinstance(node, Var)}))
