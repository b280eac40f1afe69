"""The compiled functions of this process: each made once, the least recently used ones dropped."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import jax

COMPILED_KEPT = 512  # Functions; the least recently used goes first.
_COMPILED: OrderedDict[Any, Any] = OrderedDict()
_BUSY: dict[Any, threading.Lock] = {}
_LOCK = threading.Lock()


def compiled(key: Any, function: Callable[..., Any], arguments: Any) -> Any:
    """The compiled function of a key; threads that want the same one wait for the first of them."""
    with _LOCK:
        busy = _BUSY.setdefault(key, threading.Lock())
    with busy:
        with _LOCK:
            if key in _COMPILED:
                _COMPILED.move_to_end(key)
                return _COMPILED[key]
        made = jax.jit(function).lower(*arguments).compile()
        with _LOCK:
            _COMPILED[key] = made
            _BUSY.pop(key, None)
            while len(_COMPILED) > COMPILED_KEPT:
                _COMPILED.popitem(last=False)
        return made


def forget_compiled() -> None:
    """Drop every compiled training loop."""
    with _LOCK:
        _COMPILED.clear()


def compiled_count() -> int:
    """How many training loops are compiled now."""
    return len(_COMPILED)
