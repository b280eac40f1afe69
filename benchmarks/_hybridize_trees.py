"""The recursive models of the benchmark of hybridize, and by hand as a scan over the inner nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import _hybridize_data as data
import jax
import jax.numpy as jnp
import numpy as np
from _hybridize_models import Model, trained


@dataclass
class Node:
    """A binary tree with word vectors at its leaves."""

    word: Any = None
    left: Any = None
    right: Any = None


def as_nodes(tree: Any, words: Any) -> Node:
    """Objects, out of nested pairs of numbers of words."""
    if isinstance(tree, int):
        return Node(word=words[tree])
    return Node(left=as_nodes(tree[0], words), right=as_nodes(tree[1], words))


def linear_tree(tree: Any) -> tuple[list[int], list[tuple[int, int]]]:
    """By hand: words of the leaves and pairs of rows of the inner nodes, in an order that can be computed."""
    leaves: list[int] = []
    pairs: list[tuple[int, int]] = []

    def walk(node: Any) -> int:
        if isinstance(node, int):
            leaves.append(node)
            return len(leaves) - 1
        pairs.append((walk(node[0]), walk(node[1])))
        return -len(pairs)

    walk(tree)
    return leaves, pairs


def over_trees(seed: int, found: Any, leaf: Callable, cell: Callable) -> Model:
    """A recursion over objects; by hand one scan for trees padded to a power of two.

    The tables of the scan are made before anything is measured; hybridize reads the objects in each call.
    """
    params, words = jax.tree.map(jnp.asarray, found[0]), found[1][0][0]

    def encode(params: Any, node: Any) -> Any:
        if node.word is not None:
            return leaf(params, node.word)
        left = encode(params, node.left)
        right = encode(params, node.right)
        return cell(params, left, right)

    def loss(params: Any, node: Any) -> Any:
        return jnp.mean(encode(params, node)[0] ** 2)

    def loss_by_hand(params: Any, table: Any, pairs: Any, root: Any) -> Any:
        start = jax.vmap(lambda w: leaf(params, w))(table)
        states = jax.tree.map(lambda s: jnp.concatenate([s, jnp.zeros((len(pairs), *s.shape[1:]))]), start)

        def one(states: Any, given: Any) -> Any:
            i, pair = given
            left, right = (jax.tree.map(lambda s, j=j: s[pair[j]], states) for j in (0, 1))
            new = cell(params, left, right)
            return jax.tree.map(lambda s, n: s.at[len(table) + i].set(n), states, new), None

        states = jax.lax.scan(one, states, (jnp.arange(len(pairs)), pairs))[0]
        return jnp.mean(states[0][root] ** 2)

    compiled = jax.jit(trained(loss_by_hand))
    shapes = data.shapes_of_trees(seed)
    vectors = [jnp.asarray(w) for w in words]
    nodes = [as_nodes(s, vectors) for s in shapes]
    ready = {}
    for shape, node in zip(shapes, nodes, strict=True):
        leaves, pairs = linear_tree(shape)
        size = 1 << (len(leaves) - 1).bit_length()
        table = np.stack([words[w] for w in [*leaves, *leaves[:1] * (size - len(leaves))]])
        index = np.array(pairs)
        index = np.where(index < 0, size - 1 - index, index)
        index = np.concatenate([index, np.zeros((size - len(pairs), 2), int)]).astype(np.int32)
        ready[id(node)] = table, index, np.int32(size + len(pairs) - 1)

    def by_hand(params: Any, node: Any) -> Any:
        return compiled(params, *ready[id(node)])

    return Model(trained(loss), by_hand, [(params, node) for node in nodes])


def tree_lstm(seed: int) -> Model:
    """Tai, Socher and Manning (2015): the N-ary form for two children."""

    def leaf(params: Any, word: Any) -> Any:
        i, o, g = jnp.split(params["w"] @ word, 3)
        c = jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    def cell(params: Any, left: Any, right: Any) -> Any:
        gates = params["u"] @ jnp.concatenate([left[0], right[0]]) + params["b"]
        i, f, k, o, g = jnp.split(gates, 5)
        c = jax.nn.sigmoid(i) * jnp.tanh(g) + jax.nn.sigmoid(f) * left[1] + jax.nn.sigmoid(k) * right[1]
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    return over_trees(seed, data.tree_lstm(seed), leaf, cell)


def tree_rnn(seed: int) -> Model:
    """Socher et al. (2011)."""

    def cell(params: Any, left: Any, right: Any) -> Any:
        return (jnp.tanh(params["u"] @ jnp.concatenate([left[0], right[0]]) + params["b"]),)

    return over_trees(seed, data.tree_rnn(seed), lambda params, word: (word,), cell)


MODELS = {"tree_lstm": tree_lstm, "tree_rnn": tree_rnn}
