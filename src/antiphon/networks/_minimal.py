"""minGRU and minLSTM: cells whose gates see the frame alone (Feng et al., 2024, "Were RNNs all we needed?").

The state then only enters as `decay * state + input`, so that a whole sequence is one associative scan. The
forms are those of the paper's sections 3.1 and 3.2, without the logarithms of its appendix: nothing is
divided by a product of gates, so that there is nothing for them to mend.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


def glorot_kernel(in_size: int, rows: int, key: PRNGKeyArray) -> Float[Array, "gates feature"]:
    """Keras's initial weights of an input, one row a gate of each unit."""
    return jax.nn.initializers.glorot_uniform()(key, (in_size, rows), jnp.float32).T


class MinGRUCell(eqx.Module):
    """One step of a minGRU: `h = (1 - z) h + z n`, `z = sigmoid(W_z x + b_z)`, `n = W_n x + b_n`.

    Rows of the weights: update, new.

    Args:
        in_size: Features of a frame.
        hidden: Size of the state.
        key: Randomness of the initial weights.

    Example:
        >>> cell = MinGRUCell(2, 3, key=jax.random.key(0))
        >>> cell(jnp.ones(2), jnp.zeros(3)).shape
        (3,)
    """

    weight_ih: Float[Array, "gates feature"]
    bias: Float[Array, " gates"]
    hidden: int = eqx.field(static=True)

    def __init__(self, in_size: int, hidden: int, *, key: PRNGKeyArray) -> None:
        self.weight_ih = glorot_kernel(in_size, 2 * hidden, key)
        self.bias = jnp.zeros((2 * hidden,), jnp.float32)
        self.hidden = hidden

    def __call__(
        self, frame: Float[Array, " feature"], state: Float[Array, " hidden"]
    ) -> Float[Array, " hidden"]:
        """The next state."""
        decay, entering = decay_and_input(self, self.weight_ih @ frame + self.bias)
        return decay * state + entering


class MinLSTMCell(eqx.Module):
    """One step of a minLSTM: `h = (f h + i n) / (f + i)`, with gates `f`, `i` and `n = W_n x + b_n`.

    Rows of the weights: forget, input, new.

    Args:
        in_size: Features of a frame.
        hidden: Size of the state.
        key: Randomness of the initial weights.

    Example:
        >>> cell = MinLSTMCell(2, 3, key=jax.random.key(0))
        >>> cell(jnp.ones(2), jnp.zeros(3)).shape
        (3,)
    """

    weight_ih: Float[Array, "gates feature"]
    bias: Float[Array, " gates"]
    hidden: int = eqx.field(static=True)

    def __init__(self, in_size: int, hidden: int, *, key: PRNGKeyArray) -> None:
        self.weight_ih = glorot_kernel(in_size, 3 * hidden, key)
        ones, zeros = jnp.ones((hidden,), jnp.float32), jnp.zeros((2 * hidden,), jnp.float32)
        self.bias = jnp.concatenate([ones, zeros])
        self.hidden = hidden

    def __call__(
        self, frame: Float[Array, " feature"], state: Float[Array, " hidden"]
    ) -> Float[Array, " hidden"]:
        """The next state."""
        decay, entering = decay_and_input(self, self.weight_ih @ frame + self.bias)
        return decay * state + entering


def decay_and_input(
    cell: MinGRUCell | MinLSTMCell, sums: Float[Array, "*time gates"]
) -> tuple[Float[Array, "*time hidden"], Float[Array, "*time hidden"]]:
    """How much of the state stays, and what enters it, from what goes into the gates."""
    if isinstance(cell, MinGRUCell):
        update, new = jnp.split(sums, 2, axis=-1)
        update = jax.nn.sigmoid(update)
        return 1 - update, update * new
    forget, put, new = jnp.split(sums, 3, axis=-1)
    # f / (f + i) and i / (f + i) by one function of the difference of what goes into both gates: with
    # s = softplus, f / (f + i) = sigmoid(s(-i) - s(-f)), which is never 0 / 0.
    decay = jax.nn.sigmoid(jax.nn.softplus(-put) - jax.nn.softplus(-forget))
    return decay, (1 - decay) * new


def linear_recurrence(
    decay: Float[Array, "time hidden"],
    entering: Float[Array, "time hidden"],
    state: Float[Array, " hidden"],
    *,
    reverse: bool,
    parallel: bool,
) -> Float[Array, "time hidden"]:
    """All states of `state = decay * state + entering`.

    Args:
        decay: How much of the state stays at each frame.
        entering: What is added at each frame.
        state: Before the first frame.
        reverse: Whether to run from the last frame to the first.
        parallel: By an associative scan, in `log(time)` passes over all frames, or frame by frame.
    """
    if parallel:
        first = -1 if reverse else 0
        entering = entering.at[first].add(decay[first] * state)
        return jax.lax.associative_scan(_joined, (decay, entering), reverse=reverse)[1]

    def advance(state: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        state = now[0] * state + now[1]
        return state, state

    return jax.lax.scan(advance, state, (decay, entering), reverse=reverse)[1]


def _joined(before: tuple[Array, Array], after: tuple[Array, Array]) -> tuple[Array, Array]:
    return before[0] * after[0], after[0] * before[1] + after[1]
