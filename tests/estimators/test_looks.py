"""What is said of where a program looks must be true of the program."""

import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.data import as_sequences, load
from antiphon.estimators import looks, show_program
from antiphon.estimators._judge import Judge, importance
from antiphon.estimators._looks import contributions, thresholds, windows
from antiphon.language import Language, Program

HEAD = "language sequence\ninput x: Seq[Real[2]] of speed [cm/s], angle [rad]\nrate 10 Hz\n"
CLASSES = HEAD + 'output classes ["a", "b", "c"]\nprogram\n  '
TWO = HEAD + 'output classes ["no", "yes"]\nprogram\n  '
TAGS = HEAD + 'output tags ["no", "yes"]\nprogram\n  '
NUMBER = HEAD + "output numbers y\nprogram\n  "


def cases(lengths=(5, 9, 3), seed=0):
    rng = np.random.default_rng(seed)
    frames = [rng.normal(0, 2, (n, 2)).astype(np.float32) for n in lengths]
    return as_sequences(frames, features=["speed", "angle"], rate_hz=10)


def scores_of(program, X):
    return program.scores(*X.pad())


def margins(program, X):
    """The winning score minus the runner-up's."""
    scores = np.sort(scores_of(program, X), axis=-1)
    return scores[:, -1] - scores[:, -2]


def test_in_a_linear_program_they_add_up_to_the_margin():
    program = Program.parse(
        CLASSES + "affine[speed - 2*angle; 3*speed + 1; angle - 1](mean(x)) "
        "+ affine[0.5*angle; speed; 2*speed](last(x))"
    )
    X, average = cases(), np.array([0.3, -0.2], np.float32)
    winners = program.scores(*X.pad()).argmax(-1)
    level = program.scores(np.tile(average, (1, 4, 1)), np.ones((1, 4), bool))[0]
    for weight, margin, scores, winner in zip(
        contributions(program, X, average),
        margins(program, X),
        program.scores(*X.pad()),
        winners,
        strict=True,
    ):
        rival = np.argsort(scores)[-2]
        np.testing.assert_allclose(
            weight.sum(), margin - (level[winner] - level[rival]), rtol=1e-4, atol=1e-5
        )


def test_what_speaks_for_no_counts_for_no():
    program = Program.parse(TWO + "affine[1*speed](mean(x))")
    X = as_sequences([np.float32([[-4, 0], [-2, 0]])], features=["speed", "angle"])
    (weight,) = contributions(program, X, np.zeros(2, np.float32))
    np.testing.assert_allclose(weight, [[2, 0], [1, 0]])


def test_a_hard_choice_passes_only_the_branch_that_was_taken():
    program = Program.parse(
        NUMBER + "if affine[1*speed](last(x)) > 0 "
        "then affine[2*speed](first(x)) else affine[5*angle](first(x))"
    )
    X = as_sequences(
        [np.float32([[1, 1], [1, 1]]), np.float32([[1, 1], [-1, 1]])], features=["speed", "angle"]
    )
    yes, no = contributions(program, X, np.zeros(2, np.float32))
    np.testing.assert_allclose(yes, [[2, 0], [0, 0]])
    np.testing.assert_allclose(no, [[0, 5], [0, 0]])


def test_a_program_of_tags_and_one_on_a_table_have_contributions():
    tags = Program.parse(TAGS + "map(v -> affine[1*speed](v), x)")
    assert [w.shape for w in contributions(tags, cases(), np.zeros(2, np.float32))] == [
        (5, 2),
        (9, 2),
        (3, 2),
    ]
    table = Program.parse(
        "language sequence\ninput x: Real[2] of a, b\noutput numbers y\nprogram\n  affine[a - b](x)"
    )
    rows = as_sequences(np.float32([[1, 2], [3, 4]]), features=["a", "b"])
    found = contributions(table, rows, np.zeros(2, np.float32))
    np.testing.assert_allclose(np.concatenate(found), [[1, -2], [3, -4]])
    assert windows(table, rows[0]) == ()


@pytest.mark.parametrize(
    ("term", "seen"),
    [
        ("mean(x)", (0, 9)),
        ("max(x)", (0, 9)),
        ("min(part[part=1, of=3](x))", (0, 3)),
        ("last(window_mean[width=4, look=trailing](x))", (5, 9)),
        ("first(window_max[width=3, look=leading](x))", (0, 3)),
        ("middle(delta(x))", (3, 5)),
        ("at[frame=2](x)", (2, 3)),
    ],
)
def test_a_summary_sees_the_frames_that_change_it(term, seen):
    program = Program.parse(NUMBER + f"affine[speed + angle]({term})")
    (window,) = windows(program, cases()[1])
    assert window[1:] == seen


def test_for_tags_it_is_what_is_seen_of_the_middle_frame():
    program = Program.parse(TAGS + "map(v -> affine[1*speed](v), window_mean[width=3, look=centred](x))")
    (window,) = windows(program, cases()[1])
    assert window[1:] == (3, 6)
    assert "frame 4" in window[0]


def test_words_of_ones_own_are_asked_too():
    mine = Language("looking", features={"speed": "cm/s", "angle": "rad"})

    @mine.primitive("Seq[Real[n]] -> Real[n]", prints="second frame of {0}")
    def second(frames, mask):
        return frames[jnp.minimum(1, mask.shape[0] - 1)]

    program = Program.parse(
        "language looking\ninput x: Seq[Real[2]] of speed, angle\noutput numbers y\n"
        "program\n  affine[1*speed](second(x))"
    )
    assert windows(program, cases()[0])[0][1:] == (1, 2)


def test_long_sequences_are_changed_in_stretches():
    program = Program.parse(NUMBER + "affine[1*speed](mean(part[part=2, of=2](x)))")
    (_, first, stop) = windows(program, np.zeros((1000, 2), np.float32))[0]
    assert abs(first - 500) < 10
    assert stop == 1000


def test_thresholds_are_where_a_single_feature_is_compared():
    program = Program.parse(
        TWO
        + "if affine[-2*speed + 5](mean(x)) > 0 then affine[speed + angle](last(x)) else affine[3](last(x))"
    )
    assert thresholds(program) == (("speed", 2.5, "<"),)
    decided = Program.parse(TWO.replace('"yes"]', '"yes"] threshold 0.75') + "affine[2*speed](mean(x))")
    ((name, value, sign),) = thresholds(decided)
    assert (name, sign) == ("speed", ">")
    assert value == pytest.approx(np.log(3) / 2, rel=1e-4)


def test_a_threshold_on_another_scale_is_not_drawn_over_the_feature():
    assert thresholds(Program.parse(TWO + "affine[2*speed - 1](deviation(x))")) == ()
    assert thresholds(Program.parse(TWO + "affine[2*speed - 1](mean(delta(x)))")) == ()


def test_importance_is_the_loss_when_a_feature_is_exchanged():
    program = Program.parse(
        "language sequence\ninput x: Seq[Real[4]] of speed, distance, angle, noise\n"
        "output tags [0, 1]\nprogram\n"
        "  map(v -> affine[speed - 5](v), window_mean[width=3, look=trailing](x))"
    )
    test = load("planted-tags").test
    judge = Judge("tagging", (0, 1), "accuracy")
    assert judge(program.predict(list(test.X)), test.y) == 1
    (first, loss), *rest = importance(program, test, judge, repeats=2)
    assert first == "speed"
    assert 0.2 < loss < 0.8
    assert all(value == 0 for _, value in rest)


def test_examples_are_right_and_wrong_ones_of_different_classes():
    dataset = load("planted-speed")
    program = Program.parse(
        "language sequence\ninput x: Seq[Real[4]] of speed [cm/s], distance [cm], angle [rad], noise\n"
        "rate 10 Hz\n"
        'output classes ["fast", "slow"]\nprogram\n  affine[-1*speed + 5](mean(x))'
    )
    found = looks(program, dataset, program.predict(list(dataset.test.X)))
    right = [look for look in found if look.true_label == look.predicted_label]
    assert len(found) == 4
    assert len(right) == 2
    assert {look.true_label for look in right} == {"fast", "slow"}
    assert found[0].thresholds == (("speed", 5.0, "<"),)


def test_the_graph_is_what_runs():
    program = Program.parse(NUMBER + "affine[1*speed](mean(x))")
    text = show_program(program, "graph")
    assert text.startswith("def scores(frames: f32[T, ")
    assert "sum(" in text or "mean(" in text


def test_labels_that_a_model_does_not_know_are_named():
    from antiphon.errors import InputError

    with pytest.raises(InputError, match="z"):
        Judge("classification", ("a", "b"), "accuracy")(["a"], ["z"])
