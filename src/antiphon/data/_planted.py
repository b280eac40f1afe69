"""Planted data sets: made from a known, noiseless rule, to try things out and to test them."""

from __future__ import annotations

import numpy as np

from antiphon.data._convert import as_sequences
from antiphon.data._dataset import Dataset, Split
from antiphon.data._features import Features

_SOURCE = "Made by Antiphon from a fixed seed."
_MOTION = Features(
    ("speed", "distance", "angle", "noise"), ("cm/s", "cm", "rad", ""), {"position": ("distance", "angle")}
)
_THRESHOLD = 5.0


def _walks(rng: np.random.Generator, cases: int, shortest: int, longest: int) -> list[np.ndarray]:
    """Make motion-like sequences `(time, feature)`: all features wander, none knows of the others."""
    out = []
    for _ in range(cases):
        time = int(rng.integers(shortest, longest + 1))
        speed = rng.uniform(2, 8) + np.cumsum(rng.normal(0, 0.9, time))
        distance = rng.uniform(5, 20) + np.cumsum(rng.normal(0, 0.5, time))
        angle = rng.uniform(-np.pi, np.pi, time)
        out.append(np.stack([speed, distance, angle, rng.normal(0, 1, time)], axis=1).astype(np.float32))
    return out


def planted_speed(seed: int = 0) -> Dataset:
    """Make `planted-speed`: the class is whether the mean speed of the last five frames is above 5.

    Cases within 0.25 of the threshold are left out, so that the rule can be found exactly.

    Example:
        >>> train, _ = planted_speed()
        >>> last = train.X[0][-5:, 0].mean()
        >>> bool(last > 5) == (train.y[0] == "fast")
        True
    """
    rng = np.random.default_rng(seed)
    cases = [walk for walk in _walks(rng, 700, 8, 20) if abs(walk[-5:, 0].mean() - _THRESHOLD) > 0.25]
    splits = []
    for part in (cases[:200], cases[200:400]):
        y = np.array(["fast" if case[-5:, 0].mean() > _THRESHOLD else "slow" for case in part])
        splits.append(Split(as_sequences(part, features=_MOTION, rate_hz=10), y))
    description = (
        "Planted: the class is 'fast' where the mean of speed over the last five frames is above 5 cm/s, "
        "else 'slow'. Without noise; three other features know nothing. 200 training and 200 test cases "
        "of 8-20 frames."
    )
    return Dataset(
        "planted-speed",
        description,
        splits[0],
        splits[1],
        "pace",
        _SOURCE,
        "classification",
        ("fast", "slow"),
    )


def planted_tags(seed: int = 0) -> Dataset:
    """Make `planted-tags`: a frame's tag is whether the mean speed of its last three frames is above 5.

    Near the start of a sequence the mean is over the frames there are.

    Example:
        >>> train, _ = planted_tags()
        >>> train.y[0].shape == train.X[0].shape[:1]
        True
    """
    rng = np.random.default_rng(seed)
    splits = []
    for _ in range(2):
        cases = _walks(rng, 100, 8, 20)
        y = [
            np.array([int(case[max(0, t - 2) : t + 1, 0].mean() > _THRESHOLD) for t in range(len(case))])
            for case in cases
        ]
        splits.append(Split(as_sequences(cases, features=_MOTION, rate_hz=10), y))
    description = (
        "Planted: a frame's tag is 1 where the mean of speed over this frame and the two before it is above "
        "5 cm/s, else 0. Without noise. 100 training and 100 test cases of 8-20 frames."
    )
    return Dataset("planted-tags", description, splits[0], splits[1], "moving", _SOURCE, "tagging", (0, 1))


def planted_table(seed: int = 0) -> Dataset:
    """Make `planted-table`: the target is `2 width - 3 height` where depth is above 0, else 1.

    Example:
        >>> train, _ = planted_table()
        >>> train.X.is_table
        True
    """
    rng = np.random.default_rng(seed)
    names = Features(("width", "height", "depth", "colour"), ("cm", "cm", "cm", ""))
    splits = []
    for _ in range(2):
        rows = rng.normal(0, 1, (200, 4))
        y = np.where(rows[:, 2] > 0, 2 * rows[:, 0] - 3 * rows[:, 1], 1.0)
        splits.append(Split(as_sequences(rows, features=names), y))
    description = (
        "Planted: a table; the target is 2 width - 3 height where depth is above 0, else 1. Without noise. "
        "200 training and 200 test rows."
    )
    return Dataset("planted-table", description, splits[0], splits[1], "amount", _SOURCE, "regression", None)


PLANTED = {
    "planted-speed": (
        planted_speed,
        "Fast or slow at the end, by a known rule (synthetic)",
        "classification",
    ),
    "planted-tags": (planted_tags, "Moving or not, frame by frame, by a known rule (synthetic)", "tagging"),
    "planted-table": (
        planted_table,
        "An amount from a row of a table, by a known rule (synthetic)",
        "regression",
    ),
}
