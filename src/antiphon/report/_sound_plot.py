"""One recording drawn: its spectrogram, and over and under it what the program does."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib import colormaps, patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from antiphon.report._figure import (
    AGAINST,
    AGAINST_RGB,
    INK,
    LINE,
    MUTED,
    OTHER,
    PROGRAM,
    PROGRAM_RGB,
    WIDTH,
    draw,
    shorten,
    thinned,
)
from antiphon.report._sound_axes import apart, bare, beside, moments, span, stretch
from antiphon.report._sound_result import Course, SoundLook, Stream, Taken

MOST_WINDOWS = 4
MOST_COLUMNS = 600  # of an image: more than pixels on the page
RANGE_DB = 60.0  # from the darkest to the brightest
QUIET_DB = -40.0  # what is below this at its loudest is near silence, and stays dark
_OVER = "#7ff6ff"  # lines over the spectrogram: far from all of its colours, on every page
_LIMIT = "#ffffff"
_MOST_LINES = 4  # classes drawn in a course
# How a contribution is told: to a class, to a number.
_VERBS = {
    False: ("for, against", "speaks for it", "speaks against it"),
    True: ("more, less", "raises it", "lowers it"),
}
_LEFT, _RIGHT, _BELOW = 1.3, 1.15, 0.5  # inches beside and below the panels


def sound_plot(look: SoundLook) -> Markup:
    """Draw one recording: windows on top, the spectrogram, events, the streams, the decision over time.

    Example:
        >>> from antiphon.report import Recording
        >>> heard = Recording("a.wav", np.zeros(800), 8000.0)
        >>> sound_plot(SoundLook(heard, np.zeros((11, 2)), np.array([0.0, 1000.0, 4000.0]), 0.01))[:4]
        Markup('<svg')
    """
    windows = _told_windows(look)
    # What is drawn, with the height of its panel and of the room above it, in inches.
    rows: list[tuple[float, float, Callable[[Axes], None]]] = []
    if windows:
        rows.append((0.24 * len(windows), 0.04, lambda axes: _windows(axes, look, windows)))
    rows.append((1.75, 0.06, lambda axes: _spectrogram(axes, look)))
    if look.true_events or look.predicted_events:
        rows.append((0.5, 0.06, lambda axes: _events(axes, look)))
    if look.weight is not None and np.abs(np.nan_to_num(look.weight)).max(initial=0) > 0:
        rows.append((0.2, 0.06, lambda axes: _weight(axes, look)))
    for stream in look.streams:
        lines = _lines_of_words(look, stream)
        rows.append((0.62, 0.06 + 0.16 * len(lines), partial(_stream, look, stream, lines)))
    if look.course is not None:
        rows.append((0.9, 0.14, partial(_course, look, look.course)))
    total = sum(height + gap for height, gap, _ in rows) + _BELOW

    def paint(figure: Figure) -> None:
        # Placed by hand: all drawings have one scale, and finding a layout takes longer than drawing.
        figure.set_layout_engine("none")
        top, panels = total, []
        for height, gap, fill in rows:
            top -= height + gap
            axes = figure.add_axes((_LEFT / WIDTH, top / total, 1 - (_LEFT + _RIGHT) / WIDTH, height / total))
            fill(axes)
            axes.set_xlim(*span(look))
            panels.append(axes)
        for axes in panels[:-1]:
            axes.tick_params(axis="x", bottom=False, labelbottom=False)
        panels[-1].set_xlabel("seconds")

    return draw(total, paint)


def _is_all(look: SoundLook, first: float, stop: float) -> bool:
    return stop - first >= 0.98 * len(look.spectrogram)


def _told_windows(look: SoundLook) -> list[tuple[str, float, float]]:
    """Windows that are less than everything; each stretch once."""
    found: dict[tuple[float, float], list[str]] = {}
    for label, first, stop in look.windows:
        if not _is_all(look, first, stop):
            found.setdefault((first, stop), []).append(label)
    return [(", ".join(labels), *place) for place, labels in found.items()][:MOST_WINDOWS]


def _windows(axes: Axes, look: SoundLook, windows: Sequence[tuple[str, float, float]]) -> None:
    """A bar a stretch, earlier ones first; its words on it or on the side that has more room."""
    low, high = span(look)
    for lane, (label, first, stop) in enumerate(sorted(windows, key=lambda window: window[1:])):
        left, right = stretch(look, first, stop)
        axes.barh(lane, right - left, left=left, height=0.82, color=PROGRAM, alpha=0.25)
        axes.vlines([left, right], lane - 0.41, lane + 0.41, color=PROGRAM, linewidth=1.5)
        # How many letters there is room for: on the bar, before it, after it.
        rooms = [(right - left) / (high - low), (left - low) / (high - low), (high - right) / (high - low)]
        letters = [int(room / 0.0105) for room in rooms]
        side = 0 if letters[0] > len(label) else 1 if letters[1] > letters[2] else 2
        at = ((left + right) / 2, left, right)[side]
        axes.annotate(
            shorten(label, max(letters[side], 12)), (at, lane),
            xytext=((0, -5, 5)[side], 0), textcoords="offset points", ha=("center", "right", "left")[side],
            va="center", fontsize=8.5, color=INK,
        )  # fmt: skip
    axes.set_ylim(len(windows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_ylabel("reads", rotation=0, ha="right", va="center")
    bare(axes)


def _spectrogram(axes: Axes, look: SoundLook) -> None:
    """The level of each band as brightness; streams in Hz and their thresholds drawn over it."""
    level = _pooled(np.asarray(look.spectrogram, float), MOST_COLUMNS).T
    top = level.max(initial=QUIET_DB, where=np.isfinite(level))
    shade = np.clip((np.nan_to_num(level, nan=-1e9, neginf=-1e9) - top) / RANGE_DB + 1, 0, 1)
    image = (colormaps["magma"](shade)[..., :3] * 255).astype(np.uint8)
    bands = len(level)
    axes.imshow(
        image, interpolation="none", aspect="auto", origin="lower", extent=(*span(look), 0, bands)
    )  # fmt: skip
    edges = np.asarray(look.band_hz, float)

    def height(hz: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        return np.interp(hz, edges, np.arange(bands + 1), left=np.nan, right=np.nan)

    ticks = _round_hz(edges)
    axes.set_yticks(
        height(ticks), [f"{hz:g}" if hz < 1000 else f"{hz / 1000:g}k" for hz in ticks], fontsize=8
    )
    axes.tick_params(axis="y", labelcolor=MUTED)
    axes.set_ylabel("Hz", rotation=0, ha="right", va="center")
    axes.set_ylim(0, bands)
    axes.set_xlim(*span(look))
    outline = [patheffects.withStroke(linewidth=3, foreground="#000000aa")]
    words: list[tuple[str, float, str]] = []
    for stream in look.streams:
        if stream.unit != "Hz":
            continue
        line = height(np.asarray(stream.values, float))
        axes.plot(*thinned(moments(look), line), color=_OVER, linewidth=1.3, path_effects=outline)
        there = line[np.isfinite(line)]
        words += [(stream.name, float(there[-1]), MUTED)] if len(there) else []
        for value, direction in _limits(stream):
            place = float(height(np.array([value]))[0])
            axes.axhline(place, color=_LIMIT, linewidth=1.3, linestyle=(0, (5, 2)), path_effects=outline)
            words.append((f"{direction} {value:.4g} Hz", place, AGAINST))
    words = [(text, place, colour) for text, place, colour in dict.fromkeys(words) if np.isfinite(place)]
    for (text, _, colour), place in zip(words, apart([w[1] for w in words], 0.08 * bands), strict=True):
        beside(axes, text, place, colour)
    for _, first, stop in _told_windows(look):
        for moment in stretch(look, first, stop):
            axes.axvline(moment, color=_LIMIT, linewidth=1.2, linestyle=(0, (1, 2)), path_effects=outline)


def _round_hz(edges: Float[np.ndarray, " edge"]) -> Float[np.ndarray, " tick"]:
    """Round frequencies for an axis, more of them where bands are narrow."""
    known = np.array([100, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000.0])
    inside = known[(known >= edges[0]) & (known <= edges[-1])]
    return inside if len(inside) > 1 else np.array([edges[0], edges[-1]])


def _pooled(level: Float[np.ndarray, "time band"], columns: int) -> Float[np.ndarray, "column band"]:
    """Join frames into columns, each as loud as its loudest."""
    if len(level) <= columns:
        return level
    return np.stack([part.max(axis=0) for part in np.array_split(level, columns)])


def _events(axes: Axes, look: SoundLook) -> None:
    """True and predicted events as bars, one colour a label."""
    ribbons = (("true", look.true_events), ("predicted", look.predicted_events))
    low, high = span(look)
    for lane, (_, events) in enumerate(ribbons):
        axes.axhline(lane, color=LINE, linewidth=0.8, zorder=0)
        for label, onset, offset in events:
            colour = _label_colour(look, label)
            axes.barh(lane, offset - onset, left=onset, height=0.82, color=colour)
            text = shorten(label, 18)
            if (offset - onset) / (high - low) > 0.0105 * len(text):
                axes.text(
                    (onset + offset) / 2, lane, text, ha="center", va="center", fontsize=8,
                    color="black" if sum(colour[:3]) > 1.4 else "white", clip_on=True,
                )  # fmt: skip
    axes.set_yticks(range(len(ribbons)), [name for name, _ in ribbons])
    axes.set_ylim(len(ribbons) - 0.5, -0.5)
    bare(axes)


def _label_colour(look: SoundLook, label: str) -> tuple[float, ...]:
    """The colour of a label, the same in all drawings of a report."""
    names = look.course.names if look.course is not None else ()
    palette = colormaps["tab10" if len(names) <= 10 else "tab20"]
    return palette(names.index(label) % palette.N if label in names else 0)


def _weight(axes: Axes, look: SoundLook) -> None:
    """How much each moment speaks for the prediction, all features together."""
    weight = np.nan_to_num(np.asarray(look.weight, float))
    if len(weight) > MOST_COLUMNS:
        weight = np.array([part[np.abs(part).argmax()] for part in np.array_split(weight, MOST_COLUMNS)])
    image = np.zeros((1, len(weight), 4))
    image[..., :3] = np.where((weight >= 0)[None, :, None], PROGRAM_RGB, AGAINST_RGB)
    image[..., 3] = np.sqrt(np.abs(weight) / (np.abs(weight).max() or 1.0))[None, :]
    axes.imshow(image, interpolation="none", aspect="auto", extent=(*span(look), 0, 1))
    axes.set_yticks([0.5], [_VERBS[_is_number(look)][0]], fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(True)
    axes.set_xlim(*span(look))


def _is_number(look: SoundLook) -> bool:
    """Whether the program says a number, not a class."""
    return look.course is not None and not look.course.said


def _limits(stream: Stream) -> list[tuple[float, str]]:
    """The thresholds that are on the scale of a stream."""
    return [limit for taken in stream.taken if taken.to_scale for limit in taken.thresholds]


def _lines_of_words(look: SoundLook, stream: Stream) -> list[str]:
    """What a stream is and what is taken from it, as lines above its panel."""
    told = [words for taken in stream.taken if (words := taken_words(taken, is_number=_is_number(look)))]
    own = [stream.words] if stream.words and not told else []
    return [shorten(words, 104) for words in (*own, *told)]


def _stream(look: SoundLook, stream: Stream, lines: Sequence[str], axes: Axes) -> None:
    """A line; the stretch that is read shaded, the number that is taken from it, the thresholds."""
    values = np.asarray(stream.values, float)
    axes.plot(*thinned(moments(look), values), color=INK, linewidth=1.3)
    shaded = set()
    for taken in stream.taken:
        first, stop = taken.window or (0, len(values))
        if first == stop:
            continue
        left, right = stretch(look, first, stop)
        if (first, stop) not in shaded and not _is_all(look, first, stop):
            shaded.add((first, stop))
            axes.axvspan(left, right, color=PROGRAM, alpha=0.12, linewidth=0)
        if taken.value is not None and taken.to_scale:
            axes.hlines(taken.value, left, right, color=PROGRAM, linewidth=1.6)
    for value, direction in _limits(stream):
        axes.axhline(value, color=AGAINST, linewidth=1.3, linestyle=(0, (5, 2)))
        beside(axes, shorten(f"{direction} {value:.4g} {stream.unit}"), value, AGAINST)
    for place, text in enumerate(lines):
        axes.annotate(
            text, (0, 1), xycoords="axes fraction", xytext=(0, 3 + 11.5 * (len(lines) - 1 - place)),
            textcoords="offset points", fontsize=8.5, color=MUTED,
        )  # fmt: skip
    unit = f"\n{shorten(stream.unit, 12)}" if stream.unit else ""
    axes.set_ylabel(_in_lines(stream.name) + unit, rotation=0, ha="right", va="center")
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.tick_params(axis="y", labelsize=8, labelcolor=MUTED)
    axes.margins(y=0.12)
    axes.grid(True, axis="y")


def _in_lines(name: str, width: int = 13) -> str:
    """A name of a stream in the room beside its panel."""
    return "\n".join(textwrap.wrap(shorten(name, 3 * width), width, break_long_words=True)) or name


def taken_words(taken: Taken, *, is_number: bool = False) -> str:
    """What is taken from a stream, and what becomes of it, in words.

    Args:
        taken: What is taken.
        is_number: Whether the program says a number, not a class.

    Example:
        >>> taken_words(Taken("mean of level", "dB", -20.5, 1.5, thresholds=((-30.0, ">"),)))
        'mean of level: -20.5 dB (> -30 holds), speaks for it: +1.5'
    """
    if taken.value is None:
        return ""
    text = f"{taken.words}: {taken.value:.4g}{f' {taken.unit}' if taken.unit else ''}"
    for value, direction in taken.thresholds:
        holds = taken.value > value if direction == ">" else taken.value < value
        text += f" ({direction} {value:.4g} {'holds' if holds else 'does not hold'})"
    if taken.contribution:
        verb = _VERBS[is_number][1 if taken.contribution > 0 else 2]
        text += f", {verb}: {taken.contribution:+.3g}"
    return text


def _course(look: SoundLook, course: Course, axes: Axes) -> None:
    """Probabilities over time, and the decision as a ribbon below them; for a regression the number."""
    values, seconds = np.asarray(course.values, float), np.asarray(course.seconds, float)
    lines = _lines(look, course)
    styles: list[tuple[Any, Any]] = [
        (PROGRAM, "solid"), (AGAINST, "solid"), (OTHER, "solid"), (OTHER, (0, (3, 1.5)))
    ]  # fmt: skip
    if course.by_frame:
        styles = [(_label_colour(look, course.names[column]), "solid") for column in lines]
    for column, (colour, dashes) in zip(lines, styles, strict=False):
        axes.plot(*thinned(seconds, values[:, column]), color=colour, linestyle=dashes, linewidth=1.6)
    words = [(course.names[column], values[-1, column], styles[i][0]) for i, column in enumerate(lines)]
    if course.said:
        axes.set_ylim(-0.05 if course.by_frame else -0.34, 1.05)
        axes.set_yticks([0, 1])
        axes.axhline(0, color=LINE, linewidth=0.8)
        if not course.by_frame:
            _said(axes, look, course, lines)
    else:
        if course.true is not None:
            axes.axhline(course.true, color=AGAINST, linewidth=1.3, linestyle=(0, (5, 2)))
            words.append(("true", course.true, AGAINST))
        axes.margins(y=0.12)
        axes.yaxis.set_major_locator(MaxNLocator(3))
    name = ("probability" if course.said else "said") + ("" if course.by_frame else "\nso far")
    axes.set_ylabel(name, rotation=0, ha="right", va="center")
    axes.tick_params(axis="y", labelsize=8, labelcolor=MUTED)
    low, high = axes.get_ylim()
    heights = apart([float(np.clip(word[1], low, high)) for word in words], 0.17 * (high - low))
    for (text, _, colour), height in zip(words, heights, strict=True):
        beside(axes, text, height, colour)


def _lines(look: SoundLook, course: Course) -> list[int]:
    """Which classes are drawn: what was said in the end, what is true, then those that came next."""
    names = list(course.names)
    wanted = [look.recording.predicted_label, look.recording.true_label] if not course.by_frame else []
    found = [names.index(name) for name in dict.fromkeys(wanted) if name in names]
    if course.by_frame:
        found = []
    strongest = np.argsort(-np.nan_to_num(np.asarray(course.values)).max(axis=0), kind="stable").tolist()
    return [*found, *(column for column in strongest if column not in found)][:_MOST_LINES]


def _said(axes: Axes, look: SoundLook, course: Course, lines: Sequence[int]) -> None:
    """The decision as stretches of colour with its name, where there is room."""
    low, high = span(look)
    seconds = np.asarray(course.seconds, float)
    bounds = np.concatenate([[low], (seconds[1:] + seconds[:-1]) / 2, [high]])
    cuts = [0, *(i for i in range(1, len(course.said)) if course.said[i] != course.said[i - 1])]
    colours = dict(zip((course.names[c] for c in lines), (PROGRAM, AGAINST, OTHER, OTHER), strict=False))
    for first, stop in zip(cuts, [*cuts[1:], len(course.said)], strict=True):
        left, right, label = bounds[first], bounds[stop], course.said[first]
        axes.barh(-0.19, right - left, left=left, height=0.26, color=colours.get(label, OTHER), alpha=0.35)
        text = shorten(label, 18)
        if (right - left) / (high - low) > 0.0105 * len(text):
            axes.text((left + right) / 2, -0.19, text, ha="center", va="center", fontsize=8, color=INK)
