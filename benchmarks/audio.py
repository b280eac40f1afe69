"""Claims about sound: features, spoken digits, voice activity, streaming, generation, small vocabularies.

Parts are measured by modules of their own, `_audio_<part>.py`; `--only` names some of them, and what `--json`
has of the others is kept. `--quick` is a small version of each. All run on one thread.

Figures of spoken digits are of validation: by cross-validation on the recordings 5-49 of each digit and
speaker. The recordings 0-4 are the test part. They are looked at with `--test` alone, which is for the end.
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

from _peer import pin
from _record import record

from antiphon._engine import configure

HERE = Path(__file__).resolve().parent
PARTS = tuple(sorted(path.stem.removeprefix("_audio_") for path in HERE.glob("_audio_*.py")))
DIGITS = HERE.parent.parent / "shared" / "data" / "spoken_digits"


def main() -> None:
    """Measure the parts, one after the other, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="a small version")
    parser.add_argument("--test", action="store_true", help="look at the test part of spoken digits")
    parser.add_argument("--digits", type=Path, default=DIGITS, help="the folder of spoken digits")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    configure()
    pin()
    figures = known(options.json)
    for part in options.only.split(","):
        figures |= measured(part, options)
        record("audio", figures, options.json)


def known(path: Path | None) -> dict[str, Any]:
    """The figures that a file has already."""
    if path is None or not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))["figures"]


def measured(part: str, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one part."""
    if part not in PARTS:
        raise SystemExit(f"There is no part {part!r}: {', '.join(PARTS)}.")
    module: Any = importlib.import_module(f"_audio_{part}")
    return module.figures(options)


if __name__ == "__main__":
    main()
