"""What a reservoir is, whatever its units: weights that are drawn once, and what drives the units."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from antiphon.networks._checks import check_frames
from antiphon.networks._fixed import Fixed

Frames = Float[Array, "time feature"]
Mask = Bool[Array, " time"]
States = Float[Array, "time unit"]


class Reservoir(Fixed):
    """Fixed weights from features to units, from units to units, and an offset of each unit."""

    weight_in: Float[Array, "unit feature"]
    weight: Float[Array, "unit unit"]
    bias: Float[Array, " unit"]

    @property
    def in_size(self) -> int:
        """Features of a frame."""
        return self.weight_in.shape[1]

    @property
    def out_size(self) -> int:
        """Units."""
        return self.weight.shape[0]

    def _driven(self, frames: Frames, mask: Mask) -> tuple[States, Float[Array, "unit unit"]]:
        """What comes into each unit from outside at each frame, and the weights within; none is trained."""
        check_frames(frames, mask, self.in_size)
        weight_in, weight, bias = jax.lax.stop_gradient((self.weight_in, self.weight, self.bias))
        return jnp.where(mask[:, None], frames, 0.0) @ weight_in.T + bias[None, :], weight
