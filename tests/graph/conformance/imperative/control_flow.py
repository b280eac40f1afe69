"""Branches, boolean operators, returns, errors that depend on values."""

# ruff: noqa: SIM108 (how the code is written is the point)
from __future__ import annotations

import numpy as np

from imperative._case import registers

case = registers("dynamic control flow")

UP = np.array([1.0, 2.0, 3.0], np.float32)
DOWN = np.array([-1.0, -2.0, 0.5], np.float32)
FLAT = np.array([0.25, -0.25, 0.0], np.float32)
ONE = np.array(1.5, np.float32)
MINUS = np.array(-0.5, np.float32)
BIG = np.array(8.0, np.float32)


@case(calls=[(UP,), (DOWN,), (FLAT,)], grad=(0,))
def if_else(xp):
    def f(x):
        if xp.sum(x) > 0:
            y = x * 2
        else:
            y = x * x - 1
        return y

    return f


@case(calls=[(UP,), (DOWN,)], grad=(0,))
def if_without_else(xp):
    def f(x):
        if xp.sum(x) < 0:
            x = -x
        return xp.exp(x * 0.5)

    return f


@case(calls=[(ONE,), (MINUS,), (BIG,)], grad=(0,))
def elif_ladder(xp):
    def f(x):
        if x < 0:
            y = x * 3
        elif x < 2:
            y = x * x
        elif x < 4:
            y = x + 1
        else:
            y = xp.sqrt(x)
        return y

    return f


@case(calls=[(UP, ONE), (DOWN, ONE), (UP, MINUS), (DOWN, MINUS)], grad=(0, 1))
def nested_if(xp):
    def f(x, a):
        if a > 0:
            if xp.sum(x) > 0:
                y = x * a
            else:
                y = x - a
        else:
            y = x / 2
            if x[0] > 0:
                y = y * y
        return y

    return f


@case(calls=[(UP,), (DOWN,), (FLAT,)], grad=(0,))
def early_return(xp):
    def f(x):
        total = xp.sum(x)
        if total > 1:
            return x * total
        if total < -1:
            return x - total
        return x

    return f


@case(calls=[(ONE, BIG), (MINUS, BIG), (BIG, ONE)], grad=(0, 1))
def conditional_expression(xp):
    def f(a, b):
        low = a if a < b else b
        return low * 2 + (a - b if b > 2 else a * b)

    return f


@case(calls=[(ONE, BIG), (MINUS, BIG), (MINUS, MINUS)], grad=(0,))
def and_or_not(xp):
    def f(a, b):
        if a > 0 and b > 2:
            y = a + b
        elif not a > 0 or b > 10:
            y = a * b
        else:
            y = a
        return y

    return f


@case(calls=[(ONE,), (MINUS,), (np.array(0.5, np.float32),)], grad=(0,))
def chained_comparison(xp):
    def f(x):
        if 0 < x < 1:
            return x * 10
        return x

    return f


@case(calls=[(UP, 2), (UP, 0), (DOWN, 2)], grad=(0,))
def short_circuit(xp):
    def f(x, n):
        # x[n - 1] / n must not be evaluated when n is 0.
        if n > 0 and x[n - 1] / n > 0.5:
            return x / n
        return x

    return f


@case(calls=[(ONE,), (MINUS,)], grad=(0,))
def value_of_or(xp):
    def f(x):
        flag = (x > 1) or (x < -1)
        if flag:
            return x * 4
        return x * 5

    return f


@case(calls=[(UP,), (DOWN,)], grad=(0,))
def condition_in_callee(xp):
    def clip(v, high):
        if v > high:
            return high * 1.0
        return v * 1.0

    def f(x):
        return clip(x[0], 0.5) + clip(x[1], 10.0)

    return f


@case(calls=[(ONE,), (MINUS,)], grad=(0,))
def lambda_with_condition(xp):
    def f(x):
        relu = lambda v: v if v > 0 else v * 0.125  # noqa: E731
        return relu(x) + relu(x - 1)

    return f


@case(calls=[(UP,), (DOWN,)])
def variable_of_one_branch(xp):
    def f(x):
        positive = xp.sum(x) > 0
        if positive:
            scale = x[0] * 2
        y = x + 1
        if positive:
            y = y * scale
        return y

    return f


@case(calls=[(ONE,), (BIG,), (MINUS,)])
def assert_on_value(xp):
    def f(x):
        assert x > 0, "x must be positive"
        return xp.sqrt(x)

    return f


@case(calls=[(UP,), (DOWN,), (UP,)])
def raise_in_branch(xp):
    def f(x):
        if xp.sum(x) < 0:
            raise ValueError("negative sum")
        return x * 2

    return f


@case(calls=[(ONE, BIG), (ONE, np.array(0.0, np.float32)), (BIG, ONE)])
def try_except(xp):
    def f(a, b):
        try:
            if b == 0:
                raise ZeroDivisionError
            y = a / b
        except ZeroDivisionError:
            y = a * 0
        return y

    return f


@case(calls=[(np.array(1, np.int32), UP), (np.array(2, np.int32), UP), (np.array(7, np.int32), UP)])
def match_statement(xp):
    def f(n, x):
        match n:
            case 1:
                return x + 1
            case 2:
                return x * 2
        return x

    return f


@case(calls=[(UP,), (DOWN,)], grad=(0,))
def builtins_on_values(xp):
    def f(x):
        return max(x[0], x[1]) + min(x[1], x[2]) * abs(x[0])

    return f


@case(calls=[(UP,), (DOWN,)])
def all_of_a_generator(xp):
    def f(x):
        if all(v > 0 for v in x):
            return x * 2
        if any(v > 0 for v in x):
            return x * 3
        return x

    return f


@case(calls=[(UP, ONE), (DOWN, ONE), (UP, MINUS)], grad=(0,))
def try_finally_and_with(xp):
    import contextlib

    def f(x, a):
        with contextlib.suppress(KeyError):
            if a > 0:
                x = x * a
            else:
                x = x + a
        return x

    return f


@case(calls=[(UP, ONE), (UP, MINUS)], grad=(0, 1))
def function_chosen_by_value(xp):
    def f(x, a):
        if a > 0:
            act = xp.tanh
        else:
            act = xp.sin
        return act(x) * a

    return f
