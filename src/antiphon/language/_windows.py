"""Windows over masked frames, parallel over time: sums by prefix, extremes by reduction."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Frames = Float[Array, "time n"]
Mask = Bool[Array, " time"]


def reach(width: int, look: str) -> tuple[int, int]:
    """How many frames before and after its own a window sees.

    Args:
        width: Frames in the window, its own included.
        look: `"trailing"` (its own frame is the last), `"centred"` or `"leading"` (it is the first). A
            centred window of even width sees one frame more of the past.

    Example:
        >>> reach(5, "centred"), reach(4, "centred"), reach(5, "trailing")
        ((2, 2), (2, 1), (4, 0))
    """
    match look:
        case "trailing":
            return width - 1, 0
        case "leading":
            return 0, width - 1
        case "centred":
            return width // 2, (width - 1) // 2
    raise AssertionError(f"a window that looks {look!r}")


def rank(mask: Mask) -> Int[Array, " time"]:
    """How many real frames there are up to and with each frame."""
    return jnp.cumsum(mask.astype(jnp.int32))


def masked_mean(frames: Frames, mask: Mask) -> Float[Array, " n"]:
    """Mean over the real frames; 0 if there are none."""
    total = jnp.where(mask[:, None], frames, 0.0).sum(0)
    return total / jnp.maximum(mask.sum().astype(jnp.float32), 1.0)


def part_mask(mask: Mask, part: int, of: int) -> Mask:
    """The mask of the `part`-th (from 1) of `of` equal parts of the real frames."""
    count = mask.sum(dtype=jnp.int32)
    start = (part - 1) * count // of
    stop = jnp.maximum(part * count // of, jnp.minimum(start + 1, count))
    start = jnp.minimum(start, jnp.maximum(count - 1, 0))
    index = rank(mask) - 1
    return mask & (index >= start) & (index < stop)


def _edges(time: int, width: int, look: str) -> tuple[Array, Array]:
    before, after = reach(width, look)
    index = jnp.arange(time, dtype=jnp.int32)
    return jnp.clip(index - before, 0, time), jnp.clip(index + after + 1, 0, time)


def window_mean(frames: Frames, mask: Mask, width: int, look: str) -> Frames:
    """Mean over each window, of the real frames in it."""
    # Centring first keeps the prefix sums small, so that float32 loses nothing on long, offset signals.
    offset = masked_mean(frames, mask)[None, :]
    values = jnp.where(mask[:, None], frames - offset, 0.0)
    start, stop = _edges(frames.shape[0], width, look)
    sums = jnp.concatenate([jnp.zeros_like(values[:1]), jnp.cumsum(values, axis=0)])
    counts = jnp.concatenate([jnp.zeros((1,), jnp.int32), rank(mask)])
    count = jnp.maximum(counts[stop] - counts[start], 1).astype(jnp.float32)
    means = (sums[stop] - sums[start]) / count[:, None] + offset
    return jnp.where(mask[:, None], means, 0.0)


def _window_extreme(frames: Frames, mask: Mask, width: int, look: str, *, largest: bool) -> Frames:
    worst = -jnp.inf if largest else jnp.inf
    values = jnp.where(mask[:, None], frames, worst)
    before, after = reach(width, look)
    operation = jax.lax.max if largest else jax.lax.min
    # A NumPy scalar: of a traced one JAX does not see that it is a maximum, which alone has a derivative.
    found = jax.lax.reduce_window(
        values, np.float32(worst), operation, (width, 1), (1, 1), ((before, after), (0, 0))
    )
    return jnp.where(mask[:, None], found, 0.0)


def window_max(frames: Frames, mask: Mask, width: int, look: str) -> Frames:
    """Largest value in each window."""
    return _window_extreme(frames, mask, width, look, largest=True)


def window_min(frames: Frames, mask: Mask, width: int, look: str) -> Frames:
    """Smallest value in each window."""
    return _window_extreme(frames, mask, width, look, largest=False)


def window_difference(frames: Frames, mask: Mask, width: int, look: str) -> Frames:
    """The last real frame of each window minus its first."""
    time = frames.shape[0]
    start, stop = _edges(time, width, look)
    index = jnp.arange(time, dtype=jnp.int32)
    # For each place, the nearest real frame at or after it, and at or before it.
    following = jax.lax.cummin(jnp.where(mask, index, time - 1), reverse=True)
    preceding = jax.lax.cummax(jnp.where(mask, index, 0))
    found = frames[preceding[stop - 1]] - frames[following[start]]
    return jnp.where(mask[:, None], found, 0.0)


def difference(frames: Frames, mask: Mask, lag: int) -> Frames:
    """Each frame minus the one `lag` before it; 0 where there is none."""
    shifted = jnp.concatenate([jnp.broadcast_to(frames[:1], (lag, frames.shape[1])), frames[:-lag]])[
        : frames.shape[0]
    ]
    there = jnp.concatenate([jnp.zeros((lag,), bool), mask[:-lag]])[: mask.shape[0]]
    return jnp.where((mask & there)[:, None], frames - shifted, 0.0)


def prefix_extreme(frames: Frames, mask: Mask, *, largest: bool) -> Frames:
    """Largest or smallest value up to and with each frame."""
    worst = -jnp.inf if largest else jnp.inf
    values = jnp.where(mask[:, None], frames, worst)
    found = jax.lax.cummax(values) if largest else jax.lax.cummin(values)
    return jnp.where(mask[:, None], found, 0.0)


def linear_recurrence(keep: Float[Array, "time n"], new: Float[Array, "time n"]) -> Float[Array, "time n"]:
    """All states of `h <- keep h + new` from 0, in a logarithm of the steps (Blelloch 1990, section 1.4).

    Example:
        >>> linear_recurrence(jnp.full((3, 1), 0.5), jnp.ones((3, 1)))[:, 0].tolist()
        [1.0, 1.5, 1.75]
    """

    def after(one: tuple[Array, Array], two: tuple[Array, Array]) -> tuple[Array, Array]:
        return one[0] * two[0], two[0] * one[1] + two[1]

    if not isinstance(keep.shape[0], int):  # An export for any number of frames; a tree needs the number.

        def step(h: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
            h = now[0] * h + now[1]
            return h, h

        return jax.lax.scan(step, jnp.zeros_like(keep[0]), (keep, new))[1]
    return jax.lax.associative_scan(after, (keep, new))[1]
