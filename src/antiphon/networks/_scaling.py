"""Feature scaling that is part of a network, so that a saved model takes raw features."""

from __future__ import annotations

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from antiphon.errors import InputError
from antiphon.networks._fixed import Fixed

Network = TypeVar("Network", bound=eqx.Module)


class Scaling(eqx.Module):
    """`(x - shift) / scale` for each feature; never trained, the identity until `with_scaling` sets it.

    Args:
        in_size: Features of a frame.

    Example:
        >>> Scaling(2)(jnp.array([3.0, 4.0])).tolist()
        [3.0, 4.0]
    """

    shift: Float[Array, " feature"]
    scale: Float[Array, " feature"]

    def __init__(self, in_size: int) -> None:
        self.shift = jnp.zeros((in_size,), jnp.float32)
        self.scale = jnp.ones((in_size,), jnp.float32)

    def __call__(self, values: Float[Array, "*shape feature"]) -> Float[Array, "*shape feature"]:
        """The values, standardised along their last axis."""
        shape = (1,) * (values.ndim - 1) + self.shift.shape
        shift, scale = jax.lax.stop_gradient((self.shift, self.scale))
        return (values - shift.reshape(shape)) / scale.reshape(shape)


def with_scaling(network: Network, shift: Any, scale: Any) -> Network:
    """A copy of a network that standardises its input by `(x - shift) / scale`.

    Args:
        network: A network with input scaling.
        shift: One number a feature, for example the means of the training frames.
        scale: One positive number a feature, for example their deviations.

    Returns:
        The copy; the network itself stays as it was.

    Example:
        >>> from antiphon.networks import VectorToVector
        >>> network = VectorToVector(2, 1, key=jax.random.key(0))
        >>> with_scaling(network, [1.0, 2.0], [3.0, 4.0]).scaling.shift.tolist()
        [1.0, 2.0]
    """
    scaling = getattr(network, "scaling", None)
    if not isinstance(scaling, Scaling):
        raise InputError(
            f"A {type(network).__name__}, which has no input scaling.",
            "A SequenceToVector, SequenceToSequence or VectorToVector.",
            "Scale the features before this network.",
        )
    arrays = []
    for name, given in (("shift", shift), ("scale", scale)):
        array = np.asarray(given, np.float32)
        if array.shape != scaling.shift.shape:
            raise InputError(
                f"A {name} of shape {array.shape}.",
                f"Shape {scaling.shift.shape}: one number a feature.",
                "Give a list or array.",
            )
        if not np.isfinite(array).all() or (name == "scale" and (array <= 0).any()):
            raise InputError(
                f"The {name} {array.tolist()}.",
                "Finite numbers, above 0 for the scale.",
                "Set the scale of a feature that never varies to 1.",
            )
        arrays.append(jnp.asarray(array))
    return eqx.tree_at(lambda n: (n.scaling.shift, n.scaling.scale), network, tuple(arrays))


def trainable(network: eqx.Module) -> Any:
    """Which parts of a network are fitted: a filter for `equinox.partition`.

    False at the input scaling and at what is drawn once, such as a reservoir.

    Example:
        >>> from antiphon.networks import VectorToVector
        >>> network = VectorToVector(2, 1, key=jax.random.key(0))
        >>> parameters, rest = eqx.partition(network, trainable(network))
        >>> parameters.scaling.shift is None, rest.scaling.shift.shape
        (True, (2,))
    """

    def is_kept(node: Any) -> bool:
        return isinstance(node, Scaling | Fixed)

    return jax.tree.map(lambda node: not is_kept(node), network, is_leaf=is_kept)


def with_output_units(network: Network, location: float, spread: float) -> Network:
    """A copy of a network whose answers are `location + spread * answer`: its last linear map is changed.

    Args:
        network: A network whose last map is `linear`, or the last of its `layers`.
        location: What is added.
        spread: What is multiplied by.

    Returns:
        The copy; the network itself where nothing changes.

    Example:
        >>> from antiphon.networks import VectorToVector
        >>> network = VectorToVector(2, 1, key=jax.random.key(0))
        >>> one = network(jnp.ones(2))
        >>> bool(jnp.allclose(with_output_units(network, 3.0, 2.0)(jnp.ones(2)), 3 + 2 * one))
        True
    """
    if (location, spread) == (0.0, 1.0):
        return network

    def arrays(of: Any) -> tuple[Array, Array]:
        linear = of.linear if hasattr(of, "linear") else of.layers[-1]
        return linear.weight, linear.bias

    weight, bias = arrays(network)
    changed = (weight * np.float32(spread), bias * np.float32(spread) + np.float32(location))
    return eqx.tree_at(arrays, network, changed)
