"""Programs as wholes: their text, their numbers, and what they refuse."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from strategies import BOUND, padded

from antiphon.errors import InputError, LanguageError
from antiphon.language import (
    Apply,
    Language,
    Output,
    Parameters,
    Program,
    Var,
    data_arrays,
    evaluate,
    parameters,
    parse_term,
    sequence,
    with_language,
)

TWO = Output("classification", ("rest", "walk"))
HEAD = """language sequence
input x: Seq[Real[3]] of speed [cm/s], nose [cm], angle
rate 30 Hz
"""
BODIES = {
    "classes": (
        "classes [1, 2, 3]",
        "affine[1.5*speed; nose - 2; 0.1*angle](mean(x)) + affine[0.25; speed; 3](last(x))",
    ),
    "two": (
        'classes ["a", "b"] threshold 0.3',
        "if affine[nose - 1](deviation(x)) > 0 then affine[1*speed](max(x)) else affine[2](max(x))",
    ),
    "numbers": ("numbers y, z", "affine[speed; nose](mean(window_max[width=3, look=centred](delta(x))))"),
    "tags": (
        "tags [0, 1, 2]",
        "map(v -> affine[speed; nose - 0.1; 0.2](v), window_mean[width=4, look=leading](x))",
    ),
    "fold": (
        "numbers y",
        "affine[v0 - v1](fold_tanh[hidden=2, bias=[0.1, 0], kernel=[[1, 0, 0.5], [0, 1, 0]], "
        "recurrent=[[0.5, 0], [0, 0.5]]](x))",
    ),
}


def program(kind: str) -> Program:
    output, body = BODIES[kind]
    return Program.parse(f"{HEAD}output {output}\nprogram\n  {body}\n")


@pytest.fixture(scope="module")
def batch():
    generator = np.random.default_rng(1)
    sequences = [generator.normal(size=(n, 3)).astype(np.float32) for n in (5, 40, 1, 33, 17, 64, 2, 31)]
    padding = [padded(s, 70, rubbish=9.0) for s in sequences]
    return sequences, np.stack([v for v, _ in padding]), np.stack([m for _, m in padding])


@pytest.mark.parametrize("kind", BODIES)
def test_a_case_has_the_same_scores_in_any_batch(kind, batch):
    learned = program(kind)
    sequences, values, mask = batch
    whole = learned.scores(values, mask)
    order = np.array([3, 0, 7, 2, 6, 1, 5, 4])
    np.testing.assert_array_equal(learned.scores(values[order], mask[order]), whole[order])
    data = data_arrays(learned.term, learned.language, learned.typing)
    for i, frames in enumerate(sequences):
        length = len(frames)
        alone = learned.scores(frames[None], np.ones((1, length), bool))[0]
        together = whole[i, :length] if learned.output.task == "tagging" else whole[i]
        np.testing.assert_array_equal(alone, together)
        if i < 2:
            inputs = {"x": (frames, np.ones(length, bool))}
            single = evaluate(learned.term, learned.language, inputs, parameters(learned.term), data)
            single = single[0] if isinstance(single, tuple) else single
            np.testing.assert_allclose(alone, np.asarray(single), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", BODIES)
def test_the_text_is_the_program(kind, batch):
    learned = program(kind)
    again = Program.parse(str(learned))
    assert again == learned
    assert pickle.loads(pickle.dumps(learned)) == learned
    _, values, mask = batch
    np.testing.assert_array_equal(again.scores(values, mask), learned.scores(values, mask))


def test_many_cases_run_in_chunks():
    learned = program("classes")
    frames = np.random.default_rng(2).normal(size=(150, 6, 3)).astype(np.float32)
    mask = np.ones((150, 6), bool)
    scores = learned.scores(frames, mask)
    np.testing.assert_array_equal(scores[140], learned.scores(frames[140:141], mask[140:141])[0])
    assert learned.scores(frames[:0], mask[:0]).shape == (0, 3)
    assert program("tags").scores(frames[:0], mask[:0]).shape == (0, 6, 3)


def test_what_scores_mean(batch):
    sequences, values, mask = batch
    learned = program("two")
    probabilities = learned.probabilities(values, mask)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    wanted = np.where(probabilities[:, 1] > 0.3, "b", "a")
    assert learned.predict(sequences).tolist() == wanted.tolist()
    three = program("classes")
    assert three.predict(sequences).tolist() == (1 + three.scores(values, mask).argmax(1)).tolist()
    np.testing.assert_allclose(three.probabilities(values, mask).sum(1), 1)
    assert program("numbers").predict(sequences).shape == (8, 2)
    assert program("fold").predict(sequences).shape == (8,)
    tags = program("tags").predict(sequences)
    assert [len(t) for t in tags] == [len(s) for s in sequences]
    assert program("tags").scores(values, mask)[2, 1:].any() == np.False_


def test_programs_on_tables():
    text = "language sequence\ninput x: Real[2] of a, b\noutput classes [false, true]\n"
    text += "program\n  affine[a - b](x)\n"
    learned = Program.parse(text)
    assert Program.parse(str(learned)) == learned
    assert learned.predict(np.array([[3.0, 1.0], [1.0, 3.0]])).tolist() == [True, False]
    assert learned.scores(np.ones((2, 1, 2), np.float32), np.ones((2, 1), bool)).shape == (2, 1)
    with pytest.raises(InputError, match="2 frames a case"):
        learned.scores(np.ones((1, 2, 2), np.float32), np.ones((1, 2), bool))


def test_a_program_keeps_only_what_it_prints():
    weight = np.array([[1.0, -0.0, 2.0]], np.float64)
    arrays = Parameters(weight=weight, bias=np.zeros(1), centre=np.array([0.5, 0.5, 0.5]))
    term = Apply("affine", (Apply("mean", (Var("x"),)),), (("group", "nose"),), arrays)
    kept = parameters(Program(term, BOUND, TWO).term)["root"]
    assert all(a.dtype == np.float32 for a in kept.values())
    assert not kept["weight"].any()
    assert not kept["centre"].any()
    assert not np.signbit(kept["weight"]).any()


def test_headers_keep_units_groups_and_rates():
    units = {
        "a": "m / s",
        "b": '"odd" [x], #',
        "c": "",
        "d": "two  spaces",
        **{f"long_name_{i}": "cm" for i in range(30)},
    }
    bound = sequence.bind(units, groups={"some group": ("a", "c")}, rate_hz=29.97)
    learned = Program(parse_term('affine["some group": 2*a - c](mean(x))', bound), bound, TWO)
    names = tuple(f"kind {i} of  song" for i in range(20))
    many = Program(
        parse_term("; ".join(["affine[1*a"] + ["2*c"] * 19) + "](mean(x))", bound),
        bound,
        Output("classification", names),
    )
    assert Program.parse(str(many)) == many
    assert '"kind 3 of  song"' in str(many)
    again = Program.parse(str(learned))
    assert again == learned
    assert again.language.features == units
    assert max(map(len, str(learned).splitlines())) <= 110


def test_rows_carry_the_names_of_the_classes():
    text = str(program("classes"))
    assert text.count("# 2") == 2
    commented = text.replace("language sequence", "# learned yesterday\nlanguage sequence  # the ready one\n")
    assert Program.parse(commented) == program("classes")


def test_a_language_of_ones_own_is_found_by_name():
    own = Language("birdsong_of_the_tests", {"pitch": "Hz"}, groups={"g": ("pitch",)}, rate_hz=100)

    @own.primitive("Seq[Real[n]] -> Real[n]", prints="loudest {0}")
    def loudest(frames, mask):
        return (frames * mask.astype(frames.dtype)[:, None]).max(0)

    learned = Program(parse_term("affine[1*pitch](loudest(x))", own), own, TWO)
    assert Program.parse(str(learned)) == learned
    assert "birdsong_of_the_tests" in repr(own)
    unknown = str(learned).replace("birdsong_of_the_tests", "elsewhere")
    with pytest.raises(
        LanguageError, match=r"(?s)'elsewhere' is not known here\. At line 1, column 10.*import the"
    ) as e:
        Program.parse(unknown)
    assert "languages={" in str(e.value)
    assert Program.parse(unknown, languages={"elsewhere": own}) == learned


def test_binding_keeps_what_the_language_knows():
    own = Language(
        "bound_in_tests", {"a": "cm", "b": ""}, groups={"both": ("a", "b"), "one": ("a",)}, rate_hz=10
    )
    bound = own.bind({"a": "", "c": "s"})
    assert (bound.features, bound.groups, bound.rate_hz) == ({"a": "cm", "c": "s"}, {"one": ("a",)}, 10)
    assert own.features == {"a": "cm", "b": ""}
    renamed = with_language(program("fold"), sequence.bind({"a": "", "b": "", "c": ""}))
    assert "of a, b, c" in str(renamed)


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("language", "langage"), 1, "A line that starts with 'langage'"),
        (("rate 30 Hz", "rate fast"), 3, "A rate that cannot be read"),
        (("rate 30 Hz", "rate 3-0 Hz"), 3, "A rate that cannot be read"),
        (("rate 30 Hz", "language sequence"), 3, "A second line 'language'"),
        (("Seq[Real[3]]", "Seq[Real[3]"), 2, "A type that cannot be read"),
        (("Seq[Real[3]]", "Seq[Seq[Real[3]]]"), 2, "The input has type"),
        (("Seq[Real[3]]", "Seq[Real[4]]"), 2, "but 3 features"),
        (("nose [cm]", "speed"), 2, "is there twice"),
        (("nose [cm]", "5"), 2, "Nothing that can be read"),
        (("nose [cm]", "nose [cm] tail"), 2, "Unexpected 't'"),
        (("input x:", "input y:"), 2, "An input that cannot be read"),
        (("rate 30 Hz", "groups {"), 3, "This cannot be read"),
        (("rate 30 Hz", "groups [1]"), 3, "These are no groups"),
        (("rate 30 Hz", 'groups {"g": ["tail"]}'), 3, "names 'tail'"),
        (("output classes", "output lasses"), 4, "An output that cannot be read"),
        (("[1, 2, 3]", "[1, 2, 3"), 4, "This cannot be read"),
        (("[1, 2, 3]", "[1, 2, 3] treshold 0.5"), 4, "An output that cannot be read"),
        (("[1, 2, 3]", "[1, 2, 3] threshold 0.5"), 4, "The threshold 0.5"),
        (("[1, 2, 3]", "[1, 2] threshold 0.5.5"), 4, "could not convert"),
        (("[1, 2, 3]", "[1]"), 4, "The classes [1]"),
        (("classes [1, 2, 3]", "numbers a, b c"), 4, "Unexpected 'c'"),
        (("program\n", "programme\n"), 5, "A line that starts with 'programme'"),
        (("1.5*speed", "1.5*sped"), 7, "no entry 'sped'"),
        (("affine[0.25; speed; 3](last(x))", "affine(last(x))"), 11, "affine has no numbers"),
        (("affine[0.25; speed; 3](last(x))", "?output"), 11, "The hole ?output"),
    ],
)  # fmt: skip
def test_errors_point_into_the_whole_text(change, line, says):
    text = str(program("classes")).replace(
        "0.25;  # 1\n      speed;  # 2\n      3  # 3\n    ", "0.25; speed; 3"
    )
    text = text.replace("affine[\n      0.25; speed; 3]", "affine[0.25; speed; 3]")
    assert change[0] in text
    with pytest.raises(LanguageError) as caught:
        Program.parse(text.replace(*change, 1))
    assert says in str(caught.value), str(caught.value)
    assert f"At line {line}," in str(caught.value), str(caught.value)


def test_texts_that_end_too_early():
    with pytest.raises(LanguageError, match="before the line 'program'"):
        Program.parse("language sequence\n")
    with pytest.raises(LanguageError, match="no line 'input' above"):
        Program.parse("language sequence\nprogram\n  mean(x)")
    with pytest.raises(LanguageError, match="The text ends"):
        Program.parse(f"{HEAD}output numbers y\nprogram\n")


def test_terms_that_are_no_programs():
    with pytest.raises(LanguageError, match="no features"):
        Program(Var("x"), sequence, TWO)
    with pytest.raises(LanguageError, match=r"hole \?output"):
        Program(parse_term("?output", BOUND, TWO.type), BOUND, TWO)
    with pytest.raises(LanguageError, match="this is a sketch"):
        Program(parse_term("affine(mean(x))", BOUND, TWO.type), BOUND, TWO)
    with pytest.raises(LanguageError, match=r"has type Seq\[Real\[3\]\]"):
        Program(parse_term("mean(x)", BOUND), BOUND, TWO)
    arrays = Parameters(weight=np.full((1, 3), np.nan), bias=np.zeros(1), centre=np.zeros(3))
    with pytest.raises(LanguageError, match="NaN or infinite"):
        Program(Apply("affine", (Apply("mean", (Var("x"),)),), (("group", "all"),), arrays), BOUND, TWO)
    with pytest.raises(LanguageError, match="no feature or feature group 'tail'"):
        BOUND.group_members("tail", BOUND.frame_type)


def test_inputs_that_do_not_fit():
    learned = program("two")
    with pytest.raises(InputError, match=r"\(case, time, 3\)"):
        learned.scores(np.zeros((1, 4, 2), np.float32), np.ones((1, 4), bool))
    with pytest.raises(InputError, match=r"Case 1 has shape \(4, 2\)"):
        learned.predict([np.zeros((4, 3)), np.zeros((4, 2))])
    with pytest.raises(InputError, match="Case 0 has a value that is NaN"):
        learned.predict([np.full((4, 3), np.inf)])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"task": "guessing"}, "'guessing' is unknown"),
        ({"task": "regression"}, "without targets"),
        ({"task": "classification", "classes": (1, 1)}, "at least two different"),
        ({"task": "tagging", "classes": (1, 2), "targets": ("y",)}, "no targets"),
        ({"task": "classification", "classes": (np.int64(1), np.int64(2))}, "no plain Python value"),
        ({"task": "classification", "classes": (1, 2), "threshold": 1.5}, "threshold 1.5"),
        ({"task": "classification", "classes": (1, 2, 3), "threshold": 0.5}, "two classes only"),
    ],
)
def test_outputs_that_make_no_sense(arguments, says):
    with pytest.raises(InputError, match=says):
        Output(**arguments)
    with pytest.raises(InputError, match="Probabilities of a regression"):
        program("fold").probabilities(np.zeros((1, 2, 3), np.float32), np.ones((1, 2), bool))
