"""scikit-learn's own checks, on tables; how many ran is asserted, for none at all would be green, too."""

import warnings

import pytest
from sklearn.utils.estimator_checks import check_estimator

from antiphon import ProgramClassifier, ProgramRegressor, RecurrentClassifier, RecurrentRegressor
from antiphon.search import Settings

# The cheapest to compile: every data set of the checks has a shape of its own.
NETWORK = {
    "cell": "rnn", "hidden": 4, "bidirectional": False, "dropout": 0.0, "epochs": 40, "learning_rate": 3e-2,
}  # fmt: skip


def outcome(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    return failed, sum(r["status"] == "passed" for r in results)


@pytest.mark.usefixtures("instant")
@pytest.mark.parametrize(("estimator", "least"), [(ProgramClassifier(), 48), (ProgramRegressor(), 44)])
def test_programs_pass(estimator, least):
    failed, passed = outcome(estimator)
    assert not failed
    assert passed >= least


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "least"), [(RecurrentClassifier(**NETWORK), 48), (RecurrentRegressor(**NETWORK), 44)]
)
def test_networks_pass(estimator, least):
    failed, passed = outcome(estimator)
    assert not failed
    assert passed >= least


@pytest.mark.slow
@pytest.mark.usefixtures("searching")
@pytest.mark.parametrize(("kind", "least"), [(ProgramClassifier, 48), (ProgramRegressor, 44)])
def test_programs_pass_with_a_real_search(kind, least):
    little = {"strategy": "enumeration", "candidates": 2, "size_limit": 3, "options": Settings(finalists=1)}
    failed, passed = outcome(kind(**little))
    assert not failed
    assert passed >= least
