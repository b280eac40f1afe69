"""Layers of vectors, which on a sequence act on each frame alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count, check_flag, check_rate
from antiphon.networks._recurrent import drop
from antiphon.networks.layers._activations import activate, check_activation
from antiphon.networks.layers._layer import Built, Layer, Mask, is_fixed, show

GLOROT = jax.nn.initializers.glorot_uniform()


class BuiltDense(eqx.Module):
    """`activation(W x + b)` along the last axis."""

    linear: eqx.nn.Linear
    activation: str = eqx.field(static=True)

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, Mask]:
        """The value of each frame, and the mask as it was."""
        if value.shape[-1] != self.linear.in_features:
            raise InputError(
                f"Dense got a value of shape {show(value.shape)}.",
                f"{self.linear.in_features} entries in the last axis, as when it was built.",
                "Give data with as many features as the model was built for.",
            )
        return activate(self.activation, over_frames(self.linear, value)), mask


def over_frames(function, value: Array) -> Array:
    """A function of the last axis, on every place of the others."""
    for _ in range(value.ndim - 1):
        function = jax.vmap(function)
    return function(value)


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """`activation(W x + b)` along the last axis; on a sequence, at each frame.

    Initial weights are Glorot-uniform, initial biases 0.

    Args:
        units: Size of what it gives.
        activation: By name, such as `"relu"` or `"softmax"`; None for none.
        use_bias: Whether there is a `b`.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> from antiphon.networks import Input
        >>> Dense(3, activation="relu")(Input((None, 5))).shape
        (T, 3)
    """

    units: int
    activation: str | None = None
    use_bias: bool = True

    def __post_init__(self) -> None:
        check_count("units", self.units)
        check_activation(self.activation)
        check_flag("use_bias", self.use_bias)

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """With initial weights."""
        size = inputs[0].shape[-1]
        if not is_fixed(size):
            raise InputError(
                f"Dense got a value of shape {show(inputs[0].shape)}.",
                "A fixed number of features in the last axis.",
                "Give each frame its own axis of features: Input((None, 1)) for one number a frame.",
            )
        linear = eqx.nn.Linear(size, self.units, use_bias=self.use_bias, key=key)
        weight = GLOROT(key, (size, self.units), jnp.float32).T
        linear = eqx.tree_at(lambda n: n.weight, linear, weight)
        if self.use_bias:
            linear = eqx.tree_at(lambda n: n.bias, linear, jnp.zeros((self.units,), jnp.float32))
        return BuiltDense(linear, check_activation(self.activation))


class BuiltActivation(eqx.Module):
    """A function of every entry, or of the last axis."""

    activation: str = eqx.field(static=True)

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, Mask]:
        """The value after it."""
        return activate(self.activation, value), mask


@dataclass(frozen=True, eq=False)
class Activation(Layer):
    """An activation as a layer of its own.

    Args:
        activation: `linear`, `relu`, `tanh`, `sigmoid`, `softmax`, `log_softmax`, `gelu`, `elu`, `selu`,
            `silu` (or `swish`), `softplus`, `softsign`, `leaky_relu` (slope 0.2), `hard_sigmoid` or
            `exponential`.
        name: How it is called in the model.

    Raises:
        InputError: If the name is not known.

    Example:
        >>> from antiphon.networks import Input
        >>> Activation("tanh")(Input((4,))).shape
        (4,)
    """

    activation: str | None

    def __post_init__(self) -> None:
        check_activation(self.activation)

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """It has no parameters."""
        return BuiltActivation(check_activation(self.activation))


@dataclass(frozen=True, eq=False)
class Softmax(Layer):
    """Scores to probabilities, along the last axis.

    Args:
        name: How it is called in the model.

    Example:
        >>> from antiphon.networks import Input
        >>> Softmax()(Input((4,))).shape
        (4,)
    """

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """It has no parameters."""
        return BuiltActivation("softmax")

    def split_head(self) -> tuple[Layer, str]:
        """Nothing, and the softmax."""
        return Activation("linear", name=self.name), "softmax"


class BuiltDropout(eqx.Module):
    """Zeroes a share of the entries while there is a key."""

    rate: float = eqx.field(static=True)

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, Mask]:
        """The value with entries dropped and the rest scaled up."""
        return drop(value, self.rate, key), mask


@dataclass(frozen=True, eq=False)
class Dropout(Layer):
    """Drops a share of the entries during training (Srivastava et al., 2014); otherwise nothing.

    Args:
        rate: The share, >= 0 and < 1.
        name: How it is called in the model.

    Raises:
        InputError: If the rate is none of these.

    Example:
        >>> from antiphon.networks import Input
        >>> Dropout(0.2)(Input((4,))).shape
        (4,)
    """

    rate: float

    def __post_init__(self) -> None:
        check_rate("rate", self.rate)

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """It has no parameters."""
        return BuiltDropout(float(self.rate))


class BuiltFlatten(eqx.Module):
    """One vector of all entries."""

    size: int = eqx.field(static=True)

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, None]:
        """The entries in order, 0 at masked frames."""
        if mask is not None:
            value = jnp.where(mask.reshape(-1, *[1] * (value.ndim - 1)), value, 0)
        return value.reshape(self.size), None


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """All entries of a case as one vector, 0 at masked frames; the number of frames must be fixed.

    Args:
        name: How it is called in the model.

    Raises:
        InputError: When it is called, if the number of frames is not fixed.

    Example:
        >>> from antiphon.networks import Input
        >>> Flatten()(Input((4, 3))).shape
        (12,)
    """

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """It has no parameters."""
        shape = inputs[0].shape
        if not all(map(is_fixed, shape)):
            raise InputError(
                f"Flatten got a value of shape {show(shape)}.",
                "A fixed number of frames.",
                "Use GlobalAveragePooling1D or an LSTM, or fix the number of frames: Input((29, 12)).",
            )
        return BuiltFlatten(prod(shape))
