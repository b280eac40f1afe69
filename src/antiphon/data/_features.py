"""The columns of a frame: their names, units and named groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from antiphon.data._csv_lines import csv_lines
from antiphon.errors import DatasetError, InputError

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Features:
    """The columns of a frame: what they are called, their units and their groups.

    Args:
        names: One valid identifier (`[A-Za-z_][A-Za-z0-9_]*`) a column, all different.
        units: One unit a column, `""` where there is none; left out, none has a unit.
        groups: Named groups of features: group name to the names of its features.

    Example:
        >>> motion = Features(("vx", "vy", "angle"), ("cm/s", "cm/s", "rad"), {"velocity": ("vx", "vy")})
        >>> motion.columns("velocity")
        (0, 1)
    """

    names: tuple[str, ...]
    units: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = tuple(self.names)
        units = tuple(self.units) or ("",) * len(names)
        groups = {group: tuple(members) for group, members in self.groups.items()}
        for name in (*names, *groups):
            if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
                raise InputError(
                    f"{name!r} as the name of a feature or of a group of features.",
                    "A name of letters, digits and underscores that starts with no digit.",
                    "Rename it; antiphon.data.identifiers makes valid names of any others.",
                )
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(
                f"The feature name {twice!r} twice.",
                "A name of its own for each feature.",
                f"Rename one of the features called {twice!r}.",
            )
        if len(units) != len(names):
            raise InputError(
                f"{len(units)} units for {len(names)} features.",
                "One unit a feature.",
                "Write an empty string where a feature has no unit.",
            )
        for group, members in groups.items():
            for name in members:
                if name not in names:
                    raise InputError(
                        f"The feature {name!r} in group {group!r}.",
                        f"One of the features {', '.join(names)}.",
                        "Correct the members of the group.",
                    )
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "units", units)
        object.__setattr__(self, "groups", MappingProxyType(groups))

    def __len__(self) -> int:
        return len(self.names)

    def __hash__(self) -> int:
        return hash((self.names, self.units, tuple(sorted(self.groups.items()))))

    def __reduce__(self) -> tuple:
        return type(self), (self.names, self.units, dict(self.groups))

    def columns(self, name: str) -> tuple[int, ...]:
        """Return the columns of a feature or of a group of features."""
        members = self.groups.get(name, (name,) if name in self.names else None)
        if members is None:
            raise InputError(
                f"No feature and no group of features is called {name!r}.",
                f"One of {', '.join((*self.names, *self.groups))}.",
                "Check the spelling.",
            )
        return tuple(self.names.index(member) for member in members)

    @classmethod
    def numbered(cls, count: int) -> Features:
        """Return `count` features without names of their own: f0, f1, ..."""
        return cls(tuple(f"f{i}" for i in range(count)))


def identifiers(names: Iterable[object]) -> tuple[str, ...]:
    """Make valid, different identifiers of any column names.

    Example:
        >>> identifiers(["speed (cm/s)", "2nd", 0, "a b", "a.b"])
        ('speed_cm_s', 'f2nd', 'f0', 'a_b', 'a_b_2')
    """
    out: list[str] = []
    for position, name in enumerate(names):
        base = re.sub(r"[^A-Za-z0-9_]+", "_", str(name)).strip("_") or f"f{position}"
        base = f"f{base}" if base[0].isdigit() else base
        unique, number = base, 2
        while unique in out:
            unique, number = f"{base}_{number}", number + 1
        out.append(unique)
    return tuple(out)


def read_features(path: str | PathLike[str]) -> Features:
    """Read names, units and groups of features from a CSV file with the columns name, unit, group.

    Only the column `name` must be there. A feature that is in several groups names them with a
    semicolon between them.

    Args:
        path: A CSV file with a header line and one line a feature, in the order of the columns.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "features.csv")
        ...     _ = file.write_text("name,unit,group\\nvx,cm/s,velocity\\nvy,cm/s,velocity\\n")
        ...     dict(read_features(file).groups)
        {'velocity': ('vx', 'vy')}
    """
    file = Path(path)
    columns, rows = csv_lines(file, "The file of features", "Check the path and its permissions.")
    if "name" not in columns or not rows:
        raise DatasetError(
            f"{file} has the columns {', '.join(columns) or 'none'} and {len(rows)} lines.",
            "The columns name, unit and group (at least name) and one line a feature.",
            "Write the header line name,unit,group at its top.",
        )
    names = [(row["name"] or "").strip() for row in rows]
    groups: dict[str, list[str]] = {}
    for name, row in zip(names, rows, strict=True):
        for group in filter(None, ((row.get("group") or "").strip().split(";"))):
            groups.setdefault(group.strip(), []).append(name)
    units = tuple((row.get("unit") or "").strip() for row in rows)
    return Features(tuple(names), units, {group: tuple(members) for group, members in groups.items()})


def as_features(features: object, count: int) -> Features:
    """Bring what was given as `features` to a `Features` of `count` columns.

    Args:
        features: None, a `Features`, or names.
        count: How many columns the frames have.

    Example:
        >>> as_features(["speed", "angle"], 2).names
        ('speed', 'angle')
    """
    if features is None:
        return Features.numbered(count)
    if not isinstance(features, Features):
        if not isinstance(features, Iterable):
            raise InputError(
                f"{type(features).__name__} as features.",
                "A list of names, a Features, or the path of a CSV file.",
                "Pass for example features=['speed', 'angle'].",
            )
        features = Features(tuple(features))
    if len(features) != count:
        raise InputError(
            f"{len(features)} feature names ({_shorten(features.names)}) for frames of {count} features.",
            "One name a feature.",
            "Name every column of a frame, in their order; for a 3-D array check the layout, too.",
        )
    return features


def _shorten(names: tuple[str, ...]) -> str:
    return ", ".join(names if len(names) <= 6 else (*names[:5], "...", names[-1]))
