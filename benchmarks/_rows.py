"""Tables that are measured row by row, each in a process of its own, and can be cut off and gone on with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from calms21 import FOLDER, features


def dataset(name: str) -> Any:
    """`investigation` or `mount` of CalMS21, or a data set that comes with Antiphon.

    Raises:
        FileNotFoundError: Where CalMS21 is not there.
    """
    from antiphon.data import load

    if name not in ("investigation", "mount"):
        return load(name)
    if not FOLDER.is_dir():
        raise FileNotFoundError(f"there is no folder {FOLDER} with the data of CalMS21")
    return load(str(FOLDER), target=name, test_size=500, features=features())


def known_rows(path: Path | None) -> list[dict[str, Any]]:
    """The rows that an earlier run has left in a file."""
    if path is None or not path.exists():
        return []
    return json.loads(path.read_text(encoding="utf-8"))["figures"]["rows"]


def in_a_process(row: dict[str, Any], *, cold: bool = True) -> dict[str, Any]:
    """What this script measures when it is called with `--row`.

    Args:
        row: Its argument.
        cold: With a cache of its own, so that compiling counts for each row as it does for a first run; else
            with the user's, where only the answers count.
    """
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, sys.argv[0], "--row", json.dumps(row)],
            env={**os.environ, "XDG_CACHE_HOME": cache} if cold else None,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1])
