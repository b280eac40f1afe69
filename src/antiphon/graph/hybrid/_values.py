"""Values of Python inside a graph: what is an array, what stays as it is, and how two are made alike."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import jaxpr_as_fun

Number = (bool, int, float, complex)


def traced(value: Any) -> bool:
    """Whether a value is known only when the graph runs."""
    return isinstance(value, Tracer)


def plain(value: Any) -> Any:
    """A value without what a gradient is taken of."""
    return jax.lax.stop_gradient(value) if traced(value) else value


def is_array(value: Any) -> bool:
    """Whether it becomes an array of the graph, where it varies."""
    return isinstance(value, jax.Array)


_inputs: dict[type, bool] = {}


def is_input(value: Any) -> bool:
    """Whether it is an input of a graph: an array of JAX's or NumPy's. Asked at every call, so by class."""
    known = _inputs.get(type(value))
    if known is None:
        if isinstance(value, np.ndarray | np.generic):
            return value.dtype.kind in "biufc"
        known = _inputs[type(value)] = isinstance(value, jax.Array)
    return known


def any_traced(*values: Any) -> bool:
    """Whether a value, or one inside a tree of them, is known only when the graph runs."""
    return any(traced(leaf) for leaf in jax.tree.leaves(values, is_leaf=lambda n: isinstance(n, Deferred)))


@dataclass(frozen=True)
class Maybe:
    """A variable that only one way through the code defines, and whether that was taken."""

    name: str
    value: Any
    defined: Any


@dataclass(frozen=True)
class Deferred:
    """A value of Python, a text mostly, that is made after the run from what the run gives."""

    make: Callable[..., Any]
    inputs: tuple[Any, ...]

    def __getattr__(self, name: str) -> Any:
        raise TypeError(f"a text made of values inside a graph has no {name!r} yet")


class Segment:
    """What a loop has appended to a list: `count` items, stacked."""

    def __init__(self, count: int, stacked: Any, length: Any = None) -> None:
        self.count, self.stacked, self.length = count, stacked, length

    def items(self) -> list[Any]:
        """One by one."""
        if self.length is not None:
            raise TypeError("how many items a loop appended is known only when the graph runs")
        return [jax.tree.map(operator.itemgetter(i), self.stacked) for i in range(self.count)]

    def __getattr__(self, name: str) -> Any:
        raise TypeError("items that a loop appended are read through the list only")


class Earlier:
    """Stands, in the body of a loop, for all that earlier rounds have appended to a list."""

    def __getattr__(self, name: str) -> Any:
        raise TypeError("the loop reads a list that it appends to")


def expand(items: list[Any]) -> None:
    """Replace what loops have stacked by its items."""
    if any(type(i) is Segment for i in items):
        items[:] = [x for i in items for x in (i.items() if type(i) is Segment else (i,))]


def leaf_kinds(node: Any) -> bool:
    """What is a leaf though it might look like a tree."""
    return isinstance(node, Maybe | Deferred | Segment | Earlier) or type(node).__name__ == "Padded"


def flatten(value: Any) -> tuple[list[Any], Any]:
    """Leaves and tree of a value of Python; whatever is no tree is a leaf."""
    return jax.tree.flatten(value, is_leaf=leaf_kinds)


class Different(Exception):  # noqa: N818
    """Two values that no one array can hold; says why."""


@dataclass(frozen=True)
class Spec:
    """Shape and type that an array must have."""

    shape: tuple[int, ...]
    dtype: Any
    weak: bool

    @staticmethod
    def of(value: Any) -> Spec | None:
        """Of an array or number; None for anything else."""
        if isinstance(value, Number):
            return Spec((), jnp.asarray(value).dtype, not isinstance(value, bool))
        if is_array(value):
            return Spec(tuple(value.shape), value.dtype, bool(value.aval.weak_type))
        if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
            return Spec(tuple(value.shape), jax.dtypes.canonicalize_dtype(value.dtype), False)
        return None

    def join(self, other: Spec) -> Spec:
        """What holds both without changing the value of either."""
        if self.shape != other.shape:
            raise Different(f"shapes {_shape(self.shape)} and {_shape(other.shape)}")
        if self.dtype == other.dtype:
            return Spec(self.shape, self.dtype, self.weak and other.weak)
        for one, two in ((self, other), (other, self)):
            if one.weak and _rank(one.dtype) <= _rank(two.dtype) and _rank(one.dtype) > 0:
                return Spec(self.shape, two.dtype, two.weak)
        raise Different(f"types {self.dtype} and {other.dtype}")

    def cast(self, value: Any) -> jax.Array:
        """A value as this."""
        array = jnp.asarray(value)
        return array if array.dtype == self.dtype else array.astype(self.dtype)

    def zeros(self) -> jax.Array:
        """What fills the place of an undefined value."""
        if jnp.issubdtype(self.dtype, jax.dtypes.extended):
            return jax.random.key(0) if self.shape == () else jax.random.split(jax.random.key(0), self.shape)
        return jnp.zeros(self.shape, self.dtype)

    def struct(self) -> jax.ShapeDtypeStruct:
        """As a place for an argument of a trace."""
        return jax.ShapeDtypeStruct(self.shape, self.dtype, weak_type=self.weak)


def _rank(dtype: Any) -> int:
    for rank, kind in enumerate((np.bool_, np.integer, np.floating, np.complexfloating)):
        if jnp.issubdtype(dtype, kind):
            return rank
    return -1


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def same(a: Any, b: Any) -> bool:
    """Whether two values of Python can be told apart by no program."""
    if a is b:
        return True
    if type(a) is not type(b) or not isinstance(a, bool | int | float | complex | str | bytes):
        return False
    return a == b


def join_leaf(a: Any, b: Any) -> Spec | None:
    """What holds both; None if they are the same value of Python."""
    if same(a, b):
        return None
    one, two = Spec.of(a), Spec.of(b)
    if one is None or two is None:
        raise Different(f"{describe(a)} and {describe(b)}")
    return one.join(two)


def describe(value: Any) -> str:
    """A value in words."""
    spec = Spec.of(value)
    if spec is not None and not isinstance(value, Number):
        return f"an array {spec.dtype}{list(spec.shape)}"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) < 40 else f"a {type(value).__name__}"


def stage(
    f: Callable[..., tuple[list[Any], Any]], specs: Sequence[Spec]
) -> tuple[Callable, Any, list[Spec], list[str]]:
    """Trace once what may be run more than once.

    Args:
        f: Gives arrays, and whatever else is known when it is traced.
        specs: Of its arguments.

    Returns:
        The traced function (arrays to a list of arrays), what else was known, the types of its results, and
        the names of its operations.
    """
    known: list[Any] = []

    def run(*arguments: Any) -> list[Any]:
        leaves, rest = f(*arguments)
        known.append(rest)
        return leaves

    closed = jax.make_jaxpr(run)(*(s.struct() for s in specs))
    results = [Spec(tuple(a.shape), a.dtype, bool(getattr(a, "weak_type", False))) for a in closed.out_avals]
    return jaxpr_as_fun(closed), known[-1], results, [e.primitive.name for e in closed.jaxpr.eqns]
