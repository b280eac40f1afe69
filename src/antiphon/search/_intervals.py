"""Bounds on what a program can say, for all inputs in a box: interval arithmetic over its term.

Each word of the ready language has a rule; a word without one is an error that names it. Numbers are
computed in float64 and widened at every step by what float32, in which programs run, can round away (the
standard bound: n additions lose at most n units in the last place of the sum of absolute values; Higham,
Accuracy and Stability of Numerical Algorithms, 2002, section 4.2). So the bounds hold for the numbers that
the program gives, and not only for those it would give if it could compute exactly. They are sound and not
tight: a feature that is read twice is taken as two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from antiphon.errors import InputError
from antiphon.language import Apply, Lam, Path, Program, Term, Var, path_name
from antiphon.search._directions import is_ready

UNIT = 2.0**-23  # Twice the unit round-off of float32, for the rounding of the operation itself and more.
TINY = 1e-37  # Below this float32 may flush to zero.
LARGEST = 3.4e38
FRAMES = 256  # The longest sequence, where nothing else is said.


@dataclass(frozen=True)
class Interval:
    """Least and largest value of each entry, `(n,)`; for a sequence, of each entry in any real frame."""

    low: Float[np.ndarray, " n"]
    high: Float[np.ndarray, " n"]

    @property
    def size(self) -> np.ndarray:
        """The largest absolute value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def wider(self, by: Any) -> Interval:
        """The interval with `by` more at both ends; what float32 cannot hold is infinite."""
        with np.errstate(invalid="ignore", over="ignore"):
            low, high = self.low - by - TINY, self.high + by + TINY
        low = np.where(np.isnan(low) | (low < -LARGEST), -np.inf, low)
        return Interval(low, np.where(np.isnan(high) | (high > LARGEST), np.inf, high))

    def joined(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


def output_bounds(
    program: Program, inputs: Mapping[str, tuple[float, float]], *, frames: int = FRAMES
) -> tuple[Float[np.ndarray, " score"], Float[np.ndarray, " score"]]:
    """Bounds on a program's scores, for every input in a box.

    Args:
        program: Run hard, as it always is once learned.
        inputs: Feature -> least and largest value in any frame; a feature that is not named may be anything.
        frames: The longest sequence for which the bounds must hold: long sums round more.

    Returns:
        Least and largest value of each score.

    Raises:
        InputError: If a feature is unknown, a range is empty, or a word of the program has no rule.

    Example:
        >>> program = Program.parse('''language sequence
        ... input x: Seq[Real[1]] of speed
        ... output numbers y
        ... program
        ...   affine[2*speed - 1](mean(x))
        ... ''')
        >>> low, high = output_bounds(program, {"speed": (0, 3)})
        >>> low.round(2).tolist(), high.round(2).tolist()
        ([-1.0], [5.0])
    """
    box = checked_box(inputs, program.language.features)
    if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
        raise InputError(f"frames={frames!r}.", "A whole number from 1 up.", "Correct it.")
    edges = [box.get(name, (-np.inf, np.inf)) for name in program.language.features]
    x = Interval(np.array([e[0] for e in edges], float), np.array([e[1] for e in edges], float))
    found = _Bounds(program, frames).of(program.term, (), {"x": x})
    return found.low, found.high


def checked_box(inputs: Mapping[str, tuple[float, float]], features: Any) -> dict[str, tuple[float, float]]:
    """Ranges of features as float32 holds the data, outward.

    Raises:
        InputError: If a feature is unknown or a range is empty.
    """
    box = {}
    for name, edges in inputs.items():
        if name not in features:
            raise InputError(
                f"There is no feature {name!r}.", f"One of {', '.join(features)}.", "Check the spelling."
            )
        low, high = (float(e) for e in edges)
        if not low <= high:
            raise InputError(f"The range {low:g} to {high:g} of {name}.", "Low first, then high.", "Swap it.")
        box[name] = (low - UNIT * abs(low), high + UNIT * abs(high))
    return box


class _Bounds:
    def __init__(self, program: Program, frames: int) -> None:
        self.language, self.typing, self.frames = program.language, program.typing, frames
        self.arrays, self.data = program._arrays

    def of(self, node: Term, path: Path, scope: Mapping[str, Interval]) -> Interval:
        match node:
            case Var(name=name):
                return scope[name]
            case Apply(name="map", args=(Lam(name=bound, body=body), frames)) if self._ready("map"):
                inner = {**scope, bound: self.of(frames, (*path, 1), scope)}
                return self.of(body, (*path, 0, 0), inner)
            case Apply(name=name, args=args) if self._ready(name) and name in RULES:
                read = [self.of(a, (*path, i), scope) for i, a in enumerate(args)]
                place = path_name(path)
                arrays = {**self.arrays.get(place, {}), **self.data.get(place, {})}
                return RULES[name](read, arrays, dict(node.config), self.frames)
            case Apply(name=name):
                raise InputError(
                    f"No bound is known for the word {name!r} of language {self.language.name!r}.",
                    f"Words with a rule: {', '.join(sorted([*RULES, 'map']))}.",
                    "Leave the word out of the language, or the bound out of the constraints.",
                )
            case _:
                raise AssertionError(f"{node} has no bounds")

    def _ready(self, name: str) -> bool:
        return is_ready(name, self.language)


Read = list[Interval]
Rule = Callable[[Read, Mapping[str, Any], Mapping[str, Any], int], Interval]


def _times(weight: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`weight` times an interval; a weight of 0 makes nothing of anything."""
    with np.errstate(invalid="ignore", over="ignore"):
        ends = np.stack(
            [np.nan_to_num(weight * e, nan=0.0, posinf=np.inf, neginf=-np.inf) for e in (low, high)]
        )
    return ends.min(0), ends.max(0)


def _affine(read: Read, arrays: Mapping[str, Any], _: Mapping[str, Any], __: int) -> Interval:
    (x,) = read
    weight = np.asarray(arrays["weight"], float) * np.asarray(arrays["group"], float)[None, :]
    bias, centre = np.asarray(arrays["bias"], float), np.asarray(arrays["centre"], float)
    moved = Interval(x.low - centre, x.high - centre).wider(UNIT * (x.size + np.abs(centre)))
    low, high = _times(weight, moved.low[None, :], moved.high[None, :])
    largest = np.maximum(np.abs(low), np.abs(high)).sum(1) + np.abs(bias)
    slack = (weight.shape[1] + 2) * UNIT * largest
    with np.errstate(invalid="ignore"):
        return Interval(low.sum(1) + bias, high.sum(1) + bias).wider(slack)


def _add(read: Read, *_: Any) -> Interval:
    one, other = read
    with np.errstate(invalid="ignore"):
        return Interval(one.low + other.low, one.high + other.high).wider(UNIT * (one.size + other.size))


def _mul(read: Read, *_: Any) -> Interval:
    one, other = read
    ends = [_times(a, other.low, other.high) for a in (one.low, one.high)]
    low, high = np.minimum(ends[0][0], ends[1][0]), np.maximum(ends[0][1], ends[1][1])
    return Interval(low, high).wider(UNIT * np.maximum(np.abs(low), np.abs(high)))


def _choose(read: Read, *_: Any) -> Interval:
    condition, yes, no = read
    if condition.low[0] > 0:
        return yes
    return no if condition.high[0] <= 0 else yes.joined(no)


def _step(read: Read, *_: Any) -> Interval:
    (x,) = read
    return Interval((x.low > 0).astype(float), (x.high > 0).astype(float))


def _tanh(read: Read, *_: Any) -> Interval:
    (x,) = read
    found = Interval(np.tanh(x.low), np.tanh(x.high)).wider(8 * UNIT)
    return Interval(np.maximum(found.low, -1.0), np.minimum(found.high, 1.0))


def _same(read: Read, *_: Any) -> Interval:
    return read[0]


def _mean(read: Read, _: Mapping[str, Any], __: Mapping[str, Any], frames: int) -> Interval:
    (x,) = read
    return x.wider((frames + 2) * UNIT * x.size)


def _window_mean(read: Read, _: Mapping[str, Any], __: Mapping[str, Any], frames: int) -> Interval:
    # Computed as a difference of running sums of what differs from the mean, which round at their own size.
    (x,) = read
    with np.errstate(invalid="ignore"):
        spread = x.high - x.low + (frames + 2) * UNIT * x.size
    return x.wider((frames + 2) * UNIT * (2 * x.size + 2 * frames * spread))


def _deviation(read: Read, _: Mapping[str, Any], __: Mapping[str, Any], frames: int) -> Interval:
    # At most half of the range (Popoviciu's inequality), and what the mean rounds away.
    (x,) = read
    with np.errstate(invalid="ignore"):
        high = 0.5 * (x.high - x.low) + (frames + 2) * UNIT * x.size
    found = Interval(np.zeros_like(high), high).wider((frames + 8) * UNIT * np.abs(high))
    return Interval(np.zeros_like(high), found.high)


def _difference(read: Read, *_: Any) -> Interval:
    (x,) = read
    with np.errstate(invalid="ignore"):
        spread = x.high - x.low
    return Interval(-spread, spread).wider(2 * UNIT * x.size)


def _fold(read: Read, arrays: Mapping[str, Any], config: Mapping[str, Any], frames: int) -> Interval:
    # A hyperbolic tangent, or a mixture of such and of earlier ones, from 0.
    edge = np.full(int(config["hidden"]), 1.0 + 8 * (frames + 1) * UNIT)
    return Interval(-edge, edge)


RULES: dict[str, Rule] = {
    "affine": _affine, "add": _add, "mul": _mul, "if": _choose, "step": _step, "tanh": _tanh,
    "mean": _mean, "prefix_mean": _window_mean, "window_mean": _window_mean, "deviation": _deviation,
    **dict.fromkeys(
        ("max", "min", "first", "last", "middle", "at", "part", "window_max", "window_min", "prefix_max",
         "prefix_min"), _same,
    ),
    **dict.fromkeys(("delta", "window_difference", "prefix_difference"), _difference),
    **dict.fromkeys(("fold_tanh", "prefix_fold_tanh", "fold_gated", "prefix_fold_gated"), _fold),
}  # fmt: skip
