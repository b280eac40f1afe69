"""An autoregressive recurrent network over symbols."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from antiphon.networks._checks import check_count
from antiphon.networks._initial import blank_linear, drawn
from antiphon.networks.generative._autoregressive import Autoregressive
from antiphon.networks.generative._cell_stack import CellStack, States


class CategoricalRNN(Autoregressive):
    """An autoregressive recurrent network over symbols (Graves, 2013): a character RNN.

    `p(s_1, ..., s_T) = prod_t p(s_t | s_1, ..., s_(t-1))`, each factor a softmax over the output of recurrent
    cells that have read the symbols before. The network says nothing of where a sequence ends.

    Args:
        symbols: How many symbols there are, numbered from 0.
        cell: `"rnn"`, `"lstm"` or `"gru"`.
        hidden: Size of the state of each cell.
        layers: How many cells stand on each other.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = CategoricalRNN(3, hidden=4, key=jax.random.key(0))
        >>> eqx.filter_eval_shape(network, jnp.array([0, 2, 1]), jnp.ones(3, bool)).shape
        (3, 3)
        >>> network.sample(5, temperature=0.5, key=jax.random.key(1)).shape
        (5,)
    """

    stack: CellStack
    linear: eqx.nn.Linear
    symbols: int = eqx.field(static=True)

    def __init__(
        self, symbols: int, *, cell: str = "gru", hidden: int = 32, layers: int = 1, key: PRNGKeyArray
    ) -> None:
        stack_key, own_key = jax.random.split(key)
        self.symbols = check_count("symbols", symbols)
        # The number `symbols`, for what is before the first, has an entry of its own in what the cells read.
        self.stack = CellStack(cell, symbols + 1, hidden, layers, key=stack_key)
        self.linear = drawn(blank_linear(hidden, symbols), own_key)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make one like this, as JSON can keep them."""
        return {
            "kind": type(self).__name__,
            "symbols": self.symbols,
            "cell": self.stack.cell,
            "hidden": self.stack.hidden,
            "layers": len(self.stack.cells),
        }

    def initial_state(self) -> States:
        """The state before anything was read."""
        return self.stack.initial_state()

    def step(self, state: States, last: Int[Array, ""]) -> tuple[States, Float[Array, " choice"]]:
        """One symbol more, as `beam_search` takes it.

        Args:
            state: `initial_state()`, or what the last step gave.
            last: The last symbol; the number `symbols` before the first.

        Returns:
            The new state, and the log-probabilities of the next symbol.
        """
        state, out = self.stack.step(state, jax.nn.one_hot(last, self.symbols + 1, dtype=jnp.float32))
        return state, jax.nn.log_softmax(self.linear(out))
