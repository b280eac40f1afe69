"""What `ag__` is in converted source."""

from __future__ import annotations

import builtins
import inspect
import operator
import types
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from malt.core.converter import STANDARD_OPTIONS as STD
from malt.core.converter import ConversionOptions
from malt.operators.variables import Undefined, UndefinedReturnValue

from antiphon.graph.hybrid._branch import truth
from antiphon.graph.hybrid._builtins import fstring
from antiphon.graph.hybrid._calls import converted_call, is_library
from antiphon.graph.hybrid._comprehensions import comprehension, generator
from antiphon.graph.hybrid._contents import is_mutable, is_object
from antiphon.graph.hybrid._control import and_, assert_, for_stmt, if_exp, if_stmt, ld, not_, or_, while_stmt
from antiphon.graph.hybrid._padding import Padded
from antiphon.graph.hybrid._signals import Imperative, Reason, here
from antiphon.graph.hybrid._trace import current, tracing
from antiphon.graph.hybrid._values import Deferred, any_traced, traced

slice = builtins.slice


class FunctionScope:
    """The body of a converted function."""

    def __init__(self, function_name: str, scope_name: str, options: Any) -> None:
        self.name, self.callopts = scope_name, options

    def __enter__(self) -> FunctionScope:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def ret(self, value: Any, did_return: Any) -> Any:
        """What the function returns."""
        if isinstance(value, UndefinedReturnValue):
            return None
        trace = tracing()
        if trace is not None and traced(did_return) and value is not None:
            trace.check(truth(did_return), "return")
        return ld(value)


def with_function_scope(thunk: Any, scope_name: str, options: Any) -> Any:
    """The body of a converted lambda."""
    return thunk(FunctionScope("lambda", scope_name, options))


def autograph_artifact(f: Any) -> Any:
    """A function inside a converted one is converted with it."""
    if isinstance(f, types.FunctionType):
        f.__antiphon_converted__ = True  # pyright: ignore[reportFunctionMemberAccess]
    return f


def attribute(holder: Any, name: str) -> Any:
    """An attribute is read."""
    trace, run = tracing(), current()
    if isinstance(holder, jax.Array) and name in ("item", "tolist", "__array__") and run is not None:
        return _ToPython(run, holder, name)
    if trace is None or isinstance(holder, types.ModuleType):
        return getattr(holder, name)
    if isinstance(holder, Padded) and name == "shape":
        trace.bounded(holder)
    found = inspect.getattr_static(type(holder), name, None)
    getter = found.fget if isinstance(found, property) and is_object(holder) else None
    if isinstance(getter, types.FunctionType) and not is_library(getter.__code__):
        return converted_call(getter, (holder,), None)
    value = getattr(holder, name)
    if is_object(holder):
        value = trace.heap.attribute(holder, name, value)
        trace.heap.whole(value) if isinstance(value, list | dict | set) else None
    return ld(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class _ToPython:
    """A method of an array that gives numbers of Python's."""

    run: Any
    array: Any
    name: str
    __antiphon_converted__ = True

    def __call__(self) -> Any:
        if self.name == "item" or self.array.ndim == 0:
            kind = {"b": bool, "i": int, "u": int, "f": float}.get(self.array.dtype.kind, complex)
            return self.run.settle(self.array, kind, self.name)
        if not traced(self.array):
            return getattr(self.array, self.name)()
        raise Imperative(Reason(here(), self.name, "it needs all values of an array.", "Keep it an array."))


def reference(holder: Any, name: str) -> Any:
    """An attribute that is only written into."""
    trace = tracing()
    value = getattr(holder, name)
    if trace is not None and is_object(holder):
        value = trace.heap.attribute(holder, name, value)
    return value


def owner(holder: Any) -> Any:
    """Something that is about to be written to."""
    trace = tracing()
    if trace is not None and is_mutable(holder):
        trace.heap.add(holder)
    if trace is not None and isinstance(holder, np.ndarray | jax.Array):
        raise Imperative(
            Reason(here(), "assignment", "it changes an array in place.", "Use `x.at[i].set(v)`.")
        )
    return holder


def item(holder: Any, key: Any) -> Any:
    """An item is read."""
    trace = tracing()
    if trace is None:
        return holder[key]
    if isinstance(holder, list | dict):
        trace.heap.whole(holder)
    if traced(key) and isinstance(holder, list | tuple | range):
        return _pick(holder, key)
    if isinstance(holder, Deferred) or isinstance(key, Deferred):
        raise Imperative(Reason(here(), "item", "it needs a text that the run makes."))
    return holder[key]


def _pick(holder: Any, key: Any) -> Any:
    """One of several values, by a number of the run."""
    trace = tracing()
    assert trace is not None
    import jax
    import jax.numpy as jnp

    if isinstance(holder, range):
        return holder.start + key * holder.step
    try:
        stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(x) for x in leaves]), *holder)
        if len({jax.tree.structure(h) for h in holder}) == 1 and jax.tree.leaves(holder):
            trace.check((key < len(holder)) & (key >= -len(holder)), "index")
            return jax.tree.map(lambda leaf: leaf[key], stacked)
    except (TypeError, ValueError):
        pass
    return holder[trace.settle(key, int, "index")]


_UPDATES = {
    "add": operator.iadd, "sub": operator.isub, "mult": operator.imul, "div": operator.itruediv,
    "floordiv": operator.ifloordiv, "mod": operator.imod, "pow": operator.ipow, "lshift": operator.ilshift,
    "rshift": operator.irshift, "bitor": operator.ior, "bitxor": operator.ixor, "bitand": operator.iand,
    "matmult": operator.imatmul,
}  # fmt: skip


def update(name: str, value: Any, other: Any) -> Any:
    """`a op= b` of an attribute or item."""
    if tracing() is not None and isinstance(value, np.ndarray):
        raise Imperative(Reason(here(), "assignment", "it changes an array in place.", "Use `x = x + y`."))
    return _UPDATES[name](value, other)


__all__ = [
    "STD", "ConversionOptions", "FunctionScope", "Undefined", "UndefinedReturnValue", "and_", "any_traced",
    "assert_", "attribute", "autograph_artifact", "comprehension", "converted_call", "for_stmt", "fstring",
    "generator", "if_exp", "if_stmt", "item", "ld", "not_", "or_", "owner", "reference", "slice", "update",
    "while_stmt", "with_function_scope",
]  # fmt: skip
