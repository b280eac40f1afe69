"""Settings that make no sense are refused."""

import pytest

from antiphon.errors import InputError
from antiphon.search import STRATEGIES, Settings


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("candidates", 0, "At least 1"),
        ("seconds", 0, "Above 0, or None"),
        ("seconds", -1.5, "Above 0, or None"),
        ("size_limit", 2, "At least 3"),
        ("penalty", -0.1, "At least 0"),
        ("finalists", 0, "At least 1"),
        ("jobs", 0, "At least 1"),
        ("steps", 9, "At least 10"),
        ("digits", 0, "At least 1, or None"),
        ("relaxation", "none", "One of summaries, recurrent"),
        ("strategy", "luck", "One of auto, beam, near"),
    ],
)
def test_what_makes_no_sense(name, value, expected):
    with pytest.raises(InputError, match=f"Expected: {expected[0].lower()}{expected[1:]}") as caught:
        Settings(**{name: value})
    assert f"{name} is {value!r}" in str(caught.value)


def test_processes_and_a_cluster_are_not_both_had():
    with pytest.raises(
        InputError, match=r"cluster is 'tcp://a:1'\. Expected: left out where jobs is above 1"
    ):
        Settings(jobs=2, cluster="tcp://a:1")


def test_what_does():
    assert Settings(seconds=None, digits=None, penalty=0.0).strategy in STRATEGIES
    assert all(description for description in STRATEGIES.values())
