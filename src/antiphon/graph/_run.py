"""The plain interpretation of a graph: run it."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax

from antiphon.errors import GraphError
from antiphon.graph._graph import Graph
from antiphon.graph._jax import bind_all
from antiphon.graph._sizes import fitted


def call(graph: Graph, args: tuple[Any, ...]) -> Any:
    """What a graph gives for arguments built as the function's that it comes from."""
    if graph.trees is None:
        return tuple(run(graph, args))
    data = eqx.filter(args, eqx.is_array_like)
    leaves, tree = jax.tree.flatten(data)
    if tree != graph.trees.inputs:
        raise GraphError(
            f"Arguments of {graph.name or 'the graph'} are built as {tree}.",
            f"As the examples: {graph.trees.inputs}.",
            "Pass arguments of the structure that the graph was traced with.",
        )
    arrays = jax.tree.unflatten(graph.trees.outputs, run(graph, leaves))
    return eqx.combine(arrays, graph.trees.still)


def run(graph: Graph, leaves: Any) -> list[Any]:
    """What a graph gives for a flat list of arrays; sizes that have names are read off them."""
    if len(leaves) != len(graph.inputs):
        raise GraphError(
            f"{len(leaves)} arrays for {graph.name or 'the graph'}.",
            f"One for each of its {len(graph.inputs)} inputs.",
            "Pass all inputs, in order.",
        )
    for value, leaf in zip(graph.inputs, leaves, strict=True):
        if not can_stand_for(leaf, value.dtype):
            raise GraphError(
                f"Input {value.name} of {graph.name or 'the graph'} is {jax.typeof(leaf).str_short()}.",
                f"The dtype {value.dtype}.",
                f"Convert it, as in jnp.asarray(value, {str(value.dtype)!r}).",
            )
    return bind_all(fitted(graph, [jax.numpy.shape(leaf) for leaf in leaves]), leaves)


def can_stand_for(leaf: Any, dtype: Any) -> bool:
    """Whether an argument is of a dtype, or a Python number that JAX takes for it."""
    found = jax.typeof(leaf)
    if found.dtype == dtype:
        return True
    return isinstance(leaf, int | float) and not isinstance(leaf, bool) and dtype.kind != "b"
