"""The ready language `architecture`: terms that are networks.

A network is a program like any other: a read-out of what a recurrent cell, a graph layer or a cell of
convolutions makes of the frames. Its body is a term with variables of its own (the state `h` and the frame
`v` of a cell, a node `u` and what reached it, `a`), so a search over terms is an architecture search.

Masked frames are never looked at: they leave a state as it is, send no message, and count as the zeros
beyond the ends for a convolution. Layers give 0 there.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from antiphon.language import _windows as windows
from antiphon.language._language import Language
from antiphon.language._sequence import sequence

Frames = Float[Array, "time n"]
Mask = Bool[Array, " time"]
Vector = Float[Array, " n"]
Pair = tuple[Frames, Mask]
Shapes = dict[str, tuple[int, ...]]

KINDS = ("sum", "mean", "max")  # How a node gathers the messages of its neighbours.

architecture = Language.bare("architecture", is_ready=True)
architecture.size_limit = 30
for _word in ("affine", "add", "mul", "tanh", "map", "delta", "mean", "max", "first", "last"):
    architecture.primitives[_word] = sequence[_word]


def _uniform(shape: tuple[int, ...], inputs: int, outputs: int, key: Array) -> np.ndarray:
    """Glorot and Bengio (2010), equation 16."""
    limit = float(np.sqrt(6.0 / (inputs + outputs)))
    return np.asarray(jax.random.uniform(key, shape, jnp.float32, -limit, limit))


# --- vectors --------------------------------------------------------------------------------------------


@architecture.primitive(
    "Real[n] -> Real[m]",
    prints="a linear map of {0}",
    parameters={"weight": "m n", "bias": "m"},
    unitless=True,
    searched=False,
)
def linear(v: Vector, *, weight: Float[Array, "m n"], bias: Float[Array, " m"]) -> Float[Array, " m"]:
    """`weight v + bias`: a layer without its activation."""
    return weight @ v + bias


def _start_mix(shapes: Shapes, constants: dict, key: Array) -> dict[str, np.ndarray]:
    rows, columns = shapes["kernel"]
    first, second = jax.random.split(key)
    square = jax.nn.initializers.orthogonal()(second, shapes["recurrent"], jnp.float32)
    return {
        "kernel": _uniform(shapes["kernel"], columns, rows, first),
        "recurrent": np.asarray(square),
        "bias": np.zeros(rows, np.float32),
    }


@architecture.primitive(
    "Real[n] -> Real[m] -> Real[m]",
    prints="a linear map of {0} and {1}",
    parameters={"kernel": "m n", "recurrent": "m m", "bias": "m"},
    initialise=_start_mix,
    unitless=True,
    searched=False,
)
def mix(
    v: Vector,
    h: Float[Array, " m"],
    *,
    kernel: Float[Array, "m n"],
    recurrent: Float[Array, "m m"],
    bias: Float[Array, " m"],
) -> Float[Array, " m"]:
    """`kernel v + recurrent h + bias`: what the gates and candidates of recurrent cells are made of."""
    return kernel @ v + recurrent @ h + bias


@architecture.primitive("Real[m] -> Real[m]", prints="sigmoid of {0}", unitless=True, searched=False)
def sigmoid(v: Vector) -> Vector:
    """The logistic function of each entry."""
    return jax.nn.sigmoid(v)


@architecture.primitive("Real[m] -> Real[m]", prints="relu of {0}", unitless=True, searched=False)
def relu(v: Vector) -> Vector:
    """Each entry where it is above 0, else 0."""
    return jax.nn.relu(v)


@architecture.primitive(
    "Real[m] -> Real[m] -> Real[m] -> Real[m]",
    prints="{1} as far as the gate ({0}) is open, else {2}",
    unitless=True,
    searched=False,
)
def gate(score: Vector, a: Vector, b: Vector) -> Vector:
    """`s a + (1 - s) b` where `s = sigmoid(score)`, entry by entry."""
    s = jax.nn.sigmoid(score)
    return s * a + (1 - s) * b


# --- layers: a sequence in, a sequence out --------------------------------------------------------------


def _start_standard(shapes: Shapes, constants: dict, key: Array) -> dict[str, np.ndarray]:
    return {"shift": np.zeros(shapes["shift"], np.float32), "scale": np.ones(shapes["scale"], np.float32)}


@architecture.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]",
    prints="{0}, standardised",
    parameters={"shift": "n", "scale": "n"},
    initialise=_start_standard,
    unitless=True,
    searched=False,
)
def standard(frames: Frames, mask: Mask, *, shift: Vector, scale: Vector) -> Frames:
    """`(frames - shift) / scale`: fixed numbers, taken from the training data and never trained."""
    shift, scale = jax.lax.stop_gradient((shift, scale))
    return jnp.where(mask[:, None], (frames - shift[None, :]) / scale[None, :], 0.0)


def _start_embed(shapes: Shapes, constants: dict, key: Array) -> dict[str, np.ndarray]:
    rows, columns = shapes["weight"]
    return {
        "weight": _uniform(shapes["weight"], columns, rows, key),
        "bias": np.zeros(shapes["bias"], np.float32),
    }


@architecture.primitive(
    "Seq[Real[n]] -> Seq[Real[width]]",
    prints="{width} channels of {0}",
    config={"width": (16,)},
    parameters={"weight": "width n", "bias": "width"},
    initialise=_start_embed,
    unitless=True,
    searched=False,
)
def embed(
    frames: Frames, mask: Mask, *, width: int, weight: Float[Array, "width n"], bias: Float[Array, " width"]
) -> Float[Array, "time width"]:
    """A linear map of each frame to `width` channels: the stem of a network."""
    return jnp.where(mask[:, None], frames @ weight.T + bias[None, :], 0.0)


@architecture.primitive(
    "(Real[hidden] -> Real[n] -> Real[hidden]) -> Seq[Real[n]] -> Seq[Real[hidden]]",
    prints="the states of a cell of {hidden} units over {1}",
    config={"hidden": (8,)},
    unitless=True,
    searched=False,
)
def fold(
    cell: Callable, frames: Frames, mask: Mask, *, hidden: int
) -> Float[Array, "time hidden"]:  # fmt: skip
    """The state after each frame: `h <- cell(h, v)` from 0; a masked frame leaves the state as it is."""

    def step(h: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        v, there = now
        h = jnp.where(there, cell(h)(v), h)
        return h, h

    _, states = jax.lax.scan(step, jnp.zeros(hidden, jnp.float32), (frames, mask))
    return jnp.where(mask[:, None], states, 0.0)


@architecture.primitive(
    "(Real[n] -> Real[n]) -> (Real[n] -> Real[n] -> Real[n]) -> Seq[Real[n]] -> Seq[Real[n]]",
    prints="each frame of {2} with the {gather} of its neighbours' messages",
    config={"gather": KINDS, "reach": (1,)},
    unitless=True,
    searched=False,
)
def graph(
    message: Callable, combine: Callable, frames: Frames, mask: Mask, *, gather: str, reach: int
) -> Frames:
    """One round of message passing; a case is a graph whose nodes are frames.

    Neighbours are the frames at most `reach` away that are there (Gilmer et al. 2017, "Neural message
    passing for quantum chemistry", equations 1 and 2): a node gets the sum, mean or maximum of their
    messages (0 if it has none), and combines it with its own value.
    """
    sent = jax.vmap(message)(frames)
    steps = [k for k in range(-reach, reach + 1) if k]
    values = jnp.stack([_moved(sent, k) for k in steps])
    there = jnp.stack([_moved(mask, k) for k in steps])
    many = there.sum(0, dtype=jnp.int32).astype(jnp.float32)[:, None]
    if gather == "max":
        most = jnp.where(there[:, :, None], values, -jnp.inf).max(0)
        gathered = jnp.where(many > 0, most, 0.0)
    else:
        gathered = jnp.where(there[:, :, None], values, 0.0).sum(0)
        gathered = gathered / jnp.maximum(many, 1.0) if gather == "mean" else gathered
    combined = jax.vmap(lambda u, a: combine(u)(a))(frames, gathered)
    return jnp.where(mask[:, None], combined, 0.0)


def _moved(rows: Array, by: int) -> Array:
    """Rows moved along time; what comes in at the ends is zero, or False."""
    time = rows.shape[0]
    wide = jnp.pad(rows, [(abs(by), abs(by))] + [(0, 0)] * (rows.ndim - 1))
    return wide[abs(by) + by : abs(by) + by + time]


# --- a cell of NAS-Bench-201 ----------------------------------------------------------------------------

_ONE, _TWO = "Seq[Real[n]] -> Seq[Real[n]]", "Seq[Real[n]] -> Seq[Real[n]] -> Seq[Real[n]]"
_THREE = "Seq[Real[n]] -> Seq[Real[n]] -> Seq[Real[n]] -> Seq[Real[n]]"


@architecture.primitive(
    f"({_ONE}) -> ({_TWO}) -> ({_THREE}) -> Seq[Real[n]] -> Seq[Real[n]]",
    prints="a cell of four nodes over {3}",
    unitless=True,
    searched=False,
)
def cell(one: Callable, two: Callable, three: Callable, frames: Frames, mask: Mask) -> Pair:
    """Four nodes, each a function of all before it; the first is the input, the last the result.

    The densely connected cell of NAS-Bench-201 (Dong and Yang 2020, "NAS-Bench-201: Extending the scope of
    reproducible neural architecture search", section 2.1), where each of the six edges has an operation.
    """
    a = (frames, mask)
    b = one(a)
    return three(a)(b)(two(a)(b))


@architecture.primitive("Seq[Real[n]] -> Seq[Real[n]]", prints="nothing of {0}", searched=False)
def none(frames: Frames, mask: Mask) -> Frames:
    """Zeros: an edge that is not there."""
    return jnp.zeros_like(frames)


@architecture.primitive("Seq[Real[n]] -> Seq[Real[n]]", prints="{0}", searched=False)
def skip(frames: Frames, mask: Mask) -> Frames:
    """The frames as they are."""
    return frames


@architecture.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]", prints="mean of {0} over three frames", searched=False
)
def pool(frames: Frames, mask: Mask) -> Frames:
    """The mean of a frame and the two next to it, of those that are there: pooling of width 3, stride 1."""
    return windows.window_mean(frames, mask, 3, "centred")


def _start_conv(shapes: Shapes, constants: dict, key: Array) -> dict[str, np.ndarray]:
    width, inputs, outputs = shapes["kernel"]
    return {
        "kernel": _uniform(shapes["kernel"], width * inputs, width * outputs, key),
        "gain": np.ones(shapes["gain"], np.float32),
        "offset": np.zeros(shapes["offset"], np.float32),
    }


@architecture.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]",
    prints="convolution of {0}, width {width}",
    config={"width": (1, 3)},
    parameters={"kernel": "width n n", "gain": "n", "offset": "n"},
    initialise=_start_conv,
    unitless=True,
    searched=False,
)
def conv(
    frames: Frames,
    mask: Mask,
    *,
    width: int,
    kernel: Float[Array, "width n n"],
    gain: Vector,
    offset: Vector,
) -> Frames:
    """ReLU, convolution over `width` frames with zeros beyond the ends, normalisation of each frame.

    The last is a layer normalisation where NAS-Bench-201 normalises over a batch: what one sequence gives
    must not depend on others.
    """
    positive = jnp.where(mask[:, None], jax.nn.relu(frames), 0.0)
    steps = range(-((width - 1) // 2), width // 2 + 1)
    # Moved frames and products of matrices: a batch of kernels is slow as a batch of convolutions.
    summed = jnp.stack([_moved(positive, k) @ kernel[i] for i, k in enumerate(steps)]).sum(0)
    centred = summed - summed.mean(1, keepdims=True)
    spread = jnp.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
    return jnp.where(mask[:, None], centred / spread * gain[None, :] + offset[None, :], 0.0)
