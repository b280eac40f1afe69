"""n-grams of any length over symbols, by counts of those that were seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Int

from antiphon.errors import InputError
from antiphon.networks._checks import check_count
from antiphon.networks.generative._markov import _checked
from antiphon.networks.generative._temperature import check_temperature


class NGram:
    """A Markov chain that falls back on shorter contexts (interpolated, Witten & Bell, 1991).

    With a context `c` that was seen `N` times, before `T` different symbols, the probability of the next
    symbol is `(count + T p') / (N + T)`, where `p'` is that with the oldest symbol of `c` left out; with no
    context left it is alike for all. Only what was seen is kept, so that there is no table that grows with
    the number of symbols as that of `MarkovChain` does.

    Args:
        symbols: How many symbols there are, numbered from 0.
        n: Symbols of an n-gram: the next one depends on `n - 1`.

    Raises:
        InputError: If a setting is no whole number from 1 up, or n-grams have no number below 2^63.

    Example:
        >>> chain = NGram(2, 3).fit([[0, 1, 0, 1, 0, 1]])
        >>> chain.log_likelihoods([0, 1, 0]).round(2).tolist()
        [-0.13, -0.06, -0.06]
    """

    def __init__(self, symbols: int, n: int = 5) -> None:
        self.symbols, self.n = check_count("symbols", symbols), check_count("n", n)
        if (symbols + 1) ** n >= 2**63:
            raise InputError(
                f"n-grams of {n} of {symbols} symbols.", "Fewer than 2^63 of them.", "Take a lower n."
            )
        self._tables: list[tuple[np.ndarray, ...]] = []

    def fit(self, sequences: Iterable[Any]) -> Self:
        """Count.

        Args:
            sequences: Each a list or array of whole numbers from 0.

        Raises:
            InputError: If there is no sequence, or one holds something else.
        """
        cases = [self._known(case) for case in sequences]
        if not cases:
            raise InputError("No sequence.", "At least one.", "Give a list of lists of whole numbers.")
        self._tables = []
        for order in range(self.n):
            contexts = np.concatenate([self._contexts(case, order) for case in cases])
            grams, counts = np.unique(contexts * self.symbols + np.concatenate(cases), return_counts=True)
            seen, first, followers = np.unique(grams // self.symbols, return_index=True, return_counts=True)
            self._tables.append((grams, counts, seen, np.add.reduceat(counts, first), followers))
        return self

    def log_likelihoods(self, sequence: Any) -> Float[np.ndarray, " time"]:
        """Natural logarithm of the probability of each symbol, given those before it.

        Args:
            sequence: Whole numbers from 0.

        Raises:
            InputError: If it holds something else, or nothing was fitted.
        """
        case = self._known(sequence)
        self._check_fitted()
        contexts = [self._contexts(case, order) for order in range(self.n)]
        return np.log(self._probabilities(contexts, case))

    def log_likelihood(self, sequence: Any) -> float:
        """Natural logarithm of the probability of a sequence, given its length."""
        return float(self.log_likelihoods(sequence).sum())

    def sample(self, length: int, *, temperature: float = 1.0, seed: int = 0) -> Int[np.ndarray, " time"]:
        """A sequence from the chain.

        Args:
            length: Symbols.
            temperature: Each symbol is drawn with `p^(1 / temperature)`.
            seed: The same seed gives the same sequence.
        """
        check_count("length", length)
        warm = check_temperature(temperature)
        self._check_fitted()
        rng, every = np.random.default_rng(seed), np.arange(self.symbols)
        found = np.zeros(length, np.int64)
        for place in range(length):
            past = found[max(0, place - self.n + 1) : place]
            context = [
                np.full(self.symbols, self._contexts(np.append(past, 0), k)[-1]) for k in range(self.n)
            ]
            logs = np.log(self._probabilities(context, every)) / warm
            shares = np.exp(logs - logs.max())  # The most likely one is 1, however cold it is.
            found[place] = rng.choice(self.symbols, p=shares / shares.sum())
        return found

    def _probabilities(self, contexts: list[np.ndarray], following: np.ndarray) -> np.ndarray:
        shares = np.full(len(following), 1 / self.symbols)
        for context, (grams, counts, seen, totals, followers) in zip(contexts, self._tables, strict=True):
            total, kinds = _looked_up(context, seen, totals), _looked_up(context, seen, followers)
            count = _looked_up(context * self.symbols + following, grams, counts)
            shares = np.where(total > 0, (count + kinds * shares) / np.maximum(total + kinds, 1), shares)
        return shares

    def _contexts(self, case: np.ndarray, order: int) -> np.ndarray:
        """The number of the `order` symbols before each; `symbols` stands for what is before the first."""
        base = self.symbols + 1
        padded = np.concatenate([np.full(order, self.symbols), case])
        numbers = np.zeros(len(case), np.int64)
        for back in range(order):
            numbers = numbers * base + padded[back : back + len(case)]
        return numbers

    def _known(self, case: Any) -> Int[np.ndarray, " time"]:
        symbols = _checked(case)
        if len(symbols) and symbols.max() >= self.symbols:
            raise InputError(
                f"The symbol {symbols.max()} of {self.symbols}.",
                f"Whole numbers from 0 to {self.symbols - 1}.",
                "Give a larger number of symbols, or number them anew.",
            )
        return symbols.astype(np.int64)

    def _check_fitted(self) -> None:
        if not self._tables:
            raise InputError("An NGram that was not fitted.", "A fitted one.", "Call fit first.")


def _looked_up(wanted: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The value of each number; 0 for what is not known."""
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, values[place], 0)
