"""Functions over trees of Python objects, compiled once for trees of about one size."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import numpy as np

from antiphon.graph.hybrid import _recursion_data as data
from antiphon.graph.hybrid import _recursion_find as find
from antiphon.graph.hybrid import _recursion_observe as observe
from antiphon.graph.hybrid._recursion_observe import NotATreeError, Question, Record
from antiphon.graph.hybrid._recursion_scan import (
    VALUE_ERRORS,
    Fixed,
    NeedsResultError,
    Recursion,
    WalksError,
    unchanged,
)

SETTINGS = 16  # kinds of shared arguments, and ways through the outer function, that are kept
FAILURES = 3  # calls after which a function that was never compiled is not tried again


def recursive(f: Callable[..., Any]) -> TreeFunction | None:
    """A function that may run over trees as one compiled scan.

    Nodes may be objects of any class, named tuples, tuples, lists, dictionaries. Python walks a tree once,
    by reads of attributes, and sorts its nodes by what decides the way through the body: their classes, which
    children they have, how many. Each kind of node is traced once, with the results of its children as
    inputs; a tree is a scan over steps of several nodes of one kind and height. Tables are padded to powers
    of two. Batches of levels after Looks et al., "Deep learning with dynamic computation graphs" (ICLR 2017).

    Args:
        f: A function that calls itself, or one that calls such a function (a loss, a training step).

    Returns:
        What is called in its place, which raises `NotATreeError` for arguments or bodies of another sort;
        None if no function that `f` reaches calls itself (mutual recursion is not taken on).

    Example:
        >>> import jax.numpy as jnp
        >>> def total(node):
        ...     value, children = node["value"], node["children"]
        ...     return value + sum([total(child) for child in children], jnp.zeros(()))
        >>> leaf = {"value": jnp.asarray(1.0), "children": []}
        >>> compiled = recursive(total)
        >>> float(compiled({"value": jnp.asarray(2.0), "children": [leaf, leaf]}))
        4.0
    """
    function = find.plain_function(f)
    if function is None or not find.is_own(function):
        return None
    codes = find.recursive_codes(function)
    return TreeFunction(f, function, codes) if codes else None


class Way:
    """One way through the outer function, and its compiled form."""

    def __init__(self, record: Record, sites: list[tuple[Recursion, tuple[Any, ...]]]) -> None:
        self.record, self.sites = record, sites
        self.compiled: Callable | None = None
        self.still: dict[Any, Any] = {}


class Setting:
    """What belongs to one kind of the arguments that are no trees of data."""

    def __init__(self) -> None:
        self.questions, self.ways = Question(), 0
        self.recursions: dict[Any, Recursion] = {}


class TreeFunction:
    """Calls a function over trees of data as one compiled graph."""

    def __init__(self, f: Any, function: types.FunctionType, codes: set[types.CodeType]) -> None:
        self.f, self.function, self.codes = f, function, codes
        self.owner = getattr(f, "__self__", None) if isinstance(f, types.MethodType) else None
        self.compilations = self._failures = 0
        self._walking: set[int] = set()
        self._settings: dict[Any, Setting] = {}
        self._contexts: list[Any] = []
        self._rebound = find.Rebinding(codes, self._noted)
        self._body = self._rebound.copy(function)
        reached = find.reachable(function)
        for one in reached:
            self._rebound(one, body=True)
        self._rebound.complete = True
        self._refusal = next(filter(None, map(find.side_effect, reached)), "")
        if not all(find.has_plain_signature(g) for g in reached if g.__code__ in codes):
            self._refusal = "it takes any number of arguments"

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Call it.

        Raises:
            NotATreeError: If this call cannot be compiled in this way; nothing has happened then.
        """
        if self._refusal:
            raise NotATreeError(f"{self._refusal}.", "A recursion that only computes.")
        if self.owner is not None:
            args = (self.owner, *args)
        arguments = list(find.positional(self.function, args, named))
        try:
            done = self._tried(arguments)
        except NotATreeError as error:
            self._failures += 1
            if self._failures >= FAILURES and not self.compilations:
                self._refusal = error.got.removesuffix(".")
            raise
        except Exception as error:  # Run as Python, it is raised again if it is the user's.
            self._failures += 1
            raise NotATreeError(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
        return done

    def _tried(self, arguments: list[Any]) -> Any:
        while True:  # Each time one more argument is taken for one that goes down the tree.
            walking = tuple(i for i, a in enumerate(arguments) if i in self._walking or is_opaque(a))
            try:
                return self._called(arguments, walking)
            except WalksError as error:
                if error.position in self._walking or error.position < 0:
                    raise NotATreeError("Arguments go down the tree.", "Results that go up.") from None
                self._walking.add(error.position)

    def _called(self, arguments: list[Any], walking: tuple[int, ...]) -> Any:
        fixed = Fixed([a for i, a in enumerate(arguments) if i not in walking])
        outside = self._rebound.captured()
        if any(map(is_opaque, outside)):
            raise NotATreeError("An object is read from around the function.", "Arguments.")
        captured = Fixed(outside)
        try:
            setting = self._settings.get((walking, fixed.key, captured.key))
        except TypeError:
            raise NotATreeError("A setting among the arguments has no hash.", "Numbers, strings.") from None
        if setting is None:
            if len(self._settings) >= SETTINGS:
                raise NotATreeError("Arguments of too many kinds.", "Few shapes and settings.")
            setting = self._settings[walking, fixed.key, captured.key] = Setting()
        roots = [arguments[i] for i in walking]
        way, slots = self._way(setting, fixed, captured, walking, roots)
        forests = []
        for recursion in dict.fromkeys(r for r, _ in way.sites):
            starts = [
                [slots[x] if type(x) is int else x[1] for x in refs]
                for r, refs in way.sites
                if r is recursion
            ]
            with self._capture(captured, captured.leaves), unchanged(self._rebound.containers()):
                forests.append(recursion.tables(starts))
        given = [slots[place] for place in way.record.places]
        assert way.compiled is not None
        arrays = way.compiled(fixed.leaves, captured.leaves, given, forests)
        return eqx.combine(arrays, way.still["result"])

    # The outer function.

    def _way(
        self, setting: Setting, fixed: Fixed, captured: Fixed, walking: tuple[int, ...], roots: list[Any]
    ) -> tuple[Way, list[Any]]:
        slots = list(roots)
        way = observe.classify(setting.questions, slots)
        if way is not None:
            return way, slots
        if setting.ways >= SETTINGS:
            raise NotATreeError("The function around the recursion goes too many ways.", "Few ways.")
        while True:
            try:
                reader = observe.Discover(frozenset(), tuple(roots))
                sites = self._outline(setting, reader, fixed, captured, walking)
                break
            except NeedsResultError as needed:
                with self._capture(captured, captured.leaves), unchanged(self._rebound.containers()):
                    needed.recursion.learn(needed.arguments)
        way = Way(reader.record, sites)
        way.compiled = self._compiled(way, fixed, captured, walking)
        setting.ways += 1
        observe.learn(setting.questions, reader.record, frozenset(), len(roots), way)
        return way, reader.record.values

    def _outline(
        self,
        setting: Setting,
        reader: observe.Discover,
        fixed: Fixed,
        captured: Fixed,
        walking: tuple[int, ...],
    ) -> list[Any]:
        outer = Outer(self, setting, reader, None)

        def traced(seeds: Any, leaves: Any, taken: Any) -> Any:
            reader.seeds = seeds
            with self._capture(captured, taken), unchanged(self._rebound.containers()):
                return arrays_of(self._run(outer, fixed, leaves, walking))[0]

        seed = jax.ShapeDtypeStruct((), np.float32)
        try:
            jax.eval_shape(traced, (seed, 0, 0.0), fixed.specs(), captured.specs())
        except VALUE_ERRORS as error:
            reason = str(error).splitlines()[0]
            raise NotATreeError(f"A value decides around the recursion: {reason}", "Arrays only.") from error
        if not outer.sites:
            raise NotATreeError("No call of a recursive function on a tree.", "One.")
        return outer.sites

    def _compiled(self, way: Way, fixed: Fixed, captured: Fixed, walking: tuple[int, ...]) -> Callable:
        def traced(leaves: Any, taken: Any, given: Any, forests: Any) -> Any:
            self.compilations += 1
            reader = observe.Replay(way.record, frozenset(), len(walking), given)
            outer = Outer(self, None, reader, (way, forests))
            with self._capture(captured, taken), unchanged(self._rebound.containers()):
                arrays, way.still["result"] = arrays_of(self._run(outer, fixed, leaves, walking))
            return arrays

        return jax.jit(traced)

    def _run(self, outer: Outer, fixed: Fixed, leaves: Any, walking: tuple[int, ...]) -> Any:
        others = iter(fixed.rebuilt(leaves))
        count = len(walking) + fixed.count
        outer.reader.rebind = lambda method: self._rebound(method)
        with self._entered(outer):
            roots = iter([outer.reader.show(i) for i in range(len(walking))])
            outer.entry = [next(roots) if i in walking else next(others) for i in range(count)]
            if self.function.__code__ in self.codes:
                return outer.call(self.function, outer.entry)
            return self._body(*outer.entry)

    # Calls of the recursive functions.

    def _noted(self, function: types.FunctionType) -> Callable:
        def call(*args: Any, **named: Any) -> Any:
            return self._contexts[-1].call(function, list(find.positional(function, args, named)))

        return call

    @contextmanager
    def _entered(self, context: Any) -> Iterator[None]:
        self._contexts.append(context)
        try:
            yield
        finally:
            self._contexts.pop()

    @contextmanager
    def _capture(self, captured: Fixed, leaves: Any) -> Iterator[None]:
        before = self._rebound.current
        self._rebound.replace(captured.rebuilt(leaves))
        try:
            yield
        finally:
            self._rebound.replace(before or self._rebound.captured())

    def inside(self, recursion: Recursion, reader: Any, entry: list[Any], children: Any) -> Any:
        """The context of one body of a recursion."""
        reader.rebind = lambda method: self._rebound(method)
        return self._entered(Inner(recursion, reader, entry, children))

    def recursion(self, setting: Setting, function: Any, walking: tuple[int, ...], fixed: Fixed) -> Recursion:
        """The recursion of a function for one kind of shared arguments."""
        key = (function.__code__, walking, fixed.key)
        if key not in setting.recursions:
            body = self._rebound(function, body=True)
            setting.recursions[key] = Recursion(body, walking, fixed, self.inside)
        return setting.recursions[key]


class Outer:
    """Calls of recursive functions in the function that was called."""

    def __init__(self, owner: TreeFunction, setting: Any, reader: observe.Reader, ready: Any) -> None:
        self.owner, self.setting, self.reader, self.ready = owner, setting, reader, ready
        self.entry: list[Any] = []
        self.sites: list[Any] = []
        self.calls = 0

    def call(self, function: types.FunctionType, arguments: list[Any]) -> Any:
        """Discover a call, or evaluate the forest that belongs to it."""
        refs = [reference(self.reader, a) for a in arguments]
        walking = tuple(i for i, r in enumerate(refs) if r is not None)
        fixed = Fixed([a for a, r in zip(arguments, refs, strict=True) if r is None])
        if self.ready is None:
            if not any(isinstance(r, int) for r in refs) and any(refs):
                raise NotATreeError("No argument is a tree of Python objects.", "One.")
            recursion = self.owner.recursion(self.setting, function, walking, fixed)
            recursion.entry_places = {  # where an argument that turns out to walk comes from
                i: next((j for j, e in enumerate(self.entry) if e is a), -1) for i, a in enumerate(arguments)
            }
            chosen = tuple(r for r in refs if r is not None)
            if recursion.result is None:
                values = self.reader.record.values
                raise NeedsResultError(recursion, [values[r] if type(r) is int else r[1] for r in chosen])
            self.sites.append((recursion, chosen))
            tree, avals = recursion.result
            blank = [data.stand_in(a, self.reader.seeds) for a in avals]  # pyright: ignore[reportAttributeAccessIssue]
            return jax.tree.unflatten(tree, blank)
        way, forests = self.ready
        recursion = way.sites[self.calls][0]
        before = sum(r is recursion for r, _ in way.sites[: self.calls])
        place = list(dict.fromkeys(r for r, _ in way.sites)).index(recursion)
        self.calls += 1
        assert recursion.result is not None
        found = recursion.evaluate(fixed.leaves, forests[place])
        return jax.tree.unflatten(recursion.result[0], [f[before] for f in found])


class Inner:
    """Calls of itself in the body of a recursive function."""

    def __init__(self, recursion: Recursion, reader: Any, entry: list[Any], children: Any) -> None:
        self.recursion, self.reader, self.entry, self.children = recursion, reader, entry, children
        self.calls = 0

    def call(self, function: types.FunctionType, arguments: list[Any]) -> Any:
        """Discover a call, or give its result."""
        recursion = self.recursion
        if function.__code__ is not recursion.body.__code__:
            raise NotATreeError("A recursion inside another one.", "One recursive function.")
        if self.children is not None:
            self.calls += 1
            return self.children[self.calls - 1]
        for position, (argument, own) in enumerate(zip(arguments, self.entry, strict=True)):
            if position not in recursion.walking and argument is not own and not same_leaves(argument, own):
                raise WalksError(recursion.entry_places[position])
        refs = []
        for argument in [arguments[i] for i in recursion.walking]:
            ref = reference(self.reader, argument)
            if ref is None:
                raise NotATreeError("An argument that is computed goes down the tree.", "Results that go up.")
            refs.append(ref)
        if recursion.result is None:
            values = self.reader.record.values
            raise NeedsResultError(recursion, [values[r] if type(r) is int else r[1] for r in refs])
        self.reader.record.sites.append(tuple(refs))
        tree, avals = recursion.result
        return jax.tree.unflatten(tree, [data.stand_in(a, self.reader.seeds) for a in avals])


def reference(reader: observe.Reader, argument: Any) -> Any:
    """The slot that an argument is, or a constant; None for arrays that were not read from a tree."""
    if observe.is_proxy(argument):
        return object.__getattribute__(argument, "_antiphon")[1]
    slot = reader.slot_of.get(id(argument))
    if slot is not None:
        return slot
    if argument is None or data.kind_of(argument) == data.CONSTANT or data.is_number(argument):
        return "constant", argument
    return None


def same_leaves(first: Any, second: Any) -> bool:
    """Whether two trees hold the same arrays."""
    a, s = jax.tree.flatten(first)
    b, t = jax.tree.flatten(second)
    return s == t and all(x is y for x, y in zip(a, b, strict=True))


def arrays_of(result: Any) -> tuple[Any, Any]:
    """The arrays of a result, and the rest."""
    if any(observe.is_proxy(x) for x in jax.tree.leaves(result)):
        raise NotATreeError("A node is given as a result.", "Arrays.")
    return eqx.partition(result, data.is_array)


def is_opaque(argument: Any) -> bool:
    """Whether an argument holds objects that JAX takes for leaves: a tree of data, not of arrays."""
    leaves = jax.tree.leaves(argument)
    return any(not data.is_dynamic(leaf) and data.kind_of(leaf) == data.PROXY for leaf in leaves)
