"""Fitting a model of one's own loss by gradient: mini-batches, Adam, early stopping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count
from antiphon.networks._scaling import trainable

Model = TypeVar("Model", bound=eqx.Module)
Rows = Int[np.ndarray, " case"]


@dataclass(frozen=True)
class GradientFit(Generic[Model]):
    """A fitted model and how its fit went.

    Attributes:
        model: The model after its best epoch (the last one, where nothing was held out).
        losses: Mean loss over each epoch.
        validation_losses: Loss on the held-out cases after each epoch; empty where none were.
        best_epoch: How many epochs the model has seen.
    """

    model: Model
    losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    best_epoch: int


def fit_by_gradient(
    model: Model,
    loss: Callable[..., Float[Array, ""]],
    data: tuple[np.ndarray, ...],
    *,
    key: PRNGKeyArray,
    rows: Rows | None = None,
    validation_rows: Rows | None = None,
    epochs: int = 100,
    batch_size: int = 16,
    learning_rate: float = 1e-2,
    weight_decay: float = 0.0,
    patience: int = 20,
) -> GradientFit[Model]:
    """Fit a model by Adam (Kingma & Ba, 2015), with gradients clipped to norm 1.

    The learning rate rises over the first tenth of all steps and then falls to 0 along a cosine. The input
    scaling stays as it is.

    Args:
        model: The model; what is no float of its own (input scaling, whole numbers) is not fitted.
        loss: From `(model, *case, key=...)` to the loss of one case; the key is None for held-out cases. A
            function that lives as long as the program is compiled once.
        data: Arrays with one entry a case; a `case` is one entry of each.
        key: Randomness of batches and dropout.
        rows: The cases to fit on; by default all that are not held out.
        validation_rows: The cases that decide which epoch was best.
        epochs: How often each case is seen, at most.
        batch_size: Cases a step.
        learning_rate: The highest one.
        weight_decay: Pull of all parameters towards 0 (Loshchilov & Hutter, 2019).
        patience: Epochs without a better validation loss after which to stop.

    Raises:
        InputError: If a setting cannot be used, or the loss is not finite.

    Example:
        >>> from antiphon.networks.probabilistic import HMM, hmm_loss
        >>> values = np.random.default_rng(0).normal(size=(8, 5, 2)).astype(np.float32)
        >>> hmm = HMM(2, 2, key=jax.random.key(0))
        >>> data = (values, np.ones((8, 5), bool))
        >>> fit = fit_by_gradient(hmm, hmm_loss, data, key=jax.random.key(1), epochs=5)
        >>> fit.losses[-1] < fit.losses[0]
        True
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("patience", patience)):
        check_count(name, value)
    if not 0 < learning_rate < np.inf or not 0 <= weight_decay < np.inf:
        raise InputError(
            f"{learning_rate=} and {weight_decay=}.", "A positive number, and one from 0 up.", "Correct them."
        )
    cases = len(data[0])
    if any(len(part) != cases for part in data):
        raise InputError(
            f"Data of {', '.join(str(len(part)) for part in data)} cases.",
            "Arrays with one entry a case.",
            "Bring data and targets of the same cases.",
        )
    held = np.zeros(0, np.int64) if validation_rows is None else np.asarray(validation_rows)
    rows = np.setdiff1d(np.arange(cases), held) if rows is None else np.asarray(rows)
    if not len(rows):
        raise InputError("No case to fit on.", "At least one.", "Hold fewer cases out.")
    parameters, rest = eqx.partition(model, _fitted(model))
    batch_size = min(batch_size, len(rows))
    per_epoch = -(-len(rows) // batch_size)
    rates = _rates(learning_rate, epochs * per_epoch)
    shuffle_key, drop_key = jax.random.split(key)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(shuffle_key)).tolist())
    state, arrays = _optimiser(weight_decay).init(parameters), jax.device_put(data)
    losses: list[float] = []
    held_losses: list[float] = []
    best, best_epoch, best_loss = parameters, 0, np.inf
    for epoch in range(epochs):
        parameters, state, found = _epoch(
            (parameters, rest),
            state,
            arrays,
            _batches(rng.permutation(rows), batch_size),
            _batches(held, batch_size),
            rates[epoch * per_epoch : (epoch + 1) * per_epoch],
            jax.random.fold_in(drop_key, epoch),
            loss=loss,
            weight_decay=float(weight_decay),
        )
        fitted_loss, held_loss = (float(one) for one in jax.device_get(found))
        if not np.isfinite(fitted_loss) or not np.isfinite(held_loss):
            if best_epoch:
                break
            raise InputError(
                f"A loss of {fitted_loss} ({held_loss} on held-out cases) in epoch {epoch + 1}.",
                "A finite loss.",
                "Lower the learning rate, and look for cases that the model says cannot be.",
            )
        losses.append(fitted_loss)
        if not len(held):
            best, best_epoch = parameters, epoch + 1
            continue
        held_losses.append(held_loss)
        if held_loss < best_loss:
            best, best_epoch, best_loss = parameters, epoch + 1, held_loss
        elif epoch + 1 - best_epoch >= patience:
            break
    return GradientFit(eqx.combine(best, rest), tuple(losses), tuple(held_losses), best_epoch)


def _optimiser(weight_decay: float) -> optax.GradientTransformation:
    return optax.chain(
        optax.clip_by_global_norm(1.0), optax.scale_by_adam(), optax.add_decayed_weights(weight_decay)
    )


def _fitted(model: eqx.Module) -> Any:
    own = eqx.filter(model, trainable(model))
    return jax.tree.map(
        lambda leaf: leaf is not None and eqx.is_inexact_array(leaf), own, is_leaf=lambda leaf: leaf is None
    )


def _rates(peak: float, steps: int) -> Float[np.ndarray, " step"]:
    warm_up = max(1, steps // 10)
    step = np.arange(1, steps + 1)
    falling = 0.5 * (1 + np.cos(np.pi * (step - warm_up) / (steps + 1 - warm_up)))
    return (peak * np.where(step < warm_up, step / warm_up, falling)).astype(np.float32)


def _batches(rows: Rows, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows cut into batches `(step, size)`, and which of them are real."""
    steps = -(-len(rows) // size)
    padded = np.zeros(steps * size, np.int32)
    padded[: len(rows)] = rows
    return padded.reshape(steps, size), (np.arange(steps * size) < len(rows)).reshape(steps, size)


@partial(jax.jit, static_argnames=("loss", "weight_decay"))
def _epoch(
    network: tuple[Any, Any],
    state: Any,
    data: tuple[Array, ...],
    batches: tuple[Any, Any],
    held: tuple[Any, Any],
    rates: Any,
    key: PRNGKeyArray,
    *,
    loss: Callable[..., Array],
    weight_decay: float,
) -> tuple[Any, Any, tuple[Array, Array]]:
    """One epoch, and the mean losses: over it, and of the held-out cases after it."""
    parameters, rest = network

    def total(parameters: Any, rows: Array, real: Array, key: PRNGKeyArray | None) -> Array:
        model = eqx.combine(parameters, rest)
        case = tuple(part[rows] for part in data)
        if key is None:
            losses = jax.vmap(lambda *one: loss(model, *one, key=None))(*case)
        else:
            keys = jax.random.split(key, rows.shape[0])
            losses = jax.vmap(lambda k, *one: loss(model, *one, key=k))(keys, *case)
        return jnp.where(real, losses, jnp.zeros_like(losses)).sum()

    def advance(carry: tuple[Any, Any], now: tuple) -> tuple[tuple[Any, Any], Array]:
        (parameters, state), (rows, real, rate, drop_key) = carry, now
        count = real.sum(dtype=jnp.int32).astype(jnp.float32)
        value, slope = jax.value_and_grad(lambda p: total(p, rows, real, drop_key) / count)(parameters)
        with jax.numpy_dtype_promotion("standard"):  # Optax's Adam raises a float to an integer count
            updates, state = _optimiser(weight_decay).update(slope, state, parameters)
        # What is minus infinity, a step that cannot be, stays so.
        parameters = jax.tree.map(
            lambda p, u: jnp.where(jnp.isfinite(p), p - (rate * u).astype(p.dtype), p), parameters, updates
        )
        return (parameters, state), value * count

    keys = jax.random.split(key, batches[0].shape[0])
    (parameters, state), losses = jax.lax.scan(advance, (parameters, state), (*batches, rates, keys))
    held_losses = jax.lax.map(lambda now: total(parameters, now[0], now[1], None), held)
    return parameters, state, (losses.sum() / _count(batches[1]), held_losses.sum() / _count(held[1]))


def _count(real: Any) -> Array:
    return jnp.maximum(real.sum(dtype=jnp.int32), 1).astype(jnp.float32)
