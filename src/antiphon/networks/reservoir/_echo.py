"""The echo state network: a fixed random recurrent network of rate units."""

from __future__ import annotations

import math
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count
from antiphon.networks.reservoir._reservoir import Frames, Mask, Reservoir, States


def check_number(name: str, value: object, low: float, high: float, *, open_low: bool = True) -> float:
    """The value as a float, if it is above `low` (or equal, where that is allowed) and at most `high`."""
    number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    if not math.isfinite(number) or not low <= number <= high or (open_low and number == low):
        span = f"above {low:g}" if open_low else f"from {low:g} up"
        end = "" if math.isinf(high) else f", up to {high:g}"
        raise InputError(f"{name}={value!r}.", f"A number {span}{end}.", f"Correct {name}.")
    return number


def radius_of(matrix: Float[Array, "unit unit"]) -> Float[Array, ""]:
    """The largest absolute value of an eigenvalue.

    Example:
        >>> radius_of(jnp.array([[0.0, -2.0], [2.0, 0.0]])).item()
        2.0
    """

    def on_host(given: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(np.linalg.eigvals(np.asarray(given, np.float64))).max(), given.dtype)

    # JAX has eigenvalues of matrices that are not symmetric on CPUs only.
    return jax.pure_callback(
        on_host, jax.ShapeDtypeStruct((), matrix.dtype), matrix, vmap_method="sequential"
    )


class EchoState(Reservoir):
    """The reservoir of an echo state network: a fixed random recurrent network, read by a trained map.

    `x' = (1 - leak) x + leak tanh(V u + W x + b)`. `W` is sparse and scaled to a spectral radius; it is kept
    as a dense array, whose product is faster up to some thousand units. A frame whose mask is False leaves
    the state as it was. The same key gives the same reservoir.

    Args:
        in_size: Features of a frame.
        units: Size of the state.
        spectral_radius: Of `W`: below about 1 the past fades, the slower the nearer to 1.
        leak: Share of the state that is new at each frame, above 0, up to 1.
        density: Share of the entries of `W` that are not 0, above 0, up to 1.
        input_scale: Entries of `V` are uniform between plus and minus this.
        bias_scale: Entries of `b` are uniform between plus and minus this.
        key: Randomness of the reservoir.

    Raises:
        InputError: If a setting is out of range.

    Reference:
        Jaeger (2001), The echo state approach, GMD report 148; with leaks Jaeger, Lukosevicius, Popovici &
        Siewert (2007), Neural Networks 20, equation 6.

    Example:
        >>> reservoir = EchoState(2, 50, key=jax.random.key(0))
        >>> reservoir(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (5, 50)
    """

    spectral_radius: float = eqx.field(static=True)
    leak: float = eqx.field(static=True)
    density: float = eqx.field(static=True)
    input_scale: float = eqx.field(static=True)
    bias_scale: float = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        units: int,
        *,
        spectral_radius: float = 0.9,
        leak: float = 0.3,
        density: float = 0.1,
        input_scale: float = 0.2,
        bias_scale: float = 0.2,
        key: PRNGKeyArray,
    ) -> None:
        check_count("in_size", in_size)
        check_count("units", units)
        self.spectral_radius = check_number("spectral_radius", spectral_radius, 0.0, math.inf, open_low=False)
        self.leak = check_number("leak", leak, 0.0, 1.0)
        self.density = check_number("density", density, 0.0, 1.0)
        self.input_scale = check_number("input_scale", input_scale, 0.0, math.inf)
        self.bias_scale = check_number("bias_scale", bias_scale, 0.0, math.inf, open_low=False)
        settings = (self.spectral_radius, self.density, self.input_scale, self.bias_scale)
        self.weight_in, self.weight, self.bias = _draw(in_size, units, settings, key)

    def __call__(self, frames: Frames, mask: Mask) -> States:
        """The state after each frame."""
        currents, weight = self._driven(frames, mask)

        def step(state: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
            current, real = now
            new = (1 - self.leak) * state + self.leak * jnp.tanh(current + weight @ state)
            state = jnp.where(real, new, state)
            return state, state

        return jax.lax.scan(step, jnp.zeros((self.out_size,), currents.dtype), (currents, mask))[1]


@partial(jax.jit, static_argnums=(0, 1))
def _draw(
    in_size: int, units: int, settings: tuple[float, float, float, float], key: PRNGKeyArray
) -> tuple[Array, Array, Array]:
    radius, density, input_scale, bias_scale = settings
    into, inside, present, offset = jax.random.split(key, 4)
    weight_in = input_scale * jax.random.uniform(into, (units, in_size), jnp.float32, -1.0, 1.0)
    bias = bias_scale * jax.random.uniform(offset, (units,), jnp.float32, -1.0, 1.0)
    drawn = jax.random.normal(inside, (units, units), jnp.float32)
    sparse = jnp.where(jax.random.bernoulli(present, density, (units, units)), drawn, 0.0)
    found = radius_of(sparse)
    # Very few entries may form no cycle at all: such a reservoir has radius 0 and stays as it is.
    return weight_in, sparse * jnp.where(found > 1e-6, radius / jnp.maximum(found, 1e-6), 1.0), bias
