"""`antiphon data`: what there is, and what is in it."""

from __future__ import annotations

import collections
from typing import Any

from rich.table import Table

from antiphon.cli._console import console, line
from antiphon.data import Dataset, available, load


def list_data() -> None:
    """Print the built-in data sets."""
    out = console()
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in ("name", "task", "what it is"):
        table.add_column(column, no_wrap=column != "what it is")
    for entry in available():
        table.add_row(entry.name, entry.task, entry.description)
    out.print(table)


def info(name: str, *, target: str | None, layout: str | None, test_size: float | int | None) -> None:
    """Print what a data set holds."""
    out = console()
    dataset = load(name, target=target, layout=layout, test_size=test_size)
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
    line(out, "source", dataset.source)


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
