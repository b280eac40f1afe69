"""The result as a small JSON object, for other programs."""

from __future__ import annotations

import json
import math
import os

from antiphon._files import write_atomically
from antiphon.report._result import RunResult


def to_json(result: RunResult) -> dict[str, object]:
    """The figures of a run as values that `json` can write; a number that is not finite becomes None.

    Example:
        >>> from antiphon.report import DataSummary, ProgramText
        >>> data = DataSummary("walks", "regression", 80, 20, (5, 30), ("speed",))
        >>> list(to_json(RunResult(data, ProgramText("mean(x)", 2), "r2", 0.5)))[:4]
        ['dataset', 'program', 'test_score', 'metric']
    """
    return {
        "dataset": result.data.name,
        "program": result.program.text,
        "test_score": _finite(result.test_score),
        "metric": result.metric,
        "baselines": {b.name: _finite(b.score) for b in result.baselines},
        "size": int(result.program.size),
        "candidates": int(result.search.done),
        "seconds": _finite(result.search.total_seconds),
        "compile_seconds": _finite(result.search.compile_seconds),
        "seed": None if result.reproduce.seed is None else int(result.reproduce.seed),
        "versions": {str(k): str(v) for k, v in result.reproduce.versions.items()},
    }


def write_json(result: RunResult, path: str | os.PathLike[str]) -> None:
    """Write `to_json` to a file, whole or not at all.

    Args:
        result: The run.
        path: The file to write; its folder must exist.

    Raises:
        OutputError: The file cannot be written.

    Example:
        >>> import os
        >>> from antiphon.report import DataSummary, ProgramText
        >>> data = DataSummary("walks", "regression", 80, 20, (5, 30), ("speed",))
        >>> write_json(RunResult(data, ProgramText("mean(x)", 2), "r2", 0.5), os.devnull)
    """
    write_atomically(path, json.dumps(to_json(result), indent=2, allow_nan=False) + "\n")


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
