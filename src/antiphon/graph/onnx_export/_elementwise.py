"""Operations entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from antiphon.graph.onnx_export._rules import Equation, Rule, Rules, Scope
from antiphon.graph.onnx_export._scope import refuse

RULES = Rules()


def is_float(dtype: Any) -> bool:
    """Whether a dtype is of floating point; bfloat16 counts, too."""
    return np.dtype(dtype).kind in "fV"


def wide(dtype: Any) -> np.dtype:
    """The dtype to compute in: small whole numbers and bools have few operations in ONNX.

    What is cast back to the small dtype wraps around, as it does in JAX.
    """
    dtype = np.dtype(dtype)
    if dtype in (np.int8, np.uint8, np.int16, np.uint16, np.bool_):
        return np.dtype(np.int32)
    return np.dtype(np.int64) if dtype == np.uint32 else dtype


def operands(scope: Scope, equation: Equation, names: tuple[str, ...]) -> list[str]:
    """The inputs, without broadcasting that ONNX's operators do by themselves."""
    narrow = [scope.model.unexpanded.get(name, name) for name in names]
    full = equation.outputs[0].shape
    for i, name in enumerate(names):
        if narrow[i] == name and equation.inputs[i].shape == full:
            return narrow
    return list(names)


def in_wide(scope: Scope, equation: Equation, kind: str, names: list[str]) -> str:
    """One ONNX operator on the inputs, computed in a dtype that it has."""
    given, wanted = equation.inputs[0].dtype, equation.outputs[0].dtype
    if given == np.uint64:
        raise refuse(equation, "ONNX runtimes do not calculate with uint64", "Use int64.")
    cast = [scope.cast(n, wide(given), given) for n in names]
    result = scope.op(kind, *cast)
    return result if wanted == np.bool_ else scope.cast(result, wanted, wide(given))


def _one(kind: str) -> Rule:
    def rule(scope: Scope, equation: Equation, *names: str) -> str:
        return in_wide(scope, equation, kind, operands(scope, equation, names))

    return rule


ONE_OPERATOR = {
    "neg": "Neg", "abs": "Abs", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "tanh": "Tanh", "sin": "Sin",
    "cos": "Cos", "asin": "Asin", "acos": "Acos", "atan": "Atan", "sinh": "Sinh", "cosh": "Cosh",
    "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh", "erf": "Erf", "floor": "Floor", "ceil": "Ceil",
    "logistic": "Sigmoid", "add": "Add", "add_any": "Add", "mul": "Mul", "sub": "Sub", "lt": "Less",
    "gt": "Greater", "le": "LessOrEqual", "ge": "GreaterOrEqual",
}  # fmt: skip
for _primitive, _kind in ONE_OPERATOR.items():
    RULES[_primitive] = _one(_kind)


def _or_logical(logical: str, kind: str) -> Rule:
    """One operator for numbers, another for bools."""

    def rule(scope: Scope, equation: Equation, *names: str) -> str:
        inputs = operands(scope, equation, names)
        if equation.inputs[0].dtype == np.bool_:
            return scope.op(logical, *inputs)
        return in_wide(scope, equation, kind, inputs)

    return rule


RULES["max"] = _or_logical("Or", "Max")
RULES["min"] = _or_logical("And", "Min")


@RULES("eq", "ne")
def _equal(scope: Scope, equation: Equation, *names: str) -> str:
    given = equation.inputs[0].dtype
    cast = names
    if given != np.bool_:
        cast = tuple(scope.cast(n, wide(given), given) for n in operands(scope, equation, names))
    result = scope.op("Equal", *cast)
    return scope.op("Not", result) if equation.primitive == "ne" else result


@RULES("and", "or", "xor", "not")
def _bits(scope: Scope, equation: Equation, *names: str) -> str:
    kind = equation.primitive.capitalize()
    prefix = "" if equation.inputs[0].dtype == np.bool_ else "Bitwise"
    return scope.op(prefix + kind, *operands(scope, equation, names))


@RULES("shift_left", "shift_right_logical", "shift_right_arithmetic")
def _shift(scope: Scope, equation: Equation, x: str, by: str) -> str:
    dtype = np.dtype(equation.inputs[0].dtype)
    bits = 8 * dtype.itemsize
    unsigned = np.dtype(f"uint{max(bits, 8)}")

    def shift(bit_pattern: str) -> str:
        kind = "LEFT" if equation.primitive == "shift_left" else "RIGHT"
        # What is shifted out whole is 0 in JAX, and anything in C.
        there = scope.op("Less", scope.cast(by, np.int64, dtype), scope.constant(bits, np.int64))
        places = scope.cast(by, unsigned, dtype)
        moved = scope.op("BitShift", bit_pattern, places, direction=kind)
        wide_moved = scope.cast(moved, np.int64, unsigned)
        return scope.op("Where", there, wide_moved, scope.constant(0, np.int64))

    pattern = scope.cast(x, unsigned, dtype)
    if equation.primitive == "shift_right_arithmetic" and dtype.kind == "i":
        # The bits that come in are those of the sign: shift the complement of a negative number.
        negative = scope.op("Less", scope.cast(x, np.int64, dtype), scope.constant(0, np.int64))
        complement = shift(scope.op("BitwiseNot", pattern))
        result = scope.op("Where", negative, scope.op("BitwiseNot", complement), shift(pattern))
    else:
        result = shift(pattern)
    return scope.cast(result, dtype, np.int64)


@RULES("div", "rem")
def _quotient(scope: Scope, equation: Equation, x: str, y: str) -> str:
    dtype = equation.outputs[0].dtype
    top, below = operands(scope, equation, (x, y))
    attributes = {"fmod": 1} if equation.primitive == "rem" else {}
    kind = "Mod" if equation.primitive == "rem" else "Div"
    if is_float(dtype):
        return scope.op(kind, top, below, **attributes)
    if dtype == np.uint64:
        raise refuse(equation, "ONNX runtimes do not calculate with uint64", "Use int64.")
    # In int64 the smallest int32 divided by -1 is a number; dividing by 0 may end the process.
    top, below = (scope.cast(n, np.int64, dtype) for n in (top, below))
    value = scope.known(below)
    if value is not None and (value != 0).all():
        return scope.cast(scope.op(kind, top, below, **attributes), dtype, np.int64)
    zero = scope.op("Equal", below, scope.constant(0, np.int64))
    safe = scope.op("Where", zero, scope.constant(1, np.int64), below)
    other = top if kind == "Mod" else scope.constant(-1, np.int64)
    result = scope.op("Where", zero, other, scope.op(kind, top, safe, **attributes))
    return scope.cast(result, dtype, np.int64)


@RULES("pow")
def _pow(scope: Scope, equation: Equation, x: str, y: str) -> str:
    base, exponent = equation.inputs
    if not is_float(exponent.dtype):
        y = scope.cast(y, base.dtype, exponent.dtype)
    return scope.op("Pow", x, y)


@RULES("integer_pow")
def _integer_pow(scope: Scope, equation: Equation, x: str) -> str:
    power, dtype = equation.params["y"], equation.outputs[0].dtype
    base = scope.cast(x, wide(dtype), dtype)
    result, rest = None, abs(power)
    while rest:  # by repeated squares, as XLA does
        if rest & 1:
            result = base if result is None else scope.op("Mul", result, base)
        rest >>= 1
        base = scope.op("Mul", base, base) if rest else base
    if result is None:
        result = scope.expand(scope.constant(1, wide(dtype)), (), equation.outputs[0].shape)
    if power < 0:
        result = scope.op("Reciprocal", result)
    return scope.cast(result, dtype, wide(dtype))


@RULES("square")
def _square(scope: Scope, equation: Equation, x: str) -> str:
    return in_wide(scope, equation, "Mul", [x, x])


@RULES("rsqrt")
def _rsqrt(scope: Scope, equation: Equation, x: str) -> str:
    return scope.op("Reciprocal", scope.op("Sqrt", x))


@RULES("cbrt")
def _cbrt(scope: Scope, equation: Equation, x: str) -> str:
    third = scope.constant(1 / 3, equation.inputs[0].dtype)
    return scope.op("Mul", scope.op("Sign", x), scope.op("Pow", scope.op("Abs", x), third))


@RULES("exp2")
def _exp2(scope: Scope, equation: Equation, x: str) -> str:
    return scope.op("Pow", scope.constant(2, equation.inputs[0].dtype), x)


@RULES("tan")
def _tan(scope: Scope, equation: Equation, x: str) -> str:
    if equation.inputs[0].dtype == np.float32:
        return scope.op("Tan", x)
    return scope.op("Div", scope.op("Sin", x), scope.op("Cos", x))


@RULES("expm1")
def _expm1(scope: Scope, equation: Equation, x: str) -> str:
    # exp(x) - 1 = tanh(x / 2) (exp(x) + 1), which keeps all digits near 0.
    dtype = equation.inputs[0].dtype
    half = scope.op("Tanh", scope.op("Mul", x, scope.constant(0.5, dtype)))
    return scope.op("Mul", half, scope.op("Add", scope.op("Exp", x), scope.constant(1, dtype)))


@RULES("log1p")
def _log1p(scope: Scope, equation: Equation, x: str) -> str:
    # log(u) x / (u - 1) where u = 1 + x, rounded: its error cancels that of the sum (Kahan).
    dtype = equation.inputs[0].dtype
    one = scope.constant(1, dtype)
    u = scope.op("Add", x, one)
    ratio = scope.op("Div", x, scope.op("Sub", u, one))
    exact = scope.op("Mul", scope.op("Log", u), ratio)
    # Where u is 1, and where it is infinite, that is 0 / 0 or inf / inf.
    tiny = scope.op("Or", scope.op("Equal", u, one), scope.op("Equal", u, scope.constant(np.inf, dtype)))
    return scope.op("Where", tiny, x, exact)


@RULES("erfc")
def _erfc(scope: Scope, equation: Equation, x: str) -> str:
    dtype = equation.inputs[0].dtype
    if dtype != np.float32:
        raise refuse(equation, "erfc in another precision than float32", "Cast to float32.")
    # Press et al. (1992), Numerical Recipes, section 6.2, `erfcc`: relative error below 1.2e-7 everywhere.
    coefficients = (
        0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196,
        1.00002368, -1.26551223,
    )  # fmt: skip
    size = scope.op("Abs", x)
    one = scope.constant(1, dtype)
    below = scope.op("Add", scope.op("Mul", size, scope.constant(0.5, dtype)), one)
    t = scope.op("Reciprocal", below)
    sum_ = scope.constant(coefficients[0], dtype)
    for coefficient in coefficients[1:]:
        sum_ = scope.op("Add", scope.op("Mul", sum_, t), scope.constant(coefficient, dtype))
    exponent = scope.op("Sub", sum_, scope.op("Mul", x, x))
    tail = scope.op("Mul", t, scope.op("Exp", exponent))
    negative = scope.op("Less", x, scope.constant(0, dtype))
    return scope.op("Where", negative, scope.op("Sub", scope.constant(2, dtype), tail), tail)


@RULES("atan2")
def _atan2(scope: Scope, equation: Equation, y: str, x: str) -> str:
    dtype = equation.inputs[0].dtype
    zero, pi = scope.constant(0, dtype), scope.constant(np.pi, dtype)
    half = scope.constant(np.pi / 2, dtype)
    # By the smaller of both over the larger, so that no quotient overflows; signs come last.
    a, b = scope.op("Abs", y), scope.op("Abs", x)
    steep = scope.op("Greater", a, b)
    top, below = scope.op("Where", steep, b, a), scope.op("Where", steep, a, b)
    same = scope.op("Equal", top, below)  # also where both are 0, or infinite
    ratio = scope.op("Where", same, scope.constant(1, dtype), scope.op("Div", top, below))
    both_zero = scope.op("Equal", below, zero)
    angle = scope.op("Atan", scope.op("Where", both_zero, zero, ratio))
    angle = scope.op("Where", steep, scope.op("Sub", half, angle), angle)
    left = _is_negative(scope, x, dtype)
    angle = scope.op("Where", left, scope.op("Sub", pi, angle), angle)
    return scope.op("Where", _is_negative(scope, y, dtype), scope.op("Neg", angle), angle)


def _is_negative(scope: Scope, x: str, dtype: Any) -> str:
    """Below 0, or the negative zero: 1 over it is then minus infinity."""
    zero = scope.constant(0, dtype)
    below = scope.op("Less", x, zero)
    return scope.op("Or", below, scope.op("Less", scope.op("Reciprocal", x), zero))


@RULES("sign")
def _sign(scope: Scope, equation: Equation, x: str) -> str:
    sign = scope.op("Sign", x)
    if not is_float(equation.inputs[0].dtype):
        return sign
    return scope.op("Where", scope.op("IsNaN", x), x, sign)  # NaN has the sign NaN


@RULES("round")
def _round(scope: Scope, equation: Equation, x: str) -> str:
    if int(equation.params["rounding_method"]) == 1:  # to the nearest even number, as ONNX does it
        return scope.op("Round", x)
    dtype = equation.inputs[0].dtype
    size = scope.op("Abs", x)
    floor = scope.op("Floor", size)
    up = scope.op("GreaterOrEqual", scope.op("Sub", size, floor), scope.constant(0.5, dtype))
    return scope.op("Mul", scope.op("Sign", x), scope.op("Add", floor, scope.cast(up, dtype, np.bool_)))


@RULES("is_finite")
def _is_finite(scope: Scope, equation: Equation, x: str) -> str:
    # The difference with itself is NaN for what is infinite, and for NaN.
    return scope.op("Not", scope.op("IsNaN", scope.op("Sub", x, x)))


@RULES("clamp")
def _clamp(scope: Scope, equation: Equation, low: str, x: str, high: str) -> str:
    dtype = equation.outputs[0].dtype
    low, x, high = (scope.cast(n, wide(dtype), dtype) for n in (low, x, high))
    return scope.cast(scope.op("Min", scope.op("Max", x, low), high), dtype, wide(dtype))


def where_dtype(dtype: Any) -> np.dtype:
    """The dtype in which to choose: runtimes choose between few kinds of numbers."""
    return np.dtype(np.int64) if np.dtype(dtype) == np.uint64 else wide(dtype)


@RULES("select_n")
def _select(scope: Scope, equation: Equation, which: str, *cases: str) -> str:
    dtype = equation.outputs[0].dtype
    carried = where_dtype(dtype)
    which, *cases_ = operands(scope, equation, (which, *cases))
    cases_ = [scope.cast(c, carried, dtype) for c in cases_]
    if equation.inputs[0].dtype == np.bool_:
        result = scope.op("Where", which, cases_[1], cases_[0]) if len(cases_) == 2 else cases_[0]
    else:
        number = scope.cast(which, np.int32, equation.inputs[0].dtype)
        result = cases_[0]
        for i, case in enumerate(cases_[1:], 1):
            chosen = scope.op("GreaterOrEqual", number, scope.constant(i, np.int32))
            result = scope.op("Where", chosen, case, result)
    return scope.cast(result, dtype, carried)


@RULES("convert_element_type")
def _convert(scope: Scope, equation: Equation, x: str) -> str:
    given, wanted = np.dtype(equation.inputs[0].dtype), np.dtype(equation.outputs[0].dtype)
    if not (is_float(given) and wanted.kind in "iu"):
        return scope.cast(x, wanted, given)
    # XLA gives the nearest number that there is, and 0 for NaN; C gives anything.
    info, held = np.iinfo(wanted), np.dtype(np.float32) if given.itemsize < 4 else given
    x = scope.cast(x, held, given)
    above = held.type(info.max + 1)  # a power of two, so it is exact
    largest = np.nextafter(above, held.type(0))
    inside = scope.op(
        "Max", scope.constant(info.min, held), scope.op("Min", x, scope.constant(largest, held))
    )
    number = scope.op("Where", scope.op("IsNaN", x), scope.constant(0, held), inside)
    cast = scope.cast(number, wide(wanted), held)
    if largest < info.max:
        too_large = scope.op("GreaterOrEqual", x, scope.constant(above, held))
        cast = scope.op("Where", too_large, scope.constant(info.max, wide(wanted)), cast)
    return scope.cast(cast, wanted, wide(wanted))


@RULES("reduce_precision")
def _reduce_precision(scope: Scope, equation: Equation, x: str) -> str:
    bits = {"float16": (5, 10), "bfloat16": (8, 7), "float32": (8, 23), "float64": (11, 52)}
    wanted = equation.params["exponent_bits"], equation.params["mantissa_bits"]
    if wanted != bits.get(np.dtype(equation.inputs[0].dtype).name):
        raise refuse(equation, f"A precision of {wanted[1]} bits, which ONNX does not have")
    return x


@RULES("copy", "copy_p", "stop_gradient", "device_put", "optimization_barrier", "sharding_constraint",
       "name", "pvary")  # fmt: skip
def _same(scope: Scope, equation: Equation, *names: str) -> tuple[str, ...]:
    return names
