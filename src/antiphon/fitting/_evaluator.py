"""Fitting candidates: terms in, cross-validated results out, batched by skeleton."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from antiphon.fitting._constants import are_all_constants
from antiphon.fitting._least_squares import Formulas
from antiphon.fitting._leaves import initial_parameters, penalties, standardisation, term_seed, text_of
from antiphon.fitting._loop import Batch, prepare_batch
from antiphon.fitting._losses import (
    best_threshold,
    decide,
    entropy,
    flat_goals,
    flat_scores,
    flat_truth,
    measure,
)
from antiphon.fitting._problem import Problem
from antiphon.fitting._skeleton import (
    Skeleton,
    SlotValues,
    Split,
    is_sequence,
    joined,
    split,
)
from antiphon.fitting._training import Schedule
from antiphon.language import Real, Term

BATCHES = (1, 8, 64)  # Batch sizes that are compiled; a group is cut into these.
# A function that adds or multiplies as data says costs one compilation less, and runs some 40 % longer. It
# pays for skeletons of fewer terms than FEW, and for all that can share it while they are at most MANY.
FEW = 64
MANY = 256
BATCH_BYTES = 400_000_000
Limits = Callable[[Term], Mapping[str, tuple[np.ndarray, np.ndarray]]]


@dataclass(frozen=True)
class Folds:
    """Which cases are trained and judged on, fold by fold; weights `(fold, case)`."""

    train: Float[np.ndarray, "fold case"]
    validation: Float[np.ndarray, "fold case"]


@dataclass(frozen=True)
class Fit:
    """One candidate, fitted.

    Attributes:
        text: The sketch.
        score: The metric over all held-out cases, the threshold fitted on them; NaN if training failed.
        loss: Mean loss over all held-out cases.
        fold_scores: The metric in each fold.
        threshold: The probability above which class 1 is said; `None` where that means nothing.
        constant: Whether it says one class only.
        parameters: Arrays in training coordinates, with the folds as first axis.
        curve: Steps, training losses and validation losses, averaged over folds.
        scores: Held-out raw scores of each case, where asked for.
    """

    text: str
    score: float
    loss: float
    fold_scores: tuple[float, ...] = ()
    threshold: float | None = None
    constant: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    curve: tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]] = ((), (), ())
    scores: np.ndarray | None = field(default=None, repr=False)

    @property
    def failed(self) -> bool:
        """Whether training ended in numbers that are none."""
        return not np.isfinite(self.loss)


@dataclass
class Evaluator:
    """Fits terms to one problem.

    Args:
        problem: Data and task; its language may hold neural primitives besides.
        folds: What is trained and judged on.
        schedule: How long and how fast.
        seed: Of initial weights and mini-batches.
        l2: Strength of the quadratic penalty; by default one over the number of training cases.
        limits: Gives the limits of a term's weights, as `standardisation` takes them; by default none.
    """

    problem: Problem
    folds: Folds
    schedule: Schedule = field(default_factory=Schedule)
    seed: int = 0
    l2: float | None = None
    compile_seconds: float = 0.0
    run_seconds: float = 0.0
    limits: Limits | None = None

    def __post_init__(self) -> None:
        self.slots = SlotValues(self.problem.language, self.problem.values, self.problem.mask)
        self._splits: dict[Term, Split] = {}

    def split(self, term: Term) -> Split:
        """The term's skeleton and slots."""
        if term not in self._splits:
            self._splits[term] = split(term, self.problem.language, self.problem.output_type)
        return self._splits[term]

    def group(self, terms: Sequence[Term]) -> list[list[int]]:
        """Which of these terms are fitted together: lists of their numbers, in a fixed order."""
        batches = []
        for members in self._by_function(terms):
            limit = self.limit(self.split(terms[members[0]]))
            at = 0
            while at < len(members):
                left = len(members) - at
                size = min(limit, next((b for b in reversed(BATCHES) if b <= left), 1))
                # Four left over are fitted as a batch of eight, not as four of one; and what is left over of
                # full batches as another one: their function is there already.
                if size < limit and left > size:
                    larger = min(limit, BATCHES[BATCHES.index(size) + 1])
                    size = larger if left * 2 >= larger or at > 0 else size
                batches.append(members[at : at + size])
                at += size
        return batches

    def _by_function(self, terms: Sequence[Term]) -> list[list[int]]:
        """Terms of one skeleton; where there are few, with those of another that is the same when joined."""
        by_skeleton: dict[tuple, list[int]] = {}
        for i, term in enumerate(terms):
            parts = self.split(term)
            by_skeleton.setdefault((parts.skeleton, self._shared(parts)), []).append(i)
        shared: dict[tuple, list[tuple]] = {}
        for key, members in by_skeleton.items():
            parts, common = self.split(terms[members[0]]), key
            if not are_all_constants(parts.skeleton, self.problem):
                common = (joined(parts, self.problem.language).skeleton, *key[1:])
            shared.setdefault(common, []).append(key)
        found: list[list[int]] = []
        for keys in shared.values():
            groups = [by_skeleton[key] for key in keys]
            joint = groups
            if sum(map(len, groups)) > MANY:
                joint = [members for members in groups if len(members) < FEW]
                found += [members for members in groups if len(members) >= FEW]
            if joint:
                # Evenly mixed: each batch cut from them has some of each, and is fitted by their function.
                places = [((n + 0.5) / len(members), i) for members in joint for n, i in enumerate(members)]
                found.append([i for _, i in sorted(places)])
        return found

    def _shared(self, parts: Split) -> tuple[Term | None, ...]:
        """Large slots (frames over time, very wide vectors): only terms with the same ones go together."""
        wide = 4 * len(self.problem.language.features)
        return tuple(
            s
            if is_sequence(t) or (isinstance(t, Real) and isinstance(t.size, int) and t.size > wide)
            else None
            for s, t in zip(parts.slots, parts.skeleton.slot_types, strict=True)
        )

    def limit(self, parts: Split) -> int:
        """How many candidates fit the memory for one batch."""
        cases, time, features = self.problem.values.shape
        folds = len(self.folds.train)
        rows = min(cases, self.schedule.batch_size)
        inner = cases * features * len(parts.slots) + folds * cases * self.problem.n_outputs
        if any(
            is_sequence(t) for t in parts.skeleton.slot_types
        ):  # activations over time, forwards and backwards
            inner += folds * max(rows * 8, cases) * time * max(16, features) * 4
        elif self.problem.task == "tagging":
            inner += folds * cases * time * self.problem.n_outputs * 2
        fits = max(1, BATCH_BYTES // (4 * inner))
        return max(b for b in BATCHES if b <= fits)

    def fit(
        self,
        terms: Sequence[Term],
        *,
        start: Sequence[Mapping[str, Any] | None] | None = None,
        keep: Sequence[Mapping[str, np.ndarray] | None] | None = None,
        l2: Sequence[float] | None = None,
        with_scores: bool = False,
    ) -> list[Fit]:
        """Fit terms of one skeleton, or of skeletons that are one when joined, as one batch.

        Args:
            terms: One group, as `group` gives.
            start: Arrays to start from (training coordinates, folds first) where a term has a fitted
                relative; leaves that are not named, or of another shape, start afresh. A fold starts from the
                same fold of the relative, so that nothing held out is ever seen.
            keep: For each term, path of an affine map -> which weights it may use, `(fold, m, n)` of 0 and 1.
            l2: For each term, the strength of its penalty in units of the usual one.
            with_scores: Whether `Fit.scores` is wanted.
        """
        return self.train(terms, self.prepare(terms, start=start, keep=keep, l2=l2), with_scores=with_scores)

    def train(
        self, terms: Sequence[Term], batch: Batch | Formulas, *, with_scores: bool = False
    ) -> list[Fit]:
        """Train what was prepared, and judge it.

        Args:
            terms: The terms that the batch was prepared for.
            batch: What `prepare` gave.
            with_scores: Whether `Fit.scores` is wanted.
        """
        result = batch.train()
        self.compile_seconds += result.compile_seconds
        self.run_seconds += result.run_seconds
        return [
            self.judge(text_of(term, self.problem.language), result, i, with_scores)
            for i, term in enumerate(terms)
        ]

    def prepare(
        self,
        terms: Sequence[Term],
        *,
        start: Sequence[Mapping[str, Any] | None] | None = None,
        keep: Sequence[Mapping[str, np.ndarray] | None] | None = None,
        l2: Sequence[float] | None = None,
    ) -> Batch | Formulas:
        """Compile what `fit` would train, and gather its data; another thread may do it ahead of time."""
        parts = [self.split(t) for t in terms]
        if any(p.skeleton != parts[0].skeleton for p in parts):
            parts = [joined(p, self.problem.language) for p in parts]
        skeleton: Skeleton = parts[0].skeleton
        assert all(p.skeleton == skeleton for p in parts)
        folds = len(self.folds.train)
        if are_all_constants(skeleton, self.problem):
            return self._formulas(terms, parts, start)
        size = next((b for b in BATCHES if b >= len(terms)), len(terms))
        filled = [*range(len(terms)), *[len(terms) - 1] * (size - len(terms))]
        standards, starts = [], []
        for i, (term, part) in enumerate(zip(terms, parts, strict=True)):
            limits = self.limits(term) if self.limits else None
            kept = keep[i] if keep else None
            standards.append(standardisation(part, self.slots, folds=folds, keep=kept, limits=limits))
            starts.append(self.starts(term, part, (start[i] if start else None) or {}))
        shared = tuple(s is not None for s in self._shared(parts[0]))
        inputs = tuple(
            self.slots[parts[0].slots[j]]
            if shared[j]
            else np.stack([np.asarray(self.slots[parts[i].slots[j]]) for i in filled])
            for j in range(len(shared))
        )
        strength = np.array([self.strength() * (l2[i] if l2 else 1.0) for i in filled], np.float32)
        return prepare_batch(
            skeleton,
            self.problem.language,
            self.problem.task,
            self.schedule,
            start=_stack([starts[i] for i in filled]),
            standard=_stack([standards[i] for i in filled]),
            data=_stack([parts[i].data for i in filled]),
            slots=inputs,
            shared=shared,
            penalty_factors=penalties(parts[0]),
            l2=np.repeat(strength[:, None], folds, axis=1),
            train_weights=self.folds.train,
            validation_weights=self.folds.validation,
            targets=self.problem.goals,
            mask=self.problem.mask,
            seed=self.seed,
        )

    def strength(self) -> float:
        """The usual penalty: one over the number of training cases."""
        return self.l2 if self.l2 is not None else 1.0 / max(1.0, float(self.folds.train.sum(1).mean()))

    def starts(self, term: Term, parts: Split, warm: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
        """Where the parameters of a term begin, folds first."""
        folds = len(self.folds.train)
        own = term_seed(text_of(term, self.problem.language))
        copies = []
        for fold in range(folds):
            # Restarts differ, folds do too: one unlucky start does not spoil a candidate.
            seed = (self.seed, own, fold)
            fresh = initial_parameters(parts, self.problem.language, self.slots, seed=seed)
            for path, leaf in fresh.items():
                known = warm.get(path, {})
                for name in leaf:
                    if name in known and np.shape(known[name]) == (folds, *leaf[name].shape):
                        leaf[name] = np.asarray(known[name][fold], np.float32)
            copies.append(fresh)
        return _stack(copies)

    def _formulas(
        self, terms: Sequence[Term], parts: Sequence[Split], start: Sequence[Mapping[str, Any] | None] | None
    ) -> Formulas:
        """Formulas that have constants only: no loop, no penalty."""
        texts = [text_of(t, self.problem.language) for t in terms]
        return Formulas(
            parts,
            self.slots,
            self.problem,
            train_weights=self.folds.train,
            validation_weights=self.folds.validation,
            starts=[(start[i] if start else None) or {} for i in range(len(terms))],
            seeds=[zlib.crc32(f"{self.seed} {text}".encode()) for text in texts],
            evaluations=self.schedule.evaluations,
        )

    def judge(self, text: str, result: Any, i: int, with_scores: bool) -> Fit:
        """What one candidate of a trained batch is worth on the cases that it was not trained on."""
        problem, folds = self.problem, self.folds
        every = self.schedule.steps // self.schedule.evaluations
        steps = tuple(every * (k + 1) for k in range(result.curve_train.shape[-1]))
        judged = folds.validation.any(1)
        curve = (
            steps,
            tuple(float(v) for v in result.curve_train[i][judged].mean(0)),
            tuple(float(v) for v in result.curve_validation[i][judged].mean(0)),
        )
        if not np.isfinite(result.scores[i]).all():
            return Fit(text, float("nan"), float("nan"), curve=curve)
        held = {f: np.flatnonzero(w) for f, w in enumerate(folds.validation) if w.any()}
        truths = [flat_truth(problem, rows) for rows in held.values()]
        scores = [flat_scores(problem, result.scores[i, f], rows) for f, rows in held.items()]
        parameters = jax.tree.map(lambda a: np.asarray(a[i]), result.parameters)
        out = np.concatenate(scores)
        truth = np.concatenate(truths)
        goals = np.concatenate([flat_goals(problem, rows) for rows in held.values()])
        loss = entropy(out, goals, problem.task)
        if problem.task == "regression":
            return Fit(
                text,
                measure(out, truth, problem.metric),
                loss,
                # Against the spread of all targets: that of a few held-out ones may be nothing.
                tuple(
                    1.0 - float(((s - t) ** 2).mean()) / max(float(truth.var(0).mean()), 1e-12)
                    for s, t in zip(scores, truths, strict=True)
                ),
                parameters=parameters,
                curve=curve,
                scores=out if with_scores else None,
            )
        threshold = None
        if problem.n_outputs == 1:
            threshold = (
                0.5 if problem.metric == "accuracy" else best_threshold(out[:, 0], truth, problem.metric)
            )
        said = decide(out, threshold)
        return Fit(
            text,
            measure(said, truth, problem.metric),
            loss,
            tuple(
                measure(decide(s, threshold), t, problem.metric) for s, t in zip(scores, truths, strict=True)
            ),
            threshold,
            self._is_constant(result.scores[i], threshold),
            parameters,
            curve,
            out if with_scores else None,
        )

    def _is_constant(self, scores: np.ndarray, threshold: float | None) -> bool:
        """Whether each fold's program, or the one that was trained on everything, says one class only."""
        every = np.arange(len(self.problem))
        said = [decide(flat_scores(self.problem, s, every), threshold) for s in scores]
        constant = [bool((one == one[0]).all()) for one in said]
        whole = [c for c, held in zip(constant, self.folds.validation, strict=True) if not held.any()]
        return all(constant) or any(whole)


def _stack(trees: list[Any]) -> Any:
    return jax.tree.map(lambda *a: np.stack(a), *trees)
