"""How every benchmark writes what it measured: figures, seed, versions, hardware."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from antiphon._engine import configure


def arguments(description: str, **defaults: Any) -> argparse.Namespace:
    """Options of a benchmark: `--json FILE` and one for each default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", default=value, type=type(value) if value is not None else float)
    return parser.parse_args()


def record(name: str, figures: dict[str, Any], path: Path | None) -> None:
    """Print figures, and write them with all that is needed to judge them."""
    print(_text(name, figures), end="")
    if path is not None:
        write(name, figures, path)


def write(name: str, figures: dict[str, Any], path: Path) -> None:
    """Write figures. The file is whole at every moment, also if this process is stopped."""
    new = path.with_name(path.name + ".new")
    new.write_text(_text(name, figures), encoding="utf-8")
    new.replace(path)


def _text(name: str, figures: dict[str, Any]) -> str:
    from antiphon.estimators import hardware, versions

    whole = {
        "benchmark": name,
        "date": time.strftime("%Y-%m-%d"),
        "figures": figures,
        "versions": versions(),
        "hardware": hardware(),
    }
    return json.dumps(whole, indent=2) + "\n"


def learn_and_compare(dataset: Any, *, seed: int, seconds: float | None, jobs: int) -> dict[str, Any]:
    """One run with default settings: the chosen program, its scores and those of the baselines."""
    configure()
    from antiphon.estimators import ProgramClassifier, baselines, program_text

    train, test = dataset
    start = time.perf_counter()
    model = ProgramClassifier(random_state=seed, seconds=seconds, n_jobs=jobs)
    model.fit(train.X, train.y, groups=train.subjects)
    took = time.perf_counter() - start
    rows = baselines(
        train.X, train.y, test.X, test.y, "classification", model.metric_, seed, subjects=train.subjects
    )
    text = program_text(model.program_)
    return {
        "seed": seed,
        "metric": model.metric_,
        "test": model.metric_score(test.X, test.y),
        "held_out": model.search_.chosen.score,
        "size": model.program_.size,
        "sketch": text.sketch,
        "program": text.text,
        "baselines": {name: score for name, score, _, _ in rows},
        "candidates": model.search_.candidates,
        "failed": model.search_.failed,
        "seconds": took,
        "compile_seconds": model.search_.compile_seconds,
    }
