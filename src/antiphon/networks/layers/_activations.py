"""Activations by the names of Keras."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array

from antiphon.networks._checks import check_choice

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "softmax": jax.nn.softmax,
    "log_softmax": jax.nn.log_softmax,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "silu": jax.nn.silu,
    "swish": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "softsign": jax.nn.soft_sign,
    "leaky_relu": partial(jax.nn.leaky_relu, negative_slope=0.2),
    "hard_sigmoid": jax.nn.hard_sigmoid,
    "exponential": jnp.exp,
}


def check_activation(name: str | None) -> str:
    """The name, if it is known; None stands for `"linear"`."""
    return check_choice("activation", "linear" if name is None else name, ACTIVATIONS)


def activate(name: str, value: Array) -> Array:
    """The value after an activation."""
    return ACTIVATIONS[name](value)
