"""A small language and small problems for searches of a second or two, and generated terms."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from antiphon.fitting import Problem
from antiphon.language import Output, sequence
from antiphon.search import Settings, learn
from antiphon.search._setup import set_up

sys.path.insert(0, str(Path(__file__).parents[1]))

CASES, TIME = 40, 8
OUTPUTS = {
    "classification": Output("classification", ("slow", "fast")),
    "tagging": Output("tagging", ("slow", "fast")),
    "regression": Output("regression", targets=("way",)),
}
SUMMARIES = ("mean(x)", "last(x)", "max(x)", "mean(delta(x))")


def small_language():
    """`sequence` with few rules, so that a search compiles little."""
    language = sequence.bind({"speed": "cm/s", "angle": "rad"}, groups={"turning": ("angle",)}, rate_hz=10)
    language.rules[:] = []
    language.rule("output", "affine(?summary)")
    language.rule("output", "affine(?summary) + ?output")
    language.rule("output", "map(v -> affine(v), ?stream_frames)")
    for stream in ("delta(x)", "prefix_mean(x)"):
        language.rule("stream_frames", stream)
    for summary in SUMMARIES:
        language.rule("summary", summary)
    return language


LANGUAGE = small_language()


@pytest.fixture(scope="session")
def language():
    """The small language, one for all tests."""
    return LANGUAGE


@pytest.fixture(scope="session")
def problem():
    """A function that makes a problem: the answer is in the last frames' speed."""

    def make(task="classification", **changes):
        rng = np.random.default_rng(0)
        lengths = rng.integers(4, TIME + 1, CASES)
        mask = np.arange(TIME)[None, :] < lengths[:, None]
        values = rng.normal(rng.normal(2, 2, (CASES, 1, 2)), 1.0, (CASES, TIME, 2))
        values = np.where(mask[..., None], values, 0).astype(np.float32)
        last = values[np.arange(CASES), lengths - 1, 0]
        targets = {
            "classification": (last > 2).astype(np.int32),
            "regression": (300 * last[:, None] + 5000).astype(np.float32),
            "tagging": ((values[..., 0] > 2) & mask).astype(np.int32),
        }[task]
        metric = "r2" if task == "regression" else "accuracy"
        made = {"language": LANGUAGE, "values": values, "mask": mask, "targets": targets}
        return Problem(**{**made, "task": task, "n_outputs": 1, "metric": metric, **changes})

    return make


def folds(count, seed, targets):
    """Folds as `learn` wants them."""
    if targets.ndim > 1 or targets.dtype.kind == "f":
        return list(KFold(count, shuffle=True, random_state=seed).split(targets))
    return list(StratifiedKFold(count, shuffle=True, random_state=seed).split(targets, targets))


@pytest.fixture(scope="session")
def run(problem):
    """A function that runs a small search: settings by name, besides a problem, journal and listeners."""

    def search(given=None, *, journal=None, listeners=(), executor=None, constraints=(), **settings):
        given = given or problem()
        small = {"candidates": 12, "size_limit": 7, "steps": 20, "finalists": 2, **settings}
        return learn(
            given,
            OUTPUTS[given.task],
            Settings(**small),
            split=lambda count, seed: folds(count, seed, given.targets),
            journal=journal,
            listeners=listeners,
            executor=executor,
            constraints=constraints,
        )

    return search


@pytest.fixture(scope="session")
def setup_of(problem):
    """A function that makes a problem ready for a search, and goes no further."""

    def make(task="classification", **settings):
        given = problem(task)
        return set_up(
            given, OUTPUTS[task], Settings(**settings), lambda n, seed: folds(n, seed, given.targets)
        )

    return make


def summary_of(result):
    """What must be the same in two runs of one search."""
    front = [(str(f.program), f.score, f.loss, f.size, f.cost) for f in result.front]
    return front, str(result.chosen.program), result.candidates, result.failed


@pytest.fixture(scope="session")
def identity():
    """The function that says what must be the same in two runs of one search."""
    return summary_of
