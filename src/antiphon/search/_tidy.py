"""A formula as one would write it: what its rounded constants make superfluous is left out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from antiphon.fitting import LARGEST_DENOMINATOR
from antiphon.language import Apply, Parameters, Term, format_number

MOST = 1_000_000  # Whole numbers up to this are written without a point.
SHORT = 4  # Decimals of up to so many digits are better than a fraction.


def tidy(term: Term) -> Term:
    """Leave out factors 1, summands 0 and double signs; write whole numbers and small fractions as such.

    The value is the same on every row on which the formula was defined before.

    Example:
        >>> from antiphon.language import arithmetic, parse_term, print_term
        >>> row = arithmetic.bind({"a": "", "b": ""}, is_table=True)
        >>> print_term(tidy(parse_term("1.0 * sin(a) + (-2.0 * b + 0.0)", row)), row)
        'sin(a) - 2 * b'
    """
    if not isinstance(term, Apply):
        return term
    term = replace(term, args=tuple(tidy(a) for a in term.args))
    match term:
        case Apply(name="constant", parameters=Parameters() as arrays):
            return _number(float(arrays["value"][0]))
        case Apply(name="add", args=(a, b)):
            return _sum(a, b)
        case Apply(name="sub", args=(a, b)):
            return _difference(a, b)
        case Apply(name="mul", args=(a, b)):
            return _product(a, b)
        case Apply(name="div", args=(a, b)):
            return _quotient(a, b)
        case Apply(name="neg", args=(a,)):
            return negative(a)
        case Apply(name="square", args=(a,)) if is_minus(a):
            return Apply("square", (negative(a),))
        case Apply(name="power", args=(a, b)):
            return _power(term, a, b)
    return term


def whole(value: int) -> Term:
    """A whole number."""
    return Apply("number", (), (("value", value),))


def _number(value: float) -> Term:
    if value == int(value) and abs(value) <= MOST:
        return whole(int(value))
    exact = Fraction(format_number(value))
    near = exact.limit_denominator(LARGEST_DENOMINATOR)
    digits = len(str(abs(exact.numerator)))
    if digits > SHORT and abs(float(near) - value) <= 1e-6 * abs(value):
        return Apply("div", (whole(near.numerator), whole(near.denominator)))
    return _constant(value)


def _constant(value: float) -> Term:
    import numpy as np

    return Apply("constant", (), (), Parameters(value=np.array([value], np.float32)))


def _value(term: Term) -> float | None:
    match term:
        case Apply(name="number"):
            return float(term.setting("value"))
        case Apply(name="constant", parameters=Parameters() as arrays):
            return float(arrays["value"][0])
    return None


def is_minus(term: Term) -> bool:
    """Whether a term is written with a minus sign in front."""
    match term:
        case Apply(name="neg"):
            return True
        case Apply(name="mul" | "div", args=(a, _)):
            return is_minus(a)
    value = _value(term)
    return value is not None and value < 0


def negative(term: Term) -> Term:
    """A term times -1, with no sign more than needed."""
    match term:
        case Apply(name="neg", args=(a,)):
            return a
        case Apply(name="sub", args=(a, b)):
            return Apply("sub", (b, a))
        case Apply(name="mul", args=(a, b)) if is_minus(a):
            return _product(negative(a), b)
        case Apply(name="div", args=(a, b)) if is_minus(a) or _value(a) is not None:
            return _quotient(negative(a), b)
        case Apply(name="number"):
            return whole(-int(term.setting("value")))
        case Apply(name="constant", parameters=Parameters() as arrays):
            return _constant(-float(arrays["value"][0]))
    return Apply("neg", (term,))


def _sum(a: Term, b: Term) -> Term:
    if _value(a) == 0:
        return b
    if _value(b) == 0:
        return a
    match b:
        case Apply(name="add" | "sub", args=(c, d)):  # From left to right, as one writes.
            joined = _sum(a, c)
            return _sum(joined, d) if b.name == "add" else _difference(joined, d)
    if is_minus(b):
        return _difference(a, negative(b))
    if is_minus(a):
        return _difference(b, negative(a))
    return Apply("add", (a, b))


def _difference(a: Term, b: Term) -> Term:
    if _value(b) == 0:
        return a
    if _value(a) == 0:
        return negative(b)
    if is_minus(b):
        return _sum(a, negative(b))
    return Apply("sub", (a, b))


def _product(a: Term, b: Term) -> Term:
    if _value(b) is not None and _value(a) is None:
        a, b = b, a
    if _value(a) == 0:
        return whole(0)
    if _value(a) == 1:
        return b
    if _value(a) == -1:
        return negative(b)
    match a, b:
        case Apply(name="div", args=(p, q)), _ if _value(p) is not None and _value(q) is not None:
            return _quotient(_product(p, b), q)
        case _, Apply(name="div", args=(p, q)) if _value(p) == 1:
            return _quotient(a, q)
        case _, Apply(name="neg", args=(c,)):
            return _product(negative(a), c)
    return Apply("mul", (a, b))


def _quotient(a: Term, b: Term) -> Term:
    if _value(a) == 0:
        return whole(0)
    if _value(b) == 1:
        return a
    if _value(b) == -1:
        return negative(a)
    return Apply("div", (a, b))


def _power(term: Apply, base: Term, exponent: Term) -> Term:
    match _value(exponent):
        case 0:
            return whole(1)
        case 1:
            return base
        case 2:
            return Apply("square", (base,))
        case 0.5:
            return Apply("sqrt", (base,))
        case -1:
            return _quotient(whole(1), base)
        case -2:
            return _quotient(whole(1), Apply("square", (base,)))
        case -0.5:
            return _quotient(whole(1), Apply("sqrt", (base,)))
    return term
