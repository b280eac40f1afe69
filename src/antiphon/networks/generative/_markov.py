"""Markov chains of any order over symbols."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count
from antiphon.networks._symbols import SymbolMask, Symbols, check_symbols
from antiphon.networks.generative._temperature import check_temperature, draw_symbol

_LARGEST = 10_000_000  # entries of the table


class MarkovChain(eqx.Module):
    """The next symbol depends on the last `order` symbols alone (Shannon, 1948).

    What stands before the first symbol is a symbol of its own, so that the chain knows how sequences begin.
    The chain says nothing of where they end. `MarkovChain.fit` makes one from data.

    Args:
        log_probabilities: Row by context, column by next symbol, each row a distribution. With `s` symbols a
            context `c_1 ... c_k`, oldest first, is the row `sum c_i (s + 1)^(k - i)`; `s` stands for what
            is before the first.

    Attributes:
        symbols: How many symbols there are.
        order: How many symbols the next one depends on.

    Raises:
        InputError: If the table has another shape, or rows that are no distributions.

    Example:
        >>> chain = MarkovChain.fit([[0, 1, 0, 1], [0, 1, 1]], smoothing=0.0)
        >>> jnp.exp(chain.log_probabilities).round(2).tolist()
        [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
        >>> chain.sample(4, key=jax.random.key(0)).shape
        (4,)
    """

    log_probabilities: Float[Array, "context symbol"]
    symbols: int = eqx.field(static=True)
    order: int = eqx.field(static=True)

    def __init__(self, log_probabilities: Float[Any, "context symbol"]) -> None:
        table = np.asarray(log_probabilities, np.float32)
        order = _order_of(table.shape)
        if order is None:
            raise InputError(
                f"A table of shape {table.shape}.",
                "Shape ((s + 1)^order, s) for s symbols.",
                "Make the chain with MarkovChain.fit.",
            )
        if not np.allclose(np.exp(table).sum(1), 1.0, atol=1e-4):
            raise InputError(
                "A row of the table whose probabilities do not sum to 1.",
                "Natural logarithms of a distribution in each row.",
                "Make the chain with MarkovChain.fit.",
            )
        self.log_probabilities = jnp.asarray(table)
        self.symbols, self.order = table.shape[1], order

    @classmethod
    def fit(
        cls,
        sequences: Iterable[Any],
        *,
        symbols: int | None = None,
        order: int = 1,
        smoothing: float = 1.0,
    ) -> MarkovChain:
        """The chain of sequences of symbols, by counting.

        Args:
            sequences: Each a list or array of whole numbers from 0.
            symbols: How many symbols there are; by default one more than the largest.
            order: How many symbols the next one depends on.
            smoothing: Added to every count (Lidstone; 1 is Laplace's rule). With 0 the chain is that of
                maximum likelihood; a context that was never seen is then followed by each symbol alike.

        Raises:
            InputError: If a setting or a sequence is none of these, there is no sequence, or the table would
                have more than ten million entries.

        Example:
            >>> MarkovChain.fit([[0, 1, 2, 0, 1]], order=2).order
            2
        """
        check_count("order", order)
        number = isinstance(smoothing, int | float) and not isinstance(smoothing, bool)
        if not number or not 0 <= smoothing < float("inf"):
            raise InputError(
                f"smoothing={smoothing!r}.", "A number from 0 up.", "Use 1.0 for Laplace's rule."
            )
        cases = [_checked(case) for case in sequences]
        if not cases:
            raise InputError("No sequence.", "At least one.", "Give a list of lists of whole numbers.")
        largest = max((int(case.max()) for case in cases if len(case)), default=0)
        symbols = largest + 1 if symbols is None else check_count("symbols", symbols)
        if largest >= symbols:
            raise InputError(
                f"The symbol {largest} with symbols={symbols}.",
                f"Whole numbers from 0 to {symbols - 1}.",
                "Give a larger number of symbols, or number them anew.",
            )
        entries = (symbols + 1) ** order * symbols
        if entries > _LARGEST:
            raise InputError(
                f"{symbols} symbols and order={order}: a table of {entries} entries.",
                f"At most {_LARGEST} entries.",
                "Take a lower order, or a CategoricalRNN.",
            )
        counts = np.full(((symbols + 1) ** order, symbols), float(smoothing))
        for case in cases:
            np.add.at(counts, (_contexts(np, case, symbols, order), case), 1.0)
        total = counts.sum(1, keepdims=True)
        shares = np.where(total > 0, counts / np.where(total > 0, total, 1.0), 1.0 / symbols)
        with np.errstate(divide="ignore"):
            return cls(np.log(shares))

    def log_likelihood(self, symbols: Symbols, mask: SymbolMask) -> Float[Array, ""]:
        """Natural logarithm of the probability of one sequence, given its length.

        Args:
            symbols: Whole numbers from 0, `(time,)`.
            mask: Which of them are real: all up to some place.

        Raises:
            InputError: If symbols or mask have another shape or type.
        """
        check_symbols(symbols, mask)
        known = jnp.where(mask, symbols.astype(jnp.int32), 0)
        rows = _contexts(jnp, known, self.symbols, self.order)
        return jnp.where(mask, self.log_probabilities[rows, known], 0.0).sum()

    def sample(self, length: int, *, temperature: float = 1.0, key: PRNGKeyArray) -> Int[Array, " time"]:
        """A sequence from the chain.

        Args:
            length: Symbols.
            temperature: Probabilities are drawn as `p^(1 / temperature)`.
            key: Randomness.

        Raises:
            InputError: If the length is no whole number from 1 up, or the temperature not above 0.
        """
        temperature = check_temperature(temperature)
        base, size = self.symbols + 1, (self.symbols + 1) ** self.order

        def advance(context: Array, one: PRNGKeyArray) -> tuple[Array, Array]:
            symbol = draw_symbol(self.log_probabilities[context], temperature, one).astype(jnp.int32)
            return (context * base + symbol) % size, symbol

        keys = jax.random.split(key, check_count("length", length))
        return jax.lax.scan(advance, jnp.array(size - 1, jnp.int32), keys)[1]


def _order_of(shape: tuple[int, ...]) -> int | None:
    """The order of a table of this shape; None where it is no table of a chain."""
    if len(shape) != 2 or shape[1] < 1:
        return None
    order, size = 1, shape[1] + 1
    while size < shape[0]:
        order, size = order + 1, size * (shape[1] + 1)
    return order if size == shape[0] else None


def _checked(case: Any) -> Int[np.ndarray, " time"]:
    symbols = np.asarray(case)
    if symbols.size == 0:
        return np.zeros(0, np.int64)
    if symbols.ndim != 1 or not np.issubdtype(symbols.dtype, np.integer) or symbols.min() < 0:
        raise InputError(
            f"A sequence of shape {symbols.shape} and type {symbols.dtype}.",
            "Whole numbers from 0 up, of shape (time,).",
            "Number the symbols from 0, one list a sequence.",
        )
    return symbols


def _contexts(xp: Any, symbols: Any, count: int, order: int) -> Any:
    """The row of each symbol's context, in numpy or in JAX."""
    padded = xp.concatenate([xp.full((order,), count, symbols.dtype), symbols])
    time = symbols.shape[0]
    return sum(padded[back : back + time] * (count + 1) ** (order - 1 - back) for back in range(order))
