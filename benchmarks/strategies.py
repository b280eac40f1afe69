"""Claim: `near` and `dpads` reach the score of enumeration with a fifth of its candidates.

Every strategy learns from the same training data with the same number of candidates, enumeration also with
five times as many; otherwise default settings. A row is a process of its own that compiles everything anew.
Rows go to `--json` as they come; those that are there already are not measured again.

What is compared was measured on training data: the score of the chosen program, over splits that the search
has not seen, and how soon the search itself, on its own folds, had a program as good as enumeration's last.
The test score is only told.
"""

from __future__ import annotations

import json
import resource
import time
from typing import Any

from _record import arguments, write
from _rows import dataset, in_a_process, known_rows

from antiphon._engine import configure

DATASETS = "investigation,mount,japanese-vowels"
MORE = 5  # Times as many candidates for enumeration.
COMPARED = ("near", "dpads")
FOR_FORMULAS = ("sums",)  # Strategies of languages over tables only: `nguyen.py` measures these.
COLUMNS = ("score", "best_score", "test", "size", "seconds", "cpu_seconds", "compile_seconds", "candidates")


def main() -> None:
    """Measure, and write after each row."""
    from antiphon.search import STRATEGIES

    every = ",".join(name for name in STRATEGIES if name not in FOR_FORMULAS)
    options = arguments(__doc__, datasets=DATASETS, strategies=every, candidates=120, seed=0, jobs=1, row="")
    if options.row:
        print(json.dumps(measure(json.loads(options.row))))
        return
    rows = known_rows(options.json)
    skipped = {}
    common = {"seed": options.seed, "jobs": options.jobs}
    for name in options.datasets.split(","):
        try:
            dataset(name)
        except FileNotFoundError as error:
            skipped[name] = str(error)
            continue
        plans = [(s, options.candidates) for s in options.strategies.split(",")]
        if "enumeration" in options.strategies:
            plans.append(("enumeration", MORE * options.candidates))
        for strategy, candidates in plans:
            plan = {"dataset": name, "strategy": strategy, "budget": candidates, **common}
            if any(plan.items() <= row.items() for row in rows):
                continue
            rows.append({**plan, **in_a_process(plan)})
            save(rows, skipped, options)
    save(rows, skipped, options)
    print(table(rows))


def measure(plan: dict[str, Any]) -> dict[str, Any]:
    """One search by the public estimator."""
    configure()
    from antiphon import ProgramClassifier
    from antiphon.estimators import program_text

    train, test = dataset(plan["dataset"])
    model = ProgramClassifier(
        strategy=plan["strategy"],
        candidates=plan["budget"],
        n_jobs=plan["jobs"],
        random_state=plan["seed"],
    )
    begun = time.perf_counter()
    model.fit(train.X, train.y, groups=train.subjects)
    seconds = time.perf_counter() - begun
    found = model.search_
    return {
        "metric": model.metric_,
        "score": found.chosen.score,
        "score_error": found.chosen.score_error,
        "best_score": max(f.score for f in found.front),
        "test": model.metric_score(test.X, test.y),
        "size": found.chosen.size,
        "cost": found.chosen.cost,
        "lowest_cost": min(f.cost for f in found.front),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds(),
        "compile_seconds": found.compile_seconds,
        "candidates": found.candidates,
        "failed": found.failed,
        "said": found.strategy,
        "trace": [list(step) for step in found.trace],
        "sketch": program_text(model.program_).sketch,
    }


def cpu_seconds() -> float:
    """What this process and its workers have computed: on a shared machine the fairer measure of time."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def reached(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each data set and each strategy of the claim: whether it is as good as enumeration with more."""
    found = []
    for name in dict.fromkeys(row["dataset"] for row in rows):
        here = [row for row in rows if row["dataset"] == name]
        yardsticks = [row for row in here if row["strategy"] == "enumeration"]
        if not yardsticks:
            continue
        most = max(yardsticks, key=lambda row: row["budget"])
        goal = most["trace"][-1][2]
        for row in here:
            if row["strategy"] not in COMPARED:
                continue
            number = next((number for _, number, score in row["trace"] if score >= goal), None)
            found.append(
                {
                    "dataset": name,
                    "strategy": row["strategy"],
                    "candidates": row["budget"],
                    "of_enumeration": most["budget"],
                    "score": row["score"],
                    "score_of_enumeration": most["score"],
                    "reached": row["score"] >= most["score"] and MORE * row["budget"] <= most["budget"],
                    "search_score_of_enumeration": goal,
                    "search_score_reached_at": number,
                }
            )
    return found


def save(rows: list[dict[str, Any]], skipped: dict[str, str], options: Any) -> None:
    """All that is known so far."""
    figures = {"rows": rows, "verdicts": reached(rows), "skipped": skipped}
    if options.json is not None:
        write("strategies", figures, options.json)


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a table in Markdown."""
    lines = [f"| data | strategy | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 2) + "|"]
    for row in rows:
        cells = [f"{row[c]:.3f}" if "score" in c or c == "test" else f"{row[c]:.0f}" for c in COLUMNS]
        lines.append(f"| {row['dataset']} | {row['strategy']} ({row['budget']}) | {' | '.join(cells)} |")
    lines += [json.dumps(verdict) for verdict in reached(rows)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
