"""Random expressions with their values: a task that only the structure of a tree solves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice, check_count
from antiphon.networks.trees._tree import Tree

Operator = Callable[[list[int]], int]

BOOLEAN: Mapping[str, tuple[Operator, int, int]] = {
    "and": (min, 2, 3),
    "or": (max, 2, 3),
    "not": (lambda below: 1 - below[0], 1, 1),
    "xor": (lambda below: below[0] ^ below[1], 2, 2),
}
LIST: Mapping[str, tuple[Operator, int, int]] = {
    "min": (min, 2, 5),
    "max": (max, 2, 5),
    "med": (lambda below: int(np.median(below)), 2, 5),
    "sum_mod": (lambda below: sum(below) % 10, 2, 5),
}
_KINDS = {"boolean": (BOOLEAN, 2), "list": (LIST, 10)}


def random_expressions(
    count: int,
    *,
    kind: str = "boolean",
    depth: int = 4,
    operators: tuple[str, ...] | None = None,
    seed: int = 0,
) -> tuple[list[Tree], np.ndarray]:
    """Nested expressions as trees, and what each is worth.

    With `kind="list"` they are those of ListOps (Nangia and Bowman 2018, "ListOps: a diagnostic dataset for
    latent tree learning"): `min`, `max`, `med` (the median, rounded down) and `sum_mod` (the sum modulo 10)
    of two to five digits or expressions. With `kind="boolean"`: `and` and `or` of two or three, `not`, `xor`.

    Args:
        count: How many.
        kind: `"boolean"` or `"list"`.
        depth: The height of each tree, exactly: below the root one child has height `depth - 1`, the others
            any that is not larger.
        operators: Those that are used; by default all of the kind.
        seed: The same seed gives the same expressions.

    Returns:
        The trees, with words in their nodes, and their values `(tree,)`: 0 or 1, or a digit.

    Raises:
        InputError: If a setting is out of range or an operator unknown.

    Example:
        >>> trees, values = random_expressions(2, depth=2, seed=1)
        >>> [tree.height for tree in trees]
        [2, 2]
    """
    known, digits = _KINDS[check_choice("kind", kind, _KINDS)]
    names = tuple(known) if operators is None else tuple(operators)
    if not names or not set(names) <= set(known):
        raise InputError(
            f"The operators {names}.", f"Some of {', '.join(known)}.", f"Choose those of kind={kind!r}."
        )
    check_count("depth", depth)
    rng = np.random.default_rng(seed)

    def make(height: int) -> tuple[Tree, int]:
        if height == 0:
            digit = int(rng.integers(digits))
            return Tree(str(digit)), digit
        name = names[rng.integers(len(names))]
        operator, least, most = known[name]
        many = int(rng.integers(least, most + 1))
        deep = int(rng.integers(many))
        heights = [height - 1 if i == deep else int(rng.integers(height)) for i in range(many)]
        children = [make(h) for h in heights]
        return Tree(name, [tree for tree, _ in children]), operator([worth for _, worth in children])

    made = [make(depth) for _ in range(check_count("count", count))]
    return [tree for tree, _ in made], np.array([worth for _, worth in made])
