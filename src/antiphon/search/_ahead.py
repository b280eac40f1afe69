"""Doing jobs here, while the next ones are compiled in another thread."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from antiphon.fitting import Batch, Formulas
from antiphon.search._work import Job, Workshop

DEPTH = 2  # Batches that wait with their data.


class Ahead:
    """Jobs in their order: one runs, the next are prepared.

    XLA compiles without Python's lock, so on two cores compiling costs no time while anything is trained.

    Args:
        workshop: Where they are done.
        jobs: What to do.
    """

    def __init__(self, workshop: Workshop, jobs: Sequence[Job]) -> None:
        self.workshop, self.jobs = workshop, jobs
        # One thread: batches that share a function are then compiled by the first of them.
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="antiphon-compile")
        self.prepared: dict[int, Future[Batch | Formulas | None]] = {}
        self.next = 0

    def _prepare(self, up_to: int) -> None:
        while self.next < min(up_to, len(self.jobs)):
            self.prepared[self.next] = self.thread.submit(self.workshop.prepare, self.jobs[self.next])
            self.next += 1

    def result(self, number: int) -> dict[str, Any]:
        """What a job gives; its predecessors are done or not wanted any more."""
        if len(self.jobs) == 1:  # Nothing to run beside.
            return self.workshop.run(self.jobs[0])
        self._prepare(number + 1 + DEPTH)
        batch = self.prepared.pop(number).result()
        if number + 1 == len(self.jobs):
            self.close()
        return self.workshop.run(self.jobs[number], batch)

    def close(self) -> None:
        """Prepare nothing more."""
        self.thread.shutdown(wait=False, cancel_futures=True)
