"""The Hopfield network of graded units in continuous time."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from antiphon.networks._checks import check_choice
from antiphon.networks.energy._flow import Flow
from antiphon.networks.energy._given import as_numbers, as_positive, check_symmetric

State = Float[Array, " unit"]
ACTIVATIONS = ("tanh", "sigmoid")


class ContinuousHopfield(Flow):
    """A continuous Hopfield network: `u' = -u / time_constant + W g(gain u) + b`.

    The state `u` is the input of each unit, `outputs(u) = g(gain u)` what the others see of it.

    Args:
        weights: Symmetric couplings `(unit, unit)`; a diagonal is allowed.
        bias: `(unit,)`; 0 if left out.
        gain: Steepness of the units, above 0.
        time_constant: Of the leak, above 0.
        activation: `"tanh"` (outputs from -1 to 1) or `"sigmoid"` (from 0 to 1).

    Raises:
        InputError: If the weights are not square or not symmetric, or a constant is not above 0.

    Reference:
        Hopfield (1984), Proceedings of the National Academy of Sciences 81, equations 5 and 7.

    Example:
        >>> network = ContinuousHopfield([[0.0, 1.0], [1.0, 0.0]], gain=2.0)
        >>> (network.outputs(network.settle(jnp.array([0.3, -0.1]))) > 0.95).tolist()
        [True, True]
    """

    weights: Float[Array, "unit unit"]
    bias: State
    gain: Float[Array, ""]
    time_constant: Float[Array, ""]
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        weights: Any,
        bias: Any = None,
        *,
        gain: Any = 1.0,
        time_constant: Any = 1.0,
        activation: str = "tanh",
    ) -> None:
        self.weights = as_numbers("weights", weights, ("unit", "unit"))
        check_symmetric("weights", self.weights, "without it there is no energy")
        units = self.weights.shape[0]
        self.bias = as_numbers("bias", np.zeros(units) if bias is None else bias, (units,))
        self.gain = as_positive("gain", gain)
        self.time_constant = as_positive("time_constant", time_constant)
        self.activation = check_choice("activation", activation, ACTIVATIONS)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a state: `(unit,)`."""
        return self.bias.shape

    def outputs(self, state: State) -> State:
        """What the other units see: `g(gain u)`."""
        return (jnp.tanh if self.activation == "tanh" else jax.nn.sigmoid)(self.gain * state)

    def rate(self, state: State) -> State:
        """`-u / time_constant + W g(gain u) + b`."""
        return -state / self.time_constant + self.weights @ self.outputs(state) + self.bias

    def energy(self, state: State) -> Float[Array, ""]:
        """`-v^T W v / 2 - b^T v + sum of integral of g^-1 / (gain time_constant)`, for outputs `v`."""
        v, z = self.outputs(state), self.gain * state
        if self.activation == "tanh":  # from v = 0; log cosh z without overflow
            leak = z * v - (jnp.logaddexp(z, -z) - jnp.log(jnp.asarray(2.0, z.dtype)))
        else:  # from v = 1/2
            leak = z * v - jax.nn.softplus(z) + jnp.log(jnp.asarray(2.0, z.dtype))
        return -0.5 * v @ self.weights @ v - self.bias @ v + leak.sum() / (self.gain * self.time_constant)
