"""The plots of a report, except those over example sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from antiphon.report._figure import (
    AGAINST_RGB,
    INK,
    LINE,
    MUTED,
    OTHER,
    PROGRAM,
    PROGRAM_RGB,
    draw,
    shorten,
)
from antiphon.report._result import Confusion, Curve, FrontRow, RunResult, Scatter, SearchTrace
from antiphon.report._verdict import number

MOST_FEATURES = 25  # bars that can be read at a glance
_COUNTS_SHOWN_UP_TO = 20  # classes; beyond it the cells are too small for figures


def comparison_plot(result: RunResult) -> Markup:
    """The program and the baselines as bars, the best on top."""
    rows = [("program", result.test_score), *((b.name, b.score) for b in result.baselines)]
    finite = [score for _, score in rows if math.isfinite(score)]
    worst = -math.inf if result.higher_is_better else math.inf
    rows.sort(key=lambda r: r[1] if math.isfinite(r[1]) else worst, reverse=result.higher_is_better)

    def paint(figure: Figure) -> None:
        names = [shorten(name, 34) for name, _ in rows]
        values = [score if math.isfinite(score) else 0.0 for _, score in rows]
        colours = [PROGRAM if name == "program" else OTHER for name, _ in rows]
        axes = _bars(figure, names, values, [number(score) for _, score in rows], colours)
        direction = "" if result.higher_is_better else " (lower is better)"
        axes.set_xlabel(f"{shorten(result.metric)} on the test split{direction}")
        if all(0 <= v <= 1 for v in finite) and result.higher_is_better:
            axes.set_xlim(0, 1.08)
            axes.set_xticks(np.linspace(0, 1, 6))

    return draw(0.75 + 0.32 * len(rows), paint)


def importance_plot(importance: Sequence[tuple[str, float]]) -> Markup:
    """How much each feature counts, the most important first."""
    rows = sorted(importance, key=lambda r: -abs(r[1]))[:MOST_FEATURES]

    def paint(figure: Figure) -> None:
        values = [v if math.isfinite(v) else 0.0 for _, v in rows]
        texts = [f"{v:.3g}" for _, v in rows]
        axes = _bars(figure, [shorten(n, 34) for n, _ in rows], values, texts, [PROGRAM] * len(rows))
        axes.set_xlabel("score lost when the feature is taken from other cases")

    return draw(0.75 + 0.26 * len(rows), paint)


def _bars(
    figure: Figure, names: list[str], values: list[float], texts: list[str], colours: list[str]
) -> Axes:
    axes = figure.subplots()
    places = np.arange(len(names))
    axes.barh(places, values, height=0.68, color=colours)
    axes.axvline(0, color=LINE, linewidth=1)
    for place, value, text, colour in zip(places, values, texts, colours, strict=True):
        # Beside the end of the bar; a negative bar keeps its figure on the right of the axis.
        axes.annotate(
            text,
            (max(value, 0.0), place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            fontweight="bold" if colour == PROGRAM and OTHER in colours else "normal",
        )
    axes.set_yticks(places, names)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.margins(x=0.1, y=0.15 / max(len(names), 1))
    axes.spines["left"].set_visible(False)
    return axes


def confusion_plot(confusion: Confusion) -> Markup:
    """Counts, coloured by their share of the true class; mistakes in the other colour."""
    matrix = np.asarray(confusion.matrix, dtype=float)
    n = len(confusion.labels)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    cell = float(np.clip(4.8 / max(n, 1), 0.17 if n > _COUNTS_SHOWN_UP_TO else 0.3, 0.55))
    labels = [shorten(str(label), 18) for label in confusion.labels]
    longest = max(map(len, labels), default=1)
    width = max(n * cell + 0.07 * longest + 0.6, 3.0)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        right = np.eye(n, dtype=bool)
        image = np.zeros((n, n, 4))
        image[..., :3] = np.where(right[..., None], PROGRAM_RGB, AGAINST_RGB)
        # The root makes a rare mistake visible; an empty cell stays empty.
        image[..., 3] = 0.92 * np.where(right, share, np.sqrt(share))
        axes.imshow(image, interpolation="none", aspect="equal")
        size = 9.5 if n <= _COUNTS_SHOWN_UP_TO else 8
        axes.set_xticks(range(n), labels, rotation=90 if longest > 3 or n > 25 else 0, fontsize=size)
        axes.set_yticks(range(n), labels, fontsize=size)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.tick_params(length=0)
        axes.set_xticks(np.arange(n + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(n + 1) - 0.5, minor=True)
        axes.grid(which="minor", color=LINE, linewidth=0.6)
        axes.tick_params(which="minor", length=0)
        axes.spines[:].set_visible(False)
        if n <= _COUNTS_SHOWN_UP_TO:
            digits = max(len(f"{matrix.max():.0f}"), 2)
            fitting = min(9.5, cell * 72 * 1.35 / digits)
            for i, j in np.argwhere(matrix > 0):
                dark = image[i, j, 3] > 0.5
                colour = "white" if dark else INK
                axes.text(
                    j, i, f"{matrix[i, j]:.0f}", ha="center", va="center", color=colour, fontsize=fitting
                )

    return draw(n * cell + (0.07 * longest if longest > 3 else 0.15) + 0.5, paint, width=width)


def scatter_plot(scatter: Scatter) -> Markup:
    """Predicted against true numbers, with the line on which they agree."""
    true, predicted = np.asarray(scatter.true, float), np.asarray(scatter.predicted, float)
    kept = np.flatnonzero(np.isfinite(true) & np.isfinite(predicted))
    kept = kept[:: max(1, -(-len(kept) // 2000))]  # enough points to see the shape, and a small file

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        if len(kept):
            both = np.concatenate([true[kept], predicted[kept]])
            low, high = both.min(), both.max()
            pad = 0.04 * (high - low) or 1.0
            ends = [low - pad, high + pad]
            axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
            axes.set(xlim=ends, ylim=ends)
        axes.scatter(true[kept], predicted[kept], s=16, color=PROGRAM, alpha=0.55, linewidths=0)
        axes.set(xlabel="true", ylabel="predicted", aspect="equal")
        axes.grid(True)

    return draw(5.0, paint, width=5.4)


def front_plot(front: Sequence[FrontRow], metric: str, *, higher_is_better: bool = True) -> Markup:
    """Score against size; the chosen program is larger and named."""
    rows = sorted((r for r in front if math.isfinite(r.score)), key=lambda r: r.size)
    sign = 1.0 if higher_is_better else -1.0
    limit = _worst_shown([sign * r.score for r in rows])
    inside = [r for r in rows if sign * r.score >= limit]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.step(
            [r.size for r in inside], [r.score for r in inside], where="post", color=OTHER, linewidth=1.2
        )
        for row in inside:
            colour = PROGRAM if row.chosen else OTHER
            if row.score_std:
                axes.errorbar(row.size, row.score, row.score_std, color=colour, linewidth=1.2, capsize=3)
            axes.plot([row.size], [row.score], "o", color=colour, markersize=11 if row.chosen else 6)
            if row.chosen:
                _beside(axes, "chosen", (row.size, row.score), below=higher_is_better)
        axes.margins(x=0.08, y=0.15)
        left, right = axes.get_xlim()
        if right - left < 2:  # a single program would stand between fractions of a node
            axes.set_xlim(left - 1, right + 1)
        low, high = axes.get_ylim()
        edge = low if higher_is_better else high
        for row in (r for r in rows if r not in inside):
            axes.plot([row.size], [edge], "v" if higher_is_better else "^", color=OTHER, clip_on=False)
            axes.annotate(
                number(row.score), (row.size, edge), xytext=(7, 7 if higher_is_better else -7),
                textcoords="offset points", va="center", color=MUTED,
            )  # fmt: skip
        axes.set_ylim(low, high)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="size of the program (nodes)", ylabel=f"{shorten(metric)}, held out of training")
        axes.grid(True)

    return draw(3.4, paint)


def _worst_shown(scores: list[float]) -> float:
    """The score below which a program is marked at the edge, lest it flatten the rest of the plot."""
    if len(scores) < 4:
        return -math.inf
    limit = max(scores) - 6 * (max(scores) - float(np.median(scores)))
    kept = [s for s in scores if s >= limit]
    return limit if max(scores) - min(scores) > 2 * (max(kept) - min(kept)) > 0 else -math.inf


def _beside(axes: Axes, text: str, place: tuple[float, float], *, below: bool) -> None:
    axes.annotate(
        text, place, xytext=(10, -6 if below else 6), textcoords="offset points",
        va="top" if below else "bottom", color=PROGRAM, fontweight="bold",
    )  # fmt: skip


def curves_plot(curves: Sequence[Curve]) -> Markup:
    """One small plot a model: training and validation loss."""
    columns = min(3, max(1, len(curves)))
    lines = -(-len(curves) // columns)

    def paint(figure: Figure) -> None:
        grid = figure.subplots(lines, columns, squeeze=False)
        for axes in grid.flat[len(curves) :]:
            axes.set_axis_off()
        for index, (axes, curve) in enumerate(zip(grid.flat, curves, strict=False)):
            axes.plot(curve.steps, curve.train_loss, color=OTHER, label="training")
            if curve.validation_loss is not None:
                axes.plot(curve.steps, curve.validation_loss, color=PROGRAM, label="validation")
                losses = np.asarray(curve.validation_loss, float)
                if np.isfinite(losses).any():
                    best = int(np.nanargmin(np.where(np.isfinite(losses), losses, np.nan)))
                    axes.plot([curve.steps[best]], [losses[best]], "o", color=PROGRAM, markersize=5)
            axes.set_title(shorten(curve.name, 34))
            axes.grid(True)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            if index % columns == 0:
                axes.set_ylabel("loss")
            if index >= len(curves) - columns:
                axes.set_xlabel("step")
            if index == 0:
                axes.legend(loc="upper right")

    return draw(0.3 + 2.3 * lines, paint)


def search_plot(trace: SearchTrace, metric: str) -> Markup:
    """The best score so far, against candidates and against time."""

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        at_end = np.append(trace.best, trace.best[-1])
        left.step(np.append(trace.candidates, trace.done), at_end, where="post", color=PROGRAM)
        right.step(np.append(trace.seconds, trace.total_seconds), at_end, where="post", color=PROGRAM)
        left.set(xlabel="candidates tried", ylabel=f"best {shorten(metric)} so far")
        right.set(xlabel="seconds")
        for axes in (left, right):
            axes.set_xlim(left=0)
            axes.grid(True)
            axes.margins(y=0.12)

    return draw(2.7, paint)
