"""Bags of words and n-grams of symbolic sequences: scikit-learn's counts, and a traceable function."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float
from sklearn.feature_extraction.text import CountVectorizer

from antiphon.errors import InputError
from antiphon.networks._checks import check_count


class BagOfWords(CountVectorizer):
    """Counts of symbols, or of runs of symbols, of symbolic sequences: scikit-learn's `CountVectorizer`.

    What scikit-learn does with words of a text it does here with the entries of a sequence, whatever they
    are: each is its `str`, whole. The counts are a sparse matrix `(case, n-gram)`, ready for any scikit-learn
    estimator.

    Args:
        ngram_range: Shortest and longest run of symbols that is counted, from 1 up.
        binary: Whether to say only if a run is there.
        min_df: Share (a float) or number (an int) of the cases that a run must be in, at least.
        max_df: Share or number of the cases that it may be in, at most.
        max_features: How many runs to keep, the most frequent ones; None for all.

    Attributes:
        vocabulary_: From each run, its symbols joined by a blank, to its column.

    Raises:
        InputError: For a case that is no sequence of symbols, or a symbol that holds a blank, which would
            make two different runs look the same.

    Example:
        >>> bag = BagOfWords(ngram_range=(1, 2))
        >>> bag.fit_transform([["up", "up", "down"], ["down"]]).toarray().tolist()
        [[1, 2, 1, 1], [1, 0, 0, 0]]
        >>> bag.get_feature_names_out().tolist()
        ['down', 'up', 'up down', 'up up']
    """

    def __init__(
        self,
        ngram_range: tuple[int, int] = (1, 1),
        binary: bool = False,
        min_df: int | float = 1,
        max_df: int | float = 1.0,
        max_features: int | None = None,
    ) -> None:
        super().__init__(
            tokenizer=_symbols,
            preprocessor=_as_it_is,
            lowercase=False,
            token_pattern=None,  # pyright: ignore[reportArgumentType]
            ngram_range=ngram_range,
            binary=binary,
            min_df=min_df,  # pyright: ignore[reportArgumentType]
            max_df=max_df,
            max_features=max_features,
        )


def _as_it_is(case: Any) -> Any:
    return case


def _symbols(case: Any) -> list[str]:
    if isinstance(case, str) or not hasattr(case, "__iter__"):
        raise InputError(
            f"{case!r} as a symbolic sequence.",
            "A list, tuple or array of symbols a case.",
            "Cut a text into its words first.",
        )
    symbols = [str(symbol) for symbol in (case.ravel().tolist() if hasattr(case, "ravel") else case)]
    if wrong := [symbol for symbol in symbols if any(c.isspace() for c in symbol)]:
        raise InputError(
            f"The symbol {wrong[0]!r}, with a blank in it.", "Symbols without blanks.", "Rename it."
        )
    return symbols


def count_ngrams(
    frames: Float[Array, "time 1"], mask: Bool[Array, " time"], *, symbols: int, n: int = 1
) -> Float[Array, " ngram"]:
    """How often each run of n symbols is in one sequence, masked frames being as if they were not there.

    Args:
        frames: One whole number from 0 to `symbols - 1` a frame. A frame with anything else ends a run.
        mask: Which frames are real.
        symbols: How many symbols there are.
        n: The length of the runs.

    Returns:
        Counts `(symbols ** n,)`; the run `a b c` has the place of the number `abc` written in base `symbols`.

    Raises:
        InputError: If shapes do not fit, or `symbols` or `n` is no positive whole number.

    Example:
        >>> count_ngrams(jnp.array([[0.0], [1.0], [0.0], [1.0]]), jnp.ones(4, bool), symbols=2, n=2).tolist()
        [0.0, 2.0, 1.0, 0.0]
    """
    if frames.ndim != 2 or frames.shape[1] != 1 or mask.shape != frames.shape[:1] or mask.dtype != jnp.bool_:
        raise InputError(
            f"Frames of shape {tuple(frames.shape)} and a mask of shape {tuple(mask.shape)}.",
            "One symbol a frame, (time, 1), and a bool mask (time,).",
            "Use jax.vmap for a batch.",
        )
    check_count("symbols", symbols)
    check_count("n", n)
    return _count(frames, mask, symbols, n)


@partial(jax.jit, static_argnames=("symbols", "n"))
def _count(frames: Array, mask: Array, symbols: int, n: int) -> Float[Array, " ngram"]:
    # Real frames first, in their order, so that runs reach over masked frames.
    order = jnp.argsort(~mask, stable=True)
    values, there = frames[order, 0], mask[order]
    numbers = jnp.clip(jnp.where(there, values, jnp.zeros_like(values)), 0, symbols - 1).astype(jnp.int32)
    there = there & (numbers.astype(values.dtype) == values)
    runs = max(mask.shape[0] - n + 1, 0)
    place, whole = jnp.zeros((runs,), jnp.int32), jnp.ones((runs,), bool)
    for shift in range(n):
        place = place * symbols + numbers[shift : shift + runs]
        whole = whole & there[shift : shift + runs]
    return jnp.zeros((symbols**n,), frames.dtype).at[place].add(whole.astype(frames.dtype))
