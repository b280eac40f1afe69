"""Questions that were put to a teacher, with its answers, kept so that none is put twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.data import Features, Sequences
from antiphon.errors import OutputError
from antiphon.estimators._teacher import Answers, Teacher
from antiphon.search import Journal


@dataclass(frozen=True)
class Known:
    """Inputs with the teacher's answers."""

    cases: Sequences
    answers: Answers

    def joined(self, other: Known) -> Known:
        """These and others after them."""
        mine, theirs = self.cases, other.cases
        both = Sequences(
            np.concatenate([mine.frames, theirs.frames]),
            np.concatenate([mine.lengths, theirs.lengths]),
            mine.features,
            mine.rate_hz,
            mine.is_table,
        )
        return Known(both, self.answers.joined(other.answers))

    def part(self, which: np.ndarray, task: str) -> Known:
        """Some of them, by their numbers."""
        rows = which
        if task == "tagging":
            starts = np.cumsum(self.cases.lengths) - self.cases.lengths
            stops = starts + self.cases.lengths
            rows = np.concatenate([which[:0], *[np.arange(int(starts[i]), int(stops[i])) for i in which]])
        soft = None if self.answers.soft is None else self.answers.soft[rows]
        answers = Answers(self.answers.labels[rows], soft, self.answers.classes)
        return Known(self.cases.take(which), answers)


class Questions:
    """Asks a teacher, and keeps what was asked and answered.

    Args:
        teacher: Who is asked.
        folder: Where it is kept; None for nowhere.
        given: The inputs of the distillation, where there are any.
        wanted: What else the questions depend on.

    Raises:
        OutputError: If the folder cannot be made or written to.
        InputError: If it belongs to another distillation.
    """

    def __init__(
        self, teacher: Teacher, folder: Path | None, given: Sequences | None, wanted: Mapping[str, Any]
    ) -> None:
        self.teacher = teacher
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(
                    f"The folder {str(folder)!r} cannot be made: {error.strerror}.",
                    "A folder that can be written to.",
                    "Give another journal.",
                ) from error
        data = hashlib.sha256(b"" if given is None else given.frames.tobytes() + given.lengths.tobytes())
        path = None if folder is None else folder / "questions"
        self.journal = Journal(path, {"distillation": data.hexdigest()[:16], **wanted})

    def __enter__(self) -> Questions:
        return self

    def __exit__(self, *_: object) -> None:
        self.journal.close()

    def ask(self, name: str, make: Callable[[], Sequences]) -> Known:
        """Make inputs and ask about them, or take both from where they are kept.

        Args:
            name: Of this set of questions.
            make: Makes the inputs.
        """
        if name in self.journal:
            kept = self.journal[name]
            self.teacher.task = kept["task"]
            return Known(_unpacked(kept), Answers(kept["labels"], kept["soft"], kept["classes"]))
        cases = make()
        answers = self.teacher.ask(cases)
        said = {"labels": answers.labels, "soft": answers.soft, "classes": answers.classes}
        entry = {**_packed(cases), **said, "task": self.teacher.task}
        self.journal.add({name: entry}, seconds=0.0)
        return Known(cases, answers)


def _packed(cases: Sequences) -> dict[str, Any]:
    features = cases.features
    return {
        "frames": cases.frames,
        "lengths": cases.lengths,
        "names": list(features.names),
        "units": list(features.units),
        "groups": {name: list(members) for name, members in features.groups.items()},
        "rate_hz": cases.rate_hz,
        "is_table": cases.is_table,
    }


def _unpacked(kept: Mapping[str, Any]) -> Sequences:
    groups = {name: tuple(members) for name, members in kept["groups"].items()}
    features = Features(tuple(kept["names"]), tuple(kept["units"]), groups)
    return Sequences(kept["frames"], kept["lengths"], features, kept["rate_hz"], kept["is_table"])
