"""What each word does one frame at a time: a state of fixed size, and a step. A table from word to rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from antiphon.errors import ExportError
from antiphon.language._terms import Apply, Value
from antiphon.language._windows import reach

Frame = Float[Array, " n"]
Count = Int[Array, ""]


@dataclass(frozen=True)
class Memory:
    """What a word keeps of a stream.

    Attributes:
        start: Its state before the first frame.
        step: From state, the frame that comes, and how many there are with it, to the next state and the
            word's value.
    """

    start: Any
    step: Callable[[Any, Frame, Count], tuple[Any, Array]]


Arrays = Mapping[str, Any]
Rule = Callable[[Apply, int, Arrays], Memory]


def refusal(node: Apply, got: str, advice: str) -> ExportError:
    """The error for a word that needs frames that are yet to come, or all that were."""
    said = ", ".join(f"{key}={value}" for key, value in node.config)
    word = f"{node.name}[{said}]" if said else node.name
    return ExportError(f"The word {word!r} {got}.", "Words that look at what has been so far.", advice)


def _zeros(size: int) -> Frame:
    return jnp.zeros((size,), jnp.float32)


def _float(count: Count) -> Float[Array, ""]:
    return count.astype(jnp.float32)


def _same(node: Apply, size: int, arrays: Arrays) -> Memory:
    return Memory((), lambda state, frame, count: (state, frame))


def _nothing(node: Apply, size: int, arrays: Arrays) -> Memory:
    return Memory((), lambda state, frame, count: (state, jnp.zeros_like(frame)))


def _first(node: Apply, size: int, arrays: Arrays) -> Memory:
    def step(kept: Frame, frame: Frame, count: Count) -> tuple[Frame, Frame]:
        kept = jnp.where(count == 1, frame, kept)
        return kept, kept

    return Memory(_zeros(size), step)


Sum = tuple[Frame, Frame]


def added(total: Sum, more: Frame) -> Sum:
    """A sum that keeps what rounding takes from it, for streams of many frames (Kahan 1965).

    Args:
        total: The sum, and how much too large it is.
        more: What is added.
    """
    more = more - total[1]
    new = total[0] + more
    return new, (new - total[0]) - more


def _nil(size: int) -> Sum:
    return _zeros(size), _zeros(size)


def _mean(node: Apply, size: int, arrays: Arrays) -> Memory:
    def step(mean: Sum, frame: Frame, count: Count) -> tuple[Sum, Frame]:
        mean = added(mean, (frame - mean[0]) / _float(count))
        return mean, mean[0]

    return Memory(_nil(size), step)


def _deviation(node: Apply, size: int, arrays: Arrays) -> Memory:
    """The running form of Welford (1962), "Note on a method for calculating corrected sums of squares"."""

    def step(state: tuple[Sum, Sum], frame: Frame, count: Count) -> tuple[tuple[Sum, Sum], Frame]:
        mean, squares = state
        change = frame - mean[0]
        mean = added(mean, change / _float(count))
        squares = added(squares, change * (frame - mean[0]))
        return (mean, squares), jnp.sqrt(jnp.maximum(squares[0], 0.0) / _float(count))

    return Memory((_nil(size), _nil(size)), step)


def _extreme(largest: bool) -> Rule:
    def rule(node: Apply, size: int, arrays: Arrays) -> Memory:
        def step(best: Frame, frame: Frame, count: Count) -> tuple[Frame, Frame]:
            best = jnp.maximum(best, frame) if largest else jnp.minimum(best, frame)
            return best, best

        return Memory(jnp.full((size,), -jnp.inf if largest else jnp.inf, jnp.float32), step)

    return rule


def _at(node: Apply, size: int, arrays: Arrays) -> Memory:
    frame_number = node.setting("frame")
    assert isinstance(frame_number, int)
    if frame_number < 0:
        return _recent(-frame_number, size, lambda recent, seen, frame: recent[-seen])

    def step(kept: Frame, frame: Frame, count: Count) -> tuple[Frame, Frame]:
        kept = jnp.where(count <= frame_number + 1, frame, kept)
        return kept, kept

    return Memory(_zeros(size), step)


def _recent(width: int, size: int, value: Callable[[Float[Array, "width n"], Count, Frame], Frame]) -> Memory:
    """A memory of the last `width` frames, the newest last; `value` gets it and how many there are yet."""

    def step(recent: Array, frame: Frame, count: Count) -> tuple[Array, Frame]:
        recent = jnp.concatenate([recent[1:], frame[None, :]])
        return recent, value(recent, jnp.minimum(count, width), frame)

    return Memory(jnp.zeros((width, size), jnp.float32), step)


def _window(kind: str) -> Rule:
    def rule(node: Apply, size: int, arrays: Arrays) -> Memory:
        before, after = reach(_whole(node.setting("width")), str(node.setting("look")))
        if after:
            raise refusal(
                node, f"looks {after} frames ahead", "Use look=trailing, which sees the frames so far."
            )
        width = before + 1

        def there(seen: Count) -> Array:
            return (jnp.arange(width, dtype=jnp.int32) >= width - seen)[:, None]

        values: dict[str, Callable[[Array, Count, Frame], Frame]] = {
            "mean": lambda recent, seen, frame: jnp.where(there(seen), recent, 0.0).sum(0) / _float(seen),
            "max": lambda recent, seen, frame: jnp.where(there(seen), recent, -jnp.inf).max(0),
            "min": lambda recent, seen, frame: jnp.where(there(seen), recent, jnp.inf).min(0),
            "difference": lambda recent, seen, frame: frame - recent[-seen],
        }
        return _recent(width, size, values[kind])

    return rule


def _whole(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _delta(node: Apply, size: int, arrays: Arrays) -> Memory:
    return _recent(2, size, lambda recent, seen, frame: frame - recent[-seen])


def _since_start(node: Apply, size: int, arrays: Arrays) -> Memory:
    first = _first(node, size, arrays)

    def step(state: Frame, frame: Frame, count: Count) -> tuple[Frame, Frame]:
        state, kept = first.step(state, frame, count)
        return state, frame - kept

    return Memory(first.start, step)


def _fold_tanh(node: Apply, size: int, arrays: Arrays) -> Memory:
    def step(h: Array, frame: Frame, count: Count) -> tuple[Array, Array]:
        h = jnp.tanh(arrays["kernel"] @ frame + arrays["recurrent"] @ h + arrays["bias"])
        return h, h

    return Memory(jnp.zeros_like(arrays["bias"]), step)


def _fold_gated(node: Apply, size: int, arrays: Arrays) -> Memory:
    def step(h: Array, frame: Frame, count: Count) -> tuple[Array, Array]:
        z = jax.nn.sigmoid(arrays["gate_kernel"] @ frame + arrays["gate_bias"])
        h = (1 - z) * h + z * jnp.tanh(arrays["kernel"] @ frame + arrays["bias"])
        return h, h

    return Memory(jnp.zeros_like(arrays["bias"]), step)


def _part(node: Apply, size: int, arrays: Arrays) -> Memory:
    if node.setting("of") == 1:
        return _same(node, size, arrays)
    raise refusal(
        node,
        "moves as the sequence grows",
        "A stream has no thirds before its end: use a trailing window, such as "
        "window_mean[width=9, look=trailing].",
    )


def _middle(node: Apply, size: int, arrays: Arrays) -> Memory:
    raise refusal(node, "moves as the sequence grows", "Use last, first, or at[frame=-3].")


def _standard(node: Apply, size: int, arrays: Arrays) -> Memory:
    return Memory((), lambda state, frame, count: (state, (frame - arrays["shift"]) / arrays["scale"]))


def _embed(node: Apply, size: int, arrays: Arrays) -> Memory:
    return Memory((), lambda state, frame, count: (state, arrays["weight"] @ frame + arrays["bias"]))


# Words of `sequence` and of `architecture` that take one sequence and no function.
SEQUENCE: dict[str, Rule] = {
    "mean": _mean,
    "deviation": _deviation,
    "max": _extreme(True),
    "min": _extreme(False),
    "first": _first,
    "last": _same,
    "middle": _middle,
    "at": _at,
    "part": _part,
    "delta": _delta,
    "window_mean": _window("mean"),
    "window_max": _window("max"),
    "window_min": _window("min"),
    "window_difference": _window("difference"),
    "prefix_mean": _mean,
    "prefix_max": _extreme(True),
    "prefix_min": _extreme(False),
    "prefix_difference": _since_start,
    "fold_tanh": _fold_tanh,
    "prefix_fold_tanh": _fold_tanh,
    "fold_gated": _fold_gated,
    "prefix_fold_gated": _fold_gated,
}
ARCHITECTURE: dict[str, Rule] = {"standard": _standard, "embed": _embed, "none": _nothing, "skip": _same}
