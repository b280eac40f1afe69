"""`antiphon listen`: a model follows a recording, or what comes through a pipe."""

from __future__ import annotations

import csv as csv_module
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from antiphon._engine import configure
from antiphon.cli._console import console, line
from antiphon.cli._pipe import open_pipe
from antiphon.data import read_blocks, sound_info
from antiphon.errors import InputError, OutputError

AT_ONCE = 2.5  # Seconds of a file that are read at a time, since nobody waits for them.
LIVE = 0.1  # Of a pipe, by default.


def listen(
    model: Path,
    source: str,
    *,
    every: float | None,
    window: float | None,
    block: float | None,
    csv: Path | None,
    rate_hz: float | None,
    form: str | None,
    resample_hz: float | None,
) -> None:
    """Print a model's decisions as they come, and at the end latency and real-time factor."""
    if (
        csv is not None
        and csv.exists()
        and any(csv.samefile(one) for one in (model, source) if Path(one).exists())
    ):
        raise InputError(
            f"--csv {csv}, which is what is read.",
            "A file of its own.",
            "Choose another name, such as all.csv.",
        )
    configure()
    from antiphon._model_file import load_model
    from antiphon.estimators import Listener

    fitted = load_model(model)
    seconds = block or (LIVE if source == "-" else AT_ONCE)
    listener = Listener(fitted, every_seconds=every, window_seconds=window, block_seconds=seconds)
    rate, blocks = _opened(source, seconds, rate_hz, form, resample_hz)
    if rate != fitted.sound_.rate_hz:
        own = f"{fitted.sound_.rate_hz:g}"
        raise InputError(
            f"Sound of {rate:g} Hz, and the model was learned on recordings of {own} Hz.",
            "The same rate.",
            f"Bring it to that rate: --resample {own}."
            if source != "-"
            else f"Let what writes it write {own} Hz (arecord -r {own}, ffmpeg ... -ar {own}).",
        )
    out = console()
    with ExitStack() as files:
        say = _Saying(out, fitted, None if csv is None else _table(files, csv))
        start, longest = time.process_time(), 0.0
        with _Interruption() as stop:
            for samples in stop.until(blocks):
                begun = time.perf_counter()
                decisions = listener.feed(samples)
                longest = max(longest, time.perf_counter() - begun)
                say(decisions)
        if not stop.asked or listener.samples >= fitted.sound_.frame_length:
            say(listener.finish(), last=fitted.task != "tagging")
        took = time.process_time() - start
        _sum_up(out, listener, seconds, took, longest, "stopped" if stop.asked else "ended")


class _Interruption:
    """Ctrl-C, which ends the waiting for sound, but nothing that is being said or written."""

    def __init__(self) -> None:
        self.asked = self.waiting = False

    def __enter__(self) -> _Interruption:
        self.before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self.before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if self.waiting:
            raise KeyboardInterrupt

    def until(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """The blocks, until it comes."""
        while not self.asked:
            try:
                self.waiting = True
                block = next(blocks, None)
                self.waiting = False
            except KeyboardInterrupt:
                self.waiting = False
                return
            if block is None:
                return
            yield block


def _opened(
    source: str, seconds: float, rate_hz: float | None, form: str | None, resample_hz: float | None
) -> tuple[float, Iterator[np.ndarray]]:
    """The rate of what is listened to, and its blocks."""
    if source == "-":
        if resample_hz is not None:
            raise InputError(
                "--resample with standard input.",
                "Sound of the rate of the model.",
                f"Let what writes it write {resample_hz:g} Hz (arecord -r, ffmpeg ... -ar).",
            )
        return open_pipe(sys.stdin.buffer, seconds, rate_hz=rate_hz, form=form)
    if form is not None or rate_hz is not None:
        raise InputError(
            f"--{'format' if form else 'rate'} with the file {source}, which says it itself.",
            "--format and --rate with standard input: antiphon listen MODEL -.",
            "Leave them out.",
        )
    info = sound_info(source)
    if info.channels > 1:
        line(console(), "mixed", f"{info.channels} channels to their mean")
    if resample_hz not in (None, info.rate_hz):
        line(console(), "resampled", f"from {info.rate_hz:g} Hz to {resample_hz:g} Hz")
    return resample_hz or info.rate_hz, read_blocks(source, seconds, rate_hz=resample_hz)


class _Saying:
    """Prints what changes, and writes all of it to a table where one is wanted."""

    def __init__(self, out: Any, fitted: Any, write: Callable[[list[Any]], Any] | None) -> None:
        self.out, self.write = out, write
        self.label: Any = None
        self.classes: list[Any] = [] if fitted.task == "regression" else fitted.classes_.tolist()
        if write is not None:
            write(["seconds", "prediction", *(f"p_{label}" for label in self.classes)])

    def __call__(self, decisions: list[Any], *, last: bool = False) -> None:
        for number, one in enumerate(decisions, 1):
            if self.write is not None:
                self.write([f"{one.seconds:.6g}", one.label, *(f"{p:.6g}" for p in one.probabilities)])
            if (last and number == len(decisions)) or one.label != self.label:
                text = str(one.label) if one.probabilities else f"{one.label:.6g}"
                # Not the highest: with a threshold of its own a model may say what is less likely.
                sure = f"  {one.probabilities[self.classes.index(one.label)]:.2f}" if self.classes else ""
                line(self.out, f"{one.seconds:.2f} s", text + sure)
            self.label = one.label


def _table(files: ExitStack, path: Path) -> Callable[[list[Any]], Any]:
    """Writes rows as they come: a run may go on for days, or be cut off."""
    try:
        file = files.enter_context(path.open("w", encoding="utf-8", newline="", buffering=1))
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}.",
            "A file in a folder that exists.",
            "Choose another.",
        ) from error
    return csv_module.writer(file, lineterminator="\n").writerow


def _sum_up(out: Any, listener: Any, block: float, took: float, longest: float, ended: str) -> None:
    rate = listener.rate_hz
    heard = listener.samples / rate
    line(out, ended, f"after {heard:,.2f} s of sound, {listener.frames:,} frames")
    ahead = listener.latency_seconds
    line(
        out,
        "latency",
        f"{ahead + block + longest:.3f} s at most: {ahead:.3f} s that a frame looks ahead, {block:g} s a "
        f"block, {longest:.3f} s to compute one",
    )
    factor = f"{took / heard:.4f}: {took:.2f} s of one core" if heard else "-"
    line(out, "real-time factor", f"{factor}; {listener.compile_seconds:.2f} s before that to compile")
