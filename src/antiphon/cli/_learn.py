"""`antiphon learn`: data in, a program, its comparison and its report out."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from antiphon._engine import configure
from antiphon.cli._console import block, console, line
from antiphon.cli._data import remarks, summary
from antiphon.cli._progress import Progress
from antiphon.data import Dataset, load
from antiphon.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from antiphon.report import BaselineScore, RunResult

MODEL, REPORT, JOURNAL = "program.antiphon", "report.html", "journal"
MOST_LINES = 24


@dataclass(frozen=True)
class LearnRequest:
    """What was asked for on the command line."""

    data: str
    target: str | None
    language: str | None
    strategy: str | None
    candidates: int | None
    seconds: float | None
    jobs: int | None
    cluster: str | None
    seed: int
    metric: str | None
    size_limit: int | None
    test_size: float | int | None
    layout: str | None
    features: Path | None
    rate_hz: float | None
    out: Path | None
    json: Path | None
    fresh: bool
    constraints: tuple[str, ...] = ()
    sound: str | None = None
    pattern: str | None = None
    strict: bool = False
    resample_hz: float | None = None
    labels: str | None = None

    @property
    def recordings(self) -> dict[str, Any]:
        """The options of `load` that are for recordings alone."""
        return {
            "sound": self.sound,
            "pattern": self.pattern,
            "strict": self.strict,
            "resample_hz": self.resample_hz,
            "labels": self.labels,
        }


def learn(request: LearnRequest) -> None:
    """Run the whole of it, writing what there is as soon as it is there."""
    configure()
    out = console()
    dataset = load(
        request.data, target=request.target, layout=request.layout, test_size=request.test_size,
        features=request.features, rate_hz=request.rate_hz, **request.recordings,
    )  # fmt: skip
    folder = request.out or Path("runs", dataset.name)
    _prepare(folder, request.json)
    journal = folder / JOURNAL
    if request.fresh:
        journal.unlink(missing_ok=True)
    line(out, dataset.name, summary(dataset))
    remarks(out, dataset.notes, dataset.problems)
    model = _estimator(request, dataset.task)
    plan = _plan(model) + (" · goes on where it was" if journal.exists() else "")
    line(out, "searching", plan, aside="Ctrl-C keeps the best so far")

    _fit(model, dataset, journal, out)
    model.save(folder / MODEL)  # at once: what comes next may be cut off
    if model.search_.interrupted:
        line(out, "", "interrupted: this is the best so far")
    rows = _compare(request, dataset, model.metric_, out)
    result = _result(request, dataset, model, rows, journal)
    model.save(folder / MODEL, details=_details(result))
    _write(result, folder, request.json)
    _print(out, result, folder)


def _prepare(folder: Path, json: Path | None) -> None:
    """Find out that results cannot be written before the search, and not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"The folder {str(folder)!r} for the results cannot be written to: {_reason(error)}.",
            "A folder that can be made and written to.",
            "Give another one with --out.",
        ) from error
    if json is None:
        return
    parent = json.parent
    writable = os.access(json, os.W_OK) if json.exists() else os.access(parent, os.W_OK)
    if not parent.is_dir() or json.is_dir() or not writable:
        raise OutputError(
            f"The file {str(json)!r} cannot be written.",
            "A file in a folder that exists and can be written to.",
            "Give another one with --json.",
        )


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOTDIR or error.errno == errno.EEXIST:
        return "there is a file of that name on the way"
    return error.strerror or str(error)


def _plan(model: Any) -> str:
    from antiphon.estimators import search_strategy

    if isinstance(model.n_jobs, str):
        workers = f"workers of {model.n_jobs}"
    else:
        workers = f"{model.n_jobs} worker{'s' * (model.n_jobs != 1)}"
    what = f"language {model.language} · strategy {search_strategy(model)}"
    return f"{what} · {workers} · budget {_budget(model)}"


def _budget(model: Any) -> str:
    from antiphon.estimators import search_budget

    candidates, seconds = search_budget(model)
    time = "" if seconds is None else f", {seconds:g} s" if seconds < 120 else f", {seconds / 60:g} min"
    return f"{candidates} candidates{time}"


def _estimator(request: LearnRequest, task: str) -> Any:
    from antiphon.estimators import ProgramClassifier, ProgramRegressor, ProgramTagger

    kinds = {
        "classification": ProgramClassifier,
        "tagging": ProgramTagger,
        "regression": ProgramRegressor,
    }
    return kinds[task](**_settings(request))


def _settings(request: LearnRequest) -> dict[str, Any]:
    """Parameters of the estimator; what was not asked for has its default there."""
    given = {
        "language": request.language,
        "strategy": request.strategy,
        "candidates": request.candidates,
        "seconds": request.seconds,
        "metric": request.metric,
        "size_limit": request.size_limit,
        "n_jobs": request.cluster or request.jobs,
        "random_state": request.seed,
        "constraints": list(request.constraints) or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _fit(model: Any, dataset: Dataset, journal: Path, out: Console) -> None:
    from antiphon.estimators import search_budget

    candidates, seconds = search_budget(model)
    progress = Progress(out, candidates=candidates, seconds=seconds)
    with progress:
        try:
            train = dataset.train
            model.fit(train.X, train.y, groups=train.subjects, journal=journal, listeners=[progress])
        except InputError as error:
            if str(journal) not in error.got:
                raise
            # The search cannot know what its caller's options are called.
            advice = "start over with --fresh, or write to another folder with --out."
            raise InputError(error.got, error.expected, advice) from error
    done = model.search_.candidates
    failed = f" ({model.search_.failed} failed)" if model.search_.failed else ""
    line(
        out, "",
        f"{done} candidates{failed} in {model.search_.seconds:.0f} s, "
        f"of which {model.search_.compile_seconds:.0f} s compiling",
    )  # fmt: skip
    for constraint, count in model.search_.rejected:
        line(out, "", f"{count} more rejected by '{constraint}'")


def _compare(request: LearnRequest, dataset: Dataset, metric: str, out: Console) -> list[BaselineScore]:
    from antiphon.estimators import baselines
    from antiphon.report import BaselineScore

    train, test = dataset
    with _status(out) as say:
        try:
            rows = baselines(
                train.X, train.y, test.X, test.y, dataset.task, metric, request.seed,
                subjects=train.subjects, progress=lambda name: say(f"comparing with: {name}"),
            )  # fmt: skip
        except KeyboardInterrupt:
            rows = []
    if not rows:
        line(out, "", "interrupted: no comparison with other models")
    return [BaselineScore(name, score, seconds, note) for name, score, seconds, note in rows]


@contextmanager
def _status(out: Console) -> Iterator[Any]:
    """A spinner with a message on a terminal; nothing elsewhere."""
    if not out.is_terminal:
        yield lambda message: None
        return
    with out.status("") as status:
        yield status.update


def _result(
    request: LearnRequest, dataset: Dataset, model: Any, rows: list[BaselineScore], journal: Path
) -> RunResult:
    from antiphon.estimators import summarise
    from antiphon.report import Reproduction

    command = shlex.join(["antiphon", *sys.argv[1:]])
    return summarise(
        model,
        dataset,
        baselines=rows,
        budget=_budget(model),
        reproduce=Reproduction(
            seed=request.seed,
            versions=_versions(),
            hardware=_hardware(),
            command=command,
            python=_python(request, type(model).__name__),
            journal=str(journal),
        ),
    )


def _versions() -> dict[str, str]:
    from antiphon.estimators import versions

    return versions()


def _hardware() -> str:
    from antiphon.estimators import hardware

    return hardware()


def _python(request: LearnRequest, name: str) -> str:
    """Python code that does the same."""
    loading = {
        "target": request.target,
        "layout": request.layout,
        "test_size": request.test_size,
        "features": str(request.features) if request.features else None,
        "rate_hz": request.rate_hz,
        **request.recordings,
        "strict": request.strict or None,
    }
    return "\n".join(
        [
            f"from antiphon import {name}",
            "from antiphon.data import load",
            "",
            f"train, test = load({_call([repr(request.data)], loading)})",
            f"model = {name}({_call([], _settings(request))}).fit(train.X, train.y, groups=train.subjects)",
            "print(model.program_)",
            "print(model.metric_score(test.X, test.y))",
        ]
    )


def _call(first: list[str], named: dict[str, Any]) -> str:
    return ", ".join([*first, *(f"{k}={v!r}" for k, v in named.items() if v is not None)])


def _details(result: RunResult) -> dict[str, Any]:
    from antiphon.report import to_json

    return to_json(result)


def _write(result: RunResult, folder: Path, json: Path | None) -> None:
    from antiphon.report import write_html, write_json

    write_html(result, folder / REPORT)
    if json is not None:
        write_json(result, json)


def _print(out: Console, result: RunResult, folder: Path) -> None:
    line(
        out,
        "program",
        f"{result.metric} {result.test_score:.3f} on the test split, size {result.program.size}",
    )
    block(out, result.program.sketch, style="cyan")
    words = result.program.sentences
    if len(words) > MOST_LINES and "" in words:  # the table of all weights is left to the report
        words = (*words[: words.index("")], f"(all weights: antiphon show {folder / MODEL})")
    elif not words:
        words = tuple(result.program.math.splitlines())
    out.print()
    block(out, "\n".join(words))
    out.print()
    if result.baselines:
        line(out, "compared with", " · ".join(f"{b.name} {b.score:.3f}" for b in result.baselines))
    line(out, "wrote", f"{folder / MODEL}  {REPORT}  {JOURNAL}")
