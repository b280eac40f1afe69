"""Spikes that have a gradient."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

SURROGATES: dict[str, Callable[[Array, float], Array]] = {
    "fast-sigmoid": lambda x, slope: 1 / (1 + slope * jnp.abs(x)) ** 2,
    "arctan": lambda x, slope: 1 / (1 + (slope * x) ** 2),
    "triangle": lambda x, slope: jax.nn.relu(1 - slope * jnp.abs(x)),
}


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def spike(
    excess: Float[Array, "*shape"], surrogate: str = "fast-sigmoid", slope: float = 5.0
) -> Float[Array, "*shape"]:
    """1 where the membrane is above its threshold, else 0; differentiated as if it were smooth.

    Args:
        excess: Membrane less threshold.
        surrogate: What stands for the derivative: `"fast-sigmoid"` (Zenke & Ganguli, 2018, SuperSpike, Neural
            Computation 30), `"arctan"` (Fang et al., 2021, ICCV) or `"triangle"` (Bellec et al., 2018,
            NeurIPS). Each is 1 at the threshold.
        slope: How fast it falls away from the threshold.

    Example:
        >>> spike(jnp.array([-0.1, 0.2])).tolist()
        [0.0, 1.0]
        >>> jax.grad(lambda x: spike(x, "triangle", 2.0))(0.25).item()
        0.5
    """
    return jnp.where(excess > 0, 1.0, 0.0).astype(jnp.asarray(excess).dtype)


@spike.defjvp
def _spike_jvp(
    surrogate: str, slope: float, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (excess,), (tangent,) = primals, tangents
    return spike(excess, surrogate, slope), SURROGATES[surrogate](excess, slope) * tangent
