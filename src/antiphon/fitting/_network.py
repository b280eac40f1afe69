"""Fitting one neural network: mini-batches, a schedule that counts steps, early stopping."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

from antiphon.errors import AntiphonError
from antiphon.fitting._losses import case_losses
from antiphon.networks import trainable, with_scaling

Network = TypeVar("Network", bound=eqx.Module)
Rows = Int[np.ndarray, " case"]

CHUNK = 64  # Cases scored at once,
ROOM = 1 << 20  # unless they have more frames together: recordings may be hours long.


class DivergedError(AntiphonError, RuntimeError):
    """A network whose loss became NaN or infinite before one whole epoch was done."""


@dataclass(frozen=True)
class NetworkFit(Generic[Network]):
    """A fitted network and how its fit went.

    Attributes:
        network: The network after its best epoch (the last one, where nothing was held out).
        steps: Optimiser steps done after each epoch.
        train_loss: Mean loss over each epoch.
        validation_loss: Loss on the held-out cases after each epoch; empty where none were.
        best_epoch: How many epochs the network has seen.
        diverged: Whether the loss became NaN later on.
    """

    network: Network
    steps: tuple[int, ...]
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    best_epoch: int
    diverged: bool = False


def fit_network(
    network: Network,
    values: Float[np.ndarray, "case time feature"],
    mask: Bool[np.ndarray, "case time"],
    targets: Shaped[np.ndarray, "case ..."],
    task: str,
    *,
    rows: Rows,
    validation_rows: Rows | None = None,
    weights: Float[np.ndarray, " case"] | None = None,
    key: PRNGKeyArray,
    epochs: int = 100,
    batch_size: int = 32,
    learning_rate: float = 3e-3,
    weight_decay: float = 1e-4,
    patience: int = 40,
) -> NetworkFit[Network]:
    """Fit a network by Adam with decoupled weight decay (Loshchilov & Hutter, 2019) and clipped gradients.

    The learning rate rises over the first tenth of all steps and then falls to 0 along a cosine. Batches are
    drawn anew each epoch. The input scaling is set to the mean and deviation of the frames fitted on.

    Args:
        network: Freshly initialised, with input scaling.
        values: Frames of all cases, padded at the end.
        mask: Which frames are real.
        targets: As `Problem.targets`.
        task: `"classification"`, `"regression"` or `"tagging"`.
        rows: The cases to fit on.
        validation_rows: The cases that decide which epoch was best.
        weights: Weight of each case, ones by default; those held out are weighed, too.
        key: Randomness of the batches and of dropout.
        epochs: How often each case is seen, at most; the schedule is laid out for all of them.
        batch_size: Cases a step.
        learning_rate: The highest one.
        weight_decay: Pull of the parameters towards 0.
        patience: Epochs without a better validation loss after which to stop.

    Raises:
        DivergedError: If the loss is not finite in the very first epoch.

    Example:
        >>> from antiphon.networks import SequenceToVector
        >>> values = np.linspace(-1, 1, 8, dtype=np.float32).reshape(8, 1, 1)
        >>> network = SequenceToVector(1, 1, hidden=2, key=jax.random.key(0))
        >>> fit = fit_network(network, values, np.ones((8, 1), bool), values[:, 0], "regression",
        ...                   rows=np.arange(8), key=jax.random.key(1), epochs=2, batch_size=4)
        >>> fit.steps, fit.best_epoch
        ((2, 4), 2)
    """
    held = np.zeros(0, np.int64) if validation_rows is None else np.asarray(validation_rows)
    rows = np.asarray(rows)
    scaled = with_scaling(network, *_location_and_scale(values[rows][mask[rows]]))
    parameters, rest = eqx.partition(scaled, trainable(scaled))
    state = _optimiser(weight_decay).init(parameters)

    batch_size = min(batch_size, len(values))
    # Room for all cases: another split of the same data compiles nothing new.
    room = -(-len(values) // batch_size)
    per_epoch = -(-len(rows) // batch_size)
    total = epochs * per_epoch
    rates = _rates(learning_rate, total)
    weights = np.ones(len(values), np.float32) if weights is None else weights.astype(np.float32)
    data = jax.device_put((values, mask, _as_targets(targets, task), weights))
    held_batches = _batches(held, batch_size, room)

    shuffle_key, drop_key = jax.random.split(key)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(shuffle_key)).tolist())
    train_curve: list[float] = []
    held_curve: list[float] = []
    best, best_epoch, best_loss, diverged = parameters, 0, np.inf, False
    for epoch in range(epochs):
        padded_rates = np.zeros(room, np.float32)
        padded_rates[:per_epoch] = rates[epoch * per_epoch : (epoch + 1) * per_epoch]
        parameters, state, losses = _epoch(
            (parameters, rest),
            state,
            data,
            _batches(rng.permutation(rows), batch_size, room),
            held_batches,
            padded_rates,
            jax.random.fold_in(drop_key, epoch),
            task=task,
            weight_decay=weight_decay,
        )
        train_loss, held_loss = (float(loss) for loss in jax.device_get(losses))
        if not np.isfinite(train_loss) or (len(held) and not np.isfinite(held_loss)):
            diverged = True
            break
        train_curve.append(train_loss)
        if not len(held):
            best, best_epoch = parameters, epoch + 1
            continue
        held_curve.append(held_loss)
        if held_loss < best_loss:
            best, best_epoch, best_loss = parameters, epoch + 1, held_loss
        elif epoch + 1 - best_epoch >= patience:
            break
    if not best_epoch:
        raise DivergedError(
            f"A loss that is NaN or infinite in the first epoch (learning rate {learning_rate:g}).",
            "A finite loss.",
            "Lower the learning rate, and look for extreme values in the data.",
        )
    steps = tuple(int(n) for n in per_epoch * np.arange(1, len(train_curve) + 1))
    return NetworkFit(
        eqx.combine(best, rest), steps, tuple(train_curve), tuple(held_curve), best_epoch, diverged
    )


def network_scores(
    network: eqx.Module,
    values: Float[np.ndarray, "case time feature"],
    mask: Bool[np.ndarray, "case time"],
) -> Float[np.ndarray, "case ..."]:
    """What a network answers for many cases, in chunks of one shape; of long cases fewer at a time.

    Args:
        network: Takes `(frames, mask)` of one case.
        values: Frames, padded.
        mask: Which frames are real.

    Returns:
        `(case, out)`, or `(case, time, out)` for a network that answers at every frame.

    Example:
        >>> from antiphon.networks import SequenceToVector
        >>> network = SequenceToVector(2, 3, key=jax.random.key(0))
        >>> network_scores(network, np.zeros((5, 4, 2), np.float32), np.ones((5, 4), bool)).shape
        (5, 3)
    """
    found = []
    chunk = max(1, min(CHUNK, ROOM // values.shape[1]))
    for start in range(0, len(values), chunk):
        frames, there = values[start : start + chunk], mask[start : start + chunk]
        lacking = chunk - len(frames)
        scores = _scores(
            network,
            np.pad(frames, ((0, lacking), (0, 0), (0, 0))),
            # What fills up the chunk is a case of one frame, so that nothing in it is NaN.
            np.concatenate([there, np.eye(1, there.shape[1], dtype=bool).repeat(lacking, 0)]),
        )
        found.append(np.asarray(scores)[: len(frames)])
    return np.concatenate(found)


@jax.jit
def _scores(network: Any, values: Array, mask: Array) -> Array:
    return jax.vmap(lambda frames, there: network(frames, there))(values, mask)


def _optimiser(weight_decay: float) -> optax.GradientTransformation:
    return optax.chain(
        optax.clip_by_global_norm(1.0), optax.scale_by_adam(), optax.add_decayed_weights(weight_decay)
    )


def _rates(peak: float, steps: int) -> Float[np.ndarray, " step"]:
    # Optax's schedules are made for traced steps: computed ahead, each number of steps would be compiled.
    warm_up = max(1, steps // 10)
    step = np.arange(1, steps + 1)
    falling = 0.5 * (1 + np.cos(np.pi * (step - warm_up) / (steps + 1 - warm_up)))
    return (peak * np.where(step < warm_up, step / warm_up, falling)).astype(np.float32)


def _location_and_scale(frames: Float[np.ndarray, "frame feature"]) -> tuple[np.ndarray, np.ndarray]:
    wide = frames.astype(np.float64)
    scale = wide.std(0)
    constant = scale <= 1e-7 * np.maximum(1.0, np.abs(wide).max(0))
    return wide.mean(0), np.where(constant, 1.0, scale)


def _as_targets(targets: np.ndarray, task: str) -> np.ndarray:
    return targets.astype(np.float32 if task == "regression" else np.int32)


def _batches(rows: Rows, size: int, room: int) -> tuple[np.ndarray, np.ndarray, np.int32]:
    """Rows cut into batches `(room, size)`, which of them are real, and how many batches hold any."""
    count = -(-len(rows) // size)
    padded = np.zeros(room * size, np.int32)
    padded[: len(rows)] = rows
    real = np.arange(room * size) < len(rows)
    return padded.reshape(room, size), real.reshape(room, size), np.int32(count)


@partial(jax.jit, static_argnames=("task", "weight_decay"))
def _epoch(
    network: tuple[Any, Any],
    state: Any,
    data: tuple[Array, Array, Array, Array],
    batches: tuple[Any, Any, Any],
    held: tuple[Any, Any, Any],
    rates: Any,
    key: PRNGKeyArray,
    *,
    task: str,
    weight_decay: float,
) -> tuple[Any, Any, tuple[Array, Array]]:
    """One epoch, and the loss on the held-out cases after it."""
    # The loops count at run time, so that one compilation serves any split of the data.
    parameters, rest = network
    optimiser = _optimiser(weight_decay)

    def loss_of(parameters: Any, rows: Array, real: Array, key: PRNGKeyArray | None) -> Array:
        whole = eqx.combine(parameters, rest)
        values, mask, targets, weights = (part[rows] for part in data)
        if key is None:
            scores = jax.vmap(lambda f, m: whole(f, m))(values, mask)
        else:
            keys = jax.random.split(key, rows.shape[0])
            scores = jax.vmap(lambda f, m, k: whole(f, m, key=k))(values, mask, keys)
        losses = case_losses(scores, targets, mask, task) * weights
        return jnp.where(real, losses, 0.0).sum()

    def step(i: Array, carry: tuple[Any, Any, Array]) -> tuple[Any, Any, Array]:
        parameters, state, total = carry
        rows, real = batches[0][i], batches[1][i]
        count = real.sum(dtype=jnp.int32).astype(jnp.float32)
        drop_key = jax.random.fold_in(key, i)
        loss, slope = jax.value_and_grad(lambda p: loss_of(p, rows, real, drop_key) / count)(parameters)
        with jax.numpy_dtype_promotion("standard"):  # Optax's Adam raises a float to an integer count
            updates, state = optimiser.update(slope, state, parameters)
        updates = jax.tree.map(lambda u: -rates[i] * u, updates)
        return optax.apply_updates(parameters, updates), state, total + loss * count

    def check(i: Array, total: Array) -> Array:
        return total + loss_of(parameters, held[0][i], held[1][i], None)

    zero = jnp.zeros((), jnp.float32)
    parameters, state, total = jax.lax.fori_loop(0, batches[2], step, (parameters, state, zero))
    held_total = jax.lax.fori_loop(0, held[2], check, zero)
    return parameters, state, (total / _count(batches[1]), held_total / _count(held[1]))


def _count(real: Bool[Array, "step size"]) -> Array:
    return jnp.maximum(real.sum(dtype=jnp.int32), 1).astype(jnp.float32)
