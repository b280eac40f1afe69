"""From a trained network of rectifiers to one of spiking neurons."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from antiphon.errors import InputError
from antiphon.networks._checks import check_count
from antiphon.networks._maps import VectorToVector
from antiphon.networks._scaling import Scaling


class ConvertedNetwork(eqx.Module):
    """Integrate-and-fire neurons whose rates are the activations of a network of rectifiers.

    `to_spiking` makes it. The input is a constant current; membranes start at half their threshold of 1, do
    not leak, and are lowered by 1 at a spike, so that a neuron's rate is its activation up to one spike
    in all steps. The last layer only integrates: its mean current, in the units of the network converted, is
    the answer.

    Args:
        scaling: Of the input.
        weights: `(unit, input)` of each layer, balanced.
        biases: `(unit,)` of each layer, balanced.
        unit_of_answer: What 1 means in the answer.
    """

    scaling: Scaling
    weights: tuple[Float[Array, "unit input"], ...]
    biases: tuple[Float[Array, " unit"], ...]
    unit_of_answer: Float[Array, ""]

    def __call__(self, values: Float[Array, " feature"], *, steps: int = 128) -> Float[Array, " out"]:
        """The answer for one vector after some steps; the error falls like 1 over the steps."""
        return self.run(values, steps=steps)[0]

    def run(
        self, values: Float[Array, " feature"], *, steps: int = 128
    ) -> tuple[Float[Array, " out"], tuple[Float[Array, " unit"], ...]]:
        """The answer, and the rate (spikes a step) of each neuron of each hidden layer."""
        check_count("steps", steps)
        if values.shape != self.scaling.shift.shape:
            raise InputError(
                f"A vector of shape {tuple(values.shape)}.",
                f"Shape {self.scaling.shift.shape}.",
                "Use jax.vmap for a batch of vectors.",
            )
        current = self.weights[0] @ self.scaling(values) + self.biases[0]
        hidden = len(self.weights) - 1

        def step(carry: Any, _: None) -> tuple[Any, None]:
            membranes, counts, total = carry
            arriving, new_membranes, new_counts = current, [], []
            for layer in range(hidden):
                raised = membranes[layer] + arriving
                spikes = (raised >= 1.0).astype(raised.dtype)
                new_membranes.append(raised - spikes)
                new_counts.append(counts[layer] + spikes)
                arriving = self.weights[layer + 1] @ spikes + self.biases[layer + 1]
            return (tuple(new_membranes), tuple(new_counts), total + arriving), None

        half = tuple(jnp.full_like(bias, 0.5) for bias in self.biases[:-1])
        none = tuple(jnp.zeros_like(bias) for bias in self.biases[:-1])
        start = (half, none, jnp.zeros_like(self.biases[-1]))
        (_, counts, total), _ = jax.lax.scan(step, start, None, length=steps)
        return total / steps * self.unit_of_answer, tuple(count / steps for count in counts)


def to_spiking(
    network: VectorToVector,
    examples: Float[np.ndarray, "case feature"] | Float[Array, "case feature"],
    *,
    percentile: float = 99.9,
) -> ConvertedNetwork:
    """Turn a trained perceptron of rectifiers into a spiking network, without training.

    Weights are balanced so that each layer's largest activation on the examples becomes one spike a step.

    Args:
        network: A `VectorToVector` with `activation="relu"`.
        examples: Inputs such as it was trained on, `(case, feature)`.
        percentile: Which activation counts as the largest: below 100, outliers saturate and all others get
            finer rates.

    Raises:
        InputError: If the activation is another one, the examples do not fit, or the percentile is out of
            range.

    Reference:
        Diehl et al. (2015), Fast-classifying, high-accuracy spiking deep networks through weight and
        threshold balancing, IJCNN; Rueckauer et al. (2017), Frontiers in Neuroscience 11, equation 5
        and reset by subtraction; membranes that start at half the threshold: Bu et al. (2022), AAAI.

    Example:
        >>> network = VectorToVector(2, 3, activation="relu", key=jax.random.key(0))
        >>> spiking = to_spiking(network, jax.random.normal(jax.random.key(1), (100, 2)))
        >>> x = jnp.array([0.5, -0.2])
        >>> bool(jnp.abs(spiking(x, steps=1024) - network(x)).max() < 0.02)
        True
    """
    if not isinstance(network, VectorToVector) or network.activation != "relu":
        what = getattr(network, "activation", None)
        raise InputError(
            f"A {type(network).__name__} with the activation {what!r}.",
            "A VectorToVector with activation='relu': a rate is never negative.",
            "Train such a network.",
        )
    given = np.asarray(examples, np.float32)
    if given.ndim != 2 or given.shape[1] != network.in_size or not len(given):
        raise InputError(
            f"Examples of shape {given.shape}.", f"Shape (case, {network.in_size}).", "Give some inputs."
        )
    if not np.isfinite(given).all():
        raise InputError("Examples with NaN or infinity.", "Finite numbers.", "Leave those out.")
    if isinstance(percentile, bool) or not 0 < percentile <= 100:
        raise InputError(f"percentile={percentile!r}.", "A number above 0, up to 100.", "Take 99.9.")
    values = np.asarray(network.scaling(jnp.asarray(given)))
    before, weights, biases = 1.0, [], []
    *hidden, last = network.layers
    for layer in hidden:
        weight, bias = np.asarray(layer.weight), np.asarray(layer.bias)
        values = np.maximum(values @ weight.T + bias, 0.0)
        largest = float(np.percentile(values, percentile)) or 1.0
        weights.append(jnp.asarray(weight * (before / largest), jnp.float32))
        biases.append(jnp.asarray(bias / largest, jnp.float32))
        before = largest
    weights.append(last.weight)
    biases.append(jnp.asarray(np.asarray(last.bias) / before, jnp.float32))
    return ConvertedNetwork(network.scaling, tuple(weights), tuple(biases), jnp.asarray(before, jnp.float32))
