"""Programs learned from black boxes: agreement, questions near the data, rollouts, going on."""

import numpy as np
import pytest

from antiphon import ProgramClassifier, ProgramRegressor, RecurrentClassifier, distil
from antiphon.errors import InputError
from antiphon.search import Settings


def inputs(cases=60, seed=0):
    rng = np.random.default_rng(seed)
    return [np.float32(rng.normal(rng.normal(0, 2, 2), 0.5, (rng.integers(4, 8), 2))) for _ in range(cases)]


def rule(X):
    """Counts how often it is asked."""
    rule.asked += len(X)
    return np.array(["yes" if case[:, 0].mean() > 0 else "no" for case in X])


rule.asked = 0


@pytest.mark.usefixtures("instant")
def test_a_rule_is_imitated_within_its_budget(tmp_path):
    rule.asked, told = 0, []
    options = {"rounds": 2, "queries": 50, "target": 1.0, "random_state": 0, "journal": tmp_path}
    # The search is a fit of one linear model: what is asked, kept and told is what is tested.
    model = distil(rule, inputs(), progress=told.append, **options)
    found = model.distillation_
    assert [r.number for r in told] == list(range(len(told)))
    assert found.rounds == tuple(told)
    assert rule.asked == 60 + found.queries <= 60 + 50
    assert found.on_data > 0.8
    assert found.on_queries > 0.8
    asked = rule.asked
    again = distil(rule, inputs(), **options)
    assert str(again.program_) == str(model.program_)
    assert rule.asked == asked  # All answers were kept.


@pytest.mark.usefixtures("instant")
def test_probabilities_and_true_labels_are_used():
    def sure(X):
        p = 1 / (1 + np.exp(-np.array([case[:, 0].mean() for case in X])))
        return np.stack([1 - p, p], axis=1)

    X = inputs()
    y = np.array(["b" if case[:, 0].mean() > 0 else "a" for case in X])
    found = distil(sure, X, y, classes=["a", "b"], rounds=0, random_state=0).distillation_
    assert found.teacher_score == 1.0
    assert found.score == found.on_data
    assert np.isnan(found.on_queries)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"teacher": 3, "X": inputs(9)}, "teacher of type int"),
        ({"teacher": rule}, "Neither inputs nor a rollout"),
        ({"teacher": rule, "X": inputs(9), "rounds": -1}, "rounds=-1"),
        ({"teacher": rule, "X": inputs(9), "journal": "j"}, "random_state is None"),
        ({"teacher": rule, "X": inputs(9), "student": 3}, "student of type int"),
        ({"teacher": rule, "X": inputs(9), "task": "guessing"}, "'guessing'"),
        (
            {"teacher": rule, "X": inputs(9), "task": "tagging", "student": ProgramClassifier()},
            "a student of",
        ),
        ({"teacher": rule, "X": inputs(3)}, "3 inputs"),
        ({"teacher": rule, "y": [1], "rollout": inputs}, "labels without inputs"),
        ({"teacher": lambda X: np.eye(3)[[0] * len(X)], "X": inputs(9), "classes": "ab"}, "3 scores"),
        ({"teacher": lambda X: np.full((len(X), 2), np.nan), "X": inputs(9)}, "finite numbers"),
        ({"teacher": lambda X: ["a"], "X": inputs(9)}, "label"),
    ],
)
def test_what_cannot_be_distilled_is_said(arguments, said):
    if arguments.get("classes"):
        arguments = {**arguments, "classes": list(arguments["classes"])}
    with pytest.raises(InputError, match=said):
        distil(**arguments)


@pytest.mark.slow
@pytest.mark.usefixtures("searching")
def test_a_recurrent_network_becomes_a_program():
    X = inputs()
    y = np.array(["yes" if case[:, 0].mean() > 0 else "no" for case in X])
    teacher = RecurrentClassifier(hidden=8, epochs=30, random_state=0).fit(X, y)
    options = Settings(steps=80, finalists=1)
    student = ProgramClassifier(strategy="enumeration", candidates=4, options=options)
    model = distil(teacher, X, y, student=student, rounds=1, queries=40, random_state=0)
    assert model.distillation_.on_data > 0.85
    assert model.distillation_.on_queries > 0.85


@pytest.mark.slow
@pytest.mark.usefixtures("searching")
def test_a_controller_is_imitated_from_its_own_trajectories():
    cost = []

    def rollout(policy):
        state, met = np.random.default_rng(5).uniform(-2, 2, (10, 2)), []
        for _ in range(15):
            met.append(state.copy())
            force = np.clip(np.asarray(policy(state)).reshape(-1), -3, 3)
            speed = state[:, 1] + 0.1 * force
            state = np.stack([state[:, 0] + 0.1 * speed, speed], axis=1)
        cost.append(float((state**2).mean()))
        return np.concatenate(met)

    def controller(state):
        return -2.0 * state[:, 0] - 1.5 * state[:, 1]

    student = ProgramRegressor(strategy="enumeration", candidates=3, options=Settings(steps=80, finalists=1))
    model = distil(
        controller, rollout=rollout, student=student, rounds=1, queries=60, target=1.0, random_state=0
    )
    assert model.distillation_.queries == 60
    rollout(controller)
    rollout(model.predict)
    assert cost[-1] == pytest.approx(cost[-2], rel=0.1)
