"""Python's built-in functions on values of the run."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
from malt.operators import py_builtins

from antiphon.graph.hybrid._branch import truth
from antiphon.graph.hybrid._contents import MISSING, is_mutable, is_object
from antiphon.graph.hybrid._padding import Padded
from antiphon.graph.hybrid._rows import Rows, TracedRange, backwards, enumerated, rows, zipped
from antiphon.graph.hybrid._signals import Imperative, Reason, here
from antiphon.graph.hybrid._trace import Trace, current, tracing
from antiphon.graph.hybrid._values import Deferred, Segment, any_traced, is_array, traced


def scoped(f: Any, args: tuple, scope: Any) -> Any:
    """A built-in that looks at the function it is called in."""
    if f is super:
        return py_builtins.super_in_original_context(f, args, scope)
    if isinstance(current(), Trace):
        if f in (vars, dir) and args:
            tracing().heap.whole(args[0])  # pyright: ignore[reportOptionalMemberAccess]
            return f(*args)
        why = "it looks at the variables of the function itself."
        raise Imperative(Reason(here(), f"call of {f.__name__}", why, "Name the variables."))
    if f is globals:
        return py_builtins.globals_in_original_context(scope)
    if f in (eval, exec):
        return py_builtins.eval_in_original_context(f, args, scope)
    return f(*args) if args else py_builtins.locals_in_original_context(scope)


def operator(f: Any) -> Callable[..., Any] | None:
    """What stands for a built-in function; None if it stands for itself."""
    try:
        return _TABLE.get(f)
    except TypeError:
        return None


def _settled(kind: type) -> Callable[..., Any]:
    def convert(value: Any = 0, *rest: Any) -> Any:
        run = current()
        if run is not None and isinstance(value, jax.Array) and not rest:
            return run.settle(value, kind, kind.__name__)
        return kind(value, *rest) if not isinstance(value, Deferred) else _no_text(kind.__name__)

    return convert


def _truth(value: Any = False) -> Any:
    run = current()
    if isinstance(run, Trace) and traced(value):
        return truth(value)
    return (
        run.settle(value, bool, "bool") if run is not None and isinstance(value, jax.Array) else bool(value)
    )


def _float(value: Any = 0.0) -> Any:
    """A traced number stays one: `float` of it is the same number."""
    run = current()
    if isinstance(run, Trace) and traced(value) and jnp.size(value) == 1:
        kind = jnp.asarray(0.0)
        return jnp.reshape(value, ()).astype(kind.dtype)
    return _settled(float)(value)


def _no_text(name: str) -> Any:
    raise Imperative(Reason(here(), f"call of {name}", "it needs a text that the run makes."))


def _print(*values: Any, **options: Any) -> None:
    trace = tracing()
    if trace is None:
        builtins.print(*values, **options)  # noqa: T201  (it stands for the user's own)
        return
    for value in values:
        if is_mutable(value):
            trace.heap.whole(value)
    trace.report.convert(here(), "print", "done once, after the run, in order")
    trace.emit(functools.partial(builtins.print, **options), *values)


def _text(kind: Callable[..., str]) -> Callable[..., Any]:
    def make(*values: Any, **options: Any) -> Any:
        if tracing() is not None and (any_traced(*values) or any(isinstance(v, Deferred) for v in values)):
            return Deferred(lambda *v: kind(*v, **options), values)
        return kind(*values, **options)

    return make


def fstring(*parts: Any) -> Any:
    """A text with values in it."""
    values = [p if isinstance(p, str | Deferred) else p[0] for p in parts]

    def join(*found: Any) -> str:
        pieces = []
        for part, value in zip(parts, found, strict=True):
            if isinstance(part, tuple):
                _, conversion, spec = part
                value = {-1: lambda v: v, 115: str, 114: repr, 97: ascii}[conversion](value)
                pieces.append(format(value, spec))
            else:
                pieces.append(str(value))
        return "".join(pieces)

    if tracing() is not None and (any_traced(*values) or any(isinstance(v, Deferred) for v in values)):
        return Deferred(join, tuple(values))
    return join(*values)


def _range(*ends: Any) -> Any:
    if current() is None or not any(isinstance(e, jax.Array) for e in ends):
        return range(*ends)
    start, stop, step = (0, *ends, 1) if len(ends) == 1 else (*ends, 1) if len(ends) == 2 else ends
    if not traced(step) and step == 0:
        return range(*ends)
    trace = tracing()
    if trace is not None and id(stop) in trace.bounds and not traced(start) and step == 1 and start >= 0:
        return Rows((), trace.bounds[id(stop)][1], lambda row, k: start + k, jnp.maximum(stop - start, 0))
    return TracedRange(start, stop, step)


def _len(value: Any) -> Any:
    trace = tracing()
    if trace is not None:
        trace.heap.whole(value)
        if isinstance(value, Padded) and value.axis == 0:
            return trace.bounded(value)
        if isinstance(value, Padded):
            return value.array.shape[0]
    if isinstance(value, list) and any(type(v) is Segment for v in value):
        return sum(v.count if type(v) is Segment else 1 for v in value)
    return len(value)


def _extreme(f: Callable[..., Any], smaller: bool) -> Callable[..., Any]:
    def pick(*values: Any, **options: Any) -> Any:
        if tracing() is None or not any_traced(*values) or options:
            return f(*values, **options)
        items = list(values[0]) if len(values) == 1 else list(values)
        if len(values) == 1 and is_array(values[0]) and values[0].ndim == 1:
            return jnp.min(values[0]) if smaller else jnp.max(values[0])
        if any(jnp.size(v) != 1 for v in items):
            raise ValueError("the truth value of an array with more than one element is ambiguous")
        from antiphon.graph.hybrid._control import branch, ignore, nothing

        best = items[0]
        for item in items[1:]:
            better = item < best if smaller else item > best
            best = branch(better, lambda i=item: i, lambda b=best: b, nothing, ignore, (), f.__name__)
        return best

    return pick


def _sum(values: Any, start: Any = 0) -> Any:
    from antiphon.graph.hybrid._comprehensions import total

    return total(values, start)


def _any(values: Any) -> Any:
    from antiphon.graph.hybrid._comprehensions import disjunction

    return disjunction(values)


def _all(values: Any) -> Any:
    from antiphon.graph.hybrid._comprehensions import conjunction

    return conjunction(values)


def _list(kind: type) -> Callable[..., Any]:
    def make(*values: Any) -> Any:
        trace = tracing()
        if trace is not None and values:
            trace.heap.whole(values[0])
        return kind(*values)

    return make


def _isinstance(value: Any, kinds: Any) -> bool:
    return isinstance(value.array if isinstance(value, Padded) else value, kinds)


def _setattr(holder: Any, name: str, value: Any) -> None:
    trace = tracing()
    if trace is not None and is_mutable(holder):
        trace.heap.add(holder)
    setattr(holder, name, value)


def _getattr(holder: Any, name: str, *default: Any) -> Any:
    from antiphon.graph.hybrid._operators import attribute

    return attribute(holder, name) if _hasattr(holder, name) else getattr(holder, name, *default)


def _hasattr(holder: Any, name: str) -> bool:
    trace = tracing()
    if trace is not None and is_object(holder):
        trace.heap.attribute(holder, name, getattr(holder, name, MISSING))
    return hasattr(holder, name)


def _map(f: Callable[..., Any], *values: Iterable[Any]) -> Any:
    from antiphon.graph.hybrid._calls import converted_call

    if current() is None:
        return map(f, *values)
    return map(lambda *items: converted_call(f, items, None), *(rows(v) or v for v in values))


_TABLE: dict[Any, Callable[..., Any]] = {
    print: _print,
    len: _len,
    range: _range,
    int: _settled(int),
    float: _float,
    bool: _truth,
    complex: _settled(complex),
    str: _text(str),
    repr: _text(repr),
    format: _text(format),
    enumerate: enumerated,
    zip: zipped,
    reversed: backwards,
    map: _map,
    min: _extreme(min, True),
    max: _extreme(max, False),
    sum: _sum,
    any: _any,
    all: _all,
    list: _list(list),
    tuple: _list(tuple),
    isinstance: _isinstance,
    setattr: _setattr,
    getattr: _getattr,
    hasattr: _hasattr,
}

__all__ = ["Rows", "fstring", "operator", "scoped"]
