"""The plain interpretation of a graph: run it."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax

from antiphon.errors import GraphError
from antiphon.graph._graph import Graph
from antiphon.graph._jax import bind_all, resized


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
    shapes = [jax.numpy.shape(leaf) for leaf in leaves]
    for value, shape in zip(graph.inputs, shapes, strict=True):
        if len(shape) != len(value.shape) or any(
            isinstance(want, int) and isinstance(got, int) and want != got
            for want, got in zip(value.shape, shape, strict=True)
        ):
            raise GraphError(
                f"Input {value.name} of {graph.name or 'the graph'} has the shape {shape}.",
                f"The shape {value.shape}.",
                "Trace the function with an example of this shape, or with a named size.",
            )
    return bind_all(resized(graph, shapes), leaves)
