"""Recursive networks with a read-out: the simple one and the TreeLSTM, child-sum or N-ary."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.networks._checks import check_count, check_rate
from antiphon.networks._recurrent import drop
from antiphon.networks._scaling import Scaling
from antiphon.networks.trees._forest import Forest
from antiphon.networks.trees._sweep import check_forest, masked_values, node_mask, sweep

_GLOROT = jax.nn.initializers.glorot_uniform()
_ORTHOGONAL = jax.nn.initializers.orthogonal()


class _TreeMap(eqx.Module):
    scaling: Scaling
    weight_ih: Float[Array, "gates feature"]
    weight_hh: Float[Array, "others joined"]
    bias: Float[Array, " gates"]
    linear: eqx.nn.Linear
    in_size: int = eqx.field(static=True)
    out_size: int = eqx.field(static=True)
    hidden: int = eqx.field(static=True)
    arity: int | None = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        hidden: int = 32,
        arity: int | None = None,
        dropout: float = 0.0,
        key: PRNGKeyArray,
    ) -> None:
        self.in_size = check_count("in_size", in_size)
        self.out_size = check_count("out_size", out_size)
        self.hidden = check_count("hidden", hidden)
        self.arity = None if arity is None else check_count("arity", arity)
        self.dropout = check_rate("dropout", dropout)
        self.scaling = Scaling(in_size)
        self._start(_first_weights(self._gates, in_size, out_size, hidden, arity or 1, key))

    @property
    def _gates(self) -> int:
        return 1

    @abstractmethod
    def _start(self, weights: tuple[Any, ...]) -> None: ...

    @abstractmethod
    def _states(
        self, forest: Forest, inputs: Float[Array, "step width gates"]
    ) -> Float[Array, "place state"]: ...

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        names = ("in_size", "out_size", "hidden", "arity", "dropout")
        return {"kind": type(self).__name__, **{name: getattr(self, name) for name in names}}

    def states(self, forest: Forest) -> Float[Array, "place hidden"]:
        """The state `h` of the node at each place of the grid; 0 where no node is, and in the last row."""
        check_forest(forest, self.in_size, self.arity)
        inputs = self.scaling(masked_values(forest)) @ self.weight_ih.T + self.bias[None, None, :]
        return self._states(forest, inputs)[:, : self.hidden]

    def __call__(self, forest: Forest, *, key: PRNGKeyArray | None = None) -> Float[Array, "tree out"]:
        """The answer at the root of each tree; with a key, dropout is on.

        Args:
            forest: What `pack` gives.
            key: Randomness of dropout.

        Raises:
            InputError: If it is no forest, or one of other values or arity than the network takes.
        """
        final = drop(self.states(forest)[forest.roots], self.dropout, key)
        answers = jax.vmap(self.linear)(final)
        return jnp.where((forest.roots < forest.mask.size)[:, None], answers, 0.0)

    def at_nodes(self, forest: Forest, *, key: PRNGKeyArray | None = None) -> Float[Array, "tree node out"]:
        """The answer at every node of each tree, children first and the root last; 0 where no node is."""
        states = drop(self.states(forest)[forest.places], self.dropout, key)
        answers = jax.vmap(jax.vmap(self.linear))(states)
        return jnp.where(node_mask(forest)[:, :, None], answers, 0.0)


class TreeRNN(_TreeMap):
    """A recursive network: the state of a node is `tanh(W x + U sum_k h_k + b)`, or with an arity
    `tanh(W x + sum_k U_k h_k + b)`, where `x` is its value and `h_k` the state of its child `k`.

    The second is the composition of Socher et al. (2011, "Parsing natural scenes and natural language with
    recursive neural networks", equation 5) with a value at every node. The answer is a linear map of the
    state.

    Args:
        in_size: Entries of a node's value.
        out_size: Entries of the answer.
        hidden: Size of the state of a node.
        arity: Most children of a node, each with a matrix of its own; None where their order does not count.
        dropout: Share of the entries dropped before the linear map, while a key is given.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is out of range.

    Example:
        >>> from antiphon.networks.trees import pack
        >>> forest = pack(["(+ 1 (+ 2 3))", "(+ 1 2)"], labels=["+", "1", "2", "3"])
        >>> network = TreeRNN(4, 2, hidden=5, key=jax.random.key(0))
        >>> eqx.filter_jit(network)(forest).shape
        (2, 2)
    """

    def _start(self, weights: tuple[Any, ...]) -> None:
        self.weight_ih, self.weight_hh, _, self.bias, self.linear = weights

    def _states(
        self, forest: Forest, inputs: Float[Array, "step width gates"]
    ) -> Float[Array, "place state"]:
        return sweep(partial(_rnn, self.arity), self.hidden, self.weight_hh, forest, inputs)


class TreeLSTM(_TreeMap):
    """A TreeLSTM (Tai et al. 2015, "Improved semantic representations from tree-structured long short-term
    memory networks"): child-sum (equations 2-8), or with an arity N-ary (equations 9-14).

    With `s = sum_k h_k`, the state of a node of value `x` is, child-sum:
    `i = sigmoid(W_i x + U_i s + b_i)`, `f_k = sigmoid(W_f x + U_f h_k + b_f)`,
    `o = sigmoid(W_o x + U_o s + b_o)`, `u = tanh(W_u x + U_u s + b_u)`, `c = i u + sum_k f_k c_k`,
    `h = o tanh(c)`. N-ary has a matrix for each child in place of one for the sum, and for the forget gates
    one for each pair of children. The answer is a linear map of `h`. The rows of `weight_ih` and `bias` stand
    in the order `i f o u`, those of `weight_hh` `i o u`.

    Args:
        in_size: Entries of a node's value.
        out_size: Entries of the answer.
        hidden: Size of the state of a node.
        arity: Most children of a node, each with matrices of its own; None for child-sum, where neither
            number nor order of children counts.
        dropout: Share of the entries dropped before the linear map, while a key is given.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is out of range.

    Example:
        >>> from antiphon.networks.trees import pack
        >>> forest = pack(["(+ 1 (+ 2 3))", "(+ 1 2)"], labels=["+", "1", "2", "3"])
        >>> network = TreeLSTM(4, 2, hidden=5, key=jax.random.key(0))
        >>> eqx.filter_jit(network)(forest).shape
        (2, 2)
    """

    weight_f: Float[Array, "joined joined"]

    @property
    def _gates(self) -> int:
        return 4

    def _start(self, weights: tuple[Any, ...]) -> None:
        self.weight_ih, self.weight_hh, self.weight_f, self.bias, self.linear = weights

    def _states(
        self, forest: Forest, inputs: Float[Array, "step width gates"]
    ) -> Float[Array, "place state"]:
        weights = self.weight_hh, self.weight_f
        if self.arity is None:
            return sweep(_child_sum, 3 * self.hidden, weights, forest, inputs)
        return sweep(_n_ary, 2 * self.hidden, weights, forest, inputs)


# Cells: of weights, the inputs' share of the gates of each node (biases in it), and its children's states.


def _rnn(arity: int | None, weight: Array, given: Array, below: Array) -> Array:
    return jnp.tanh(given + _joined(below, arity) @ weight.T)


def _child_sum(weights: tuple[Array, Array], given: Array, below: Array) -> Array:
    # What a node tells the forget gate of its parent depends on it alone: computed once, part of its state.
    h, c, told = jnp.split(below, 3, axis=-1)
    f = jnp.split(given, 4, axis=-1)[1]
    kept = (jax.nn.sigmoid(f[:, None, :] + told) * c).sum(1)
    h, c = _lstm(given, h.sum(1) @ weights[0].T, kept)
    return jnp.concatenate([h, c, h @ weights[1].T], axis=-1)


def _n_ary(weights: tuple[Array, Array], given: Array, below: Array) -> Array:
    h, c = jnp.split(below, 2, axis=-1)
    joined = h.reshape(h.shape[0], -1)
    f = jnp.split(given, 4, axis=-1)[1]
    told = (joined @ weights[1].T).reshape(h.shape)
    kept = (jax.nn.sigmoid(f[:, None, :] + told) * c).sum(1)
    return jnp.concatenate(_lstm(given, joined @ weights[0].T, kept), axis=-1)


def _lstm(given: Array, told: Array, kept: Array) -> tuple[Array, Array]:
    """The new `h` and `c`, from what the children tell the gates and what is kept of their memories."""
    i, _, o, u = jnp.split(given, 4, axis=-1)
    more_i, more_o, more_u = jnp.split(told, 3, axis=-1)
    c = jax.nn.sigmoid(i + more_i) * jnp.tanh(u + more_u) + kept
    return jax.nn.sigmoid(o + more_o) * jnp.tanh(c), c


def _joined(h: Float[Array, "width arity hidden"], arity: int | None) -> Float[Array, "width joined"]:
    """The states of the children summed, or side by side where each has a matrix of its own."""
    return h.sum(1) if arity is None else h.reshape(h.shape[0], -1)


# As one function, compiled once for each size, and not a compilation an operation.
@partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def _first_weights(
    gates: int, in_size: int, out_size: int, hidden: int, arity: int, key: PRNGKeyArray
) -> tuple[Any, ...]:
    """Glorot-uniform for inputs and read-out, orthogonal for states, biases 0 but for a forget bias of 1."""
    keys = jax.random.split(key, 4)
    others = 3 if gates == 4 else 1
    weight_ih = _GLOROT(keys[0], (in_size, gates * hidden), jnp.float32).T
    weight_hh = _ORTHOGONAL(keys[1], (arity * hidden, others * hidden), jnp.float32).T
    weight_f = _ORTHOGONAL(keys[2], (arity * hidden, arity * hidden), jnp.float32).T if gates == 4 else None
    bias = jnp.zeros((gates * hidden,), jnp.float32)
    if gates == 4:
        bias = bias.at[hidden : 2 * hidden].set(1.0)
    linear = eqx.nn.Linear(hidden, out_size, key=keys[3])
    weight = _GLOROT(keys[3], (hidden, out_size), jnp.float32).T
    linear = eqx.tree_at(lambda n: (n.weight, n.bias), linear, (weight, jnp.zeros((out_size,), jnp.float32)))
    return weight_ih, weight_hh, weight_f, bias, linear
