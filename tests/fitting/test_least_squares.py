"""Formulas whose constants are fitted without a training loop, against NumPy and SciPy."""

import numpy as np
import pytest
from scipy.optimize import curve_fit
from sklearn.linear_model import LinearRegression

from antiphon.fitting import Evaluator, Folds, Problem, SlotValues, constants_of, round_constants, split
from antiphon.language import Real, arithmetic, parse_term

ROW = arithmetic.bind({"a": "", "b": ""}, is_table=True)
RNG = np.random.default_rng(0)
TABLE = RNG.uniform(0.5, 3.0, (60, 2)).astype(np.float32)
A, B = TABLE.astype(np.float64).T


def problem(y, weights=None):
    y = np.asarray(y, np.float64)
    return Problem(
        ROW, TABLE[:, None, :], np.ones((60, 1), bool),
        ((y - y.mean()) / y.std()).astype(np.float32)[:, None], "regression", 1, "r2",
        weights=np.ones(60, np.float32) if weights is None else weights,
        location=float(y.mean()), scale=float(y.std()),
    )  # fmt: skip


def folds(weights=None):
    held = np.stack([np.arange(60) % 3 == i for i in range(3)] + [np.zeros(60, bool)]).astype(np.float32)
    return Folds((1 - held) * (1 if weights is None else weights), held)


def fit(text, y, weights=None):
    known = problem(y, weights)
    term = parse_term(text, ROW, Real(1))
    return Evaluator(known, folds(weights)).fit([term])[0], known, term


@pytest.mark.parametrize("weighted", [False, True])
def test_each_fold_is_the_least_squares_solution_of_its_training_cases(weighted):
    weights = RNG.uniform(0.5, 2.0, 60).astype(np.float32) if weighted else np.ones(60, np.float32)
    y = 2 * A - 3 * np.sin(B) + 0.3 * RNG.normal(size=60) + 1
    found, known, _ = fit("constant() * a + (constant() * sin(b) + constant())", y, weights)
    design = np.stack([A, np.sin(B)], axis=1)
    for fold, train in enumerate(folds(weights).train):
        reference = LinearRegression().fit(design, y, train)
        got = [found.parameters[p]["value"][fold, 0] for p in ("0.0", "1.0.0", "1.1")]
        np.testing.assert_allclose(got, [*reference.coef_, reference.intercept_], rtol=1e-4)
    errors = []
    for train, held in zip(folds(weights).train[:3], folds(weights).validation[:3], strict=True):
        reference = LinearRegression().fit(design, y, train)
        errors.append((y - reference.predict(design))[held > 0] ** 2)
    assert found.loss == pytest.approx(np.concatenate(errors).mean() / known.scale**2, rel=1e-4)


def test_dependent_columns_have_the_smallest_solution():
    found, _, _ = fit("constant() * a + (constant() * a + constant())", 2 * A + 1)
    assert found.loss < 1e-12
    assert found.parameters["0.0"]["value"][-1, 0] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "y"),
    [
        ("constant() * exp(constant() * a) + constant()", 2.5 * np.exp(-1.3 * A) + 0.4),
        ("constant() * sin(constant() * a + constant()) + constant()", 3 * np.sin(2.5 * A + 0.7)),
        ("constant() * a ^ constant() + constant()", 1.7 * A**2.4 - 1),
        ("constant() * (a / (a + constant())) + constant()", 2.1 * A / (A + 0.37)),
        ("exp(constant() * a + (constant() * log(b) + constant()))", np.exp(0.5 * A - np.log(B) - 0.3)),
        ("1 / sqrt(constant() * a + constant())", 1 / np.sqrt(0.7 * A + 0.2)),
    ],
)
def test_constants_inside_functions_are_found(text, y):
    found, _, _ = fit(text, y)
    assert found.loss < 1e-10


def test_noisy_constants_are_those_of_scipy():
    y = 2.5 * np.exp(-1.3 * A) + 0.4 + 0.02 * RNG.normal(size=60)
    found, _, _ = fit("constant() * exp(constant() * a) + constant()", y)
    reference, _ = curve_fit(lambda a, c, k, d: c * np.exp(k * a) + d, A, y, p0=(1, -1, 0))
    got = [found.parameters[p]["value"][-1, 0] for p in ("0.0", "0.1.0.0", "1")]
    np.testing.assert_allclose(got, reference, rtol=1e-3)


def test_a_formula_that_is_not_defined_somewhere_fails():
    found, _, _ = fit("constant() * log(a - 1) + constant()", A)
    assert found.failed


def test_the_same_candidate_is_fitted_alike_in_any_company():
    y = 2.5 * np.exp(-1.3 * A) + B
    known, texts = (
        problem(y),
        ["constant() * exp(constant() * a) + constant()", "constant() * exp(constant() * b) + constant()"],
    )
    terms = [parse_term(t, ROW, Real(1)) for t in texts]
    together = Evaluator(known, folds()).fit(terms)
    alone = [Evaluator(known, folds()).fit([t])[0] for t in terms]
    assert [t.loss for t in together] == [t.loss for t in alone]


def test_which_constants_are_linear():
    def plan(text):
        found = constants_of(parse_term(text, ROW, Real(1)))
        return len(found.linear), len(found.curved)

    assert plan("constant() * a + constant()") == (2, 0)
    assert plan("constant() * sin(constant() * a) - constant() / b") == (2, 1)
    assert plan("exp(constant() * a)") == (0, 1)
    assert plan("(constant() * a + constant()) * (constant() + b)") == (2, 1)
    assert plan("a / (b + constant())") == (0, 1)
    assert plan("neg(constant() * a)") == (1, 0)


# --- short constants ------------------------------------------------------------------------------------


def shortened(text, y, noise=0.0):
    y = y + noise * RNG.normal(size=60)
    found, known, term = fit(text, y)
    fitted = {p: float(leaf["value"][-1, 0]) for p, leaf in found.parameters.items()}
    parts = split(term, ROW, Real(1))
    slots = SlotValues(ROW, known.values, known.mask)
    return list(round_constants(parts, slots, known, dict(sorted(fitted.items()))).values())


def test_exact_constants_become_exact():
    assert shortened("constant() * a + (constant() * sin(b) + constant())", 3 * A - 0.5 * np.sin(B)) == [
        3,
        -0.5,
        0,
    ]
    assert shortened("constant() * a + constant()", A / 3 + 2) == [1 / 3, 2]
    assert shortened("constant() * exp(constant() * a) + constant()", 2.5 * np.exp(-1.3 * A) + 0.4) == [
        2.5,
        -1.3,
        0.4,
    ]


def test_constants_that_are_no_short_numbers_keep_their_digits():
    got = shortened("constant() * a + constant()", np.pi * A + np.sqrt(2))
    np.testing.assert_allclose(got, [np.pi, np.sqrt(2)], rtol=1e-6)


def test_with_noise_constants_have_the_digits_that_it_leaves():
    got = shortened("constant() * a + constant()", np.pi * A + 10, noise=0.05)
    slope = got[0]
    assert abs(slope - np.pi) < 0.1
    assert len(f"{slope:.7g}") <= 5
