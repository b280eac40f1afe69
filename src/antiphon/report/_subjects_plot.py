"""The scores of speakers or subjects, drawn."""

from __future__ import annotations

import math

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from antiphon.report._figure import INK, LINE, MUTED, PROGRAM, PROGRAM_RGB, draw, shorten
from antiphon.report._sound_result import Subjects
from antiphon.report._verdict import number

MOST_SUBJECTS = 30  # rows of the table and the plot
_MOST_CLASSES = 20  # columns with figures in them


def subjects_plot(subjects: Subjects, classes: tuple[str, ...], metric: str) -> Markup:
    """A bar for the score of each, and beside it the share of each class that is right.

    Example:
        >>> from antiphon.report import SubjectScore
        >>> scores = (SubjectScore("theo", 4, 0.75, matrix=np.array([[2, 0], [1, 1]])),)
        >>> subjects_plot(Subjects(scores, "speaker"), ("a", "b"), "accuracy")[:4]
        Markup('<svg')
    """
    rows = subjects.scores[:MOST_SUBJECTS]
    matrices = [one.matrix for one in rows if one.matrix is not None]
    wide = len(matrices) == len(rows) and len(classes) > 0

    cells = float(np.clip(0.45 * len(classes), 1.8, 5.4)) if wide else 0.0
    longest = min(max(map(len, classes), default=0), 18)
    turned = len(classes) * (0.09 * longest + 0.1) > cells

    def paint(figure: Figure) -> None:
        panels = figure.subplots(
            1, 2 if wide else 1, squeeze=False, width_ratios=(3.2, cells) if wide else None
        )[0]
        places = np.arange(len(rows))
        scores = [one.score if math.isfinite(one.score) else 0.0 for one in rows]
        bars = panels[0]
        bars.barh(places, scores, height=0.68, color=PROGRAM)
        for place, one, score in zip(places, rows, scores, strict=True):
            bars.annotate(
                number(one.score), (max(score, 0.0), place), xytext=(5, 0), textcoords="offset points",
                va="center", color=INK,
            )  # fmt: skip
        bars.set_yticks(places, [shorten(one.name, 20) for one in rows])
        bars.set_ylim(len(rows) - 0.5, -0.5)
        bars.axvline(0, color=LINE, linewidth=1)
        if all(0 <= score <= 1 for score in scores):
            bars.set_xlim(0, 1.18)
            bars.set_xticks([0, 0.5, 1])
        else:
            bars.margins(x=0.18)
        bars.tick_params(axis="y", length=0)
        bars.set_xlabel(f"{shorten(metric)} on the test split")
        bars.spines["left"].set_visible(False)
        if wide:
            _shares(panels[1], np.stack(matrices), classes, turned=turned)

    below = 0.08 * longest if wide and turned else 0.0
    return draw(0.95 + 0.3 * len(rows) + below, paint, width=4.0 + cells)


def _shares(axes: Axes, matrices: np.ndarray, classes: tuple[str, ...], *, turned: bool) -> None:
    """The share of each true class that is right, a row a subject; empty where there are no cases of it."""
    totals = matrices.sum(axis=2)
    right = np.diagonal(matrices, axis1=1, axis2=2)
    share = right / np.maximum(totals, 1)
    image = np.zeros((*share.shape, 4))
    image[..., :3] = PROGRAM_RGB
    image[..., 3] = 0.92 * share * (totals > 0)
    axes.imshow(image, interpolation="none", aspect="auto")
    labels = [shorten(name, 18) for name in classes]
    axes.set_xticks(range(len(classes)), labels, rotation=90 if turned else 0, fontsize=8.5)
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(len(classes) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(share) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=LINE, linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("right, in %, by true class", fontsize=8.5, color=MUTED, pad=4)
    if len(classes) <= _MOST_CLASSES:
        for i, j in np.argwhere(totals > 0):
            axes.text(
                j, i, f"{100 * share[i, j]:.0f}", ha="center", va="center", fontsize=8.5,
                color="white" if image[i, j, 3] > 0.5 else INK,
            )  # fmt: skip
