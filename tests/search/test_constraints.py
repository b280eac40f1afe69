"""Constraints: what rejects, what limits weights, what is checked last; bounds and directions are sound."""

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import BOUND, FEATURES, programs_of

from antiphon.errors import InputError, SearchError
from antiphon.language import Language, Output, Program, parameters, parse_term, sequence
from antiphon.search import (
    CandidateFitted,
    CandidateRejected,
    Constraint,
    Monotone,
    OnlyFeatures,
    OutputBound,
    SizeLimit,
    Without,
    WithoutFeature,
    broken_constraints,
    output_bounds,
    parse_constraint,
)

pytestmark = pytest.mark.filterwarnings("error")

numbers = Output("regression", targets=("a", "b"))
classes = Output("classification", ("slow", "fast"))
ALL = [
    WithoutFeature("speed"),
    OnlyFeatures(("speed", "nose")),
    Monotone("speed", "+"),
    Monotone("speed", "-", "a class of two"),
    SizeLimit(7),
    Without("deviation"),
    OutputBound(-1, 1),
    OutputBound(-1e-3, 2.5, {"speed": (0, 5), "nose": (-1, float("inf"))}, 40),
]


def program(text, features="speed, angle", output="numbers y"):
    count = features.count(",") + 1
    return Program.parse(
        f"language sequence\ninput x: Seq[Real[{count}]] of {features}\noutput {output}\nprogram\n  {text}\n"
    )


# --- texts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("constraint", ALL, ids=str)
def test_the_text_of_a_constraint_is_the_constraint(constraint):
    assert parse_constraint(str(constraint)) == constraint
    assert parse_constraint(constraint) is constraint


@pytest.mark.parametrize(
    "text", ["", "monotone speed", "without", "size-limit -1", "output-bound 1", "no such thing", 3]
)
def test_what_is_no_constraint_is_said(text):
    with pytest.raises(InputError, match="'monotone speed\\+'"):
        parse_constraint(text)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Monotone("speed", "up"), "direction 'up'"),
        (lambda: OnlyFeatures(()), "No feature may be used"),
        (lambda: SizeLimit(0), "size limit of 0"),
        (lambda: OutputBound(1, -1), "between 1 and -1"),
    ],
)
def test_a_constraint_that_means_nothing_is_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ("without-feature sped", "'sped', which is no feature"),
        ("only-features sped", "'sped', which is no feature"),
        ("monotone sped+", "'sped', which is no feature"),
        ("monotone speed+ of sleep", "no 'sleep'"),
        ("without median", "has no word 'median'"),
        ("output-bound 0 1 for sped 0 1", "no feature 'sped'"),
        ("output-bound 0 1 for speed 1 0", "range 1 to 0"),
    ],
)
def test_a_constraint_on_what_is_not_there_is_refused_before_the_search(run, constraint, said):
    with pytest.raises(InputError, match=said):
        run(constraints=[constraint])


def test_of_several_scores_one_must_be_named(problem):
    many = problem(n_outputs=3)
    output = Output("classification", ("a", "b", "c"))
    with pytest.raises(InputError, match="write 'monotone speed\\+ of a'"):
        Monotone("speed", "+").bind(many, output)
    assert Monotone("speed", "-", "b").bind(many, output).demands(["speed"], output) == [
        ("speed", (2, -1, 2))
    ]


def test_of_two_classes_the_score_is_the_second_ones():
    for name, way in ((None, 1), ("fast", 1), ("slow", -1)):
        assert Monotone("speed", "+", name).demands(["speed"], classes) == [("speed", (way,))]


# --- searches -------------------------------------------------------------------------------------------


def moves_with(found, place):
    """Which ways the score of a program goes when a feature rises in some frames: a set of signs."""
    rng = np.random.default_rng(1)
    values = rng.normal(2, 2, (200, 8, 2)).astype(np.float32)
    raised = values.copy()
    raised[..., place] += rng.uniform(0, 3, (200, 8)) * (rng.uniform(size=(200, 8)) > 0.5)
    mask = np.ones((200, 8), bool)
    moved = found.scores(raised, mask) - found.scores(values, mask)
    return {int(s) for s in np.unique(np.sign(np.where(np.abs(moved) > 1e-4, moved, 0)))} - {0}


@pytest.fixture(scope="module")
def free(run):
    return run()


@pytest.mark.slow
def test_without_constraints_speed_decides(free):
    assert moves_with(free.chosen.program, 0) == {1}
    assert free.rejected == ()


@pytest.mark.parametrize("task", ["classification", pytest.param("tagging", marks=pytest.mark.slow)])
def test_a_feature_that_must_not_be_used_has_no_weight_anywhere(run, problem, task):
    result = run(problem(task), constraints=["without-feature speed"])
    assert len(result.front) >= 1
    for found in result.front:
        leaves = parameters(found.program.term)
        assert leaves
        for leaf in leaves.values():
            assert (leaf["weight"][:, 0] == 0).all()
            assert (leaf["weight"][:, 1] != 0).any()
        assert moves_with(found.program, 0) == set()


@pytest.mark.parametrize("task", ["classification", pytest.param("regression", marks=pytest.mark.slow)])
def test_a_score_that_must_fall_falls_or_stays(run, problem, task):
    result = run(problem(task), constraints=["monotone speed-"])
    for found in result.front:
        assert moves_with(found.program, 0) <= {-1}


def test_a_score_that_must_rise_costs_nothing_where_it_would(run, free):
    result = run(constraints=[Monotone("speed", "+")])
    assert moves_with(result.chosen.program, 0) == {1}
    assert result.chosen.score >= free.chosen.score - 0.05


def test_what_a_sketch_shows_is_rejected_before_it_costs_anything(run):
    events = []
    result = run(constraints=["without delta", "size-limit 5"], listeners=[events.append])
    rejected = [e for e in events if isinstance(e, CandidateRejected)]
    assert {e.constraint for e in rejected} == {"without delta", "size-limit 5"}
    assert {e.reason for e in rejected if e.constraint == "without delta"} == {"it uses delta"}
    assert [e.number for e in rejected] == list(range(1, len(rejected) + 1))
    assert len({e.text for e in rejected}) == len(rejected)
    fitted = [e.text for e in events if isinstance(e, CandidateFitted)]
    assert fitted
    assert not [t for t in fitted if "delta" in t]
    assert result.candidates == len(fitted)
    assert dict(result.rejected) == {
        name: sum(e.constraint == name for e in rejected) for name in ("without delta", "size-limit 5")
    }
    assert all(f.program.size <= 5 for f in result.front)


def test_a_bound_holds_in_its_box_and_decisions_stay(run, free):
    box = {"speed": (-5, 9), "angle": (-5, 9)}
    result = run(constraints=[OutputBound(-0.3, 0.3, box)])
    rng = np.random.default_rng(0)
    values = rng.uniform(-5, 9, (500, 8, 2)).astype(np.float32)
    for found in result.front:
        assert np.abs(found.program.scores(values, np.ones((500, 8), bool))).max() <= 0.3
    assert np.abs(free.chosen.program.scores(values, np.ones((500, 8), bool))).max() > 0.3
    assert result.chosen.score >= free.chosen.score - 0.05


def test_a_bound_that_nothing_keeps_is_told(run, problem):
    with pytest.raises(SearchError, match=r"output-bound 0.0 1.0 for speed 0.0 1.0: \d+ rejected") as caught:
        run(problem("regression"), constraints=["output-bound 0 1 for speed 0 1"])
    assert "angle may be anything" in str(caught.value)


def test_a_search_that_no_candidate_can_enter_ends(run):
    with pytest.raises(SearchError, match=r"size-limit 2: .* rejected .* nodes"):
        run(strategy="enumeration", constraints=["size-limit 2"])


def test_a_journal_belongs_to_its_constraints(run, tmp_path, identity):
    journal = tmp_path / "journal"
    result = run(constraints=["monotone speed-"], journal=journal)
    assert identity(run(constraints=["monotone speed-"], journal=journal)) == identity(result)
    with pytest.raises(InputError, match="constraints"):
        run(journal=journal)


@pytest.mark.slow
def test_workers_keep_to_constraints_too(run, identity):
    assert identity(run(constraints=["monotone speed-"], jobs=2)) == identity(
        run(constraints=["monotone speed-"])
    )


# --- directions -----------------------------------------------------------------------------------------


def broken(found, *constraints):
    return "".join(broken_constraints(found, constraints).values())


RISING = [
    "affine[2*speed - 1*angle](mean(x))",
    "affine[1*speed](max(x)) + affine[3*speed](last(window_mean[width=3, look=trailing](x)))",
    "affine[1*v0](tanh(affine[-1*v0](tanh(affine[-2*speed + 1*angle](first(x))))))",
    "if affine[1*angle](mean(x)) > 0 then affine[2*speed](min(x)) else affine[1*speed](mean(x))",
    "mean(map(v -> affine[2*speed](v), x))",
    "mean(map(v -> step(affine[2*speed - angle](v)), prefix_max(x)))",
    "affine[1*angle](deviation(x)) + affine[1*speed](at[frame=2](part[part=1, of=2](x)))",
    "affine[0](mean(x))",
]
OTHER = {
    "affine[-1*speed](mean(x))": "falls when speed rises",
    "affine[1*speed](deviation(x))": "deviation of speed may rise or fall",
    "affine[1*speed](mean(delta(x)))": "delta of speed may rise or fall",
    "affine[1*speed](mean(x)) + affine[-1*speed](last(x))": "speed has a weight of either sign",
    "affine[1*speed](mean(x)) * affine[1*speed](mean(x))": "its sign is not known",
    "if affine[1*speed](mean(x)) > 0 then affine[1](mean(x)) else affine[0](mean(x))": "a condition reads",
    "affine[1*v0](fold_tanh[hidden=1, kernel=[[1, 0]], recurrent=[[0]], bias=[0]](x))": "fold_tanh does",
}


@pytest.mark.parametrize("text", RISING)
def test_what_rises_is_seen_to_rise(text):
    found = program(text)
    assert broken(found, Monotone("speed", "+")) == ""
    assert moves_with(found, 0) <= {1}


@pytest.mark.parametrize(("text", "why"), OTHER.items())
def test_what_may_fall_is_rejected_with_the_reason(text, why):
    assert why in broken(program(text), Monotone("speed", "+"))


def test_what_moves_with_a_feature_is_seen():
    assert "moves with speed" in broken(program("affine[1*speed](mean(x))"), WithoutFeature("speed"))
    assert broken(program("affine[1*angle](mean(x))"), WithoutFeature("speed")) == ""
    assert "moves with speed" in broken(program("affine[1*speed](mean(x))"), OnlyFeatures(("angle",)))


SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def scores_of(found, values, mask):
    """What a program gives, run step by step, as each of many programs is run once only."""
    with jax.disable_jit():
        return found.scores(values, mask).astype(float)


def sampled(low, high, seed):
    rng = np.random.default_rng(seed)
    values = rng.uniform(low, high, (16, 8, 3))
    values[0], values[1] = low, high
    mask = np.arange(8)[None, :] < rng.integers(1, 9, 16)[:, None]
    return values.astype(np.float32), mask


@pytest.mark.slow
@SETTINGS
@given(programs_of(2), st.integers(0, 99), st.sampled_from(sorted(FEATURES)))
def test_directions_are_never_wrong(term, seed, feature):
    found = Program(term, BOUND, numbers)
    values, mask = sampled(np.full(3, -4.0), np.full(3, 4.0), seed)
    raised = values.copy()
    lift = np.random.default_rng(seed).integers(0, 2, (16, 8)) * 1.5
    raised[..., sorted(FEATURES, key=list(FEATURES).index).index(feature)] += lift
    before, after = scores_of(found, values, mask), scores_of(found, raised, mask)
    near = 1e-3 * (1 + np.abs(before) + np.abs(after))
    if not broken(found, WithoutFeature(feature)):
        assert (before == after).all()
    for i, name in enumerate(numbers.targets):
        if not broken(found, Monotone(feature, "+", name)):
            assert (after[:, i] >= before[:, i] - near[:, i]).all()
        if not broken(found, Monotone(feature, "-", name)):
            assert (after[:, i] <= before[:, i] + near[:, i]).all()


# --- bounds ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@SETTINGS
@given(programs_of(2), st.integers(0, 99), st.lists(st.floats(-5, 5), min_size=6, max_size=6))
def test_bounds_hold_what_samples_give(term, seed, edges):
    found = Program(term, BOUND, numbers)
    corners = np.sort(np.reshape(edges, (3, 2)), axis=1)
    low, high = output_bounds(found, dict(zip(FEATURES, corners.tolist(), strict=True)), frames=8)
    values, mask = sampled(*corners.T, seed)
    scores = scores_of(found, values, mask)
    real = np.isfinite(scores)
    assert ((scores >= low) | ~real).all()
    assert ((scores <= high) | ~real).all()


def test_bounds_are_those_of_the_box():
    low, high = output_bounds(
        program("affine[2*speed - 1*angle + 1](last(x))"), {"speed": (0, 1), "angle": (-1, 2)}
    )
    assert np.allclose([low, high], [[-1], [4]], atol=1e-4)
    low, high = output_bounds(program("affine[1*v0](tanh(affine[9*speed](max(x))))"), {})
    assert (low, high) == ([pytest.approx(-1, abs=1e-4)], [pytest.approx(1, abs=1e-4)])
    low, high = output_bounds(program("affine[0*speed + 2](max(x))"), {})
    assert np.allclose([low, high], 2)


def test_a_word_without_a_rule_is_named():
    mine = Language("bounded", {"speed": ""})

    @mine.primitive("Seq[Real[n]] -> Real[n]")
    def loudness(frames, mask):
        """Twice the first frame."""
        return 2 * frames[0]

    @mine.primitive("Seq[Real[n]] -> Real[n]", name="mean")
    def mean_of_another_kind(frames, mask):
        """Minus the first frame."""
        return -frames[0]

    output = Output("regression", targets=("y",))
    for word in ("loudness", "mean"):
        found = Program(parse_term(f"affine[1*speed]({word}(x))", mine), mine, output)
        with pytest.raises(InputError, match=f"'{word}' of language 'bounded'"):
            output_bounds(found, {"speed": (0, 1)})
        assert f"the word '{word}'" in OutputBound(0, 1, {"speed": (0, 1)}, 8).after(found)
        assert f"what {word} does when speed rises cannot be shown" in broken(found, Monotone("speed", "+"))


@pytest.mark.parametrize(
    ("box", "frames", "said"), [({"up": (0, 1)}, 8, "no feature 'up'"), ({"speed": (0, 1)}, 0, "frames=0")]
)
def test_a_box_that_cannot_be_is_refused(box, frames, said):
    with pytest.raises(InputError, match=said):
        output_bounds(program("affine[1*speed](mean(x))"), box, frames=frames)


def test_a_bound_without_ranges_needs_data():
    with pytest.raises(InputError, match="for speed 0 1"):
        broken_constraints(program("affine[1*speed](mean(x))"), ["output-bound 0 1"])


def test_a_constraint_of_the_base_says_nothing(problem):
    idle, found = Constraint(), program("affine[1*speed](mean(x))")
    assert idle.bind(problem(), numbers) is idle
    assert (idle.before(found.term), idle.after(found), idle.demands(["speed"], numbers)) == ("", "", [])
    assert idle.mended(found, 3) is found
    assert sequence["mean"].run is not None
