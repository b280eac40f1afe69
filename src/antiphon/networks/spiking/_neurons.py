"""Leaky integrate-and-fire neurons, and a layer of them over a masked sequence."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice, check_count, check_flag, check_frames
from antiphon.networks.spiking._surrogate import SURROGATES, spike

Frames = Float[Array, "time feature"]
Mask = Bool[Array, " time"]


def check_decay(name: str, value: object) -> float:
    """The value as a float, if it is between 0 and 1, both left out."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise InputError(
            f"{name}={value!r}.", "A number above 0 and below 1.", "Take exp(-frame / time constant)."
        )
    return float(value)


class LIFLayer(eqx.Module):
    """A layer of leaky integrate-and-fire neurons: frames in, spikes out.

    Each frame the membrane decays, takes in the weighted frame (and, if recurrent, the layer's last spikes),
    spikes where it is above 1, and is then lowered by 1. The decay of each neuron is learned. A frame whose
    mask is False leaves the neurons as they were and gives no spike.

    Args:
        in_size: Features of a frame.
        units: Neurons.
        recurrent: Whether the neurons hear each other's last spikes.
        decay: Share of the membrane that is left after a frame, at first; between 0 and 1.
        surrogate: See `spike`.
        slope: See `spike`.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a size is no positive integer, or the decay is not between 0 and 1.

    Reference:
        Neftci, Mostafa & Zenke (2019), Surrogate gradient learning in spiking neural networks, IEEE Signal
        Processing Magazine 36, equations 5 and 6.

    Example:
        >>> layer = LIFLayer(2, 3, key=jax.random.key(0))
        >>> layer(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (5, 3)
    """

    weight: Float[Array, "unit feature"]
    bias: Float[Array, " unit"]
    weight_back: Float[Array, "unit unit"] | None
    decay_logit: Float[Array, " unit"]
    surrogate: str = eqx.field(static=True)
    slope: float = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        units: int,
        *,
        recurrent: bool = False,
        decay: float = 0.9,
        surrogate: str = "fast-sigmoid",
        slope: float = 5.0,
        key: PRNGKeyArray,
    ) -> None:
        check_count("in_size", in_size)
        check_count("units", units)
        share = check_decay("decay", decay)
        self.surrogate = check_choice("surrogate", surrogate, SURROGATES)
        if isinstance(slope, bool) or not isinstance(slope, int | float) or not slope > 0:
            raise InputError(f"slope={slope!r}.", "A number above 0.", "Take about 5.")
        self.slope = float(slope)
        inner, outer = jax.random.split(key)
        # Standardised features then move a membrane by about its threshold, and neurons spike from the start.
        self.weight = jax.random.normal(inner, (units, in_size), jnp.float32) / math.sqrt(in_size)
        self.bias = jnp.zeros((units,), jnp.float32)
        self.weight_back = None
        if check_flag("recurrent", recurrent):
            self.weight_back = jax.nn.initializers.orthogonal(0.5)(outer, (units, units), jnp.float32)
        self.decay_logit = jnp.full((units,), math.log(share / (1 - share)), jnp.float32)

    @property
    def in_size(self) -> int:
        """Features of a frame."""
        return self.weight.shape[1]

    @property
    def out_size(self) -> int:
        """Neurons."""
        return self.weight.shape[0]

    def __call__(self, frames: Frames, mask: Mask) -> Float[Array, "time unit"]:
        """The spikes at each frame, 0 or 1."""
        check_frames(frames, mask, self.in_size)
        currents = jnp.where(mask[:, None], frames, 0.0) @ self.weight.T + self.bias[None, :]
        decay = jax.nn.sigmoid(self.decay_logit)

        def step(state: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], Array]:
            (membrane, last), (current, real) = state, now
            raised = decay * membrane + current
            if self.weight_back is not None:
                raised = raised + self.weight_back @ last
            spikes = spike(raised - 1.0, self.surrogate, self.slope)
            # How a spike lowers its own membrane is left out of the gradient: it makes training unstable.
            lowered = raised - jax.lax.stop_gradient(spikes)
            state = jnp.where(real, lowered, membrane), jnp.where(real, spikes, last)
            return state, jnp.where(real, spikes, 0.0)

        rest = jnp.zeros((self.out_size,), currents.dtype)
        return jax.lax.scan(step, (rest, rest), (currents, mask))[1]


def leaky_mean(
    inputs: Float[Array, "time unit"], mask: Mask, decay: Float[Array, ""] | float
) -> Float[Array, " unit"]:
    """Mean over the real frames of membranes that leak and never spike."""

    def step(state: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        (membrane, total), (current, real) = state, now
        membrane = jnp.where(real, decay * membrane + current, membrane)
        return (membrane, total + jnp.where(real, membrane, 0.0)), None

    rest = jnp.zeros(inputs.shape[1:], inputs.dtype)
    (_, total), _ = jax.lax.scan(step, (rest, rest), (inputs, mask))
    return total / jnp.maximum(mask.sum(), 1).astype(inputs.dtype)
