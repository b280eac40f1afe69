"""The ready language `sequence`: what may be said about frames over time.

Every primitive says what it does with frames that are masked and with windows that reach past the ends:
masked frames are never looked at, and a window is cut to the frames that are there.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from antiphon.language import _windows as windows
from antiphon.language._language import Language
from antiphon.language._nodes import Nodes
from antiphon.language._types import Real, Type

Frames = Float[Array, "time n"]
Mask = Bool[Array, " time"]
Vector = Float[Array, " n"]

sequence = Language.bare("sequence", is_ready=True)


def _group_mask(value: str, types: tuple[Type, ...], language: Language) -> np.ndarray:
    vector = types[0]
    assert isinstance(vector, Real)
    return language.group_members(value, vector)


# --- a vector in, numbers out ---------------------------------------------------------------------------


@sequence.primitive(
    "Real[n] -> Real[m]",
    prints="a weighted sum of {0}",
    config={"group": ("all",)},
    parameters={"weight": "m n", "bias": "m", "centre": "n"},
    data={"group": _group_mask},
    searched=False,
    laws=("affine",),
)
def affine(
    v: Vector, *, weight: Float[Array, "m n"], bias: Float[Array, " m"], centre: Vector, group: Vector
) -> Float[Array, " m"]:
    """`weight (v - centre) + bias` over the entries of one feature group."""
    return (weight * group[None, :]) @ (v - centre) + bias


@sequence.primitive("t -> t -> t", name="add", prints="{0} + {1}", searched=False, laws=("addition",))
def add(a, b):
    """The sum of two numbers, vectors or sequences, entry by entry."""
    return _lift(jnp.add, a, b)


@sequence.primitive(
    "t -> t -> t",
    name="mul",
    prints="{0} × {1}",
    unitless=True,
    searched=False,
    laws=("commutative", "associative"),
)
def mul(a, b):
    """The product, entry by entry."""
    return _lift(jnp.multiply, a, b)


def _lift(f: Callable, a, b):
    if isinstance(a, Nodes):
        return a.with_values(f(a.values, b.values))
    if isinstance(a, tuple):
        return f(a[0], b[0]), a[1] & b[1]
    return f(a, b)


def gate(score: Array, temperature: Array | float) -> Array:
    """How far a condition `score > 0` holds: a sigmoid while soft, 0 or 1 at temperature 0.

    Args:
        score: Any shape.
        temperature: Softness, at least 0.
    """
    soft = jax.nn.sigmoid(score / jnp.maximum(jnp.asarray(temperature, jnp.float32), jnp.float32(1e-6)))
    return jnp.where(jnp.asarray(temperature, jnp.float32) > 0, soft, (score > 0).astype(jnp.float32))


@sequence.primitive(
    "Real[1] -> Real[m] -> Real[m] -> Real[m]", name="if", prints="if {0} > 0 then {1} else {2}", soft=True,
    searched=False,
)  # fmt: skip
def choose(c: Float[Array, " 1"], a: Vector, b: Vector, *, temperature: Array | float) -> Vector:
    """`a` where the condition is positive, else `b`; a mixture of both while soft."""
    g = gate(c, temperature)
    return g * a + (1 - g) * b


@sequence.primitive(
    "Real[m] -> Real[m]",
    name="step",
    prints="(1 if {0} > 0 else 0)",
    soft=True,
    unitless=True,
    searched=False,
)
def step(v: Vector, *, temperature: Array | float) -> Vector:
    """1 where an entry is above 0, else 0: a learned threshold when put around an affine map."""
    return gate(v, temperature)


@sequence.primitive("Real[m] -> Real[m]", prints="tanh of {0}", unitless=True, searched=False)
def tanh(v: Vector) -> Vector:
    """The hyperbolic tangent of each entry."""
    return jnp.tanh(v)


# --- a sequence in, a vector out ------------------------------------------------------------------------


@sequence.primitive("Seq[Real[n]] -> Real[n]", prints="mean of {0}", laws=("average",))
def mean(frames: Frames, mask: Mask) -> Vector:
    """Mean over the frames that are there; 0 if there are none."""
    return windows.masked_mean(frames, mask)


@sequence.primitive("Seq[Real[n]] -> Real[n]", prints="deviation of {0}")
def deviation(frames: Frames, mask: Mask) -> Vector:
    """Standard deviation over the frames that are there (population form); 0 if there are none."""
    centred = jnp.where(mask[:, None], frames - windows.masked_mean(frames, mask)[None, :], 0.0)
    variance = (centred**2).sum(0) / jnp.maximum(mask.sum().astype(jnp.float32), 1.0)
    # The gradient of a root at zero is infinite; a constant stream has deviation 0 and no slope.
    return jnp.where(variance > 0, jnp.sqrt(jnp.where(variance > 0, variance, 1.0)), 0.0)


@sequence.primitive("Seq[Real[n]] -> Real[n]", name="max", prints="maximum of {0}")
def maximum(frames: Frames, mask: Mask) -> Vector:
    """Largest value over time; 0 if no frame is there."""
    return jnp.where(mask.any(), jnp.where(mask[:, None], frames, -jnp.inf).max(0), 0.0)


@sequence.primitive("Seq[Real[n]] -> Real[n]", name="min", prints="minimum of {0}")
def minimum(frames: Frames, mask: Mask) -> Vector:
    """Smallest value over time; 0 if no frame is there."""
    return jnp.where(mask.any(), jnp.where(mask[:, None], frames, jnp.inf).min(0), 0.0)


@sequence.primitive("Seq[Real[n]] -> Real[n]", prints="first {0}", laws=("selection",))
def first(frames: Frames, mask: Mask) -> Vector:
    """The first frame that is there; needs one."""
    return frames[jnp.argmax(mask)]


@sequence.primitive("Seq[Real[n]] -> Real[n]", prints="last {0}", laws=("selection",))
def last(frames: Frames, mask: Mask) -> Vector:
    """The last frame that is there; needs one."""
    return frames[mask.shape[0] - 1 - jnp.argmax(mask[::-1])]


@sequence.primitive("Seq[Real[n]] -> Real[n]", prints="middle {0}", laws=("selection",))
def middle(frames: Frames, mask: Mask) -> Vector:
    """The frame in the middle, number `(count - 1) // 2` of those that are there."""
    return frames[jnp.argmax(windows.rank(mask) == (mask.sum(dtype=jnp.int32) + 1) // 2)]


@sequence.primitive(
    "Seq[Real[n]] -> Real[n]",
    prints="{0} at frame {frame}",
    config={"frame": (0,)},
    searched=False,
    laws=("selection",),
)
def at(frames: Frames, mask: Mask, *, frame: int) -> Vector:
    """Frame number `frame`, counted from 0, from the end if negative; the nearest there is if too far."""
    count = mask.sum(dtype=jnp.int32)
    wanted = jnp.clip(frame + (count if frame < 0 else 0), 0, jnp.maximum(count - 1, 0))
    return frames[jnp.argmax(windows.rank(mask) == wanted + 1)]


def _tanh_states(
    frames: Frames, mask: Mask, *, kernel: Array, recurrent: Array, bias: Array
) -> Float[Array, "time hidden"]:
    """All states of a fold from 0, frame after frame; masked frames leave the state as it is."""

    def body(h: Array, frame: tuple[Array, Array]) -> tuple[Array, Array]:
        v, there = frame
        h = jnp.where(there, jnp.tanh(kernel @ v + recurrent @ h + bias), h)
        return h, h

    return jax.lax.scan(body, jnp.zeros_like(bias), (frames, mask))[1]


def _gated_states(
    frames: Frames, mask: Mask, *, kernel: Array, bias: Array, gate_kernel: Array, gate_bias: Array
) -> Float[Array, "time hidden"]:
    """The same where the gate does not see the state: a linear recurrence, parallel over time."""
    z = jax.nn.sigmoid(frames @ gate_kernel.T + gate_bias[None, :]) * mask[:, None].astype(jnp.float32)
    return windows.linear_recurrence(1 - z, z * jnp.tanh(frames @ kernel.T + bias[None, :]))


def _folds(name: str, words: str, meaning: str, states: Callable, arrays: dict[str, str]) -> None:
    """Two primitives for one body: the state after the last frame, and the state after each."""

    def fold(frames: Frames, mask: Mask, *, hidden: int, **arrays: Array) -> Array:
        return states(frames, mask, **arrays)[-1]

    def prefix_fold(frames: Frames, mask: Mask, *, hidden: int, **arrays: Array) -> Frames:
        return jnp.where(mask[:, None], states(frames, mask, **arrays), 0.0)

    fold.__doc__ = f"The last state of {meaning}, over the frames that are there, from 0."
    prefix_fold.__doc__ = f"The state of `fold_{name}` after each frame."
    for run, result, prints, laws in (
        (fold, "Real[hidden]", f"{{hidden}}-cell {words} of {{0}}", ()),
        (prefix_fold, "Seq[Real[hidden]]", f"{{hidden}}-cell {words} so far of {{0}}", ("aligned",)),
    ):
        sequence.primitive(
            f"Seq[Real[n]] -> {result}",
            name=f"{run.__name__}_{name}",
            prints=prints,
            config={"hidden": (4,)},
            parameters=arrays,
            searched=False,
            laws=laws,
        )(run)


_folds(
    "tanh",
    "fold",
    "`h <- tanh(kernel v + recurrent h + bias)`",
    _tanh_states,
    {"kernel": "hidden n", "recurrent": "hidden hidden", "bias": "hidden"},
)
_folds(
    "gated",
    "gated fold",
    "`h <- (1 - z) h + z tanh(kernel v + bias)` where `z = sigmoid(gate v)`",
    _gated_states,
    {"kernel": "hidden n", "bias": "hidden", "gate_kernel": "hidden n", "gate_bias": "hidden"},
)


# --- a sequence in, a sequence out ----------------------------------------------------------------------


@sequence.primitive(
    "(Real[n] -> Real[m]) -> Seq[Real[n]] -> Seq[Real[m]]",
    name="map",
    prints="{0} for each frame of {1}",
    laws=("framewise",),
)
def map_frames(body: Callable[[Array], Array], frames: Frames, mask: Mask) -> Frames:
    """The body applied to every frame by itself."""
    return jax.vmap(body)(frames)


@sequence.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]",
    prints="{0} in {part}",
    config={"part": (1, 2, 3), "of": (2, 3)},
    searched=False,
    laws=("linear",),
)
def part(frames: Frames, mask: Mask, *, part: int, of: int) -> tuple[Frames, Mask]:
    """The `part`-th of `of` equal parts; a part too short for a frame of its own keeps the nearest one."""
    return frames, windows.part_mask(mask, part, of)


@sequence.primitive("Seq[Real[n]] -> Seq[Real[n]]", prints="change of {0}", laws=("linear", "aligned"))
def delta(frames: Frames, mask: Mask) -> Frames:
    """Difference to the frame before; 0 where none is there, as at the first."""
    return windows.difference(frames, mask, 1)


WIDTHS = (3, 5, 9)
LOOKS = ("trailing", "centred", "leading")


def _window(name: str, words: str, meaning: str, run: Callable, *laws: str) -> None:
    def windowed(frames: Frames, mask: Mask, *, width: int, look: str) -> Frames:
        return run(frames, mask, width, look)

    windowed.__doc__ = f"{meaning}, over a window of `width` frames that is cut to the frames that are there."
    sequence.primitive(
        "Seq[Real[n]] -> Seq[Real[n]]",
        name=f"window_{name}",
        prints=words + " of {0} over {look} {width}",
        config={"width": WIDTHS, "look": LOOKS},
        searched=False,
        laws=("aligned", *laws),
    )(windowed)


_window("mean", "mean", "Mean", windows.window_mean, "average")
_window("max", "maximum", "Largest value", windows.window_max)
_window("min", "minimum", "Smallest value", windows.window_min)
_window("difference", "change", "Last frame minus first", windows.window_difference, "linear")


@sequence.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]",
    prints="mean of {0} so far",
    searched=False,
    laws=("average", "aligned"),
)
def prefix_mean(frames: Frames, mask: Mask) -> Frames:
    """Mean of the frames that are there, up to and with this one."""
    return windows.window_mean(frames, mask, frames.shape[0], "trailing")


@sequence.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]",
    prints="maximum of {0} so far",
    searched=False,
    laws=("idempotent", "aligned"),
)
def prefix_max(frames: Frames, mask: Mask) -> Frames:
    """Largest value up to and with this frame."""
    return windows.prefix_extreme(frames, mask, largest=True)


@sequence.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]",
    prints="minimum of {0} so far",
    searched=False,
    laws=("idempotent", "aligned"),
)
def prefix_min(frames: Frames, mask: Mask) -> Frames:
    """Smallest value up to and with this frame."""
    return windows.prefix_extreme(frames, mask, largest=False)


@sequence.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]",
    prints="change of {0} since the start",
    searched=False,
    laws=("linear", "aligned"),
)
def prefix_difference(frames: Frames, mask: Mask) -> Frames:
    """This frame minus the first that is there."""
    return jnp.where(mask[:, None], frames - first(frames, mask)[None, :], 0.0)
