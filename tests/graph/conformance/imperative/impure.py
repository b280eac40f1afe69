"""Functions with side effects, and functions that read what others change."""

# ruff: noqa: T201 (how the code is written is the point)
from __future__ import annotations

import collections
import io

import numpy as np

from imperative._case import registers
from imperative.control_flow import BIG, DOWN, MINUS, ONE, UP
from imperative.loops import NEGATED, ROWS, whole

case = registers("impure functions")

SEEN: list = []
TOTAL = 0


class Thing:
    """An object with whatever attributes a case gives it."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


def sets(**attributes):
    """Change attributes of the state between two calls."""

    def change(state):
        vars(state).update(attributes)

    return change


@case(calls=[(UP,), (DOWN,)])
def attribute_counter(xp):
    class Model:
        def __init__(self):
            self.calls = 0

        def __call__(self, x):
            self.calls += 1
            return x * self.calls

    model = Model()
    return model.__call__, model


@case(calls=[(UP,), (DOWN,)])
def attribute_array(xp):
    class Mean:
        def __init__(self):
            self.mean = xp.zeros((3,))
            self.weight = 0.5

        def update(self, x):
            self.mean = self.mean * (1 - self.weight) + x * self.weight
            return self.mean * 2

    mean = Mean()
    return mean.update, mean


@case(calls=[(UP,), (DOWN,), (UP,)])
def attribute_in_branch(xp):
    thing = Thing(positive=0, last=None)

    def f(x):
        if xp.sum(x) > 0:
            thing.positive += 1
            thing.last = x
        return x * 2

    return f, thing


@case(calls=[(ROWS,), (NEGATED,)])
def attribute_in_loop(xp):
    thing = Thing(total=xp.zeros(()), big=0)

    def f(rows):
        for row in rows:
            thing.total = thing.total + row[0]
            if row[2] > 0.75:
                thing.big += 1
        return thing.total

    return f, thing


@case(calls=[(UP,), sets(scale=3.0), (UP,), sets(scale=2.0), (DOWN,)], grad=(0,))
def attribute_changed_outside(xp):
    thing = Thing(scale=2.0)

    def f(x):
        return x * thing.scale

    return f, thing


@case(calls=[(UP,), sets(mode="shift"), (UP,), sets(mode="scale"), (UP,)])
def attribute_that_decides(xp):
    thing = Thing(mode="scale")

    def f(x):
        if thing.mode == "scale":
            return x * 2
        return x + 1

    return f, thing


@case(calls=[(UP,), (DOWN,)])
def new_attribute(xp):
    thing = Thing()

    def f(x):
        if not hasattr(thing, "first"):
            thing.first = x
        return x - thing.first

    return f, thing


@case(calls=[(UP,), (DOWN,)])
def method_that_changes(xp):
    class Counter:
        def __init__(self):
            self.seen = 0
            self.largest = xp.zeros(())

        def note(self, value):
            self.seen += 1
            if value > self.largest:
                self.largest = value

        def run(self, x):
            self.note(xp.max(x))
            self.note(xp.sum(x))
            return self.largest

    counter = Counter()
    return counter.run, counter


@case(calls=[(UP,), (DOWN,)])
def print_text(xp):
    def f(x):
        print("called")
        return x + 1

    return f


@case(calls=[(UP,), (ONE,), (DOWN,)])
def print_value(xp):
    def f(x):
        print("sum", float(xp.sum(x)), x.shape)
        return x + 1

    return f


@case(calls=[(ONE,), (BIG,), (MINUS,)], jax_only=True)
def print_array(xp):
    def f(x):
        print("x =", x * 2)
        return x + 1

    return f


@case(calls=[(UP,), (DOWN,), (UP,)])
def print_in_branch(xp):
    def f(x):
        if xp.sum(x) > 0:
            print("up")
            y = x * 2
        else:
            print("down")
            y = x
        print("done")
        return y

    return f


@case(calls=[(whole(3),), (whole(1),), (whole(4),)])
def print_in_loop(xp):
    def f(n):
        total = 0
        for i in range(n):
            total = total + i
            print("round", int(i), int(total))
        return total

    return f


@case(calls=[(UP,), (DOWN,)])
def print_formatted(xp):
    def f(x):
        print(f"largest {float(xp.max(x)):.2f}, first {int(x[0])}")
        return x

    return f


@case(calls=[(UP,), (DOWN,)])
def append_to_global(xp):
    SEEN.clear()

    def f(x):
        SEEN.append(xp.sum(x))
        return x * 2

    return f, SEEN


@case(calls=[(ONE,), (MINUS,), (BIG,)])
def append_in_branch(xp):
    log = []

    def f(x):
        if x > 0:
            log.append("positive")
        else:
            log.append(x)
        return x

    return f, log


@case(calls=[(UP, []), (DOWN, [1]), (UP, [1, 2])])
def append_to_argument(xp):
    def f(x, log):
        log.append(x * 2)
        log.append(len(log))
        return xp.sum(x)

    return f


@case(calls=[(UP, "a"), (DOWN, "b"), (UP, "a")])
def dictionary_of_results(xp):
    results = {}

    def f(x, name):
        results[name] = results.get(name, 0) + xp.sum(x)
        if results[name] > 10:
            results[name] = xp.zeros(())
        return len(results)

    return f, results


@case(calls=[(UP,), (DOWN,)])
def nonlocal_counter(xp):
    count = 0
    seen = Thing(count=0)

    def f(x):
        nonlocal count
        count += 1
        seen.count = count
        return x * count

    return f, seen


@case(calls=[(UP,), (DOWN,)])
def global_number(xp):
    global TOTAL
    TOTAL = 0

    def f(x):
        global TOTAL
        if xp.sum(x) > 0:
            TOTAL = TOTAL + 1
        return x * TOTAL

    return f


@case(
    calls=[
        (UP,),
        lambda state: state.__setitem__(0, 5.0),
        (UP,),
        lambda state: state.__setitem__(0, 2.0),
        (DOWN,),
    ]
)
def closure_list_changed_outside(xp):
    scale = [2.0]

    def f(x):
        return x * scale[0]

    return f, scale


@case(calls=[(UP,), (DOWN,)])
def numpy_buffer(xp):
    buffer = np.zeros(3, np.float32)

    def f(x):
        buffer[:] = buffer + np.asarray(x)
        return x * 2

    return f, buffer


@case(calls=[(UP,), (DOWN,)])
def numpy_inside(xp):
    def f(x):
        order = np.argsort(np.asarray(x))
        return x[int(order[0])] * 2

    return f


@case(calls=[(UP,), (DOWN,)])
def numpy_random(xp):
    rng = np.random.default_rng(0)
    seen = Thing(drawn=0.0)

    def f(x):
        seen.drawn = float(rng.random())
        return x * seen.drawn

    return f, seen


@case(calls=[(UP, 2), (UP, 3), (DOWN, 2), (DOWN, 3)])
def memo(xp):
    cache = {}

    def f(x, n):
        if n not in cache:
            cache[n] = xp.arange(3) * n
        return x[0] * 2, cache[n]

    return f, cache


@case(calls=[(UP,), (DOWN,), (UP,)])
def write_then_raise(xp):
    thing = Thing(tries=0, done=0)

    def f(x):
        thing.tries += 1
        if xp.sum(x) < 0:
            raise ValueError("negative")
        thing.done += 1
        return x

    return f, thing


@case(calls=[(UP,), (DOWN,)])
def iterator_consumed(xp):
    numbers = iter(range(100))
    seen = Thing(last=0)

    def f(x):
        seen.last = next(numbers)
        return x + seen.last

    return f, seen


@case(calls=[(ONE,), (BIG,), (MINUS,)])
def queue_of_last_values(xp):
    last = collections.deque(maxlen=2)

    def f(x):
        last.append(x)
        if len(last) == 2 and last[0] > last[1]:
            return last[0]
        return x

    return f, last


@case(calls=[(UP,), (DOWN,)])
def default_that_remembers(xp):
    def f(x, seen=[]):  # noqa: B006
        seen.append(1)
        return x * len(seen)

    return f


@case(calls=[(UP,), (DOWN,)])
def list_edited(xp):
    history = [0, 0]

    def f(x):
        history[-1] = history[-1] + 1
        history.insert(0, xp.sum(x))
        if len(history) > 3:
            history.pop()
        return x * len(history)

    return f, history


@case(calls=[(ONE,), (BIG,)])
def text_written(xp):
    out = io.StringIO()

    def f(x):
        if x > 2:
            out.write("large\n")
        else:
            out.write("small\n")
        return x

    return f, out


@case(calls=[(UP,), (DOWN,), (UP,)])
def set_and_delete(xp):
    thing = Thing(names=set(), old=1)

    def f(x):
        if hasattr(thing, "old"):
            del thing.old
        thing.names.add("up" if xp.sum(x) > 0 else "down")
        return x * len(thing.names)

    return f, thing


@case(calls=[(ROWS,), (NEGATED,)], grad=(0,))
def recurrent_with_state(xp):
    class Cell:
        def __init__(self):
            self.state = xp.zeros((3,))

        def step(self, x):
            self.state = xp.tanh(self.state * 0.5 + x)
            return self.state

        def run(self, frames):
            self.state = xp.zeros((3,))
            out = xp.zeros(())
            for frame in frames:
                y = self.step(frame)
                if xp.sum(y) > 0:
                    out = out + xp.sum(y)
            return out

    cell = Cell()
    return cell.run, cell
