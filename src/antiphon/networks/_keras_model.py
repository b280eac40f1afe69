"""A model of Keras 3 as a function of JAX with named parameters."""

from __future__ import annotations

import sys
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from antiphon.errors import InputError


class KerasModel(eqx.Module):
    """A Keras model as an Equinox module: called with a batch, as Keras is; dropout is off.

    Attributes:
        parameters: The trained arrays, by Keras's path.
        fixed: The other ones: statistics, states of random numbers.
    """

    parameters: dict[str, Array]
    fixed: dict[str, Array]
    model: Any = eqx.field(static=True)
    order: tuple[tuple[str, ...], tuple[str, ...]] = eqx.field(static=True)

    def __call__(self, inputs: Any) -> Any:
        """What the model gives for a batch of inputs, `(case, ...)`."""
        trained = [self.parameters[name] for name in self.order[0]]
        fixed = [self.fixed[name] for name in self.order[1]]
        # Keras relies on promotions that the strict modes of JAX refuse.
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            outputs, _ = self.model.stateless_call(trained, fixed, inputs, training=False)
        return outputs


def from_keras(model: Any) -> KerasModel:
    """A Keras 3 model on the JAX backend as an Equinox module, with the weights that it has now.

    The module can be differentiated, compiled, and traced to a graph with `antiphon.graph.trace`, in which
    each parameter is named. Keras is not needed for anything else in Antiphon and is not installed with it.

    Args:
        model: A built `keras.Model`, such as a `keras.Sequential`.

    Returns:
        A module that is called with a batch.

    Raises:
        InputError: If it is no Keras model, is not built, or Keras runs on another backend.

    Example:
        A model `keras.Sequential([keras.Input((None, 12)), keras.layers.LSTM(8)])`:

            network = from_keras(model)
            graph = antiphon.graph.trace(network, jax.ShapeDtypeStruct((4, 29, 12), "float32"))
    """
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        raise InputError(
            f"A {type(model).__name__} in place of a Keras model.",
            "A keras.Model of Keras 3.",
            "Give the model itself; weights of a model go into ours by set_weights(model.get_weights()).",
        )
    if (backend := keras.backend.backend()) != "jax":
        raise InputError(
            f"Keras on the backend {backend}.",
            "The backend jax.",
            "Set the environment variable KERAS_BACKEND=jax before keras is imported.",
        )
    if not model.built:
        raise InputError(
            f"The Keras model {model.name}, which is not built.",
            "A model that knows the shape of its input.",
            "Put keras.Input first, or call the model once.",
        )
    trained, fixed = _named(model.trainable_variables), _named(model.non_trainable_variables)
    return KerasModel(trained, fixed, model, (tuple(trained), tuple(fixed)))


def _named(variables: Any) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for variable in variables:
        name, number = variable.path, 1
        while name in found:
            number += 1
            name = f"{variable.path}_{number}"
        found[name] = jnp.asarray(variable.value)
    return found
