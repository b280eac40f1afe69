"""The models of the benchmark of hybridize, each imperative and by hand for `jax.jit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hybridize import BATCH, HIDDEN, RATE, TIME, WIDTH, Node, shape_of_trees


@dataclass
class Model:
    """One training step, imperative and by hand, and the arguments of some steps."""

    step: Callable
    by_hand: Callable
    data: list[tuple[Any, ...]]


def descend(params: Any, grads: Any) -> Any:
    return jax.tree.map(lambda p, g: p - RATE * g, params, grads)


def rows(rng: Any, *shape: int) -> jax.Array:
    return jnp.asarray(rng.standard_normal(shape).astype(np.float32) / np.sqrt(shape[-1]))


def trained(loss: Callable) -> Callable:
    def step(params: Any, *data: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, *data)
        return value, descend(params, grads)

    return step


def lstm(seed: int) -> Model:
    rng = np.random.default_rng(seed)
    params = {
        "w": rows(rng, 4 * HIDDEN, HIDDEN), "u": rows(rng, 4 * HIDDEN, HIDDEN), "b": jnp.zeros(4 * HIDDEN)
    }  # fmt: skip

    def cell(params: Any, x: Any, h: Any, c: Any) -> Any:
        i, f, g, o = jnp.split(x @ params["w"].T + h @ params["u"].T + params["b"][None], 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    def loss(params: Any, frames: Any) -> Any:
        h = c = jnp.zeros((BATCH, HIDDEN))
        for x in frames:
            h, c = cell(params, x, h, c)
        return jnp.mean(h * h)

    def loss_by_hand(params: Any, frames: Any) -> Any:
        zero = jnp.zeros((BATCH, HIDDEN))
        h, _ = jax.lax.scan(lambda s, x: (cell(params, x, *s), None), (zero, zero), frames)[0]
        return jnp.mean(h * h)

    data = [(params, rows(rng, TIME, BATCH, HIDDEN))]
    return Model(trained(loss), jax.jit(trained(loss_by_hand)), data)


def dynamic_rnn(seed: int) -> Model:
    rng = np.random.default_rng(seed)
    params = {"w": rows(rng, HIDDEN, HIDDEN), "u": rows(rng, HIDDEN, HIDDEN)}

    def loss(params: Any, frames: Any) -> Any:
        h = jnp.zeros(HIDDEN)
        for x in frames:
            if jnp.sum(x) > 0:
                h = jnp.tanh(params["w"] @ x + params["u"] @ h)
        return jnp.mean(h * h)

    def loss_by_hand(params: Any, frames: Any) -> Any:
        def one(h: Any, x: Any) -> Any:
            new = jax.lax.cond(
                jnp.sum(x) > 0, lambda h: jnp.tanh(params["w"] @ x + params["u"] @ h), lambda h: h, h
            )
            return new, None

        h = jax.lax.scan(one, jnp.zeros(HIDDEN), frames)[0]
        return jnp.mean(h * h)

    return Model(trained(loss), jax.jit(trained(loss_by_hand)), [(params, rows(rng, TIME, HIDDEN))])


def as_nodes(tree: Any, words: Any) -> Node:
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


def trees(seed: int, cell: Callable, params: Any, leaf: Callable) -> Model:
    rng = np.random.default_rng(seed)
    words = [rows(rng, WIDTH) for _ in range(100)]

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
    shapes = shape_of_trees(seed)
    nodes = [as_nodes(s, words) for s in shapes]
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
    rng = np.random.default_rng(seed)
    params = {
        "w": rows(rng, 3 * WIDTH, WIDTH),
        "u": rows(rng, 5 * WIDTH, 2 * WIDTH),
        "b": jnp.zeros(5 * WIDTH),
    }

    def leaf(params: Any, word: Any) -> Any:
        i, o, g = jnp.split(params["w"] @ word, 3)
        c = jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    def cell(params: Any, left: Any, right: Any) -> Any:
        gates = params["u"] @ jnp.concatenate([left[0], right[0]]) + params["b"]
        i, f, k, o, g = jnp.split(gates, 5)
        c = jax.nn.sigmoid(i) * jnp.tanh(g) + jax.nn.sigmoid(f) * left[1] + jax.nn.sigmoid(k) * right[1]
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    return trees(seed, cell, params, leaf)


def tree_rnn(seed: int) -> Model:
    rng = np.random.default_rng(seed)
    params = {"u": rows(rng, WIDTH, 2 * WIDTH), "b": jnp.zeros(WIDTH)}

    def cell(params: Any, left: Any, right: Any) -> Any:
        return (jnp.tanh(params["u"] @ jnp.concatenate([left[0], right[0]]) + params["b"]),)

    return trees(seed, cell, params, lambda params, word: (word,))


MODELS = {"tree_lstm": tree_lstm, "tree_rnn": tree_rnn, "lstm": lstm, "dynamic_rnn": dynamic_rnn}
