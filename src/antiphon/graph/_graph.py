"""The one form of everything that runs: inputs, equations, outputs, constants, nested bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Source:
    """Where in the user's code an equation comes from."""

    file: str
    line: int
    function: str = ""


@dataclass(frozen=True, eq=False)
class Value:
    """A named array: an input of a graph, a constant of it, or what one of its equations gives.

    Args:
        name: Unique in its graph, nested bodies apart.
        shape: One entry an axis: an int, or an expression of named sizes (`jax.export.symbolic_shape`).
        dtype: NumPy's, or one of JAX's own (keys of random numbers).
    """

    name: str
    shape: tuple[Any, ...]
    dtype: Any


@dataclass(frozen=True, eq=False)
class Literal:
    """A number written into an equation."""

    value: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Mostly `()`."""
        return self.value.shape

    @property
    def dtype(self) -> Any:
        """Of its value."""
        return self.value.dtype


Atom = Value | Literal


@dataclass(frozen=True, eq=False)
class Equation:
    """One operation: `outputs = primitive[params](inputs)`.

    Args:
        primitive: JAX's name of the operation, such as `"add"`, `"dot_general"`, `"scan"`.
        inputs: What it reads.
        outputs: What it defines.
        params: JAX's parameters of it, in which every nested body is a `Graph` (or a tuple of them).
        source: Where in the user's code it comes from, if that is known.
        operation: JAX's own object for the primitive; only `_jax.py` looks into it.
        origin: JAX's own note of where it comes from; only `_jax.py` looks into it.
    """

    primitive: str
    inputs: tuple[Atom, ...]
    outputs: tuple[Value, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    source: Source | None = None
    operation: Any = None
    origin: Any = None

    @property
    def bodies(self) -> Iterator[Graph]:
        """The graphs nested in it."""
        for value in self.params.values():
            if isinstance(value, Graph):
                yield value
            elif isinstance(value, tuple):
                yield from (v for v in value if isinstance(v, Graph))


@dataclass(frozen=True, eq=False)
class Trees:
    """How the arguments and results of a function are built from the arrays of its graph.

    Args:
        inputs: JAX's tree of the arguments, whose leaves are the graph's inputs.
        outputs: JAX's tree of what it gives, whose leaves are the graph's outputs.
        still: The parts of the result that are no arrays (names, functions), in its tree; or None.
    """

    inputs: Any
    outputs: Any
    still: Any = None


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """A function as data.

    Args:
        inputs: What it is called with, in order.
        equations: In an order in which they can run.
        outputs: What it gives, in order.
        constants: Arrays that it carries; their values count as defined before the first equation.
        name: What it is called.
        trees: How arguments and results are built from arrays; None for a nested body, which takes and
            gives plain arrays.
    """

    inputs: tuple[Value, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[Atom, ...]
    constants: Mapping[Value, Any] = field(default_factory=dict)
    name: str = ""
    trees: Trees | None = None

    def __call__(self, *args: Any) -> Any:
        """What the graph gives for arguments built as the examples that it was traced with.

        Works under `jax.jit`, `jax.vmap` and `jax.grad`.

        Raises:
            GraphError: If the arguments are built otherwise, or their shapes or dtypes do not fit.
        """
        from antiphon.graph._run import call

        return call(self, args)

    def __str__(self) -> str:
        """The graph as a program: a line for each value, its shape beside it, bodies indented."""
        from antiphon.graph._print import program_text

        return program_text(self)

    def __repr__(self) -> str:
        """What it is, in short."""
        return (
            f"<Graph {self.name or 'f'}: {len(self.inputs)} inputs, {len(self.equations)} equations, "
            f"{len(self.constants)} constants>"
        )
