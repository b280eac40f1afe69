"""What loading gives: a data set in two parts, and how each is labelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from antiphon.data._sequences import Sequences
from antiphon.data._sound_problems import Problem
from antiphon.data._sounds import Sounds


@dataclass(frozen=True)
class Split:
    """One part of a data set.

    Args:
        X: The cases.
        y: Their labels or targets `(case,)`; for tagging a list of `(time,)` arrays.
        subjects: Who or what each case comes from `(case,)`, or None where not known.
        sounds: The recordings that the cases were made of, which may still be in their files; None where
            there are none.

    Example:
        >>> from antiphon.data import as_sequences
        >>> len(Split(as_sequences([np.zeros((2, 1)), np.zeros((3, 1))]), np.array([0, 1])))
        2
    """

    X: Sequences
    y: Any
    subjects: np.ndarray | None = None
    sounds: Sounds | None = None

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        return f"<Split: {self.X!r}, {'with' if self.subjects is not None else 'without'} subjects>"

    def take(self, indices: Any) -> Split:
        """Return the cases at `indices`, with their labels, subjects and recordings."""
        cases = np.atleast_1d(np.arange(len(self))[indices])
        y = [self.y[case] for case in cases] if isinstance(self.y, list) else self.y[cases]
        subjects = None if self.subjects is None else self.subjects[cases]
        sounds = self.sounds[cases] if self.sounds is not None and len(cases) else None
        return Split(self.X.take(cases), y, subjects, sounds)


@dataclass(frozen=True)
class Dataset:
    """A data set: two parts, and what is known of it. Iterating it gives the two parts.

    Args:
        name: Its name, or that of its file.
        description: What it holds and how it was split, in a few sentences.
        train: The part to learn from.
        test: The part to judge on.
        target: What the labels say, for example `"speaker"`.
        source: Where it comes from, and its licence where that is known.
        task: `"classification"`, `"regression"` or `"tagging"`.
        classes: The classes, in order; None for regression.
        notes: What one should know before believing a score: what was done to recordings, speakers on both
            sides of the split.
        problems: What is wrong with recordings, by name; `pandas.DataFrame(problems)` is a table of it.

    Example:
        >>> from antiphon.data import load
        >>> train, test = load("planted-speed")
        >>> len(train), len(test)
        (200, 200)
    """

    name: str
    description: str
    train: Split
    test: Split
    target: str
    source: str
    task: str = "classification"
    classes: tuple | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __iter__(self) -> Iterator[Split]:
        return iter((self.train, self.test))

    def __repr__(self) -> str:
        return (
            f"<Dataset {self.name}: {self.task}, {len(self.train)} training and {len(self.test)} test cases>"
        )


@dataclass(frozen=True)
class Entry:
    """A built-in data set, as `available` lists it.

    Args:
        name: The name that `load` takes.
        description: One line.
        task: `"classification"`, `"regression"` or `"tagging"`.
        source: Where it comes from.

    Example:
        >>> from antiphon.data import available
        >>> available()[0].name
        'japanese-vowels'
    """

    name: str
    description: str
    task: str
    source: str
