"""The constants of a formula: in which of them it is linear, and where the search for the others begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from antiphon.fitting._problem import Problem
from antiphon.fitting._skeleton import Skeleton
from antiphon.language import Apply, Path, Term, Var, path_name, walk

EXPONENTS = (2.0, 0.5, -1.0, 3.0, -2.0, 1.5, -0.5, 1.0)
INVERSES = {"exp": np.log, "log": np.exp, "sqrt": np.square, "square": np.sqrt}

Slots = Mapping[str, Float[np.ndarray, "case"]]


@dataclass(frozen=True)
class Constants:
    """The constants of a skeleton, by the paths of their leaves.

    Attributes:
        linear: Those in which the value is linear, all of them together.
        curved: The others.
    """

    linear: tuple[str, ...]
    curved: tuple[str, ...]


def constants_of(term: Term) -> Constants:
    """Which constants of a term can be found by least squares, and which cannot.

    Example:
        >>> from antiphon.language import arithmetic, parse_term
        >>> row = arithmetic.bind({"a": "", "b": ""}, is_table=True)
        >>> constants_of(parse_term("constant() * a + constant() * exp(constant() * b)", row))
        Constants(linear=('0.0', '1.0'), curved=('1.1.0.0',))
    """
    linear = tuple(path_name(p) for p in _linear(term, ()))
    every = [path_name(p) for p, node in walk(term) if _is_constant(node)]
    return Constants(linear, tuple(p for p in every if p not in linear))


def _is_constant(term: Term) -> bool:
    return isinstance(term, Apply) and term.name == "constant"


def _linear(term: Term, path: Path) -> list[Path]:
    match term:
        case Apply(name="constant"):
            return [path]
        case Apply(name="add" | "sub", args=(a, b)):
            return _linear(a, (*path, 0)) + _linear(b, (*path, 1))
        case Apply(name="neg", args=(a,)) | Apply(name="div", args=(a, _)):
            return _linear(a, (*path, 0))
        case Apply(name="mul", args=(a, b)):
            # Of a product, one side only; a lone constant is what the other side is scaled by.
            if _is_constant(b) and not _is_constant(a):
                return [(*path, 1)]
            return _linear(a, (*path, 0)) or _linear(b, (*path, 1))
    return []


def are_all_constants(skeleton: Skeleton, problem: Problem) -> bool:
    """Whether constants are all that a skeleton has to be fitted: then it needs no training loop."""
    if problem.task != "regression" or problem.n_outputs != 1 or not problem.language.is_table:
        return False
    words = [node for _, node in walk(skeleton.term) if isinstance(node, Apply)]
    known = problem.language
    return all(
        not known[w.name].soft and (w.name == "constant" or not known[w.name].parameters) for w in words
    )


def unwrapped(term: Term, slots: Slots, targets: np.ndarray) -> tuple[Term, Path, np.ndarray]:
    """A term without the functions around it, its path, and what its value should then be.

    Where `exp(s)` should be the target, `s` should be its logarithm: least squares on that give `s` a start.
    """
    path: Path = ()
    with np.errstate(all="ignore"):
        while isinstance(term, Apply):
            if term.name in INVERSES:
                targets, term, path = INVERSES[term.name](targets), term.args[0], (*path, 0)
            elif term.name == "div" and (known := _known(term.args[0], slots)) is not None:
                targets, term, path = known / targets, term.args[1], (*path, 1)
            elif term.name == "mul" and (known := _known(term.args[0], slots)) is not None:
                targets, term, path = targets / known, term.args[1], (*path, 1)
            else:
                break
    return term, path, targets


def _known(term: Term, slots: Slots) -> Any:
    match term:
        case Var(name=name):
            return slots[name]
        case Apply(name="number"):
            return float(term.setting("value"))
    return None


def guesses(
    term: Term, curved: tuple[str, ...], slots: Slots, count: int, rng: np.random.Generator
) -> Float[np.ndarray, "count constant"]:
    """Starting values for constants that are no weights, of the size that what they meet suggests.

    Args:
        term: The term of a skeleton.
        curved: The paths of the constants.
        slots: Values of what it reads.
        count: How many starts.
        rng: Chance.
    """
    nodes = {path_name(p): (p, n) for p, n in walk(term)}
    found = np.zeros((count, len(curved)))
    for j, name in enumerate(curved):
        path = nodes[name][0]
        parent = nodes[path_name(path[:-1])][1] if path else None
        size = np.exp(rng.normal(0.0, 1.0, count)) * rng.choice([-1.0, 1.0], count)
        size[: min(count, 4)] = (1.0, -1.0, 0.3, -3.0)[:count]
        other = parent.args[1 - path[-1]] if isinstance(parent, Apply) and len(parent.args) == 2 else None
        spread = 1.0
        if isinstance(other, Var):
            with np.errstate(all="ignore"):
                spread = float(np.std(slots[other.name]))
            spread = spread if np.isfinite(spread) and spread > 0 else 1.0
        if isinstance(parent, Apply) and parent.name == "power":
            size[: len(EXPONENTS)] = EXPONENTS[:count]
        elif isinstance(parent, Apply) and parent.name in ("mul", "div"):
            size /= spread
        elif isinstance(parent, Apply) and parent.name in ("add", "sub"):
            size *= spread
        # The starts of two constants are paired by chance.
        found[:, j] = size if j == 0 else rng.permutation(size)
    return found
