"""The trace that is under way: levels of nesting, checks, effects, and values that are assumed."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from antiphon.graph.hybrid._explain import Report
from antiphon.graph.hybrid._heap import Heap
from antiphon.graph.hybrid._padding import Padded
from antiphon.graph.hybrid._signals import Imperative, Reason, Site, Unknown, Unstructured, here
from antiphon.graph.hybrid._template import Template, split
from antiphon.graph.hybrid._values import plain, traced

DEPTH = 3  # calls of itself inside branches of the graph

Path = dict[Site, list[Any]]


@dataclass
class Level:
    """One construct, or one transformation of JAX, that encloses what is being traced."""

    name: str
    opaque: bool = False
    checks: list[Any] = field(default_factory=list)


@dataclass
class Effect:
    """Something to be done after the run: once, and in order."""

    act: Callable[..., None]
    template: Template | None
    leaves: list[Any]
    region: int | None = None


@dataclass
class Options:
    """How a function is to be converted.

    Args:
        max_iterations: Bound of loops whose number of rounds is known only when the graph runs.
        gradient: "reverse" or "forward": which derivative such loops have without a bound.
        unroll: Loops of a known length up to this are unrolled.
        leaf: It is called from a run as Python: numbers stay Python's, few kinds of arguments are compiled.
    """

    max_iterations: int | None = None
    gradient: str = "reverse"
    unroll: int = 8
    leaf: bool = False


class Watch:
    """A run as Python that writes down which way it goes."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.path: Path = defaultdict(list)

    def settle(self, value: Any, kind: type, construct: str) -> Any:
        """The value, written down."""
        found = kind(value)
        self.path[here()].append(found)
        return found


class Loose:
    """A run as Python, whose calls are compiled where they can be."""

    def settle(self, value: Any, kind: type, construct: str) -> Any:
        """The value."""
        return kind(value)


class Trace:
    """A function is becoming a graph.

    Args:
        heap: The state outside.
        options: Of the conversion.
        path: The values that are assumed, by place, in order.
        report: Collects what becomes of each line.
        strict: Nothing may be assumed, since nothing can be checked after the run.
    """

    def __init__(self, heap: Heap, options: Options, path: Path, report: Report, strict: bool) -> None:
        self.heap, self.options, self.path, self.report, self.strict = heap, options, path, report, strict
        self.levels = [Level("function")]
        self.assumed: list[tuple[Site, Any, Any, str, bool]] = []
        self.effects: list[Effect] = []
        self.position: dict[Site, int] = defaultdict(int)
        self.regions = 0
        self.passing: list[Any] = []  # what hands its arguments on to functions of the user
        self.bounds: dict[int, tuple[Any, int]] = {}
        self.active: dict[Any, int] = defaultdict(int)
        self.queue: list[tuple[Any, ...]] = []

    @property
    def nested(self) -> bool:
        """Whether inside a construct whose course is decided when the graph runs."""
        return len(self.levels) > 1

    def settle(self, value: Any, kind: type, construct: str) -> Any:
        """A value that Python needs now.

        Raises:
            Unstructured: Inside a loop or branch of the graph, where it is not one value.
            Unknown: If no run has shown it yet.
        """
        site = here()
        at = self.position[site]
        self.passed(site)
        if not traced(value):
            return kind(value)
        why = "Python needs its value while the graph is built."
        if jnp.size(value) != 1:
            raise Imperative(Reason(site, construct, why, "Use a single number, or `jnp` functions."))
        if self.nested:
            raise Unstructured(Reason(site, construct, why, "Use `jnp.where` or `jnp` functions here."))
        if self.strict:
            raise Imperative(Reason(site, construct, why + " Inside another `jit` nothing can be assumed."))
        shown = self.path.get(site, ())
        if at >= len(shown):
            raise Unknown(Reason(site, construct, why))
        self.assumed.append((site, plain(jnp.reshape(value, ())), shown[at], construct, True))
        self.report.assume(site, construct, f"assumed to be {shown[at]!r}, as in the run before; checked")
        return kind(shown[at])

    def bounded(self, value: Padded) -> Any:
        """The length of an input of any length; a range up to it is known to have an end."""
        self.bounds[id(value.length)] = value.length, value.array.shape[value.axis]
        return value.length

    def passed(self, site: Site) -> None:
        """A place where a run as Python decides has been passed."""
        if not self.nested:
            self.position[site] += 1

    def check(self, flag: Any, construct: str) -> None:
        """Assume a truth of the run; if it fails, a run as Python says what is wrong."""
        if any(level.opaque for level in self.levels):
            raise Unstructured(
                Reason(here(), construct, f"it cannot be checked inside {self.levels[-1].name}.")
            )
        flag = plain(jnp.reshape(flag, ()).astype(bool))
        self.levels[-1].checks.append(flag)
        if not self.nested and self.strict:
            jax.debug.callback(_raise_unless, flag, construct=construct, site=str(here()))
        elif not self.nested:
            self.assumed.append((here(), flag, True, construct, False))

    def emit(self, act: Callable[..., None], *arguments: Any) -> None:
        """Do something after the run, with values of the run."""
        leaves, template = split(self.heap, arguments)
        leaves = [plain(leaf) for leaf in leaves]
        if self.strict:

            def now(*values: Any) -> None:
                act(*template.build(list(values), ()))

            jax.debug.callback(now, *leaves, ordered=not any(level.opaque for level in self.levels))
            return
        if not self.nested:
            self.effects.append(Effect(act, template, leaves))
            return
        if not self.effects or self.effects[-1].region != self.regions:
            self.effects.append(Effect(act, None, [], self.regions))
        queue, region = self.queue, self.regions

        def push(*values: Any) -> None:
            queue.append((region, act, template, values))

        jax.debug.callback(push, *leaves, ordered=not any(level.opaque for level in self.levels))

    @contextlib.contextmanager
    def entered(self, code: Any, name: str) -> Iterator[None]:
        """Inside a call; one that calls itself until the run says enough has no end in a trace.

        Raises:
            Unstructured: For such a one.
        """
        key = code, self.nested
        if self.nested and self.active[key] >= DEPTH:
            why = "it calls itself, and how deep is known only when the graph runs."
            raise Unstructured(Reason(here(), f"call of {name}", why, "Write it as a loop."))
        self.active[key] += 1
        try:
            yield
        finally:
            self.active[key] -= 1

    @contextlib.contextmanager
    def inside(self, name: str, opaque: bool = False) -> Iterator[Level]:
        """Trace what is inside a construct."""
        if not self.nested:
            self.regions += 1
        level = Level(name, opaque)
        self.levels.append(level)
        try:
            yield level
        finally:
            self.levels.pop()

    @contextlib.contextmanager
    def attempt(self, construct: str) -> Iterator[None]:
        """Leave no trace of a construct that could not be converted.

        Raises:
            Unstructured: For any error inside.
        """
        site = here()
        heap, effects, assumed = self.heap.mark(), len(self.effects), len(self.assumed)
        position, depth = dict(self.position), len(self.levels)
        checks = len(self.levels[-1].checks)
        try:
            yield
        except (Unstructured, Exception) as error:
            self.heap.back(heap)
            del self.effects[effects:], self.assumed[assumed:], self.levels[depth:]
            del self.levels[-1].checks[checks:]
            self.position = defaultdict(int, position)
            if isinstance(error, Unstructured):
                raise
            text = " ".join(str(error).split("\n")[0].split())
            raise Unstructured(Reason(site, construct, f"{type(error).__name__}: {text}")) from error


def _raise_unless(flag: Any, construct: str, site: str) -> None:
    if not flag.all():
        raise AssertionError(f"{site}: {construct} does not hold")


class _Current(threading.local):
    run: Trace | Watch | Loose | None = None


_current = _Current()


def current() -> Trace | Watch | Loose | None:
    """The run that converted code belongs to; None if it runs as plain Python."""
    return _current.run


def tracing() -> Trace | None:
    """The trace under way, if there is one."""
    run = _current.run
    return run if isinstance(run, Trace) else None


@contextlib.contextmanager
def running(run: Trace | Watch | Loose | None) -> Iterator[None]:
    """Let converted code belong to a run."""
    before = _current.run
    _current.run = run
    try:
        yield
    finally:
        _current.run = before
