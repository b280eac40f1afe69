"""Claim: on CalMS21 (investigation) the search beats logistic regression on averages and is near a GRU.

Positive-class F1; the first 1,500 sequences train, the last 500 test; default settings, seeds 0-4. The data
are not part of the project: without them the benchmark says so and stops.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

from _record import arguments, learn_and_compare, record

# Groups of columns, from the description of the data.
GROUPS = {
    "res_angle_head_body": 2,
    "axis_ratio": 2,
    "speed": 2,
    "acceleration": 2,
    "tangential_velocity": 2,
    "rel_angle_social": 2,
    "angle_between": 1,
    "facing_angle": 2,
    "overlap_bboxes": 1,
    "area_ellipse_ratio": 1,
    "min_res_nose_dist": 1,
}
FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "calms21"


def features():
    """Names of the 18 columns, and their groups."""
    from antiphon.data import Features

    names, groups = [], {}
    for group, count in GROUPS.items():
        members = (group,) if count == 1 else tuple(f"{group}_{i + 1}" for i in range(count))
        names += members
        if count > 1:
            groups[group] = members
    return Features(tuple(names), groups=groups)


def main() -> None:
    """Measure and write."""
    options = arguments(
        __doc__, folder=str(FOLDER), target="investigation", seeds=5, seconds=None, jobs=1, test=500
    )
    if not Path(options.folder).is_dir():
        sys.exit(f"skipped: there is no folder {options.folder} with the data")
    from antiphon.data import load

    dataset = load(options.folder, target=options.target, test_size=options.test, features=features())
    runs = [
        learn_and_compare(dataset, seed=seed, seconds=options.seconds, jobs=options.jobs)
        for seed in range(options.seeds)
    ]
    names = runs[0]["baselines"]
    figures = {
        "target": options.target,
        "training": len(dataset.train),
        "test": len(dataset.test),
        "median_test": median(run["test"] for run in runs),
        "median_baselines": {name: median(run["baselines"][name] for run in runs) for name in names},
        "runs": runs,
    }
    record("calms21", figures, options.json)


if __name__ == "__main__":
    main()
