"""Decoding: the most probable symbols under a model that tells those of the next, greedily or with a beam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from antiphon.errors import InputError
from antiphon.networks._checks import check_count

State = PyTree
Step = Callable[[Any, Int[Array, ""]], tuple[Any, Float[Array, " symbol"]]]


class Decoded(eqx.Module):
    """Symbols that were decoded.

    Attributes:
        symbols: Whole numbers, the end symbol left out.
        mask: Which of them are real.
        log_probability: Natural logarithm of their probability, that of the end symbol included.
    """

    symbols: Int[Array, "*beam time"]
    mask: Bool[Array, "*beam time"]
    log_probability: Float[Array, "*beam"]


def greedy_search(step: Step, state: State, *, start: int, end: int | None, length: int) -> Decoded:
    """The most probable symbol at every step.

    Args:
        step: From a state and the last symbol to a new state and the log-probabilities of the next symbol.
        state: The first state, a pytree of arrays.
        start: Stands for the symbol before the first.
        end: The symbol that ends the sequence; None where none does.
        length: Steps at most, that of the end symbol included.

    Raises:
        InputError: If the length is no whole number from 1 up.

    Example:
        >>> def step(state, last):
        ...     return state, jnp.log(jnp.where(last == 0, jnp.array([0.1, 0.9]), jnp.array([0.6, 0.4])))
        >>> greedy_search(step, (), start=0, end=None, length=3).symbols.tolist()
        [1, 0, 1]
    """
    return jax.tree.map(
        lambda leaf: leaf[0], beam_search(step, state, start=start, end=end, length=length, width=1)
    )


def beam_search(
    step: Step,
    state: State,
    *,
    start: int,
    end: int | None,
    length: int,
    width: int,
    length_penalty: float = 0.0,
) -> Decoded:
    """The best sequences that a beam of this width finds, best first.

    With a width of at least the number of all sequences the search is exhaustive; with 1 it is greedy.

    Args:
        step: From a state and the last symbol to a new state and the log-probabilities of the next symbol.
        state: The first state, a pytree of arrays.
        start: Stands for the symbol before the first.
        end: The symbol that ends a sequence; None where none does.
        length: Steps at most, that of the end symbol included; a sequence that has not ended then stays as it
            is.
        width: How many sequences are kept at each step.
        length_penalty: `a` of Wu et al. (2016, equation 14): the found are ordered by their log-probability
            over `((5 + n) / 6)^a` for `n` steps. 0 for plain probability.

    Returns:
        Leading axis `width`. Where there are fewer sequences, the log-probability of the rest is -inf.

    Raises:
        InputError: If length or width is no whole number from 1 up, or the penalty no number from 0 up.

    Example:
        >>> def step(state, last):
        ...     return state, jnp.log(jnp.where(last == 0, jnp.array([0.4, 0.6]), jnp.array([0.5, 0.5])))
        >>> beam_search(step, (), start=0, end=None, length=2, width=4).log_probability.shape
        (4,)
    """
    check_count("length", length)
    check_count("width", width)
    if (
        isinstance(length_penalty, bool)
        or not isinstance(length_penalty, int | float)
        or not length_penalty >= 0
    ):
        raise InputError(
            f"length_penalty={length_penalty!r}.", "A number from 0 up.", "Use 0.0 for no penalty."
        )
    never = -1 if end is None else end

    def advance(carry: Any, index: Array) -> tuple[Any, None]:
        states, symbols, total, done, last, counts = carry
        states, found = jax.vmap(step)(states, last)
        # What has ended goes on by its end symbol alone, at no cost.
        kept = jnp.where(jnp.arange(found.shape[1]) == never, 0.0, -jnp.inf)
        found = jnp.where(done[:, None], kept[None, :], found)
        total, best = jax.lax.top_k((total[:, None] + found).reshape(-1), width)
        beam, last = best // found.shape[1], (best % found.shape[1]).astype(jnp.int32)
        states = jax.tree.map(lambda leaf: leaf[beam], states)
        symbols = symbols[beam].at[:, index].set(last)
        counts = counts[beam] + (~done[beam]).astype(jnp.int32)
        return (states, symbols, total, done[beam] | (last == never), last, counts), None

    carry = (
        jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (width, *jnp.shape(leaf))), state),
        jnp.full((width, length), never, jnp.int32),
        jnp.full((width,), -jnp.inf, jnp.float32).at[0].set(0.0),
        jnp.zeros((width,), bool),
        jnp.full((width,), start, jnp.int32),
        jnp.zeros((width,), jnp.int32),
    )
    (_, symbols, total, _, _, counts), _ = jax.lax.scan(advance, carry, jnp.arange(length))
    order = jnp.argsort(-total / ((5.0 + counts.astype(jnp.float32)) / 6.0) ** length_penalty, stable=True)
    symbols, total = symbols[order], total[order]
    mask = symbols != never
    return Decoded(jnp.where(mask, symbols, 0), mask, total)
