"""Weight sharing: one supernet is trained, and candidates are judged with its weights.

Single-path one-shot training (Guo et al. 2020, "Single path one-shot neural architecture search with uniform
sampling", section 3; the idea of Pham et al. 2018, "Efficient neural architecture search via parameter
sharing"): each step draws a few candidates, every choice alike, and moves the weights that they use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from antiphon.fitting._evaluator import Evaluator, Fit
from antiphon.fitting._layout import Layout
from antiphon.fitting._leaves import (
    penalties,
    standardisation,
    text_of,
    to_own_units,
)
from antiphon.fitting._loop import BatchResult
from antiphon.fitting._losses import case_losses
from antiphon.fitting._skeleton import words_of
from antiphon.fitting._supernet import picks, superpose, with_picks, within
from antiphon.fitting._training import adam, batch_indices, plan_of
from antiphon.language import Primitive, Term
from antiphon.language import evaluate as evaluate_term

JUDGED_AT_ONCE = 8


@dataclass
class SharedEvaluator(Evaluator):
    """Judges the terms that a supernet holds by its weights; trains all others by themselves.

    The supernet is trained once, on each fold by itself, when the first of its terms is fitted.

    Args:
        space: Terms whose supernet is trained: it also holds all that mix what they have at each place.
        paths: Candidates drawn in a step; their slopes are averaged.
        lengthening: Steps of the supernet, in units of the schedule's.

    Example:
        >>> from antiphon.fitting import Folds, Problem, Schedule
        >>> from antiphon.language import parse_term, sequence
        >>> values = np.random.default_rng(0).normal(size=(8, 3, 1)).astype(np.float32)
        >>> bound, mask = sequence.bind({"speed": ""}), np.ones((8, 3), bool)
        >>> heard = (values[:, 2, 0] > 0).astype(np.int32)
        >>> problem = Problem(bound, values, mask, heard, "classification", 1, "accuracy")
        >>> halves = np.float32([[1, 0] * 4, [0, 1] * 4])
        >>> terms = [parse_term(f"affine({r}(x))", bound, problem.output_type) for r in ("mean", "last")]
        >>> shared = SharedEvaluator(problem, Folds(halves, 1 - halves), Schedule(steps=20), space=terms)
        >>> [fit.text for fit in shared.fit(terms)]
        ['affine(mean(x))', 'affine(last(x))']
    """

    space: Sequence[Term] = ()
    paths: int = 1
    lengthening: int = 6
    _weights: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        language = self.problem.language
        self.supernet = superpose(self.space, language) if self.space else None
        if self.supernet is not None:
            extended = with_picks(language, self.supernet)
            self._inner = Evaluator(
                replace(self.problem, language=extended), self.folds, self.schedule, self.seed, self.l2
            )
            self._inner.slots = self.slots

    def placed(self, term: Term) -> Term | None:
        """The supernet with the choices that make it this term; `None` if it does not hold it."""
        return None if self.supernet is None else within(self.supernet, term, self.problem.language)

    def group(self, terms: Sequence[Term]) -> list[list[int]]:
        """As `Evaluator.group`; all that the supernet holds are one group."""
        held = [i for i, t in enumerate(terms) if self.placed(t) is not None]
        rest = [i for i, t in enumerate(terms) if self.placed(t) is None]
        alone = super().group([terms[i] for i in rest])
        return ([held] if held else []) + [[rest[i] for i in members] for members in alone]

    def fit(
        self,
        terms: Sequence[Term],
        *,
        start: Sequence[Mapping[str, Any] | None] | None = None,
        keep: Sequence[Mapping[str, np.ndarray] | None] | None = None,
        l2: Sequence[float] | None = None,
        with_scores: bool = False,
    ) -> list[Fit]:
        """As `Evaluator.fit`; what the supernet holds is not trained, and has no `parameters`."""
        placed = [self.placed(t) for t in terms]
        if any(p is None for p in placed):
            return super().fit(terms, start=start, keep=keep, l2=l2, with_scores=with_scores)
        begun = time.perf_counter()
        if self._weights is None:
            self._weights = self._train_supernet()
        scores = self._judged([p for p in placed if p is not None])
        self.run_seconds += time.perf_counter() - begun
        none = np.zeros((len(terms), len(self.folds.train), 0), np.float32)
        result = BatchResult({}, scores, none, none, 0.0, 0.0)
        language = self.problem.language
        return [self.judge(text_of(t, language), result, i, with_scores) for i, t in enumerate(terms)]

    def _train_supernet(self) -> Any:
        inner = self._inner
        schedule = replace(self.schedule, steps=self.schedule.steps * self.lengthening, evaluations=1)
        assert self.supernet is not None
        parts = inner.split(self.supernet)
        words = words_of(parts.skeleton, inner.problem.language)
        start = inner.starts(self.supernet, parts, {})
        standard = standardisation(parts, inner.slots, folds=len(self.folds.train))
        layout = Layout.of(start, batch_axes=1)
        rates = {
            path: schedule.learning_rate if path in standard else schedule.neural_rate
            for path in parts.shapes
        }
        factors = penalties(parts)
        rng, alternatives = np.random.default_rng(self.seed), picks(self.supernet)
        drawn = {
            path: {"choice": rng.integers(count, size=(schedule.steps, self.paths), dtype=np.int32)}
            for path, count in alternatives.items()
        }
        fixed = {path: data for path, data in parts.data.items() if path not in alternatives}
        arguments = (
            layout.flatten(start),
            layout.flatten(_filled(start, lambda path, name: rates[path])),
            layout.flatten(_filled(start, lambda path, name: self.strength() * factors[path][name])),
            standard,
            (plan_of(schedule), drawn),
            fixed,
            self._slots(),
            self.folds.train,
            self.problem.goals,
            self.problem.mask,
            batch_indices(self.folds.train, schedule, seed=self.seed),
        )
        begun = time.perf_counter()
        arguments = jax.device_put(arguments)
        function = partial(_train, parts.skeleton.term, layout, words, self.problem.task, self.paths)
        compiled = jax.jit(function).lower(*arguments).compile()
        self.compile_seconds += time.perf_counter() - begun
        return layout.restore(jax.device_get(compiled(*arguments)))

    def _slots(self) -> tuple[Any, ...]:
        assert self.supernet is not None
        return tuple(self.slots[s] for s in self._inner.split(self.supernet).slots)

    def _judged(self, placed: Sequence[Term]) -> np.ndarray:
        """Raw hard scores with the shared weights, `(term, fold, case, ...)`."""
        inner, folds = self._inner, self.folds
        parts = [inner.split(p) for p in placed]
        standard = standardisation(parts[0], inner.slots, folds=len(folds.train))
        words = words_of(parts[0].skeleton, inner.problem.language)
        run = _judge_many(parts[0].skeleton.term, words, _fold_axes(standard))
        scores = []
        for at in range(0, len(parts), JUDGED_AT_ONCE):
            some = parts[at : at + JUDGED_AT_ONCE]
            filled = [*some, *[some[-1]] * (JUDGED_AT_ONCE - len(some))]
            data = jax.tree.map(lambda *a: np.stack(a), *[p.data for p in filled])
            found = run(self._weights, standard, data, self._slots())
            scores.append(np.asarray(found)[: len(some)])
        return np.concatenate(scores)


def _fold_axes(standard: Any) -> Any:
    return {path: dict.fromkeys(leaf, None) | {"keep": 0} for path, leaf in standard.items()}


def _scores(
    term: Term,
    words: Mapping[str, Primitive],
    parameters: Any,
    standard: Any,
    data: Any,
    slots: Any,
    temperature: Array,
) -> Array:
    own = to_own_units(parameters, standard)

    def one(row: tuple[Any, ...]) -> Array:
        named = {f"u{i}": value for i, value in enumerate(row)}
        value = evaluate_term(term, words, named, own, data, temperature)
        return value[0] if isinstance(value, tuple) else value

    return jax.vmap(one)(slots)


def _judge_many(term: Term, words: Mapping[str, Primitive], fold_axes: Any) -> Any:
    def one(parameters: Any, standard: Any, data: Any, slots: Any) -> Array:
        return _scores(term, words, parameters, standard, data, slots, jnp.float32(0))

    over_folds = jax.vmap(one, in_axes=(0, fold_axes, None, None))

    def over_terms(parameters: Any, standard: Any, data: Any, slots: Any) -> Array:
        numbers = jnp.arange(JUDGED_AT_ONCE, dtype=jnp.int32)
        return jax.lax.map(lambda now: over_folds(parameters, standard, now[1], slots), (numbers, data))

    return jax.jit(over_terms)


def _filled(start: Any, value: Callable[[str, str], float]) -> Any:
    return {
        path: {name: np.full(np.shape(array), value(path, name), np.float32) for name, array in leaf.items()}
        for path, leaf in start.items()
    }


def _train(
    term: Term,
    layout: Layout,
    words: Mapping[str, Primitive],
    task: str,
    paths: int,
    start: Float[Array, "fold number"],
    rate: Float[Array, "fold number"],
    pull: Float[Array, "fold number"],
    standard: Any,
    plan: Any,
    fixed: Any,
    slots: Any,
    train_weights: Float[Array, "fold case"],
    targets: Array,
    mask: Array,
    indices: Array | None,
) -> Array:
    """The function that is compiled: all folds, all steps, with the choices of each step as data."""

    def fit(
        start: Array, rate: Array, pull: Array, standard: Any, weights: Array, rows: Array | None
    ) -> Array:
        def loss(vector: Array, choices: Any, rows: Array | None, temperature: Array) -> Array:
            def take(a: Array) -> Array:
                return a if rows is None else a[rows]

            parameters, inputs = layout.restore(vector), jax.tree.map(take, slots)

            def of_path(now: tuple[Array, Any]) -> Array:
                data = {**fixed, **now[1]}
                scores = _scores(term, words, parameters, standard, data, inputs, temperature)
                each = case_losses(scores, take(targets), take(mask), task)
                return (take(weights) * each).sum() / jnp.maximum(take(weights).sum(), 1e-6)

            # One after the other: in a batch of paths every alternative would have to be computed.
            return jax.lax.map(of_path, (jnp.arange(paths, dtype=jnp.int32), choices)).mean()

        def step(carry: Any, now: Any) -> Any:
            (by, choices), rows = now
            slope = jax.grad(loss)(carry[0], choices, rows, by["temperature"]) + pull * carry[0]
            return adam(carry, slope, rate, by), None

        begun = (start, jnp.zeros_like(start), jnp.zeros_like(start))
        (vector, _, _), _ = jax.lax.scan(step, begun, (plan, rows))
        return vector

    over_folds = jax.vmap(fit, in_axes=(0, 0, 0, _fold_axes(standard), 0, 0))
    return over_folds(start, rate, pull, standard, train_weights, indices)
