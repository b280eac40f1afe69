"""One kind of node as a function of shared arrays, data and the results below it; and its derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import eval_jaxpr
from jax.custom_derivatives import SymbolicZero


class Body:
    """The body of a recursive function for one kind of node, traced once.

    Args:
        run: Gives results `[...]` for shared arrays, data and the results of each child `[child][result]`.
        shared: Arrays that all nodes compute with.
        data: Of one node, or their shapes.
        results: Shapes of the results of a node.
        arity: How many children there are.
    """

    def __init__(self, run: Callable, shared: Any, data: Any, results: Any, arity: int) -> None:
        def flat(shared: Any, data: Any, children: Any) -> list[Any]:
            return run(shared, data, children)

        closed = jax.make_jaxpr(flat)(shared, data, [list(results)] * arity)
        self.jaxpr, self.captured, self.arity = closed.jaxpr, closed.consts, arity
        self.results = results

    def one(self, shared: Any, data: Any, children: Any) -> list[Any]:
        """Results of one node; `shared` begins with what the body captured."""
        captured, shared = shared[: len(self.captured)], shared[len(self.captured) :]
        return eval_jaxpr(self.jaxpr, captured, *jax.tree.leaves((shared, data, children)))

    def many(self, shared: Any, data: Any, children: Any, size: int) -> list[Any]:
        """Results of many nodes, whose children lie along the second axis of `[result]`."""

        def one(data: Any, children: Any) -> list[Any]:
            return self.one(shared, data, [[c[j] for c in children] for j in range(self.arity)])

        return jax.vmap(one, axis_size=size)(data, children)


def directly(
    body: Body, given: Any, moved: Any, table: list[Any], nodes: Any, smooth: list[int], rare: bool
) -> list[Any]:
    """Tangents of the smooth results `(node, ...)` that come from shared arrays and data.

    Args:
        body: The kind of node.
        given: Its shared arrays and its columns.
        moved: Their tangents.
        table: Results of all nodes.
        nodes: Its children in the table, and how many there are.
        smooth: Places of the results that have derivatives.
        rare: There may be none of the kind: then nothing is computed, since what a made-up node gives
            could be no number.
    """
    leaves, structure = jax.tree.flatten(given)
    tangents = structure.flatten_up_to(moved)
    moving = [i for i, t in enumerate(tangents) if not is_zero(t)]
    index = nodes["children"]
    children = [t.at[index].get(mode="promise_in_bounds") for t in table]
    shapes = [(len(index), *body.results[i].shape) for i in smooth]
    blank = [jnp.zeros(s, body.results[i].dtype) for s, i in zip(shapes, smooth, strict=True)]
    if not moving:
        return blank

    def results(chosen: list[Any]) -> list[Any]:
        whole = list(leaves)
        for i, value in zip(moving, chosen, strict=True):
            whole[i] = value
        shared, columns = jax.tree.unflatten(structure, whole)
        out = body.many(shared, columns, children, len(index))
        return [out[i] for i in smooth]

    def computed(tangents: list[Any]) -> list[Any]:
        return jax.jvp(results, ([leaves[i] for i in moving],), (tangents,))[1]

    found = [tangents[i] for i in moving]
    return jax.lax.cond(nodes["count"] > 0, computed, lambda _: blank, found) if rare else computed(found)


def is_zero(tangent: Any) -> bool:
    """Whether a tangent is known to be none."""
    return isinstance(tangent, SymbolicZero) or tangent.dtype == jax.dtypes.float0


@dataclass(frozen=True, eq=False)
class Pull:
    """The derivative of nodes of one kind by the results of their children, at all nodes of the kind.

    Args:
        structure: Of the function that `jax.vjp` gives.
        held: What that function holds: an array `(node, ...)`, or one that all nodes share.
        own: Which of them differ from node to node.
        arity: How many children a node has.
        count: How many smooth results.
        shapes: Of the smooth results.
    """

    structure: Any
    held: list[Any]
    own: list[bool]
    arity: int
    shapes: list[Any]

    def at(self, index: Any) -> list[Any]:
        """What it holds at some nodes."""
        return [
            h.at[index].get(mode="promise_in_bounds") if own else h
            for h, own in zip(self.held, self.own, strict=True)
        ]

    @property
    def axes(self) -> list[int | None]:
        """Along which axis nodes lie."""
        return [0 if own else None for own in self.own]

    def _back(self, held: list[Any], results: list[Any]) -> list[Any]:
        """Cotangents of the children `[child and result]`, of one node."""
        return jax.tree.leaves(jax.tree.unflatten(self.structure, held)(list(results)))

    def _on(self, held: list[Any], children: list[Any]) -> list[Any]:
        """Tangents of the results, of one node."""
        transposed = jax.linear_transpose(lambda results: self._back(held, results), self.shapes)
        return transposed(children)[0]

    def pull(self, index: Any, results: list[Any]) -> list[Any]:
        """Cotangents of the children `(node, child, ...)`, from those of the results `(node, ...)`."""
        found = jax.vmap(self._back, in_axes=(self.axes, 0))(self.at(index), results)
        n = len(self.shapes)
        return [jnp.stack([found[j * n + i] for j in range(self.arity)], axis=1) for i in range(n)]

    def push(self, index: Any, children: list[Any]) -> list[Any]:
        """Tangents of the results `(node, ...)`, from those of the children `(node, child, ...)`."""
        return self._pushed(self.at(index), children)

    def push_all(self, children: list[Any], size: int) -> list[Any]:
        """The same for all nodes."""
        return self._pushed(self.held, children)

    def _pushed(self, held: list[Any], children: list[Any]) -> list[Any]:
        flat = [c[:, j] for j in range(self.arity) for c in children]
        return jax.vmap(self._on, in_axes=(self.axes, 0))(held, flat)


def pulls(body: Body, given: Any, table: list[Any], nodes: Any, smooth: list[int], rare: bool) -> Pull:
    """The derivative of a kind by its children, at the values in the table."""
    shared, columns = given
    known: dict[str, Any] = {}

    def held(shared: Any, data: Any, children: list[Any]) -> list[Any]:
        flat = [children[i][j] for j in range(body.arity) for i in smooth]

        def results(*flat: Any) -> list[Any]:
            moving = iter(flat)
            whole = [
                [next(moving) if i in smooth else children[i][j] for i in range(len(children))]
                for j in range(body.arity)
            ]
            out = body.one(shared, data, whole)
            return [out[i] for i in smooth]

        pull = jax.vjp(results, *flat)[1]
        leaves, known["structure"] = jax.tree.flatten(pull)
        return leaves

    index = nodes["children"]
    children = [t.at[index].get(mode="promise_in_bounds") for t in table]
    first = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), (columns, children))
    own = differing(jax.make_jaxpr(held)(shared, *first).jaxpr, len(jax.tree.leaves(shared)))
    axes = [0 if o else None for o in own]

    def computed() -> list[Any]:
        run = jax.vmap(lambda d, c: held(shared, d, c), out_axes=axes, axis_size=len(index))
        return run(columns, children)

    def blank() -> list[Any]:
        return [jnp.zeros(s.shape, s.dtype) for s in jax.eval_shape(computed)]

    found = jax.lax.cond(nodes["count"] > 0, computed, blank) if rare else computed()
    shapes = [jax.ShapeDtypeStruct(body.results[i].shape, body.results[i].dtype) for i in smooth]
    return Pull(known["structure"], found, own, body.arity, shapes)


def differing(jaxpr: Any, shared: int) -> list[bool]:
    """For each result, whether it depends on more than the first inputs."""
    varying = {id(v) for v in jaxpr.invars[shared:]}
    for equation in jaxpr.eqns:
        mine = [id(v) in varying for v in equation.invars]
        if not any(mine):
            continue
        inner = equation.params.get("jaxpr")
        inner = getattr(inner, "jaxpr", inner)
        outs = [True] * len(equation.outvars)
        if equation.primitive.name in ("jit", "pjit") and len(inner.invars) == len(mine):
            outs = _through(inner, mine)
        varying |= {id(v) for v, o in zip(equation.outvars, outs, strict=True) if o}
    return [id(v) in varying for v in jaxpr.outvars]


def _through(inner: Any, mine: list[bool]) -> list[bool]:
    still = [v for v, m in zip(inner.invars, mine, strict=True) if not m]
    moving = [v for v, m in zip(inner.invars, mine, strict=True) if m]

    class Ordered:
        invars, eqns, outvars = [*still, *moving], inner.eqns, inner.outvars

    return differing(Ordered, len(still))
