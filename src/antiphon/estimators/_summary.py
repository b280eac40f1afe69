"""A finished run as the plain data that reports are made from."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from antiphon.data import Dataset, Split
from antiphon.estimators._forms import program_text, sketch_text, spreads
from antiphon.estimators._judge import Judge, importance
from antiphon.estimators._looks import contributions, thresholds, windows_of
from antiphon.estimators._readings import Readings
from antiphon.estimators._sound_looks import listening, short_name
from antiphon.estimators._subjects import subject_scores
from antiphon.language import Program
from antiphon.report import (
    BaselineScore,
    Confusion,
    Curve,
    DataSummary,
    FrontRow,
    Look,
    Reproduction,
    RunResult,
    Scatter,
    SearchTrace,
)

if TYPE_CHECKING:
    from antiphon.search import SearchResult

EXAMPLES = 4
LOUD = "WARNING"  # how a note begins that makes a score worth less than it seems
PACKAGES = ("antiphon", "jax", "equinox", "optax", "numpy", "scipy", "scikit-learn", "pandas")


def summarise(
    model: Any,
    dataset: Dataset,
    *,
    baselines: Sequence[BaselineScore] = (),
    curves: Sequence[Curve] = (),
    budget: str = "",
    reproduce: Reproduction | None = None,
) -> RunResult:
    """Everything that a report says about a fitted program estimator and the data it was fitted on.

    Args:
        model: A fitted `ProgramClassifier`, `ProgramRegressor` or `ProgramTagger` that was not loaded.
        dataset: The data; its test part was not looked at before.
        baselines: What other models reach.
        curves: Learning curves of other models; that of the program is added.
        budget: The limits of the search, in words.
        reproduce: What one needs to run it again.
    """
    program: Program = model.program_
    judge = Judge(dataset.task, program.output.classes, model.metric_)
    predicted = model.predict(dataset.test.X)
    result: SearchResult = model.search_
    classed = dataset.task != "regression"
    return RunResult(
        data=_data(dataset, program),
        program=program_text(program, spreads=spreads(program, dataset.train.X)),
        metric=model.metric_,
        test_score=judge(predicted, dataset.test.y),
        train_score=judge(model.predict(dataset.train.X), dataset.train.y),
        cv_score=result.chosen.score,
        front=_front(result),
        baselines=tuple(baselines),
        confusion=Confusion(
            judge.confusion(predicted, dataset.test.y), tuple(map(str, program.output.classes))
        )
        if classed
        else None,
        scatter=None if classed else Scatter(np.asarray(dataset.test.y, float), np.asarray(predicted, float)),
        importance=importance(program, dataset.test, judge),
        looks=looks(program, dataset, predicted),
        curves=(*_program_curve(result), *curves),
        search=_trace(result, budget),
        reproduce=reproduce or Reproduction(),
        listening=listening(program, dataset, predicted),
        subjects=subject_scores(dataset, predicted, judge),
    )


def search_budget(model: Any) -> tuple[int, float | None]:
    """How many candidates and how many seconds the search of a program estimator may take.

    Example:
        >>> from antiphon import ProgramClassifier
        >>> search_budget(ProgramClassifier(candidates=50, seconds=60.0))
        (50, 60.0)
    """
    settings = model._settings()
    return settings.candidates, settings.seconds


def search_strategy(model: Any) -> str:
    """The strategy that the search of a program estimator goes by.

    Example:
        >>> from antiphon import ProgramRegressor
        >>> search_strategy(ProgramRegressor(language="arithmetic"))
        'sums'
    """
    return model._settings().strategy


def looks(program: Program, dataset: Dataset, predicted: Any) -> tuple[Look, ...]:
    """Where a program looks in a few test cases: half of them right, half wrong, where there are such."""
    cases = _examples(dataset, predicted)
    if not cases:
        return ()
    test = dataset.test.take(cases)
    average = dataset.train.X.frames.mean(0)
    weights = contributions(program, test.X, average)
    limits = thresholds(program)
    readings = None if test.X.is_table else Readings(program)
    found = []
    for i, case in enumerate(cases):
        true, said = dataset.test.y[case], predicted[case]
        tags: dict[str, Any] = {"true_label": _label(true), "predicted_label": _label(said)}
        if dataset.task == "tagging":
            tags = {"true_tags": tuple(map(str, true)), "predicted_tags": tuple(map(str, said))}
        found.append(
            Look(
                title=f"test {'row' if test.X.is_table else 'sequence'} {case + 1}"
                + ("" if test.sounds is None else f", {short_name(test.sounds.names[i])}"),
                frames=test.X[i],
                weight=weights[i],
                feature_names=tuple(program.language.features),
                feature_units=tuple(program.language.features.values()),
                windows=() if readings is None else windows_of(readings, test.X[i]),
                thresholds=limits,
                rate_hz=test.X.rate_hz,
                **tags,
            )
        )
    return tuple(found)


def _label(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def _examples(dataset: Dataset, predicted: Any) -> list[int]:
    """Cases to show: right and wrong ones, of different classes as far as may be; or the best and worst."""
    y = dataset.test.y
    if dataset.task == "regression":
        order = np.argsort(np.abs(np.asarray(y, float) - np.asarray(predicted, float)), kind="stable")
        half = EXAMPLES // 2
        return sorted({*order[:half].tolist(), *order[-half:].tolist()})
    tagging = dataset.task == "tagging"
    share = np.array([float(np.mean(p == t)) for p, t in zip(predicted, y, strict=True)])
    wrong = np.argsort(share, kind="stable")[: int((share < 1).sum())].tolist()
    right = np.flatnonzero(share == 1).tolist()

    def different(cases: list[int], n: int) -> list[int]:
        if tagging:
            return cases[:n]
        first = {str(y[c]): c for c in reversed(cases)}
        spread = sorted(first.values(), key=cases.index)
        return [*spread, *(c for c in cases if c not in spread)][:n]

    mistakes = different(wrong, EXAMPLES // 2)
    return [*different(right, EXAMPLES - len(mistakes)), *mistakes]


def _data(dataset: Dataset, program: Program) -> DataSummary:
    train, test = dataset
    lengths = np.concatenate([train.X.lengths, test.X.lengths])
    classes = program.output.classes
    return DataSummary(
        name=dataset.name,
        task=dataset.task,  # type: ignore[arg-type]
        n_train=len(train),
        n_test=len(test),
        length_range=(int(lengths.min()), int(lengths.max())),
        feature_names=tuple(program.language.features),
        feature_units=tuple(program.language.features.values()),
        class_names=tuple(map(str, classes)),
        train_counts=_counts(train, classes),
        test_counts=_counts(test, classes),
        rate_hz=train.X.rate_hz,
        description=dataset.description,
        source=dataset.source,
        warnings=tuple(
            note.removeprefix(LOUD).lstrip(": ") for note in dataset.notes if note.startswith(LOUD)
        ),
        problems=tuple(problem.what + " (left out)" * problem.left_out for problem in dataset.problems),
    )


def _counts(split: Split, classes: tuple[Any, ...]) -> tuple[int, ...]:
    labels = np.concatenate(split.y) if isinstance(split.y, list) else np.asarray(split.y)
    return tuple(int((labels == c).sum()) for c in classes)


def _front(result: SearchResult) -> tuple[FrontRow, ...]:
    rows = []
    for found in result.front:
        chosen = found is result.chosen or found.program == result.chosen.program
        rows.append(
            FrontRow(
                size=found.size,
                score=found.score,
                sketch=sketch_text(found.program),
                chosen=chosen and not any(row.chosen for row in rows),
                score_std=found.score_std,
                text=str(found.program),
            )
        )
    return tuple(rows)


def _program_curve(result: SearchResult) -> tuple[Curve, ...]:
    curve = result.chosen.curve
    if curve is None or not len(curve.steps):
        return ()
    held = np.asarray(curve.validation_loss, float)
    return (
        Curve(
            "program",
            np.asarray(curve.steps),
            np.asarray(curve.train_loss, float),
            held if len(held) else None,
        ),
    )


def _trace(result: SearchResult, budget: str) -> SearchTrace:
    seconds, candidates, best = zip(*result.trace, strict=True) if result.trace else ((), (), ())
    return SearchTrace(
        strategy=result.strategy,
        budget=budget + (", interrupted" if result.interrupted else ""),
        fitted=result.candidates - result.failed,
        failed=result.failed,
        total_seconds=result.seconds,
        compile_seconds=result.compile_seconds,
        seconds=np.asarray(seconds, float),
        candidates=np.asarray(candidates, int),
        best=np.asarray(best, float),
        rejected=result.rejected,
    )


def versions() -> dict[str, str]:
    """The packages that decide what a run gives, and Python.

    Example:
        >>> "jax" in versions()
        True
    """
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            from antiphon._version import __version__

            found[package] = __version__ if package == "antiphon" else "unknown"
    return found


def hardware() -> str:
    """The machine in words.

    Example:
        >>> "cores" in hardware()
        True
    """
    import jax

    devices = ", ".join(sorted({d.device_kind for d in jax.devices()}))
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}; JAX on {devices}"
