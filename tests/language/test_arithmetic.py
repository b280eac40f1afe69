"""The language of formulas: its words against NumPy, its text, its forms."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import InputError, LanguageError
from antiphon.language import (
    Apply,
    Language,
    Output,
    Parameters,
    Program,
    Real,
    arithmetic,
    as_column,
    canonical,
    parse_term,
    print_term,
    show,
    size,
    to_sympy,
)

ROW = arithmetic.bind({"a": "cm", "b": "", "x": "s"}, is_table=True)
RNG = np.random.default_rng(0)
TABLE = RNG.uniform(0.2, 2.0, (40, 3)).astype(np.float32)

UNARY = {
    "neg": np.negative,
    "square": np.square,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "abs": np.abs,
}
BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "power": np.power,
}


def program(text, language=ROW):
    return Program(parse_term(text, language, Real(1)), language, Output("regression", targets=("y",)))


def run(term):
    return Program(term, ROW, Output("regression", targets=("y",))).predict(TABLE)


@pytest.mark.parametrize("name", UNARY)
def test_words_of_one_number_are_numpy_s(name):
    expected = UNARY[name](TABLE[:, 0].astype(np.float64) - (1.0 if name in ("abs", "neg") else 0.0))
    argument = as_column("a") if name not in ("abs", "neg") else parse_term("a - 1", ROW)
    np.testing.assert_allclose(run(Apply(name, (argument,))), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", BINARY)
def test_words_of_two_numbers_are_numpy_s(name):
    expected = BINARY[name](TABLE[:, 0].astype(np.float64), TABLE[:, 2].astype(np.float64))
    np.testing.assert_allclose(
        run(Apply(name, (as_column("a"), as_column("x")))), expected, rtol=2e-5, atol=1e-6
    )


def test_nothing_is_protected():
    zeros = np.zeros((1, 3), np.float32)
    assert not np.isfinite(program("1 / a").predict(zeros)).any()
    assert not np.isfinite(program("log(a)").predict(zeros)).any()
    assert np.isnan(program("sqrt(a - 1)").predict(zeros)).all()


# --- text ----------------------------------------------------------------------------------------------


def numbers():
    decimals = st.floats(-100, 100, width=32, allow_nan=False).map(lambda v: np.float32(v) + np.float32(0))
    return st.one_of(
        st.integers(-9, 9).map(lambda v: Apply("number", (), (("value", v),))),
        decimals.map(lambda v: Apply("constant", (), (), Parameters(value=np.array([v], np.float32)))),
    )


def terms():
    leaves = st.one_of(st.sampled_from([as_column(n) for n in ("a", "b", "x")]), numbers())

    def grown(inner):
        return st.one_of(
            st.tuples(st.sampled_from(sorted(UNARY)), inner).map(lambda p: Apply(p[0], (p[1],))),
            st.tuples(st.sampled_from(sorted(BINARY)), inner, inner).map(lambda p: Apply(p[0], p[1:])),
        )

    return st.recursive(leaves, grown, max_leaves=8)


@given(terms())
@settings(deadline=None)
def test_text_reads_back_as_the_same_term(term):
    text = print_term(term, ROW)
    assert parse_term(text, ROW, Real(1)) == term, text


@given(terms())
@settings(max_examples=60, deadline=None)
def test_the_sympy_form_has_the_same_value(term):
    made = Program(term, ROW, Output("regression", targets=("y",)))
    with np.errstate(all="ignore"):
        said = made.predict(TABLE[:6])
    expression = to_sympy(made)
    symbols = [sympy.Symbol(n, real=True) for n in ("a", "b", "x")]
    for row, value in zip(TABLE[:6].tolist(), said.tolist(), strict=True):
        exact = complex(expression.subs(dict(zip(symbols, row, strict=True))).evalf(30, maxn=400))
        largest = max(
            [
                abs(complex(p.subs(dict(zip(symbols, row, strict=True))).evalf()))
                for p in sympy.preorder_traversal(expression)
                if p.is_number or p.free_symbols
            ]
            or [1.0]
        )
        if not np.isfinite(value) or not np.isfinite(exact) or abs(exact.imag) > 1e-9 or largest > 1e4:
            continue  # Not defined there, or single precision says little.
        assert value == pytest.approx(exact.real, rel=1e-2, abs=1e-3 * max(1.0, largest))


@given(terms())
@settings(max_examples=60, deadline=None)
def test_the_canonical_form_has_the_same_value(term):
    small = canonical(term, ROW)
    assert size(small) <= size(term)
    with np.errstate(all="ignore"):
        before, after = run(term), run(small)
    both = np.isfinite(before) & np.isfinite(after) & (np.abs(before) < 1e3)
    np.testing.assert_allclose(after[both], before[both], rtol=1e-2, atol=1e-2)


def test_a_name_is_a_column_and_a_column_called_x_too():
    assert parse_term("sin(x)", ROW, Real(1)) == Apply("sin", (as_column("x"),))
    assert print_term(as_column("x"), ROW) == "column[name=x](x)"
    alone = arithmetic.bind({"x": ""}, is_table=True)
    assert size(parse_term("x * x", alone, Real(1))) == 3


def test_a_column_counts_as_one_node():
    assert size(parse_term("a * b + 2", ROW, Real(1))) == 5


def test_unknown_columns_are_pointed_at():
    with pytest.raises(LanguageError, match="Unknown variable 'c'"):
        parse_term("a + c", ROW, Real(1))


def test_other_languages_have_no_numbers():
    from antiphon.language import sequence

    with pytest.raises(LanguageError, match="has no numbers"):
        parse_term("affine(mean(x)) + 2", sequence.bind({"a": ""}), Real(1))


def test_a_column_that_cannot_be_written_is_refused():
    with pytest.raises(LanguageError, match="cannot be written"):
        arithmetic.bind({"flow rate": ""}, is_table=True)


# --- forms ---------------------------------------------------------------------------------------------

FORMULAS = [
    ("0.5 * a * square(b)", "y = 0.5·a·b^2", r"y = 0.5 \cdot a \cdot b^{2}", "a*b**2/2"),
    ("a / sqrt(1 - square(b / x))", "y = a/sqrt(1 - b^2/x^2)", None, "a/sqrt(-b**2/x**2 + 1)"),
    ("a * a * a / (a * b)", "y = a^2/b", r"y = \frac{a^{2}}{b}", "a**2/b"),
    ("exp(-square(a))", "y = exp(-a^2)", r"y = e^{-a^{2}}", "exp(-a**2)"),
    ("(-2) ^ a", "y = (-2)^a", r"y = \left(-2\right)^{a}", "(-2)**a"),
    ("2 * tanh(a) + abs(b)", "y = 2·tanh(a) + abs(b)", None, "2*tanh(a) + Abs(b)"),
    ("square(a + b) / 3", None, None, "(a + b)**2/3"),
]


@pytest.mark.parametrize(("text", "math", "latex", "symbolic"), FORMULAS)
def test_formulas_read_as_in_a_textbook(text, math, latex, symbolic):
    made = program(text)
    for form, expected in (("math", math), ("latex", latex), ("sympy", symbolic)):
        if expected is not None:
            assert show(made, form) == expected
    assert show(made, "words")


def test_own_words_are_undefined_functions_in_sympy():
    own = Language("own-formulas", extends=arithmetic)

    @own.primitive("Real[1] -> Real[1]")
    def softplus(a):
        import jax.numpy as jnp

        return jnp.log1p(jnp.exp(a))

    assert own.rules[-1].role == "atom"
    assert own.rules[-1].template == "softplus(?atom_algebra)"
    row = own.bind({"a": ""}, is_table=True)
    assert str(program("softplus(2 * a)", row).to_sympy()) == "softplus(2*a)"


def test_what_has_no_sympy_form_says_so():
    text = "language sequence\ninput x: Seq[Real[1]] of f\noutput numbers y\nprogram\n  mean(x)"
    with pytest.raises(InputError, match="no SymPy form"):
        Program.parse(text).to_sympy()


def test_an_affine_map_of_a_row_has_a_sympy_form():
    text = (
        "language sequence\ninput x: Real[2] of f, g\noutput numbers y\nprogram\n  affine[2*f - 0.5*g + 1](x)"
    )
    assert str(Program.parse(text).to_sympy()) == "2*f - g/2 + 1"
