"""`antiphon data`: what there is, and what is in it."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from antiphon._engine import configure
from antiphon.cli._console import console, line
from antiphon.data import Dataset, Problem, available, fetchable, is_sound, load
from antiphon.data import fetch as fetch_data

MOST_PROBLEMS = 20


def list_data() -> None:
    """Print the built-in data sets."""
    out = console()
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in ("name", "task", "what it is"):
        table.add_column(column, no_wrap=column != "what it is")
    for entry in available():
        table.add_row(entry.name, entry.task, entry.description)
    out.print(table)
    for name, title in fetchable():
        out.print()
        line(out, "to download", f"{name}: {title} (antiphon data fetch {name})")


def fetch(name: str) -> None:
    """Download a data set."""
    out = console()
    folder = fetch_data(name)
    line(out, name, f"in {folder}")


def info(name: str, **options: Any) -> None:
    """Print what a data set holds."""
    out = console()
    if is_sound(name):  # whose features are computed
        configure()
    dataset = load(name, **options)
    X = dataset.train.X
    line(out, dataset.name, summary(dataset))
    line(out, "task", f"{dataset.task}, of {dataset.target}")
    line(
        out,
        "features",
        ", ".join(_feature(n, u) for n, u in zip(X.features.names, X.features.units, strict=True)),
    )
    for group, members in X.features.groups.items():
        line(out, "", f"group {group}: {', '.join(members)}")
    if X.rate_hz:
        line(out, "rate", f"{X.rate_hz:g} frames a second")
    if dataset.classes is not None:
        parts = [_counts(split.y) for split in dataset]
        text = ", ".join(f"{c} ({parts[0][c]:,} + {parts[1][c]:,})" for c in dataset.classes)
        unit = "frames" if dataset.task == "tagging" else "cases"
        line(out, "classes", f"{text}  (training + test {unit})")
    if dataset.train.subjects is not None:
        line(out, "subjects", f"{len(set(dataset.train.subjects.tolist()))} in training")
    line(out, "about", dataset.description)
    remarks(out, dataset.notes, dataset.problems)
    line(out, "source", dataset.source)


def remarks(out: Console, notes: Sequence[str], problems: Sequence[Problem]) -> None:
    """What one should know of recordings before believing a score, and what is wrong with them, by name."""
    for note in notes:
        loud = note.startswith("WARNING")
        line(out, "note", Text(note, "bold red") if loud else note)
    for problem in problems[:MOST_PROBLEMS]:
        line(out, "problem", problem.what + (" (left out)" if problem.left_out else ""))
    if len(problems) > MOST_PROBLEMS:
        line(out, "", f"and {len(problems) - MOST_PROBLEMS} more problems")


def summary(dataset: Dataset) -> str:
    """A data set in one line.

    Example:
        >>> from antiphon.data import load
        >>> summary(load("planted-table"))
        '200 training and 200 test rows, 4 features'
    """
    train, test = dataset
    lengths = [*train.X.lengths.tolist(), *test.X.lengths.tolist()]
    kind = "rows" if train.X.is_table else "sequences"
    parts = [f"{len(train):,} training and {len(test):,} test {kind}"]
    if not train.X.is_table:
        shortest, longest = min(lengths), max(lengths)
        parts.append(f"{shortest}-{longest} frames" if shortest < longest else f"{longest} frames")
    features = len(train.X.features)
    parts.append(f"{features} feature{'s' * (features != 1)}")
    if dataset.classes is not None:
        parts.append(f"{len(dataset.classes)} classes")
    return ", ".join(parts)


def _feature(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name


def _counts(y: Any) -> collections.Counter:
    if isinstance(y, list):
        return collections.Counter(tag for tags in y for tag in tags.tolist())
    return collections.Counter(y.tolist())
