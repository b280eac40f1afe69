"""Products, quotients and powers as a textbook has them: equal factors made one power."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.language._formula import Call, Expression, Power, Product, Quotient, Sum, add_up

Factors = dict[Expression, float]


def multiplied(left: Expression, right: Expression) -> Expression:
    """The product of two expressions.

    Example:
        >>> from antiphon.language._formula import Entry
        >>> multiplied(Entry("m"), multiplied(Entry("m"), Entry("v")))  # doctest: +ELLIPSIS
        Product(left=Power(base=Entry(name='m', ...), exponent=Sum(terms=(), constant=2.0)), right=Entry(...))
    """
    return _built({}, (left, 1.0), (right, 1.0))


def divided(top: Expression, bottom: Expression) -> Expression:
    """The quotient of two expressions."""
    return _built({}, (top, 1.0), (bottom, -1.0))


def raised(base: Expression, exponent: Expression) -> Expression:
    """A power; one with a number as its exponent goes into each factor, a whole one at least."""
    if isinstance(exponent, Sum) and not exponent.terms:
        return _built({}, (base, exponent.constant))
    return Power(base, exponent)


def _built(known: Mapping[Expression, float], *parts: tuple[Expression, float]) -> Expression:
    factors: Factors = dict(known)
    number = 1.0
    for part, exponent in parts:
        number *= _collect(part, exponent, factors)
    top = [_power(base, e) for base, e in factors.items() if e > 0]
    bottom = [_power(base, -e) for base, e in factors.items() if e < 0]
    if not bottom:
        return add_up([(number, _joined(top))]) if top else Sum((), number)
    if not top:  # 3 / x, and not 3 (1 / x)
        return Quotient(Sum((), number), _joined(bottom))
    return add_up([(number, Quotient(_joined(top), _joined(bottom)))])


def _collect(part: Expression, exponent: float, factors: Factors) -> float:
    """Take a factor into account; the number that comes out of it."""
    whole = exponent == int(exponent)
    match part:
        case Sum(terms=(), constant=constant) if constant > 0 or (whole and (constant or exponent > 0)):
            return constant**exponent
        case Sum(terms=((weight, inner),), constant=0.0) if whole:
            return weight**exponent * _collect(inner, exponent, factors)
        case Product(left=left, right=right) if whole:
            return _collect(left, exponent, factors) * _collect(right, exponent, factors)
        case Quotient(top=top, bottom=bottom) if whole:
            return _collect(top, exponent, factors) * _collect(bottom, -exponent, factors)
        case Power(base=base, exponent=Sum(terms=(), constant=inner)) if whole:
            return _collect(base, inner * exponent, factors)
        case Call(name="sqrt", args=(inner,)) if exponent == 2:
            return _collect(inner, 1.0, factors)
    factors[part] = factors.get(part, 0.0) + exponent
    return 1.0


def _power(base: Expression, exponent: float) -> Expression:
    return base if exponent == 1 else Power(base, Sum((), exponent))


def _joined(factors: list[Expression]) -> Expression:
    whole = factors[0]
    for factor in factors[1:]:
        whole = Product(whole, factor)
    return whole
