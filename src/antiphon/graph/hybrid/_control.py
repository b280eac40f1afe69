"""The operators that stand for statements: `if`, `for`, `while`, `assert`, and conditional expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from malt.operators.variables import Undefined

from antiphon.graph.hybrid._branch import choose, truth
from antiphon.graph.hybrid._contents import has_operators, is_object
from antiphon.graph.hybrid._loop import for_rows, while_true
from antiphon.graph.hybrid._rows import Rows, TracedRange, any_traced_row, rows
from antiphon.graph.hybrid._signals import Unstructured, here
from antiphon.graph.hybrid._trace import Trace, Watch, current, tracing
from antiphon.graph.hybrid._values import Maybe, traced


def nothing() -> tuple:
    """The variables of an expression."""
    return ()


def ignore(_: tuple) -> None:
    """There is nothing to set."""


def decide(value: Any, construct: str) -> bool:
    """A condition that Python must know."""
    run = current()
    if run is None:
        return bool(value)
    return run.settle(value, bool, construct)


def branch(
    condition: Any, first: Any, second: Any, get: Any, set_: Any, names: tuple[str, ...], construct: str
) -> Any:
    """Either way, or both joined if only the run can tell."""
    trace = tracing()
    if trace is None or not traced(condition):
        return first() if decide(condition, construct) else second()
    start = get()
    try:
        with trace.attempt(construct):
            result = choose(trace, condition, first, second, get, set_, names, construct)
    except Unstructured as error:
        set_(start)
        if trace.nested:
            raise
        taken = trace.settle(condition, bool, construct)
        way = "true" if taken else "false"
        why = f"its condition is assumed to be {way}, as in the run before; checked. {error.reason.why}"
        trace.report.assume(here(), construct, why, error.reason.advice)
        return first() if taken else second()
    trace.passed(here())
    trace.report.convert(here(), construct, "both ways are in the graph, joined by `cond`")
    return result


def if_stmt(
    cond: Any, body: Any, orelse: Any, get_state: Any, set_state: Any, symbol_names: Any, nouts: int
) -> None:
    """An `if` statement."""
    branch(cond, body, orelse, get_state, set_state, symbol_names, "if")


def if_exp(cond: Any, if_true: Any, if_false: Any, expr_repr: str) -> Any:
    """A conditional expression."""
    return branch(cond, if_true, if_false, nothing, ignore, (), "conditional expression")


def and_(a: Callable[[], Any], b: Callable[[], Any]) -> Any:
    """`a and b`."""
    left = a()
    return branch(left, b, lambda: left, nothing, ignore, (), "and")


def or_(a: Callable[[], Any], b: Callable[[], Any]) -> Any:
    """`a or b`."""
    left = a()
    return branch(left, lambda: left, b, nothing, ignore, (), "or")


def not_(a: Any) -> Any:
    """`not a`."""
    if isinstance(a, jax.Array) and current() is not None and a.size == 1:
        return ~truth(a)
    return not a


def assert_(test: Callable[[], Any], message: Callable[[], Any], text: str) -> None:
    """An `assert` statement."""
    if not __debug__:
        return
    trace = tracing()
    value = test()
    if trace is not None and traced(value):
        trace.check(truth(value), f"assert {text}" if trace.strict else "assert")
        trace.report.convert(here(), "assert", "checked after the run; if it fails, Python says so")
        return
    if not decide(value, "assert"):
        said = message()
        raise AssertionError(*(() if said is None else (said,)))


def while_stmt(
    test: Callable[[], Any],
    body: Callable[[], None],
    get_state: Any,
    set_state: Any,
    symbol_names: Any,
    opts: Any,
) -> None:
    """A `while` loop: rounds of Python as long as its condition is known, then a loop of the graph."""
    trace = tracing()
    while True:
        condition = test()
        if trace is not None and traced(condition):
            break
        if not decide(condition, "while"):
            return
        body()
    start = get_state()
    try:
        with trace.attempt("while"):
            while_true(trace, test, body, get_state, set_state, symbol_names, "while")
    except Unstructured as error:
        set_state(start)
        if trace.nested:
            raise
        _unrolled(trace, test, body, condition, error)
        return
    trace.report.convert(here(), "while", "a loop of the graph")


def _unrolled(trace: Trace, test: Any, body: Any, condition: Any, error: Unstructured) -> None:
    why = f"its number of rounds is assumed to be as in the run before; checked. {error.reason.why}"
    site = here()
    while trace.settle(condition, bool, "while"):
        body()
        condition = test()
    trace.report.assume(site, "while", why, error.reason.advice)


def for_stmt(
    iter_: Any, extra_test: Any, body: Any, get_state: Any, set_state: Any, symbol_names: Any, opts: Any
) -> None:
    """A `for` loop."""
    trace, run = tracing(), current()
    if isinstance(iter_, TracedRange):
        _for_range(iter_, extra_test, body, get_state, set_state, symbol_names)
        return
    over = rows(iter_) if trace is not None else None
    if trace is None or over is None or (over.count is None and over.length <= trace.options.unroll):
        _in_python(iter_ if run is None or over is None else over, extra_test, body, trace)
        return
    start = get_state()
    try:
        with trace.attempt("for"):
            for_rows(trace, over, extra_test, body, get_state, set_state, symbol_names, "for")
    except Unstructured as error:
        set_state(start)
        if over.count is not None:
            raise
        if trace.nested and not isinstance(iter_, range) and any_traced_row(over) and over.length > 256:
            raise
        trace.report.assume(
            here(), "for", f"unrolled, {over.length} rounds. {error.reason.why}", error.reason.advice
        )
        _in_python(iter_ if isinstance(iter_, range) else over, extra_test, body, trace)
        return
    trace.report.convert(here(), "for", "a scan")


def _in_python(items: Any, extra_test: Any, body: Any, trace: Any) -> None:
    """Round by round, as Python does; whether to go on may be known only when the graph runs."""
    if extra_test is None:
        for item in items:
            body(item)
        return
    if not decide(extra_test(), "for"):
        return
    for item in items:
        body(item)
        if not decide(extra_test(), "for"):
            return


def _for_range(over: TracedRange, extra_test: Any, body: Any, get: Any, set_: Any, names: Any) -> None:
    """Over a range whose end is known only when the graph runs: a `while` that counts."""
    k: Any = 0
    rounds = over.rounds

    def get_state() -> tuple:
        return (*get(), k)

    def set_state(values: tuple) -> None:
        nonlocal k
        *rest, k = values
        set_(tuple(rest))

    def test() -> Any:
        go = k < rounds
        return go if extra_test is None else and_(lambda: go, extra_test)

    def turn() -> None:
        nonlocal k
        body(over.at(k))
        k = k + 1

    while_stmt(test, turn, get_state, set_state, (*names, "the counter"), {})


def ld(value: Any) -> Any:
    """A variable is read."""
    if isinstance(value, Undefined):
        return value.read()
    trace = tracing()
    if trace is not None:
        if isinstance(value, Maybe):
            trace.check(value.defined, f"`{value.name}`")
            return value.value
        if not is_object(value) or has_operators(type(value)):
            trace.heap.whole(value)
        if type(value) is list:
            from antiphon.graph.hybrid._values import expand

            expand(value)
    return value


__all__ = [
    "Rows",
    "Watch",
    "and_",
    "assert_",
    "for_stmt",
    "if_exp",
    "if_stmt",
    "ld",
    "not_",
    "or_",
    "while_stmt",
]
