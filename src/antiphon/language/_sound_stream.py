"""What each word of `sound` does one frame at a time."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from antiphon.language._sound import sound
from antiphon.language._stream_rules import Arrays, Count, Frame, Memory, Rule, refusal
from antiphon.language._terms import Apply


def _number(count: Count) -> Array:
    return count.astype(jnp.float32)


def _zeros(size: int) -> Frame:
    return jnp.zeros((size,), jnp.float32)


def _range(node: Apply, size: int, arrays: Arrays) -> Memory:
    def step(state: tuple[Frame, Frame], frame: Frame, count: Count) -> tuple[Any, Frame]:
        low, high = jnp.minimum(state[0], frame), jnp.maximum(state[1], frame)
        return (low, high), high - low

    return Memory((jnp.full((size,), jnp.inf, jnp.float32), jnp.full((size,), -jnp.inf, jnp.float32)), step)


def _slope(node: Apply, size: int, arrays: Arrays) -> Memory:
    """The covariance of value and time as it runs (Welford 1962); that of time alone is known."""

    def step(state: tuple[Frame, Frame], frame: Frame, count: Count) -> tuple[Any, Frame]:
        mean, together = state
        n = _number(count)
        change = frame - mean
        mean = mean + change / n
        # Times are 0, 1, ...: the mean of those before is (n - 2) / 2, so this one is n / 2 beyond it.
        together = together + change * (n / 2) * (n - 1) / n
        spread = n * (n * n - 1) / 12
        found = jnp.where(count > 1, together / jnp.maximum(spread, 0.5), 0.0)
        return (mean, together), found / arrays["per"]

    return Memory((_zeros(size), _zeros(size)), step)


def _when(sign: float) -> Rule:
    def rule(node: Apply, size: int, arrays: Arrays) -> Memory:
        def step(state: tuple[Frame, Frame], frame: Frame, count: Count) -> tuple[Any, Frame]:
            best, at = state
            better = sign * frame > best
            at = jnp.where(better, _number(count) - 1, at)
            return (jnp.maximum(best, sign * frame), at), at * arrays["unit"]

        return Memory((jnp.full((size,), -jnp.inf, jnp.float32), _zeros(size)), step)

    return rule


def _duration(node: Apply, size: int, arrays: Arrays) -> Memory:
    return Memory((), lambda state, frame, count: (state, _number(count)[None] * arrays["unit"]))


def _count(node: Apply, size: int, arrays: Arrays) -> Memory:
    def step(state: tuple[Frame, Frame], frame: Frame, count: Count) -> tuple[Any, Frame]:
        before, events = state
        above = (frame > 0).astype(jnp.float32)
        events = events + jnp.maximum(above - before, 0.0)
        return (above, events), events

    return Memory((_zeros(size), _zeros(size)), step)


def _periodicity(node: Apply, size: int, arrays: Arrays) -> Memory:
    """Products with what was `width` frames ago, and what the mean makes of them at the end.

    The first frame is taken off all others, so that large values lose nothing.
    """
    lag = node.setting("width")
    assert isinstance(lag, int)

    def step(state: dict[str, Array], frame: Frame, count: Count) -> tuple[Any, Frame]:
        origin = jnp.where(count == 1, frame, state["origin"])
        value, old = frame - origin, state["recent"][0]
        n = _number(count)
        paired = count > lag
        total = state["total"] + value
        squares = state["squares"] + value**2
        products = state["products"] + jnp.where(paired, value * old, 0.0)
        # What is at the start and has no earlier partner; what is at the end and has no later one.
        early = state["early"] + jnp.where(paired, 0.0, value)
        recent = jnp.concatenate([state["recent"][1:], value[None, :]])
        late = recent.sum(0)
        mean = total / n
        power = squares - n * mean**2
        pairs = jnp.maximum(n - lag, 0.0)
        both = products - mean * (2 * total - early - late) + pairs * mean**2
        found = jnp.where(paired & (power > 0), both / jnp.where(power > 0, power, 1.0), 0.0)
        kept = {
            "origin": origin, "total": total, "squares": squares, "products": products, "early": early,
            "recent": recent,
        }  # fmt: skip
        return kept, found

    names = ("origin", "total", "squares", "products", "early")
    return Memory({**{n: _zeros(size) for n in names}, "recent": jnp.zeros((lag, size), jnp.float32)}, step)


def _relative(node: Apply, size: int, arrays: Arrays) -> Memory:
    raise refusal(node, "needs the mean of the whole clip", "Use prefix_difference, or prefix_mean.")


def _moved(sign: float) -> Rule:
    def rule(node: Apply, size: int, arrays: Arrays) -> Memory:
        width = node.setting("width")
        assert isinstance(width, int)

        def step(recent: Array, frame: Frame, count: Count) -> tuple[Array, Frame]:
            recent = jnp.concatenate([recent[1:], sign * frame[None, :]])
            return recent, sign * frame - recent.min(0)

        return Memory(jnp.full((width, size), jnp.inf, jnp.float32), step)

    return rule


def _framewise(name: str) -> Rule:
    def rule(node: Apply, size: int, arrays: Arrays) -> Memory:
        there = jnp.ones((1,), bool)

        def step(state: Any, frame: Frame, count: Count) -> tuple[Any, Frame]:
            return state, sound[name].run(frame[None, :], there, **arrays)[0]

        return Memory((), step)

    return rule


SOUND: dict[str, Rule] = {
    "range": _range,
    "slope": _slope,
    "when_max": _when(1.0),
    "when_min": _when(-1.0),
    "duration": _duration,
    "count": _count,
    "periodicity": _periodicity,
    "relative": _relative,
    "onset": _moved(1.0),
    "offset": _moved(-1.0),
    "band": _framewise("band"),
    "ratio": _framewise("ratio"),
}
