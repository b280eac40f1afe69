"""Running a cell over a forest, step by step: one batched call for all nodes of a step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from antiphon.errors import InputError
from antiphon.networks.trees._forest import Forest

# From weights, what the inputs have for the nodes of a step, and the states of their children (zeros for a
# child that is not there) to their states.
Cell = Callable[[Any, Any, Float[Array, "width arity state"]], Float[Array, "width state"]]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def sweep(cell: Cell, size: int, weights: Any, forest: Forest, inputs: Any) -> Float[Array, "place state"]:
    """The state of every node, and a last row of zeros for the node that is not there.

    The gradient is written out, because what autodiff makes of it adds to the states of all nodes at every
    step: here each node takes its part from the edge to its one parent.

    Args:
        cell: The cell; a function of its arguments alone.
        size: Numbers in a state.
        weights: What the cell is to have, a pytree.
        forest: The trees.
        inputs: Arrays `(step, width, ...)`, a pytree.
    """
    steps, width, _ = forest.children.shape
    start = jnp.zeros((steps * width + 1, size), forest.values.dtype)

    def step(states: Array, now: tuple[Array, Array, Array, Any]) -> tuple[Array, None]:
        number, children, mask, given = now
        new = jnp.where(mask[:, None], cell(weights, given, states[children]), 0.0)
        return jax.lax.dynamic_update_slice_in_dim(states, new, number * width, 0), None

    numbers = jnp.arange(steps, dtype=jnp.int32)
    states, _ = jax.lax.scan(step, start, (numbers, forest.children, forest.mask, inputs))
    return states


def _forward(cell: Cell, size: int, weights: Any, forest: Forest, inputs: Any) -> tuple[Array, Any]:
    states: Any = sweep(cell, size, weights, forest, inputs)
    return states, (states, weights, forest, inputs)


def _backward(cell: Cell, size: int, kept: Any, slopes: Float[Array, "place state"]) -> tuple[Any, None, Any]:
    states, weights, forest, inputs = kept
    steps, width, arity = forest.children.shape

    def step(carried: tuple[Array, Any], now: tuple[Any, ...]) -> tuple[tuple[Array, Any], Any]:
        by_edge, total = carried
        number, children, edges, mask, given, slope = now
        slope = jnp.where(mask[:, None], slope + by_edge[edges], 0.0)
        _, pull = jax.vjp(partial(cell), weights, given, states[children])
        more, for_inputs, for_children = pull(slope)
        new = for_children.reshape(width * arity, size)
        by_edge = jax.lax.dynamic_update_slice_in_dim(by_edge, new, number * width * arity, 0)
        return (by_edge, jax.tree.map(jnp.add, total, more)), for_inputs

    start = jnp.zeros((steps * width * arity + 1, size), slopes.dtype), jax.tree.map(jnp.zeros_like, weights)
    numbers = jnp.arange(steps, dtype=jnp.int32)
    rows = slopes[:-1].reshape(steps, width, size)
    over = (numbers, forest.children, forest.edges, forest.mask, inputs, rows)
    (_, for_weights), for_inputs = jax.lax.scan(step, start, over, reverse=True)
    return for_weights, None, for_inputs


sweep.defvjp(_forward, _backward)


def node_mask(forest: Forest) -> Bool[Array, "tree node"]:
    """Which entries of `forest.places` are nodes."""
    return forest.places < forest.mask.size


def masked_values(forest: Forest) -> Float[Array, "step width feature"]:
    """The values, with zeros where no node is, whatever stands there."""
    return jnp.where(forest.mask[:, :, None], forest.values, 0.0)


def check_forest(forest: Any, in_size: int, arity: int | None) -> None:
    """Refuse anything but a forest of the values and the arity that a network takes."""
    if not isinstance(forest, Forest):
        raise InputError(
            f"A {type(forest).__name__}.", "A Forest.", "Make one of your trees: pack(trees, labels=labels)."
        )
    if forest.values.shape[-1:] != (in_size,) or forest.values.ndim != 3:
        raise InputError(
            f"A forest with values of shape {tuple(forest.values.shape)}.",
            f"(step, width, {in_size}).",
            "Pack the trees with the labels that the network was made for, or make it with another in_size.",
        )
    if arity is not None and forest.children.shape[-1] != arity:
        raise InputError(
            f"A forest with room for {forest.children.shape[-1]} children a node.",
            f"{arity}, as the network has.",
            f"Pack the trees with arity={arity}.",
        )
