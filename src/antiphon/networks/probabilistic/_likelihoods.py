"""Losses of one case, for `fit_by_gradient`: negative log-likelihood a frame."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from antiphon.networks.probabilistic._crf import CRF
from antiphon.networks.probabilistic._hmm import HMM


def hmm_loss(
    hmm: HMM,
    frames: Float[Array, "time feature"],
    mask: Bool[Array, " time"],
    *,
    key: PRNGKeyArray | None = None,
) -> Float[Array, ""]:
    """Negative log-likelihood of one sequence, a frame; `key` changes nothing.

    Args:
        hmm: The model.
        frames: One sequence.
        mask: Which frames are real.
        key: None, or what `fit_by_gradient` gives.
    """
    return -hmm.log_likelihood(frames, mask) / _frames(mask, frames)


def crf_loss(
    crf: CRF,
    frames: Float[Array, "time feature"],
    tags: Int[Array, " time"],
    mask: Bool[Array, " time"],
    *,
    key: PRNGKeyArray | None = None,
) -> Float[Array, ""]:
    """Negative log-probability of the right tags of one sequence, a frame; with a key, dropout is on.

    Args:
        crf: The model.
        frames: One sequence.
        tags: Its tags.
        mask: Which frames are real.
        key: Randomness of dropout.
    """
    return -crf.log_probability(frames, tags, mask, key=key) / _frames(mask, frames)


def _frames(mask: Array, frames: Array) -> Array:
    return jnp.maximum(mask.sum(dtype=jnp.int32), 1).astype(frames.dtype)
