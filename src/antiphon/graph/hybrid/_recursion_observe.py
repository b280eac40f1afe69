"""What a body reads from its data, in order: recorded once, then asked of other data without the body.

A body that is given proxies in place of Python objects tells, by what it reads, which parts of an object
decide what it does (the type of a node, whether a child is None, how many children there are) and which are
arrays that it computes with. Objects that answer all questions alike take the same way through the body. The
questions of all ways form a tree, as the assumptions of JANUS do (Jeong et al., NSDI 2019): a new object
walks down it by plain reads of attributes.
"""

from __future__ import annotations

import collections.abc
import functools
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from antiphon.errors import ConversionError
from antiphon.graph.hybrid import _recursion_data as data


class NotATreeError(ConversionError):
    """A function that does not run over trees of data in the way that can be compiled; says why."""


def read_attribute(thing: Any, name: str) -> Any:
    """An attribute, or that there is none."""
    return getattr(thing, name, data.MISSING)


def read_item(thing: Any, key: Any) -> Any:
    """An item, or that there is none."""
    try:
        return thing[key]
    except (KeyError, IndexError):
        return data.MISSING


def read_length(thing: Any, _: Any) -> int:
    """How many items there are."""
    return len(thing)


def read_keys(thing: Any, _: Any) -> frozenset:
    """The keys of a dictionary, as something that compares by value."""
    return frozenset(enumerate(thing))


VALUED = (read_length,)  # numbers that are never data

Probe = tuple[int, Callable[[Any, Any], Any], Any]  # which slot, what is read of it, and its argument


@dataclass
class Record:
    """One way through a body: what was read, and which calls of recursive functions were made.

    Slots number what the body has seen: first its arguments, then the results of its probes.

    Args:
        probes: In order; each makes a slot.
        places: Slots that hold data.
        sites: Calls: the function's name and, for each argument, a slot, `("constant", value)` or None for
            one that is handed on unchanged.
        samples: A value of each datum, for rows of padding.
    """

    probes: list[Probe] = field(default_factory=list)
    index: dict[Any, int] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    sites: list[tuple[Any, ...]] = field(default_factory=list)
    samples: list[Any] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)


@dataclass
class Question:
    """A place in the tree of questions: what to read next, or the way that all answers led to."""

    probe: Probe | None = None
    by_value: bool = False
    answers: dict[Any, Question] = field(default_factory=dict)
    way: Any = None


class Reader:
    """Gives proxies their answers, while a body runs over them."""

    def __init__(self, record: Record, by_value: frozenset[Any], arguments: int) -> None:
        self.record, self.by_value, self.arguments = record, by_value, arguments
        self.rebind: Callable | None = None
        self.shown: dict[int, Any] = {}
        self.slot_of: dict[int, int] = {}

    def rebound(self, method: Callable) -> Callable:
        """A method of a node's class, with its calls of recursive functions noted."""
        return self.rebind(method) if self.rebind else method

    def ask(self, slot: int, read: Callable, argument: Any) -> Any:
        """The answer to a probe."""
        key = (slot, read, argument)
        known = self.record.index.get(key)
        if known is None:
            known = self.new(slot, read, argument)
        return self.show(known)

    def new(self, slot: int, read: Callable, argument: Any) -> int:
        raise AssertionError(f"a body read {argument!r} that it did not read before")

    def datum(self, slot: int) -> Any:
        raise NotImplementedError

    def show(self, slot: int) -> Any:
        """What the body sees of a slot: always the same object."""
        if slot in self.shown:
            return self.shown[slot]
        kind, value = self.record.kinds[slot], self.record.values[slot]
        if kind == data.CONSTANT:
            return value
        if kind == data.DATA:
            seen = self.datum(slot)
        elif kind == data.ITEMS:
            length = self.ask(slot, read_length, None)
            seen = type(value)(self.ask(slot, read_item, i) for i in range(length))
        else:
            seen = proxy_class(type(value))(self, slot, value)
        self.shown[slot] = seen
        self.slot_of[id(seen)] = slot
        return seen


class Discover(Reader):
    """Runs a body over real objects for the first time, and writes the record."""

    def __init__(self, by_value: frozenset[Any], arguments: tuple, seeds: Any = None) -> None:
        super().__init__(Record(), by_value, len(arguments))
        self.seeds = seeds
        for value in arguments:
            self.add(value, None, None)

    def add(self, value: Any, read: Any, name: Any) -> int:
        slot = len(self.record.kinds)
        kind = data.kind_of(value)
        if data.is_number(value) and (read in VALUED or name in self.by_value):
            kind = data.CONSTANT
        elif data.is_number(value):
            self.record.asked.add(name)
        self.record.kinds.append(kind)
        self.record.values.append(value)
        return slot

    def new(self, slot: int, read: Callable, argument: Any) -> int:
        value = read(self.record.values[slot], argument)
        found = self.add(value, read, argument)
        self.record.probes.append((slot, read, argument))
        self.record.index[slot, read, argument] = found
        return found

    def datum(self, slot: int) -> Any:
        value = self.record.values[slot]
        self.record.places.append(slot)
        self.record.samples.append(value)
        return data.stand_in(value, self.seeds)


class Replay(Reader):
    """Runs a body again along a recorded way, with tracers as its data."""

    def __init__(self, record: Record, by_value: frozenset[Any], arguments: int, given: Any) -> None:
        super().__init__(record, by_value, arguments)
        self.given = dict(zip(record.places, given, strict=True))

    def datum(self, slot: int) -> Any:
        return self.given[slot]


class Proxy:
    """Stands for an object of the user's while a body is traced; each read of it is noted."""

    def __init__(self, reader: Reader, slot: int, value: Any) -> None:
        object.__setattr__(self, "_antiphon", (reader, slot, type(value)))

    @property
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        return object.__getattribute__(self, "_antiphon")[2]

    def __getattr__(self, name: str) -> Any:
        reader, slot, kind = object.__getattribute__(self, "_antiphon")
        found = inspect.getattr_static(kind, name, None)
        if isinstance(found, property) and found.fget is not None:
            return found.fget(self)
        if isinstance(found, functools.cached_property):
            return found.func(self)
        if isinstance(found, types.FunctionType):
            return types.MethodType(reader.rebound(found), self)
        if isinstance(found, staticmethod | classmethod):
            return getattr(kind, name)
        if inspect.isroutine(found) and not inspect.ismemberdescriptor(found):
            raise NotATreeError(f"{kind.__name__}.{name}() was called on a node.", "Reads of its attributes.")
        seen = reader.ask(slot, read_attribute, name)
        if seen is data.MISSING:
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
        return seen

    def __setattr__(self, name: str, value: Any) -> None:
        raise NotATreeError(f"Attribute {name!r} of a node was written.", "Nodes that are only read.")

    def __setitem__(self, key: Any, value: Any) -> None:
        raise NotATreeError(f"Item {key!r} of a node was written.", "Nodes that are only read.")

    def __bool__(self) -> bool:
        kind = object.__getattribute__(self, "_antiphon")[2]
        if hasattr(kind, "__bool__"):
            return bool(types.MethodType(kind.__bool__, self)())
        if hasattr(kind, "__len__"):
            return len(self) > 0
        return True

    def __len__(self) -> int:
        reader, slot, kind = object.__getattribute__(self, "_antiphon")
        if isinstance(kind.__dict__.get("__len__"), types.FunctionType):
            return types.MethodType(kind.__len__, self)()
        return reader.ask(slot, read_length, None)

    def __getitem__(self, key: Any) -> Any:
        reader, slot, kind = object.__getattribute__(self, "_antiphon")
        if isinstance(kind.__dict__.get("__getitem__"), types.FunctionType):
            return types.MethodType(kind.__getitem__, self)(key)
        if isinstance(key, slice):
            return [self[i] for i in range(*key.indices(len(self)))]
        if not isinstance(key, int | str | tuple | type(None)) or isinstance(key, bool):
            raise NotATreeError(f"A node was indexed by a {type(key).__name__}.", "An int or a string.")
        if isinstance(key, int) and issubclass(kind, list | tuple):
            length = len(self)
            if not -length <= key < length:
                raise IndexError(f"{kind.__name__} index out of range")
            key %= length
        seen = reader.ask(slot, read_item, key)
        if seen is data.MISSING:
            raise KeyError(key)
        return seen

    def __iter__(self) -> Any:
        kind = object.__getattribute__(self, "_antiphon")[2]
        if isinstance(kind.__dict__.get("__iter__"), types.FunctionType):
            return types.MethodType(kind.__iter__, self)()
        if issubclass(kind, dict):
            return iter(self.keys())
        if not issubclass(kind, list | tuple):
            raise NotATreeError(
                f"A {kind.__name__} was iterated.", "Lists, tuples and dictionaries in nodes."
            )
        return (self[i] for i in range(len(self)))

    def __contains__(self, key: Any) -> bool:
        reader, slot, kind = object.__getattribute__(self, "_antiphon")
        if issubclass(kind, dict):
            return reader.ask(slot, read_item, key) is not data.MISSING
        raise NotATreeError("`in` was asked of a node.", "A dictionary on its right.")

    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        raise NotATreeError("A node was used as a key.", "Nodes that are only read.")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        kind = object.__getattribute__(self, "_antiphon")[2]
        if not isinstance(kind.__call__, types.FunctionType):
            raise NotATreeError(f"A {kind.__name__} was called.", "Nodes that are only read.")
        return types.MethodType(kind.__call__, self)(*arguments, **named)


class SequenceProxy(Proxy):
    """Of a list or a tuple, named ones too."""

    def __reversed__(self) -> Any:
        return (self[i] for i in reversed(range(len(self))))

    def __add__(self, other: Any) -> list:
        return [*self, *other]


class MappingProxy(Proxy):
    """Of a dictionary."""

    def keys(self) -> list:
        """In the order of the dictionary."""
        reader, slot, _ = object.__getattribute__(self, "_antiphon")
        return [key for _, key in sorted(reader.ask(slot, read_keys, None))]

    def values(self) -> list:
        """In the order of the keys."""
        return [self[k] for k in self.keys()]

    def items(self) -> list:
        """Keys with their values."""
        return [(k, self[k]) for k in self.keys()]

    def get(self, key: Any, default: Any = None) -> Any:
        """As a dictionary does."""
        reader, slot, _ = object.__getattribute__(self, "_antiphon")
        seen = reader.ask(slot, read_item, key)
        return default if seen is data.MISSING else seen


# Pattern matching asks the class of what it matches, not its attribute __class__.
collections.abc.Sequence.register(SequenceProxy)  # pyright: ignore[reportAttributeAccessIssue]
collections.abc.Mapping.register(MappingProxy)  # pyright: ignore[reportAttributeAccessIssue]


def proxy_class(kind: type) -> type[Proxy]:
    """The class of proxies for objects of a class."""
    if issubclass(kind, list | tuple):
        return SequenceProxy
    return MappingProxy if issubclass(kind, dict) else Proxy


def is_proxy(thing: Any) -> bool:
    """Whether something is a proxy, whatever it says of its class."""
    return issubclass(type(thing), Proxy)


def same(first: Any, second: object) -> bool:
    """Whether two proxies stand for one object; anything else is no question that is recorded."""
    if first is second:
        return True
    if second is None:
        return False
    raise NotATreeError("Two nodes were compared.", "`is None`, or a comparison of their attributes.")


def real_type(thing: Any, *more: Any) -> Any:
    """`type`, which of a proxy gives the class of what it stands for."""
    return thing.__class__ if not more and is_proxy(thing) else type(thing, *more)


def classify(question: Question, slots: list[Any]) -> Any:
    """The way that objects take through a body, by the questions known; None for a new one.

    Args:
        question: The first one.
        slots: The arguments; what is read is added to them.
    """
    for value in tuple(slots):
        found = question.answers.get(data.key_of(value, question.by_value))
        if found is None:
            return None
        question = found
    while question.way is None:
        if question.probe is None:
            return None
        slot, read, argument = question.probe
        value = read(slots[slot], argument)
        found = question.answers.get(data.key_of(value, question.by_value))
        if found is None:
            return None
        slots.append(value)
        question = found
    return question.way


def learn(question: Question, record: Record, by_value: frozenset[Any], arguments: int, way: Any) -> None:
    """Add a way to the tree of questions."""
    for value in record.values[:arguments]:
        question.by_value = None in by_value
        question = question.answers.setdefault(data.key_of(value, question.by_value), Question())
    for probe, value in zip(record.probes, record.values[arguments:], strict=True):
        question.probe = probe
        question.by_value = probe[1] in VALUED or probe[2] in by_value
        question = question.answers.setdefault(data.key_of(value, question.by_value), Question())
    question.way = way
