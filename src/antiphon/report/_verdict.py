"""What the figures say, in words: who won, by how much, and what to make of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from antiphon.report._result import BaselineScore, RunResult

Outcome = Literal["better", "equal", "worse", "alone"]


@dataclass(frozen=True)
class Verdict:
    """The headline of a run.

    Example:
        >>> Verdict("equal", "As good as the best baseline.", "").outcome
        'equal'
    """

    outcome: Outcome
    sentence: str
    remark: str


def number(value: float | None) -> str:
    """A score as text, four digits at the most where it is large; a dash where there is none.

    Example:
        >>> number(0.98132), number(12.31), number(None)
        ('0.981', '12.31', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    return f"{value:.3f}" if size < 10 else f"{value:.2f}" if size < 100 else f"{value:.4g}"


def duration(seconds: float | None) -> str:
    """A duration as a person writes it.

    Example:
        >>> duration(0.042), duration(8.25), duration(312)
        ('42 ms', '8.2 s', '5 min 12 s')
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(n: int, noun: str) -> str:
    """A count with its noun: `1 feature`, `12 features`, `2 classes`."""
    ending = "" if n == 1 else "es" if noun.endswith("s") else "s"
    return f"{n:,} {noun}{ending}"


def best_baseline(result: RunResult) -> BaselineScore | None:
    """The baseline with the best score that is a number."""
    finite = [b for b in result.baselines if math.isfinite(b.score)]
    if not finite:
        return None
    pick = max if result.higher_is_better else min
    return pick(finite, key=lambda b: b.score)


def verdict(result: RunResult) -> Verdict:
    """One honest sentence: the program against the best of the others.

    Scores that read alike at three digits are called equal. A loss is called a loss.
    """
    cases = plural(result.data.n_test, "row" if result.data.length_range[1] == 1 else "sequence")
    unseen = f"{result.metric} on {cases} it never saw"
    if not math.isfinite(result.test_score):
        return Verdict("alone", f"The program has no {unseen}: it could not be scored.", _remark(result))
    head = f"The program reaches {number(result.test_score)} {unseen}"
    best = best_baseline(result)
    if best is None:
        return Verdict("alone", f"{head}. No baseline was run to compare it with.", _remark(result))
    other = f"{best.name} at {number(best.score)}"
    if number(best.score) == number(result.test_score):
        return Verdict("equal", f"{head}: level with the best baseline, {other}.", _remark(result))
    if (best.score < result.test_score) == result.higher_is_better:
        return Verdict("better", f"{head}: better than every baseline; next is {other}.", _remark(result))
    return Verdict("worse", f"{head}: worse than the best baseline, {other}.", _remark(result))


def _remark(result: RunResult) -> str:
    """How far a difference may be trusted, and what else a reader must know at once."""
    parts = []
    chosen = next((row for row in result.front if row.chosen), None)
    if chosen is not None and chosen.note:
        parts.append(f"The chosen program: {chosen.note.rstrip('.')}.")
    best, n = best_baseline(result), result.data.n_test
    counted = result.metric.lower() == "accuracy" and result.data.task == "classification"
    if counted and best is not None and n and math.isfinite(result.test_score):
        gap = round(abs(result.test_score - best.score) * n)
        spread = 1.96 * math.sqrt(max(result.test_score * (1 - result.test_score), 0.0) / n)
        cases = "case" if gap == 1 else "cases"
        if gap:
            parts.append(
                f"The difference is {gap} of {n:,} test {cases}; chance alone moves a score like this by "
                f"up to about ±{number(spread)}" + (", so read it as a draw." if gap / n <= spread else ".")
            )
    return " ".join(parts)
