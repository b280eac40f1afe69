"""Sums and maxima over all paths through a chain of states, in log space: what HMM and CRF share.

A path through states `s_0 .. s_T` weighs `initial[s_0] + sum of transition[s_t-1, s_t] + sum of potentials[t,
s_t]`. All weights are logarithms. Masked frames, wherever they stand, are as if they were not there.

One sum is written down, `log_partition`. Its gradient by a weight is the share of all paths that use it
(Eisner, 2016, "Inside-Outside and Forward-Backward Algorithms Are Just Backprop"): marginals and expected
counts need no second recursion.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

# What stands for log 0 inside of sums: finite, so that no gradient is inf - inf, and far below any real
# weight.
IMPOSSIBLE = -1e30

Initial = Float[Array, " state"]
Transition = Float[Array, "state state"]
Potentials = Float[Array, "time state"]
Mask = Bool[Array, " time"]


class Counts(NamedTuple):
    """Expected use of each weight over all paths, and the log of the sum over them."""

    log_partition: Float[Array, ""]
    initial: Initial
    transition: Transition
    marginals: Potentials


def floored(weights: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The weights with a finite stand-in for minus infinity; no gradient goes to what it stands for."""
    return jnp.maximum(weights, jnp.asarray(IMPOSSIBLE, weights.dtype))


def log_partition(
    initial: Initial,
    transition: Transition,
    potentials: Potentials,
    mask: Mask,
    *,
    parallel: bool = False,
) -> Float[Array, ""]:
    """Log of the sum over all paths: 0 where no frame is real, minus infinity where no path is possible.

    Args:
        initial: Log weight of each state at the first real frame.
        transition: Log weight of each step, from row to column.
        potentials: Log weight of each state at each frame.
        mask: Which frames are real.
        parallel: Whether to multiply the matrices of all steps as a tree of depth log(time), instead of going
            through time. It does `state` times the work.
    """
    weights = floored(initial), floored(transition), floored(potentials)
    found = (_by_tree if parallel else _by_scan)(*weights, mask)
    found = jnp.where(found < 0.1 * IMPOSSIBLE, -jnp.inf, found)
    return jnp.where(mask.any(), found, jnp.zeros((), found.dtype))


def _by_scan(initial: Initial, transition: Transition, potentials: Potentials, mask: Mask) -> Array:
    def advance(carry: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        (scores, begun), (potential, real) = carry, now
        moved = jax.nn.logsumexp(scores[:, None] + transition, axis=0)
        following = jnp.where(begun, moved, initial) + potential
        return (jnp.where(real, following, scores), begun | real), None

    start = (jnp.zeros_like(initial), jnp.zeros((), bool))
    (scores, _), _ = jax.lax.scan(advance, start, (potentials, mask))
    return jax.nn.logsumexp(scores)


def _by_tree(initial: Initial, transition: Transition, potentials: Potentials, mask: Mask) -> Array:
    time, states = potentials.shape
    first = (jnp.arange(time) == jnp.argmax(mask))[:, None, None]
    steps = jnp.where(first, initial[None, None, :], transition[None, :, :]) + potentials[:, None, :]
    still = floored(jnp.log(jnp.eye(states, dtype=potentials.dtype)))[None, :, :]
    steps = jnp.where(mask[:, None, None], steps, still)
    while steps.shape[0] > 1:
        if steps.shape[0] % 2:
            steps = jnp.concatenate([steps, still])
        left, right = steps[0::2], steps[1::2]
        steps = floored(jax.nn.logsumexp(left[:, :, :, None] + right[:, None, :, :], axis=2))
    # Every row of the first real step is the same; a frame masked before it leaves the first row in its
    # place.
    return jax.nn.logsumexp(steps[0, 0])


def expected_counts(
    initial: Initial,
    transition: Transition,
    potentials: Potentials,
    mask: Mask,
    *,
    parallel: bool = False,
) -> Counts:
    """How often each weight is used, on average over all paths; all 0 where no path is possible."""
    value, (first, pairs, single) = jax.value_and_grad(
        lambda first, step, single: log_partition(first, step, single, mask, parallel=parallel),
        argnums=(0, 1, 2),
    )(floored(initial), floored(transition), floored(potentials))
    return Counts(value, first, pairs, single)


def best_path(
    initial: Initial, transition: Transition, potentials: Potentials, mask: Mask
) -> tuple[Float[Array, ""], Int[Array, " time"]]:
    """The heaviest path (Viterbi, 1967) and its log weight; of equal ones the states with the lower numbers.

    Returns:
        The log weight, and the state at each frame; -1 at masked frames.
    """
    initial, transition, potentials = floored(initial), floored(transition), floored(potentials)
    states = jnp.arange(initial.shape[0])

    def advance(carry: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], Array]:
        (scores, begun), (potential, real) = carry, now
        ways = scores[:, None] + transition
        following = jnp.where(begun, ways.max(axis=0), initial) + potential
        came_from = jnp.where(real & begun, jnp.argmax(ways, axis=0), states)
        return (jnp.where(real, following, scores), begun | real), came_from

    start = (jnp.zeros_like(initial), jnp.zeros((), bool))
    (scores, begun), came_from = jax.lax.scan(advance, start, (potentials, mask))
    _, path = jax.lax.scan(
        lambda state, back: (back[state], state), jnp.argmax(scores), came_from, reverse=True
    )
    value = scores.max()
    value = jnp.where(value < 0.1 * IMPOSSIBLE, -jnp.inf, value)
    return jnp.where(begun, value, jnp.zeros((), value.dtype)), jnp.where(mask, path, -1)


def path_weight(
    initial: Initial, transition: Transition, potentials: Potentials, path: Int[Array, " time"], mask: Mask
) -> Float[Array, ""]:
    """Log weight of one path; its entries at masked frames are not looked at."""
    path = jnp.where(mask, path, 0)

    def advance(carry: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], Array]:
        (before, begun), (state, real) = carry, now
        step = jnp.where(begun, transition[before, state], initial[state])
        return (jnp.where(real, state, before), begun | real), jnp.where(real, step, jnp.zeros_like(step))

    start = (jnp.zeros((), path.dtype), jnp.zeros((), bool))
    _, steps = jax.lax.scan(advance, start, (path, mask))
    chosen = jnp.take_along_axis(potentials, path[:, None], axis=1)[:, 0]
    return (steps + jnp.where(mask, chosen, jnp.zeros_like(chosen))).sum()
