"""What networks that say the next symbol, given those before it, have in common."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from antiphon.networks._checks import check_count
from antiphon.networks._symbols import SymbolMask, Symbols, check_symbols
from antiphon.networks.generative._temperature import check_temperature, draw_symbol


class Autoregressive(eqx.Module):
    """A network over symbols, each of which it gives a probability from those before it."""

    symbols: eqx.AbstractVar[int]

    def initial_state(self) -> Any:
        """The state before anything was read."""
        raise NotImplementedError

    def step(self, state: Any, last: Int[Array, ""]) -> tuple[Any, Float[Array, " choice"]]:
        """One symbol more, as `beam_search` takes it.

        Args:
            state: `initial_state()`, or what the last step gave.
            last: The last symbol; the number `symbols` before the first.

        Returns:
            The new state, and the log-probabilities of the next symbol.
        """
        raise NotImplementedError

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
        return jnp.where(mask[:, None], self._all(last, mask), 0.0)

    def _all(self, last: Int[Array, " time"], mask: SymbolMask) -> Float[Array, "time choice"]:
        """The log-probabilities after each of these symbols."""
        return jax.lax.scan(lambda *now: self.step(*now), self.initial_state(), last)[1]

    def log_likelihoods(self, symbols: Symbols, mask: SymbolMask) -> Float[Array, " time"]:
        """Natural logarithm of the probability of each symbol, given those before it; 0 where masked."""
        found = self(symbols, mask)
        known = jnp.where(mask, symbols.astype(jnp.int32), 0)
        return jnp.take_along_axis(found, known[:, None], axis=1)[:, 0]

    def log_likelihood(self, symbols: Symbols, mask: SymbolMask) -> Float[Array, ""]:
        """Natural logarithm of the probability of one sequence, given its length."""
        return self.log_likelihoods(symbols, mask).sum()

    def loss(
        self, symbols: Symbols, mask: SymbolMask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, ""]:
        """Mean negative log-probability of a symbol."""
        count = mask.astype(jnp.float32).sum()
        return -self.log_likelihood(symbols, mask) / jnp.maximum(count, 1.0)

    def sample(self, length: int, *, temperature: float = 1.0, key: PRNGKeyArray) -> Int[Array, " time"]:
        """A sequence from the network, in a time that grows with its length alone.

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
