"""The ready language `sound`: `sequence`, and what is said of sounds.

Bands of the spectrum and ratios between them, onsets, events, periodicity, duration, the course of a clip. As
in `sequence`, masked frames are never looked at, and a window is cut to the frames that are there.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from antiphon.errors import LanguageError
from antiphon.language import _sequence_equations as _sequence_equations  # what is equal there is so here
from antiphon.language import _windows as windows
from antiphon.language._language import Language
from antiphon.language._sequence import deviation, maximum, minimum, sequence
from antiphon.language._types import Real, Type

Frames = Float[Array, "time n"]
Mask = Bool[Array, " time"]
Vector = Float[Array, " n"]

CUTS = (500, 1000, 2000)  # Hz
UNITS = ("s", "frames")

sound = Language.bare("sound", is_ready=True)
sound.primitives.update(sequence.primitives)
sound.equations = sequence.equations
sound.size_limit = 48  # Room for a mean and a deviation in each quarter of a clip, and a little more.


def _seconds(value: str, types: tuple[Type, ...], language: Language) -> np.ndarray:
    """Seconds a frame, or 1 where frames are counted."""
    if value not in UNITS:
        raise LanguageError(f"The unit {value!r} of a time.", "s or frames.")
    if value == "s" and not language.rate_hz:
        raise LanguageError(
            "A time in seconds, but these frames have no rate.",
            "Frames a second, or times in frames.",
            "Give the data a rate, or write frames in the place of s.",
        )
    return np.asarray(1 / language.rate_hz if value == "s" and language.rate_hz else 1.0, np.float32)


# --- a sequence in, a vector out ------------------------------------------------------------------------


@sound.primitive("Seq[Real[n]] -> Real[n]", name="range", prints="range of {0}")
def value_range(frames: Frames, mask: Mask) -> Vector:
    """Largest value minus smallest; 0 if no frame is there."""
    return maximum(frames, mask) - minimum(frames, mask)


@sound.primitive(
    "Seq[Real[n]] -> Real[n]",
    prints="rise of {0} per {per}",
    config={"per": UNITS},
    data={"per": _seconds},
    unitless=True,
    laws=("linear",),
)
def slope(frames: Frames, mask: Mask, *, per: Float[Array, ""]) -> Vector:
    """Slope of the straight line nearest to the frames, per second or frame; 0 of fewer than two frames."""
    there = mask[:, None]
    time = jnp.arange(frames.shape[0], dtype=jnp.int32).astype(jnp.float32)[:, None] * per
    time = jnp.where(there, time - windows.masked_mean(time, mask)[None, :], 0.0)
    centred = jnp.where(there, frames - windows.masked_mean(frames, mask)[None, :], 0.0)
    spread = (time**2).sum(0)
    return jnp.where(spread > 0, (time * centred).sum(0) / jnp.where(spread > 0, spread, 1.0), 0.0)


def _time_of(best: Frames, mask: Mask, unit: Float[Array, ""]) -> Vector:
    place = jnp.argmax(jnp.where(mask[:, None], best, -jnp.inf), axis=0).astype(jnp.int32)
    return jnp.maximum(place - jnp.argmax(mask).astype(jnp.int32), 0).astype(jnp.float32) * unit


@sound.primitive(
    "Seq[Real[n]] -> Real[n]",
    prints="time of the maximum of {0} in {unit}",
    config={"unit": UNITS},
    data={"unit": _seconds},
    unitless=True,
)
def when_max(frames: Frames, mask: Mask, *, unit: Float[Array, ""]) -> Vector:
    """How long after the first frame each feature is largest for the first time."""
    return _time_of(frames, mask, unit)


@sound.primitive(
    "Seq[Real[n]] -> Real[n]",
    prints="time of the minimum of {0} in {unit}",
    config={"unit": UNITS},
    data={"unit": _seconds},
    unitless=True,
)
def when_min(frames: Frames, mask: Mask, *, unit: Float[Array, ""]) -> Vector:
    """How long after the first frame each feature is smallest for the first time."""
    return _time_of(-frames, mask, unit)


@sound.primitive(
    "Seq[Real[n]] -> Real[1]",
    prints="duration in {unit}",
    config={"unit": UNITS},
    data={"unit": _seconds},
    unitless=True,
    searched=False,
)
def duration(frames: Frames, mask: Mask, *, unit: Float[Array, ""]) -> Float[Array, " 1"]:
    """How many frames are there, in seconds or as a number."""
    return mask.sum(dtype=jnp.int32).astype(jnp.float32)[None] * unit


@sound.primitive(
    "Seq[Real[n]] -> Real[n]", prints="how often {0} rises above 0", unitless=True, searched=False
)
def count(frames: Frames, mask: Mask) -> Vector:
    """Number of events: how often an entry is above 0 and was not at the frame that was there before."""
    # Hard, also while conditions are soft: a constant of the training, which is not computed at each step.
    above = mask[:, None] & (jnp.where(mask[:, None], frames, 0.0) > 0)
    place = jnp.where(mask, jnp.arange(mask.shape[0], dtype=jnp.int32), -1)
    before = jnp.concatenate([jnp.full((1,), -1, jnp.int32), jax.lax.cummax(place)[:-1]])
    already = (before >= 0)[:, None] & above[jnp.maximum(before, 0)]
    return (above & ~already).sum(0, dtype=jnp.int32).astype(jnp.float32)


@sound.primitive(
    "Seq[Real[n]] -> Real[n]",
    prints="how far {0} repeats after {width}",
    config={"width": (5, 10, 20)},
    unitless=True,
    searched=False,
)
def periodicity(frames: Frames, mask: Mask, *, width: int) -> Vector:
    """Autocorrelation at a lag of `width` frames, from -1 to 1; 0 of a constant, or of too few frames."""
    centred = jnp.where(mask[:, None], frames - windows.masked_mean(frames, mask)[None, :], 0.0)
    power = deviation(frames, mask) ** 2 * mask.sum(dtype=jnp.int32).astype(jnp.float32)
    later = jnp.concatenate([centred[width:], jnp.zeros_like(centred[:width])])[: frames.shape[0]]
    return jnp.where(power > 0, (centred * later).sum(0) / jnp.where(power > 0, power, 1.0), 0.0)


# --- a sequence in, a sequence out ----------------------------------------------------------------------


@sound.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]",
    prints="{0} relative to its mean",
    searched=False,
    laws=("linear", "aligned", "idempotent"),
)
def relative(frames: Frames, mask: Mask) -> Frames:
    """Each feature minus its mean over all frames that are there: what a voice or a microphone adds goes."""
    return jnp.where(mask[:, None], frames - windows.masked_mean(frames, mask)[None, :], 0.0)


@sound.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]",
    prints="onset of {0} within {width}",
    config={"width": (5, 10)},
    searched=False,
    laws=("aligned",),
)
def onset(frames: Frames, mask: Mask, *, width: int) -> Frames:
    """How far each feature has risen: its value minus the smallest of the last `width` frames."""
    return jnp.where(mask[:, None], frames - windows.window_min(frames, mask, width, "trailing"), 0.0)


@sound.primitive(
    "Seq[Real[n]] -> Seq[Real[n]]",
    prints="offset of {0} within {width}",
    config={"width": (5, 10)},
    searched=False,
    laws=("aligned",),
)
def offset(frames: Frames, mask: Mask, *, width: int) -> Frames:
    """How far each feature has fallen: the largest of the last `width` frames minus its value."""
    return jnp.where(mask[:, None], windows.window_max(frames, mask, width, "trailing") - frames, 0.0)


# --- bands ----------------------------------------------------------------------------------------------


def _bands(types: tuple[Type, ...]) -> list[tuple[float, float]]:
    """Where the band of each feature begins and ends, in Hz; NaN for what is no band."""
    vector = types[0]
    assert isinstance(vector, Real)
    units = vector.units or ("",) * len(vector.names)
    found = [
        band if unit == "dB" and (band := _edges(name)) else (np.nan, np.nan)
        for name, unit in zip(vector.names, units, strict=True)
    ]
    if not np.isfinite(found).any():
        raise LanguageError(
            "Features without bands of the spectrum.",
            "Levels of bands in dB, called band_LOW_HIGH, such as band_500_1000.",
            "Compute them with sound='bands' (--sound bands).",
        )
    return found


def _edges(name: str) -> tuple[float, float] | None:
    first, *edges = name.split("_")
    if first != "band" or len(edges) != 2 or not all(edge.isdigit() for edge in edges):
        return None
    return float(edges[0]), float(edges[1])


def _above(value: float, types: tuple[Type, ...], language: Language) -> np.ndarray:
    """1 for each band from a frequency up; 0 for others."""
    return _side(value, types, 0)


def _below(value: float, types: tuple[Type, ...], language: Language) -> np.ndarray:
    """1 for each band up to a frequency; 0 for others."""
    return _side(value, types, 1)


def _cut(value: float, types: tuple[Type, ...], language: Language) -> np.ndarray:
    """1 for each band above a frequency, -1 for each below, 0 for features that are no bands."""
    return _side(value, types, 0) - _side(value, types, 1)


def _side(value: float, types: tuple[Type, ...], end: int) -> np.ndarray:
    edges = np.array(_bands(types))[:, end]
    if value not in edges:
        known = ", ".join(f"{edge:g}" for edge in sorted(set(edges[np.isfinite(edges)])))
        raise LanguageError(
            f"No band {('begins', 'ends')[end]} at {value:g} Hz.", f"One of {known}.", "Use one of these."
        )
    beyond = edges <= value if end else edges >= value
    return beyond.astype(np.float32)


def _level(frames: Frames, mask: Mask, chosen: Vector) -> Float[Array, "time 1"]:
    """The levels of several bands, in dB, as that of one."""
    ten = jnp.float32(np.log(10) / 10)
    held = jnp.where(mask[:, None] & (chosen > 0)[None, :], frames * ten, -jnp.inf)
    top = jnp.where(mask, held.max(1), 0.0)
    total = jnp.where(chosen > 0, jnp.exp(held - top[:, None]), 0.0).sum(1)
    return ((top + jnp.log(jnp.where(mask, total, 1.0))) / ten)[:, None]


@sound.primitive(
    "Seq[Real[n]] -> Seq[Real[1]]",
    prints="level from {low} to {high} Hz",
    config={"low": (0,), "high": CUTS},
    data={"low": _above, "high": _below},
    unitless=True,
    searched=False,
    laws=("aligned",),
)
def band(frames: Frames, mask: Mask, *, low: Vector, high: Vector) -> Float[Array, "time 1"]:
    """The level of all bands from one frequency to another together, in dB."""
    return _level(frames, mask, low * high)


@sound.primitive(
    "Seq[Real[n]] -> Seq[Real[1]]",
    prints="level above {cut} Hz minus level below",
    config={"cut": CUTS},
    data={"cut": _cut},
    unitless=True,
    searched=False,
    laws=("aligned",),
)
def ratio(frames: Frames, mask: Mask, *, cut: Vector) -> Float[Array, "time 1"]:
    """The energy above a frequency over that below, in dB."""
    return _level(frames, mask, cut) - _level(frames, mask, -cut)
