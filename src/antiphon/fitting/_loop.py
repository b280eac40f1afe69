"""Training a whole batch of programs of one skeleton at once.

Two batch axes lie around one program's loss: candidates (each with its own slots and constants) and folds
(each with its own training and validation weights over the same cases; where there is one candidate, they
come in turn). Everything that differs between
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
from jaxtyping import Array, Float

from antiphon.fitting._alternation import cases_of_choices, choice_paths
from antiphon.fitting._compiled import compiled
from antiphon.fitting._layout import Layout
from antiphon.fitting._leaves import to_own_units
from antiphon.fitting._losses import case_losses
from antiphon.fitting._skeleton import Skeleton, leaf_inputs, standard_slots, words_of
from antiphon.fitting._training import Schedule, Turns, batch_indices, train_loop
from antiphon.language import Language, Primitive
from antiphon.language import evaluate as evaluate_term


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


@dataclass(frozen=True)
class Batch:
    """A compiled training loop with all that goes into it.

    Attributes:
        compiled: The loop.
        arguments: What it takes.
        layout: Of its parameters.
        compile_seconds: Spent compiling; 0 when the skeleton was known.
    """

    compiled: Any
    arguments: Any
    layout: Layout
    compile_seconds: float

    def train(self) -> BatchResult:
        """Run the loop."""
        begun = time.perf_counter()
        vectors, scores, (trained, held) = jax.device_get(self.compiled(*self.arguments))
        seconds = time.perf_counter() - begun
        return BatchResult(self.layout.restore(vectors), scores, trained, held, self.compile_seconds, seconds)


def prepare_batch(
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
) -> Batch:
    """Make ready to train every candidate on every fold.

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
    # Of the language only the words that are used: each search has a copy with modules of its own.
    words = words_of(skeleton, language)
    choices = choice_paths(skeleton.term, words)
    turns = None
    if choices:
        chosen = layout.flatten(each(lambda path, name: path in choices))[0, 0]
        turns = Turns(chosen, cases_of_choices(len(targets), seed=seed))

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
        mask, indices, turns,
    )  # fmt: skip
    arguments = jax.device_put(arguments)  # `asarray` compiles a copy for each new shape; this shares memory.
    key = (
        skeleton,
        layout,
        tuple(word.run for word in words.values()),
        language.is_table,
        task,
        schedule,
        shared,
        str(jax.tree.map(lambda a: (a.shape, a.dtype), arguments)),
    )
    begun = time.perf_counter()
    made = compiled(key, partial(_train, skeleton, layout, words, task, schedule, shared), arguments)
    return Batch(made, arguments, layout, time.perf_counter() - begun)


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


def _train(
    skeleton: Skeleton,
    layout: Layout,
    words: Mapping[str, Primitive],
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
    turns: Turns | None,
) -> Any:
    """The function that is compiled: all candidates, all folds, all steps."""
    ready = standard_slots(skeleton)
    # Trained in the very coordinates that they are used in: no scale, no centre, and no mask but a rate of 0.
    direct = [path for path in standard if path in ready or path not in leaf_inputs(skeleton)]

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
            path: {**leaf, "group": jnp.ones_like(leaf["group"])} if path in direct else leaf
            for path, leaf in data.items()
        }

        own = [i for i, one in enumerate(shared) if not one]
        side_by_side = jnp.concatenate([inputs[i] for i in own], axis=1) if len(own) > 1 else None

        def taken(rows: Array) -> tuple[Any, ...]:
            """Some cases of all inputs; of vectors by one gather, which is half the cost of a small step."""
            if side_by_side is None:
                return jax.tree.map(lambda a: a[rows], inputs)
            widths = [inputs[i].shape[1] for i in own]
            parts = dict(zip(own, jax.lax.split(side_by_side[rows], widths, axis=1), strict=True))
            rest = {i: jax.tree.map(lambda a: a[rows], inputs[i]) for i in range(len(inputs)) if i not in own}
            return tuple({**parts, **rest}[i] for i in range(len(inputs)))

        def scores_of(vector: Array, rows: Array | None, temperature: Array) -> Array:
            tree = layout.restore(vector)
            own = to_own_units(tree, {p: by for p, by in standard.items() if p not in direct})
            for path in direct:
                own[path] = {**tree[path], "centre": jnp.zeros_like(standard[path]["centre"])}

            def one(row: tuple[Any, ...]) -> Array:
                named = {f"u{i}": value for i, value in enumerate(row)}
                value = evaluate_term(skeleton.term, words, named, own, plain, temperature)
                return value[0] if isinstance(value, tuple) else value

            return jax.vmap(one)(inputs if rows is None else taken(rows))

        def losses_of(scores: Array, rows: Array | None) -> Array:
            if rows is None:
                return case_losses(scores, targets, mask, task)
            return case_losses(scores, targets[rows], mask[rows], task)

        return train_loop(
            scores_of, losses_of, schedule, start, rate, pull, train_w, valid_w, indices, limits, turns
        )

    per_slot = tuple(None if s else 0 for s in shared)
    # Pruning masks are in `rate` already: no other number of `standard` differs between folds.
    standard = {path: {**by, "keep": by["keep"][:, 0]} for path, by in standard.items()}
    if len(start) == 1 and jax.default_backend() == "cpu":
        # One candidate, whose folds come in turn: side by side, XLA moves axes about in each product over
        # frames, which takes three times as long; and a function without their axis is sooner compiled.
        its = partial(jax.tree.map, lambda a: a[0])
        start, rate, pull, limits, standard, data = its((start, rate, pull, limits, standard, data))
        slots = tuple(s if of_all else its(s) for s, of_all in zip(slots, shared, strict=True))

        def one(of_fold: Any) -> Any:
            start, rate, pull, limits, train_w, valid_w, rows = of_fold
            return fit(start, rate, pull, limits, standard, data, slots, train_w, valid_w, rows)

        by_fold = (start, rate, pull, limits, train_weights, validation_weights, indices)
        return jax.tree.map(lambda a: a[None], jax.lax.map(one, by_fold))
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
