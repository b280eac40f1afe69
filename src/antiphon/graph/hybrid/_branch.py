"""`if` on a value of the run: both ways are traced once, and joined by `lax.cond`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from malt.operators.variables import Undefined, UndefinedReturnValue

from antiphon.graph.hybrid._contents import MISSING, contents, put
from antiphon.graph.hybrid._signals import Reason, Unstructured, here
from antiphon.graph.hybrid._trace import Trace
from antiphon.graph.hybrid._values import (
    Different,
    Maybe,
    Spec,
    describe,
    flatten,
    is_array,
    join_leaf,
    stage,
)

OWN = ("retval_", "do_return", "break_", "continue_")  # variables that the converters add
CHEAP = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "convert_element_type", "add", "sub", "mul"}


@dataclass(frozen=True)
class Out:
    """The place of an array among the results of a traced way."""

    place: int
    spec: Spec


@dataclass
class Value:
    """A variable, or a written place, at the end of one way.

    Args:
        leaves: `Out` for what the way computes, else the thing itself.
        structure: Of the leaves.
        defined: Whether it has a value at all: True, False or an `Out`.
    """

    leaves: list[Any]
    structure: Any
    defined: Any = True


@dataclass
class Side:
    """One way through a branch."""

    run: Callable[..., list[Any]]
    values: list[Value]
    written: dict[tuple[int, Hashable], Value]
    check: Any
    cheap: bool


def is_undefined(value: Any) -> bool:
    """Whether no value has been given."""
    return isinstance(value, Undefined | UndefinedReturnValue) or value is MISSING


class Collector:
    """Gathers the arrays that a traced way gives."""

    def __init__(self, outer: Iterable[Any] = ()) -> None:
        self.arrays: list[Any] = []
        self.outer = {id(x) for x in outer}

    def leaf(self, leaf: Any) -> Any:
        """An array becomes a result, if it was not there before; anything else stays itself."""
        if not is_array(leaf) or id(leaf) in self.outer:
            return leaf
        self.arrays.append(leaf)
        return Out(len(self.arrays) - 1, _spec(leaf))

    def value(self, value: Any) -> Value:
        """All arrays of a value become results."""
        defined: Any = True
        if isinstance(value, Maybe):
            value, defined = value.value, self.leaf(value.defined)
        elif is_undefined(value):
            defined = False
        leaves, structure = flatten(value)
        return Value([self.leaf(x) for x in leaves], structure, defined)


def _spec(leaf: Any) -> Spec:
    spec = Spec.of(leaf)
    assert spec is not None
    return spec


def truth(value: Any) -> jax.Array:
    """A value as the condition of a branch."""
    if jnp.size(value) != 1:
        raise ValueError("the truth value of an array with more than one element is ambiguous")
    return jnp.reshape(value, ()).astype(bool)


def choose(
    trace: Trace,
    condition: Any,
    first: Callable[[], Any],
    second: Callable[[], Any],
    get: Callable[[], tuple],
    set_: Callable[[tuple], None],
    names: tuple[str, ...],
    construct: str,
) -> Any:
    """Go one way or the other when the graph runs; variables and state are joined.

    Raises:
        Unstructured: If the two ways leave something behind that no one array can hold.
    """
    predicate = truth(condition)
    heap, start = trace.heap, get()
    for way in (first, second):
        heap.adopt(way.__closure__ or ())  # pyright: ignore[reportFunctionMemberAccess]
    mark = heap.mark()
    outer = [x for held in (start, *(m.values() for m in mark.values())) for v in held for x in flatten(v)[0]]
    sides: list[Side | Exception] = []
    for way in (first, second):
        effects = len(trace.effects), dict(trace.position)
        try:
            sides.append(_side(trace, way, get, mark, outer, construct))
        except Exception as error:
            del trace.effects[effects[0] :]
            sides.append(error)
        finally:
            set_(start)
            heap.back(mark)
    if any(isinstance(s, Exception) for s in sides):
        return _one_way(trace, predicate, sides, first, second, construct)
    one, two = sides
    assert isinstance(one, Side)
    assert isinstance(two, Side)
    return _join(trace, predicate, one, two, set_, (*names, "its value"), construct)


def _one_way(trace: Trace, predicate: Any, sides: list, first: Any, second: Any, construct: str) -> Any:
    """One way ends in an error: the other is assumed, and the error is left to Python to raise."""
    bad = [isinstance(s, Exception) for s in sides]
    for side in sides:
        if isinstance(side, jax.errors.ConcretizationTypeError | jax.errors.TracerArrayConversionError):
            raise side
    if all(bad):
        raise sides[0]
    error = sides[0] if bad[0] else sides[1]
    trace.check(~predicate if bad[0] else predicate, construct)
    text = f"the way that ends in {type(error).__name__} is assumed not to be taken; checked"
    trace.report.assume(here(), construct, text)
    return second() if bad[0] else first()


def _side(
    trace: Trace, way: Callable[[], Any], get: Any, mark: Any, outer: list[Any], construct: str
) -> Side:
    known: dict[str, Any] = {}

    def run() -> tuple[list[Any], Any]:
        with trace.inside(construct) as level:
            result = way()
            collect = Collector(outer)
            known["values"] = [collect.value(v) for v in (*get(), result)]
            written = trace.heap.since(mark)
            known["written"] = {place: collect.value(v) for place, v in written.items()}
            known["check"] = collect.leaf(jnp.stack(level.checks).all()) if level.checks else True
        return collect.arrays, None

    call, _, _, equations = stage(run, ())
    cheap = all(name in CHEAP for name in equations) and len(equations) < 16
    return Side(call, known["values"], known["written"], known["check"], cheap)


class _Joiner:
    """Pairs of leaves that the branch must choose between."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, Any, Spec]] = []

    def leaf(self, a: Any, b: Any) -> Any:
        if isinstance(a, Out) or isinstance(b, Out):
            one = a.spec if isinstance(a, Out) else Spec.of(a)
            two = b.spec if isinstance(b, Out) else Spec.of(b)
            if one is None or two is None:
                raise Different(f"{_words(a)} and {_words(b)}")
            spec = one.join(two)
        else:
            spec = join_leaf(a, b)
            if spec is None:
                return lambda outs: a
        place = len(self.pairs)
        self.pairs.append((a, b, spec))
        return lambda outs: outs[place]

    def value(self, a: Value, b: Value, name: str) -> Callable[[list[Any]], Any]:
        if a.defined is False and b.defined is False:
            return lambda outs: a.leaves[0]
        defined = None
        if a.defined is not True or b.defined is not True:
            defined = self.leaf(a.defined, b.defined)
            a, b = (
                (_filled(a, b), b) if a.defined is False else (a, _filled(b, a) if b.defined is False else b)
            )
        if a.structure != b.structure:
            raise Different(f"{a.structure} and {b.structure}")
        leaves = [self.leaf(x, y) for x, y in zip(a.leaves, b.leaves, strict=True)]

        def build(outs: list[Any]) -> Any:
            value = jax.tree.unflatten(a.structure, [leaf(outs) for leaf in leaves])
            if defined is None or name.startswith(OWN):
                return value
            return Maybe(name, value, defined(outs))

        return build


def _words(leaf: Any) -> str:
    return f"an array {leaf.spec.dtype}{list(leaf.spec.shape)}" if isinstance(leaf, Out) else describe(leaf)


def _filled(empty: Value, like: Value) -> Value:
    """Anything of the right kind, in the place of a variable that is not defined."""
    leaves = [x.spec.zeros() if isinstance(x, Out) else x for x in like.leaves]
    return Value(leaves, like.structure, empty.defined)


def _join(
    trace: Trace, predicate: Any, one: Side, two: Side, set_: Any, names: tuple[str, ...], construct: str
) -> Any:
    heap, joiner = trace.heap, _Joiner()
    builders = []
    for a, b, name in zip(one.values, two.values, names, strict=True):
        builders.append(_named(joiner, a, b, name, construct))
    places = {}
    for place in {**one.written, **two.written}:
        node = heap.nodes[place[0]]
        now = contents(node.holder).get(place[1], MISSING)
        a, b = (side.written.get(place) or _raw(now) for side in (one, two))
        places[place] = _named(joiner, a, b, _place(node.holder, place[1]), construct)
    flag = joiner.leaf(one.check, two.check)

    def way(side: int, run: Callable[..., list[Any]]) -> Callable[[], list[Any]]:
        def take() -> list[Any]:
            outs = run()
            picked = (pair[side] for pair in joiner.pairs)
            return [pair[2].cast(_pick(leaf, outs)) for leaf, pair in zip(picked, joiner.pairs, strict=True)]

        return take

    ways = way(0, one.run), way(1, two.run)
    boolean = all(pair[2].dtype == bool and not pair[2].shape for pair in joiner.pairs)
    outs: list[Any]
    if one.cheap and two.cheap and boolean:
        outs = [jnp.where(predicate, a, b) for a, b in zip(ways[0](), ways[1](), strict=True)]
    else:
        outs = jax.lax.cond(predicate, *ways)
    *values, result = [build(outs) for build in builders]
    set_(tuple(values))
    for (i, key), build in places.items():
        put(heap.nodes[i].holder, key, build(outs))
    passed = flag(outs)
    if passed is not True:
        trace.check(passed, construct)
    return result


def _pick(leaf: Any, outs: list[Any]) -> Any:
    return outs[leaf.place] if isinstance(leaf, Out) else leaf


def _raw(value: Any) -> Value:
    if is_undefined(value):
        return Value([value], jax.tree.structure(0), False)
    leaves, structure = flatten(value)
    return Value(leaves, structure)


def _place(holder: Any, key: Hashable) -> str:
    return (
        f"`{type(holder).__name__}.{key}`"
        if isinstance(key, str)
        else f"an item of a {type(holder).__name__}"
    )


def _named(joiner: _Joiner, a: Value, b: Value, name: str, construct: str) -> Callable[[list[Any]], Any]:
    try:
        return joiner.value(a, b, name)
    except Different as error:
        shown = "what it returns" if name.startswith("retval_") else name
        raise Unstructured(
            Reason(
                here(),
                construct,
                f"{shown} differs between its two ways: {error}.",
                "Give it the same shape and type on both ways.",
            )
        ) from None
