"""The ready language `arithmetic`: formulas over the columns of a table, for symbolic regression.

Every word takes numbers and gives one. None is protected: where a formula is not defined (a division by 0,
a logarithm of a negative number) its value is infinite or NaN, and a candidate with such a value on the
training data loses. So a program means exactly what it reads as.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from antiphon.language._language import Language
from antiphon.language._types import Real, Type

Number = Float[Array, " 1"]

arithmetic = Language.bare("arithmetic", is_ready=True)
arithmetic.strategy = "sums"
arithmetic.size_limit = 30
arithmetic.number_roles = ("atom", "atom_algebra")
arithmetic.no_difference = 1e-11  # A formula that is right is better than one that comes near.

UNARY, BINARY = "Real[1] -> Real[1]", "Real[1] -> Real[1] -> Real[1]"


def _one_of(value: str, types: tuple[Type, ...], language: Language) -> np.ndarray:
    vector = types[0]
    assert isinstance(vector, Real)
    return language.group_members(value, vector)


@arithmetic.primitive(
    "Real[n] -> Real[1]",
    prints="{name} of {0}",
    config={"name": ()},
    data={"name": _one_of},
    searched=False,
)
def column(row: Float[Array, " n"], *, name: Float[Array, " n"]) -> Number:
    """The number in one column; written as the column's name."""
    return (row * name).sum(keepdims=True)


@arithmetic.primitive("-> Real[1]", prints="{value}", config={"value": (1, 2)}, unitless=True, searched=False)
def number(*, value: int) -> Number:
    """A whole number; written as its digits."""
    return jnp.full(1, value, jnp.float32)


@arithmetic.primitive(
    "-> Real[1]",
    prints="a constant",
    parameters={"value": "1"},
    unitless=True,
    searched=False,
    laws=("affine",),
    initialise=lambda shapes, constants, key: {"value": np.ones(1, np.float32)},
)
def constant(*, value: Number) -> Number:
    """A number that is fitted; written as a decimal."""
    return value


@arithmetic.primitive(BINARY, name="add", prints="{0} + {1}", laws=("addition",), searched=False)
def add(a: Number, b: Number) -> Number:
    """`a + b`."""
    return a + b


@arithmetic.primitive(BINARY, name="sub", prints="{0} - {1}", searched=False)
def sub(a: Number, b: Number) -> Number:
    """`a - b`."""
    return a - b


@arithmetic.primitive(
    BINARY, name="mul", prints="{0} × {1}", unitless=True, laws=("commutative", "associative"), searched=False
)
def mul(a: Number, b: Number) -> Number:
    """`a * b`."""
    return a * b


@arithmetic.primitive(BINARY, name="div", prints="{0} / {1}", unitless=True, searched=False)
def div(a: Number, b: Number) -> Number:
    """`a / b`; infinite or NaN where b is 0."""
    return a / b


@arithmetic.primitive(BINARY, name="power", prints="{0} to the power of {1}", unitless=True, searched=False)
def power(a: Number, b: Number) -> Number:
    """`a ^ b`; NaN where a is negative and b no whole number."""
    return jnp.power(a, b)


@arithmetic.primitive(UNARY, name="neg", prints="-{0}", laws=("involution",), searched=False)
def neg(a: Number) -> Number:
    """`-a`."""
    return -a


@arithmetic.primitive(UNARY, name="square", prints="{0} squared", unitless=True, searched=False)
def square(a: Number) -> Number:
    """`a * a`."""
    return a * a


@arithmetic.primitive(UNARY, name="sqrt", prints="the square root of {0}", unitless=True, searched=False)
def sqrt(a: Number) -> Number:
    """The square root; NaN below 0."""
    return jnp.sqrt(a)


@arithmetic.primitive(UNARY, name="exp", prints="exp of {0}", unitless=True, searched=False)
def exp(a: Number) -> Number:
    """e to the power of a."""
    return jnp.exp(a)


@arithmetic.primitive(UNARY, name="log", prints="log of {0}", unitless=True, searched=False)
def log(a: Number) -> Number:
    """The natural logarithm; infinite at 0, NaN below."""
    return jnp.log(a)


@arithmetic.primitive(UNARY, name="sin", prints="sin of {0}", unitless=True, searched=False)
def sin(a: Number) -> Number:
    """The sine of an angle in radians."""
    return jnp.sin(a)


@arithmetic.primitive(UNARY, name="cos", prints="cos of {0}", unitless=True, searched=False)
def cos(a: Number) -> Number:
    """The cosine of an angle in radians."""
    return jnp.cos(a)


@arithmetic.primitive(UNARY, name="tan", prints="tan of {0}", unitless=True, searched=False)
def tan(a: Number) -> Number:
    """The tangent of an angle in radians."""
    return jnp.tan(a)


@arithmetic.primitive(UNARY, name="tanh", prints="tanh of {0}", unitless=True, searched=False)
def tanh(a: Number) -> Number:
    """The hyperbolic tangent."""
    return jnp.tanh(a)


@arithmetic.primitive(UNARY, name="abs", prints="the size of {0}", laws=("idempotent",), searched=False)
def absolute(a: Number) -> Number:
    """The absolute value."""
    return jnp.abs(a)


# A program is a sum of constants times atoms, or a function of such a sum. Atoms have no fitted constants, so
# a search builds them at once, and takes one for all that are equal on the data. Functions are not nested in
# one another: `atom_algebra` is what may stand in them. Who needs more adds a rule, such as
# `rule("atom", "exp(?atom)")`.
RULES = [
    ("output", "constant() * ?atom + constant()"),
    ("output", "constant() * ?atom + ?output"),
    ("output", "constant() * ?curve + ?output"),
    ("output", "exp(?sum)"),
    ("output", "log(?sum)"),
    ("output", "sqrt(?sum)"),
    ("output", "square(?sum)"),
    ("output", "1 / ?sum"),
    ("output", "1 / sqrt(?sum)"),
    ("sum", "constant() * ?atom + constant()"),
    ("sum", "constant() * ?atom + ?sum"),
    ("curve", "exp(constant() * ?atom)"),
    ("curve", "sin(constant() * ?atom + constant())"),
    ("curve", "tanh(constant() * ?atom + constant())"),
    ("curve", "log(?atom + constant())"),
    ("curve", "1 / (?atom + constant())"),
    ("curve", "?atom ^ constant()"),
    *[(role, "column[name={column}](x)") for role in ("atom", "atom_algebra")],
    *[(role, text) for role in ("atom", "atom_algebra") for text in ("1", "2")],
    *[
        (role, text.replace("?", f"?{role}"))
        for role in ("atom", "atom_algebra")
        for text in ("? + ?", "? - ?", "? * ?", "? / ?", "square(?)", "sqrt(?)", "neg(?)")
    ],
    ("atom", "?atom_algebra ^ ?atom_algebra"),
    *[("atom", f"{word}(?atom_algebra)") for word in ("exp", "log", "sin", "cos")],
]
for _role, _template in RULES:
    arithmetic.rule(_role, _template)

# What is equal for all numbers for which both sides are defined.
for _one, _other in [
    ("?a * ?a", "square(?a)"),
    ("?a - neg(?b)", "?a + ?b"),
    ("?a + neg(?b)", "?a - ?b"),
    ("square(neg(?a))", "square(?a)"),
    ("abs(neg(?a))", "abs(?a)"),
    ("square(abs(?a))", "square(?a)"),
    ("sqrt(square(?a))", "abs(?a)"),
    ("log(exp(?a))", "?a"),
    ("cos(neg(?a))", "cos(?a)"),
    ("?a ^ 2", "square(?a)"),
    ("?a ^ 1", "?a"),
    ("?a / 1", "?a"),
    ("?a * 1", "?a"),
]:
    arithmetic.equal(_one, _other)
