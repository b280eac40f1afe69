"""The lines of a CSV file with a header, as text: for lists of features, recordings and events."""

from __future__ import annotations

import csv
from pathlib import Path

from antiphon.errors import DatasetError


def csv_lines(path: Path, what: str, advice: str) -> tuple[list[str], list[dict[str, str | None]]]:
    """The columns of a file, and its lines, each from column to text.

    Args:
        path: The file.
        what: What it is called in an error.
        advice: What to do where it cannot be read.

    Raises:
        DatasetError: The file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "features.csv")
        ...     _ = file.write_text("name,unit\\nspeed,cm/s\\n")
        ...     csv_lines(file, "The file of features", "Check the path.")
        (['name', 'unit'], [{'name': 'speed', 'unit': 'cm/s'}])
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, skipinitialspace=True)
            return list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{what} {path} cannot be read: {error}.", "A CSV file in UTF-8.", advice
        ) from error
