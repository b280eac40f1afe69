"""The liquid state machine: a fixed random network of spiking neurons."""

from __future__ import annotations

import math
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from antiphon.networks._checks import check_count
from antiphon.networks.reservoir._echo import check_number
from antiphon.networks.reservoir._reservoir import Frames, Mask, Reservoir, States

INHIBITORY = 0.2  # share of the neurons, as in cortex
CHANCE = 0.4  # of a coupling at no distance
TRACE = 0.8  # share of a trace that is left after a step


class Liquid(Reservoir):
    """The reservoir of a liquid state machine: a fixed random network of leaky integrate-and-fire neurons.

    The neurons stand on a grid of three dimensions. Two of them are coupled with a probability that falls
    with their distance; a fifth of them inhibits. Each frame is shown `substeps` times; what is read after it
    is a trace of each neuron's spikes that decays. A frame whose mask is False leaves all as it was. The same
    key gives the same reservoir.

    Args:
        in_size: Features of a frame.
        units: Neurons.
        substeps: How often each frame is shown.
        decay: Share of a membrane that is left after a step, above 0, up to 1.
        strength: Size of couplings between neurons, in thresholds.
        input_scale: Size of couplings from features, in thresholds.
        reach: Distance on the grid over which couplings get rare.
        key: Randomness of the reservoir.

    Raises:
        InputError: If a setting is out of range.

    Reference:
        Maass, Natschlaeger & Markram (2002), Real-time computing without stable states, Neural
        Computation 14.

    Example:
        >>> reservoir = Liquid(2, 50, key=jax.random.key(0))
        >>> reservoir(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (5, 50)
    """

    substeps: int = eqx.field(static=True)
    decay: float = eqx.field(static=True)
    strength: float = eqx.field(static=True)
    input_scale: float = eqx.field(static=True)
    reach: float = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        units: int,
        *,
        substeps: int = 5,
        decay: float = 0.8,
        strength: float = 0.1,
        input_scale: float = 0.2,
        reach: float = 2.0,
        key: PRNGKeyArray,
    ) -> None:
        check_count("in_size", in_size)
        check_count("units", units)
        self.substeps = check_count("substeps", substeps)
        self.decay = check_number("decay", decay, 0.0, 1.0)
        self.strength = check_number("strength", strength, 0.0, math.inf, open_low=False)
        self.input_scale = check_number("input_scale", input_scale, 0.0, math.inf)
        self.reach = check_number("reach", reach, 0.0, math.inf)
        self.weight_in, self.weight, self.bias = _draw(
            in_size, units, self.strength, self.input_scale, self.reach, key
        )

    def __call__(self, frames: Frames, mask: Mask) -> States:
        """The traces after each frame, from 0 to 1."""
        currents, weight = self._driven(frames, mask)

        def step(state: tuple[Array, ...], now: tuple[Array, Array]) -> tuple[tuple[Array, ...], Array]:
            current, real = now
            membrane, spikes, trace = state
            for _ in range(self.substeps):
                raised = self.decay * membrane + current + weight @ spikes
                spikes = (raised > 1.0).astype(raised.dtype)
                membrane = raised * (1 - spikes)
                trace = TRACE * trace + (1 - TRACE) * spikes
            new = (membrane, spikes, trace)
            state = tuple(jnp.where(real, n, o) for n, o in zip(new, state, strict=True))
            return state, state[2]

        rest = (jnp.zeros((self.out_size,), currents.dtype),) * 3
        return jax.lax.scan(step, rest, (currents, mask))[1]


@partial(jax.jit, static_argnums=(0, 1))
def _draw(
    in_size: int, units: int, strength: float, input_scale: float, reach: float, key: PRNGKeyArray
) -> tuple[Array, Array, Array]:
    into, coupled, sizes, kinds, offset = jax.random.split(key, 5)
    side = math.ceil(units ** (1 / 3))
    place = np.stack(np.unravel_index(np.arange(units), (side, side, side)), axis=1)
    squares = ((place[:, None, :] - place[None, :, :]) ** 2).sum(2).astype(np.float32)
    chance = CHANCE * jnp.exp(-squares / reach**2) * (1 - np.eye(units, dtype=np.float32))
    present = jax.random.bernoulli(coupled, chance)
    size = strength * jnp.abs(jax.random.normal(sizes, (units, units), jnp.float32))
    inhibits = jax.random.bernoulli(kinds, INHIBITORY, (units,))
    weight = jnp.where(present, jnp.where(inhibits[None, :], -size, size), 0.0)
    weight_in = input_scale * jax.random.normal(into, (units, in_size), jnp.float32)
    # Currents at rest differ, so that some neurons spike on their own and others nearly never.
    return weight_in, weight, jax.random.uniform(offset, (units,), jnp.float32, 0.0, 0.2)
