"""The journal: every result of a search on disk, the moment it is known.

One line of JSON a fitted group. A line is written whole and synced before the search goes on; a line that
a crash cut short is ignored. Starting again replays the strategy and finds here what was already fitted.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.errors import InputError, OutputError

FORMAT = 3


class Journal:
    """Results by key, kept on disk if a path is given.

    Args:
        path: The file; `None` keeps the results in memory only.
        fingerprint: What the results depend on: a journal of another search is refused.

    Raises:
        InputError: If the file is no journal, or another search's.
        OutputError: If it cannot be written.
    """

    def __init__(self, path: Path | str | None, fingerprint: Mapping[str, Any]) -> None:
        self.path = None if path is None else Path(path)
        self.known: dict[str, Any] = {}
        self.seconds = 0.0
        self._file = None
        if self.path is None:
            return
        header = {"antiphon_journal": FORMAT, **json.loads(json.dumps(fingerprint))}
        try:
            sound = self._read(header) if self.path.exists() else 0
            self._file = self.path.open("r+b" if self.path.exists() else "w+b")
            self._file.truncate(sound)
            self._file.seek(sound)
            if sound == 0:
                self._write(header)
        except OSError as error:
            raise OutputError(
                f"The journal {self.path} cannot be written: {error.strerror}.",
                "A folder that exists and may be written.",
                "Name another one.",
            ) from error

    def _read(self, header: Mapping[str, Any]) -> int:
        """Take in what is there; the length of its sound part in bytes."""
        assert self.path is not None
        sound = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file):
                try:
                    entry = json.loads(line) if line.endswith(b"\n") else None
                except ValueError:
                    entry = None
                if entry is None and number == 0 and (line.endswith(b"\n") or not _begun(line)):
                    raise InputError(
                        f"{self.path} is no journal.", "A journal, or no file.", "Name another file."
                    )
                if entry is None:
                    break  # A crash cut this line short; what follows it cannot be trusted.
                if number == 0:
                    self._check(header, entry)
                else:
                    self.known.update(entry["results"])
                    self.seconds = entry["seconds"]
                sound += len(line)
        return sound

    def _check(self, wanted: Mapping[str, Any], got: Any) -> None:
        if not isinstance(got, dict) or "antiphon_journal" not in got:
            raise InputError(f"{self.path} is no journal.", "A journal, or no file.", "Name another file.")
        differing = [k for k in wanted if got.get(k) != wanted[k]]
        if differing:
            parts = ", ".join(f"{k} {got.get(k)!r} there, {wanted[k]!r} here" for k in differing)
            raise InputError(
                f"The journal {self.path} belongs to another search ({parts}).",
                "The journal of this search, or no file.",
                "Start afresh, or write to another folder.",
            )

    def __contains__(self, key: str) -> bool:
        return key in self.known

    def __getitem__(self, key: str) -> Any:
        return decode(self.known[key])

    def add(self, results: Mapping[str, Any], *, seconds: float) -> None:
        """Keep results by key, on disk before this returns.

        Args:
            results: JSON values, arrays anywhere in them.
            seconds: How long the search has taken so far, earlier runs included.
        """
        encoded = {key: encode(value) for key, value in results.items()}
        self.known.update(encoded)
        if self._file is not None:
            self._write({"results": encoded, "seconds": round(seconds, 3)})

    def _write(self, entry: Mapping[str, Any]) -> None:
        assert self._file is not None
        try:
            self._file.write(json.dumps(entry).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(
                f"The journal {self.path} cannot be written: {error.strerror}.",
                "Space on the disk.",
                "Make room and run the same command again: nothing that was fitted is lost.",
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _begun(line: bytes) -> bool:
    """Whether a line may be the beginning of a journal's first one."""
    mark = b'{"antiphon_journal"'
    return line.startswith(mark) or mark.startswith(line)


def encode(value: Any) -> Any:
    """A value as JSON keeps it: arrays bit by bit, numbers that are none as text."""
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"__array__": data, "dtype": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return {"__float__": repr(value)} if isinstance(value, float) and not np.isfinite(value) else value


def decode(value: Any) -> Any:
    """The inverse of `encode`; lists stay lists."""
    if isinstance(value, dict):
        if "__array__" in value:
            raw = np.frombuffer(base64.b64decode(value["__array__"]), np.dtype(value["dtype"]))
            return raw.reshape(value["shape"]).copy()
        if "__float__" in value:
            return float(value["__float__"])
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value
