"""Recurrent cells: one step from a frame and a state to the next state, initialised as Keras does it.

The weights are laid out as in PyTorch, one block of `hidden` rows a gate: the LSTM's gates stand in the order
input, forget, cell, output; the GRU's in the order reset, update, new. The GRU applies its reset gate *after*
the recurrent product (`new = tanh(W x + b + r * (U h + b_n))`), which is PyTorch's and cuDNN's form and
differs from the paper of Cho et al. (2014), who reset the state before it.

A step has two halves: `gate_sums` holds all that needs a matrix, `gated` all that does not.
"""

from __future__ import annotations

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.networks._checks import check_choice
from antiphon.networks._minimal import MinGRUCell, MinLSTMCell, decay_and_input, glorot_kernel

State = tuple[Float[Array, " hidden"], ...]
Sums = tuple[Array, ...]
Kernels = tuple[Array, Array | None]

CELLS = ("rnn", "lstm", "gru", "mingru", "minlstm")

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


Cell = RNNCell | eqx.nn.GRUCell | eqx.nn.LSTMCell | MinGRUCell | MinLSTMCell


def make_cell(name: str, in_size: int, hidden: int, *, key: PRNGKeyArray) -> Cell:
    """A cell by name, with Keras's initial weights.

    Input weights are Glorot-uniform, recurrent weights orthogonal (over all gates together), biases zero and
    the forget bias of LSTM and minLSTM 1 (Jozefowicz et al., 2015, "An empirical exploration of recurrent
    network architectures").

    Args:
        name: `"rnn"`, `"lstm"`, `"gru"`, `"mingru"` or `"minlstm"`.
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
        case "mingru":
            return MinGRUCell(in_size, hidden, key=key)
        case "minlstm":
            return MinLSTMCell(in_size, hidden, key=key)
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
    weight_hh = _ORTHOGONAL(key_hidden, (hidden, gates * hidden), jnp.float32).T
    return glorot_kernel(in_size, gates * hidden, key_in), weight_hh


def initial_state(cell: Cell, like: Array) -> State:
    """The zero state of a cell, in the type of the frames."""
    width = cell.hidden if isinstance(cell, MinGRUCell | MinLSTMCell) else cell.weight_hh.shape[-1]
    zeros = jnp.zeros((width,), like.dtype)
    return (zeros, zeros) if isinstance(cell, eqx.nn.LSTMCell) else (zeros,)


def kernels(cell: Cell) -> Kernels:
    """The matrices of a cell, such that a row times a matrix gives the gates.

    Under `vmap` a row becomes a batch of rows that stays in the order in which it lies in memory. A loop
    takes them as they are here, so that neither they nor their gradients are transposed at each step.
    """
    recurrent = None if isinstance(cell, MinGRUCell | MinLSTMCell) else cell.weight_hh.T
    return cell.weight_ih.T, recurrent


def gate_sums(cell: Cell, matrices: Kernels, frame: Float[Array, " feature"], state: State) -> Sums:
    """What goes into the gates: weighted frame, weighted state and bias.

    Args:
        cell: For its biases.
        matrices: `kernels(cell)`.
        frame: Of this step.
        state: Before this step.
    """
    assert cell.bias is not None, "make_cell gives every cell a bias"
    from_frame, from_state = matrices
    sums = frame @ from_frame + cell.bias
    if from_state is None:
        return (sums,)
    recurrent = state[0] @ from_state
    if not isinstance(cell, eqx.nn.GRUCell):
        return (sums + recurrent,)
    assert cell.bias_n is not None
    gates = 2 * state[0].shape[0]
    both, new = jnp.split(sums, [gates])
    recurrent, recurrent_new = jnp.split(recurrent, [gates])
    return both + recurrent, new, recurrent_new + cell.bias_n


def gated(cell: Cell, sums: Sums, state: State) -> State:
    """The next state from what goes into the gates; nothing of the cell but its kind is used."""
    match cell:
        case RNNCell():
            return (jnp.tanh(sums[0]),)
        case eqx.nn.GRUCell():
            reset, update = jnp.split(jax.nn.sigmoid(sums[0]), 2)
            new = jnp.tanh(sums[1] + reset * sums[2])
            return (new + update * (state[0] - new),)
        case eqx.nn.LSTMCell():
            put, forget, new, out = jnp.split(sums[0], 4)
            memory = jax.nn.sigmoid(forget) * state[1] + jax.nn.sigmoid(put) * jnp.tanh(new)
            return jax.nn.sigmoid(out) * jnp.tanh(memory), memory
        case _:
            decay, entering = decay_and_input(cell, sums[0])
            return (decay * state[0] + entering,)


def step(cell: Cell, frame: Float[Array, " feature"], state: State) -> State:
    """The next state, as a tuple whose first entry is the output, whatever the kind of cell."""
    return gated(cell, gate_sums(cell, kernels(cell), frame, state), state)
