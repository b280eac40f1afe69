"""Training a whole batch of programs of one skeleton at once.

Two batch axes lie around one program's loss: candidates (each with its own slots and constants) and folds
(each with its own training and validation weights over the same cases). Everything that differs between
them is data, so a skeleton compiles once for each batch size.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from antiphon.fitting._alternation import cases_of_choices, choice_paths, choice_turns
from antiphon.fitting._layout import Layout
from antiphon.fitting._leaves import to_own_units
from antiphon.fitting._losses import case_losses
from antiphon.fitting._skeleton import Skeleton, standard_slots
from antiphon.language import Apply, Language, walk
from antiphon.language import evaluate as evaluate_term

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


@dataclass(frozen=True)
class BatchResult:
    """What training a batch gave; axes candidate and fold first.

    Attributes:
        parameters: Arrays in training coordinates.
        scores: Raw hard scores of every case, `(candidate, fold, case, ...)`.
        curve_train: Training loss at each evaluation, `(candidate, fold, evaluation)`; no evaluations where
            only the end counts.
        curve_validation: Validation loss at each evaluation.
        compile_seconds: Spent compiling; 0 when the skeleton was known.
        run_seconds: Spent training.
    """

    parameters: Any
    scores: np.ndarray
    curve_train: np.ndarray
    curve_validation: np.ndarray
    compile_seconds: float
    run_seconds: float


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
        targets: As `Problem.goals`.
        mask: `(case, time)`.
        seed: Of the order of mini-batches.
    """
    indices = batch_indices(train_weights, schedule, seed=seed)
    layout = Layout.of(start, batch_axes=2)
    each = partial(_per_array, start)
    choices = choice_paths(skeleton.term, language)
    apart = chosen = None
    if choices:
        apart = cases_of_choices(len(targets), seed=seed)
        chosen = layout.flatten(each(lambda path, name: path in choices))[0, 0]

    def rate_of(path: str, name: str) -> float:
        if path in choices:
            return schedule.choice_rate
        return schedule.learning_rate if path in standard else schedule.neural_rate

    rate = layout.flatten(each(rate_of))
    pull = layout.flatten(each(lambda path, name: penalty_factors[path][name]))
    mask_vector = layout.flatten(_allowed(start, standard, data))
    limits, standard = _limits(start, standard, layout)
    begun_at = layout.flatten(start) * mask_vector
    arguments = (
        begun_at if limits is None else np.clip(begun_at, *limits), rate * mask_vector,
        l2[:, :, None] * pull, limits, standard, data, slots, train_weights, validation_weights, targets,
        mask, indices, apart, chosen,
    )  # fmt: skip
    arguments = jax.tree.map(jnp.asarray, arguments)
    # Of the language only the words that are used: each search has a copy with modules of its own.
    words = {node.name for _, node in walk(skeleton.term) if isinstance(node, Apply)}
    key = (
        skeleton,
        layout,
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
        function = partial(_train, skeleton, layout, language, task, schedule, shared)
        compiled = jax.jit(function).lower(*arguments).compile()
        _COMPILED[key] = compiled
    compile_seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    vectors, scores, (trained, held) = jax.device_get(compiled(*arguments))
    seconds = time.perf_counter() - begun
    return BatchResult(layout.restore(vectors), scores, trained, held, compile_seconds, seconds)


_COMPILED: dict[Any, Any] = {}


def forget_compiled() -> None:
    """Drop every compiled training loop."""
    _COMPILED.clear()


def _per_array(
    start: Mapping[str, Mapping[str, np.ndarray]], value: Callable[[str, str], float]
) -> dict[str, dict[str, np.ndarray]]:
    """A tree of the shapes of `start`, with one value in each array."""
    return {
        path: {name: np.full(np.shape(array), value(path, name), np.float32) for name, array in leaf.items()}
        for path, leaf in start.items()
    }


def _allowed(start: Any, standard: Any, data: Any) -> dict[str, dict[str, np.ndarray]]:
    """1 where a number may be other than 0: weights that are kept and of the map's group; like `start`."""
    found = {path: {name: np.ones_like(a) for name, a in leaf.items()} for path, leaf in start.items()}
    for path, by in standard.items():
        group = data.get(path, {}).get("group")
        found[path]["weight"] = by["keep"] * (1 if group is None else group[:, None, None, :])
    return found


def _limits(start: Any, standard: Any, layout: Layout) -> tuple[tuple[np.ndarray, np.ndarray] | None, Any]:
    """Least and largest value of each number, as vectors like the start's; and `standard` without them."""
    if not any("low" in by for by in standard.values()):
        return None, standard
    ends = []
    for name, anything in (("low", -np.inf), ("high", np.inf)):
        tree = _per_array(start, lambda path, name, anything=anything: anything)
        for path, by in standard.items():
            tree[path]["weight"] = np.broadcast_to(by[name][:, None], tree[path]["weight"].shape)
        ends.append(layout.flatten(tree))
    rest = {p: {k: a for k, a in by.items() if k not in ("low", "high")} for p, by in standard.items()}
    return (ends[0], ends[1]), rest


def _plan(schedule: Schedule) -> dict[str, np.ndarray]:
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


def _train(
    skeleton: Skeleton,
    layout: Layout,
    language: Language,
    task: str,
    schedule: Schedule,
    shared: tuple[bool, ...],
    start: Array,
    rate: Array,
    pull: Array,
    limits: tuple[Array, Array] | None,
    standard: Any,
    data: Any,
    slots: tuple[Any, ...],
    train_weights: Array,
    validation_weights: Array,
    targets: Array,
    mask: Array,
    indices: Array | None,
    apart: Array | None,
    chosen: Array | None,
) -> Any:
    """The function that is compiled: all candidates, all folds, all steps."""
    ready = standard_slots(skeleton)
    plan = jax.tree.map(jnp.asarray, _plan(schedule))

    def fit(
        start: Array,
        rate: Array,
        pull: Array,
        limits: tuple[Array, Array] | None,
        standard: Any,
        data: Any,
        slots: tuple[Any, ...],
        train_w: Array,
        valid_w: Array,
        indices: Array | None,
    ) -> Any:
        # Standardised once, so that the map over it needs no other coordinates while it is trained.
        by_slot = {slot: standard[path] for path, slot in ready.items()}
        inputs = tuple(_standardised(s, by_slot.get(i)) for i, s in enumerate(slots))
        plain = {
            path: {**leaf, "group": jnp.ones_like(leaf["group"])} if path in ready else leaf
            for path, leaf in data.items()
        }

        def scores_of(vector: Array, inputs: tuple[Any, ...], temperature: Array) -> Array:
            tree = layout.restore(vector)
            own = to_own_units(tree, {p: by for p, by in standard.items() if p not in ready})
            for path in ready:
                own[path] = {**tree[path], "centre": jnp.zeros_like(standard[path]["centre"])}

            def one(row: tuple[Any, ...]) -> Array:
                named = {f"u{i}": value for i, value in enumerate(row)}
                value = evaluate_term(skeleton.term, language, named, own, plain, temperature)
                return value[0] if isinstance(value, tuple) else value

            return jax.vmap(one)(inputs)

        def loss(vector: Array, rows: Array | None, temperature: Array, case_weights: Array) -> Array:
            def take(a: Array) -> Array:
                return a if rows is None else a[rows]

            scores = scores_of(vector, jax.tree.map(take, inputs), temperature)
            each = case_losses(scores, take(targets), take(mask), task)
            weights = take(case_weights)
            return (weights * each).sum() / jnp.maximum(weights.sum(), 1e-6)

        def step(carry: Any, now: tuple[dict[str, Array], Array | None]) -> Any:
            vector, first, second = carry
            by, rows = now
            ours, weights = None, train_w
            if apart is not None and chosen is not None:
                ours = chosen == by["turn"]
                weights = train_w * jnp.where(by["turn"] > 0, apart, 1 - apart)
            slope = jax.grad(loss)(vector, rows, by["temperature"], weights) + pull * vector
            slope = slope if ours is None else jnp.where(ours, slope, 0)
            slope = slope * jnp.minimum(1.0, jax.lax.rsqrt((slope**2).sum() + 1e-30))  # a norm of 1 at most
            first = MOMENTUM * first + (1 - MOMENTUM) * slope
            second = DECAY * second + (1 - DECAY) * slope**2
            vector = vector - rate * by["move"] * first / (jnp.sqrt(second) * by["spread"] + 1e-8)
            if limits is not None:  # A projected step: to the nearest that is allowed.
                vector = jnp.clip(vector, *limits)
            if ours is None:
                return (vector, first, second), None
            after = (vector, first, second)
            return tuple(jnp.where(ours, a, b) for a, b in zip(after, carry, strict=True)), None

        rows = None if indices is None else indices[: len(plan["move"])]
        begun = (start, jnp.zeros_like(start), jnp.zeros_like(start))
        if schedule.evaluations == 1 and not schedule.keep_best:
            # Nothing is compared on the way: what the last parameters give is all that is asked for.
            (vector, _, _), _ = jax.lax.scan(step, begun, (plan, rows))
            return vector, scores_of(vector, inputs, jnp.float32(0)), (jnp.zeros(0), jnp.zeros(0))
        has_validation = valid_w.sum() > 0

        def stretch(carry: Any, now: tuple[dict[str, Array], Array | None]) -> Any:
            state, kept, kept_scores, best = carry
            state, _ = jax.lax.scan(step, state, now)
            scores = scores_of(state[0], inputs, jnp.float32(0))
            each = case_losses(scores, targets, mask, task)
            held = (valid_w * each).sum() / jnp.maximum(valid_w.sum(), 1e-6)
            trained = (train_w * each).sum() / jnp.maximum(train_w.sum(), 1e-6)
            better = (held < best) | (not schedule.keep_best) | ~has_validation
            kept, kept_scores = jax.tree.map(
                lambda new, old: jnp.where(better, new, old), (state[0], scores), (kept, kept_scores)
            )
            return (state, kept, kept_scores, jnp.where(better, held, best)), (trained, held)

        now = jax.tree.map(lambda a: a.reshape(schedule.evaluations, -1, *a.shape[1:]), (plan, rows))
        shape = jax.eval_shape(scores_of, start, inputs, jnp.float32(0)).shape
        carry = (begun, start, jnp.full(shape, jnp.nan, jnp.float32), jnp.float32(jnp.inf))
        (_, kept, scores, _), curves = jax.lax.scan(stretch, carry, now)
        return kept, scores, curves

    per_slot = tuple(None if s else 0 for s in shared)
    # Pruning masks are in `rate` already: no other number of `standard` differs between folds.
    standard = {path: {**by, "keep": by["keep"][:, 0]} for path, by in standard.items()}
    if len(train_weights) == 1:  # Without an axis of length 1 in everything, XLA has less to transpose.
        start, rate, pull, limits = jax.tree.map(lambda a: a[:, 0], (start, rate, pull, limits))
        rows = None if indices is None else indices[0]
        only = jax.vmap(fit, in_axes=(0, 0, 0, 0, 0, 0, per_slot, None, None, None))
        found = only(
            start, rate, pull, limits, standard, data, slots, train_weights[0], validation_weights[0], rows
        )
        return jax.tree.map(lambda a: a[:, None], found)
    over_folds = jax.vmap(fit, in_axes=(0, 0, 0, 0, None, None, None, 0, 0, 0))
    over_candidates = jax.vmap(over_folds, in_axes=(0, 0, 0, 0, 0, 0, per_slot, None, None, None))
    return over_candidates(
        start, rate, pull, limits, standard, data, slots, train_weights, validation_weights, indices
    )


def _standardised(slot: Any, by: Any) -> Any:
    if by is None:
        return slot
    values = slot[0] if isinstance(slot, tuple) else slot
    ends = (None,) * (values.ndim - 1)
    values = (values - by["shift"][ends]) / by["scale"][ends]
    return (values, slot[1]) if isinstance(slot, tuple) else values
