"""Losses and metrics of layer models by the names of Keras, and what each wants of outputs and targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice
from antiphon.networks.layers._activations import activate

Loss = str | Callable[[Array, Array], Array]

# The kind of targets, and the activation that the output must end in (None: any).
LOSSES: dict[str, tuple[str, str | None]] = {
    "sparse_categorical_crossentropy": ("class", "softmax"),
    "categorical_crossentropy": ("shares", "softmax"),
    "binary_crossentropy": ("binary", "sigmoid"),
    "mean_squared_error": ("numbers", None),
    "mse": ("numbers", None),
    "mean_absolute_error": ("numbers", None),
    "mae": ("numbers", None),
    "huber": ("numbers", None),
}
METRICS = ("accuracy", "mse", "mae")


def check_loss(loss: Any) -> Loss:
    """The loss, if it is a known name or can be called."""
    return loss if callable(loss) else check_choice("loss", loss, LOSSES)  # pyright: ignore[reportReturnType]


def kind_of(loss: Loss) -> str:
    """What targets a loss wants: `class`, `shares`, `binary`, `numbers` or, for one's own, `own`."""
    return LOSSES[loss][0] if isinstance(loss, str) else "own"


def check_head(loss: Loss, head: str, size: int) -> None:
    """Refuse an output that the loss cannot judge."""
    if not isinstance(loss, str):
        return
    kind, wanted = LOSSES[loss]
    if wanted is not None and head != wanted:
        raise InputError(
            f"The loss {loss} on an output with the activation {head}.",
            f"Probabilities: {wanted} as the last activation.",
            f'End the model with Dense(..., activation="{wanted}").',
        )
    if kind in ("class", "shares") and size < 2:
        raise InputError(
            f"The loss {loss} on an output of one class.",
            "One entry a class, two or more.",
            'For two classes take Dense(2, activation="softmax"), or sigmoid with binary_crossentropy.',
        )


def check_metric(metric: Any, loss: Loss) -> str:
    """The metric, if it is known and goes with the loss."""
    check_choice("metric", metric, METRICS)
    kind = kind_of(loss)
    if (metric == "accuracy") == (kind in ("numbers", "own")):
        raise InputError(
            f"The metric {metric} with the loss {loss if isinstance(loss, str) else 'of your own'}.",
            "accuracy for classes, mse or mae for numbers.",
            "Leave the metric out, or change the loss.",
        )
    return metric


def entries_loss(loss: Loss, head: str, scores: Array, targets: Array) -> Array:
    """The loss of each entry: of a case `()`, or of every frame of it `(time,)`.

    Args:
        loss: Name or function.
        head: Activation that was taken off the output.
        scores: `(k,)` or `(time, k)`, before the head.
        targets: Class numbers, or numbers of the shape of the scores.
    """
    match loss:
        case "sparse_categorical_crossentropy":
            return optax.softmax_cross_entropy_with_integer_labels(scores, targets)
        case "categorical_crossentropy":
            return optax.softmax_cross_entropy(scores, targets)
        case "binary_crossentropy":
            return optax.sigmoid_binary_cross_entropy(scores, targets).mean(-1)
        case "mean_squared_error" | "mse":
            return optax.squared_error(activate(head, scores), targets).mean(-1)
        case "mean_absolute_error" | "mae":
            return jnp.abs(activate(head, scores) - targets).mean(-1)
        case "huber":
            return optax.huber_loss(activate(head, scores), targets).mean(-1)
    assert callable(loss)
    found = loss(activate(head, scores), targets)
    if found.shape != scores.shape[:-1]:
        raise InputError(
            f"A loss of your own that gives the shape {found.shape}.",
            f"One number a case, or a frame: {scores.shape[:-1]}.",
            "Take the mean over the last axis only.",
        )
    return found


def entries_metric(metric: str, kind: str, head: str, scores: Array, targets: Array) -> Array:
    """A metric of each entry, shaped as `entries_loss`."""
    if metric == "accuracy":
        match kind:
            case "class":
                right = jnp.argmax(scores, -1).astype(targets.dtype) == targets
            case "shares":
                right = jnp.argmax(scores, -1) == jnp.argmax(targets, -1)
            case _:
                right = (scores > 0) == (targets > 0.5)
                return right.astype(jnp.float32).mean(-1)
        return right.astype(jnp.float32)
    difference = activate(head, scores) - targets
    return (jnp.square(difference) if metric == "mse" else jnp.abs(difference)).mean(-1)


def weighted(entries: Array, mask: Array | None, weight: Array) -> tuple[Array, Array]:
    """Sum over entries that count, and how many these are.

    Args:
        entries: `(case,)` or `(case, time)`.
        mask: `(case, time)` or None.
        weight: 1 for each case that counts, 0 for those that fill up the batch.
    """
    share = jnp.broadcast_to(weight.reshape(-1, *[1] * (entries.ndim - 1)), entries.shape)
    if mask is not None and entries.ndim > 1:
        share = jnp.where(mask, share, 0.0)
    # Of entries that do not count not even NaN counts.
    return jnp.where(share > 0, entries, 0.0).sum(), jax.lax.stop_gradient(share.sum())
