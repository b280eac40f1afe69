"""The graphs of one kind of arguments, and what tells kinds apart."""

from __future__ import annotations

import enum
import types
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from antiphon.graph.hybrid._build import Graphed
from antiphon.graph.hybrid._signals import Reason, Site


@dataclass(eq=False)
class Case:
    """All graphs for one kind of arguments."""

    dynamic: tuple[bool, ...]
    graphs: list[Graphed] = field(default_factory=list)
    imperative: bool = False
    varying: set[str] = field(default_factory=set)
    pinned: set[str] = field(default_factory=set)
    shapes: list[Any] = field(default_factory=list)
    rooms: Any = None
    padded: Case | None = None
    paddable: bool = True
    strict: Graphed | None = None
    other_way: bool = False


def token_of(leaf: Any) -> Hashable:
    """What tells one kind of arguments from another."""
    if isinstance(leaf, bool | int | float | complex | str | bytes | enum.Enum):
        return type(leaf), leaf
    if isinstance(leaf, type | types.FunctionType | types.ModuleType | types.BuiltinFunctionType):
        return leaf
    return type(leaf) if hasattr(leaf, "__dict__") else (type(leaf), leaf)


def number_of(value: Any) -> bool:
    """Whether it is a number that could be an input."""
    return isinstance(value, int | float | complex) and not isinstance(value, bool)


def short_of(value: Any) -> str:
    """A value in a line of text."""
    text = repr(value)
    return text if len(text) < 60 else f"a {type(value).__name__}"


def reason_of(site: Site, error: BaseException) -> Reason:
    """An error of a trace in words."""
    text = " ".join(str(error).split("\n")[0].split())
    return Reason(site, "function", f"{type(error).__name__} while it was traced: {text}")
