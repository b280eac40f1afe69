"""Which recordings there are, and what is known of each: from folders, names of files, or a manifest."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from antiphon.data._csv_lines import csv_lines
from antiphon.data._sound_events import is_event_list
from antiphon.data._sound_files import FOREIGN, SUFFIXES
from antiphon.errors import DatasetError, InputError

COLUMNS = ("path", "label", "start", "end", "speaker", "split")
PARTS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2, "testing": 2}
_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Row:
    """One recording, or a part of one, and what is known of it."""

    path: Path
    name: str
    label: str | None = None
    speaker: str | None = None
    part: int | None = None
    start: float = 0.0
    end: float | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


def is_sound_file(path: Path) -> bool:
    """Whether a file has the name of a recording."""
    return path.suffix.lower() in (*SUFFIXES, *FOREIGN)


def is_manifest(path: Path) -> bool:
    """Whether a CSV file lists recordings: it has a column `path`, and names sounds there.

    Example:
        >>> is_manifest(Path("nowhere.csv"))
        False
    """
    columns = _columns_about_sounds(path)
    return bool(columns) and not is_event_list(columns)


def refuse_events(path: Path) -> None:
    """Say what a list of events is for, where it stands in the place of recordings.

    Raises:
        DatasetError: It is one.
    """
    if is_event_list(_columns_about_sounds(path)):
        raise DatasetError(
            f"{path} is a list of events in recordings: it has the columns onset and offset.",
            "The recordings: their folder, or a manifest without these columns.",
            f"Pass the folder, and the list as labels={path.name!r} (--labels {path.name}).",
        )


def _columns_about_sounds(path: Path) -> Sequence[str]:
    """The columns of a CSV file that names sounds in a column `path`; of any other file none."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return ()
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            columns = reader.fieldnames or ()
            first = next(reader, None) if "path" in columns else None
    except (UnicodeDecodeError, csv.Error, OSError):
        return ()
    if "path" not in columns or not (first is None or is_sound_file(Path(first["path"] or ""))):
        return ()
    return columns


def holds_recordings(path: Path) -> bool:
    """Whether a path is a recording, a manifest, or a folder with one of them somewhere in it."""
    if path.is_dir():
        return any(is_sound_file(file) or is_manifest(file) for file in path.rglob("*"))
    return (path.is_file() and is_sound_file(path)) or is_manifest(path)


def find(source: Path, pattern: str | None) -> tuple[list[Row], list[Row]]:
    """Find the recordings of a path, in the order of their names.

    Args:
        source: A recording, a manifest, or a folder: with a manifest in it, with a folder a class (perhaps
            inside `train` and `test`), or flat.
        pattern: How names say what a recording is: `"{label}_{speaker}_{index}"`.

    Returns:
        The recordings, and those whose names do not fit the pattern.
    """
    if is_manifest(source):
        return read_manifest(source), []
    if not source.is_dir():
        return name_rows([source], source.parent, pattern)
    manifests = [file for file in sorted(source.glob("*.csv")) if is_manifest(file)]
    if len(manifests) > 1:
        raise DatasetError(
            f"The folder {source} has several manifests: {', '.join(file.name for file in manifests)}.",
            "One CSV file with a column path.",
            "Pass the path of the one that is meant.",
        )
    if manifests and pattern is None:
        return read_manifest(manifests[0]), []
    files = sorted(file for file in source.rglob("*") if is_sound_file(file) and file.is_file())
    if not files:
        raise no_recordings(source)
    return name_rows(files, source, pattern)


def no_recordings(folder: Path) -> DatasetError:
    """That a folder has no recording in it."""
    return DatasetError(
        f"The folder {folder} holds no recordings.",
        f"Files of the kinds {', '.join(SUFFIXES)}.",
        "Check the path.",
    )


def name_rows(files: Sequence[Path], base: Path, pattern: str | None) -> tuple[list[Row], list[Row]]:
    """What folders and names say of recordings: the class is the folder, unless the pattern has a label.

    Args:
        files: The recordings.
        base: The folder that names are relative to.
        pattern: As for `find`.
    """
    regex = None if pattern is None else pattern_regex(pattern)
    found, unfit = [], []
    names = [file.relative_to(base) if file.is_relative_to(base) else Path(file.name) for file in files]
    # Folders of these names are parts only where all are: "train" may be a class, beside "car".
    has_parts = all(name.parts[0].lower() in PARTS for name in names if len(name.parts) > 1)
    for file, inside in zip(files, names, strict=True):
        folders = inside.parts[:-1]
        part = PARTS[folders[0].lower()] if folders and has_parts else None
        label = folders[part is not None] if len(folders) > (part is not None) else None
        fields: dict[str, str] = {}
        if regex is not None:
            text = inside.with_suffix("").as_posix() if "/" in (pattern or "") else inside.stem
            match = regex.fullmatch(text)
            if match is None:
                unfit.append(Row(file, inside.as_posix()))
                continue
            fields = match.groupdict()
        if "split" in fields:
            part = part_number(fields["split"], f"The name {inside.as_posix()}")
        found.append(
            Row(
                file,
                inside.as_posix(),
                fields.get("label", label),
                fields.get("speaker"),
                part,
                fields=fields,
            )
        )
    return found, unfit


def pattern_regex(pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern of names.

    A field takes as little as it can, so that the last one gets what is left over.

    Raises:
        InputError: If the pattern has no field, or one twice.

    Example:
        >>> pattern_regex("{label}_{speaker}_{index}").fullmatch("7_theo_12").groupdict()
        {'label': '7', 'speaker': 'theo', 'index': '12'}
    """
    names = _FIELD.findall(pattern)
    if not names or len(set(names)) < len(names) or not all(name.isidentifier() for name in names):
        raise InputError(
            f"The pattern {pattern!r}.",
            "Fields in braces, each once, such as {label}_{speaker}_{index}.",
            "Name label, and speaker where names have one; other fields are kept, not used.",
        )
    text, place = "", 0
    for match in _FIELD.finditer(pattern):
        text += re.escape(pattern[place : match.start()]) + f"(?P<{match[1]}>.+?)"
        place = match.end()
    return re.compile(text + re.escape(pattern[place:]))


def part_number(text: str, where: str) -> int:
    """0 for training, 1 for validation, 2 for test."""
    if text.strip().lower() not in PARTS:
        raise DatasetError(
            f"{where} has the split {text!r}.", f"One of {', '.join(PARTS)}.", "Correct the split."
        )
    return PARTS[text.strip().lower()]


def read_manifest(path: Path) -> list[Row]:
    """Read a CSV file with one line a recording, or a part of one.

    Its columns: `path` (relative to the folder of the file), `label`, and where there are such `start` and
    `end` (in seconds), `speaker`, `split` (train, val or test). Other columns are kept as fields.

    Args:
        path: The file.

    Raises:
        DatasetError: A column is missing, or a line makes no sense; the line is named.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "manifest.csv")
        ...     _ = file.write_text("path,label,start,end\\na.wav,dog,0.5,1.5\\n")
        ...     row = read_manifest(file)[0]
        >>> row.name, row.label, row.start, row.end
        ('a.wav (0.5-1.5 s)', 'dog', 0.5, 1.5)
    """
    columns, rows = csv_lines(path, "The manifest", "Save it so.")
    if "path" not in columns:
        raise DatasetError(
            f"The manifest {path} has the columns {', '.join(columns) or '(none)'}, and no column path.",
            f"The columns path and label, and where needed {', '.join(COLUMNS[2:])}.",
            "Name the columns in the first line.",
        )
    if not rows:
        raise DatasetError(f"The manifest {path} has no lines.", "One line a recording.", "Fill it.")
    return [_row(path, number, row) for number, row in enumerate(rows, 2)]


def _row(path: Path, number: int, row: Mapping[str, str | None]) -> Row:
    where = f"Line {number} of {path}"
    got = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    if not got["path"]:
        raise DatasetError(f"{where} names no recording.", "A path.", "Fill the column path.")
    if "label" in got and not got["label"]:
        raise DatasetError(f"{where} has no label.", "A label in every line.", "Fill the column label.")
    if "speaker" in got and not got["speaker"]:
        raise DatasetError(
            f"{where} has no speaker.", "A speaker in every line, or no such column.", "Fill the column."
        )
    start, end = (_seconds(got.get(name, ""), name, where) for name in ("start", "end"))
    if end is not None and end <= (start or 0.0):
        raise DatasetError(
            f"{where} goes from {start or 0.0:g} s to {end:g} s.", "A start before the end.", "Correct them."
        )
    name = Path(got["path"]).as_posix()
    if start is not None or end is not None:
        name += f" ({start or 0.0:g}-{'' if end is None else f'{end:g}'} s)"
    return Row(
        path.parent / got["path"],
        name,
        got.get("label"),
        got.get("speaker"),
        part_number(got["split"], where) if "split" in got else None,
        start or 0.0,
        end,
        {name: value for name, value in got.items() if name not in COLUMNS},
    )


def _seconds(text: str, name: str, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise DatasetError(f"{where} has the {name} {text!r}.", "Seconds from 0 up.", f"Correct the {name}.")
    return value
