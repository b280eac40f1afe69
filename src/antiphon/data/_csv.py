"""Reading CSV files: wide (one row a case) and long (one row a frame)."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.data._features import Features, identifiers
from antiphon.data._parts import Found, Part
from antiphon.data._ts import is_number
from antiphon.errors import DatasetError

_log = logging.getLogger("antiphon.data")
ROLES = {
    "case": ("case", "case_id", "id"),
    "time": ("time", "frame", "t", "timestamp"),
    "label": ("label", "class", "target", "y"),
    "group": ("group", "subject", "speaker"),
    "split": ("split",),
}
_FRAME = re.compile(r"(.+)\[(\d+)\]")
_PARTS = {"train": 0, "val": 1, "validation": 1, "test": 2}


def read_csv(path: Path, target: str | None) -> Found:
    """Read a CSV file with a header line.

    Columns have their role by their name, in upper or lower case (`ROLES`):
        - `label` (or `class`, `target`, or `y` where there is no x or z; or the column that `target` names):
          the labels; other columns called label, class or target are left out;
        - `case` (`case_id`, `id`): which case a row belongs to; if ids repeat, or there is a time column, the
          file is *long*, one row a frame; a label that varies within cases is then one tag a frame;
        - `time` (`frame`, `t`, `timestamp`): the order of the frames of a case (else that of the rows);
        - `group` (`subject`, `speaker`): who or what a case comes from;
        - `split`: train, val (validation) or test;
        - every other column is a feature. In a *wide* file, where each row is a case, `speed[0]`,
          `speed[1]`, ... are the frames of the feature speed (cells left empty at the end: a shorter
          case); without such columns the file is a table.

    Args:
        path: The file.
        target: The column of labels, if it is not called so.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "two.csv")
        ...     _ = file.write_text("case,time,speed,label\\na,0,1.5,x\\na,1,2.5,x\\nb,0,0.5,y\\n")
        ...     [case.shape for case in read_csv(file, None).parts[0].X]
        [(2, 1), (1, 1)]
    """
    table = _table(path)
    roles = _roles(path, table, target)
    case, time = roles["case"], roles["time"]
    is_long = case is not None and (time is not None or bool(table[case].duplicated().any()))
    used = {column for column in roles.values() if column}
    unused = [c for c in table.columns if c not in used and c.lower() in ROLES["label"] and c.lower() != "y"]
    if unused:  # another label among the features would give the answer away
        _log.info("%s: columns left out, as they look like labels: %s", path, ", ".join(unused))
    columns = [c for c in table.columns if c not in used and c not in unused]
    if not columns:
        raise DatasetError(
            f"{path} has no columns of features, only {', '.join(table.columns)}.",
            "At least one column of numbers.",
            "Check the header line.",
        )
    _check_numbers(path, table, columns)
    X, y, groups, parts = (_long if is_long else _wide)(path, table, roles, columns)
    names = Features(identifiers(dict.fromkeys(_stem(column) for column in columns)))
    return Found(
        _by_part(path, X, y, groups, parts),
        roles["label"] or "label",
        f"The file {path}.",
        names,
        no_labels=f": no column {', '.join(ROLES['label'])} among {', '.join(table.columns)}",
    )


def _table(path: Path) -> Any:
    import pandas as pd

    try:
        table = pd.read_csv(path, skipinitialspace=True, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DatasetError(
            f"{path} cannot be read as CSV: {error}.".replace("..", "."),
            "A CSV file with a header line.",
            "Check the file; columns are separated by commas.",
        ) from error
    if not len(table):
        raise DatasetError(
            f"{path} has a header and no rows.", "At least one row.", "Check that the file is whole."
        )
    table.columns = [str(column).strip() for column in table.columns]
    return table


def _roles(path: Path, table: Any, target: str | None) -> dict[str, str | None]:
    if target is not None and target not in table.columns:
        raise DatasetError(
            f"{path} has no target {target!r}.",
            f"One of its columns: {', '.join(table.columns)}.",
            "Check the spelling.",
        )
    lower = {column.lower(): column for column in reversed(list(table.columns)) if column != target}
    found = {role: next((lower[n] for n in names if n in lower), None) for role, names in ROLES.items()}
    if found["case"] is None:
        found["time"] = None  # in a wide file time is a feature like any other
    if found["label"] and found["label"].lower() == "y" and lower.keys() & {"x", "z"}:
        found["label"] = None  # y is a coordinate there
    found["label"] = target or found["label"]
    _log.info("%s: %s", path, ", ".join(f"{role} in column {name!r}" for role, name in found.items() if name))
    return found


def _check_numbers(path: Path, table: Any, columns: list[str]) -> None:
    from pandas.api.types import is_numeric_dtype

    for column in columns:
        values = table[column]
        if not is_numeric_dtype(values.dtype):
            row, word = next(
                ((i, v) for i, v in enumerate(values) if isinstance(v, str) and not is_number(v)), (0, "?")
            )
            raise DatasetError(
                f"{path}, column {column!r}: {word!r} in row {row + 1} is no number.",
                "Numbers in every column that is no label, case, time, group or split.",
                "Correct the cell, drop the column, or name it with target= if it is the label.",
            )


def _stem(column: str) -> str:
    match = _FRAME.fullmatch(column)
    return match.group(1) if match else column


def _values(table: Any, column: str | None) -> np.ndarray | None:
    if column is None:
        return None
    values = table[column]
    return values.to_numpy() if values.dtype.kind in "biuf" else values.to_numpy(dtype=object)


def _wide(
    path: Path, table: Any, roles: dict[str, str | None], columns: list[str]
) -> tuple[Any, Any, Any, Any]:
    y, groups, parts = (_values(table, roles[role]) for role in ("label", "group", "split"))
    matches = [_FRAME.fullmatch(column) for column in columns]
    if not any(matches):
        return table[columns].to_numpy(dtype=np.float64), y, groups, parts
    if not all(matches):
        plain = [column for column, match in zip(columns, matches, strict=True) if not match]
        raise DatasetError(
            f"{path}: columns of frames such as {columns[[bool(m) for m in matches].index(True)]!r} "
            f"beside columns without a frame: {', '.join(plain)}.",
            "Frames in every column, or in none.",
            "Drop or rename these columns.",
        )
    stems = list(dict.fromkeys(_stem(column) for column in columns))
    time = max(int(match.group(2)) for match in matches if match) + 1
    block = np.full((len(table), time, len(stems)), np.nan)
    for column, match in zip(columns, matches, strict=True):
        if match:
            block[:, int(match.group(2)), stems.index(match.group(1))] = table[column].to_numpy(
                dtype=np.float64
            )
    # A case ends with its last frame that has any value; what is missing before is reported as NaN.
    real = np.logical_not(np.isnan(block).all(axis=2))
    ends = np.where(real.any(axis=1), time - np.argmax(real[:, ::-1], axis=1), 0)
    return [case[:end] for case, end in zip(block, ends, strict=True)], y, groups, parts


def _long(
    path: Path, table: Any, roles: dict[str, str | None], columns: list[str]
) -> tuple[Any, Any, Any, Any]:
    case, time = roles["case"], roles["time"]
    if table[case].isna().any():
        raise DatasetError(
            f"{path}: rows without a value in {case!r}, which says the case.",
            "The case of every row.",
            "Fill in the column.",
        )
    if time is not None:
        twice = table.duplicated([case, time])
        if twice.any():
            row = table[twice].iloc[0]
            raise DatasetError(
                f"{path}: case {row[case]} has two rows at {time} {row[time]}.",
                "One row a frame.",
                "Leave out the doubled rows.",
            )
        table = table.sort_values(time, kind="stable")
    rows = [
        group for _, group in sorted(table.groupby(case, sort=False), key=lambda pair: pair[1].index.min())
    ]

    def varies(column: str) -> Any:
        return table.groupby(case, sort=False)[column].nunique(dropna=False) > 1

    def constant(role: str) -> np.ndarray | None:
        column = roles[role]
        if column is None:
            return None
        several = varies(column)
        if several.any():
            raise DatasetError(
                f"{path}: case {several.idxmax()} has several values of {column!r}.",
                f"One {role} a case.",
                "Correct the column.",
            )
        return np.array([_values(group, column)[0] for group in rows])  # pyright: ignore[reportOptionalSubscript]

    label = roles["label"]
    if label is not None and varies(label).any():
        y: Any = [_values(group, label) for group in rows]
    else:
        y = constant("label")
    X = [group[columns].to_numpy(dtype=np.float64) for group in rows]
    return X, y, constant("group"), constant("split")


def _by_part(path: Path, X: Any, y: Any, groups: Any, parts: Any) -> list[Part]:
    """Sort cases into train, validation and test by the column of splits, if there is one."""
    if parts is None:
        return [Part(X, y, groups)]
    numbers = np.array([_PARTS.get(str(part).lower(), -1) for part in parts])
    if (numbers < 0).any():
        raise DatasetError(
            f"{path}: {parts[int((numbers < 0).argmax())]!r} as a split.",
            f"One of {', '.join(_PARTS)}.",
            "Correct the column, or rename it.",
        )

    def chosen(values: Any, number: int) -> Any:
        at = np.flatnonzero(numbers == number)
        return (
            values if values is None else [values[i] for i in at] if isinstance(values, list) else values[at]
        )

    return [Part(*(chosen(values, n) for values in (X, y, groups))) for n in sorted(set(numbers.tolist()))]
