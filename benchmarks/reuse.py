"""Question: does a library of earlier tasks make a search need fewer candidates for a related one?

Two sequences of five tasks. `planted`: all need whether the speed was above 5 in the mean of the last five
frames, with something else each time. `speakers`: JapaneseVowels, one speaker against the eight others. The
fifth task is searched twice, with what the first four left and without, by the same strategy from the same
seed; counted is the first complete candidate that reaches a cross-validated score.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
from _record import arguments, record

from antiphon._engine import configure

TARGETS = {"planted": 0.93, "speakers": 0.97}
FEATURES = {"speed": "cm/s", "distance": "cm", "angle": "rad", "noise": ""}
CASES, LONGEST = 240, 20


def planted(seed: int) -> list[Any]:
    """Five tasks that share one condition; each has its own data."""
    from antiphon.language import Output, sequence

    answers: list[Callable[[bool, np.ndarray], float]] = [
        lambda fast, c: fast,
        lambda fast, c: c[:, 1].mean() - 12 if fast else 0.0,
        lambda fast, c: (c[-1, 2] if fast else c[:, 3].mean()) > 0,
        lambda fast, c: c[:, 1].max() - 12 if fast else 3.0,
        lambda fast, c: (c[:, 1].mean() - 12.5 if fast else 2 * c[-1, 2]) > 0,
    ]
    tasks = []
    for number, answer in enumerate(answers):
        rng = np.random.default_rng([seed, number])
        values, mask = np.zeros((CASES, LONGEST, 4), np.float32), np.zeros((CASES, LONGEST), bool)
        targets = []
        while len(targets) < CASES:
            length = int(rng.integers(8, LONGEST + 1))
            speed = rng.uniform(2, 8) + np.cumsum(rng.normal(0, 0.9, length))
            distance = rng.uniform(5, 20) + np.cumsum(rng.normal(0, 0.5, length))
            case = np.stack([speed, distance, rng.uniform(-3, 3, length), rng.normal(0, 1, length)], axis=1)
            if abs(case[-5:, 0].mean() - 5) > 0.25:
                values[len(targets), :length], mask[len(targets), :length] = case, True
                targets.append(float(answer(bool(case[-5:, 0].mean() > 5), case)))
        y = np.array(targets)
        if number in (1, 3):
            output, y = Output("regression", targets=("y",)), y.astype(np.float32)[:, None]
        else:
            output, y = Output("classification", ("no", "yes")), y.astype(np.int32)
        language = sequence.bind(FEATURES, rate_hz=10)
        tasks.append(_task(f"task_{number + 1}", language, values, mask, y, output))
    return tasks


def speakers(seed: int) -> list[Any]:
    """Five speakers, another choice for each seed."""
    from antiphon.data import load
    from antiphon.language import Output, sequence

    train, _ = load("japanese-vowels")
    values, mask = train.X.pad()
    language = sequence.bind(dict.fromkeys(train.X.features.names, ""))
    classes = np.random.default_rng(seed).permutation(np.unique(train.y))[:5]
    return [
        _task(
            f"speaker_{name}",
            language,
            values,
            mask,
            (train.y == name).astype(np.int32),
            Output("classification", ("other", f"speaker {name}")),
        )
        for name in classes
    ]


def _task(name: str, language: Any, values: Any, mask: Any, y: np.ndarray, output: Any) -> Any:
    from antiphon.data import folds
    from antiphon.fitting import Problem
    from antiphon.search import Task

    metric = "r2" if output.task == "regression" else "accuracy" if name.startswith("task") else "f1"
    problem = Problem(language, values, mask, y, output.task, 1, metric)
    strata = y.reshape(-1)
    return Task(name, problem, output, lambda count, seed: folds(strata, n=count, seed=seed))


def first_reaching(task: Any, settings: Any, library: Any) -> dict[str, Any]:
    """How many candidates a search needs to a score; `None` if its budget did not do."""
    from antiphon.search import CandidateFitted, learn

    reached: list[int] = []
    best = [0.0]

    def listen(event: Any) -> None:
        if isinstance(event, CandidateFitted) and "?" not in event.text:
            best[0] = max(best[0], event.score)
            if event.score >= settings.target_score:
                reached.append(event.number)

    problem = replace(task.problem, language=library.extend(task.problem.language))
    begun = time.perf_counter()
    result = learn(problem, task.output, settings, split=task.split, listeners=[listen])
    return {
        "candidates": reached[0] if reached else None,
        "best_seen": best[0],
        "final_score": result.chosen.score,
        "final_size": result.chosen.size,
        "seconds": time.perf_counter() - begun,
    }


def main() -> None:
    """Measure and write."""
    options = arguments(
        __doc__, which="planted,speakers", seeds=3, earlier=100, candidates=400, strategy="beam", steps=300
    )
    configure()
    from antiphon.search import Library, Settings, learn_tasks

    figures: dict[str, Any] = {"strategy": options.strategy, "earlier": options.earlier}
    for name in options.which.split(","):
        runs = []
        for seed in range(options.seeds):
            tasks = {"planted": planted, "speakers": speakers}[name](seed)
            earlier = Settings(
                strategy=options.strategy,
                candidates=options.earlier,
                finalists=2,
                seed=seed,
                steps=options.steps,
            )
            lessons = learn_tasks(tasks[:4], earlier, abstractions=True)
            last = replace(earlier, candidates=options.candidates, target_score=TARGETS[name])
            run = {
                "seed": seed,
                "earlier_scores": {task: r.chosen.score for task, r in lessons.results.items()},
                "words": len(lessons.library.modules) + len(lessons.library.abstractions),
                "with": first_reaching(tasks[4], last, lessons.library),
                "without": first_reaching(tasks[4], last, Library()),
            }
            print(run, flush=True)
            runs.append(run)
        # A budget that did not do counts as one candidate more than it had.
        counts = {
            way: [run[way]["candidates"] or options.candidates + 1 for run in runs]
            for way in ("with", "without")
        }
        figures[name] = {
            "target_score": TARGETS[name],
            "budget": options.candidates,
            "candidates": counts,
            "median": {way: median(found) for way, found in counts.items()},
            "runs": runs,
        }
    record("reuse", figures, options.json)


if __name__ == "__main__":
    main()
