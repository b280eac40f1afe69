"""Training by a loss of one case: mini-batches, Adam, one compiled loop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count
from antiphon.networks._scaling import trainable

Network = TypeVar("Network", bound=eqx.Module)


def check_learning_rate(value: Any) -> float:
    """The value as a float, if it is a number above 0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):
        raise InputError(f"learning_rate={value!r}.", "A number above 0.", "Try 0.003.")
    return float(value)


def count_cases(data: tuple[Any, ...]) -> int:
    """How many cases the arrays hold: the length of the first axis of each."""
    counts = {jnp.shape(part)[0] if jnp.ndim(part) else 0 for part in data}
    if len(counts) != 1 or 0 in counts:
        raise InputError(
            f"Arrays of {sorted(counts)} cases.",
            "Arrays with one first axis, that of the cases.",
            "Pad and stack the cases, with a mask for each.",
        )
    return counts.pop()


def minimise(
    network: Network,
    loss: Callable[..., Float[Array, ""]],
    *data: Any,
    steps: int,
    batch_size: int = 32,
    learning_rate: float = 3e-3,
    key: PRNGKeyArray,
) -> tuple[Network, Float[Array, " step"]]:
    """Train a network by the mean of a loss over random batches of cases, with Adam and clipped gradients.

    Args:
        network: What is trained. Its input scaling is left as it is.
        loss: `loss(network, *case, key=key)` of one case, a number: for example `CategoricalRNN.loss`. A
            function that is made anew for each call is compiled anew, too.
        data: Arrays with the cases along their first axis; `case` is one row of each.
        steps: How many batches.
        batch_size: Cases a batch, drawn with repeats.
        learning_rate: That of Adam.
        key: Randomness of the batches and of the loss.

    Returns:
        The trained network, and the loss at every step.

    Raises:
        InputError: If a setting is none of these, or the arrays differ in how many cases they have.

    Example:
        >>> def loss(network, values, target, *, key):
        ...     return jnp.sum((network(values) - target) ** 2)
        >>> network = eqx.nn.Linear(2, 1, key=jax.random.key(0))
        >>> values, targets = jnp.eye(2), jnp.array([[1.0], [2.0]])
        >>> network, losses = minimise(
        ...     network, loss, values, targets, steps=50, learning_rate=0.1, key=jax.random.key(1)
        ... )
        >>> bool(losses[-1] < 0.1 * losses[0])
        True
    """
    check_count("steps", steps)
    check_count("batch_size", batch_size)
    cases = count_cases(data)
    rate = check_learning_rate(learning_rate)
    rows_key, loss_key = jax.random.split(key)
    rows = jax.random.randint(rows_key, (steps, batch_size), 0, cases)
    parameters, rest = eqx.partition(network, trainable(network))
    parameters, losses = _train(
        parameters, rest, jax.device_put(data), rows, jax.random.split(loss_key, steps), rate, loss=loss
    )
    return eqx.combine(parameters, rest), losses


@partial(jax.jit, static_argnames="loss")
def _train(
    parameters: Any, rest: Any, data: Any, rows: Array, keys: Array, rate: Array, *, loss: Any
) -> tuple[Any, Array]:
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam())

    def mean_loss(parameters: Any, cases: Any, keys: Array) -> Array:
        whole = eqx.combine(parameters, rest)
        return jax.vmap(lambda case, key: loss(whole, *case, key=key))(cases, keys).mean()

    def advance(carry: Any, now: Any) -> tuple[Any, Array]:
        parameters, state = carry
        batch, key = now
        cases = jax.tree.map(lambda part: part[batch], data)
        keys = jax.random.split(key, batch.shape[0])
        cost, gradient = jax.value_and_grad(mean_loss)(parameters, cases, keys)
        with jax.numpy_dtype_promotion("standard"):  # Optax raises a float to an integer count
            change, state = optimiser.update(gradient, state)
        parameters = jax.tree.map(lambda old, new: old - rate * new, parameters, change)
        return (parameters, state), cost

    (parameters, _), losses = jax.lax.scan(advance, (parameters, optimiser.init(parameters)), (rows, keys))
    return parameters, losses
