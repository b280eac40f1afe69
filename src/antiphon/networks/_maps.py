"""Whole networks, one a type of map: sequence to vector, sequence to sequence, vector to vector."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice, check_count, check_frames, check_rate
from antiphon.networks._recurrent import Frames, Mask, Recurrent, States, drop
from antiphon.networks._scaling import Scaling

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": jnp.tanh, "relu": jax.nn.relu}


class _RecurrentMap(eqx.Module):
    scaling: Scaling
    recurrent: Recurrent
    linear: eqx.nn.Linear
    out_size: int = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        cell: str = "gru",
        hidden: int = 16,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        key: PRNGKeyArray,
    ) -> None:
        recurrent_key, linear_key = jax.random.split(key)
        self.recurrent = Recurrent(
            cell,
            in_size,
            hidden,
            layers=layers,
            bidirectional=bidirectional,
            dropout=dropout,
            key=recurrent_key,
        )
        self.scaling = Scaling(in_size)
        self.out_size = check_count("out_size", out_size)
        self.linear = _linear(self.recurrent.out_size, out_size, linear_key)

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        return {**self.recurrent.config, "kind": type(self).__name__, "out_size": self.out_size}

    def initial_state(self) -> States:
        """The state before the first frame."""
        return self.recurrent.initial_state()

    def resume(self, frames: Frames, mask: Mask, state: States) -> tuple[Float[Array, "time out"], States]:
        """The answer after each of the frames that follow on others, and the state after them.

        Of a map to a vector it is the answer for all frames so far. There is no dropout.

        Args:
            frames: The next frames.
            mask: Which of them are real; the answer at the others is 0.
            state: What `initial_state` or this gave last.

        Raises:
            InputError: If the network also runs backward, or the state is of another network.
        """
        outputs, state = self.recurrent.resume(self._scaled(frames, mask), mask, state)
        return jnp.where(mask[:, None], jax.vmap(self.linear)(outputs), 0.0), state

    def _scaled(self, frames: Frames, mask: Mask) -> Frames:
        check_frames(frames, mask, self.recurrent.in_size)
        return self.scaling(frames)


class SequenceToVector(_RecurrentMap):
    """A recurrent network that reads a sequence and answers with one vector.

    The answer is a linear map of the output at the last real frame and, with both directions, of the backward
    output at the first real frame: padding changes nothing. `with_scaling` makes it standardise its input.

    Args:
        in_size: Features of a frame.
        out_size: Entries of the answer, for example the number of classes.
        cell: `"rnn"`, `"lstm"`, `"gru"`, `"mingru"` or `"minlstm"`.
        hidden: Size of the state of each cell.
        layers: How many recurrent layers stand on each other.
        bidirectional: Whether each layer also runs backward.
        dropout: Share of the entries dropped between layers and before the linear map, while a key is given.
        key: Randomness of the initial weights.

    Example:
        >>> network = SequenceToVector(2, 3, key=jax.random.key(0))
        >>> network(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (3,)
    """

    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, " out"]:
        """The answer for one sequence; with a key, dropout is on."""
        inner, outer = _two_keys(key)
        final = self.recurrent.read_out(self._scaled(frames, mask), mask, key=inner)
        return self.linear(drop(final, self.recurrent.dropout, outer))


class SequenceToSequence(_RecurrentMap):
    """A recurrent network that answers at every frame; 0 at masked frames.

    Args:
        in_size: Features of a frame.
        out_size: Entries of the answer at each frame, for example the number of tags.
        cell: `"rnn"`, `"lstm"`, `"gru"`, `"mingru"` or `"minlstm"`.
        hidden: Size of the state of each cell.
        layers: How many recurrent layers stand on each other.
        bidirectional: Whether each layer also runs backward, so that an answer sees what comes after it.
        dropout: Share of the entries dropped between layers and before the linear map, while a key is given.
        key: Randomness of the initial weights.

    Example:
        >>> network = SequenceToSequence(2, 3, key=jax.random.key(0))
        >>> network(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (5, 3)
    """

    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "time out"]:
        """The answer at each frame of one sequence; with a key, dropout is on."""
        inner, outer = _two_keys(key)
        outputs = self.recurrent(self._scaled(frames, mask), mask, key=inner)
        answers = jax.vmap(self.linear)(drop(outputs, self.recurrent.dropout, outer))
        return jnp.where(mask[:, None], answers, 0.0)


class VectorToVector(eqx.Module):
    """A multi-layer perceptron.

    Args:
        in_size: Entries of the input.
        out_size: Entries of the answer.
        hidden: Width of each hidden layer.
        depth: How many hidden layers.
        activation: `"tanh"` or `"relu"`, after each hidden layer.
        dropout: Share of the entries dropped after each hidden layer, while a key is given.
        key: Randomness of the initial weights.

    Example:
        >>> network = VectorToVector(2, 3, activation="relu", key=jax.random.key(0))
        >>> network(jnp.ones(2)).shape
        (3,)
    """

    # Not equinox.nn.MLP: its activation is a leaf, and here every leaf is an array, so that plain jax.vmap
    # and jax.jit take the network as it is.
    scaling: Scaling
    layers: tuple[eqx.nn.Linear, ...]
    in_size: int = eqx.field(static=True)
    out_size: int = eqx.field(static=True)
    hidden: int = eqx.field(static=True)
    activation: str = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        hidden: int = 16,
        depth: int = 1,
        activation: str = "tanh",
        dropout: float = 0.0,
        key: PRNGKeyArray,
    ) -> None:
        self.in_size = check_count("in_size", in_size)
        self.out_size = check_count("out_size", out_size)
        self.hidden = check_count("hidden", hidden)
        self.activation = check_choice("activation", activation, ACTIVATIONS)
        self.dropout = check_rate("dropout", dropout)
        sizes = (in_size, *(hidden,) * check_count("depth", depth), out_size)
        keys = jax.random.split(key, depth + 1)
        self.layers = tuple(
            _linear(size, following, k)
            for size, following, k in zip(sizes[:-1], sizes[1:], keys, strict=True)
        )
        self.scaling = Scaling(in_size)

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        return {
            "kind": type(self).__name__,
            "in_size": self.in_size,
            "out_size": self.out_size,
            "hidden": self.hidden,
            "depth": len(self.layers) - 1,
            "activation": self.activation,
            "dropout": self.dropout,
        }

    def __call__(
        self, values: Float[Array, " feature"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, " out"]:
        """The answer for one vector; with a key, dropout is on."""
        if values.shape != (self.in_size,):
            raise InputError(
                f"A vector of shape {tuple(values.shape)}.",
                f"Shape ({self.in_size},).",
                "Use jax.vmap for a batch of vectors, or make the network with another in_size.",
            )
        *hidden, last = self.layers
        keys = [None] * len(hidden) if key is None else jax.random.split(key, len(hidden))
        values = self.scaling(values)
        for layer, layer_key in zip(hidden, keys, strict=True):
            values = drop(ACTIVATIONS[self.activation](layer(values)), self.dropout, layer_key)
        return last(values)


@partial(jax.jit, static_argnums=(0, 1))
def _linear(in_size: int, out_size: int, key: PRNGKeyArray) -> eqx.nn.Linear:
    """A linear map with Keras's initial weights: Glorot-uniform, bias 0."""
    linear = eqx.nn.Linear(in_size, out_size, key=key)
    weight = jax.nn.initializers.glorot_uniform()(key, (in_size, out_size), jnp.float32).T
    return eqx.tree_at(lambda n: (n.weight, n.bias), linear, (weight, jnp.zeros((out_size,), jnp.float32)))


def _two_keys(key: PRNGKeyArray | None) -> tuple[PRNGKeyArray | None, PRNGKeyArray | None]:
    if key is None:
        return None, None
    first, second = jax.random.split(key)
    return first, second
