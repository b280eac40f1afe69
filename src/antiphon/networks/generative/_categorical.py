"""An autoregressive recurrent network over symbols."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from antiphon.networks._checks import check_count
from antiphon.networks._initial import blank_linear, drawn
from antiphon.networks._symbols import SymbolMask, Symbols, check_symbols
from antiphon.networks.generative._cell_stack import CellStack, States
from antiphon.networks.generative._temperature import check_temperature, draw_symbol


class CategoricalRNN(eqx.Module):
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

    def __call__(
        self, symbols: Symbols, mask: SymbolMask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "time choice"]:
        """Log-probabilities of each symbol, given those before it; 0 where masked.

        Args:
            symbols: Whole numbers from 0, `(time,)`.
            mask: Which of them are real: all up to some place.
            key: Not used.

        Raises:
            InputError: If symbols or mask have another shape or type.
        """
        check_symbols(symbols, mask)
        known = jnp.where(mask, symbols.astype(jnp.int32), 0)
        last = jnp.concatenate([jnp.array([self.symbols], jnp.int32), known[:-1]])
        found = jax.lax.scan(lambda *now: self.step(*now), self.initial_state(), last)[1]
        return jnp.where(mask[:, None], found, 0.0)

    def log_likelihood(self, symbols: Symbols, mask: SymbolMask) -> Float[Array, ""]:
        """Natural logarithm of the probability of one sequence, given its length."""
        found = self(symbols, mask)
        known = jnp.where(mask, symbols.astype(jnp.int32), 0)
        return jnp.take_along_axis(found, known[:, None], axis=1).sum()

    def loss(
        self, symbols: Symbols, mask: SymbolMask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, ""]:
        """Mean negative log-probability of a symbol."""
        count = mask.astype(jnp.float32).sum()
        return -self.log_likelihood(symbols, mask) / jnp.maximum(count, 1.0)

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

    def sample(self, length: int, *, temperature: float = 1.0, key: PRNGKeyArray) -> Int[Array, " time"]:
        """A sequence from the network.

        Args:
            length: Symbols.
            temperature: Each symbol is drawn with `p^(1 / temperature)`.
            key: Randomness.

        Raises:
            InputError: If the length is no whole number from 1 up, or the temperature not above 0.
        """
        temperature = check_temperature(temperature)

        def advance(carry: Any, one: PRNGKeyArray) -> tuple[Any, Array]:
            state, found = self.step(*carry)
            symbol = draw_symbol(found, temperature, one).astype(jnp.int32)
            return (state, symbol), symbol

        start = (self.initial_state(), jnp.array(self.symbols, jnp.int32))
        return jax.lax.scan(advance, start, jax.random.split(key, check_count("length", length)))[1]
