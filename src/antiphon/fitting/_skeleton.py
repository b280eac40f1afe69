"""Skeletons: what is left of a term when everything that needs no training has been computed.

A maximal sub-term without parameters, such as `mean(delta(x))`, has the same value in every training step.
It is computed once over the data and enters the rest of the term, the *skeleton*, as an input. Terms that
differ only in such sub-terms, or in constants that are data (feature groups), then share one skeleton, one
compiled training loop, and are trained as one batch.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from antiphon.language import (
    Apply,
    Hole,
    Lam,
    Language,
    Primitive,
    Real,
    Seq,
    Term,
    Type,
    Var,
    check,
    data_arrays,
    parameter_shapes,
    path_name,
    sequence,
    walk,
)
from antiphon.language import evaluate as evaluate_term


@dataclass(frozen=True)
class Skeleton:
    """A term over slots.

    Attributes:
        term: The term with its constant sub-terms replaced by variables `u0`, `u1`, ... and its data
            constants by a placeholder: equal skeletons compile to one function.
        slot_types: The types of the slots.
    """

    term: Term
    slot_types: tuple[Type, ...]


@dataclass(frozen=True)
class Split:
    """A term, split into its skeleton and what fills it.

    Attributes:
        skeleton: What is left over slots.
        slots: What fills them.
        data: Constants that are arrays, by path.
        shapes: Shapes of the parameters, by path.
        types: The type of each node of the skeleton, by path.
    """

    skeleton: Skeleton
    slots: tuple[Term, ...]
    data: dict[str, dict[str, np.ndarray]]
    shapes: dict[str, dict[str, tuple[int, ...]]]
    types: dict[str, Type]


def split(term: Term, language: Language, output_type: Type) -> Split:
    """Split a term without holes into skeleton and slots.

    Args:
        term: A sketch, or a program (its arrays are left out).
        language: Bound to features.
        output_type: The type of the whole.
    """
    typing = check(term, language, output_type)
    slots: list[Term] = []
    types: list[Type] = []

    def constant(node: Term, bound: frozenset[str]) -> bool:
        match node:
            case Var(name=name):
                return name not in bound
            case Apply(name=name, args=args):
                word = language[name]
                return not word.parameters and not word.soft and all(constant(a, bound) for a in args)
        return False

    def rest(node: Term, path: tuple[int, ...], bound: frozenset[str]) -> Term:
        assert not isinstance(node, Hole)
        if constant(node, bound):
            slots.append(node)
            types.append(typing[path])
            return Var(f"u{len(slots) - 1}")
        match node:
            case Lam(name=name, body=body):
                return Lam(name, rest(body, (*path, 0), bound | {name}))
            case Apply(args=args):
                below = tuple(rest(a, (*path, i), bound) for i, a in enumerate(args))
                return Apply(node.name, below, _without_data(node, language))
        return node

    skeleton = rest(term, (), frozenset())
    parametric = {
        path_name(path): parameter_shapes(node, typing, path, language)
        for path, node in walk(term)
        if isinstance(node, Apply) and language[node.name].parameters
    }
    kept = {path_name(p) for p, node in walk(skeleton) if isinstance(node, Apply)}
    data = data_arrays(term, language, typing, of=kept)
    inner = {path_name(p): typing[p] for p, _ in walk(skeleton)}
    return Split(Skeleton(skeleton, tuple(types)), tuple(slots), data, parametric, inner)


def _without_data(node: Apply, language: Language) -> tuple[tuple[str, int | float | str | bool], ...]:
    """Constants; those that are data come from outside, so nodes that differ in them compile to one."""
    return tuple((k, "" if k in language[node.name].data else v) for k, v in node.config)


# By what a word runs: 0 for a sum, 1 for a product.
OPERATIONS = {jnp.add: 0, sequence["add"].run: 0, jnp.multiply: 1, sequence["mul"].run: 1}
EITHER = "add or mul"  # No word of a language can have this name.


def _either(a: Any, b: Any, *, product: Any) -> Any:
    return product * (a * b) + (1 - product) * (a + b)


_EITHER = Primitive(EITHER, sequence["add"].signature, _either)


def joined(parts: Split, language: Language) -> Split:
    """A split term whose sums and products of vectors are one operation, and which of the two is data.

    Terms that differ in it only then share one skeleton. It runs some 40 % longer than one of its own, and
    saves compiling that.

    Args:
        parts: A split term.
        language: Of the term.
    """
    operations: dict[str, dict[str, np.ndarray]] = {}

    def rest(node: Term, path: tuple[int, ...]) -> Term:
        match node:
            case Lam(name=name, body=body):
                return Lam(name, rest(body, (*path, 0)))
            case Apply(args=args):
                below = tuple(rest(a, (*path, i)) for i, a in enumerate(args))
                place = path_name(path)
                operation = OPERATIONS.get(language[node.name].run)
                if operation is None or not isinstance(parts.types[place], Real):
                    return Apply(node.name, below, node.config)
                operations[place] = {"product": np.array(operation, np.float32)}
                return Apply(EITHER, below)
        return node

    skeleton = Skeleton(rest(parts.skeleton.term, ()), parts.skeleton.slot_types)
    return replace(parts, skeleton=skeleton, data={**parts.data, **operations})


def words_of(skeleton: Skeleton, language: Language) -> dict[str, Primitive]:
    """The primitives that a skeleton is made of, by name."""
    names = sorted({node.name for _, node in walk(skeleton.term) if isinstance(node, Apply)})
    return {name: _EITHER if name == EITHER else language[name] for name in names}


@lru_cache(maxsize=1000)
def leaf_inputs(skeleton: Skeleton) -> dict[str, int]:
    """Which slot each node of one argument reads, directly or frame by frame in a `map`: path -> slot."""
    found: dict[str, int] = {}

    def visit(node: Term, path: tuple[int, ...], frames: dict[str, int]) -> None:
        match node:
            case Apply(args=(Var(name=name),)):
                slot = frames.get(name, int(name[1:]) if name[1:].isdigit() and name not in frames else None)
                if slot is not None:
                    found[path_name(path)] = slot
            case Apply(name="map", args=(Lam(name=v, body=body), Var(name=name))):
                if name[1:].isdigit():
                    visit(body, (*path, 0, 0), {**frames, v: int(name[1:])})
            case Apply(args=args):
                for i, a in enumerate(args):
                    visit(a, (*path, i), frames)
            case Lam(body=body):
                visit(body, (*path, 0), frames)

    visit(skeleton.term, (), {})
    return found


@lru_cache(maxsize=1000)
def standard_slots(skeleton: Skeleton) -> dict[str, int]:
    """The affine maps whose slot nothing else reads but affine maps: path -> slot.

    Such a slot may be standardised once and for all.
    """
    reads = leaf_inputs(skeleton)
    names = {path_name(p): n.name for p, n in walk(skeleton.term) if isinstance(n, Apply)}
    # Every variable that stands for a slot, by where it stands; what a lambda binds belongs to its map.
    affine = {path: slot for path, slot in reads.items() if names[path] == "affine"}
    uses: dict[int, int] = {}

    def count(node: Term, frames: dict[str, int]) -> None:
        match node:
            case Var(name=name):
                slot = frames.get(name)
                if slot is not None:
                    uses[slot] = uses.get(slot, 0) + 1
            case Apply(name="map", args=(Lam(name=v, body=body), Var(name=name))) if name in frames:
                count(body, {**frames, v: frames[name]})
            case Apply(args=args):
                for a in args:
                    count(a, frames)
            case Lam(body=body):
                count(body, frames)

    count(skeleton.term, {f"u{i}": i for i in range(len(skeleton.slot_types))})
    readers = [*affine.values()]
    return {path: slot for path, slot in affine.items() if uses[slot] == readers.count(slot)}


class SlotValues:
    """The values of constant sub-terms over one data set, computed once each.

    Args:
        language: Bound to features.
        values: `(case, time, feature)`.
        mask: `(case, time)`.
        limit_bytes: How much may be kept; the least recently used goes first.
    """

    def __init__(
        self, language: Language, values: np.ndarray, mask: np.ndarray, *, limit_bytes: int = 1_500_000_000
    ) -> None:
        self.language = language
        x: Any = jax.device_put((values, mask))  # It may share their memory: nobody writes to them.
        self.input = x[0][:, 0, :] if language.is_table else x
        self.cases = len(values)
        self.kept: OrderedDict[Term, Any] = OrderedDict()
        self.statistics: dict[Term, tuple[np.ndarray, np.ndarray]] = {}
        self.limit_bytes = limit_bytes
        self.lock = threading.RLock()  # Batches are prepared ahead in another thread.
        self.bytes = 0

    def __getitem__(self, term: Term) -> Any:
        """An array `(case, n)`, or for a sequence the pair frames `(case, time, n)`, mask `(case, time)`."""
        with self.lock:
            return self._value(term)

    def _value(self, term: Term) -> Any:
        if term in self.kept:
            self.kept.move_to_end(term)
            return self.kept[term]
        if isinstance(term, Var):
            return self.input
        assert isinstance(term, Apply)
        # One step at a time, so that a window shared by several reductions is computed once.
        arguments = {f"a{i}": self._value(a) for i, a in enumerate(term.args)}
        node = Apply(term.name, tuple(Var(name) for name in arguments), _without_data(term, self.language))
        if arguments:
            found = _mapped(node, self.language)(arguments, self._data(term))
        else:  # A word that stands for a number: the same in every case.
            found = jnp.repeat(evaluate_term(term, self.language, {}, {}, {})[None, :], self.cases, axis=0)
        self.kept[term] = found
        self.bytes += _bytes(found)
        while self.bytes > self.limit_bytes and len(self.kept) > 1:
            self.bytes -= _bytes(self.kept.popitem(last=False)[1])
        return found

    def _data(self, term: Apply) -> dict[str, dict[str, np.ndarray]]:
        if not self.language[term.name].data:
            return {}
        typing = check(term, self.language)
        return {"root": data_arrays(term, self.language, typing)["root"]}

    def location_and_scale(self, term: Term) -> tuple[np.ndarray, np.ndarray]:
        """Where a slot's entries lie and how far they spread, `(n,)` each, untouched by a few wild values.

        The spread is the standard deviation of values clipped to their 0.5 and 99.5 percentiles; 1 for a
        constant entry.
        """
        with self.lock:
            return self._location_and_scale(term)

    def _location_and_scale(self, term: Term) -> tuple[np.ndarray, np.ndarray]:
        if term not in self.statistics:
            value = self[term]
            if isinstance(value, tuple):
                frames, mask = (np.asarray(v) for v in value)
                rows = frames[mask]
            else:
                rows = np.asarray(value)
            with np.errstate(over="ignore", invalid="ignore"):
                location, scale = _location_and_scale(rows)
            # A slot that overflows spoils the candidates that read it, and no other.
            sound = np.isfinite(location) & np.isfinite(scale)
            self.statistics[term] = (
                np.where(sound, location, 0).astype(np.float32),
                np.where(sound, scale, 1).astype(np.float32),
            )
        return self.statistics[term]


def _location_and_scale(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.percentile(rows, [0.5, 99.5], axis=0)
    clipped = np.clip(rows, low, high).astype(np.float64)
    scale = clipped.std(0)
    spread = np.where(scale > 1e-7 * np.maximum(1.0, np.abs(clipped).max(0)), scale, 0.0)
    # A mostly constant entry (an indicator) has no spread between its percentiles, but some overall.
    overall = rows.astype(np.float64).std(0)
    return clipped.mean(0), np.where(spread > 0, spread, np.where(overall > 0, overall, 1.0))


_COMPILED: dict[tuple[Term, Any], Any] = {}


def _mapped(node: Apply, language: Language) -> Any:
    """One primitive over all cases, compiled once for each primitive and shape."""
    key = (node, language[node.name].run)
    if key not in _COMPILED:

        def run(inputs: Any, data: Any) -> Any:
            return evaluate_term(node, language, inputs, {}, data)

        _COMPILED[key] = jax.jit(jax.vmap(run, in_axes=(0, None)))
    return _COMPILED[key]


def _bytes(value: Any) -> int:
    return sum(a.nbytes for a in value) if isinstance(value, tuple) else value.nbytes


def is_sequence(type_: Type) -> bool:
    """Whether a slot holds frames over time."""
    return isinstance(type_, Seq)
