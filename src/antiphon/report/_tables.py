"""Results as text for a terminal and as tables for LaTeX."""

from __future__ import annotations

import math
from collections.abc import Sequence

from antiphon.errors import InputError
from antiphon.report._result import BaselineScore, FrontRow, RunResult
from antiphon.report._verdict import duration, number, plural

_INDENT = 18


def summary_table(result: RunResult) -> str:
    """The run as a few aligned lines of plain text.

    Example:
        >>> from antiphon.report import BaselineScore, DataSummary, ProgramText, RunResult
        >>> data = DataSummary("walks", "classification", 80, 20, (5, 30), ("speed",), (), ("a", "b"))
        >>> program = ProgramText("mean(x)", 2)
        >>> result = RunResult(data, program, "accuracy", 0.95, baselines=(BaselineScore("GRU", 0.9),))
        >>> print(summary_table(result))
        data              walks: 80 training and 20 test sequences, 5-30 frames, 1 feature, 2 classes
        program           accuracy 0.950 on the test split, size 2
                            mean(x)
        compared with     GRU  0.900
    """
    blocks = [("data", [describe_data(result)]), ("program", _program_lines(result))]
    if result.baselines:
        rows = [
            [b.name, number(b.score), duration(b.seconds) if b.seconds is not None else "", b.note]
            for b in result.baselines
        ]
        blocks.append(("compared with", _align(rows, right={1, 2})))
    if result.front:
        rows = [
            ["->" if r.chosen else "", str(r.size), _with_spread(r), r.sketch or r.text, r.note]
            for r in sorted(result.front, key=lambda r: r.size)
        ]
        header = ["", "size", f"held-out {result.metric}", "program", ""]
        blocks.append(("front", _align([header, *rows], right={1})))
    if result.search.done:
        blocks.append(("search", [describe_search(result)]))
    return "\n".join(
        f"{title if i == 0 else '':{_INDENT}}{line}".rstrip()
        for title, lines in blocks
        for i, line in enumerate(lines)
    )


def describe_data(result: RunResult) -> str:
    """The data in one line."""
    data = result.data
    shortest, longest = data.length_range
    table = longest == 1
    frames = (
        "" if table else f", {shortest}-{longest} frames" if shortest < longest else f", {longest} frames"
    )
    text = (
        f"{data.name}: {data.n_train:,} training and {data.n_test:,} test {'rows' if table else 'sequences'}"
        f"{frames}, {plural(len(data.feature_names), 'feature')}"
    )
    return text + (f", {plural(len(data.class_names), 'class')}" if data.class_names else "")


def describe_search(result: RunResult) -> str:
    """The search in one line."""
    search = result.search
    parts = [plural(search.done, "candidate") + (f" ({search.failed:,} failed)" if search.failed else "")]
    if turned := sum(count for _, count in search.rejected):
        parts.append(f"{turned:,} more rejected by constraints")
    parts.append(f"{duration(search.total_seconds)}, of which compiling {duration(search.compile_seconds)}")
    parts += [f"strategy {search.strategy}"] if search.strategy else []
    parts += [f"budget {search.budget}"] if search.budget else []
    return " · ".join(parts)


def to_latex_table(
    rows: Sequence[FrontRow] | Sequence[BaselineScore], *, metric: str = "score", caption: str = ""
) -> str:
    r"""Rows of a front, or baselines, as a LaTeX table (booktabs).

    Args:
        rows: All of one kind, at least one.
        metric: Heading of the column of scores.
        caption: Put under the table as it is, so it may hold LaTeX of its own.

    Example:
        >>> print(to_latex_table([BaselineScore("GRU", 0.93)], metric="accuracy"))
        \begin{table}
        \centering
        \begin{tabular}{lrr}
        \toprule
        model & accuracy & seconds \\
        \midrule
        GRU & 0.930 & -- \\
        \bottomrule
        \end{tabular}
        \end{table}
    """
    if not rows:
        raise InputError("No rows for a LaTeX table.", "At least one row.", "Pass a front or the baselines.")
    if all(isinstance(row, FrontRow) for row in rows):
        columns, header, body = "rll", ["size", metric, "program"], _front_cells(rows)  # type: ignore[arg-type]
    elif all(isinstance(row, BaselineScore) for row in rows):
        columns, header, body = "lrr", ["model", metric, "seconds"], _baseline_cells(rows)  # type: ignore[arg-type]
    else:
        kinds = ", ".join(sorted({type(row).__name__ for row in rows}))
        raise InputError(
            f"Rows of {kinds} for a LaTeX table.",
            "Only FrontRow, or only BaselineScore.",
            "Make one table of the front and one of the baselines.",
        )
    lines = [r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    lines += [" & ".join(map(_escape, header)) + r" \\", r"\midrule"]
    lines += [" & ".join(cells) + r" \\" for cells in body]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\caption{{{caption}}}"] if caption else []
    return "\n".join([*lines, r"\end{table}"])


def _front_cells(rows: Sequence[FrontRow]) -> list[list[str]]:
    cells = []
    for row in sorted(rows, key=lambda r: r.size):
        spread = rf" $\pm$ {number(row.score_std)}" if row.score_std is not None else ""
        program = rf"\texttt{{{_escape(row.sketch or row.text)}}}"
        line = [str(row.size), _score(row.score) + spread, program]
        cells.append([rf"\textbf{{{cell}}}" for cell in line] if row.chosen else line)
    return cells


def _baseline_cells(rows: Sequence[BaselineScore]) -> list[list[str]]:
    return [
        [_escape(row.name), _score(row.score), "--" if row.seconds is None else f"{row.seconds:.1f}"]
        for row in rows
    ]


def _score(value: float) -> str:
    return number(value) if math.isfinite(value) else "--"


_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "\n": " ", "·": r"$\cdot$", "−": "$-$", "≤": r"$\leq$", "≥": r"$\geq$",
}  # fmt: skip


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)


def _program_lines(result: RunResult) -> list[str]:
    score = f"{result.metric} {number(result.test_score)} on the test split, size {result.program.size}"
    return [score, *("  " + line for line in (result.program.math or result.program.text).splitlines())]


def _with_spread(row: FrontRow) -> str:
    return number(row.score) + (f" ± {number(row.score_std)}" if row.score_std is not None else "")


def _align(rows: list[list[str]], *, right: set[int]) -> list[str]:
    """Pad cells to columns; columns that are empty throughout are left out."""
    used = [c for c in range(len(rows[0])) if any(row[c] for row in rows)]
    widths = {c: max(len(row[c]) for row in rows) for c in used}
    return [
        "  ".join(row[c].rjust(widths[c]) if c in right else row[c].ljust(widths[c]) for c in used).rstrip()
        for row in rows
    ]
