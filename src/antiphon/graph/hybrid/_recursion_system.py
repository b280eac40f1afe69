"""Values of all nodes of some trees, as the solution of a triangular system, and its derivatives.

A table of results `T` with a row for each node solves `T = F(w, T)`: row by row, since a node comes after its
children. By the implicit function theorem a tangent of it solves the linear system `t = F_w v + F_T t` in the
same order; its transpose goes through the rows backwards. So only that part is done step by step; what
parameters and data have to do with it, `F_w v` and its transpose, is one batched operation over all nodes. A
gradient of a weight is one product of matrices, not a sum over steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from antiphon.graph.hybrid._recursion_forest import WIDTHS
from antiphon.graph.hybrid._recursion_linear import Body, Pull, directly, pulls

Tables = dict[str, Any]


@dataclass(frozen=True, eq=False)
class System:
    """Kinds of inner nodes, and what the sizes of the tables follow from.

    Args:
        bodies: One for each kind of inner node.
        avals: Of the results of a node.
    """

    bodies: list[Body]
    avals: list[Any]

    @property
    def arity(self) -> int:
        """Of the node with most children."""
        return max(body.arity for body in self.bodies)

    @property
    def smooth(self) -> list[int]:
        """Places of the results that have derivatives."""
        return [i for i, a in enumerate(self.avals) if jnp.issubdtype(a.dtype, jnp.inexact)]

    def values(self, given: Any, leaves: list[Any], tables: Tables) -> list[Any]:
        """Tables of results `(row, ...)`, leaves first.

        Args:
            given: For each body its shared arrays and its columns `(node, ...)`.
            leaves: Results of the nodes without children `(row, ...)`.
            tables: See `_recursion_forest.tables`.
        """

        @jax.custom_jvp
        def solved(given: Any, leaves: list[Any], tables: Tables) -> list[Any]:
            return self.forward(given, leaves, tables)

        @partial(solved.defjvp, symbolic_zeros=True)
        def _(primals: Any, tangents: Any) -> Any:
            given, leaves, tables = primals
            table = solved(given, leaves, tables)
            return table, self.tangents(given, table, tables, *tangents[:2])

        return solved(given, leaves, tables)

    def forward(self, given: Any, leaves: list[Any], tables: Tables) -> list[Any]:
        """Row by row."""
        more = len(tables["parent"]) - len(leaves[0])
        empty = [jnp.zeros((more, *a.shape), a.dtype) for a in self.avals]
        table = [jnp.concatenate(parts) for parts in zip(leaves, empty, strict=True)]

        def branch(body: Body, shared: Any, columns: Any) -> Callable:
            def run(children: list[Any], own: Any) -> list[Any]:
                return body.many(shared, [rows(c, own) for c in columns], children, len(own))

            return run

        branches = [branch(body, *g) for body, g in zip(self.bodies, given, strict=True)]
        return sweep(table, branches, tables)

    # Derivatives.

    def tangents(
        self, given: Any, table: list[Any], tables: Tables, d_given: Any, d_leaves: list[Any]
    ) -> list[Any]:
        """Tangents of the table, one for each result."""
        smooth = self.smooth
        none = [np.zeros(t.shape, jax.dtypes.float0) for t in table]
        if not smooth:
            return none
        direct = [
            directly(body, g, d, table, tables["nodes"][k], smooth, len(self.bodies) > 1)
            for k, (body, g, d) in enumerate(zip(self.bodies, given, d_given, strict=True))
        ]
        known = []
        for place, i in enumerate(smooth):
            first = d_leaves[i]
            shape = (len(table[i]) - len(tables["source"]), *table[i].shape[1:])
            if isinstance(first, SymbolicZero):
                first = jnp.zeros_like(table[i][: len(table[i]) - len(tables["source"]) - max(WIDTHS)])
            inner = arranged([d[place] for d in direct], tables["source"])
            last = jnp.zeros((shape[0] - len(first), *shape[1:]), first.dtype)
            known.append(jnp.concatenate([first, inner, last]))
        linear = [
            pulls(body, g, table, tables["nodes"][k], smooth, len(self.bodies) > 1)
            for k, (body, g) in enumerate(zip(self.bodies, given, strict=True))
        ]
        solution = jax.lax.custom_linear_solve(
            lambda x: self.residual(linear, x, tables),
            known,
            solve=lambda _, b: self.pushed(linear, b, tables),
            transpose_solve=lambda _, b: self.pulled(linear, b, tables),
        )
        found = iter(solution)
        return [next(found) if i in smooth else none[i] for i in range(len(table))]

    def residual(self, linear: list[Pull], x: list[Any], tables: Tables) -> list[Any]:
        """`x - F_T x`, all rows at once."""
        parts = []
        for k, pull in enumerate(linear):
            index = tables["nodes"][k]["children"]
            children = [rows(t, index) for t in x]
            parts.append(pull.push_all(children, len(index)))
        found = []
        for i, t in enumerate(x):
            inner = arranged([p[i] for p in parts], tables["source"])
            base = len(t) - len(inner) - max(WIDTHS)
            found.append(t.at[base : base + len(inner)].add(-inner))
        return found

    def pushed(self, linear: list[Pull], known: list[Any], tables: Tables) -> list[Any]:
        """Solve `x = known + F_T x`."""

        def branch(pull: Pull) -> Callable:
            return lambda children, own: pull.push(own, children)

        return sweep(known, [branch(p) for p in linear], tables, known)

    def pulled(self, linear: list[Pull], given: list[Any], tables: Tables) -> list[Any]:
        """Solve `y = given + F_T' y`: from the roots to the leaves, each row from its one parent."""
        parent, place = tables["parent"], tables["place"]
        below = [jnp.zeros((len(tables["source"]) + max(WIDTHS), self.arity, *g.shape[1:]), g.dtype)
                 for g in given]  # fmt: skip
        base = len(parent) - len(below[0])

        def received(start: Any, count: int, below: list[Any]) -> list[Any]:
            above, which = (jax.lax.dynamic_slice_in_dim(t, start, count) for t in (parent, place))
            found = []
            for g, b in zip(given, below, strict=True):
                own = jax.lax.dynamic_slice_in_dim(g, start, count)
                taken = b.at[jnp.maximum(above, 0), which].get(mode="promise_in_bounds")
                found.append(own + jnp.where(like(above >= 0, own), taken, jnp.zeros((), own.dtype)))
            return found

        def branch(pull: Pull) -> Callable:
            return lambda rows, own: [padded(p, self.arity) for p in pull.pull(own, rows)]

        branches = [branch(p) for p in linear]
        for number, width in reversed(list(enumerate(WIDTHS))):
            steps, count = tables["steps"][number], tables["counts"][number]

            def step(
                i: Any, below: list[Any], steps: Any = steps, count: Any = count, width: int = width
            ) -> list[Any]:
                at = count - 1 - i
                start = steps["start"][at]
                new = jax.lax.switch(
                    steps["kind"][at], branches, received(base + start, width, below), steps["own"][at]
                )
                return [
                    written(b, n, start, steps["count"][at] if width > 1 else None)
                    for b, n in zip(below, new, strict=True)
                ]

            below = jax.lax.fori_loop(0, count, step, below)
        return received(0, len(parent), below)


def sweep(
    table: list[Any], branches: list[Callable], tables: Tables, add: list[Any] | None = None
) -> list[Any]:
    """Fill the rows of inner nodes, step by step: first steps of several nodes, then of one."""
    base = len(tables["parent"]) - len(tables["source"]) - max(WIDTHS)
    for number, width in enumerate(WIDTHS):
        steps, count = tables["steps"][number], tables["counts"][number]

        def step(i: Any, table: list[Any], steps: Any = steps, width: int = width) -> list[Any]:
            children = [rows(t, steps["children"][i]) for t in table]
            new = jax.lax.switch(steps["kind"][i], branches, children, steps["own"][i])
            start = base + steps["start"][i]
            if add is not None:
                new = [
                    n + jax.lax.dynamic_slice_in_dim(a, start, width) for n, a in zip(new, add, strict=True)
                ]
            return [
                jax.lax.dynamic_update_slice_in_dim(t, n, start, 0) for t, n in zip(table, new, strict=True)
            ]

        table = jax.lax.fori_loop(0, count, step, table)
    return table


def rows(table: Any, index: Any) -> Any:
    """Some rows."""
    return table.at[index].get(mode="promise_in_bounds")


def like(mask: Any, array: Any) -> Any:
    """A mask of rows, with as many axes as an array."""
    return mask.reshape(mask.shape + (1,) * (array.ndim - mask.ndim))


def padded(array: Any, arity: int) -> Any:
    """With as many children as a node can have: `(node, child, ...)`."""
    more = [(0, 0)] * array.ndim
    more[1] = (0, arity - array.shape[1])
    return jnp.pad(array, more)


def written(table: Any, new: Any, start: Any, count: Any) -> Any:
    """A table with the first `count` of some new rows in it."""
    if count is not None:
        old = jax.lax.dynamic_slice_in_dim(table, start, len(new))
        new = jnp.where(like(jnp.arange(len(new), dtype=jnp.int32) < count, new), new, old)
    return jax.lax.dynamic_update_slice_in_dim(table, new, start, 0)


def arranged(parts: list[Any], source: Any) -> Any:
    """Rows of all kinds in the order of the table: `source` has their places one kind after the other."""
    if len(parts) == 1:
        return parts[0]
    return jnp.concatenate(parts)[source]
