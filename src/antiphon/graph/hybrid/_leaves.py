"""A run as Python whose calls are compiled: what falls back need not run operation by operation."""

from __future__ import annotations

import inspect
import types
import weakref
from typing import Any

import equinox as eqx
import jax
import numpy as np

from antiphon.graph.hybrid._trace import Options, running

WARM = 2  # calls before a function is worth compiling
_leaves: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
_calls: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def _apply(module: Any, *args: Any, **kwargs: Any) -> Any:
    return module(*args, **kwargs)


def leaf(f: Any, target: types.FunctionType | None, leading: tuple, args: tuple, kwargs: dict) -> Any:
    """What to call in place of a function, with which arguments; None if it is to run as it is.

    Args:
        f: What is called in an imperative run.
        target: The Python function behind it, if it is the user's.
        leading: What that is called with first.
        args: Arguments by place.
        kwargs: Arguments by name.
    """
    if target is None:
        if not isinstance(f, eqx.Module):
            return None
        target, leading = _apply, (f,)
    # What it gives runs later, with arrays that only a trace would know.
    if inspect.isgeneratorfunction(target) or inspect.iscoroutinefunction(target):
        return None
    leaves = jax.tree.leaves((leading, args, kwargs))
    if any(isinstance(x, np.ndarray) for x in leaves) or not any(isinstance(x, jax.Array) for x in leaves):
        return None
    called = _calls[target] = _calls.get(target, 0) + 1
    if called < WARM:
        return None
    found = _leaves.get(target)
    if found is None:
        from antiphon.graph.hybrid._hybrid import Hybrid

        found = _leaves[target] = Hybrid(target, Options(leaf=True))

    def call() -> Any:
        with running(None):
            return found(*leading, *args, **kwargs)

    return call
