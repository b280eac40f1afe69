"""What is printed reads back as what it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from strategies import BOUND, FEATURES, programs_of, streams

from antiphon.errors import LanguageError
from antiphon.language import (
    Fn,
    Output,
    Program,
    Real,
    check,
    parse_term,
    parse_type,
    print_term,
    sequence,
    size,
    sketch,
)

QUICK = settings(max_examples=100, deadline=None)


@QUICK
@given(term=programs_of(1))
def test_a_term_reads_back_equal(term):
    term = Program(term, BOUND, Output("classification", (0, 1))).term
    assert parse_term(print_term(term, BOUND), BOUND, Real(1)) == term


@QUICK
@given(term=programs_of(3))
def test_a_program_reads_back_equal(term):
    program = Program(term, BOUND, Output("classification", ("a #1", "two\nlines", 'quo"te')))
    again = Program.parse(str(program))
    assert again == program
    assert hash(again) == hash(program)
    assert str(again) == str(program)


@QUICK
@given(stream=streams(3))
def test_a_sketch_reads_back_equal(stream):
    term = sketch(stream[0])
    try:
        typing = check(term, BOUND)
    except LanguageError:
        assume(False)  # without its arrays the size of an inner map may be open
    assert parse_term(print_term(term, BOUND, typing), BOUND) == term


def test_a_lone_entry_is_not_taken_for_a_group():
    term = parse_term("affine[1*nose](mean(x))", BOUND)
    assert parse_term(print_term(term, BOUND), BOUND) == term
    assert parse_term("affine[nose](mean(x))", BOUND, Real(1)).parameters is None


def test_operators_bind_as_written():
    for text in [
        "mean(x) + last(x) * max(x)",
        "(mean(x) + last(x)) * max(x)",
        "mean(x) + (last(x) + max(x))",
    ]:
        assert print_term(parse_term(text, BOUND), BOUND) == text


def test_seconds_become_frames():
    seconds = parse_term("window_mean[width=0.5 s, look=trailing](x)", BOUND)
    assert seconds == parse_term("window_mean[width=15, look=trailing](x)", BOUND)


def test_comments_and_line_breaks_mean_nothing():
    assert parse_term("mean( # over time\n x )", BOUND) == parse_term("mean(x)", BOUND)


def test_types_print_and_read_back():
    for text in ["Real[3]", "Seq[Real[n]] -> Real[m]", "(Real[n] -> Real[m]) -> Seq[Real[n]] -> t"]:
        assert str(parse_type(text)) == text


def test_names_and_units_travel_as_far_as_they_mean_something():
    def vector(text):
        return check(parse_term(text, BOUND), BOUND)[()]

    for text in ["mean(x)", "last(delta(part[part=1, of=2](x)))", "mean(x) + max(x)"]:
        assert vector(text).names == tuple(FEATURES)
        assert vector(text).units == tuple(FEATURES.values())
    for text in ["mean(x) * max(x)", "tanh(mean(x))", "step(mean(x))"]:
        assert vector(text).names == tuple(FEATURES)
        assert vector(text).units == ()
    assert vector("affine[speed + nose; 1*angle](mean(x))").names == ()


def test_size_counts_nodes():
    assert size(parse_term("affine(mean(x)) + affine(last(x))", BOUND, Real(2))) == 7


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("affine[spede - 2](mean(x))", 8, "There is no entry 'spede'"),
        ("affine[where](mean(maen(x)))", 20, "no primitive 'maen'"),
        ("affine[wher: nose](mean(x))", 8, "no feature or feature group 'wher'"),
        ("affine[nose; 2*speed](mean(x))", 1, "affine gives Real[2]"),
        ("affine[nose](last(x)) + affine[nose](mean(y))", 43, "Unknown variable 'y'"),
        ("affine[nose - 1](x)", 18, "Variable 'x' has type Seq[Real[3]]"),
        ("affine[(nose - 1) - 2*(nose - 3)](mean(x))", 24, "two values"),
        ("affine[1*nose](mean(mean(x)))", 21, "mean(...) has type"),
        ("affine[1*nose](mean(x, x))", 16, "mean has 2 argument"),
        ("affine[1*nose](at[frmae=3](x))", 19, "at has no setting 'frmae'"),
        ("affine[1*nose](at(x))", 16, "at lacks the constant 'frame'"),
        ("affine[1*nose](at[frame=[1]](x))", 19, "A list stands"),
        ("affine[1*v0](fold_tanh[hidden=1, bias=[[1], [2, 3]]](x))", 34, "ragged"),
        ("affine[1*v0](fold_tanh[hidden=1, bias=[1]](x))", 14, "fold_tanh has the arrays bias"),
        (
            "affine[1*v0](fold_tanh[hidden=2, bias=[1], kernel=[[1, 1, 1]], recurrent=[[1]]](x))",
            14,
            "'kernel' has shape (1, 3)",
        ),
        ("affine(v -> v)", 8, "A function of 'v'"),
        ("if affine[1*nose](mean(x)) > 1 then mean(x) else mean(x)", 30, "Unexpected '1'"),
        ("if affine[1*nose](mean(x)) then mean(x) else mean(x)", 28, "Unexpected 'then'"),
        ("mean(x", 7, "The text ends"),
        ("mean(x))", 8, "Unexpected ')'"),
        ("mean(x) + then", 11, "Unexpected 'then'"),
        ("mean(x) $ 3", 9, "Unexpected '$'"),
        ("affine[1*](mean(x))", 10, "Unexpected ']'"),
        ("at[frame=](x)", 10, "Unexpected ']'"),
        ("?", 2, "The text ends"),
    ],
)
def test_errors_point_at_the_place(text, column, says):
    with pytest.raises(LanguageError) as caught:
        parse_term(text, BOUND, Real(1))
    assert f"line 1, column {column}:" in str(caught.value), str(caught.value)
    assert says in str(caught.value)


def test_an_undetermined_size_is_an_error():
    with pytest.raises(LanguageError, match="not determined"):
        parse_term("affine(mean(x))", BOUND)
    with pytest.raises(LanguageError, match="which type the hole"):
        parse_term("mean(?thing)", BOUND)


def test_seconds_need_a_rate():
    with pytest.raises(LanguageError, match="no rate"):
        parse_term("window_mean[width=1 s, look=trailing](x)", sequence.bind({"a": ""}))


@pytest.mark.parametrize(
    "text", ["Real", "Real[0]", "Seq[Real[2]", "Real[2] Real[3]", "-> ", "Real[2] $", "Foo"]
)
def test_a_type_that_is_none(text):
    with pytest.raises(LanguageError, match="Cannot read the type at column"):
        parse_type(text)


def test_the_type_of_a_constant_has_no_arguments():
    assert parse_type("-> Real[2]") == Fn((), Real(2))
    assert parse_type(str(parse_type("-> Real[2]"))) == Fn((), Real(2))


def test_arrays_never_change():
    term = parse_term("affine[1*nose](mean(x))", BOUND)
    with pytest.raises(ValueError, match="read-only"):
        term.parameters["bias"][0] = np.float32(1)
