"""Where a program looks: weights, windows and thresholds drawn over one example sequence."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from antiphon.report._figure import (
    AGAINST,
    AGAINST_RGB,
    INK,
    LINE,
    MUTED,
    PROGRAM,
    PROGRAM_RGB,
    draw,
    shorten,
    thinned,
)
from antiphon.report._result import Look

MOST_ROWS = 24  # features in a heat strip
MOST_TRACES = 4  # features drawn as a line
MOST_WINDOWS = 8
_MOST_KEYS = 10  # labels named above the ribbons of a tagged sequence
_MOST_COLUMNS = 600  # columns of a heat strip: more than pixels on the page


def look_plot(look: Look) -> Markup:
    """Draw one example: windows on top, weights as a heat strip, the deciding features as lines.

    Example:
        >>> weight = np.array([[0.1, -1.0], [0.0, 2.0]])
        >>> look = Look("test sequence 1", np.ones((2, 2)), weight, ("speed", "angle"))
        >>> look_plot(look).startswith("<svg")
        True
    """
    return _frame_plot(look) if len(look.frames) == 1 else _sequence_plot(look)


def features_shown(look: Look) -> list[int]:
    """Features of the heat strip: those that weigh most, in the order of the data."""
    strength = np.abs(np.nan_to_num(look.weight)).sum(axis=0)
    named = {name for name, _, _ in look.thresholds}
    strength = strength + np.array([1e9 if name in named else 0.0 for name in look.feature_names])
    return sorted(np.argsort(-strength, kind="stable")[:MOST_ROWS].tolist())


def _traced(look: Look) -> list[int]:
    """Features drawn as lines: those compared with a threshold, then those that weigh most."""
    named = {name for name, _, _ in look.thresholds}
    strength = np.abs(np.nan_to_num(look.weight)).sum(axis=0)
    order = sorted(range(len(strength)), key=lambda i: (look.feature_names[i] not in named, -strength[i], i))
    wanted = max(min(MOST_TRACES, sum(look.feature_names[i] in named for i in order)), 2)
    return [i for i in order[:wanted] if strength[i] > 0 or look.feature_names[i] in named]


def _sequence_plot(look: Look) -> Markup:
    rows, traced = features_shown(look), _traced(look)
    windows = look.windows[:MOST_WINDOWS]
    tagged = bool(look.true_tags or look.predicted_tags)
    heights = [0.24 * len(windows) + 0.06] if windows else []
    heights += [0.55] if tagged else []
    heights += [max(0.21 * len(rows), 0.3)]
    heights += [0.85] * len(traced)

    def paint(figure: Figure) -> None:
        figure.get_layout_engine().set(h_pad=0.03, hspace=0.03)  # type: ignore[union-attr]
        grid = figure.subplots(
            len(heights), 2, sharex="col", squeeze=False, height_ratios=heights, width_ratios=(1, 0.13)
        )
        panels, aside = list(grid[:, 0]), list(grid[:, 1])
        end = len(look.frames) * _seconds_a_frame(look)
        remaining = iter(panels)
        if windows:
            _windows(next(remaining), look, windows, end)
        if tagged:
            _tags(next(remaining), look, end)
        strip = next(remaining)
        _heat_strip(strip, look, rows, end)
        for panel, beside in zip(panels, aside, strict=True):
            if panel is strip:
                _totals(beside, look, rows)
            else:
                beside.set_axis_off()
        for index, axes in zip(traced, remaining, strict=True):
            _trace(axes, look, index, end)
        for axes in panels[:-1]:
            axes.tick_params(axis="x", bottom=False, labelbottom=False)
        panels[-1].set_xlabel("seconds" if look.rate_hz else "frame")
        panels[-1].set_xlim(0, end)
        if not look.rate_hz:
            panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))

    return draw(0.6 + sum(heights) + 0.1 * len(heights) + 0.3 * tagged, paint)


def _seconds_a_frame(look: Look) -> float:
    return 1 / look.rate_hz if look.rate_hz else 1.0


def _bare(axes: Axes) -> None:
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _windows(axes: Axes, look: Look, windows: tuple[tuple[str, float, float], ...], end: float) -> None:
    """A bar a window, its name on it or beside it."""
    step = _seconds_a_frame(look)
    for lane, (label, start, stop) in enumerate(windows):
        # A window may reach past the ends of this sequence; what is drawn is the part that exists.
        left, right = np.clip([start * step, stop * step], 0, end)
        axes.barh(lane, right - left, left=left, height=0.82, color=PROGRAM, alpha=0.25)
        axes.vlines([left, right], lane - 0.41, lane + 0.41, color=PROGRAM, linewidth=1.5)
        text = shorten(label, 60)
        roomy = (right - left) / end > 0.0115 * len(text)
        at_right = (left + right) / 2 < end / 2
        place = (left + right) / 2 if roomy else right if at_right else left
        anchor = "center" if roomy else "left" if at_right else "right"
        gap = 0 if roomy else 5 if at_right else -5
        axes.annotate(
            text, (place, lane), xytext=(gap, 0), textcoords="offset points", ha=anchor, va="center",
            fontsize=8.5, color=INK,
        )  # fmt: skip
    axes.set_ylim(len(windows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_ylabel("reads", rotation=0, ha="right", va="center")
    _bare(axes)


def _tags(axes: Axes, look: Look, end: float) -> None:
    """True and predicted label of each frame as two ribbons, one colour a label."""
    ribbons = [(n, t) for n, t in (("true", look.true_tags), ("predicted", look.predicted_tags)) if t]
    labels = sorted({tag for _, tags in ribbons for tag in tags})
    palette = colormaps["tab20"]
    step = _seconds_a_frame(look)
    for lane, (_, tags) in enumerate(ribbons):
        codes = np.array([labels.index(tag) for tag in tags])
        cuts = np.flatnonzero(np.diff(codes)) + 1
        starts, stops = np.append(0, cuts), np.append(cuts, len(codes))
        for start, stop in zip(starts, stops, strict=True):
            colour = palette(codes[start] % 20)
            axes.barh(lane, (stop - start) * step, left=start * step, height=0.86, color=colour)
            text = shorten(labels[codes[start]], 18)
            if (stop - start) * step / end > 0.0105 * len(text):
                axes.text(
                    (start + stop) / 2 * step, lane, text, ha="center", va="center", fontsize=8,
                    color="black" if sum(colour[:3]) > 1.4 else "white",
                )  # fmt: skip
    if len(labels) <= _MOST_KEYS:
        keys = [Patch(color=palette(code % 20)) for code in range(len(labels))]
        axes.legend(
            keys, [shorten(label, 18) for label in labels], ncols=5, loc="lower left",
            bbox_to_anchor=(0, 1), borderpad=0, borderaxespad=0.2, handlelength=1, fontsize=8.5,
        )  # fmt: skip
    axes.set_yticks(range(len(ribbons)), [name for name, _ in ribbons])
    axes.set_ylim(len(ribbons) - 0.5, -0.5)
    _bare(axes)


def _heat_strip(axes: Axes, look: Look, rows: list[int], end: float) -> None:
    weight = _at_most(np.nan_to_num(np.asarray(look.weight, float))[:, rows], _MOST_COLUMNS).T
    largest = np.abs(weight).max() or 1.0
    image = np.zeros((*weight.shape, 4))
    image[..., :3] = np.where((weight >= 0)[..., None], PROGRAM_RGB, AGAINST_RGB)
    # Strength is opacity, so that nothing looks like nothing on a light and on a dark page; the root
    # keeps the small weights of a long mean visible beside the large one of a single frame.
    image[..., 3] = np.sqrt(np.abs(weight) / largest)
    axes.imshow(image, interpolation="none", aspect="auto", extent=(0, end, len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), [shorten(look.feature_names[i]) for i in rows], fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.hlines(np.arange(1, len(rows)) - 0.5, 0, end, color=LINE, linewidth=0.4)
    axes.spines[:].set_visible(True)
    axes.set_xlim(0, end)


def _totals(axes: Axes, look: Look, rows: list[int]) -> None:
    """What each feature adds up to over time, beside its row of the strip."""
    totals = np.nan_to_num(np.asarray(look.weight, float))[:, rows].sum(axis=0)
    axes.barh(range(len(rows)), totals, height=0.7, color=[PROGRAM if t >= 0 else AGAINST for t in totals])
    axes.axvline(0, color=LINE, linewidth=1)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    axes.set_title("total", loc="center", fontsize=8.5, color=MUTED, pad=2)
    _bare(axes)


def _at_most(weight: Float[np.ndarray, "time feature"], columns: int) -> Float[np.ndarray, "bin feature"]:
    """Join frames into bins, each keeping its strongest weight with its sign."""
    if len(weight) <= columns:
        return weight
    bins = np.array_split(weight, columns)
    return np.stack([b[np.abs(b).argmax(axis=0), np.arange(b.shape[1])] for b in bins])


def _trace(axes: Axes, look: Look, index: int, end: float) -> None:
    name, step = look.feature_names[index], _seconds_a_frame(look)
    values = np.asarray(look.frames, float)[:, index]
    axes.plot(*thinned((np.arange(len(values)) + 0.5) * step, values), color=INK, linewidth=1.3)
    for _, start, stop in look.windows[:MOST_WINDOWS]:
        left, right = np.clip([start * step, stop * step], 0, end)
        if right - left < 0.98 * end:  # shading everything says nothing
            axes.axvspan(left, right, color=PROGRAM, alpha=0.10, linewidth=0)
    unit = look.feature_units[index] if index < len(look.feature_units) else ""
    for feature, value, direction in look.thresholds:
        if feature == name:
            axes.axhline(value, color=AGAINST, linewidth=1.3, linestyle=(0, (5, 2)))
            axes.annotate(
                shorten(f"{direction} {value:.4g} {unit}"), (1, value), xycoords=("axes fraction", "data"),
                xytext=(5, 0), textcoords="offset points", va="center", color=AGAINST, fontsize=8.5,
                annotation_clip=False,
            )  # fmt: skip
    axes.set_ylabel(
        shorten(name, 20) + (f"\n{shorten(unit, 12)}" if unit else ""), rotation=0, ha="right", va="center"
    )
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.tick_params(axis="y", labelsize=8, labelcolor=MUTED)
    axes.margins(y=0.12)
    axes.grid(True, axis="y")


def _frame_plot(look: Look) -> Markup:
    """A row of a table: one bar a feature, its value beside its name."""
    rows = features_shown(look)
    rows.sort(key=lambda i: -abs(look.weight[0, i]))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        weight = np.nan_to_num(np.asarray(look.weight, float)[0, rows])
        axes.barh(
            range(len(rows)), weight, height=0.7, color=[PROGRAM if w >= 0 else AGAINST for w in weight]
        )
        axes.axvline(0, color=LINE, linewidth=1)
        axes.set_yticks(range(len(rows)), [_with_value(look, i) for i in rows])
        axes.invert_yaxis()
        axes.set_xlabel("against the prediction  ←   weight   →  for it")
        _bare(axes)

    return draw(0.7 + 0.26 * len(rows), paint)


def _with_value(look: Look, index: int) -> str:
    name = look.feature_names[index]
    unit = look.feature_units[index] if index < len(look.feature_units) else ""
    limits = "".join(f", threshold {d} {v:.4g}" for n, v, d in look.thresholds if n == name)
    return shorten(f"{shorten(name)} = {look.frames[0, index]:.3g} {unit}", 40) + limits
