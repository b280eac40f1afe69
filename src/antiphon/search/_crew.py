"""Who does the work: this process, or several."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from antiphon.search._work import Job, Workshop

_HERE: dict[str, Workshop] = {}


def _settle(workshop: Workshop) -> None:
    """Keep the workshop in this worker process."""
    # Ctrl-C reaches every process of a terminal; only the one that coordinates answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _HERE["workshop"] = workshop


def _run_here(job: Job) -> dict[str, Any]:
    return _HERE["workshop"].run(job)


class Crew:
    """Runs jobs on one or more workers; results come in the order of the jobs.

    Args:
        workshop: What the workers need.
        jobs: How many processes; 1 is this one.
    """

    def __init__(self, workshop: Workshop, jobs: int) -> None:
        self.workshop, self.jobs = workshop, jobs
        self.executor: Executor | None = None
        self.waiting: list[Future] = []

    def __enter__(self) -> Crew:
        if self.jobs > 1:
            from loky import ProcessPoolExecutor

            self.executor = ProcessPoolExecutor(
                max_workers=self.jobs, initializer=_settle, initargs=(self.workshop,)
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.executor is not None:
            self.executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]

    def start(self, jobs: Sequence[Job]) -> list[Callable[[], dict[str, Any]]]:
        """Begin jobs; each returned function waits for one and gives its result."""
        if self.executor is None:
            return [lambda job=job: self.workshop.run(job) for job in jobs]
        self.waiting = [self.executor.submit(_run_here, job) for job in jobs]
        return [future.result for future in self.waiting]

    def drop(self) -> None:
        """Forget the jobs that no worker has begun."""
        for future in self.waiting:
            future.cancel()
