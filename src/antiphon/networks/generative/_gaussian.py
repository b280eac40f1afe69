"""An autoregressive recurrent network over real-valued frames."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.networks._checks import check_count, check_frames
from antiphon.networks._initial import blank_linear, drawn
from antiphon.networks._scaling import Scaling
from antiphon.networks.generative._cell_stack import CellStack, States
from antiphon.networks.generative._temperature import check_temperature

Frames = Float[Array, "time feature"]
Mask = Bool[Array, " time"]
SMALLEST_DEVIATION = 1e-3


def log_density(
    values: Float[Array, "*shape"], mean: Float[Array, "*shape"], deviation: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """Natural logarithm of the normal density of each entry."""
    return -0.5 * (((values - mean) / deviation) ** 2 + math.log(2 * math.pi)) - jnp.log(deviation)


class GaussianRNN(eqx.Module):
    """An autoregressive recurrent network over frames of real numbers (Graves, 2013, with one component).

    `p(x_1, ..., x_T) = prod_t p(x_t | x_1, ..., x_(t-1))`, each factor a normal distribution with a mean and
    a deviation for each feature, both linear in the output of recurrent cells that have read the frames
    before (the deviation through `softplus`, and at least 0.001 of the feature's scale). `with_scaling` makes
    it standardise its input; densities and samples are in the units of the frames all the same.

    Args:
        in_size: Features of a frame.
        cell: `"rnn"`, `"lstm"` or `"gru"`.
        hidden: Size of the state of each cell.
        layers: How many cells stand on each other.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = GaussianRNN(2, hidden=4, key=jax.random.key(0))
        >>> mean, deviation = eqx.filter_eval_shape(network, jnp.ones((3, 2)), jnp.ones(3, bool))
        >>> mean.shape, deviation.shape
        ((3, 2), (3, 2))
        >>> jax.eval_shape(lambda: network.sample(5, temperature=0.5, key=jax.random.key(1))).shape
        (5, 2)
    """

    scaling: Scaling
    stack: CellStack
    linear: eqx.nn.Linear
    in_size: int = eqx.field(static=True)

    def __init__(
        self, in_size: int, *, cell: str = "gru", hidden: int = 32, layers: int = 1, key: PRNGKeyArray
    ) -> None:
        stack_key, own_key = jax.random.split(key)
        self.in_size = check_count("in_size", in_size)
        self.stack = CellStack(cell, in_size, hidden, layers, key=stack_key)
        self.linear = drawn(blank_linear(hidden, 2 * in_size), own_key)
        self.scaling = Scaling(in_size)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make one like this, as JSON can keep them."""
        return {
            "kind": type(self).__name__,
            "in_size": self.in_size,
            "cell": self.stack.cell,
            "hidden": self.stack.hidden,
            "layers": len(self.stack.cells),
        }

    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> tuple[Frames, Frames]:
        """Mean and deviation of each frame, given those before it, in the units of the frames.

        Args:
            frames: The sequence.
            mask: Which frames are real: all up to some place. At the others, mean and deviation are 0.
            key: Not used.

        Raises:
            InputError: If frames or mask have another shape or type.
        """
        check_frames(frames, mask, self.in_size)
        there = mask[:, None]
        known = jnp.where(there, self.scaling(frames), 0.0)
        last = jnp.concatenate([jnp.zeros((1, self.in_size), known.dtype), known[:-1]])
        mean, deviation = jax.lax.scan(lambda *now: self._next(*now), self.stack.initial_state(), last)[1]
        mean, deviation = jax.vmap(self._in_units)(mean, deviation)
        return jnp.where(there, mean, 0.0), jnp.where(there, deviation, 0.0)

    def log_likelihood(self, frames: Frames, mask: Mask) -> Float[Array, ""]:
        """Natural logarithm of the density of one sequence, given its length, in the units of the frames."""
        mean, deviation = self(frames, mask)
        there = mask[:, None]
        known, deviation = jnp.where(there, frames, 0.0), jnp.where(there, deviation, 1.0)
        return jnp.where(there, log_density(known, mean, deviation), 0.0).sum()

    def loss(self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None) -> Float[Array, ""]:
        """Mean negative log-density of an entry of a frame."""
        count = mask.astype(jnp.float32).sum() * self.in_size
        return -self.log_likelihood(frames, mask) / jnp.maximum(count, 1.0)

    def sample(self, length: int, *, temperature: float = 1.0, key: PRNGKeyArray) -> Frames:
        """A sequence from the network, in the units of the frames.

        Args:
            length: Frames.
            temperature: Each frame is drawn with `p^(1 / temperature)`: deviations times its square root.
            key: Randomness.

        Raises:
            InputError: If the length is no whole number from 1 up, or the temperature not above 0.
        """
        width = math.sqrt(check_temperature(temperature))

        def advance(carry: tuple[States, Array], noise: Array) -> tuple[Any, Array]:
            state, (mean, deviation) = self._next(*carry)
            frame = mean + width * deviation * noise
            return (state, frame), frame

        noise = jax.random.normal(key, (check_count("length", length), self.in_size), jnp.float32)
        start = (self.stack.initial_state(), jnp.zeros((self.in_size,), jnp.float32))
        frames = jax.lax.scan(advance, start, noise)[1]
        return jax.vmap(lambda frame: self._in_units(frame, frame)[0])(frames)

    def _next(self, state: States, last: Array) -> tuple[States, tuple[Array, Array]]:
        """Mean and deviation of the next frame, both of standardised frames."""
        state, out = self.stack.step(state, last)
        mean, raw = jnp.split(self.linear(out), 2)
        return state, (mean, jax.nn.softplus(raw) + SMALLEST_DEVIATION)

    def _in_units(self, mean: Array, deviation: Array) -> tuple[Array, Array]:
        shift, scale = jax.lax.stop_gradient((self.scaling.shift, self.scaling.scale))
        return mean * scale + shift, deviation * scale
