"""Graphs from graphs: gradients and batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from antiphon.errors import GraphError
from antiphon.graph._graph import Graph
from antiphon.graph._jax import size_scope
from antiphon.graph._names import named
from antiphon.graph._trace import trace


def gradient(graph: Graph, argnums: int | tuple[int, ...]) -> Graph:
    """See `Graph.grad`."""
    examples = _examples(graph)
    wanted = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(-len(examples) <= k < len(examples) for k in wanted):
        raise GraphError(
            f"{_title(graph)} has no argument {max(wanted)}.",
            f"A number from 0 to {len(examples) - 1}.",
            "Name an argument by its place.",
        )
    outputs = graph.outputs
    if len(outputs) != 1 or outputs[0].shape != () or not np.issubdtype(outputs[0].dtype, np.floating):
        given = ", ".join(f"{v.dtype}{list(v.shape)}" for v in outputs) or "nothing"
        raise GraphError(
            f"{_title(graph)} gives {given}.",
            "One real number, of which there is a gradient.",
            "Trace a function that ends in a loss, such as a mean of squares.",
        )
    bad = [v for k in wanted for v in jax.tree.leaves(examples[k]) if not np.issubdtype(v.dtype, np.inexact)]
    if bad:
        raise GraphError(
            f"There is no gradient by an argument of dtype {bad[0].dtype}.",
            "Arguments of real numbers.",
            "Leave that argument out of argnums, or trace with floats.",
        )

    def run(*args: Any) -> Any:
        return jax.tree.leaves(graph(*args))[0]

    return _derived(graph, jax.grad(run, argnums), examples, f"grad_{graph.name}")


def batched(graph: Graph, in_axes: Any, size: int | None) -> Graph:
    """See `Graph.batch`."""
    examples = _examples(graph)
    axes = tuple(in_axes) if isinstance(in_axes, tuple | list) else (in_axes,) * len(examples)
    if len(axes) != len(examples):
        raise GraphError(
            f"{len(axes)} axes for the {len(examples)} arguments of {_title(graph)}.",
            "One axis for all, or one for each argument.",
            "Say None for an argument that all cases share.",
        )
    if all(axis is None for axis in jax.tree.leaves(axes, is_leaf=lambda a: a is None)):
        raise GraphError("No argument has an axis of cases.", "At least one.", "Use in_axes=0, or (0, None).")
    cases = _free_size(graph) if size is None else size

    def widened(axis: int | None, tree: Any) -> Any:
        return jax.tree.map(lambda leaf: _widened(leaf, axis, cases), tree)

    wide = jax.tree.map(widened, axes, tuple(examples), is_leaf=lambda a: a is None)
    return _derived(graph, jax.vmap(graph, in_axes=axes), wide, f"batch_{graph.name}")


def _widened(leaf: jax.ShapeDtypeStruct, axis: int | None, cases: Any) -> jax.ShapeDtypeStruct:
    if axis is None:
        return leaf
    rank = len(leaf.shape)
    if not -rank - 1 <= axis <= rank:
        raise GraphError(
            f"No axis {axis} for cases of an array of shape {leaf.shape}.",
            f"An axis from 0 to {rank}.",
            "Count the axes of the whole batch.",
        )
    at = axis % (rank + 1)
    return jax.ShapeDtypeStruct((*leaf.shape[:at], cases, *leaf.shape[at:]), leaf.dtype)


def _free_size(graph: Graph) -> Any:
    """A size named `batch`, which is compatible with the names that the graph has."""
    sizes = [size for value in graph.inputs for size in value.shape]
    scope = next((s for s in map(size_scope, sizes) if s is not None), None)
    (cases,) = jax.export.symbolic_shape("batch", scope=scope)
    return cases


def _derived(graph: Graph, f: Callable[..., Any], examples: Any, name: str) -> Graph:
    """The graph of a function made from a graph, with the names that inputs and constants have there."""
    made = trace(f, *examples, name=name)
    known = {id(array): value.name for value, array in graph.constants.items()}
    names = {new: old.name for new, old in zip(made.inputs, graph.inputs, strict=True)}
    names |= {v: known[id(array)] for v, array in made.constants.items() if id(array) in known}
    return named(made, names)


def _examples(graph: Graph) -> tuple[Any, ...]:
    """What the graph is called with, in shapes and dtypes."""
    leaves = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in graph.inputs]
    return tuple(leaves) if graph.trees is None else jax.tree.unflatten(graph.trees.inputs, leaves)


def _title(graph: Graph) -> str:
    return graph.name or "The graph"
