"""A batch of trees as arrays: nodes level by level, with the places of their children."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from antiphon.errors import InputError
from antiphon.networks._checks import check_count
from antiphon.networks.trees._tree import Tree, trees_of

STEP_COST = 16  # What a step of the scan costs beyond its nodes, counted in nodes.


class Forest(eqx.Module):
    """Trees as arrays, nodes before their parents: what a network over trees reads.

    Nodes stand in a grid of steps. A step is one level (the nodes as far from their deepest leaf) over all
    trees, or a piece of a wide one. The place of a node is `step * width + slot`; the place one past the last
    stands for no node, and its state is 0. Made by `pack`.

    Attributes:
        values: Value of each node, `(step, width, feature)`; zeros where it has none.
        children: Places of its children from left to right, `(step, width, arity)`.
        edges: The edge to its parent, `parent's place * arity + number among its siblings`, `(step, width)`;
            one past the last where it has none.
        mask: Which nodes are there, `(step, width)`.
        places: Places of the nodes of each tree, children first and the root last, `(tree, node)`.
        roots: Places of the roots, `(tree,)`.
    """

    values: Float[Array, "step width feature"]
    children: Int[Array, "step width arity"]
    edges: Int[Array, "step width"]
    mask: Bool[Array, "step width"]
    places: Int[Array, "tree node"]
    roots: Int[Array, " tree"]


@dataclass(frozen=True)
class Flat:
    """One tree in postorder: values, level and parent of each node, its number among its siblings."""

    values: Float[np.ndarray, "node feature"]
    level: Int[np.ndarray, " node"]
    parent: Int[np.ndarray, " node"]
    rank: Int[np.ndarray, " node"]


@dataclass(frozen=True)
class Size:
    """How large the arrays of a forest are."""

    steps: int
    width: int
    arity: int
    trees: int
    nodes: int


def bucket(count: int) -> int:
    """The next of 1, 2, 3, 4, 6, 8, 12, 16, 24, ...: sizes of arrays, so that few shapes are ever compiled.

    Example:
        >>> [bucket(n) for n in (1, 3, 5, 7, 9, 100)]
        [1, 3, 6, 8, 12, 128]
    """
    power = 1 << max(count - 1, 0).bit_length()
    return power * 3 // 4 if power >= 4 and count <= power * 3 // 4 else power


def value_labels(trees: Iterable[Any]) -> tuple[str, ...]:
    """The words that stand in the nodes of some trees, in rising order.

    Args:
        trees: `Tree`, bracketed text, or nested lists.

    Example:
        >>> value_labels(["(S (NP a) (VP b))", "(S a)"])
        ('NP', 'S', 'VP', 'a', 'b')
    """
    words = {node.value for tree in trees_of(list(trees)) for node in tree.postorder()}
    return tuple(sorted(word for word in words if isinstance(word, str)))


def pack(
    trees: Sequence[Any],
    *,
    labels: Sequence[str] | None = None,
    in_size: int | None = None,
    arity: int | None = None,
    width: int | None = None,
) -> Forest:
    """Trees as one `Forest`, padded so that a network is not compiled anew for each shape.

    Args:
        trees: `Tree`, bracketed text, or nested lists; in their nodes words, or vectors of one size, or None.
        labels: The words that nodes may have: a node's value is then 1 at the number of its word and 0
            elsewhere; all 0 for a word not among them. Needed where nodes have words.
        in_size: Entries of the values where nodes have numbers; by default those that the nodes have.
        arity: Most children of a node; by default those that the trees have, padded.
        width: Most nodes a step; by default what makes the padding small. 1 is node by node.

    Raises:
        InputError: If there is no tree, nodes have words but there are no labels, vectors differ in size, or
            a node has more children than `arity`.

    Example:
        >>> forest = pack(["(S (NP a) (VP b))", "(S c)"], labels=["S", "NP", "VP", "a", "b", "c"])
        >>> forest.values.shape, forest.children.shape, int(forest.mask.sum())
        ((3, 3, 6), (3, 3, 2), 7)
    """
    flats = flatten(trees, labels=labels, in_size=in_size)
    return to_forest(flats, forest_size([flats], arity=arity, width=width))


def pack_batches(
    batches: Sequence[Sequence[Any]],
    *,
    labels: Sequence[str] | None = None,
    in_size: int | None = None,
    arity: int | None = None,
) -> list[Forest]:
    """Batches of trees as forests whose arrays all have the same shapes: what runs them is compiled once.

    Args:
        batches: Lists of trees, each as for `pack`.
        labels: As for `pack`.
        in_size: As for `pack`.
        arity: As for `pack`.

    Raises:
        InputError: As `pack`, or if there is no batch.

    Example:
        >>> one, other = pack_batches([["(S a b)", "(S a)"], ["(S (S a))"]], labels=["S", "a", "b"])
        >>> one.values.shape == other.values.shape
        True
    """
    if not len(batches):
        raise InputError("No batches of trees.", "At least one.")
    flats = [flatten(trees, labels=labels, in_size=in_size) for trees in batches]
    size = forest_size(flats, arity=arity)
    return [to_forest(some, size) for some in flats]


def flatten(
    trees: Sequence[Any], *, labels: Sequence[str] | None = None, in_size: int | None = None
) -> list[Flat]:
    """Each tree as arrays; see `pack`."""
    found = trees_of(trees)
    if not found:
        raise InputError("No trees.", "At least one.")
    numbers = {} if labels is None else {word: i for i, word in enumerate(labels)}
    size = len(numbers) if labels is not None else in_size or _number_size(found)
    return [
        _flat(tree, numbers if labels is not None else None, check_count("in_size", size)) for tree in found
    ]


def _number_size(trees: list[Tree]) -> int:
    values = (node.value for tree in trees for node in tree.postorder())
    return next((len(v) for v in values if isinstance(v, tuple)), 1)


def _flat(tree: Tree, numbers: dict[str, int] | None, size: int) -> Flat:
    nodes = tree.postorder()
    values = np.zeros((len(nodes), size), np.float32)
    level = np.zeros(len(nodes), np.int32)
    parent = np.full(len(nodes), -1, np.int32)
    rank = np.zeros(len(nodes), np.int32)
    waiting: list[int] = []
    for i, node in enumerate(nodes):
        value = node.value
        if numbers is not None and isinstance(value, str):
            if value in numbers:
                values[i, numbers[value]] = 1
        elif numbers is None and isinstance(value, tuple) and len(value) == size:
            values[i] = value
        elif value is not None:
            raise _wrong_value(value, numbers, size)
        count = len(node.children)
        if count:
            below = waiting[-count:]
            del waiting[-count:]
            parent[below] = i
            rank[below] = range(count)
            level[i] = level[below].max() + 1
        waiting.append(i)
    return Flat(values, level, parent, rank)


def _wrong_value(value: Any, numbers: dict[str, int] | None, size: int) -> InputError:
    if isinstance(value, str):
        return InputError(
            f"The word {value!r} in a node, and no labels.",
            "Labels where nodes have words.",
            "Pass labels=value_labels(trees).",
        )
    expected = "Words, as there are labels." if numbers is not None else f"Vectors of {size} numbers."
    return InputError(
        f"A node with {len(value)} numbers.", expected, "Give every node the same kind of value."
    )


def forest_size(
    batches: Sequence[Sequence[Flat]], *, arity: int | None = None, width: int | None = None
) -> Size:
    """The size at which each of some batches of trees fits; the arrays of all then have one shape."""
    flats = [flat for batch in batches for flat in batch]
    most = max(int(flat.rank.max()) + 1 if len(flat.rank) > 1 else 0 for flat in flats)
    if arity is not None and most > check_count("arity", arity):
        raise InputError(
            f"A node with {most} children.",
            f"At most {arity}.",
            "Use a larger arity, or a child-sum network.",
        )
    counts = [np.bincount(np.concatenate([flat.level for flat in batch])) for batch in batches]
    if width is None:
        widest = bucket(max(int(c.max()) for c in counts))
        tried = sorted({min(1 << k, widest) for k in range(widest.bit_length() + 1)})
        width = min(tried, key=lambda w: bucket(_most_steps(counts, w)) * (w + STEP_COST))
    return Size(
        steps=bucket(_most_steps(counts, check_count("width", width))),
        width=width,
        arity=arity or bucket(max(most, 1)),
        trees=bucket(max(len(batch) for batch in batches)),
        nodes=bucket(max(len(flat.level) for flat in flats)),
    )


def _most_steps(counts: Sequence[np.ndarray], width: int) -> int:
    return max(int((-(-c // width)).sum()) for c in counts)


def to_forest(flats: Sequence[Flat], size: Size) -> Forest:
    """Trees as arrays of a size."""
    level = np.concatenate([flat.level for flat in flats])
    counts = np.bincount(level)
    first_step = np.cumsum(np.concatenate([[0], -(-counts // size.width)]))  # of each level
    order = np.argsort(level, kind="stable")
    within = np.arange(len(level)) - np.concatenate([[0], np.cumsum(counts)])[level[order]]
    place = np.empty(len(level), np.int32)
    place[order] = first_step[level[order]] * size.width + within
    none = size.steps * size.width

    values = np.zeros((none, flats[0].values.shape[1]), np.float32)
    values[place] = np.concatenate([flat.values for flat in flats])
    mask = np.zeros(none, bool)
    mask[place] = True
    starts = np.cumsum([0, *(len(flat.level) for flat in flats)])
    parent = np.concatenate([flat.parent + start for flat, start in zip(flats, starts, strict=False)])
    child = np.concatenate([flat.parent >= 0 for flat in flats])
    rank = np.concatenate([flat.rank for flat in flats])
    children = np.full((none, size.arity), none, np.int32)
    children[place[parent[child]], rank[child]] = place[child]
    edges = np.full(none, none * size.arity, np.int32)
    edges[place[child]] = place[parent[child]] * size.arity + rank[child]
    places = np.full((size.trees, size.nodes), none, np.int32)
    roots = np.full(size.trees, none, np.int32)
    for i, (start, stop) in enumerate(itertools.pairwise(starts)):
        places[i, : stop - start] = place[start:stop]
        roots[i] = place[stop - 1]
    grid = (size.steps, size.width)
    return Forest(
        jnp.asarray(values.reshape(*grid, -1)),
        jnp.asarray(children.reshape(*grid, -1)),
        jnp.asarray(edges.reshape(grid)),
        jnp.asarray(mask.reshape(grid)),
        jnp.asarray(places),
        jnp.asarray(roots),
    )


def tree_frames(tree: Any, *, labels: Sequence[str] | None = None) -> Float[np.ndarray, "node feature"]:
    """A tree as a sequence of its nodes, children first: what programs of the language `tree` read.

    Args:
        tree: `Tree`, bracketed text, or nested lists.
        labels: The words that nodes may have; needed where they have words.

    Returns:
        A row a node: the number of its children, then its value as `pack` gives it.

    Raises:
        InputError: As `pack`.

    Example:
        >>> tree_frames("(S a b)", labels=["S", "a", "b"]).tolist()
        [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0], [2.0, 1.0, 0.0, 0.0]]
    """
    (flat,) = flatten([tree], labels=labels)
    many = np.bincount(flat.parent[flat.parent >= 0], minlength=len(flat.level))
    return np.concatenate([many[:, None].astype(np.float32), flat.values], axis=1)
