"""Recursion over trees: each kind of node is traced once, with the results of its children as inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from antiphon.graph.hybrid import _recursion_data as data
from antiphon.graph.hybrid import _recursion_observe as observe
from antiphon.graph.hybrid._recursion_forest import (
    STEP,
    WIDTHS,
    Kind,
    Nodes,
    Skeleton,
    Tables,
    skeleton,
    tables,
)
from antiphon.graph.hybrid._recursion_linear import Body
from antiphon.graph.hybrid._recursion_observe import NotATreeError, Question, Record
from antiphon.graph.hybrid._recursion_system import System

KINDS = 64
SKELETONS = 1024  # forms of trees that are kept, the last used ones
FLOATS = {False: np.dtype(np.float32), True: np.dtype(np.float64)}
VALUE_ERRORS = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.TracerArrayConversionError,
)


class NeedsResultError(Exception):
    """A body was traced before anything is known of what its calls give."""

    def __init__(self, recursion: Recursion, arguments: list[Any]) -> None:
        super().__init__()
        self.recursion, self.arguments = recursion, arguments


class WalksError(Exception):
    """An argument that was taken for the same in all calls is not."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position


class Fixed:
    """Arguments that all calls share: arrays in them are inputs, the rest belongs to the key."""

    def __init__(self, trees: list[Any]) -> None:
        self.count = len(trees)
        leaves, self.structure = jax.tree.flatten(trees)
        self.dynamic = [data.is_dynamic(x) for x in leaves]
        self.leaves = [x for x, d in zip(leaves, self.dynamic, strict=True) if d]
        self.still = [None if d else x for x, d in zip(leaves, self.dynamic, strict=True)]
        self.key = (
            self.structure,
            tuple([aval_of(x) for x in self.leaves]),
            tuple([(type(x), x) for x in self.still]),
        )

    def specs(self) -> list[Any]:
        """Shapes and types of the inputs."""
        return [jax.ShapeDtypeStruct(s, d, weak_type=w) for s, d, w in self.key[1]]

    def rebuilt(self, leaves: Any) -> list[Any]:
        """The arguments with other arrays in them."""
        given = iter(leaves)
        whole = [next(given) if d else x for x, d in zip(self.still, self.dynamic, strict=True)]
        return jax.tree.unflatten(self.structure, whole)


def aval_of(leaf: Any) -> tuple[Any, Any, bool]:
    """Shape, type and weakness of an input."""
    if isinstance(leaf, jax.Array):
        return leaf.shape, leaf.dtype, leaf.weak_type
    if type(leaf) is float:
        return (), FLOATS[jax.config.jax_enable_x64], True  # pyright: ignore[reportAttributeAccessIssue]
    return jnp.shape(leaf), jax.dtypes.result_type(leaf), weak(leaf)


def weak(leaf: Any) -> bool:
    """Whether a leaf takes on the type of what it meets."""
    return isinstance(leaf, int | float | complex) or bool(getattr(leaf, "weak_type", False))


class Recursion:
    """One recursive function, for one kind of the arguments that its calls share.

    Args:
        body: The function, with its calls of itself noted.
        walking: Positions of the arguments that differ from call to call.
        fixed: The others.
        context: Tells the calls inside the body whom they belong to.
    """

    def __init__(self, body: Callable, walking: tuple[int, ...], fixed: Fixed, context: Callable) -> None:
        self.body, self.walking, self.fixed, self.context = body, walking, fixed, context
        self.questions, self.kinds = Question(), []
        self.by_value: frozenset[Any] = frozenset()
        self.generation = 0
        self.skeletons: dict[Any, Skeleton] = {}
        self.entry_places: dict[int, int] = {}
        self.result: tuple[Any, list[Any]] | None = None

    # Discovery.

    def nodes(self, roots: list[list[Any]]) -> Nodes:
        """All nodes of some trees, with what their bodies read of them."""
        while True:
            generation = self.generation
            found = self.walk(roots)
            if found is not None and generation == self.generation:
                return found

    def tables(self, roots: list[list[Any]]) -> Tables:
        """The nodes of some trees as tables; rows and steps are kept for trees of the same form."""
        nodes = self.nodes(roots)
        key = len(self.kinds), self.generation, len(roots), *[kind.number for kind in nodes.kinds]
        known = self.skeletons.pop(key, None)
        if known is None:
            known = skeleton(nodes, self.kinds, len(roots))
            if len(self.skeletons) >= SKELETONS:
                del self.skeletons[next(iter(self.skeletons))]
        self.skeletons[key] = known
        return tables(nodes, self.kinds, known)

    def walk(self, roots: list[list[Any]]) -> Nodes | None:
        nodes, waiting, generation = Nodes(), list(roots), self.generation
        questions = self.questions
        for arguments in waiting:
            slots = list(arguments)
            kind = observe.classify(questions, slots)
            if kind is None:
                self.learn(arguments)
                if self.generation != generation:
                    return None
                slots = list(arguments)
                kind = observe.classify(questions, slots)
                assert kind is not None, "what was just learned is known"
            first = len(waiting)
            for site in kind.record.sites:
                waiting.append([slots[r] if type(r) is int else r[1] for r in site])
            nodes.kinds.append(kind)
            nodes.slots.append(slots)
            nodes.children.append(range(first, len(waiting)))
        return nodes

    def learn(self, arguments: list[Any]) -> None:
        """Trace the body for a node of a new kind, after those below it if nothing is known yet."""
        waiting = [arguments]
        while waiting:
            try:
                # Of the nodes on the way down, those above the first may be of one kind.
                if observe.classify(self.questions, list(waiting[-1])) is None:
                    self.add(waiting[-1])
                waiting.pop()
            except NeedsResultError as needed:
                if len(waiting) > 900:
                    raise NotATreeError("No end of the recursion was found.", "Leaves.") from None
                waiting.append(needed.arguments)

    def add(self, arguments: list[Any]) -> None:
        if len(self.kinds) >= KINDS:
            raise NotATreeError(
                f"Nodes of more than {KINDS} kinds.", "Few kinds of nodes.", "Make what differs arrays."
            )
        reader, result = self.discovered(arguments)
        if self.result is None:
            self.result = result
        elif not alike(self.result, result):
            raise NotATreeError(
                f"Calls give results of two forms, {shown(self.result)} and {shown(result)}.",
                "Results of one form.",
            )
        record, n = reader.record, len(arguments)
        kind = Kind(len(self.kinds), record)
        kind.used = self.used(kind)
        observe.learn(self.questions, record, self.by_value, n, kind)
        self.kinds.append(kind)

    def discovered(self, arguments: list[Any]) -> tuple[observe.Discover, Any]:
        """Run the body; numbers that Python asks the value of are fixed from then on."""
        reader = observe.Discover(self.by_value, tuple(arguments))
        try:
            return reader, self.outline(reader)
        except VALUE_ERRORS as error:
            names, before = reader.record.asked - self.by_value, self.by_value
            for more in [*({n} for n in names), names] if names else []:
                reader = observe.Discover(before | more, tuple(arguments))
                try:
                    result = self.outline(reader)
                except VALUE_ERRORS:
                    continue
                self.by_value = before | more
                self.questions, self.kinds = Question(), []
                self.generation += 1
                return reader, result
            raise NotATreeError(
                f"A value decides in the body of a recursion: {str(error).splitlines()[0]}",
                "Control flow by what the nodes are.",
                "Use jnp.where or jax.lax.cond.",
            ) from error

    def outline(self, reader: observe.Discover) -> Any:
        held = {}

        def traced(seeds: Any, leaves: Any) -> Any:
            reader.seeds = seeds
            out = self.run(reader, leaves, None)
            flat, held["tree"] = jax.tree.flatten(out)
            if not all(data.is_array(x) or data.is_number(x) for x in flat) or not any(
                map(data.is_array, flat)
            ):
                raise NotATreeError("A recursion whose results are no arrays.", "Arrays, or trees of them.")
            return [jnp.asarray(x) for x in flat]

        seed = jax.ShapeDtypeStruct((), jnp.float32)
        avals = jax.eval_shape(traced, (seed, 0, 0.0), self.fixed.specs())
        return held["tree"], avals

    def used(self, kind: Kind) -> tuple[int, ...]:
        """Which data the body computes with: those handed on to calls only are left out."""
        assert self.result is not None
        specs = [
            jax.ShapeDtypeStruct(jnp.shape(v), jax.dtypes.result_type(v), weak_type=weak(v))
            for v in kind.record.samples
        ]
        rows = [self.result[1]] * kind.arity

        def body(given: Any, leaves: Any, children: Any) -> Any:
            return self.flat(kind.record, leaves, given, children)

        jaxpr = jax.make_jaxpr(body)(specs, self.fixed.specs(), rows).jaxpr
        read = {id(v) for e in jaxpr.eqns for v in e.invars} | {id(v) for v in jaxpr.outvars}
        return tuple(i for i in range(len(specs)) if id(jaxpr.invars[i]) in read)

    # Evaluation.

    def run(self, reader: observe.Reader, leaves: Any, children: Any) -> Any:
        """The body, over a reader of one node."""
        entry: list[Any] = [None] * (len(self.walking) + len(self.fixed_positions))
        for position, value in zip(self.fixed_positions, self.fixed.rebuilt(leaves), strict=True):
            entry[position] = value
        with self.context(self, reader, entry, children):
            for slot, position in enumerate(self.walking):
                entry[position] = reader.show(slot)
            return self.body(*entry)

    @property
    def fixed_positions(self) -> list[int]:
        """Positions of the arguments that all calls share."""
        count = len(self.walking) + self.fixed.count
        return [i for i in range(count) if i not in self.walking]

    def flat(self, record: Record, leaves: Any, given: Any, children: Any) -> list[Any]:
        """Results of one node, as a list of arrays."""
        assert self.result is not None
        tree, avals = self.result
        reader = observe.Replay(record, self.by_value, len(self.walking), given)
        results = [jax.tree.unflatten(tree, c) for c in children]
        out = jax.tree.leaves(self.run(reader, leaves, results))
        return [jax.lax.convert_element_type(x, a.dtype) for x, a in zip(out, avals, strict=True)]

    def evaluate(self, leaves: Any, tables: Any) -> list[Any]:
        """Results of all roots `(tree, ...)`, one array for each leaf of a result."""
        assert self.result is not None
        numbers, blocks = tables.unpacked(), []
        leaf_kinds = [kind for kind in self.kinds if not kind.arity]
        for kind, rows in zip(leaf_kinds, tables.leaves, strict=True):
            run = partial(self.one, kind, leaves)
            found = tables.columns[kind.number]
            blocks.append(jax.vmap(lambda given, run=run: run(given, []), axis_size=rows)(found))
        table = [jnp.concatenate(parts) for parts in zip(*blocks, strict=True)]
        if "parent" in numbers:
            inner = [kind for kind in self.kinds if kind.arity]
            bodies = [self.body_of(kind, leaves, tables.columns[kind.number]) for kind in inner]
            given = [
                ([*body.captured, *leaves], tables.columns[kind.number])
                for kind, body in zip(inner, bodies, strict=True)
            ]
            table = System(bodies, self.result[1]).values(given, table, arranged(numbers, inner))
        return [t[numbers["roots"]] for t in table]

    def one(self, kind: Kind, leaves: Any, given: Any, results: Any) -> list[Any]:
        """Results of one node."""
        whole = list(kind.record.samples)
        for place, value in zip(kind.used, given, strict=True):
            whole[place] = softened(value, kind.record.samples[place])
        return self.flat(kind.record, leaves, whole, results)

    def body_of(self, kind: Kind, leaves: Any, columns: list[Any]) -> Body:
        """The body for nodes of a kind, with what it reads in the open."""
        assert self.result is not None
        data = [jax.ShapeDtypeStruct(c.shape[1:], c.dtype) for c in columns]
        return Body(partial(self.one, kind), leaves, data, self.result[1], kind.arity)


def arranged(numbers: dict[str, Any], inner: list[Kind]) -> dict[str, Any]:
    """The tables as the system takes them."""
    size = numbers["below " + str(inner[0].number)].shape[0]
    source = numbers["source"] if len(inner) > 1 else jnp.arange(size, dtype=jnp.int32)
    return {
        "nodes": [
            {"children": numbers[f"below {kind.number}"], "count": numbers[f"count {kind.number}"]}
            for kind in inner
        ],
        "source": source,
        "steps": [{name: numbers[f"{name} of {width}"] for name in STEP} for width in WIDTHS],
    } | {name: numbers[name] for name in ("parent", "place", "counts")}


def softened(value: Any, sample: Any) -> Any:
    """A number from a column, with the type of a Python number again."""
    if type(sample) in (int, float):
        return jax.lax.convert_element_type(value, type(sample))
    return value


def alike(first: Any, second: Any) -> bool:
    """Whether results of two kinds of nodes fit one table."""
    if first[0] != second[0]:
        return False
    return all(a.shape == b.shape and a.dtype == b.dtype for a, b in zip(first[1], second[1], strict=True))


def shown(result: Any) -> str:
    """The form of a result, in short."""
    return str(jax.tree.unflatten(result[0], [f"{a.dtype}{list(a.shape)}" for a in result[1]]))


@contextmanager
def unchanged(things: list[Any]) -> Iterator[None]:
    """Refuse, and put back, a change of lists, dictionaries or sets while a body is traced."""
    before = [thing.copy() for thing in things]
    yield
    for old, new in zip(before, things, strict=True):
        if len(old) != len(new) or any(a is not b for a, b in zip(contents(old), contents(new), strict=True)):
            new.clear()
            (new.extend if isinstance(new, list) else new.update)(old)
            raise NotATreeError("A list, set or dictionary from outside is changed.", "Results, returned.")


def contents(thing: Any) -> list[Any]:
    """What a list, dictionary or set holds."""
    return [*thing.keys(), *thing.values()] if isinstance(thing, dict) else list(thing)
