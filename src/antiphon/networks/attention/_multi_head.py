"""Multi-head scaled dot-product attention with masks, and sinusoidal positions."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from antiphon.errors import InputError
from antiphon.networks._checks import check_count, check_flag
from antiphon.networks._initial import blank_linear, drawn

Frames = Float[Array, "time feature"]
Mask = Bool[Array, " time"]


class MultiHeadAttention(eqx.Module):
    """Each query reads a weighted mean of the memory, once a head (Vaswani et al., 2017, section 3.2).

    `softmax(q k^T / sqrt(size / heads)) v` for each head, the heads side by side through a linear map; all
    four maps have a bias, as in PyTorch's `nn.MultiheadAttention`. A masked frame of the memory gets weight
    0, whatever it holds; masked queries give 0.

    Args:
        size: Features of queries, memory and answers.
        heads: How many heads; divides `size`.
        key: Randomness of the initial weights; None for zeros.

    Raises:
        InputError: If the heads do not divide the size.

    Example:
        >>> attention = MultiHeadAttention(8, 2, key=jax.random.key(0))
        >>> frames, mask = jnp.ones((5, 8)), jnp.ones(5, bool)
        >>> eqx.filter_eval_shape(attention, frames, mask, frames, mask).shape
        (5, 8)
    """

    # Not equinox.nn.MultiheadAttention: the rate of its dropout is a leaf that is no array, which plain
    # jax.vmap and jax.jit do not take, and it does not show its weights.
    query: eqx.nn.Linear
    key: eqx.nn.Linear
    value: eqx.nn.Linear
    output: eqx.nn.Linear
    heads: int = eqx.field(static=True)

    def __init__(self, size: int, heads: int, *, key: PRNGKeyArray | None) -> None:
        if check_count("size", size) % check_count("heads", heads):
            raise InputError(
                f"heads={heads} for a size of {size}.",
                "Heads that divide the size.",
                "Change one of the two.",
            )
        maps = (blank_linear(size, size),) * 4
        self.query, self.key, self.value, self.output = drawn(maps, key)
        self.heads = heads

    def weights(
        self,
        queries: Float[Array, "query feature"],
        query_mask: Bool[Array, " query"],
        memory: Frames,
        mask: Mask,
        *,
        causal: bool = False,
    ) -> Float[Array, "head query time"]:
        """How much each query reads of each frame: for each head and query, shares that sum to 1.

        Args:
            queries: What asks.
            query_mask: Which queries are real; the weights of others mean nothing.
            memory: What is read.
            mask: Which frames of the memory are real.
            causal: Whether query `i` may read the frames up to `i` only.
        """
        queries = jnp.where(query_mask[:, None], queries, 0.0)
        memory = jnp.where(mask[:, None], memory, 0.0)
        asked, held = self._split(self.query, queries), self._split(self.key, memory)
        scores = jnp.einsum("qhd,khd->hqk", asked, held) / math.sqrt(asked.shape[-1])
        allowed = jnp.broadcast_to(mask[None, :], (queries.shape[0], memory.shape[0]))
        if check_flag("causal", causal):
            allowed = jnp.tril(allowed)
        # The least number, not minus infinity: where no frame is allowed, nothing may become NaN.
        least = jnp.finfo(scores.dtype).min
        return jax.nn.softmax(jnp.where(allowed[None], scores, least), axis=-1)

    def __call__(
        self,
        queries: Float[Array, "query feature"],
        query_mask: Bool[Array, " query"],
        memory: Frames,
        mask: Mask,
        *,
        causal: bool = False,
    ) -> Float[Array, "query feature"]:
        """What each query reads.

        Args:
            queries: What asks; the frames themselves, for self-attention.
            query_mask: Which queries are real.
            memory: What is read.
            mask: Which frames of the memory are real.
            causal: Whether query `i` may read the frames up to `i` only.
        """
        weights = self.weights(queries, query_mask, memory, mask, causal=causal)
        values = self._split(self.value, jnp.where(mask[:, None], memory, 0.0))
        read = jnp.einsum("hqk,khd->qhd", weights, values).reshape(queries.shape)
        return jnp.where(query_mask[:, None], jax.vmap(self.output)(read), 0.0)

    def _split(self, linear: eqx.nn.Linear, frames: Frames) -> Float[Array, "time head part"]:
        return jax.vmap(linear)(frames).reshape(frames.shape[0], self.heads, -1)


def sinusoidal_positions(positions: Real[Array, " time"], size: int) -> Float[Array, "time feature"]:
    """Positions as waves of many lengths (Vaswani et al., 2017, section 3.5).

    Entry `2 i` is `sin(p / 10000^(2 i / size))`, entry `2 i + 1` the cosine of the same.

    Args:
        positions: Where each frame stands, usually 0, 1, 2, ...
        size: Entries a position.

    Example:
        >>> sinusoidal_positions(jnp.arange(3), 4).shape
        (3, 4)
    """
    entry = jnp.arange(check_count("size", size))
    rates = jnp.exp(-math.log(10_000.0) / size * (entry - entry % 2).astype(jnp.float32))
    angles = positions.astype(jnp.float32)[:, None] * rates[None, :]
    return jnp.where((entry % 2 == 0)[None, :], jnp.sin(angles), jnp.cos(angles))
