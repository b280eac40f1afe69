"""Alternation: what chooses between alternatives is trained on other cases than what computes with them.

A superposition of programs has two kinds of arrays: the parameters of the alternatives, and the logits that
weigh these. Trained together on the same cases the logits favour whatever overfits soonest, so they take
turns, each on a part of a fold's training cases (the bilevel problem of DARTS, Liu et al. 2019, equations 3
and 4, in its first order, as dPads has it: Cui and Zhu 2021, section 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from antiphon.language import Apply, Language, Primitive, Term, path_name, walk

CHOICE_SHARE = 0.4  # Of a fold's training cases: those that the logits are trained on.
SETTLING = 0.1  # Share of the steps at the beginning in which the alternatives alone are trained.


def choice_paths(term: Term, language: Language | Mapping[str, Primitive]) -> list[str]:
    """The leaves of a term that choose between alternatives, in the order of `walk`."""
    return [
        path_name(path)
        for path, node in walk(term)
        if isinstance(node, Apply) and language[node.name].chooses
    ]


def cases_of_choices(count: int, *, seed: int) -> Float[np.ndarray, " case"]:
    """1 for the cases that logits are trained on, 0 for those of the alternatives' parameters.

    Args:
        count: How many cases there are, those of all folds.
        seed: Of the draw.

    Example:
        >>> cases_of_choices(5, seed=0).sum()
        np.float32(2.0)
    """
    order = np.random.default_rng(seed).permutation(count)
    return (order < round(CHOICE_SHARE * count)).astype(np.float32)


def choice_turns(steps: int) -> Float[np.ndarray, " step"]:
    """1 for the steps that train the logits: every other one, once the alternatives have settled a little.

    Example:
        >>> choice_turns(20).tolist()[:6]
        [0.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    """
    number = np.arange(steps)
    return ((number >= round(SETTLING * steps)) & (number % 2 == 1)).astype(np.float32)
