"""Training a whole batch of programs of one skeleton at once.

Two batch axes lie around one program's loss: candidates (each with its own slots and constants) and folds
(each with its own training and validation weights over the same cases). Everything that differs between
them is data, so a skeleton compiles once for each batch size.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from antiphon.fitting._leaves import to_own_units
from antiphon.fitting._losses import case_losses
from antiphon.fitting._skeleton import Skeleton
from antiphon.language import Apply, Language, walk
from antiphon.language import evaluate as evaluate_term


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        steps: Optimiser steps.
        batch_size: Cases a step; no more cases than this means full batches.
        learning_rate: Highest rate, of affine maps; a cosine brings it to 0 over the steps.
        neural_rate: The same for all other arrays.
        evaluations: How many times the validation loss is looked at.
        keep_best: Keep the parameters of the lowest validation loss (early stopping), else the last ones.
        coldest: Temperature that conditions end at, from 1.
    """

    steps: int = 300
    batch_size: int = 512
    learning_rate: float = 0.08
    neural_rate: float = 0.02
    evaluations: int = 10
    keep_best: bool = True
    coldest: float = 0.05


@dataclass(frozen=True)
class BatchResult:
    """What training a batch gave; axes candidate and fold first.

    Attributes:
        parameters: Arrays in training coordinates.
        scores: Raw hard scores of every case, `(candidate, fold, case, ...)`.
        validation: Validation loss, `(candidate, fold)`; NaN or infinite if training failed.
        curve_train: Training loss at each evaluation, `(candidate, fold, evaluation)`.
        curve_validation: Validation loss at each evaluation.
        compile_seconds: Spent compiling; 0 when the skeleton was known.
        run_seconds: Spent training.
    """

    parameters: Any
    scores: np.ndarray
    validation: np.ndarray
    curve_train: np.ndarray
    curve_validation: np.ndarray
    compile_seconds: float
    run_seconds: float


def batch_indices(n_cases: int, schedule: Schedule, *, seed: int) -> Int[np.ndarray, "steps batch"] | None:
    """Which cases each step sees: reshuffled each epoch; `None` for full batches."""
    if n_cases <= schedule.batch_size:
        return None
    rng = np.random.default_rng(seed)
    per_epoch = n_cases // schedule.batch_size
    epochs = -(-schedule.steps // per_epoch)
    order = np.concatenate(
        [rng.permutation(n_cases)[: per_epoch * schedule.batch_size] for _ in range(epochs)]
    )
    return order.reshape(-1, schedule.batch_size)[: schedule.steps].astype(np.int32)


def train_batch(
    skeleton: Skeleton,
    language: Language,
    task: str,
    schedule: Schedule,
    *,
    start: Any,
    standard: Any,
    data: Any,
    slots: tuple[Any, ...],
    shared: tuple[bool, ...],
    penalty_factors: Any,
    l2: Float[np.ndarray, "candidate fold"],
    train_weights: Float[np.ndarray, "fold case"],
    validation_weights: Float[np.ndarray, "fold case"],
    targets: np.ndarray,
    mask: np.ndarray,
    seed: int,
) -> BatchResult:
    """Train every candidate on every fold.

    Args:
        skeleton: What they have in common.
        language: Bound to the features.
        task: As `Problem.task`.
        schedule: How long and how fast.
        start: Initial arrays with axes `(candidate, fold, ...)`.
        standard: What `standardisation` gives, with candidates as first axis.
        data: Constants that are arrays, with axis `(candidate, ...)`.
        slots: Values of the slots: `(candidate, case, ...)`, or `(case, ...)` where `shared`.
        shared: Which slots all candidates have in common.
        penalty_factors: What `penalties` gives.
        l2: Strength of the quadratic penalty.
        train_weights: Weight of each case in training; 0 for held-out cases.
        validation_weights: Weight in validation; all 0 means there is none and the last step is kept.
        targets: As `Problem.targets`.
        mask: `(case, time)`.
        seed: Of the order of mini-batches.
    """
    indices = batch_indices(len(targets), schedule, seed=seed)
    arguments = (
        start, standard, data, slots, penalty_factors, l2, train_weights, validation_weights, targets, mask,
        indices,
    )  # fmt: skip
    arguments = jax.tree.map(jnp.asarray, arguments)
    # Of the language only the words that are used: each search has a copy with modules of its own.
    words = {node.name for _, node in walk(skeleton.term) if isinstance(node, Apply)}
    key = (
        skeleton,
        tuple(language[n].run for n in sorted(words)),
        language.is_table,
        task,
        schedule,
        shared,
        str(jax.tree.map(lambda a: (a.shape, a.dtype), arguments)),
    )
    begun = time.perf_counter()
    compiled = _COMPILED.get(key)
    if compiled is None:
        function = partial(_train, skeleton, language, task, schedule, shared)
        compiled = jax.jit(function).lower(*arguments).compile()
        _COMPILED[key] = compiled
    compile_seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    parameters, scores, best, curves = jax.device_get(compiled(*arguments))
    return BatchResult(
        parameters, scores, best, curves[0], curves[1], compile_seconds, time.perf_counter() - begun
    )


_COMPILED: dict[Any, Any] = {}


def forget_compiled() -> None:
    """Drop every compiled training loop."""
    _COMPILED.clear()


def _train(
    skeleton: Skeleton,
    language: Language,
    task: str,
    schedule: Schedule,
    shared: tuple[bool, ...],
    start: Any,
    standard: Any,
    data: Any,
    slots: tuple[Any, ...],
    factors: Any,
    l2: Array,
    train_weights: Array,
    validation_weights: Array,
    targets: Array,
    mask: Array,
    indices: Array | None,
) -> Any:
    """The function that is compiled: all candidates, all folds, all steps."""

    def scores_of(
        parameters: Any, standard: Any, data: Any, inputs: tuple[Any, ...], temperature: Array
    ) -> Array:
        own = to_own_units(parameters, standard)

        def one(row: tuple[Any, ...]) -> Array:
            named = {f"u{i}": value for i, value in enumerate(row)}
            value = evaluate_term(skeleton.term, language, named, own, data, temperature)
            return value[0] if isinstance(value, tuple) else value

        return jax.vmap(one)(inputs)

    every = schedule.steps // schedule.evaluations
    rates = optax.cosine_decay_schedule(1.0, schedule.steps)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(b2=0.99))

    def rate_of(path: str) -> float:
        return schedule.learning_rate if path in standard else schedule.neural_rate

    def fit(
        start: Any,
        standard: Any,
        data: Any,
        inputs: tuple[Any, ...],
        l2: Array,
        train_w: Array,
        valid_w: Array,
    ) -> Any:
        def loss(parameters: Any, rows: Array | None, temperature: Array) -> Array:
            def take(a: Array) -> Array:
                return a if rows is None else a[rows]

            scores = scores_of(parameters, standard, data, jax.tree.map(take, inputs), temperature)
            each = case_losses(scores, take(targets), take(mask), task)
            weights = take(train_w)
            fitted = (weights * each).sum() / jnp.maximum(weights.sum(), 1e-6)
            squares = jax.tree.map(lambda p, f: f * (p**2).sum(), parameters, factors)
            return fitted + 0.5 * l2 * jax.tree.reduce(jnp.add, squares)

        def move(rate: Array, parameter: Array, by: Array) -> Array:
            return parameter - rate * by

        def step(carry: Any, now: tuple[Array, Array | None]) -> Any:
            parameters, state = carry
            number, rows = now
            progress = number.astype(jnp.float32) / schedule.steps
            temperature = jnp.exp(jnp.log(schedule.coldest) * jnp.minimum(1.0, progress / 0.7))
            value, slope = jax.value_and_grad(loss)(parameters, rows, temperature)
            with jax.numpy_dtype_promotion("standard"):  # Optax raises a float to an integer count
                moves, state = optimiser.update(slope, state)
                size = jnp.asarray(rates(number))
            steps: Any = moves
            moved = {
                path: jax.tree.map(partial(move, rate_of(path) * size), leaf, steps[path])
                for path, leaf in parameters.items()
            }
            return (moved, state), value

        def judge(parameters: Any) -> tuple[Array, Array]:
            scores = scores_of(parameters, standard, data, inputs, jnp.float32(0))
            each = case_losses(scores, targets, mask, task)
            held = (valid_w * each).sum() / jnp.maximum(valid_w.sum(), 1e-6)
            trained = (train_w * each).sum() / jnp.maximum(train_w.sum(), 1e-6)
            return held, trained

        has_validation = valid_w.sum() > 0

        def stretch(carry: Any, now: tuple[Array, Array | None]) -> Any:
            parameters, state, kept, best = carry
            (parameters, state), _ = jax.lax.scan(step, (parameters, state), now)
            held, trained = judge(parameters)
            # The first look always counts, so that a program that never improves still has its numbers.
            better = (held < best) | (not schedule.keep_best) | ~has_validation
            kept = jax.tree.map(lambda k, p: jnp.where(better, p, k), kept, parameters)
            best = jnp.where(better, held, best)
            return (parameters, state, kept, best), (trained, held)

        numbers = jnp.arange(every * schedule.evaluations, dtype=jnp.int32).reshape(
            schedule.evaluations, every
        )
        rows = None if indices is None else indices[: numbers.size].reshape(*numbers.shape, -1)
        carry = (start, optimiser.init(start), start, jnp.float32(jnp.inf))
        (_, _, kept, best), curves = jax.lax.scan(stretch, carry, (numbers, rows))
        return kept, scores_of(kept, standard, data, inputs, jnp.float32(0)), best, curves

    by_fold = {path: dict.fromkeys(leaf, None) | {"keep": 0} for path, leaf in standard.items()}
    over_folds = jax.vmap(fit, in_axes=(0, by_fold, None, None, 0, 0, 0))
    over_candidates = jax.vmap(
        over_folds, in_axes=(0, 0, 0, tuple(None if s else 0 for s in shared), 0, None, None)
    )
    return over_candidates(start, standard, data, slots, l2, train_weights, validation_weights)
