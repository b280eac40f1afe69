"""Which functions call themselves, and copies of functions whose calls of those are noted."""

from __future__ import annotations

import dis
import functools
import inspect
import site
import sysconfig
import types
from collections.abc import Callable, Iterator
from functools import partial
from operator import getitem
from typing import Any

from antiphon.graph.hybrid._recursion_data import CONSTANT, WRITTEN, is_array, is_number, kind_of
from antiphon.graph.hybrid._recursion_observe import NotATreeError, real_type

_FOREIGN = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), *site.getsitepackages()})
_OUTSIDE = {"print", "open", "input", "exec", "eval", "setattr", "delattr", "globals", "locals", "vars"}
_WRITES = {"STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR"}


def plain_function(thing: Any) -> types.FunctionType | None:
    """The Python function behind a function, a method or something that wraps one."""
    while not isinstance(thing, types.FunctionType):
        inner = getattr(thing, "__wrapped__", None) or getattr(thing, "__func__", None)
        if inner is None or isinstance(thing, type):
            return None
        thing = inner
    return thing


def is_own(function: types.FunctionType) -> bool:
    """Whether a function is the user's: no library's, no generated one."""
    file = function.__code__.co_filename
    return not file.startswith(_FOREIGN) and not file.startswith("<frozen")


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and those nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def cells(function: types.FunctionType) -> dict[str, Any]:
    """What a function has closed over; names that have no value yet are left out."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue
    return found


def reads(function: types.FunctionType) -> dict[str, Any]:
    """Values of the names that a function takes from around it."""
    found = {}
    for code in codes(function.__code__):
        for instruction in dis.get_instructions(code):
            name = instruction.argval
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME") and name in function.__globals__:
                found[name] = function.__globals__[name]
    return found | cells(function)


def called(function: types.FunctionType) -> dict[str, types.FunctionType]:
    """The user's functions among what it reads, by name."""
    plain = {name: plain_function(value) for name, value in reads(function).items()}
    return {name: f for name, f in plain.items() if f is not None and is_own(f)}


def reachable(function: types.FunctionType) -> list[types.FunctionType]:
    """A function and all of the user's that it may call."""
    found: dict[types.CodeType, types.FunctionType] = {}
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if one.__code__ not in found:
            found[one.__code__] = one
            waiting += called(one).values()
    return list(found.values())


def recursive_codes(function: types.FunctionType) -> set[types.CodeType]:
    """Code of the functions, reached from one, that call themselves and no other that calls them."""
    found = set()
    for one in reachable(function):
        neighbours = called(one).values()
        if not any(f.__code__ is one.__code__ for f in neighbours):
            continue
        others = [f for f in neighbours if f.__code__ is not one.__code__]
        if not any(one.__code__ in {g.__code__ for g in reachable(f)} for f in others):
            found.add(one.__code__)
    return found


def side_effect(function: types.FunctionType) -> str:
    """The first thing in a function that is felt outside it; "" if there is none."""
    for code in codes(function.__code__):
        for instruction in dis.get_instructions(code):
            name = instruction.argval
            if instruction.opname in _WRITES:
                return f"{function.__name__} writes {name}"
            if instruction.opname == "STORE_DEREF" and name in function.__code__.co_freevars:
                return f"{function.__name__} writes {name} of the function around it"
            if instruction.opname == "LOAD_GLOBAL" and name in _OUTSIDE and name not in function.__globals__:
                return f"{function.__name__} calls {name}"
    return ""


class Rebinding:
    """Makes copies of functions in which recursive functions are replaced.

    Args:
        recursive: Code of the recursive functions.
        replacement: Called with a recursive function, gives what stands in its place.
    """

    def __init__(
        self, recursive: set[types.CodeType], replacement: Callable[[types.FunctionType], Any]
    ) -> None:
        self.recursive, self.replacement = recursive, replacement
        self.done: dict[Any, Any] = {}
        self.places: dict[Any, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
        self.current: list[Any] = []
        self.complete = False

    def captured(self) -> list[Any]:
        """What the functions read from around them, as it is now, other functions and modules apart."""
        return [get() for get, _ in self.places.values()]

    def replace(self, values: list[Any]) -> None:
        """Let the copies read other values."""
        self.current = list(values)
        for (_, put), value in zip(self.places.values(), values, strict=True):
            put(value)

    def containers(self) -> list[Any]:
        """Lists, dictionaries and sets that the copies read now."""
        return [v for v in self.current if isinstance(v, list | dict | set)]

    def __call__(self, thing: Any, *, body: bool = False) -> Any:
        """A copy of a function, or the replacement of a recursive one unless its body is wanted."""
        function = plain_function(thing)
        if function is None or not is_own(function):
            return thing
        if function.__code__ in self.recursive and not body:
            new = self.replacement(function)
        else:
            new = self.copy(function)
        owner = getattr(thing, "__self__", None)
        return types.MethodType(new, owner) if isinstance(thing, types.MethodType) else new

    def copy(self, function: types.FunctionType) -> types.FunctionType:
        """The function over names of its own."""
        key = (function.__code__, tuple(id(c) for c in function.__closure__ or ()))
        if key in self.done:
            return self.done[key]
        names = {**function.__globals__, "type": function.__globals__.get("type", real_type)}
        inside = tuple(types.CellType() for _ in function.__closure__ or ())
        new = types.FunctionType(
            function.__code__, names, function.__name__, function.__defaults__, inside or function.__closure__
        )
        new.__kwdefaults__, new.__qualname__ = function.__kwdefaults__, function.__qualname__
        new.__module__ = function.__module__
        self.done[key] = new
        own = called(function)
        for name, value in reads(function).items():
            if name in function.__code__.co_freevars:
                continue
            if name in own:
                names[name] = self(value)
            elif is_captured(value):
                source = function.__globals__
                self.capture(
                    name, (id(source), name), partial(getitem, source, name), partial(names.__setitem__, name)
                )
        for name, cell, old in zip(
            function.__code__.co_freevars, inside, function.__closure__ or (), strict=True
        ):
            try:
                value = old.cell_contents
            except ValueError:
                continue
            if name in own:
                cell.cell_contents = self(value)
                continue
            cell.cell_contents = value
            if is_captured(value):
                self.capture(
                    name,
                    (id(old), id(cell)),
                    partial(getattr, old, "cell_contents"),
                    partial(setattr, cell, "cell_contents"),
                )
        return new

    def capture(self, name: str, key: Any, get: Callable, put: Callable) -> None:
        """Note a name whose value the copies are to get anew in each call."""
        if self.complete:
            raise NotATreeError(f"A method of a node reads {name} from around it.", "Arguments.")
        self.places[key, len(self.places)] = get, put


def is_captured(value: Any) -> bool:
    """Whether a value read from around a function may change: no module, class or function of a library."""
    if is_array(value):
        return True
    library = type(value).__module__.split(".")[0] in ("jax", "jaxlib", "numpy")
    return not library and (is_number(value) or kind_of(value) != CONSTANT or isinstance(value, WRITTEN))


def positional(function: types.FunctionType, arguments: tuple, named: dict[str, Any]) -> tuple:
    """Arguments in the order of the signature, defaults filled in; TypeError as Python's own."""
    code = function.__code__
    by_place = not named and not code.co_kwonlyargcount and not code.co_flags & inspect.CO_VARKEYWORDS
    if by_place and (len(arguments) == code.co_argcount or code.co_flags & inspect.CO_VARARGS):
        return arguments
    if not has_plain_signature(function):
        raise NotATreeError(f"{function.__name__} is called with names.", "Arguments by position.")
    bound = signature(function).bind(*arguments, **named)
    bound.apply_defaults()
    return tuple(bound.arguments.values())


@functools.lru_cache(maxsize=1024)
def signature(function: types.FunctionType) -> inspect.Signature:
    """Read once for a function."""
    return inspect.signature(function)


def has_plain_signature(function: types.FunctionType) -> bool:
    """Whether each argument has a place of its own."""
    code = function.__code__
    return not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS) and not code.co_kwonlyargcount
