"""Passes one after the other, the specification checked after each."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.graph._check import check
from antiphon.graph._graph import Graph
from antiphon.graph._passes import (
    Pass,
    apply_identities,
    drop_dead,
    fold_constants,
    fuse_affine,
    inline_calls,
    merge_common,
)
from antiphon.graph._rewrite import PassReport

PASSES: tuple[Pass, ...] = (
    inline_calls,
    fold_constants,
    apply_identities,
    merge_common,
    drop_dead,
    fuse_affine,
    fold_constants,
    apply_identities,
    drop_dead,
)


def optimise(graph: Graph, passes: Sequence[Pass] = PASSES) -> tuple[Graph, tuple[PassReport, ...]]:
    """A smaller graph with the same values and gradients, up to rounding.

    Args:
        graph: Any.
        passes: What is done, in order: functions from a graph to a graph and a report.

    Returns:
        The graph, and a report for each pass.

    Raises:
        GraphError: If a pass leaves a graph that is not well formed; names the pass and the equation.

    Example:
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> graph, reports = optimise(trace(lambda x: jnp.sum(x * 1.0) + 2.0 * 3.0, jnp.ones(3)))
        >>> [equation.primitive for equation in graph.equations]
        ['reduce_sum', 'add']
        >>> print(reports[2])
        apply_identities: 3 -> 2 equations; x * 1
    """
    check(graph)
    reports = []
    for step in passes:
        made, report = step(graph)
        if made is not graph:
            check(made, after=report.name)
        graph = made
        reports.append(report)
    return graph, tuple(reports)
