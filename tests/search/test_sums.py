"""Symbolic regression: atoms, sums of them, formulas as one writes them."""

import numpy as np
import pandas as pd
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon import ProgramRegressor
from antiphon.errors import InputError
from antiphon.language import (
    Apply,
    Output,
    Parameters,
    Program,
    Real,
    arithmetic,
    as_column,
    parse_term,
    print_term,
    sequence,
    size,
)
from antiphon.search import Grammar, Settings, build_atoms, make_strategy, tidy

ROW = arithmetic.bind({"a": "", "b": ""}, is_table=True)
RNG = np.random.default_rng(0)
TABLE = RNG.uniform(0.5, 2.0, (40, 2)).astype(np.float32)


def value(term):
    return Program(term, ROW, Output("regression", targets=("y",))).predict(TABLE)


# --- atoms ---------------------------------------------------------------------------------------------


def test_atoms_are_different_on_the_data_and_smallest_first():
    atoms = build_atoms(ROW, TABLE, tried=6000)
    assert list(atoms.sizes) == sorted(atoms.sizes)
    assert [size(t) for t in atoms.terms] == list(atoms.sizes)
    scaled = atoms.values / np.abs(atoms.values).max(1, keepdims=True)
    signs = np.round(atoms.values[:, 0] / np.abs(atoms.values[:, 0]))
    keys = {
        (round(float(np.log(np.abs(v).max())), 3), s, *np.round(r, 3))
        for v, r, s in zip(atoms.values, scaled, signs, strict=True)
    }
    assert len(keys) > 0.98 * len(atoms.terms)


def test_values_of_atoms_are_those_of_programs():
    atoms = build_atoms(ROW, TABLE, tried=6000)
    for i in range(0, len(atoms.terms), 97):
        np.testing.assert_allclose(value(atoms.terms[i])[atoms.rows], atoms.values[i], rtol=1e-4, atol=1e-5)


def test_every_small_formula_has_an_equal_atom():
    atoms = build_atoms(ROW, TABLE, tried=6000)
    for text in ("a * b", "a * a", "exp(a)", "a / b", "b - a", "a ^ b", "sqrt(a) + b", "sin(a * b)"):
        wanted = value(parse_term(text, ROW, Real(1)))[atoms.rows]
        near = np.abs(atoms.values - wanted).max(1)
        best = int(near.argmin())
        assert near[best] < 1e-4, text
        assert atoms.sizes[best] <= size(parse_term(text, ROW, Real(1)))


@pytest.mark.parametrize("columns", [1, 3, 30])
def test_many_columns_keep_their_atoms_few(columns):
    language = arithmetic.bind({f"c{i}": "" for i in range(columns)}, is_table=True)
    table = RNG.uniform(0.5, 2.0, (30, columns)).astype(np.float32)
    atoms = build_atoms(language, table, tried=5000, kept=1500)
    assert columns <= len(atoms.terms) <= 1500
    assert {print_term(t, language) for t in atoms.terms[:columns]} == set(language.features)


# --- tidy ----------------------------------------------------------------------------------------------

TIDY = [
    ("1.0 * a + 0.0", "a"),
    ("0.0 * a + 2.0", "2"),
    ("-1.0 * a + b", "b - a"),
    ("a + -2.0 * b", "a - 2 * b"),
    ("a * 2.0 + (b * -0.5 + -1.0)", "2 * a - 0.5 * b - 1"),
    ("a ^ 2.0", "square(a)"),
    ("a ^ -0.5", "1 / sqrt(a)"),
    ("3.0 * (1 / b)", "3 / b"),
    ("a - -3.0", "a + 3"),
    ("2.25 * a", "2.25 * a"),
]


@pytest.mark.parametrize(("text", "expected"), TIDY)
def test_superfluous_constants_go(text, expected):
    assert print_term(tidy(parse_term(text, ROW, Real(1))), ROW) == expected


def test_a_third_is_written_as_one():
    third = Apply("constant", (), (), Parameters(value=np.array([1 / 3], np.float32)))
    assert print_term(tidy(Apply("mul", (third, as_column("a")))), ROW) == "a / 3"


def formulas():
    constants = st.sampled_from([0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 1 / 3, -0.7]).map(
        lambda v: Apply("constant", (), (), Parameters(value=np.array([v], np.float32)))
    )
    leaves = st.one_of(st.sampled_from([as_column("a"), as_column("b")]), constants)

    def grown(inner):
        return st.one_of(
            st.tuples(st.sampled_from(["neg", "square", "sin"]), inner).map(lambda p: Apply(p[0], (p[1],))),
            st.tuples(st.sampled_from(["add", "sub", "mul", "div", "power"]), inner, inner).map(
                lambda p: Apply(p[0], p[1:])
            ),
        )

    return st.recursive(leaves, grown, max_leaves=7)


@given(formulas())
@settings(deadline=None, max_examples=60)
def test_tidying_does_not_change_a_value(term):
    with np.errstate(all="ignore"):
        before, after = value(term), value(tidy(term))
    sound = np.isfinite(before)
    np.testing.assert_allclose(after[sound], before[sound], rtol=1e-3, atol=1e-3)
    assert size(tidy(term)) <= size(term) + 2 * sum(1 for c in print_term(term, ROW).split("0.33"))


# --- the strategy --------------------------------------------------------------------------------------


def test_the_strategy_is_for_tables_of_formulas():
    grammar = Grammar(sequence.bind({"f": ""}), Real(1))
    with pytest.raises(InputError, match="'sums' for the language 'sequence'"):
        make_strategy("sums", grammar, penalty=0.001)


def learned(columns, y, **changes):
    model = ProgramRegressor(language="arithmetic", random_state=0, **changes)
    return model.fit(pd.DataFrame(columns), y)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "low"),
    [("x**3 + x**2 + x", -1), ("sin(x**2)*cos(x) - 1", -1), ("log(x + 1) + log(x**2 + 1)", 0)],
)
def test_formulas_of_one_column_are_recovered(formula, low):
    symbol = sympy.Symbol("x", real=True)
    target = sympy.sympify(formula, locals={"x": symbol})
    x = np.random.default_rng(1).uniform(low, low + 2, 20)
    model = learned({"x": x}, sympy.lambdify(symbol, target, "numpy")(x))
    assert sympy.simplify(sympy.expand_log(model.program_.to_sympy() - target, force=True)) == 0
    assert Program.parse(str(model.program_)) == model.program_


@pytest.mark.slow
def test_a_formula_with_constants_is_recovered_from_several_columns():
    rng = np.random.default_rng(1)
    m, v, other = rng.uniform(1, 5, (3, 80))
    model = learned({"mass": m, "speed": v, "other": other}, 0.5 * m * v**2)
    mass, speed = sympy.symbols("mass speed", real=True)
    assert sympy.simplify(model.program_.to_sympy() - mass * speed**2 / 2) == 0
    assert model.programs_["chosen"].sum() == 1


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["beam", "enumeration"])
def test_the_other_strategies_search_formulas_too(strategy):
    a, b = np.random.default_rng(1).uniform(0.5, 2, (2, 60))
    model = learned({"a": a, "b": b}, 3 * a * b + 1, strategy=strategy, candidates=400)
    assert model.search_.chosen.score > 0.999


def test_settings_of_the_search_win_over_what_suits_the_language():
    given_ones = ProgramRegressor(language="arithmetic", options=Settings(strategy="beam"))._settings()
    assert given_ones.strategy == "beam"
    assert ProgramRegressor(language="arithmetic")._settings().strategy == "sums"
    assert ProgramRegressor()._settings().strategy == "beam"
