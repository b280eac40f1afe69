"""Additive attention (Bahdanau)."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.networks._checks import check_count
from antiphon.networks._initial import blank_linear, drawn
from antiphon.networks.attention._multi_head import Frames, Mask


class AdditiveAttention(eqx.Module):
    """One query reads a weighted mean of the memory, the weights by a small perceptron.

    `e_t = v . tanh(W q + U m_t + b)`, `softmax` over the real frames (Bahdanau et al., 2015, appendix A.1.2).
    A masked frame gets weight 0, whatever it holds.

    Args:
        query_size: Entries of a query.
        memory_size: Features of a frame of the memory.
        hidden: Width of the perceptron.
        key: Randomness of the initial weights; None for zeros.

    Example:
        >>> attention = AdditiveAttention(4, 3, 8, key=jax.random.key(0))
        >>> frames, mask = jnp.ones((5, 3)), jnp.ones(5, bool)
        >>> context, weights = eqx.filter_eval_shape(attention, jnp.ones(4), frames, mask)
        >>> context.shape, weights.shape
        ((3,), (5,))
    """

    query: eqx.nn.Linear
    memory: eqx.nn.Linear
    score: eqx.nn.Linear

    def __init__(self, query_size: int, memory_size: int, hidden: int, *, key: PRNGKeyArray | None) -> None:
        check_count("hidden", hidden)
        query = blank_linear(check_count("query_size", query_size), hidden)
        memory = blank_linear(check_count("memory_size", memory_size), hidden, use_bias=False)
        score = blank_linear(hidden, 1, use_bias=False)
        self.query, self.memory, self.score = drawn((query, memory, score), key)

    def scores(self, query: Float[Array, " query"], memory: Frames, mask: Mask) -> Float[Array, " time"]:
        """`e_t` of each frame, before the softmax; the least number at masked frames."""
        held = jax.vmap(self.memory)(jnp.where(mask[:, None], memory, 0.0))
        scores = jax.vmap(self.score)(jnp.tanh(self.query(query)[None, :] + held))[:, 0]
        # The least number, not minus infinity: where no frame is real, nothing may become NaN.
        return jnp.where(mask, scores, jnp.finfo(scores.dtype).min)

    def __call__(
        self, query: Float[Array, " query"], memory: Frames, mask: Mask
    ) -> tuple[Float[Array, " feature"], Float[Array, " time"]]:
        """The mean that the query reads, and the weights of the frames."""
        weights = jax.nn.softmax(self.scores(query, memory, mask))
        return weights @ jnp.where(mask[:, None], memory, 0.0), weights
