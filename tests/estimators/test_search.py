"""The estimators with a real search behind them, as small as one can be."""

import numpy as np
import pytest

from antiphon import ProgramClassifier, ProgramRegressor, ProgramTagger, load_model
from antiphon.language import Program
from antiphon.search import Settings

LITTLE = {
    "strategy": "enumeration", "candidates": 6, "size_limit": 7, "random_state": 0,
    "options": Settings(finalists=1, steps=100),
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("searching")


def walks(task, cases=40):
    rng = np.random.default_rng(0)
    X = [np.float32(rng.normal(rng.normal(0, 2), 0.5, (6, 2))) for _ in range(cases)]
    if task == "regression":
        return X, np.array([3 * case[:, 0].mean() + 1 for case in X])
    if task == "tagging":
        return X, [np.where(case[:, 0] > 0, "walk", "rest") for case in X]
    return X, np.array(["walk" if case[:, 0].mean() > 0 else "rest" for case in X])


@pytest.mark.parametrize(
    "kind",
    [
        ProgramClassifier,
        pytest.param(ProgramRegressor, marks=pytest.mark.slow),
        pytest.param(ProgramTagger, marks=pytest.mark.slow),
    ],
)
def test_what_is_found_is_readable_and_runs(kind, tmp_path):
    X, y = walks(kind.task)
    model = kind(**LITTLE).fit(X, y, groups=np.arange(40) % 8)
    assert model.score(X, y) > 0.9
    assert model.programs_.chosen.sum() == 1
    typed = Program.parse(str(model.program_))
    again = load_model(model.save(tmp_path / "m") and tmp_path / "m")
    for one, two, three in zip(model.predict(X), typed.predict(X), again.predict(X), strict=True):
        assert np.array_equal(one, np.asarray(two, np.asarray(one).dtype))
        assert np.array_equal(one, three)


@pytest.mark.slow
def test_the_same_state_gives_the_same_program():
    X, y = walks("classification")
    one, two = (ProgramClassifier(**LITTLE).fit(X, y) for _ in range(2))
    assert str(one.program_) == str(two.program_)
    assert one.programs_.equals(two.programs_)
