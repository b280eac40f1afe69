"""Claim: on japanese-vowels (and basic-motions) the default search finds a small program as good as a GRU.

Official split, default settings, seeds 0-4: median test accuracy of the chosen program, its size, whether it
holds a neural hole, and the baselines of the same run.
"""

from __future__ import annotations

from statistics import median

from _record import arguments, learn_and_compare, record

NEURAL = ("gru", "lstm", "rnn", "mlp", "neural")


def main() -> None:
    """Measure and write."""
    options = arguments(__doc__, dataset="japanese-vowels", seeds=5, seconds=None, jobs=1)
    from antiphon.data import load

    dataset = load(options.dataset)
    runs = [
        learn_and_compare(dataset, seed=seed, seconds=options.seconds, jobs=options.jobs)
        for seed in range(options.seeds)
    ]
    figures = {
        "dataset": dataset.name,
        "median_test": median(run["test"] for run in runs),
        "median_gru": median(run["baselines"]["GRU"] for run in runs),
        "smallest_lead_over_gru": min(run["test"] - run["baselines"]["GRU"] for run in runs),
        "largest_size": max(run["size"] for run in runs),
        "any_neural": any(word in run["sketch"].lower() for run in runs for word in NEURAL),
        "runs": runs,
    }
    record("japanese_vowels", figures, options.json)


if __name__ == "__main__":
    main()
