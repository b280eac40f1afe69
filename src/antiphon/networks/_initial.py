"""Initial weights of a whole network in one draw.

To compile a draw takes longer than to make most networks, and there would be one for every kernel. So parts
are put together blank, and all their kernels are drawn at once.
"""

from __future__ import annotations

from functools import cache, partial
from math import prod, sqrt
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

Parts = TypeVar("Parts")
Shapes = tuple[tuple[int, ...], ...]


def blank(*shape: int) -> Any:
    """Zeros, to be drawn or left as they are."""
    return np.zeros(shape, np.float32)


@cache
def blank_linear(in_size: int, out_size: int, *, use_bias: bool = True) -> eqx.nn.Linear:
    """A linear map of zeros."""

    def make(key: PRNGKeyArray) -> eqx.nn.Linear:
        return eqx.nn.Linear(in_size, out_size, use_bias=use_bias, dtype=jnp.float32, key=key)

    like = eqx.filter_eval_shape(make, jax.eval_shape(lambda: jax.random.key(0)))
    return jax.tree.map(
        lambda leaf: blank(*leaf.shape) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf, like
    )


def drawn(parts: Parts, key: PRNGKeyArray | None) -> Parts:
    """Blank parts with initial weights, as Keras has them: kernels Glorot-uniform, all else as it is.

    Args:
        parts: A pytree of arrays. A blank array of two axes or more is a kernel: the last two
            axes are those of inputs and outputs, in any order, the others those of a window.
        key: Randomness; None to leave the parts blank, for whoever draws them with others.
    """
    if key is None:
        return parts
    leaves, structure = jax.tree.flatten(parts)
    blanks = [isinstance(leaf, np.ndarray) and leaf.ndim > 1 for leaf in leaves]
    kernels = iter(_draw(tuple(leaf.shape for leaf, one in zip(leaves, blanks, strict=True) if one), key))
    filled = [next(kernels) if one else jnp.asarray(leaf) for leaf, one in zip(leaves, blanks, strict=True)]
    return jax.tree.unflatten(structure, filled)


@partial(jax.jit, static_argnums=0)
def _draw(shapes: Shapes, key: PRNGKeyArray) -> list[Array]:
    sizes = [prod(shape) for shape in shapes]
    numbers = jax.random.uniform(key, (sum(sizes),), jnp.float32, -1.0, 1.0)
    ends = np.cumsum(sizes).tolist()
    return [
        numbers[end - size : end].reshape(shape) * sqrt(6 / (prod(shape[:-2]) * (shape[-2] + shape[-1])))
        for shape, size, end in zip(shapes, sizes, ends, strict=True)
    ]
