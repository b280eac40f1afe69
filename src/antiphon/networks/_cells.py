"""Recurrent cells: one step from a frame and a state to the next state, initialised as Keras does it.

The weights are laid out as in PyTorch, one block of `hidden` rows a gate: the LSTM's gates stand in the order
input, forget, cell, output; the GRU's in the order reset, update, new. The GRU applies its reset gate *after*
the recurrent product (`new = tanh(W x + b + r * (U h + b_n))`), which is PyTorch's and cuDNN's form and
differs from the paper of Cho et al. (2014), who reset the state before it.
"""

from __future__ import annotations

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.networks._checks import check_choice

State = tuple[Float[Array, " hidden"], ...]

CELLS = ("rnn", "lstm", "gru")

_GLOROT = jax.nn.initializers.glorot_uniform()
_ORTHOGONAL = jax.nn.initializers.orthogonal()


class RNNCell(eqx.Module):
    """One step of a simple recurrent network: `tanh(W x + U h + b)` (Elman, 1990).

    Args:
        in_size: Features of a frame.
        hidden: Size of the state.
        key: Randomness of the initial weights.

    Example:
        >>> cell = RNNCell(2, 3, key=jax.random.key(0))
        >>> cell(jnp.ones(2), jnp.zeros(3)).shape
        (3,)
    """

    weight_ih: Float[Array, "hidden feature"]
    weight_hh: Float[Array, "hidden hidden"]
    bias: Float[Array, " hidden"]

    def __init__(self, in_size: int, hidden: int, *, key: PRNGKeyArray) -> None:
        self.weight_ih, self.weight_hh = _kernels(in_size, hidden, 1, key)
        self.bias = jnp.zeros((hidden,), jnp.float32)

    def __call__(
        self, frame: Float[Array, " feature"], state: Float[Array, " hidden"]
    ) -> Float[Array, " hidden"]:
        """The next state."""
        return jnp.tanh(self.weight_ih @ frame + self.weight_hh @ state + self.bias)


Cell = RNNCell | eqx.nn.GRUCell | eqx.nn.LSTMCell


def make_cell(name: str, in_size: int, hidden: int, *, key: PRNGKeyArray) -> Cell:
    """A cell by name, with Keras's initial weights.

    Input weights are Glorot-uniform, recurrent weights orthogonal (over all gates together), biases zero and
    the LSTM's forget bias 1 (Jozefowicz et al., 2015, "An empirical exploration of recurrent network
    architectures").

    Args:
        name: `"rnn"`, `"lstm"` or `"gru"`.
        in_size: Features of a frame.
        hidden: Size of the state.
        key: Randomness of the initial weights.

    Example:
        >>> make_cell("lstm", 2, 3, key=jax.random.key(0)).bias.tolist()
        [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    return _make(check_choice("cell", name, CELLS), in_size, hidden, key)


# Compiled as one, the initial weights of a cell take a fraction of the time of their many operations one by
# one, and those that Equinox draws first are never computed.
@partial(jax.jit, static_argnums=(0, 1, 2))
def _make(name: str, in_size: int, hidden: int, key: PRNGKeyArray) -> Cell:
    match name:
        case "rnn":
            return RNNCell(in_size, hidden, key=key)
        case "gru":
            cell = eqx.nn.GRUCell(in_size, hidden, key=key)
            biases = (jnp.zeros((3 * hidden,), jnp.float32), jnp.zeros((hidden,), jnp.float32))
            return eqx.tree_at(
                lambda c: (c.weight_ih, c.weight_hh, c.bias, c.bias_n),
                cell,
                (*_kernels(in_size, hidden, 3, key), *biases),
            )
        case _:
            cell = eqx.nn.LSTMCell(in_size, hidden, key=key)
            zeros, ones = jnp.zeros((hidden,), jnp.float32), jnp.ones((hidden,), jnp.float32)
            bias = jnp.concatenate([zeros, ones, zeros, zeros])
            return eqx.tree_at(
                lambda c: (c.weight_ih, c.weight_hh, c.bias), cell, (*_kernels(in_size, hidden, 4, key), bias)
            )


def _kernels(in_size: int, hidden: int, gates: int, key: PRNGKeyArray) -> tuple[Array, Array]:
    # Keras initialises (inputs, gates * hidden) matrices; ours are their transposes.
    key_in, key_hidden = jax.random.split(key)
    weight_ih = _GLOROT(key_in, (in_size, gates * hidden), jnp.float32).T
    weight_hh = _ORTHOGONAL(key_hidden, (hidden, gates * hidden), jnp.float32).T
    return weight_ih, weight_hh


def initial_state(cell: Cell, like: Array) -> State:
    """The zero state of a cell, in the type of the frames."""
    zeros = jnp.zeros((cell.weight_hh.shape[-1],), like.dtype)
    return (zeros, zeros) if isinstance(cell, eqx.nn.LSTMCell) else (zeros,)


def step(cell: Cell, frame: Float[Array, " feature"], state: State) -> State:
    """The next state, as a tuple whose first entry is the output, whatever the kind of cell."""
    if isinstance(cell, eqx.nn.LSTMCell):
        return cell(frame, state)
    return (cell(frame, state[0]),)
