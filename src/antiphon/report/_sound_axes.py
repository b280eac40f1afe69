"""Where things stand in the drawing of a recording: seconds along, words beside."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from antiphon.report._figure import shorten
from antiphon.report._sound_result import SoundLook


def moments(look: SoundLook) -> Float[np.ndarray, " time"]:
    """The moment of each frame, in seconds."""
    return look.recording.start + np.arange(len(look.spectrogram)) * look.hop_seconds


def span(look: SoundLook) -> tuple[float, float]:
    """From half a frame before the first moment to half a frame after the last."""
    start, half = look.recording.start, look.hop_seconds / 2
    return start - half, start + len(look.spectrogram) * look.hop_seconds - half


def stretch(look: SoundLook, first: float, stop: float) -> tuple[float, float]:
    """The seconds of a stretch of frames."""
    left, _ = span(look)
    return left + first * look.hop_seconds, left + stop * look.hop_seconds


def bare(axes: Axes) -> None:
    """Take frame and ticks away."""
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="y", length=0)


def beside(axes: Axes, text: str, height: float, colour: Any) -> None:
    """A word at the right of a panel, at a height of its axis."""
    if np.isfinite(height):
        axes.annotate(
            shorten(text, 18), (1, height), xycoords=("axes fraction", "data"), xytext=(5, 0),
            textcoords="offset points", va="center", color=colour, fontsize=8.5, annotation_clip=False,
        )  # fmt: skip


def apart(heights: Sequence[float], least: float) -> list[float]:
    """The same heights, moved so far that words at them do not touch."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    moved = list(heights)
    for lower, upper in itertools.pairwise(order):
        moved[upper] = max(moved[upper], moved[lower] + least)
    return moved
