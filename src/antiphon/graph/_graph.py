"""The one form of everything that runs: inputs, equations, outputs, constants, nested bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from antiphon.graph._count import Count


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
        effects: Whether it does more than give its outputs, such as to print.
    """

    primitive: str
    inputs: tuple[Atom, ...]
    outputs: tuple[Value, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    source: Source | None = None
    operation: Any = None
    origin: Any = None
    effects: bool = False

    @property
    def bodies(self) -> Iterator[Graph]:
        """The graphs nested in it."""
        for value in self.params.values():
            if isinstance(value, Graph):
                yield value
            elif isinstance(value, tuple | list):
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
        closed: Whether JAX wants it, as a nested body, together with its constants.
    """

    inputs: tuple[Value, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[Atom, ...]
    constants: Mapping[Value, Any] = field(default_factory=dict)
    name: str = ""
    trees: Trees | None = None
    closed: bool = True

    def __call__(self, *args: Any) -> Any:
        """What the graph gives for arguments built as the examples that it was traced with.

        Works under `jax.jit`, `jax.vmap` and `jax.grad`.

        Raises:
            GraphError: If the arguments are built otherwise, or their shapes or dtypes do not fit.
        """
        from antiphon.graph._run import call

        return call(self, args)

    def grad(self, argnums: int | tuple[int, ...] = 0) -> Graph:
        """The graph of the gradient of a graph that gives one number.

        Args:
            argnums: By which argument, or arguments, to differentiate.

        Returns:
            A graph of the same arguments, which gives the gradient in the structure of the argument.

        Raises:
            GraphError: If it gives anything but one real number, or has no such argument.

        Example:
            >>> from antiphon.graph import trace
            >>> float(trace(lambda x: x**3, 2.0).grad()(2.0))
            12.0
        """
        from antiphon.graph._transforms import gradient

        return gradient(self, argnums)

    def batch(self, in_axes: Any = 0, size: int | None = None) -> Graph:
        """The graph of many cases at once.

        Args:
            in_axes: For all arguments or for each the axis along which the cases lie, or None for an argument
                that all cases share; as for `jax.vmap`.
            size: How many cases; if it is left out, any number, with the name `batch`.

        Returns:
            A graph that gives the results of all cases along a first axis.

        Raises:
            GraphError: If no argument has an axis of cases.

        Example:
            >>> import jax.numpy as jnp
            >>> from antiphon.graph import trace
            >>> batched = trace(lambda x, w: x @ w, jnp.ones(3), jnp.ones(3)).batch((0, None))
            >>> batched.inputs[0].shape, batched(jnp.ones((2, 3)), jnp.ones(3)).tolist()
            ((batch, 3), [3.0, 3.0])
        """
        from antiphon.graph._transforms import batched

        return batched(self, in_axes, size)

    def count(self) -> Count:
        """How much there is in the graph and how much it does.

        Example:
            >>> import jax.numpy as jnp
            >>> from antiphon.graph import trace
            >>> count = trace(lambda x: jnp.ones((2, 3)) @ x, jnp.ones(3)).count()
            >>> count.operations, count.flops
            (2, 12)
        """
        from antiphon.graph._count import counted

        return counted(self)

    def to_dot(self) -> str:
        """The graph in the language of Graphviz, a box for each operation, nested bodies framed.

        Example:
            >>> from antiphon.graph import trace
            >>> print(trace(lambda x: -x, 1.0, name="f").to_dot())
            digraph "f" {
              rankdir=TB; node [shape=box, fontname="Helvetica"];
              n0 [label="x: f32[]", shape=ellipse];
              n1 [label="neg\\nf32[]"];
              n0 -> n1;
              out [label="gives", shape=plaintext];
              n1 -> out;
            }
        """
        from antiphon.graph._dot import dot_text

        return dot_text(self)

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
