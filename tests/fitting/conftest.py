"""Small problems that the tests here share; few shapes, so that little is compiled."""

import numpy as np
import pytest

from antiphon.fitting import Evaluator, Folds, Problem, Schedule
from antiphon.language import parse_term, sequence

CASES, TIME = 40, 8
LANGUAGE = sequence.bind({"speed": "cm/s", "angle": "rad"}, groups={"turning": ("angle",)}, rate_hz=10)


def frames(seed=0, time=TIME):
    """Frames `(case, time, feature)` of several lengths, the mask, and the mean of each case."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, TIME + 1, CASES)
    mask = np.arange(time)[None, :] < lengths[:, None]
    centres = rng.normal(2, 2, (CASES, 1, 2))
    centres[..., 0] += np.where(centres[..., 0] > 2, 1, -1)  # fast or slow, nothing between
    values = rng.normal(centres, 0.5, (CASES, TIME, 2))
    values = np.pad(values, ((0, 0), (0, time - TIME), (0, 0)))
    values = np.where(mask[..., None], values, 0).astype(np.float32)
    return values, mask, values.sum(1) / lengths[:, None]


@pytest.fixture(scope="session")
def problem():
    """A function that makes a problem of a task."""

    def make(task="classification", *, time=TIME, metric=None, classes=2, **changes):
        values, mask, means = frames(time=time)
        targets = {
            "classification": np.digitize(means[:, 0], [2, 4][: classes - 1]).astype(np.int32),
            "regression": (3 * means[:, :1] + 1).astype(np.float32),
            "tagging": ((values[..., 0] > 2) & mask).astype(np.int32),
        }[task]
        outputs = classes if classes > 2 else 1
        metric = metric or ("r2" if task == "regression" else "accuracy")
        return Problem(LANGUAGE, values, mask, targets, task, outputs, metric, **changes)

    return make


@pytest.fixture(scope="session")
def terms():
    """A function that reads sketches for a problem."""
    return lambda problem, *texts: [parse_term(t, problem.language, problem.output_type) for t in texts]


@pytest.fixture(scope="session")
def evaluator():
    """A function that makes an evaluator with two folds: even and odd cases."""

    def make(problem, *, train=None, seed=0, **schedule):
        even = (np.arange(len(problem)) % 2 == 0).astype(np.float32)
        weights = problem.case_weights
        folds = Folds(np.stack([even, 1 - even]) * weights[None, :], np.stack([1 - even, even]))
        schedule = {"steps": 40, "learning_rate": 0.3, **schedule}
        return Evaluator(problem, train or folds, Schedule(**schedule), seed)

    return make
