"""Several tasks in a row: each is searched with what the ones before it left in a library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from antiphon.errors import InputError
from antiphon.fitting import Problem
from antiphon.language import Output
from antiphon.search._events import Listener
from antiphon.search._learn import learn
from antiphon.search._library import Library
from antiphon.search._result import SearchResult
from antiphon.search._settings import Settings
from antiphon.search._setup import Split


@dataclass(frozen=True)
class Task:
    """One of several problems.

    Attributes:
        name: What its parts are called after.
        problem: Training data only.
        output: What the program's numbers mean.
        split: As in `learn`.
    """

    name: str
    problem: Problem
    output: Output
    split: Split


@dataclass(frozen=True)
class Lessons:
    """What several tasks gave.

    Attributes:
        results: Task -> the result of its search, in order.
        library: What they leave for later ones.
    """

    results: Mapping[str, SearchResult]
    library: Library


def learn_tasks(
    tasks: Iterable[Task],
    settings: Settings | None = None,
    *,
    library: Library | None = None,
    tunable: bool = False,
    abstractions: bool = False,
    journals: Path | str | None = None,
    listeners: Sequence[Listener] = (),
) -> Lessons:
    """Search a program for each task, each with the words that the ones before it left.

    Lifelong learning by typed composition, after HOUDINI (Valkov et al. 2018), with words that are found by
    compression, after DreamCoder (Ellis et al. 2021).

    Args:
        tasks: In the order in which they are learned.
        settings: Of every search.
        library: What to begin with.
        tunable: Whether a module's arrays may move in later tasks.
        abstractions: Whether common shapes become words, from the second task on; needs `stitch-core`.
        journals: A folder for one journal a task, which make the whole resumable.
        listeners: Called with every event of every search.

    Raises:
        InputError: If two tasks have one name, or `stitch-core` is wanted and missing.
        SearchError: If no complete program could be fitted for a task.
    """
    library = library or Library()
    results: dict[str, SearchResult] = {}
    for number, task in enumerate(tasks, 1):
        if task.name in (*results, *library.tasks):
            raise InputError(
                f"Two tasks are called {task.name!r}.", "A name for each.", "Rename one of them."
            )
        problem = replace(task.problem, language=library.extend(task.problem.language, tunable=tunable))
        results[task.name] = learn(
            problem,
            task.output,
            settings,
            split=task.split,
            journal=None if journals is None else Path(journals, f"{number}.journal"),
            listeners=listeners,
        )
        library = library.with_result(task.name, results[task.name])
        if abstractions:
            library = library.with_abstractions()
    return Lessons(results, library)
