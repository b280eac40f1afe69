"""Reading `.ts` files, the text format of the UEA and UCR archives of time series.

The format is described at https://www.sktime.net/en/stable/api_reference/file_specifications/ts.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.errors import DatasetError


@dataclass(frozen=True)
class TsFile:
    """What a `.ts` file holds: its cases `(time, feature)`, labels and header."""

    cases: list[np.ndarray]
    y: np.ndarray | None
    task: str
    classes: tuple[str, ...] | None
    problem: str


def read_ts(path: Path) -> TsFile:
    """Read a `.ts` file, multivariate and of any lengths, with class labels or a regression target.

    Args:
        path: The file.

    Raises:
        DatasetError: Names the line (from 1) and what is wrong there.

    Example:
        >>> import tempfile
        >>> text = "@problemName two\\n@classLabel true a b\\n@data\\n1,2,3:4,5,6:a\\n7,8:9,10:b\\n"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "two.ts")
        ...     _ = file.write_text(text)
        ...     [case.shape for case in read_ts(file).cases]
        [(3, 2), (2, 2)]
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error}.", "A readable .ts file.", "Check the path and its permissions."
        ) from error
    header, start = _header(path, lines)
    classes = header.get("classlabel", ["false"])
    is_target = header.get("targetlabel", ["false"])[:1] == ["true"]
    is_labelled = is_target or classes[0].lower() == "true"
    if header.get("timestamps", ["false"])[0].lower() == "true":
        raise DatasetError(
            f"{path} has time stamps.",
            "Values only (@timeStamps false).",
            "Resample the series to a fixed rate and write them without time stamps.",
        )
    declared = None if is_target else tuple(classes[1:])
    cases, labels = [], []
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip() or line.startswith(("#", "%")):
            continue
        dimensions = line.strip().split(":")
        if is_labelled:
            labels.append(_label(path, number, dimensions.pop().strip(), declared, is_target))
        cases.append(_case(path, number, dimensions, cases))
    if not cases:
        raise DatasetError(
            f"{path} has no cases after @data.",
            "At least one line of data.",
            "Check that the file is complete.",
        )
    problem = " ".join(header.get("problemname", [path.stem]))
    task = "regression" if is_target else "classification"
    return TsFile(cases, np.array(labels) if is_labelled else None, task, declared, problem)


def _header(path: Path, lines: list[str]) -> tuple[dict[str, list[str]], int]:
    header: dict[str, list[str]] = {}
    for number, line in enumerate(lines):
        word, *rest = line.split() or [""]
        if word.lower() == "@data":
            return header, number + 1
        if word.startswith("@"):
            header[word[1:].lower()] = rest or ["false"]
        elif word and not word.startswith(("#", "%")):
            raise DatasetError(
                f"{path}, line {number + 1}: {line[:40]!r} before @data.",
                "A header of lines that start with @ or #, then @data.",
                "Check that this is a .ts file.",
            )
    raise DatasetError(
        f"{path} has no line @data.",
        "A header, the line @data, then one case a line.",
        "Check that this is a .ts file and that it is complete.",
    )


def _case(path: Path, number: int, dimensions: list[str], before: list[np.ndarray]) -> Any:
    """Parse the dimensions of one line to `(time, feature)`."""
    columns = []
    for dimension, text in enumerate(dimensions, 1):
        words = text.split(",")
        try:
            columns.append(np.array(words, dtype=np.float64))
        except ValueError as error:
            place = f"{path}, line {number}, dimension {dimension}"
            frame, word = next((i, w) for i, w in enumerate(words) if not is_number(w))
            if word.strip() == "?":
                raise DatasetError(
                    f"{place}: a missing value (?) at frame {frame}.",
                    "A number for each frame.",
                    "Fill in missing values, or leave out the case.",
                ) from error
            raise DatasetError(
                f"{place}: {word!r} at frame {frame}.",
                "Numbers with a comma between them.",
                "Correct the file.",
            ) from error
    sizes = {len(column) for column in columns}
    if len(sizes) != 1:
        raise DatasetError(
            f"{path}, line {number}: dimensions of {', '.join(map(str, sorted(sizes))) or 'no'} frames.",
            "Dimensions of one length within a case.",
            "Resample them to the same frames.",
        )
    if before and len(columns) != before[0].shape[1]:
        raise DatasetError(
            f"{path}, line {number}: {len(columns)} dimensions, and {before[0].shape[1]} before.",
            "As many dimensions in every case.",
            "Correct the file.",
        )
    return np.stack(columns, axis=1)


def _label(path: Path, number: int, label: str, declared: tuple[str, ...] | None, is_target: bool) -> Any:
    if is_target:
        if not is_number(label):
            raise DatasetError(
                f"{path}, line {number}: the target {label!r}.", "A number.", "Correct the file."
            )
        return float(label)
    if declared and label not in declared:
        raise DatasetError(
            f"{path}, line {number}: the class {label!r}.",
            f"One of the declared classes {', '.join(declared)}.",
            "Correct the line, or declare the class after @classLabel.",
        )
    return label


def is_number(word: str) -> bool:
    """Tell whether a word of a file is a number, as `float` reads it."""
    try:
        float(word)
    except ValueError:
        return False
    return True
