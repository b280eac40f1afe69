"""Claim: `antiphon --help` answers in under half a second."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from _record import arguments, record


def main() -> None:
    """Measure and write."""
    options = arguments(__doc__, repeats=9)
    code = "from antiphon.cli import main; main()"
    seconds = []
    for _ in range(options.repeats):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    figures = {"median_seconds": median(seconds), "most_seconds": max(seconds), "repeats": options.repeats}
    record("startup", figures, options.json)


if __name__ == "__main__":
    main()
