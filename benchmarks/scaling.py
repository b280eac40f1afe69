"""Claim: two processes on two cores find the same front as one on one core, 1.6 times as fast or more.

One search of CalMS21 (a synthetic set of its shape where the data are not there) is run with one process,
with two, on a Dask cluster of two workers, and on one that loses a worker in the midst of it. Each run is a
process of its own that begins with an empty cache of compiled functions, on one thread for each worker. The
one process is held to one core: else it compiles ahead on a second one. What it does with both is a run of
its own.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _record import arguments, record
from calms21 import FOLDER, features

from antiphon._engine import configure

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = ("one process", "one process, every core", "two processes", "dask", "dask, one worker killed")
SHAPE = (2000, 13, 18)  # Of CalMS21's sequences, for data made up in its place.
KILLED_AT = 3  # The candidate whose start is a worker's end.


def main() -> None:
    """Measure and write."""
    options = arguments(
        __doc__, folder=str(FOLDER), candidates=200, steps=300, seed=0, cases=SHAPE[0], only="", one=""
    )
    if options.one:
        print(json.dumps(measure(options)))
        return
    wanted = [name for name in RUNS if name in (options.only.split(";") if options.only else RUNS)]
    runs = {name: in_a_process(name) for name in wanted}
    base = runs.get("one process")
    figures: dict[str, Any] = {
        "data": "calms21" if Path(options.folder).is_dir() else "synthetic, of the shape of calms21",
        "seed": options.seed,
        "candidates": options.candidates,
        "steps": options.steps,
        "cores": len(os.sched_getaffinity(0)),
        "runs": {name: {k: v for k, v in run.items() if k != "front"} for name, run in runs.items()},
    }
    if base is not None:
        rate = base["candidates_per_second"]
        figures["speed_up"] = {name: run["candidates_per_second"] / rate for name, run in runs.items()}
        figures["equal_front"] = {name: run["front"] == base["front"] for name, run in runs.items()}
    record("scaling", figures, options.json)


def in_a_process(name: str) -> dict[str, Any]:
    """One run, with a cache of its own."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--one", name],
            env={**os.environ, "XDG_CACHE_HOME": cache},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def measure(options: Any) -> dict[str, Any]:
    """The search, in this process and the workers that belong to it."""
    if options.one == "one process" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    configure()
    from antiphon import ProgramClassifier
    from antiphon.search import CandidateStarted, Settings

    X, y, subjects = data(options)
    with ExitStack() as open_:
        cluster, listeners = None, []
        if options.one.startswith("dask"):
            cluster, workers = open_.enter_context(dask_cluster(2))

            def kill(event: Any) -> None:
                if isinstance(event, CandidateStarted) and event.number == KILLED_AT:
                    workers[0].kill()

            if "killed" in options.one:
                listeners.append(kill)
        model = ProgramClassifier(
            candidates=options.candidates,
            n_jobs=cluster or (2 if options.one == "two processes" else 1),
            random_state=options.seed,
            options=Settings(steps=options.steps),
        )
        begun = time.perf_counter()
        model.fit(X, y, groups=subjects, listeners=listeners)
        seconds = time.perf_counter() - begun
    # Workers have ended, so their time is in that of this process's children.
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    found = model.search_
    return {
        "seconds": seconds,
        "candidates": found.candidates,
        "candidates_per_second": found.candidates / seconds,
        "compile_seconds": found.compile_seconds,
        "cores_used": sum(u.ru_utime + u.ru_stime for u in used) / seconds,
        "front": [(str(f.program), f.score, f.loss) for f in found.front],
    }


def data(options: Any) -> tuple[Any, Any, Any]:
    """Sequences, classes, and subjects if there are any."""
    from antiphon.data import load

    if Path(options.folder).is_dir():
        train, _ = load(options.folder, target="investigation", test_size=500, features=features())
        few = slice(options.cases)
        return train.X[few], train.y[few], None if train.subjects is None else train.subjects[few]
    import numpy as np

    rng = np.random.default_rng(options.seed)
    X = rng.normal(size=(options.cases, *SHAPE[1:])).astype(np.float32)
    return list(X), (X[:, -4:, 0].mean(1) + X[:, :, 1].max(1) > 1.8).astype(int), None


@contextmanager
def dask_cluster(count: int) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A scheduler and workers on this machine: its address, and the workers."""
    scheduler, address = start(
        "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", until=r"Scheduler at:\s+(\S+)"
    )
    workers: list[subprocess.Popen[str]] = []
    try:
        for _ in range(count):
            worker, _ = start(
                "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", until="(Registered to)"
            )
            workers.append(worker)
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.terminate()
            process.communicate()


def start(kind: str, *words: str, until: str) -> tuple[subprocess.Popen[str], str]:
    """A process of Dask, when it has said that it is ready, and what it said."""
    log = tempfile.NamedTemporaryFile(mode="w+", suffix=".log")  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words], stderr=log, stdout=log, text=True
    )
    for _ in range(600):
        if found := re.search(until, Path(log.name).read_text()):
            return process, found.group(1)
        time.sleep(0.1)
    raise RuntimeError(f"dask {kind} does not start: {Path(log.name).read_text()}")


if __name__ == "__main__":
    main()
