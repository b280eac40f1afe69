"""One program's training: mini-batches, Adam with a schedule, early stopping.

It knows neither programs nor batches: only a function from a vector of parameters to scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from antiphon.fitting._alternation import choice_turns

MOMENTUM, DECAY = 0.9, 0.99  # Of Adam: how long slopes, and their squares, are remembered.


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        steps: Optimiser steps.
        batch_size: Cases a step; no more cases than this means full batches.
        learning_rate: Highest rate, of affine maps; a cosine brings it to 0 over the steps.
        neural_rate: The same for all other arrays.
        choice_rate: The same for the logits of a superposition.
        evaluations: How many times the validation loss is looked at.
        keep_best: Keep the parameters of the lowest validation loss (early stopping), else the last ones.
        coldest: Temperature that conditions end at, from 1.
    """

    steps: int = 300
    batch_size: int = 512
    learning_rate: float = 0.08
    neural_rate: float = 0.02
    choice_rate: float = 0.1
    evaluations: int = 10
    keep_best: bool = True
    coldest: float = 0.05


def batch_indices(
    train_weights: Float[np.ndarray, "fold case"], schedule: Schedule, *, seed: int
) -> Int[np.ndarray, "fold steps batch"] | None:
    """Which cases each step of each fold sees; `None` for full batches.

    A fold draws from its own training cases, reshuffled each epoch.

    Args:
        train_weights: Cases of weight 0 are not drawn.
        schedule: Its `batch_size` and `steps`.
        seed: Of the order.
    """
    own = [np.flatnonzero(weights) for weights in train_weights]
    if min(map(len, own)) <= schedule.batch_size:
        return None
    found = []
    for fold, rows in enumerate(own):
        rng = np.random.default_rng([seed, fold])
        per_epoch = len(rows) // schedule.batch_size
        epochs = -(-schedule.steps // per_epoch)
        order = [rng.permutation(rows)[: per_epoch * schedule.batch_size] for _ in range(epochs)]
        found.append(np.concatenate(order).reshape(-1, schedule.batch_size)[: schedule.steps])
    return np.stack(found).astype(np.int32)


def plan_of(schedule: Schedule) -> dict[str, np.ndarray]:
    """What differs from step to step, `(steps,)` each: the factors of Adam (Kingma and Ba 2015, algorithm 1)
    with the cosine in them, and the temperature of conditions."""
    number = np.arange(schedule.steps // schedule.evaluations * schedule.evaluations)
    progress = number / schedule.steps
    return {
        "move": (0.5 * (1 + np.cos(np.pi * progress)) / (1 - MOMENTUM ** (number + 1))).astype(np.float32),
        "spread": (1 / np.sqrt(1 - DECAY ** (number + 1))).astype(np.float32),
        "temperature": (schedule.coldest ** np.minimum(1.0, progress / 0.7)).astype(np.float32),
        "turn": choice_turns(schedule.steps)[: len(number)],
    }


def adam(
    state: tuple[Array, Array, Array], slope: Array, rate: Array, by: Mapping[str, Array]
) -> tuple[Array, Array, Array]:
    """A step of Adam along a slope whose norm is cut to 1.

    Args:
        state: Parameters, and the memories of slopes and of their squares, `(size,)` each.
        slope: Of the loss.
        rate: Highest rate of each parameter.
        by: What `plan_of` says of the step.
    """
    vector, first, second = state
    slope = slope * jnp.minimum(1.0, jax.lax.rsqrt((slope**2).sum() + 1e-30))
    first = MOMENTUM * first + (1 - MOMENTUM) * slope
    second = DECAY * second + (1 - DECAY) * slope**2
    vector = vector - rate * by["move"] * first / (jnp.sqrt(second) * by["spread"] + 1e-8)
    return vector, first, second


class Turns(NamedTuple):
    """What alternates: see `_alternation`.

    Attributes:
        chosen: 1 for the parameters that choose between alternatives, `(size,)`.
        apart: 1 for the cases that they are trained on, `(case,)`.
    """

    chosen: Array | np.ndarray
    apart: Array | np.ndarray


Scores = Callable[[Array, Array | None, Array], Array]
Losses = Callable[[Array, Array | None], Array]


def train_loop(
    scores_of: Scores,
    losses_of: Losses,
    schedule: Schedule,
    start: Float[Array, " size"],
    rate: Float[Array, " size"],
    pull: Float[Array, " size"],
    train_w: Float[Array, " case"],
    valid_w: Float[Array, " case"],
    indices: Int[Array, "steps batch"] | None,
    limits: tuple[Array, Array] | None = None,
    turns: Turns | None = None,
) -> tuple[Array, Array, tuple[Array, Array]]:
    """Train one program on one fold; traced by JAX.

    Args:
        scores_of: Raw scores from parameters, case numbers (`None` for all) and temperature.
        losses_of: Loss of each case from its scores and its number.
        schedule: How long and how fast.
        start: Parameters to begin with.
        rate: How fast each moves; 0 keeps it.
        pull: How strongly each is drawn to zero.
        train_w: Weight of each case in training.
        valid_w: Weight in validation.
        indices: Cases of each step; `None` for all.
        limits: Least and largest value of each parameter, where any has one.
        turns: Which parameters choose between alternatives, and which cases these are trained on: they move
            in turn with the others.

    Returns:
        The parameters that are kept, the scores of all cases by them, and the training and validation loss at
        each evaluation.
    """
    plan = jax.tree.map(jnp.asarray, plan_of(schedule))

    def loss(vector: Array, rows: Array | None, temperature: Array, case_weights: Array) -> Array:
        each = losses_of(scores_of(vector, rows, temperature), rows)
        weights = case_weights if rows is None else case_weights[rows]
        return (weights * each).sum() / jnp.maximum(weights.sum(), 1e-6)

    def step(carry: Any, now: tuple[dict[str, Array], Array | None]) -> Any:
        by, rows = now
        ours, weights = None, train_w
        if turns is not None:
            ours = turns.chosen == by["turn"]
            weights = train_w * jnp.where(by["turn"] > 0, turns.apart, 1 - turns.apart)
        slope = jax.grad(loss)(carry[0], rows, by["temperature"], weights) + pull * carry[0]
        slope = slope if ours is None else jnp.where(ours, slope, 0)
        vector, first, second = adam(carry, slope, rate, by)
        if limits is not None:  # A projected step: to the nearest that is allowed.
            vector = jnp.clip(vector, *limits)
        after = (vector, first, second)
        if ours is None:
            return after, None
        return tuple(jnp.where(ours, a, b) for a, b in zip(after, carry, strict=True)), None

    rows = None if indices is None else indices[: len(plan["move"])]
    begun = (start, jnp.zeros_like(start), jnp.zeros_like(start))
    hard = jnp.float32(0)
    if schedule.evaluations == 1 and not schedule.keep_best:
        # Nothing is compared on the way: what the last parameters give is all that is asked for.
        (vector, _, _), _ = jax.lax.scan(step, begun, (plan, rows))
        return vector, scores_of(vector, None, hard), (jnp.zeros(0), jnp.zeros(0))
    has_validation = valid_w.sum() > 0

    def stretch(carry: Any, now: tuple[dict[str, Array], Array | None]) -> Any:
        state, kept, kept_scores, best = carry
        state, _ = jax.lax.scan(step, state, now)
        scores = scores_of(state[0], None, hard)
        each = losses_of(scores, None)
        held = (valid_w * each).sum() / jnp.maximum(valid_w.sum(), 1e-6)
        trained = (train_w * each).sum() / jnp.maximum(train_w.sum(), 1e-6)
        better = (held < best) | (not schedule.keep_best) | ~has_validation
        kept, kept_scores = jax.tree.map(
            lambda new, old: jnp.where(better, new, old), (state[0], scores), (kept, kept_scores)
        )
        return (state, kept, kept_scores, jnp.where(better, held, best)), (trained, held)

    now = jax.tree.map(lambda a: a.reshape(schedule.evaluations, -1, *a.shape[1:]), (plan, rows))
    shape = jax.eval_shape(lambda v: scores_of(v, None, hard), start).shape
    carry = (begun, start, jnp.full(shape, jnp.nan, jnp.float32), jnp.float32(jnp.inf))
    (_, kept, scores, _), curves = jax.lax.scan(stretch, carry, now)
    return kept, scores, curves
