"""The recursive autoencoder: a code for every node of a binary tree, from which its children come back."""

from __future__ import annotations

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count, check_flag
from antiphon.networks.trees._forest import Forest
from antiphon.networks.trees._sweep import check_forest, masked_values, node_mask, sweep
from antiphon.networks.trees._tree import Tree


class RecursiveAutoencoder(eqx.Module):
    """A recursive autoencoder (Socher et al. 2011, "Semi-supervised recursive autoencoders for predicting
    sentiment distributions", section 2.2).

    The code of a leaf is its value. That of a merge of codes `a` and `b` is `p = tanh(W [a; b] + w)`, divided
    by its length where `normalised`; `[a'; b'] = V p + v` is to give the two back. The loss of a merge is
    `n_a / (n_a + n_b) |a - a'|^2 + n_b / (n_a + n_b) |b - b'|^2` with the numbers of leaves `n_a`, `n_b`
    below (its equation 6), or `|[a; b] - [a'; b']|^2 / 2` where not `weighted` (its equation 5). Values of
    inner nodes are not looked at. A node with one child counts as its merge with zeros; `Tree.binary` makes
    trees without such nodes, and without wider ones.

    Args:
        size: Entries of a code, and of the value of a leaf.
        normalised: Whether codes of merges have length 1, so that small codes are no way to a small loss.
        weighted: Whether children count by their leaves.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is out of range.

    Example:
        >>> from antiphon.networks.trees import pack
        >>> network = RecursiveAutoencoder(2, key=jax.random.key(0))
        >>> forest = pack(["((_ [1, 0] [0, 1]) [0.5, 0.5])"], arity=2)
        >>> eqx.filter_jit(network.losses)(forest).shape
        (1, 6)
    """

    weight_in: Float[Array, "size pair"]
    bias_in: Float[Array, " size"]
    weight_out: Float[Array, "pair size"]
    bias_out: Float[Array, " pair"]
    size: int = eqx.field(static=True)
    normalised: bool = eqx.field(static=True)
    weighted: bool = eqx.field(static=True)

    def __init__(
        self, size: int, *, normalised: bool = True, weighted: bool = True, key: PRNGKeyArray
    ) -> None:
        self.size = check_count("size", size)
        self.normalised = check_flag("normalised", normalised)
        self.weighted = check_flag("weighted", weighted)
        self.weight_in, self.weight_out = _first_weights(size, key)
        self.bias_in, self.bias_out = jnp.zeros((size,), jnp.float32), jnp.zeros((2 * size,), jnp.float32)

    @property
    def config(self) -> dict[str, Any]:
        """What makes a network like this one, as JSON can keep it."""
        names = ("size", "normalised", "weighted")
        return {"kind": type(self).__name__, **{name: getattr(self, name) for name in names}}

    def encode(self, pairs: Float[Array, "merge pair"]) -> Float[Array, "merge size"]:
        """The codes of merges, from the codes of both children side by side."""
        codes = jnp.tanh(pairs @ self.weight_in.T + self.bias_in[None, :])
        if not self.normalised:
            return codes
        square = (codes**2).sum(-1, keepdims=True)
        return codes * jax.lax.rsqrt(jnp.where(square > 0, square, 1.0))

    def decode(self, codes: Float[Array, "merge size"]) -> Float[Array, "merge pair"]:
        """What codes say that the children were."""
        return codes @ self.weight_out.T + self.bias_out[None, :]

    def _sweep(self, forest: Forest) -> Float[Array, "place state"]:
        check_forest(forest, self.size, 2)
        return sweep(_merge, self.size + 2, self, forest, masked_values(forest))

    def _loss(self, pairs: Array, codes: Array, leaves: Array) -> Float[Array, " merge"]:
        squares = (pairs - self.decode(codes)) ** 2
        if not self.weighted:
            return squares.sum(1) / 2
        shares = leaves / jnp.maximum(leaves.sum(1, keepdims=True), 1.0)
        return (squares.reshape(-1, 2, self.size).sum(2) * shares).sum(1)

    def __call__(self, forest: Forest, *, key: PRNGKeyArray | None = None) -> Float[Array, "tree size"]:
        """The code at the root of each tree.

        Args:
            forest: What `pack(trees, arity=2)` gives, of trees whose nodes have two children or none.
            key: Not used: nothing here is random.

        Raises:
            InputError: If it is no forest, or one of other values or another arity.
        """
        return self._sweep(forest)[forest.roots][:, : self.size]

    def at_nodes(self, forest: Forest) -> Float[Array, "tree node size"]:
        """The code of every node of each tree, children first and the root last; 0 where no node is."""
        return self._sweep(forest)[forest.places][:, :, : self.size]

    def losses(self, forest: Forest) -> Float[Array, "tree node"]:
        """The loss of every merge, in the order of `at_nodes`; 0 at leaves and where no node is."""
        return jnp.where(node_mask(forest), self._sweep(forest)[forest.places][:, :, self.size], 0.0)

    def merge(self, vectors: Any) -> Tree:
        """The tree over a sequence of vectors that merges, one after the other, the neighbours of least loss.

        The greedy construction of section 2.3 of the paper.

        Args:
            vectors: `(leaf, size)`, at least one.

        Returns:
            A binary tree whose leaves have the vectors, in their order.

        Raises:
            InputError: If the vectors have another shape.

        Example:
            >>> network = RecursiveAutoencoder(2, key=jax.random.key(0))
            >>> tree = network.merge([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
            >>> len(tree.leaves()), tree.arity
            (3, 2)
        """
        array = np.asarray(vectors, np.float32)
        if array.ndim != 2 or not len(array) or array.shape[1] != self.size:
            raise InputError(
                f"Vectors of shape {array.shape}.",
                f"(leaf, {self.size}), at least one leaf.",
                "Reshape them.",
            )
        trees = [Tree(row) for row in array]
        for at in np.asarray(_greedy(self, jnp.asarray(array)))[: len(array) - 1].tolist():
            trees[at : at + 2] = [Tree(None, trees[at : at + 2])]
        return trees[0]


def _merge(network: RecursiveAutoencoder, values: Array, below: Array) -> Array:
    """The cell: a state is a code, the loss of its merge, and the number of leaves below."""
    leaves = below[:, :, -1]
    pairs = below[:, :, : network.size].reshape(below.shape[0], -1)
    is_leaf = leaves.sum(1) == 0
    codes = network.encode(pairs)
    loss = network._loss(pairs, codes, leaves)
    merged = jnp.concatenate([codes, loss[:, None], leaves.sum(1)[:, None]], axis=1)
    none, one = jnp.zeros_like(values[:, :1]), jnp.ones_like(values[:, :1])
    return jnp.where(is_leaf[:, None], jnp.concatenate([values, none, one], axis=1), merged)


@jax.jit
def _greedy(network: RecursiveAutoencoder, codes: Float[Array, "leaf size"]) -> Array:
    """Which neighbours are merged, one merge after the other: the number of the left one among those left."""
    many = codes.shape[0]
    places = jnp.arange(many, dtype=jnp.int32)

    def merge(state: tuple[Array, Array], count: Array) -> tuple[tuple[Array, Array], Array]:
        now, leaves = state
        following, their = jnp.roll(now, -1, axis=0), jnp.roll(leaves, -1)
        pairs = jnp.concatenate([now, following], axis=1)
        merged = network.encode(pairs)
        loss = network._loss(pairs, merged, jnp.stack([leaves, their], axis=1))
        at = jnp.argmin(jnp.where(places < count - 1, loss, jnp.inf)).astype(jnp.int32)
        new = jnp.where((places == at)[:, None], merged, jnp.where((places > at)[:, None], following, now))
        counted = jnp.where(places == at, leaves + their, jnp.where(places > at, their, leaves))
        return (new, counted), at

    counts = jnp.arange(many, 0, -1, dtype=jnp.int32)
    return jax.lax.scan(merge, (codes, jnp.ones(many, codes.dtype)), counts)[1]


@partial(jax.jit, static_argnums=0)
def _first_weights(size: int, key: PRNGKeyArray) -> tuple[Array, Array]:
    first, second = jax.random.split(key)
    start = jax.nn.initializers.glorot_uniform()
    return (
        start(first, (2 * size, size), jnp.float32).T,
        start(second, (size, 2 * size), jnp.float32).T,
    )
