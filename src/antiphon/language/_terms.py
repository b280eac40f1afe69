"""Terms: immutable, hashable syntax trees.

Five kinds of node. A term with a `Hole` is a *partial program*; a term whose parametric leaves have no
arrays yet is a *sketch*; with its arrays it is a *program*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import is_

import numpy as np

from antiphon.language._types import Type

Value = int | float | str | bool
Path = tuple[int, ...]
Config = tuple[tuple[str, Value], ...]


class Parameters(Mapping[str, np.ndarray]):
    """Named arrays that never change, comparable and hashable by their content.

    Example:
        >>> a, b = Parameters(bias=np.ones(2, np.float32)), Parameters(bias=np.ones(2, np.float32))
        >>> a == b, hash(a) == hash(b), a["bias"].flags.writeable
        (True, True, False)
    """

    __slots__ = ("_arrays", "_hash")

    def __init__(self, **arrays: np.ndarray) -> None:
        kept = {}
        for name in sorted(arrays):
            array = np.array(arrays[name])
            array.setflags(write=False)
            kept[name] = array
        self._arrays: dict[str, np.ndarray] = kept
        self._hash: int | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameters) or self._arrays.keys() != other._arrays.keys():
            return False
        return all(
            a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
            for a, b in zip(self._arrays.values(), other._arrays.values(), strict=True)
        )

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(tuple((n, a.shape, str(a.dtype), a.tobytes()) for n, a in self._arrays.items()))
        return self._hash

    def __repr__(self) -> str:
        return "Parameters(" + ", ".join(f"{n}={a.shape}" for n, a in self._arrays.items()) + ")"

    def __reduce__(self) -> tuple:
        return _parameters, (dict(self._arrays),)


def _parameters(arrays: dict[str, np.ndarray]) -> Parameters:
    return Parameters(**arrays)


@dataclass(frozen=True)
class Var:
    """A variable: an input of the program, or bound by a lambda around it."""

    name: str


@dataclass(frozen=True)
class Lam:
    """A function of one variable, `name -> body`; one of two is `a -> b -> body`."""

    name: str
    body: Term


@dataclass(frozen=True)
class Hole:
    """A place still to be filled: by a term that its `role` allows, of its `type`."""

    role: str
    type: Type


@dataclass(frozen=True)
class Apply:
    """A primitive applied to arguments, with its constants (`config`) and, once fitted, its arrays."""

    name: str
    args: tuple[Term, ...] = ()
    config: Config = ()
    parameters: Parameters | None = None
    _hash: int | None = field(default=None, init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        # Computed once: a term is a key wherever a search looks something up.
        if self._hash is None:
            object.__setattr__(self, "_hash", hash((self.name, self.args, self.config, self.parameters)))
        assert self._hash is not None
        return self._hash

    def __reduce__(self) -> tuple:
        # Without the hash, which differs between processes.
        return Apply, (self.name, self.args, self.config, self.parameters)

    def setting(self, key: str) -> Value:
        """The constant called `key`."""
        return dict(self.config)[key]


Term = Var | Lam | Hole | Apply


def children(term: Term) -> tuple[Term, ...]:
    """The terms directly below a term."""
    if isinstance(term, Apply):
        return term.args
    return (term.body,) if isinstance(term, Lam) else ()


def with_children(term: Term, new: tuple[Term, ...]) -> Term:
    """The same node over other children."""
    if isinstance(term, Apply):
        same = len(new) == len(term.args) and all(map(is_, new, term.args))
        return term if same else Apply(term.name, new, term.config, term.parameters)
    return Lam(term.name, new[0]) if isinstance(term, Lam) else term


def walk(term: Term, path: Path = ()) -> Iterator[tuple[Path, Term]]:
    """Every node with its path from the root, a parent before its children, left to right."""
    # A stack, not a recursion of generators: searches spend much of their own time here.
    waiting = [(path, term)]
    while waiting:
        here, node = waiting.pop()
        yield here, node
        below = children(node)
        for i in range(len(below) - 1, -1, -1):
            waiting.append(((*here, i), below[i]))


def replace_at(term: Term, path: Path, new: Term) -> Term:
    """The term with the node at `path` replaced."""
    if not path:
        return new
    below = list(children(term))
    below[path[0]] = replace_at(below[path[0]], path[1:], new)
    return with_children(term, tuple(below))


def size(term: Term) -> int:
    """How many nodes a term has, its variables and holes included; a column of a row counts as one.

    Example:
        >>> size(Apply("affine", (Apply("mean", (Var("x"),)),)))
        3
    """
    if isinstance(term, Apply) and term.name == "column":  # It is written as one word.
        return 1
    return 1 + sum(map(size, children(term)))


@lru_cache(maxsize=100_000)  # Searches ask again and again of the same terms.
def holes(term: Term) -> tuple[tuple[Path, Hole], ...]:
    """The holes of a term with their paths, left to right."""
    return tuple((path, node) for path, node in walk(term) if isinstance(node, Hole))


def path_name(path: Path) -> str:
    """A path as text: `"root"`, or child numbers joined by dots."""
    return ".".join(map(str, path)) or "root"


ParameterTree = dict[str, dict[str, np.ndarray]]


def parameters(term: Term) -> ParameterTree:
    """The arrays of a program: path of the leaf -> name -> array."""
    return {
        path_name(path): dict(node.parameters)
        for path, node in walk(term)
        if isinstance(node, Apply) and node.parameters is not None
    }


def with_parameters(term: Term, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> Term:
    """The term with these arrays in its leaves, by the paths that `parameters` gives."""

    def fill(node: Term, path: Path) -> Term:
        node = with_children(node, tuple(fill(c, (*path, i)) for i, c in enumerate(children(node))))
        new = arrays.get(path_name(path))
        if isinstance(node, Apply) and new is not None:
            node = replace(node, parameters=Parameters(**{k: np.asarray(v) for k, v in new.items()}))
        return node

    return fill(term, ())


def sketch(term: Term) -> Term:
    """The term without its arrays."""
    below = tuple(map(sketch, children(term)))
    term = with_children(term, below)
    return replace(term, parameters=None) if isinstance(term, Apply) and term.parameters is not None else term
