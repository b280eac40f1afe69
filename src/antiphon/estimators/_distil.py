"""Distillation: a program that does what a black box does, learned by asking it where the two may differ.

The loop is that of DAgger (Ross et al. 2011) as PROPEL and VIPER use it (Verma et al. 2019, Bastani et al.
2018): learn from the teacher's answers, find inputs where the program may be wrong, or to which it leads
itself, ask the teacher about these, put them with the rest and learn again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from antiphon.data import Sequences, as_sequences, holdout
from antiphon.errors import InputError
from antiphon.estimators._base import seed_of
from antiphon.estimators._program import ProgramClassifier, ProgramRegressor, ProgramTagger
from antiphon.estimators._queries import perturbed, pick
from antiphon.estimators._questions import Known, Questions
from antiphon.estimators._teacher import Teacher
from antiphon.fitting import measure

HELD_OUT = 0.2
POOL = 4  # Candidates for a query that are made for each one that is asked.
STUDENTS = {
    "classification": ProgramClassifier,
    "regression": ProgramRegressor,
    "tagging": ProgramTagger,
}


@dataclass(frozen=True)
class DistilRound:
    """One round of a distillation; agreement is the share of equal answers, for numbers R² to the teacher's.

    Attributes:
        number: From 0.
        asked: Inputs the teacher was asked about so far, those given included.
        trained_on: Inputs the program was learned from.
        on_data: Agreement on given inputs that were held out.
        on_queries: Agreement on new inputs that were held out; NaN while there are none.
        size: Nodes of the program.
        seconds: Of this round.
        text: The program.
    """

    number: int
    asked: int
    trained_on: int
    on_data: float
    on_queries: float
    size: int
    seconds: float
    text: str

    @property
    def agreement(self) -> float:
        """The lower of the two."""
        return float(np.nanmin([self.on_data, self.on_queries]))


@dataclass(frozen=True)
class Distillation:
    """How a distillation went.

    Attributes:
        rounds: One entry a round, each judged on what was held out until then.
        chosen: The round whose program was kept: best on all that was held out in the end.
        on_data: Its agreement with the teacher on given inputs that were held out.
        on_queries: The same on new inputs; NaN if there were none.
        queries: New inputs the teacher was asked about.
        score: Of the program against the true labels of held-out inputs, where given.
        teacher_score: Of the teacher, on the same.
    """

    rounds: tuple[DistilRound, ...]
    chosen: int
    on_data: float
    on_queries: float
    queries: int
    score: float | None = None
    teacher_score: float | None = None


def distil(
    teacher: Any,
    X: Any = None,
    y: Any = None,
    *,
    student: Any = None,
    task: str | None = None,
    classes: Any = None,
    rounds: int = 3,
    queries: int = 600,
    target: float = 0.99,
    importance: bool = True,
    rollout: Callable[[Callable[[Any], Any]], Any] | None = None,
    journal: str | PathLike[str] | None = None,
    random_state: Any = None,
    progress: Callable[[DistilRound], None] | None = None,
    listeners: Iterable[Callable[[Any], None]] = (),
) -> Any:
    """Learn a program that does what a teacher does.

    Args:
        teacher: A function of cases (a list of `(time, feature)` arrays, or for tables one array) that gives
            labels, numbers, or probabilities or scores `(case, class)`; a fitted estimator with `predict`
            (and `predict_proba`); or a model file of Antiphon.
        X: Inputs; may be left out with a rollout.
        y: True labels, only to tell how right program and teacher are.
        student: An unfitted program estimator with the settings to learn with, constraints included.
        task: `"classification"`, `"regression"` or `"tagging"`; by default what the teacher seems to do.
        classes: Of the teacher's columns, where a function gives probabilities.
        rounds: Rounds of questions after the first learning.
        queries: New inputs the teacher may be asked about, in all.
        target: Agreement at which to stop early.
        importance: Whether cases weigh more where the teacher's scores differ more (VIPER).
        rollout: For policies: given a policy (a function of inputs to decisions), the inputs that it met.
            Then new inputs come from the program's own trajectories (DAgger), not from changing old ones.
        journal: A folder that keeps questions, answers and searches, so that what was cut off goes on.
        random_state: Seed of everything that is left to chance.
        progress: Called after every round.
        listeners: Called with every event of every search.

    Returns:
        A fitted `ProgramClassifier`, `ProgramRegressor` or `ProgramTagger` with `distillation_`.

    Raises:
        InputError: If teacher, inputs or settings cannot be used.

    Example:
        >>> from antiphon.search import Settings
        >>> small = ProgramRegressor(candidates=3, strategy="enumeration", options=Settings(steps=60))
        >>> X = np.random.default_rng(0).normal(size=(40, 2))
        >>> model = distil(lambda rows: 3 * rows[:, 0] - 1, X, student=small, rounds=0, random_state=0)
        >>> model.distillation_.on_data > 0.99
        True
    """
    if rounds < 0 or queries < 0 or not 0 < target <= 1:
        raise InputError(
            f"rounds={rounds!r}, queries={queries!r} and target={target!r}.",
            "Whole numbers from 0 up, and a share above 0.",
            "Correct them.",
        )
    if X is None and rollout is None:
        raise InputError("Neither inputs nor a rollout.", "X, or rollout.", "Give one of them.")
    if X is None and y is not None:
        raise InputError("True labels without inputs.", "X with y.", "Give X, or leave y out.")
    if journal is not None and random_state is None:
        raise InputError("A journal, but random_state is None.", "A fixed seed.", "Give random_state=0.")
    if student is not None and not isinstance(student, tuple(STUDENTS.values())):
        raise InputError(
            f"A student of type {type(student).__name__}.",
            f"One of {', '.join(k.__name__ for k in STUDENTS.values())}.",
            "Give an unfitted program estimator, or leave it out.",
        )
    known = None if student is None else student.task
    if None not in (known, task) and known != task:
        raise InputError(f"The task {task!r} and a student of {known}.", "The same.", "Leave task out.")
    asking = Teacher(teacher, task or known, classes)
    run = _Distilling(asking, student, seed_of(random_state), journal, rollout, importance, tuple(listeners))
    return run.run(X, y, rounds=rounds, queries=queries, target=target, progress=progress)


class _Distilling:
    def __init__(
        self,
        teacher: Teacher,
        student: Any,
        seed: int,
        folder: str | PathLike[str] | None,
        rollout: Callable[[Callable[[Any], Any]], Any] | None,
        importance: bool,
        listeners: tuple[Callable[[Any], None], ...],
    ) -> None:
        self.teacher, self.student, self.seed = teacher, student, seed
        self.rollout, self.importance, self.listeners = rollout, importance, listeners
        self.folder = None if folder is None else Path(folder)
        self.models: list[Any] = []
        self.rounds: list[DistilRound] = []
        self.queries = 0

    def run(
        self,
        X: Any,
        y: Any,
        *,
        rounds: int,
        queries: int,
        target: float,
        progress: Callable[[DistilRound], None] | None,
    ) -> Any:
        given = None if X is None else self._sequences(X)
        wanted = {"seed": self.seed, "rounds": rounds, "queries": queries}
        with Questions(self.teacher, self.folder, given, wanted) as self.questions:
            cases = self.questions.ask(
                "data", lambda: given if given is not None else self._met(self.teacher.policy)
            )
            task = str(self.teacher.task)
            asked = len(cases.cases)
            if asked < 5:
                raise InputError(f"{asked} inputs.", "At least 5.", "Give more of them.")
            strata = cases.answers.as_y(cases.cases.lengths, task)
            fit, out = holdout(strata, size=HELD_OUT, seed=self.seed)
            training, data = cases.part(fit, task), cases.part(out, task)
            new: Known | None = None
            if self.rollout is None and queries:  # Judged by, and never learned from.
                count = max(1, queries // 10) if rounds else 0
                new = self._fresh("held out", cases.cases, count) if count else None
            for number in range(rounds + 1):
                begun = time.perf_counter()
                self._learn(number, training, task)
                self._tell(number, training, data, new, asked + self.queries, begun, progress)
                left = queries - self.queries
                if number == rounds or left < 1 or self.rounds[-1].agreement >= target:
                    break
                more = self._more(number, cases.cases, -(-left // (rounds - number)))
                if self.rollout is not None:
                    size = max(1, round(HELD_OUT * len(more.cases)))
                    held = more.part(np.arange(size), task)
                    new = held if new is None else new.joined(held)
                    more = more.part(np.arange(size, len(more.cases)), task)
                training = training.joined(more) if len(more.cases) else training
        return self._best(data, new, y, out)

    # --- questions -------------------------------------------------------------------------------------

    def _sequences(self, X: Any) -> Sequences:
        features = getattr(self.student, "features", None)
        return as_sequences(X, layout=getattr(self.student, "layout", None), features=features)

    def _met(self, policy: Callable[[Any], Any]) -> Sequences:
        assert self.rollout is not None
        return self._sequences(self.rollout(policy))

    def _fresh(self, name: str, cases: Sequences, count: int) -> Known:
        found = self.questions.ask(
            name, lambda: perturbed(cases, count, np.random.default_rng([self.seed, 0]))
        )
        self.queries += len(found.cases)
        return found

    def _more(self, number: int, cases: Sequences, count: int) -> Known:
        """New inputs for the next round: the program's own trajectories, or old ones changed."""
        model = self.models[-1]
        rng = np.random.default_rng([self.seed, number + 1])

        def make() -> Sequences:
            if self.rollout is not None:
                pool = self._met(model.predict)
            else:
                pool = perturbed(cases, POOL * count, rng)
            front = [found.program for found in model.search_.front]
            return pick(front, model.program_, pool, count, rng)

        found = self.questions.ask(f"round {number + 1}", make)
        self.queries += len(found.cases)
        return found

    # --- answers ---------------------------------------------------------------------------------------

    def _learn(self, number: int, training: Known, task: str) -> None:
        model: Any = STUDENTS[task]() if self.student is None else clone(self.student)
        model.random_state = self.seed
        first = self.models[-1].search_.front if self.models else ()
        model._fit_answers(
            training.cases,
            training.answers,
            importance=self.importance,
            first=[found.curve.name for found in first],
            journal=None if self.folder is None else self.folder / f"round-{number}",
            listeners=self.listeners,
        )
        self.models.append(model)

    def _tell(
        self,
        number: int,
        training: Known,
        data: Known,
        new: Known | None,
        asked: int,
        begun: float,
        progress: Callable[[DistilRound], None] | None,
    ) -> None:
        model = self.models[-1]
        told = DistilRound(
            number,
            asked,
            len(training.cases),
            _agreement(model, data),
            float("nan") if new is None else _agreement(model, new),
            model.program_.size,
            time.perf_counter() - begun,
            str(model.program_),
        )
        self.rounds.append(told)
        if progress is not None:
            progress(told)

    def _best(self, data: Known, new: Known | None, y: Any, out: np.ndarray) -> Any:
        """The model of the round that agrees best on all that was held out."""
        found = [
            (_agreement(m, data), float("nan") if new is None else _agreement(m, new)) for m in self.models
        ]
        means = [round(float(np.nanmean(pair)), 6) for pair in found]
        best = max(range(len(found)), key=lambda i: (means[i], -self.models[i].program_.size, -i))
        model = self.models[best]
        score = teacher_score = None
        if y is not None:
            task = str(self.teacher.task)
            true = [y[i] for i in out] if task == "tagging" else np.asarray(y)[out]
            said = data.answers.as_y(data.cases.lengths, task)
            score, teacher_score = _right(model.predict(data.cases), true, task), _right(said, true, task)
        model.distillation_ = Distillation(
            tuple(self.rounds), best, found[best][0], found[best][1], self.queries, score, teacher_score
        )
        return model


def _agreement(model: Any, known: Known) -> float:
    said = model.predict(known.cases)
    return _right(said, known.answers.as_y(known.cases.lengths, model.task), model.task)


def _right(said: Any, true: Any, task: str) -> float:
    if task == "regression":
        return measure(np.asarray(said, float), np.asarray(true, float), "r2")
    if task == "tagging":
        said, true = np.concatenate(list(said)), np.concatenate([np.asarray(t) for t in true])
    return float((np.asarray(said).astype(str) == np.asarray(true).astype(str)).mean())
