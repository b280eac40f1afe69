"""Question: do weights shared in a supernet rank cells of NAS-Bench-201 as training each by itself does?

Measured so far: hardly. 24 cells on japanese-vowels, 2 folds, 100 steps (`results/architecture.json`): a rank
correlation of 0.25 (Spearman) and 0.18 (Kendall) between the losses, which 24 cells cannot tell from none, in
a fifth of the time. The cells are nearly as good as each other: accuracies of 0.91 to 0.95 by themselves.

A sample of cells on one data set: their held-out losses with shared weights (single-path one-shot, Guo et al.
2020) and after training each alone, by Spearman's and Kendall's rank correlation, and the time of both.
"""

from __future__ import annotations

import time

import numpy as np
from _record import arguments, record
from scipy.stats import kendalltau, spearmanr

from antiphon._engine import configure

EDGES = ("none({0})", "skip({0})", "conv[width=1]({0})", "conv[width=3]({0})", "pool({0})")


def main() -> None:
    """Measure and write."""
    options = arguments(__doc__, dataset="japanese-vowels", cells=30, steps=100, folds=3, seed=0)
    configure()
    from antiphon.data import folds, load
    from antiphon.fitting import Evaluator, Folds, Problem, Schedule, SharedEvaluator, text_of
    from antiphon.language import nas_bench_201, parse_term

    train, _ = load(options.dataset)
    values, mask = train.X.pad()
    classes, targets = np.unique(np.asarray(train.y), return_inverse=True)
    language = nas_bench_201.bind({f"f{i}": "" for i in range(values.shape[2])})
    outputs = len(classes) if len(classes) > 2 else 1
    problem = Problem(language, values, mask, targets.astype(np.int32), "classification", outputs, "accuracy")
    pairs = folds(np.asarray(train.y), train.subjects, n=options.folds, seed=options.seed)
    fit, held = (np.zeros((len(pairs), len(values)), np.float32) for _ in range(2))
    for i, (inside, outside) in enumerate(pairs):
        fit[i, inside] = held[i, outside] = 1.0

    def cell(operations: list[int]):
        e = [EDGES[o].format(v) for o, v in zip(operations, "aababc", strict=True)]
        body = f"a -> {e[0]}, a -> b -> {e[1]} + {e[2]}, a -> b -> c -> {e[3]} + {e[4]} + {e[5]}"
        text = f"linear(mean(cell({body}, embed[width=16](standard(x)))))"
        return parse_term(text, language, problem.output_type)

    rng = np.random.default_rng(options.seed)
    drawn = np.unique(rng.integers(len(EDGES), size=(4 * options.cells, 6)), axis=0)
    cells = [cell(row.tolist()) for row in rng.permutation(drawn)[: options.cells]]
    schedule = Schedule(steps=options.steps, evaluations=1, keep_best=False)
    space = [cell([i] * 6) for i in range(len(EDGES))]
    shared = SharedEvaluator(problem, Folds(fit, held), schedule, options.seed, space=space)
    begun = time.perf_counter()
    by_supernet = shared.fit(cells)
    seconds_shared = time.perf_counter() - begun
    alone = Evaluator(problem, Folds(fit, held), schedule, options.seed)
    begun = time.perf_counter()
    by_itself = [alone.fit([c])[0] for c in cells]
    seconds_alone = time.perf_counter() - begun

    def correlations(attribute: str) -> dict[str, float]:
        a, b = ([getattr(f, attribute) for f in found] for found in (by_supernet, by_itself))
        rank, tau = spearmanr(a, b), kendalltau(a, b)
        return {"spearman": float(rank.statistic), "kendall": float(tau.statistic)}  # type: ignore[union-attr]

    # A cell that passes nothing on is easy to tell: without those the ranking is harder.
    telling = [i for i, f in enumerate(by_itself) if not f.constant]
    best = min(range(len(cells)), key=lambda i: by_supernet[i].loss)
    ranked = sorted(range(len(cells)), key=lambda i: by_itself[i].loss)
    loss_of_telling = [[found[i].loss for i in telling] for found in (by_supernet, by_itself)]
    figures = {
        "dataset": options.dataset,
        "seed": options.seed,
        "cells": len(cells),
        "cells_that_tell": len(telling),
        "loss": correlations("loss"),
        "accuracy": correlations("score"),
        "loss_of_cells_that_tell": {
            "spearman": float(spearmanr(*loss_of_telling).statistic),  # type: ignore[union-attr]
            "kendall": float(kendalltau(*loss_of_telling).statistic),  # type: ignore[union-attr]
        },
        "place_of_the_supernets_best": ranked.index(best) + 1,
        "seconds_shared": seconds_shared,
        "seconds_alone": seconds_alone,
        "losses": [
            {"cell": text_of(c, language), "shared": s.loss, "alone": a.loss, "accuracy": a.score}
            for c, s, a in zip(cells, by_supernet, by_itself, strict=True)
        ],
    }
    record("architecture", figures, options.json)


if __name__ == "__main__":
    main()
