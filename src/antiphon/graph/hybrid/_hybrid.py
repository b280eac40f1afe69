"""A function of Python that runs as one compiled graph where it can, and as Python where it must."""

from __future__ import annotations

import contextlib
import functools
import logging
import types
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import jax
import numpy as np

from antiphon.errors import ConversionError, InputError
from antiphon.graph.hybrid._assumptions import Assumptions, log
from antiphon.graph.hybrid._before import Before
from antiphon.graph.hybrid._bound import Bound
from antiphon.graph.hybrid._build import Call, Graphed
from antiphon.graph.hybrid._calls import callable_of, converted_call, operators
from antiphon.graph.hybrid._case import Case, reason_of, token_of
from antiphon.graph.hybrid._explain import Explanation, Report
from antiphon.graph.hybrid._padding import fits, pad, rooms
from antiphon.graph.hybrid._plan import Changed, Plan
from antiphon.graph.hybrid._record import Outcome
from antiphon.graph.hybrid._recursion import NotATreeError, recursive
from antiphon.graph.hybrid._signals import Again, Imperative, Reason, Signal, Site, Unknown
from antiphon.graph.hybrid._source import Unconvertible, convert
from antiphon.graph.hybrid._trace import Loose, Options, Watch, current, plain, running
from antiphon.graph.hybrid._values import is_input, traced

_NO_VALUE = (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError)
GRAPHS = 8  # sets of assumptions kept for one kind of arguments
PASSES = 12  # traces until all that is read outside is known


class Hybrid:
    """What `hybridize` gives: call it as the function itself."""

    def __init__(self, f: Callable[..., Any], options: Options) -> None:
        functools.update_wrapper(self, f, updated=())
        self._f, self._options = f, options
        self._function, self._leading = callable_of(f)
        self._report = Report()
        self._cases: dict[Hashable, Case] = {}
        self._assumptions = Assumptions(self._site())
        self._compilations = 0
        self._mode = "compiled"
        self._before: Before | None = None
        self._clear: Any = None  # the record of the last run, if it assumed and changed nothing

    # How it runs.

    def eager(self) -> Hybrid:
        """From now on, run line by line as plain Python, for debugging."""
        self._mode = "eager"
        return self

    def compiled(self) -> Hybrid:
        """From now on, run as a compiled graph."""
        self._mode = "compiled"
        return self

    @contextlib.contextmanager
    def running(self, mode: str) -> Iterator[Hybrid]:
        """Run as "eager" or "compiled" inside a `with` block.

        Raises:
            InputError: For another word.
        """
        if mode not in ("eager", "compiled"):
            raise InputError(f"the mode {mode!r}.", '"eager" or "compiled".')
        before, self._mode = self._mode, mode
        try:
            yield self
        finally:
            self._mode = before

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        return self if owner is None else Bound(self, owner)

    def __antiphon_hybrid__(self, args: tuple) -> tuple[Any, tuple]:
        """For converted code: the function itself, to be part of the same graph."""
        return self._f, args

    def __repr__(self) -> str:
        return f"hybridize({getattr(self._f, '__qualname__', self._f)})"

    # What is known about it.

    @property
    def compilations(self) -> int:
        """How many graphs have been traced and compiled so far."""
        trees = self.__dict__.get("_trees")
        return self._compilations + (trees.compilations if trees is not None else 0)

    def explain(self) -> Explanation:
        """What became of each line: converted, assumed, or run as Python, and why."""
        count = self.compilations
        times = "once" if count == 1 else f"{count} times"
        return self._report.explanation(f"{getattr(self._f, '__qualname__', self._f)}: compiled {times}")

    def graph(self, *examples: Any) -> Any:
        """The graph for such arguments.

        Args:
            examples: Arrays, trees of arrays, or `jax.ShapeDtypeStruct`.

        Raises:
            ConversionError: If the function cannot be one graph without assumptions.
        """
        from antiphon.graph import trace

        return trace(lambda *args: self(*args), *examples)

    # Calls.

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        if self._mode == "eager":
            return self._f(*args, **kwargs)
        run = current()
        if run is not None and not isinstance(run, Loose):
            return converted_call(self._f, args, kwargs)
        with running(None) if run is not None else contextlib.nullcontext():
            return self._called(args, kwargs)

    def _called(self, args: tuple, kwargs: dict) -> Any:
        if self._trees is not None:
            done, result = self._over_trees(args, kwargs)
            if done:
                return result
        if self._leading:
            args = (*self._leading, *args)
        leaves, structure = jax.tree.flatten((args, kwargs))
        if self._before is not None and self._before.fits(leaves, structure):
            done, result = self._before.run(leaves, args, kwargs)
            if done:
                return result
        numbers = self._assumptions.numbers.get(structure, ())
        dynamic = tuple([is_input(x) or i in numbers for i, x in enumerate(leaves)])
        key = (structure, tuple([None if d else token_of(x) for x, d in zip(leaves, dynamic, strict=True)]))
        try:
            case = self._cases.get(key)
        except TypeError:
            return self._imperative(args, kwargs)
        if case is None:
            if not self._options.leaf and self._assumptions.vary(self._cases, key, leaves):
                return self(*args[len(self._leading) :], **kwargs)
            if self._options.leaf and len(self._cases) >= GRAPHS:
                return self._imperative(args, kwargs)
            case = self._cases[key] = Case(dynamic)
        inputs = [x for x, d in zip(leaves, dynamic, strict=True) if d]
        call = Call(
            [None if d else x for x, d in zip(leaves, dynamic, strict=True)],
            dynamic,
            structure,
            (args, kwargs),
        )
        if case.imperative:
            return self._imperative(args, kwargs)
        if any(traced(x) and traced(plain(x)) for x in inputs):
            return self._inside(case, call, inputs)
        shapes = tuple([getattr(x, "shape", ()) for x in inputs])
        if shapes not in case.shapes:
            if case.shapes and case.paddable:
                done, result = self._padded(case, call, inputs, shapes)
                if done:
                    return result
            case.shapes.append(shapes)
        return self._compiled(case, call, inputs, args, kwargs)

    def _padded(self, case: Case, call: Call, inputs: list[Any], shapes: Any) -> tuple[bool, Any]:
        """Run inputs of another length with rows added: whether that is possible, and the result."""
        if case.rooms is None or not fits(shapes, case.rooms, case.shapes[0]):
            case.rooms = rooms(shapes, case.shapes)
            if case.rooms is None:
                return False, None
            case.padded = Case(case.dynamic, varying=case.varying, pinned=case.pinned)
        assert case.padded is not None
        longer = pad(inputs, case.rooms)
        for graph in [*case.padded.graphs, None]:
            try:
                graph = graph or self._new(case.padded, {})
                found = graph.plan.find(call.root)
                done, result = self._attempt(case.padded, graph, call, longer, found)
            except Changed:
                continue
            except (Signal, Exception) as error:
                case.paddable, case.padded = False, None
                log.debug("%s cannot take inputs of any length in one graph: %s", self, error)
                return False, None
            return done, result
        return False, None

    def _compiled(self, case: Case, call: Call, inputs: list[Any], args: tuple, kwargs: dict) -> Any:
        tried, stale = 0, None
        for graph in list(case.graphs):
            try:
                found = graph.plan.find(call.root)
            except Changed:
                stale = stale or graph
                continue
            try:
                done, result = self._attempt(case, graph, call, inputs, found)
            except (Signal, Exception) as error:
                case.graphs.remove(graph)
                return self._failed(case, call, error, args, kwargs)
            if done:
                if graph is not case.graphs[0] and not tried:
                    case.graphs.remove(graph)
                    case.graphs.insert(0, graph)
                self._before = Before.of(graph, self._clear, call, inputs)
                return result
            tried += 1
        if tried:
            return self._otherwise(case, call, args, kwargs)
        if stale is not None:
            self._assumptions.weaken(case, stale, call)
        if len(case.graphs) >= GRAPHS:
            return self._give_up(case, "its assumptions keep failing", args, kwargs)
        graph = self._new(case, {})
        try:
            done, result = self._attempt(case, graph, call, inputs, [])
        except (Signal, Exception) as error:
            case.graphs.remove(graph)
            return self._failed(case, call, error, args, kwargs)
        return result if done else self._otherwise(case, call, args, kwargs)

    def _otherwise(self, case: Case, call: Call, args: tuple, kwargs: dict) -> Any:
        """What was assumed is not so: a run as Python, and another graph if there can be one."""
        other, case.other_way = case.other_way, False
        return self._watch(case, call, args, kwargs) if other else self._imperative(args, kwargs)

    def _failed(self, case: Case, call: Call, error: BaseException, args: tuple, kwargs: dict) -> Any:
        """There is no graph: a run as Python, which is right, or tells what is wrong."""
        if isinstance(error, Unknown):
            try:
                return self._watch(case, call, args, kwargs)
            except _NO_VALUE as refused:
                raise self._refusal(error.reason) from refused
        if isinstance(error, ConversionError):
            raise error
        if self._assumptions.pin(self._cases, case, call):
            return self(*args[len(self._leading) :], **kwargs)
        reason = error.reason if isinstance(error, Signal) else reason_of(self._site(), error)
        try:
            result = self._imperative(args, kwargs)
        except _NO_VALUE as refused:
            raise self._refusal(reason) from refused
        self._fall_back(case, reason)
        return result

    def _new(self, case: Case, path: Any) -> Graphed:
        plan = Plan(varying=case.varying, pinned=case.pinned)
        graph = Graphed(self._converted(), plan, path, self._options, self._report, False, self._count)
        case.graphs.insert(0, graph)
        return graph

    def _converted(self) -> Callable[..., Any]:
        return self._function if self._function is not None and self._leading else self._f

    def _count(self) -> None:
        self._compilations += 1

    def _attempt(
        self, case: Case, graph: Graphed, call: Call, inputs: list[Any], found: list[Any]
    ) -> tuple[bool, Any]:
        """Run a graph: whether its result is right, and the result."""
        outcome, found = self._run(graph, call, inputs, found)
        record = outcome.record
        self._clear = None if outcome.assumed or record.changes else record
        if outcome.assumed or record.changes:
            if any(traced(plain(x)) for x in (*outcome.assumed, *record.outside(outcome.arrays))):
                return True, self._inside(case, call, inputs)
            if not self._holds(case, outcome):
                record.discard()
                return False, None
        return True, record.commit(outcome.arrays, found)

    def _inside(self, case: Case, call: Call, inputs: list[Any]) -> Any:
        """Inside another `jit`, or `vmap`: nothing can be checked or written after the run.

        Raises:
            ConversionError: If something would have to be.
        """
        if case.strict is None:
            plan = Plan(varying=case.varying, pinned=case.pinned)
            case.strict = Graphed(self._converted(), plan, {}, self._options, self._report, True, self._count)
        try:
            outcome, found = self._run(case.strict, call, inputs, case.strict.plan.find(call.root))
        except Changed:
            case.strict = None
            return self._inside(case, call, inputs)
        except Signal as signal:
            raise self._refusal(signal.reason) from signal
        record = outcome.record
        if any(traced(plain(x)) for x in record.outside(outcome.arrays)):
            why = "it writes to something outside; inside another `jit` or `vmap` there is no value yet."
            advice = "Return the value, or hybridize the caller."
            raise self._refusal(Reason(self._site(), "state", why, advice))
        return record.commit(outcome.arrays, found)

    def _run(
        self, graph: Graphed, call: Call, inputs: list[Any], found: list[Any]
    ) -> tuple[Outcome, list[Any]]:
        graph.call = call
        for _ in range(PASSES):
            graph.found = found
            try:
                outcome = graph.run(inputs, graph.plan.inputs(found))
                if len(found) < len(graph.plan.steps):
                    found = graph.plan.find(call.root)
                return outcome, found
            except Again:
                graph.__post_init__()
                found = graph.plan.find(call.root)
        raise Imperative(
            Reason(self._site(), "function", "what it reads outside changes from trace to trace.")
        )

    def _holds(self, case: Case, outcome: Outcome) -> bool:
        """Whether all that was assumed is so."""
        for (site, expected, construct, way), value in zip(
            outcome.record.sites, outcome.assumed, strict=True
        ):
            actual = type(expected)(np.asarray(plain(value)).item())
            if actual != expected and not (actual != actual and expected != expected):
                what = f"{construct} was {expected!r} when the graph was made, and is {actual!r}"
                if way:
                    self._assumptions.tell(site, what)
                else:
                    self._assumptions.once(logging.INFO, f"{site}: {construct}: checked, and runs as Python")
                case.other_way = case.other_way or way
                return False
        return True

    # Running as Python.

    def _watch(self, case: Case, call: Call, args: tuple, kwargs: dict) -> Any:
        """Run as Python, and see which way it goes."""
        if len(case.graphs) >= GRAPHS:
            return self._give_up(case, "it goes another way too often", args, kwargs)
        run = Watch(self._options)
        with running(run):
            result = converted_call(self._converted(), args, kwargs)
        self._new(case, dict(run.path))
        return result

    def _give_up(self, case: Case, why: str, args: tuple, kwargs: dict) -> Any:
        self._fall_back(case, Reason(self._site(), "function", why))
        return self._imperative(args, kwargs)

    def _fall_back(self, case: Case, reason: Reason) -> None:
        case.imperative = True
        self._report.fall_back(reason)
        self._assumptions.once(logging.INFO, f"{self} runs as Python: {reason}")

    def _imperative(self, args: tuple, kwargs: dict) -> Any:
        """Run as Python, with compiled calls."""
        function = self._function
        if function is None:
            return self._f(*args, **kwargs)
        leading = self._leading if function is not self._converted() else ()
        try:
            made = convert(function, operators())
        except Unconvertible:
            return function(*leading, *args, **kwargs)
        with running(Loose()):
            return made(*leading, *args, **kwargs)

    def _over_trees(self, args: tuple, kwargs: dict) -> tuple[bool, Any]:
        """Run a recursion over trees as a scan: whether that is possible, and the result."""
        try:
            result = self._trees(*args, **kwargs)
        except NotATreeError as error:
            log.debug("%s is no recursion over trees here: %s", self, error)
            return False, None
        self._report.convert(
            self._site(), "recursion", "a scan over the nodes of a tree, one graph for many trees"
        )
        return True, result

    @functools.cached_property
    def _trees(self) -> Any:
        return None if self._options.leaf else recursive(self._f)

    def _site(self) -> Site:
        function = self._function
        code = function.__code__ if isinstance(function, types.FunctionType) else None
        return Site(code.co_filename, code.co_firstlineno, code.co_name) if code else Site("<unknown>", 0)

    def _refusal(self, reason: Reason) -> ConversionError:
        return ConversionError(
            f"{reason.site}: {reason.construct}: {reason.why}",
            "Control flow that `cond`, `scan` or `while` can express.",
            reason.advice or "Call it outside `jit`, where it can run as Python.",
        )
