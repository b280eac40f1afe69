"""Loops whose number of rounds, breaks and skips depend on values."""

# ruff: noqa: SIM108 (how the code is written is the point)
from __future__ import annotations

import numpy as np

from imperative._case import registers
from imperative.control_flow import BIG, DOWN, FLAT, MINUS, ONE, UP

case = registers("dynamic control flow")

ROWS = np.array([[1.0, 0.0, 2.0], [0.5, -1.0, 0.0], [-2.0, -1.0, 0.5], [0.25, 0.5, 1.0]], np.float32)
NEGATED = -ROWS
WEIGHT = np.array([[0.5, 0.1, 0.0], [-0.2, 0.3, 0.1], [0.0, 0.4, -0.3]], np.float32)


def whole(n):
    return np.array(n, np.int32)


@case(calls=[(whole(6),), (whole(1),), (whole(27),)])
def while_collatz(xp):
    def f(n):
        rounds = 0
        while n != 1:
            if n % 2 == 0:
                n = n // 2
            else:
                n = 3 * n + 1
            rounds += 1
        return rounds

    return f


@case(calls=[(ONE,), (BIG,), (np.array(0.3, np.float32),)], grad=(0,))
def while_newton(xp):
    def f(a):
        x = a
        while xp.abs(x * x - a) > 0.001:
            x = 0.5 * (x + a / x)
        return x

    return f


@case(calls=[(UP, ONE), (DOWN, ONE), (UP, BIG)], grad=(0,))
def while_two_conditions(xp):
    def f(x, limit):
        i = 0
        total = x[0] * 0
        while i < 3 and total < limit:
            total = total + x[i]
            i += 1
        return total, i

    return f


@case(calls=[(ONE,), (BIG,), (MINUS,)], grad=(0,))
def while_true_break(xp):
    def f(x):
        while True:
            x = x * 2
            if x > 10:
                break
            x = x + 1
        return x

    return f


@case(calls=[(whole(5),), (whole(0),), (whole(9),)])
def while_continue(xp):
    def f(n):
        total = 0
        i = 0
        while i < n:
            i += 1
            if i % 3 == 0:
                continue
            total = total + i
        return total

    return f


@case(calls=[(whole(2), UP), (whole(5), UP), (whole(9), DOWN)])
def while_else(xp):
    def f(n, x):
        while n > 0:
            n = n - 2
            if n == 1:
                x = x * 2
                break
        else:
            x = x + 1
        return x

    return f


@case(calls=[(ONE,), (BIG,)], grad=(0,))
def walrus_condition(xp):
    def f(x):
        rounds = 0
        while (x := x * 0.5) > 0.25:
            rounds += 1
        return x, rounds

    return f


@case(calls=[(whole(3), ONE), (whole(0), ONE), (whole(5), MINUS)], grad=(1,))
def for_range_of_value(xp):
    def f(n, x):
        for i in range(n):
            x = x * 1.5 + i
        return x

    return f


@case(calls=[(ROWS,), (NEGATED,)], grad=(0,))
def for_over_rows(xp):
    def f(rows):
        total = xp.zeros((3,))
        for row in rows:
            if row[0] > 0:
                total = total + row
            else:
                total = total * 0.5
        return total

    return f


@case(calls=[(ROWS, ONE), (NEGATED, ONE), (ROWS, BIG)], grad=(0,))
def for_break(xp):
    def f(rows, limit):
        total = xp.zeros(())
        for row in rows:
            total = total + xp.sum(row)
            if total > limit:
                break
        return total

    return f


@case(calls=[(ROWS,), (NEGATED,)], grad=(0,))
def for_continue(xp):
    def f(rows):
        total = xp.zeros(())
        for row in rows:
            if row[1] < 0:
                continue
            total = total + row[0] * row[2]
        return total

    return f


@case(calls=[(UP, ONE), (UP, BIG), (DOWN, ONE)], grad=(0,))
def for_else(xp):
    def f(x, limit):
        for v in x:
            if v > limit:
                y = v * 10
                break
        else:
            y = xp.sum(x)
        return y

    return f


@case(calls=[(UP, ONE), (DOWN, ONE), (UP, MINUS)], grad=(0,))
def return_in_loop(xp):
    def f(x, limit):
        for i in range(3):
            if x[i] > limit:
                return x[i] * (i + 1)
        return xp.sum(x)

    return f


@case(calls=[(ROWS, ONE), (NEGATED, ONE), (ROWS, BIG)])
def return_from_nested_loops(xp):
    def f(rows, wanted):
        for i, row in enumerate(rows):
            for j in range(3):
                if row[j] > wanted:
                    return i * 10 + j
        return -1

    return f


@case(calls=[(ROWS, ONE), (NEGATED, ONE)], grad=(0,))
def nested_loops_inner_break(xp):
    def f(rows, limit):
        total = xp.zeros(())
        for row in rows:
            part = xp.zeros(())
            for v in row:
                if part + v > limit:
                    break
                part = part + v
            total = total + part * part
        return total

    return f


@case(calls=[(UP, DOWN), (DOWN, FLAT)], grad=(0, 1))
def zip_and_enumerate(xp):
    def f(x, y):
        total = xp.zeros(())
        for i, (a, b) in enumerate(zip(x, y, strict=True)):
            if a > b:
                total = total + a * i
            else:
                total = total + b
        return total

    return f


@case(calls=[(UP,), (DOWN,)], grad=(0,))
def comprehension_with_condition(xp):
    def f(x):
        return xp.stack([v * 2 if v > 0 else -v for v in x])

    return f


@case(calls=[(ROWS,), (NEGATED,)], grad=(0,))
def sum_of_a_generator(xp):
    def f(rows):
        return sum(xp.sum(row) * 2 for row in rows if row[0] > 0)

    return f


@case(calls=[(ROWS,), (NEGATED,)])
def generator_function(xp):
    def positives(rows):
        for row in rows:
            if xp.sum(row) > 0:
                yield row

    def f(rows):
        total = xp.zeros((3,))
        for row in positives(rows):
            total = total + row
        return total

    return f


@case(calls=[(ROWS, WEIGHT), (NEGATED, WEIGHT)], grad=(0, 1))
def recurrent_with_skips(xp):
    def f(frames, weight):
        h = xp.zeros((3,))
        for frame in frames:
            if xp.sum(frame) > 0:
                h = xp.tanh(weight @ h + frame)
        return h

    return f


@case(calls=[(ROWS, whole(2)), (ROWS, whole(4)), (NEGATED, whole(1))], grad=(0,))
def recurrent_with_halting(xp):
    def f(frames, most):
        h = xp.zeros((3,))
        t = 0
        while t < most and xp.sum(h * h) < 4:
            h = xp.tanh(frames[t]) + h
            t = t + 1
        return h

    return f


@case(calls=[(np.array(2.0, np.float32),), (np.array(7.0, np.float32),)])
def bisection(xp):
    def f(target):
        low, high = target * 0, target + 1
        while high - low > 0.001:
            middle = (low + high) / 2
            if middle * middle > target:
                high = middle
            else:
                low = middle
        return low

    return f


@case(calls=[(UP,), (DOWN,)])
def bubble_sort(xp):
    def f(x):
        values = [x[0], x[1], x[2]]
        for i in range(3):
            for j in range(2 - i):
                if values[j] > values[j + 1]:
                    values[j], values[j + 1] = values[j + 1], values[j]
        return xp.stack(values)

    return f


@case(calls=[(whole(4),), (whole(0),), (whole(7),)])
def loop_that_carries_a_tuple(xp):
    def f(n):
        pair = (0, 1)
        for _ in range(n):
            pair = (pair[1], pair[0] + pair[1])
        return pair[0]

    return f


@case(calls=[(UP,), (DOWN,)], grad=(0,), jax_only=True)
def indexed_update(xp):
    def f(x):
        y = xp.zeros((3,))
        for i in range(3):
            if x[i] > 0:
                y = y.at[i].set(x[i] * 2)
        return y

    return f
