"""Mu-law: waveforms as few whole numbers, finer where it is quiet (ITU-T G.711, as a formula)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from antiphon.errors import InputError


def mu_law_encode(
    samples: Float[Array | np.ndarray, "*shape"] | Sequence[float], *, levels: int = 256
) -> Int[Any, "*shape"]:
    """The number of the level that each sample is in; of JAX arrays as such, of all else as NumPy arrays.

    `F(x) = sign(x) ln(1 + mu |x|) / ln(1 + mu)` with `mu = levels - 1` goes from -1 to 1; it is cut into
    `levels` equal steps, as torchaudio does.

    Args:
        samples: From -1 to 1, an array or a list; what is beyond is clipped.
        levels: How many numbers there are.

    Returns:
        Whole numbers from 0 to `levels - 1`.

    Raises:
        InputError: If there are not at least two levels.

    Example:
        >>> mu_law_encode(jnp.array([-1.0, -0.01, 0.0, 0.01, 1.0])).tolist()
        [0, 98, 128, 157, 255]
    """
    mu, (values, xp) = _mu(levels), _as_array(samples)
    held = xp.clip(values, -1.0, 1.0)
    compressed = xp.sign(held) * xp.log1p(mu * xp.abs(held)) / np.float32(np.log1p(mu))
    return xp.floor((compressed + 1) / 2 * mu + 0.5).astype(xp.int32)


def mu_law_decode(
    codes: Int[Array | np.ndarray, "*shape"] | Sequence[int], *, levels: int = 256
) -> Float[Any, "*shape"]:
    """The samples that such numbers stand for.

    Args:
        codes: Whole numbers from 0 to `levels - 1`, an array or a list.
        levels: How many numbers there are.

    Raises:
        InputError: If there are not at least two levels, or the codes are no whole numbers.

    Example:
        >>> mu_law_decode(np.array([0, 98, 255])).round(2).tolist()
        [-1.0, -0.00..., 1.0]
    """
    mu, (numbers, xp) = _mu(levels), _as_array(codes)
    if numbers.size and not jnp.issubdtype(numbers.dtype, jnp.integer):
        raise InputError(f"Codes of type {numbers.dtype}.", "Whole numbers.", "Encode with mu_law_encode.")
    compressed = numbers.astype(xp.float32) / xp.float32(mu) * 2 - 1
    return xp.sign(compressed) * xp.expm1(xp.abs(compressed) * np.float32(np.log1p(mu))) / xp.float32(mu)


def _as_array(values: Any) -> tuple[Any, Any]:
    """An array and its library: JAX for its own alone, as it compiles for every length."""
    return (values, jnp) if isinstance(values, jax.Array) else (np.asarray(values), np)


def _mu(levels: int) -> float:
    if isinstance(levels, bool) or not isinstance(levels, (int, np.integer)) or levels < 2:
        raise InputError(f"levels={levels!r}.", "A whole number from 2 up.", "Use 256.")
    return float(levels - 1)
