"""Claim: on CalMS21 the chosen program is at least as good as logistic regression on averages and as
an LSTM of 16 units, and within 0.03 of gradient boosting.

F1 of `investigation` and `mount`; the first 1,500 sequences train, the last 500 test; seeds 0-4. Settings are
the default ones but for the budget (600 candidates is the default). Every search strategy and budget that is
asked for, and the usual baselines, in one table. A row is a process of its own; rows go to `--json` as they
come, and those that are there already are not measured again.
"""

from __future__ import annotations

import json
import sys
import time
from statistics import median
from typing import Any

from _record import arguments, write
from _rows import dataset, in_a_process, known_rows

from antiphon._engine import configure

LSTM = "LSTM of 16 units"
WITHIN = {"logistic regression": 0.0, LSTM: 0.0, "gradient boosting": 0.03}
BASELINES = "baselines"


def main() -> None:
    """Measure, and write after each row."""
    options = arguments(
        __doc__, targets="investigation,mount", strategies="beam", seeds=5, jobs=1, candidates=600, row=""
    )
    if options.row:
        print(json.dumps(measure(json.loads(options.row))))
        return
    rows = known_rows(options.json)
    for target in options.targets.split(","):
        try:
            dataset(target)
        except FileNotFoundError as error:
            sys.exit(f"skipped: {error}")
        for seed in range(options.seeds):
            for model in (BASELINES, *options.strategies.split(",")):
                plan = {"target": target, "seed": seed, "model": model}
                if model != BASELINES:
                    plan["budget"] = options.candidates
                if any(plan.items() <= row.items() for row in rows):
                    continue
                rows.append({**plan, **in_a_process({**plan, "jobs": options.jobs}, cold=False)})
                if options.json is not None:
                    write("quality", {"summary": summary(rows), "rows": rows}, options.json)
    print(json.dumps(summary(rows), indent=2))


def measure(plan: dict[str, Any]) -> dict[str, Any]:
    """The baselines, or one search."""
    configure()
    train, test = dataset(plan["target"])
    if plan["model"] == BASELINES:
        return {"scores": baseline_scores(train, test, plan["seed"])}
    from antiphon import ProgramClassifier
    from antiphon.estimators import program_text

    model = ProgramClassifier(
        strategy=plan["model"],
        candidates=plan["budget"],
        n_jobs=plan["jobs"],
        random_state=plan["seed"],
    )
    begun = time.perf_counter()
    model.fit(train.X, train.y, groups=train.subjects)
    found = model.search_
    return {
        "seconds": time.perf_counter() - begun,
        "metric": model.metric_,
        "test": model.metric_score(test.X, test.y),
        "held_out": found.chosen.score,
        "size": found.chosen.size,
        "candidates": found.candidates,
        "sketch": program_text(model.program_).sketch,
    }


def baseline_scores(train: Any, test: Any, seed: int) -> dict[str, float]:
    """F1 of the usual baselines, and of an LSTM that reads forward only."""
    from antiphon import RecurrentClassifier
    from antiphon.estimators import baselines

    rows = baselines(train.X, train.y, test.X, test.y, "classification", "f1", seed, subjects=train.subjects)
    lstm = RecurrentClassifier(
        cell="lstm", hidden=16, bidirectional=False, metric="f1", random_state=seed
    ).fit(train.X, train.y, groups=train.subjects)
    return {**{name: score for name, score, _, _ in rows}, LSTM: lstm.metric_score(test.X, test.y)}


def _name(row: dict[str, Any]) -> str:
    return f"{row['model']} ({row['budget']})"


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """For each label scores by seed and their medians; for each strategy how it stands to each baseline."""
    found: dict[str, Any] = {}
    for target in dict.fromkeys(row["target"] for row in rows):
        here = [row for row in rows if row["target"] == target]
        scores: dict[str, dict[int, float]] = {}
        for row in here:
            measured = row["scores"] if row["model"] == BASELINES else {_name(row): row["test"]}
            for name, score in measured.items():
                scores.setdefault(name, {})[row["seed"]] = score
        searched = dict.fromkeys(_name(row) for row in here if row["model"] != BASELINES)
        found[target] = {
            "seeds": {name: len(of) for name, of in scores.items()},
            "scores": {name: list(of.values()) for name, of in scores.items()},
            "median": {name: median(of.values()) for name, of in scores.items()},
            "lowest": {name: min(of.values()) for name, of in scores.items()},
            "holds": {
                strategy: {
                    name: {
                        "median": median(scores[strategy].values()) >= median(scores[name].values()) - room,
                        "seeds": sum(
                            score >= scores[name][seed] - room
                            for seed, score in scores[strategy].items()
                            if seed in scores[name]
                        ),
                    }
                    for name, room in WITHIN.items()
                    if name in scores
                }
                for strategy in searched
            },
        }
    return found


if __name__ == "__main__":
    main()
