"""Programs as estimators: a search behind `fit`, a readable program behind `predict`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from antiphon.data import Features, Sequences, folds
from antiphon.errors import InputError
from antiphon.estimators._base import Classes, SequenceEstimator, Tags, _numbered, seed_of
from antiphon.estimators._targets import read_target
from antiphon.estimators._teacher import Answers, soft_targets
from antiphon.fitting import Problem
from antiphon.language import LANGUAGES, Language, Program, parse_term

if TYPE_CHECKING:
    import pandas as pd

    from antiphon.search import Constraint, Library, SearchResult, Settings


class _ProgramEstimator(SequenceEstimator):
    program_: Program
    programs_: pd.DataFrame
    search_: SearchResult

    def __init__(
        self,
        language: str | Language = "sequence",
        strategy: str | None = None,
        candidates: int | None = None,
        seconds: float | None = None,
        metric: str = "auto",
        size_limit: int | None = None,
        features: Any = None,
        layout: str | None = None,
        n_jobs: int | str | None = 1,
        class_weight: Any = None,
        random_state: Any = None,
        constraints: Iterable[str | Constraint] | None = None,
        options: Settings | None = None,
    ) -> None:
        self.language = language
        self.strategy = strategy
        self.candidates = candidates
        self.seconds = seconds
        self.metric = metric
        self.size_limit = size_limit
        self.features = features
        self.layout = layout
        self.n_jobs = n_jobs
        self.class_weight = class_weight
        self.random_state = random_state
        self.constraints = constraints
        self.options = options

    def fit(
        self,
        X: Any,
        y: Any,
        groups: Any = None,
        *,
        journal: str | PathLike[str] | None = None,
        listeners: Iterable[Callable[[Any], None]] = (),
        executor: Executor | Callable[[], Executor] | None = None,
        library: Library | None = None,
    ) -> Self:
        """Search for a program for labelled cases. Interrupting it (Ctrl-C) keeps the best so far.

        Args:
            X: Cases, as `antiphon.data.as_sequences` takes them.
            y: Their labels, as `antiphon.data.as_labels` takes them.
            groups: Who or what each case comes from (subjects): none is on both sides of a validation split.
            journal: A file that keeps the search, so that one that was killed goes on where it was; needs a
                fixed `random_state`.
            listeners: Called with every event of the search.
            executor: Who fits candidates, instead of `n_jobs` processes: an executor as in
                `concurrent.futures`, or a function that makes one.
            library: What earlier tasks left (`antiphon.learn_tasks`), for the search to use.
        """
        self._settings()  # What is wrong with them is said before the data are looked at.
        cases = self._read(X, reset=True)
        return self._fit(cases, y, groups, listeners, journal=journal, executor=executor, library=library)

    def _fit_answers(
        self,
        cases: Sequences,
        answers: Answers,
        *,
        importance: bool,
        first: Iterable[str],
        journal: str | PathLike[str] | None,
        listeners: Iterable[Callable[[Any], None]],
    ) -> Self:
        """Search for a program that answers as a teacher does.

        Args:
            cases: What it was asked about.
            answers: What it said.
            importance: Whether cases weigh by how much its scores differ.
            first: Sketches to begin with.
            journal: As for `fit`.
            listeners: As for `fit`.
        """
        y = answers.as_y(cases.lengths, self.task)
        weights = answers.importance(cases.lengths, self.task) if importance else None
        return self._fit(
            self._read(cases, reset=True),
            y,
            None,
            listeners,
            answers=answers,
            weights=weights,
            first=first,
            journal=journal,
        )

    def _fit(
        self,
        cases: Sequences,
        y: Any,
        groups: Any,
        listeners: Iterable[Callable[[Any], None]],
        *,
        answers: Answers | None = None,
        weights: np.ndarray | None = None,
        first: Iterable[str] = (),
        journal: str | PathLike[str] | None = None,
        executor: Any = None,
        library: Library | None = None,
    ) -> Self:
        from antiphon import search

        settings = self._settings()
        if journal is not None and self.random_state is None:
            raise InputError(
                "A journal, but random_state is None.",
                "A fixed random_state: a journal goes on with the search of one seed.",
                "Give random_state=0, or another number.",
            )
        values, mask = cases.pad()
        target = read_target(
            y, cases, self.task, metric=self.metric, class_weight=self.class_weight, time=mask.shape[1]
        )
        self._remember(target)
        soft = None
        if answers is not None and self.task != "regression":
            soft = soft_targets(answers, target.classes, target.output.scores)
        if soft is not None and self.task == "tagging":
            padded = np.zeros((*mask.shape, *soft.shape[1:]), np.float32)
            padded[mask] = soft
            soft = padded
        language = bind_language(self.language, cases)
        problem = Problem(
            language=language if library is None else library.extend(language),
            values=values,
            mask=mask,
            targets=target.numbers,
            task=self.task,  # type: ignore[arg-type]
            n_outputs=target.output.scores,
            metric=target.metric,
            weights=target.weights if weights is None else target.weights * weights,
            soft=soft,
        )
        self.search_ = search.learn(
            problem,
            target.output,
            settings,
            split=partial(_folds, target.strata, groups),
            journal=None if journal is None else Path(journal),
            listeners=tuple(listeners),
            executor=executor,
            constraints=tuple(self.constraints or ()),
            first=[parse_term(text, problem.language, problem.output_type) for text in first],
        )
        self.program_ = self.search_.chosen.program
        self.output_ = self.program_.output
        self.programs_ = _front(self.search_)
        return self

    def _settings(self) -> Settings:
        from antiphon.search import Settings

        language = known_language(self.language)
        given = {
            "strategy": self.strategy or (None if self.options else language.strategy),
            "candidates": self.candidates,
            "seconds": self.seconds,
            "size_limit": self.size_limit or (None if self.options else language.size_limit),
        }
        if isinstance(self.n_jobs, str):
            given["cluster"] = self.n_jobs
        else:
            given["jobs"] = _jobs(self.n_jobs)
        return replace(
            self.options or Settings(),
            **{name: value for name, value in given.items() if value is not None},
            seed=seed_of(self.random_state),
        )

    def _scores(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        if self.is_table_:
            values, mask = values[:, :1], mask[:, :1]
        return self.program_.scores(values, mask)


class ProgramClassifier(ClassifierMixin, Classes, _ProgramEstimator):
    """Learns a readable program that says the class of a sequence.

    Args:
        language: The name of a language, or a `Language` of your own.
        strategy: How programs are searched for: a name in `antiphon.search.STRATEGIES`; None for what suits
            the language.
        candidates: How many programs are tried; None for the default of the search.
        seconds: How long the search may take; None for no limit.
        metric: What programs are judged by: `"accuracy"`, `"f1"` (of the second class), `"macro-f1"`, or
            `"auto"`: accuracy, but F1 where one of two classes is rare.
        size_limit: Nodes of a program, at most; None for what suits the language.
        features: Names of the features, a `Features`, or a CSV file of them; data frames bring their own.
        layout: Axes of a 3-D array: `"case-time-feature"` or `"case-feature-time"`.
        n_jobs: Worker processes, -1 for one a core; or the address of a Dask scheduler (`"tcp://HOST:8786"`),
            whose workers fit instead. The result does not depend on it.
        class_weight: None, `"balanced"`, or a dictionary from class to weight.
        random_state: Seed of everything that is left to chance.
        constraints: What the program must keep to, as objects of `antiphon.search` or as their texts, such as
            `"without-feature age"` or `"monotone speed+"`.
        options: More settings of the search (`antiphon.search.Settings`); the parameters above win.

    Attributes:
        program_: The chosen program; `str` of it is text that parses back to it.
        programs_: The front, best score for each size: size, score, score_std, loss, chosen, text.
        search_: All that the search found; not there in a model that was loaded.
        classes_: The classes, in rising order.
        metric_: The metric.
        n_features_in_: Features of a frame.
        feature_names_in_: Their names, where fitted on a data frame.

    Example:
        >>> from sklearn.base import clone
        >>> clone(ProgramClassifier(seconds=60, random_state=0))
        ProgramClassifier(random_state=0, seconds=60)
    """

    task = "classification"


class ProgramTagger(Tags, _ProgramEstimator):
    """Learns a readable program that says a class at every frame.

    The parameters and attributes are those of `ProgramClassifier`; `y` is a list of one `(time,)` array of
    classes a case, and so is what `predict` gives.

    Example:
        >>> ProgramTagger(candidates=50)
        ProgramTagger(candidates=50)
    """

    task = "tagging"


class ProgramRegressor(RegressorMixin, _ProgramEstimator):
    """Learns a readable program that says a number for a sequence.

    The parameters and attributes are those of `ProgramClassifier`, but for the classes: `class_weight` is
    not there, and the metric is `"r2"`.

    Example:
        >>> ProgramRegressor(candidates=50)
        ProgramRegressor(candidates=50)
    """

    task = "regression"
    class_weight = None

    def __init__(
        self,
        language: str | Language = "sequence",
        strategy: str | None = None,
        candidates: int | None = None,
        seconds: float | None = None,
        metric: str = "auto",
        size_limit: int | None = None,
        features: Any = None,
        layout: str | None = None,
        n_jobs: int | str | None = 1,
        random_state: Any = None,
        constraints: Iterable[str | Constraint] | None = None,
        options: Settings | None = None,
    ) -> None:
        self.language = language
        self.strategy = strategy
        self.candidates = candidates
        self.seconds = seconds
        self.metric = metric
        self.size_limit = size_limit
        self.features = features
        self.layout = layout
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.constraints = constraints
        self.options = options


def known_language(language: str | Language) -> Language:
    """A language by its name.

    Raises:
        InputError: If there is no such language.

    Example:
        >>> known_language("arithmetic").strategy
        'sums'
    """
    known = LANGUAGES.get(language) if isinstance(language, str) else language
    if not isinstance(known, Language):
        raise InputError(
            f"The language {language!r}.",
            f"One of {', '.join(sorted(LANGUAGES))}, or a Language.",
            "Check the spelling, or import the module that defines it.",
        )
    return known


def bind_language(language: str | Language, cases: Sequences) -> Language:
    """A language over the features of these cases.

    Args:
        language: A language, or the name of one that was made in this process.
        cases: Where they have no names for their features, the language's own are used.

    Raises:
        InputError: If there is no such language.

    Example:
        >>> from antiphon.data import as_sequences
        >>> bind_language("sequence", as_sequences([[[1.0], [2.0]]], features=["speed"])).input_type
        Seq[Real[1]]
    """
    known = known_language(language)
    features = cases.features
    if _numbered(features.names) and len(known.features) == len(features):
        features = Features(tuple(known.features), tuple(known.features.values()))
    return known.bind(
        dict(zip(features.names, features.units, strict=True)),
        groups=dict(features.groups) or None,
        rate_hz=cases.rate_hz,
        is_table=cases.is_table,
    )


def _folds(strata: Any, groups: Any, n: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Validation folds: as many as wanted, or as there are cases (subjects) to share out."""
    units = len(strata) if groups is None else len(np.unique(groups))
    return folds(strata, groups, n=max(2, min(n, units)), seed=seed)


def _front(result: SearchResult) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "size": found.size,
            "score": found.score,
            "score_std": found.score_std,
            "loss": found.loss,
            "chosen": found is result.chosen or found.program == result.chosen.program,
            "text": str(found.program),
        }
        for found in result.front
    )


def _jobs(n_jobs: Any) -> int:
    if n_jobs is None:
        return 1
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)) or n_jobs == 0:
        raise InputError(f"n_jobs={n_jobs!r}.", "A whole number, -1 for all cores.", "Correct it.")
    return int(n_jobs) if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + int(n_jobs))
