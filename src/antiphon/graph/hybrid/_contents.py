"""What of Python can be written to: objects, lists, dicts, sets, global names and closure cells."""

from __future__ import annotations

import enum
import types
from collections.abc import Hashable
from typing import Any

import jax

WHOLE = "<contents>"
MISSING = type("Missing", (), {"__repr__": lambda self: "nothing"})()


class Names:
    """Some global names of a module."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.space = space
        self.names: set[str] = set()


def is_mutable(value: Any) -> bool:
    """Whether a program may change it in place."""
    if isinstance(value, list | dict | set | types.CellType | Names):
        return True
    return is_object(value)


PLAIN = (type, types.ModuleType, types.FunctionType, types.MethodType, jax.Array, tuple, str, enum.Enum)
FOREIGN = ("builtins", "jax", "jaxlib", "numpy", "functools", "typing", "enum", "malt")


_NUMERIC = "add radd sub rsub mul rmul truediv rtruediv matmul rmatmul pow neg abs lt le gt ge float int"
_HOLDING = (
    "getitem setitem len iter next contains bool enter exit getattr getattribute format array jax_array"
)
OPERATORS = {f"__{name}__" for name in f"{_NUMERIC} {_HOLDING}".split()}


def is_object(value: Any) -> bool:
    """Whether it is an object with attributes of its own, and no function, class, module, array or tree."""
    cls = type(value)
    if isinstance(value, PLAIN) or cls.__module__.split(".")[0] in FOREIGN:
        return False
    return hasattr(value, "__dict__") and not callable_of_library(cls) and not is_tree(value)


_operators: dict[type, bool] = {}


def has_operators(cls: type) -> bool:
    """Whether Python's operators call methods of a class, which then read what they like."""
    if cls not in _operators:
        own = {name for c in cls.__mro__ if c is not object for name in vars(c)}
        _operators[cls] = bool(own & OPERATORS)
    return _operators[cls]


def callable_of_library(cls: type) -> bool:
    """Compiled functions and the like, which carry a `__dict__` but no state of the user's."""
    return cls.__module__.startswith(("equinox._jit", "optax", "antiphon.graph.hybrid"))


def is_tree(value: Any) -> bool:
    """Whether JAX can take it apart: such a value is replaced, not written to."""
    return not jax.tree_util.all_leaves([value]) or value is None


def contents(value: Any) -> dict[Hashable, Any]:
    """What it holds now, by key."""
    if isinstance(value, list | set):
        return {WHOLE: tuple(value)}
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, Names):
        return {name: value.space.get(name, MISSING) for name in value.names}
    if isinstance(value, types.CellType):
        try:
            return {WHOLE: value.cell_contents}
        except ValueError:
            return {}
    return dict(vars(value))


def put(holder: Any, key: Hashable, value: Any) -> None:
    """Write one thing."""
    if isinstance(holder, list):
        holder[:] = value
    elif isinstance(holder, set):
        holder.clear()
        holder.update(value)
    elif isinstance(holder, dict):
        holder[key] = value
    elif isinstance(holder, Names):
        assert isinstance(key, str)
        if value is MISSING:
            holder.space.pop(key, None)
        else:
            holder.space[key] = value
    elif isinstance(holder, types.CellType):
        holder.cell_contents = value
    else:
        vars(holder)[key] = value


def drop(holder: Any, key: Hashable) -> None:
    """Take one thing out."""
    if isinstance(holder, dict):
        holder.pop(key, None)
    elif isinstance(holder, types.CellType):
        del holder.cell_contents
    elif isinstance(holder, Names):
        assert isinstance(key, str)
        holder.space.pop(key, None)
    else:
        vars(holder).pop(key, None)


def refill(holder: Any, wanted: dict[Hashable, Any]) -> None:
    """Make it hold exactly this again."""
    now = contents(holder)
    for key, value in wanted.items():
        if not equal(now.get(key, MISSING), value):
            put(holder, key, value)
    for key in now:
        if key not in wanted:
            drop(holder, key)
    if isinstance(holder, dict) and list(holder) != list(wanted):
        holder.clear()
        holder.update(wanted)


def equal(a: Any, b: Any) -> bool:
    """Whether nothing was written: the same object, or lists of the same objects."""
    if a is b:
        return True
    if type(a) is tuple and type(b) is tuple:
        return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))
    if isinstance(a, frozenset) and isinstance(b, frozenset):
        return a == b
    return False


def changes(before: dict[Hashable, Any], now: dict[Hashable, Any]) -> dict[Hashable, Any]:
    """What was written between two times; `MISSING` where something was taken out."""
    found = {k: v for k, v in now.items() if k not in before or not equal(before[k], v)}
    found.update({k: MISSING for k in before if k not in now})
    return found
