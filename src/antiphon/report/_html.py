"""The report: one HTML file that needs nothing beside itself."""

from __future__ import annotations

import functools
import os
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from antiphon._files import write_atomically
from antiphon.report._result import Confusion, RunResult
from antiphon.report._sound_section import sound_section, subject_section
from antiphon.report._tables import describe_data, describe_search
from antiphon.report._verdict import best_baseline, duration, number, plural, verdict

if TYPE_CHECKING:
    from jinja2 import Template

_MOST_MISTAKES = 5


def render_html(result: RunResult) -> str:
    """The whole report as one HTML page: inline styles, drawings and sounds, no scripts, nothing loaded.

    Example:
        >>> from antiphon.report import DataSummary, ProgramText
        >>> data = DataSummary("walks", "regression", 80, 20, (5, 30), ("speed",))
        >>> page = render_html(RunResult(data, ProgramText("mean(x)", 2), "r2", 0.5))
        >>> page.startswith("<!doctype html>"), "mean(x)" in page
        (True, True)
    """
    page = _template().render(
        result=result,
        verdict=verdict(result),
        tiles=_tiles(result),
        best=best_baseline(result),
        plots=_plots(result),
        mistakes=_mistakes(result.confusion) if result.confusion else [],
        error=_mean_error(result),
        front=sorted(result.front, key=lambda row: row.size),
        data_line=describe_data(result),
        search_line=describe_search(result) if result.search.done else "",
        heard=sound_section(result),
        who=subject_section(result),
    )
    # File names may hold bytes that are no text; a page shows a question mark for them.
    return page.encode("utf-8", "replace").decode("utf-8") + "\n"


def write_html(result: RunResult, path: str | os.PathLike[str]) -> None:
    """Write the report to a file, whole or not at all.

    Args:
        result: The run.
        path: The file to write; its folder must exist.

    Raises:
        OutputError: The file cannot be written.

    Example:
        >>> import os
        >>> from antiphon.report import DataSummary, ProgramText
        >>> data = DataSummary("walks", "regression", 80, 20, (5, 30), ("speed",))
        >>> write_html(RunResult(data, ProgramText("mean(x)", 2), "r2", 0.5), os.devnull)
    """
    write_atomically(path, render_html(result))


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(number=number, duration=duration)
    environment.globals.update(plural=plural)  # type: ignore[arg-type]
    text = resources.files("antiphon.report").joinpath("template.html.j2").read_text("utf-8")
    return environment.from_string(text)


def _plots(result: RunResult) -> dict[str, object]:
    from antiphon.report import _looks, _plots  # matplotlib loads only when something is drawn

    return {
        "comparison": _plots.comparison_plot(result) if result.baselines else "",
        "importance": _plots.importance_plot(result.importance) if result.importance else "",
        "most_features": _plots.MOST_FEATURES,
        "confusion": _plots.confusion_plot(result.confusion) if result.confusion else "",
        "scatter": _plots.scatter_plot(result.scatter) if result.scatter else "",
        "front": _plots.front_plot(result.front, result.metric, higher_is_better=result.higher_is_better)
        if result.front
        else "",
        "curves": _plots.curves_plot(result.curves) if result.curves else "",
        "search": _plots.search_plot(result.search, result.metric) if len(result.search.best) else "",
        "looks": [(look, _looks.look_plot(look), len(_looks.features_shown(look))) for look in result.looks],
    }


def _tiles(result: RunResult) -> list[tuple[str, str]]:
    """The few figures that a reader looks for first."""
    tiles = [(f"test {result.metric}", number(result.test_score))]
    best = best_baseline(result)
    if best is not None:
        tiles.append((f"best baseline: {best.name}", number(best.score)))
    if result.cv_score is not None:
        tiles.append(("held out of training", number(result.cv_score)))
    if result.train_score is not None:
        tiles.append(("training", number(result.train_score)))
    tiles.append(("size of the program", plural(result.program.size, "node")))
    if result.search.done:
        tiles.append(("programs tried", f"{result.search.done:,}"))
    return tiles


def _mistakes(confusion: Confusion) -> list[tuple[str, str, int, str]]:
    """The most frequent confusions: true, predicted, how often, share of the true class."""
    matrix = np.array(confusion.matrix)
    totals = matrix.sum(axis=1)
    np.fill_diagonal(matrix, 0)
    pairs = [np.unravel_index(flat, matrix.shape) for flat in np.argsort(-matrix, axis=None, kind="stable")]
    return [
        (confusion.labels[i], confusion.labels[j], int(matrix[i, j]), _percent(matrix[i, j] / totals[i]))
        for i, j in pairs[:_MOST_MISTAKES]
        if matrix[i, j] > 0
    ]


def _percent(share: float) -> str:
    return "< 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def _mean_error(result: RunResult) -> str:
    if result.scatter is None or not len(result.scatter.true):
        return ""
    gap = np.abs(np.asarray(result.scatter.true, float) - np.asarray(result.scatter.predicted, float))
    return f"{float(gap.mean()):.3g}"
