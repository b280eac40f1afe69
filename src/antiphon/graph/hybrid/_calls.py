"""Calls in converted code: functions of the user are converted too, those of libraries are not."""

from __future__ import annotations

import functools
import inspect
import random
import site
import sys
import sysconfig
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from antiphon.graph.hybrid import _builtins
from antiphon.graph.hybrid._contents import WHOLE, contents, is_mutable, is_object, is_tree
from antiphon.graph.hybrid._heap import FIXED
from antiphon.graph.hybrid._leaves import leaf
from antiphon.graph.hybrid._padding import Padded
from antiphon.graph.hybrid._signals import Imperative, Reason, Unstructured, here
from antiphon.graph.hybrid._source import Unconvertible, convert
from antiphon.graph.hybrid._trace import Loose, Trace, current, plain, running, tracing
from antiphon.graph.hybrid._values import Deferred, Segment, any_traced, expand, is_array

TRANSPARENT = {"grad", "value_and_grad", "vjp", "jvp", "linearize", "filter_grad", "filter_value_and_grad"}
STANDARD = sys.stdlib_module_names
IMPURE = {"random", "time", "secrets", "uuid", "datetime", "os", "subprocess", "socket", "shutil", "io"}
_here = str(Path(__file__).resolve().parents[2])
_libraries = tuple(
    {_here, *site.getsitepackages(), sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"]}
)


def is_library(code: types.CodeType) -> bool:
    """Whether a function is of a library: run as it is."""
    file = code.co_filename
    return file.startswith(_libraries) or file.startswith("<frozen")


def converted_call(f: Any, args: tuple, kwargs: dict | None, scope: Any = None, options: Any = None) -> Any:
    """A call in converted code."""
    kwargs = kwargs or {}
    run = current()
    if isinstance(f, functools.partial):
        return converted_call(f.func, f.args + args, {**f.keywords, **kwargs}, scope)
    if f in _SCOPED if isinstance(f, types.BuiltinFunctionType | type) else False:
        return _builtins.scoped(f, args, scope)
    inner: Any = getattr(f, "__antiphon_hybrid__", None)
    if inner is not None and not isinstance(run, Loose):
        function, given = inner(args)
        return converted_call(function, given, kwargs, scope)
    if inner is not None:
        return f(*args, **kwargs)
    if run is None:
        return f(*args, **kwargs)
    operator = _builtins.operator(f)
    if operator is not None:
        return operator(*args, **kwargs)
    if getattr(f, "__antiphon_converted__", False):
        return f(*args, **kwargs)
    target, leading = _target(f)
    if isinstance(run, Loose):
        user = target is not None and not is_library(target.__code__)
        compiled = leaf(f, target if user else None, leading, args, kwargs)
        return compiled() if compiled else f(*args, **kwargs)
    if target is None or is_library(target.__code__) or not is_plain(f):
        return _foreign(f, args, kwargs, run)
    try:
        made = convert(target, operators())
    except Unconvertible as error:
        if isinstance(run, Trace):
            run.report.fall_back(
                Reason(here(), f"call of {target.__qualname__}", f"its source is not converted: {error}.")
            )
        made = target
    if not isinstance(run, Trace):
        return made(*leading, *args, **kwargs)
    enter(run, target)
    with run.entered(target.__code__, target.__qualname__):
        return made(*leading, *args, **kwargs)


_SCOPED = (eval, exec, super, globals, locals, vars, dir)


def operators() -> types.ModuleType:
    """What `ag__` is in converted source."""
    from antiphon.graph.hybrid import _operators

    return _operators  # pyright: ignore[reportReturnType]


def is_plain(f: Any) -> bool:
    """Whether it is Python's own kind of callable, which calls what it seems to call."""
    if isinstance(f, type):
        return False
    return isinstance(f, types.FunctionType | types.MethodType) or callable(f)


def _target(f: Any) -> tuple[types.FunctionType | None, tuple]:
    """The Python function behind a callable, and what it is called with first."""
    if isinstance(f, types.FunctionType):
        return f, ()
    function, owner = getattr(f, "__func__", None), getattr(f, "__self__", None)
    if isinstance(function, types.FunctionType):
        return function, (owner,)
    if isinstance(f, type | types.BuiltinFunctionType):
        return None, ()
    call = inspect.getattr_static(type(f), "__call__", None)
    call = inspect.unwrap(call) if callable(call) else call
    if isinstance(call, types.FunctionType) and not is_library(call.__code__):
        return call, (f,)
    return None, ()


def enter(trace: Trace, f: types.FunctionType) -> None:
    """Read what a function sees from outside: global names and enclosing variables."""
    heap = trace.heap
    for name in sorted(_names(f.__code__)):
        if name in f.__globals__ and not isinstance(f.__globals__[name], types.ModuleType):
            heap.read(heap.names(f.__globals__, name), "global", name)
    for i, value in enumerate(f.__defaults__ or ()):
        if isinstance(value, list | dict | set) or is_object(value):
            heap.see(None, "default", (f, i), value)
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        if name != "__class__" and (id(cell) in heap.nodes or not any_traced(*contents(cell).values())):
            heap.plan.owners[id(cell)] = f"`{name}`"
            node = heap.add(cell, FIXED)
            if node.first:
                heap.read(node, "cell", WHOLE)


def _names(code: types.CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found


def _foreign(f: Any, args: tuple, kwargs: dict, run: Any) -> Any:
    """A call of what is not converted: it may read all that it is given."""
    if not isinstance(run, Trace):
        return f(*args, **kwargs)
    owner = getattr(f, "__self__", None)
    if isinstance(owner, np.random.Generator | random.Random | np.random.RandomState) or _impure(f):
        raise Imperative(
            Reason(here(), f"call of {_name(f)}", "it reads or changes what the graph cannot follow.",
                   "Use `jax.random` with a key, or do it outside and pass what it gives as an argument.")
        )  # fmt: skip
    _release(run, f, owner, args, kwargs)
    if args and isinstance(args[0], list) and _one_segment(args[0]):
        if not kwargs and len(args) == 1 and is_array(args[0][0].stacked):
            part = args[0][0]
            return part.stacked if part.length is None else Padded(part.stacked, part.length, 0)
        expand(args[0])
    if _holds_padded((args, kwargs)) and not any(f is known for known in run.passing):
        raise Unstructured(
            Reason(here(), f"call of {_name(f)}", "it takes an input of any length as a whole.")
        )
    if isinstance(f, type) and f.__init__ is not object.__init__:
        made = _construct(run, f, args, kwargs)
        if made is not None:
            return made
    if not isinstance(f, types.BuiltinFunctionType | types.BuiltinMethodType | type):
        args = tuple(_wrapped(run, f, a) for a in args)
        kwargs = {k: _wrapped(run, f, v) for k, v in kwargs.items()}
    try:
        result = f(*args, **kwargs)
        if getattr(f, "__name__", "") in TRANSPARENT and callable(result):
            run.passing.append(result)
        return result
    except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError) as error:
        why = "it needs numbers, and inside a graph there are none yet."
        advice = "Use the function of `jax.numpy`, or pass what it needs as a plain argument."
        signal = Unstructured if run.nested else Imperative
        raise signal(Reason(here(), f"call of {_name(f)}", why, advice)) from error


def _holds_padded(given: Any) -> bool:
    """Whether there is an input of any length anywhere in arguments: `jax.tree` would take it apart."""
    leaves = jax.tree.leaves(given, is_leaf=lambda x: isinstance(x, Padded))
    return any(isinstance(leaf, Padded) for leaf in leaves)


def _name(f: Any) -> str:
    return getattr(f, "__qualname__", None) or getattr(f, "__name__", None) or type(f).__name__


SAFE = (str, bytes, int, float, complex, tuple, list, dict, set, frozenset, range, slice, jax.Array,
        np.generic, type, types.ModuleType, np.dtype, np.ufunc, np.ndarray)  # fmt: skip


def _opaque(owner: Any) -> bool:
    """Whether a method may change its object in a way that we do not see."""
    if owner is None or isinstance(owner, SAFE):
        return False
    if type(owner).__module__.split(".")[0] in ("jax", "jaxlib", "numpy", "equinox", "optax"):
        return False
    return (not is_tree(owner) and not is_object(owner)) or type(owner).__module__.split(".")[0] in STANDARD


def _impure(f: Any) -> bool:
    if f in (open, input, next, iter) or _opaque(getattr(f, "__self__", None)):
        return True
    module = getattr(f, "__module__", None) or ""
    if module.split(".")[0] in IMPURE and not isinstance(f, type):
        return True
    return module.startswith(("numpy.random", "logging"))


def _release(run: Trace, f: Any, owner: Any, args: tuple, kwargs: dict) -> None:
    stacking = getattr(f, "__name__", "") in ("stack", "array", "asarray", "len")
    for value in (owner, *args, *kwargs.values()):
        if value is owner and isinstance(owner, list) and getattr(f, "__name__", "") == "append":
            run.heap.add(owner)
            continue
        if isinstance(value, Deferred) and not isinstance(owner, list | dict | set):
            raise Imperative(Reason(here(), f"call of {_name(f)}", "it needs a text that the run makes."))
        if is_mutable(value):
            run.heap.add(value)
        run.heap.whole(value)
        if isinstance(value, list) and not (stacking and _one_segment(value)):
            expand(value)


def _one_segment(value: list[Any]) -> bool:
    return len(value) == 1 and type(value[0]) is Segment


def _construct(run: Trace, cls: type, args: tuple, kwargs: dict) -> Any:
    """An object of a plain class of the user's: its `__init__` is converted as well."""
    init = cls.__init__
    if (
        type(cls) is not type
        or cls.__new__ is not object.__new__
        or not isinstance(init, types.FunctionType)
        or is_library(init.__code__)
        or not (any_traced(*jax.tree.leaves((args, kwargs))) or True)
    ):
        return None
    made = object.__new__(cls)
    run.heap.add(made)
    converted_call(init, (made, *args), kwargs)
    return made


def _wrapped(run: Trace, f: Any, value: Any) -> Any:
    """A function of the user's that a library will call is converted."""
    if not isinstance(value, types.FunctionType | types.MethodType | functools.partial) and not is_object(
        value
    ):
        return value
    if not callable(value) or getattr(value, "__antiphon_wrapped__", False):
        return value
    target, _ = _target(value.func if isinstance(value, functools.partial) else value)
    if target is None or (is_library(target.__code__) and not getattr(value, "__antiphon_hybrid__", None)):
        return value
    name = _name(f)
    clear = getattr(f, "__name__", "") in TRANSPARENT

    @functools.wraps(target)
    def call(*args: Any, **kwargs: Any) -> Any:
        if tracing() is not run:
            with running(None):
                return value(*args, **kwargs)
        before = run.heap.mark()
        if clear:
            result = converted_call(value, args, kwargs)
        else:
            with run.inside(name, opaque=True):
                result = converted_call(value, args, kwargs)
        _written(run, before, name, clear)
        return result

    call.__antiphon_wrapped__ = True  # pyright: ignore[reportAttributeAccessIssue]
    return call


def _written(run: Trace, before: Any, name: str, clear: bool) -> None:
    """State written inside a transformation of JAX: without its tracers, or not at all."""
    from antiphon.graph.hybrid._contents import put

    for (i, key), value in run.heap.since(before).items():
        if not any_traced(value):
            continue
        if not clear:
            raise Unstructured(
                Reason(here(), f"call of {name}", "what it calls writes to something outside.",
                       "Return the value instead.")
            )  # fmt: skip
        put(run.heap.nodes[i].holder, key, jax.tree.map(plain, value))


def callable_of(f: Callable[..., Any]) -> tuple[types.FunctionType | None, tuple]:
    """The Python function behind a callable, and what it is called with first."""
    return _target(f)
