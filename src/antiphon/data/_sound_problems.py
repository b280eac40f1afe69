"""What is wrong with recordings: by name, at the end, and fatal only where that is asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from antiphon.errors import DatasetError

_log = logging.getLogger("antiphon.data")
SILENT = 1e-4  # Below -80 dB of full scale there is nothing to hear.
FULL_SCALE = 0.9999  # Of 16 bits, the last three values.
CLIPPED_RUN = 4  # Samples at full scale one after the other: no wave touches it that long by chance.
SHOWN = 10


@dataclass(frozen=True)
class Problem:
    """Something wrong with a recording. `pandas.DataFrame(dataset.problems)` is a table of them.

    Args:
        name: Which recording.
        kind: `"missing"`, `"unreadable"`, `"cut-off"`, `"empty"`, `"short"`, `"part"` (not inside the
            recording), `"name"` (does not fit the pattern), `"not-finite"`, `"silent"` or `"clipped"`.
        what: The same in a sentence.
        left_out: Whether the recording is left out of the data; silent and clipped ones are not.
    """

    name: str
    kind: str
    what: str
    left_out: bool = True


def heard(name: str, blocks: Iterable[Float[np.ndarray, " sample"]], *, least: int = 1) -> list[Problem]:
    """What is wrong with the samples of a recording.

    Args:
        name: Which recording.
        blocks: Its samples, in blocks `(sample,)`.
        least: So many samples make a frame.

    Example:
        >>> [problem.kind for problem in heard("a", [np.zeros(100, np.float32)])]
        ['silent']
    """
    count = wrong = clipped = 0
    low, high = np.inf, -np.inf
    for samples in blocks:
        count += len(samples)
        wrong += int((~np.isfinite(samples)).sum())
        low, high = min(low, samples.min(initial=np.inf)), max(high, samples.max(initial=-np.inf))
        clipped += _clipped(samples)
    if not count:
        return [Problem(name, "empty", f"{name} holds no samples")]
    if wrong:
        return [Problem(name, "not-finite", f"{name} has {wrong} samples that are NaN or infinite")]
    if count < least:
        return [Problem(name, "short", f"{name} is shorter than a frame: {count} of {least} samples")]
    if high - low < SILENT:
        return [Problem(name, "silent", f"{name} is silent throughout", left_out=False)]
    if clipped:
        what = f"{name} is clipped: {clipped} samples at full scale"
        return [Problem(name, "clipped", what, left_out=False)]
    return []


def _clipped(samples: Float[np.ndarray, " sample"]) -> int:
    """How many samples are in a long run at full scale."""
    loud = np.abs(samples) >= FULL_SCALE
    if not loud.any():
        return 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8)))
    runs = edges[1::2] - edges[::2]
    return int(runs[runs >= CLIPPED_RUN].sum())


def settle(problems: Sequence[Problem], count: int, source: str, *, strict: bool) -> None:
    """Report problems, or refuse the data for them.

    Args:
        problems: What was found.
        count: How many recordings can be used.
        source: Where they come from.
        strict: Whether any problem is an error.

    Raises:
        DatasetError: No recording can be used, or there is a problem and `strict` is set.
    """
    if problems and (strict or not count):
        one = len(problems) == 1 and not count
        raise DatasetError(
            f"{problems[0].what}." if one else f"{source}: {listed(problems)}.",
            "Recordings without such problems." if strict else "At least one recording that can be used.",
            "Mend or remove them" + (", or leave strict out." if strict and count else "."),
        )
    if problems:
        left_out = sum(problem.left_out for problem in problems)
        _log.warning("%s: %s. %d left out", source, listed(problems), left_out)


def listed(problems: Sequence[Problem]) -> str:
    """Problems in a row, the first few by name.

    Example:
        >>> listed([Problem("a.wav", "silent", "a.wav is silent")])
        'a.wav is silent'
    """
    shown = "; ".join(problem.what for problem in problems[:SHOWN])
    return shown + (f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else "")
