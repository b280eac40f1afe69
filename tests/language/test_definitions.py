"""Words that stand for terms: said, run and put back without changing what they mean."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import BOUND, cases, padded, programs_of

from antiphon.errors import LanguageError
from antiphon.language import (
    Apply,
    Lam,
    Output,
    Parameters,
    Program,
    Real,
    Var,
    check,
    data_arrays,
    define,
    evaluate,
    free_variables,
    inline,
    parameters,
    parse_term,
    parse_type,
    print_term,
    put_in,
    sketch,
    walk,
)


def copy():
    return BOUND.bind(BOUND.features, groups=BOUND.groups, rate_hz=BOUND.rate_hz)


def value(term, language, frames, expected=None, temperature=0.0):
    values, mask = padded(frames)
    data = data_arrays(term, language, check(term, language, expected))
    x = (jnp.asarray(values), jnp.asarray(mask))
    return np.asarray(evaluate(term, language, {"x": x}, parameters(term), data, temperature))


@given(programs_of(1, 2), cases)
@settings(max_examples=25, deadline=None)
def test_a_word_has_the_value_of_its_definition_and_is_put_back_exactly(body, frames):
    language = copy()
    define(language, "word", {"x": language.input_type}, body, Real(1))
    text = "affine[3*v0 + 1](word(x)) + word(x)"
    term = parse_term(text, language, Real(1))
    assert parse_term(print_term(term, language), language, Real(1)) == term
    whole = inline(term, language)
    assert not any(isinstance(n, Apply) and n.name == "word" for _, n in walk(whole))
    assert [n for _, n in walk(whole) if n == body][:2] == [body] * 2
    said, meant = value(term, language, frames), value(whole, BOUND, frames)
    np.testing.assert_allclose(said, meant, rtol=1e-5, atol=1e-5)


@given(st.floats(-2, 2, width=32), st.floats(-2, 2, width=32), cases)
@settings(max_examples=15, deadline=None)
def test_a_tuned_word_moves_by_its_arrays_scale_and_what_was_left_out_stays_out(weight, bias, frames):
    language = copy()
    body = parse_term("tanh(affine[2*speed - 4*(angle - 1) + 0.5](mean(x)))", language)
    word = define(language, "word", {"x": language.input_type}, body, Real(1), tunable=True)
    assert set(word.parameters) == {"at_0_weight", "at_0_bias"}
    moves = Parameters(at_0_weight=np.full((1, 3), weight, np.float32), at_0_bias=np.float32([bias]))
    term = Apply("word", (Var("x"),), (), moves)
    whole = inline(term, language)
    leaf = whole.args[0].parameters
    unit = np.sqrt((2**2 + 4**2) / 3)
    np.testing.assert_allclose(
        leaf["weight"], [[2 + unit * weight, 0, -4 + unit * weight]], rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(leaf["bias"], [0.5 + 0.5 * bias], rtol=1e-5, atol=1e-5)
    assert leaf["centre"].tolist() == body.args[0].parameters["centre"].tolist()
    np.testing.assert_allclose(
        value(term, language, frames), value(whole, BOUND, frames), rtol=1e-4, atol=1e-4
    )
    rounded = inline(term, language, rounded=np.zeros_like).args[0].parameters
    assert not rounded["weight"].any()
    assert rounded["centre"].any()


def test_a_tunable_condition_is_soft_and_a_fixed_one_is_not():
    language = copy()
    body = parse_term("step(affine[speed - 1](last(x)))", language)
    tuned = define(language, "tuned", {"x": language.input_type}, body, Real(1), tunable=True)
    fixed = define(language, "fixed", {"x": language.input_type}, body, Real(1))
    assert (tuned.soft, fixed.soft) == (True, False)
    zeros = Parameters(**{n: np.zeros(s, np.float32) for n, s in (("at_0_weight", (1, 3)), ("at_0_bias", 1))})
    frames = np.array([[1.5, 0, 0]], np.float32)
    soft = value(Apply("tuned", (Var("x"),), (), zeros), language, frames, temperature=jnp.float32(1))
    assert soft[0] == pytest.approx(1 / (1 + np.exp(-0.5)), abs=1e-5)
    assert value(parse_term("fixed(x)", language), language, frames, temperature=jnp.float32(1))[0] == 1


def test_a_sketch_with_arguments_is_only_a_short_way_to_say_it():
    language = copy()
    frame, out = language.frame_type, parse_type("Real[m]")
    body = Apply("add", (Apply("affine", (Var("a"),), (("group", "all"),)), Var("b")))
    word = define(language, "plus", {"a": frame, "b": out}, body, out)
    assert word.definition.is_sketch
    partial = parse_term("plus(?summary, ?output)", language, Real(2))
    assert parse_term(print_term(partial, language, {}), language, Real(2)) == partial
    whole = inline(partial, language, sketches_only=True)
    assert print_term(whole, language, {}) == "affine(?summary) + ?output"
    nested = parse_term("plus(mean(x), plus(last(x), affine(max(x))))", language, Real(2))
    assert print_term(inline(nested, language), language, {}) == (
        "affine(mean(x)) + (affine(last(x)) + affine(max(x)))"
    )


def test_words_that_need_no_training_stay_where_only_sketches_are_said_out():
    language = copy()
    define(
        language,
        "trend",
        {"x": language.input_type},
        parse_term("mean(delta(x))", language),
        language.frame_type,
    )
    term = parse_term("affine(trend(x))", language, Real(1))
    assert inline(term, language, sketches_only=True) == term
    assert inline(term, language) == parse_term("affine(mean(delta(x)))", BOUND, Real(1))
    assert check(term, language, Real(1))[(0,)].names == tuple(BOUND.features)


def test_variables_are_not_captured():
    body = Lam("v", Apply("add", (Var("v"), Apply("tanh", (Var("a"),)))))
    put = put_in(body, {"a": Var("v")})
    assert free_variables(put) == ("v",)
    assert put_in(body, {"v": Var("x")}) == body
    assert put_in(Lam("a", Var("a")), {"a": Var("x")}) == Lam("a", Var("a"))


def test_a_program_of_words_reads_back_where_the_language_has_them():
    language = copy()
    body = parse_term("affine[1*speed](mean(x))", language)
    define(language, "pace", {"x": language.input_type}, body, Real(1))
    program = Program(parse_term("pace(x)", language), language, Output("regression", targets=("y",)))
    assert Program(inline(program.term, language), BOUND, program.output) == Program.parse(
        str(program).replace("pace(x)", "affine[1*speed](mean(x))")
    )


@pytest.mark.parametrize(
    ("name", "text", "tunable", "message"),
    [
        ("mean", "affine[1*speed](mean(x))", False, "taken"),
        ("two words", "affine[1*speed](mean(x))", False, "cannot be written"),
        ("word", "affine(?summary)", False, "has a hole"),
        ("word", "affine(mean(x)) + affine[1*speed](mean(x))", False, "some leaves only"),
        ("word", "affine(mean(x))", True, "is a sketch"),
        ("word", "mean(x)", False, "Real"),
    ],
)
def test_what_cannot_be_a_definition_is_refused(name, text, tunable, message):
    language = copy()
    expected = None if text == "mean(x)" else Real(1)
    body = parse_term(text, language, expected)
    with pytest.raises(LanguageError, match=message):
        define(language, name, {"x": language.input_type}, body, Real(1), tunable=tunable)


def test_what_is_put_back_has_no_arrays_of_its_own_where_it_is_a_sketch():
    language = copy()
    body = sketch(parse_term("affine[1*speed](mean(x))", language))
    word = define(language, "shape", {"x": language.input_type}, body, parse_type("Real[m]"))
    assert word.parameters == {}
    assert inline(parse_term("shape(x)", language, Real(3)), language) == body
