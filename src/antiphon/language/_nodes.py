"""The value of a term of type `Tree`: the nodes of one tree as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

GATHER = ("sum", "mean", "max")  # How the results of a node's children become one.


@partial(jax.tree_util.register_dataclass, data_fields=["values", "mask", "parent"], meta_fields=[])
@dataclass(frozen=True)
class Nodes:
    """The nodes of a tree, children before their parents and the root last.

    Attributes:
        values: The value of each node, `(node, n)`.
        mask: Which nodes are there, `(node,)`.
        parent: The number of each node's parent; that of nodes where it has none, `(node,)`.
    """

    values: Float[Array, "node n"]
    mask: Bool[Array, " node"]
    parent: Int[Array, " node"]

    def with_values(self, values: Float[Array, "node m"]) -> Nodes:
        """The tree of this shape with other values."""
        return replace(self, values=values)

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return sum(array.nbytes for array in (self.values, self.mask, self.parent))

    @property
    def children(self) -> Int[Array, " node"]:
        """How many children each node has."""
        numbers = jnp.arange(len(self.mask), dtype=jnp.int32)
        return (self.parent[:, None] == numbers[None, :]).sum(0, dtype=jnp.int32)


def nodes_of(
    values: Float[Array, "node n"], mask: Bool[Array, " node"], arity: Float[Array, " node"]
) -> Nodes:
    """The tree whose nodes stand in postorder, by how many children each has.

    After each node so many subtrees wait for a parent: one more, less its children. The parent of a node is
    the first one behind it after which no more wait than after the node itself.

    Args:
        values: Of each node.
        mask: Which are there; others are no part of the tree.
        arity: How many children each has, rounded. Where it asks for more than there are, they are all that
            are there; what no node asks for is a tree of its own.
    """
    wanted = jnp.round(jnp.where(mask, arity, 0.0)).astype(jnp.int32)
    waiting = jnp.cumsum(jnp.where(mask, 1 - jnp.maximum(wanted, 0), 0), dtype=jnp.int32)
    numbers = jnp.arange(len(mask), dtype=jnp.int32)
    later = (numbers[None, :] > numbers[:, None]) & mask[None, :]
    takes = later & (waiting[None, :] <= waiting[:, None])
    there = mask & takes.any(1)
    parent = jnp.where(there, jnp.argmax(takes, axis=1).astype(jnp.int32), len(mask))
    return Nodes(jnp.where(mask[:, None], values, 0.0), mask, parent)


def fold(
    cell: Callable[[Array, Array], Array], nodes: Nodes, gather: str, size: int
) -> Float[Array, "node m"]:
    """The result at every node: what the cell makes of its value and of the results of its children.

    Args:
        cell: From a value `(n,)` and what was gathered `(m,)`, zeros at a leaf, to a result `(m,)`.
        nodes: The tree.
        gather: One of `GATHER`.
        size: Numbers in a result.
    """
    example = jnp.zeros(nodes.values.shape[1:], nodes.values.dtype), jnp.zeros(size, nodes.values.dtype)
    pure, outer = jax.closure_convert(cell, *example)
    return _fold(pure, gather, size, outer, nodes.values, nodes.mask, nodes.parent, nodes.children)


# The gradient is written out: what autodiff makes of a scan that reads and writes single rows goes over all
# rows at every step.
@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _fold(
    cell: Callable[..., Array],
    gather: str,
    size: int,
    outer: list[Array],
    values: Array,
    mask: Array,
    parent: Array,
    many: Array,
) -> Array:
    return _upwards(cell, gather, size, outer, values, mask, parent, many)[0]


def _upwards(
    cell: Callable[..., Array],
    gather: str,
    size: int,
    outer: list[Array],
    values: Array,
    mask: Array,
    parent: Array,
    many: Array,
) -> tuple[Array, Array]:
    """The result at every node, and what was gathered for it."""
    # The last row takes what has no parent.
    start = jnp.full((len(mask) + 1, size), -jnp.inf if gather == "max" else 0.0, values.dtype)

    def step(gathered: Array, now: tuple[Array, ...]) -> tuple[Array, tuple[Array, Array]]:
        number, value, there, above, count = now
        below = jnp.where(count > 0, gathered[number], 0.0)
        if gather == "mean":
            below = below / jnp.maximum(count, 1).astype(below.dtype)
        result = jnp.where(there, cell(value, below, *outer), 0.0)
        row = gathered.at[above]
        return row.max(result) if gather == "max" else row.add(result), (result, below)

    numbers = jnp.arange(len(mask), dtype=jnp.int32)
    return jax.lax.scan(step, start, (numbers, values, mask, parent, many))[1]


def _forward(cell: Callable[..., Array], gather: str, size: int, *given: Any) -> tuple[Array, Any]:
    results, below = _upwards(cell, gather, size, *given)
    return results, (results, below, *given)


def _backward(cell: Callable[..., Array], gather: str, size: int, kept: Any, slopes: Array) -> tuple:
    results, below, outer, values, mask, parent, many = kept
    share = jnp.ones_like(results)  # How far what was gathered for its parent moves with a node's result.
    if gather == "mean":
        counts = jnp.concatenate([many, jnp.ones(1, many.dtype)])[parent]
        share = share / jnp.maximum(counts, 1).astype(share.dtype)[:, None]
    if gather == "max":
        most = (results == jnp.concatenate([below, below[:1]])[parent]).astype(share.dtype)
        ties = jnp.zeros((len(mask) + 1, size), share.dtype).at[parent].add(most)
        share = most / jnp.maximum(ties[parent], 1.0)

    def step(by_node: Array, now: tuple[Array, ...]) -> tuple[Array, Array]:
        number, value, gathered, there, above, slope, part = now
        slope = jnp.where(there, slope + part * by_node[above], 0.0)
        _, pull = jax.vjp(lambda h: cell(value, h, *outer), gathered)
        return jax.lax.dynamic_update_slice_in_dim(by_node, pull(slope)[0][None], number, 0), slope

    numbers = jnp.arange(len(mask), dtype=jnp.int32)
    start = jnp.zeros((len(mask) + 1, size), results.dtype)
    over = (numbers, values, below, mask, parent, slopes, share)
    _, whole = jax.lax.scan(step, start, over, reverse=True)

    def everywhere(outer: list[Array], values: Array) -> Array:
        return jax.vmap(lambda v, h: cell(v, h, *outer))(values, below)

    for_outer, for_values = jax.vjp(everywhere, outer, values)[1](whole)
    return for_outer, for_values, None, None, None


_fold.defvjp(_forward, _backward)
