"""Rolled loops as JAX and Equinox have them: `scan`, and `while` with a derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox.internal as eqxi
import jax
import jax.numpy as jnp

from antiphon.graph.hybrid._rows import Rows

CHECKPOINTS = 64  # rounds of a loop kept for the backward pass; those in between are run again


def lower_for(
    roll: Any,
    call: Callable[..., list[Any]],
    known: dict[str, Any],
    rows: list[Any],
    over: Rows,
    kept: list[Any],
) -> tuple[list[Any], list[Any]]:
    """As a scan: what it carries at the end, and what its rounds appended, stacked."""

    def step(carry: tuple[Any, list[Any]], row: list[Any]) -> tuple[tuple[Any, list[Any]], list[Any]]:
        k, arrays = carry

        def run() -> tuple[list[Any], list[Any]]:
            outs = call(*arrays, k, *row)
            return roll.carry(known, outs), [outs[x.place] for x in kept]

        def skip() -> tuple[list[Any], list[Any]]:
            return arrays, [x.spec.zeros() for x in kept]

        after, appended = run() if over.count is None else jax.lax.cond(k < over.count, run, skip)
        return (k + 1, after), appended

    start = (jnp.asarray(0), roll.initial())
    (_, arrays), stacked = jax.lax.scan(step, start, rows, length=over.length)
    return arrays, stacked


def lower_while(
    roll: Any, call: Callable[..., list[Any]], known: dict[str, Any], until: Callable[..., list[Any]]
) -> tuple[list[Any], Any]:
    """As a loop: what it carries at the end, and whether it came to its end, where it is bounded."""
    options = roll.trace.options
    start = roll.initial()

    def condition(arrays: list[Any]) -> Any:
        return until(*arrays)[0]

    def step(arrays: list[Any]) -> list[Any]:
        return roll.carry(known, call(*arrays))

    if options.max_iterations is not None:
        bound = options.max_iterations
        arrays = eqxi.while_loop(condition, step, start, max_steps=bound, kind="bounded")
        return arrays, ~condition(arrays)
    smooth = any(jnp.issubdtype(s.dtype, jnp.inexact) for s in roll.specs())
    if options.gradient == "forward" or not smooth or roll.trace.effects:
        return jax.lax.while_loop(condition, step, start), None
    arrays = eqxi.while_loop(condition, step, start, kind="checkpointed", checkpoints=CHECKPOINTS)
    return arrays, None
