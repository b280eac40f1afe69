"""Who does the work: this process, others of this machine, an executor that was given, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

from antiphon.errors import InputError, SearchError
from antiphon.search._ahead import Ahead
from antiphon.search._pool import ExecutorPool, Pool, processes
from antiphon.search._work import Job, Workshop

MOST_DEATHS = 3  # Jobs in a row that kill their workers: then it is not the jobs.


class Crew:
    """Runs jobs on one or more workers; results come in the order of the jobs.

    A worker that dies costs no result: what it may have had in hand is done again, one job at a time, so that
    a job that kills its worker a second time is known for certain; it fails, and all others are done.

    Args:
        workshop: What the workers need.
        jobs: How many processes; 1 is this one.
        cluster: Address of a Dask scheduler.
        executor: An executor, or what makes one.

    Raises:
        InputError: If more than one of these is asked for, or it cannot be used.
    """

    def __init__(
        self,
        workshop: Workshop,
        jobs: int = 1,
        *,
        cluster: str | None = None,
        executor: Executor | Callable[[], Executor] | None = None,
    ) -> None:
        if executor is not None and (cluster is not None or jobs > 1):
            other = f"jobs={jobs}" if cluster is None else f"cluster={cluster!r}"
            raise InputError(f"An executor, and {other}.", "One of them.", "Leave one out.")
        self.workshop, self.jobs, self.cluster, self.executor = workshop, jobs, cluster, executor
        self.pool: Pool | None = None
        self.ahead: Ahead | None = None
        self.batch: _Batch | None = None
        self.deaths = 0  # Jobs in a row that were done alone and killed their worker.

    def __enter__(self) -> Crew:
        if self.cluster is not None:
            self.pool = _cluster(self.workshop, self.cluster)
        elif self.executor is not None or self.jobs > 1:
            self.pool = ExecutorPool(self.workshop, self.executor or processes(self.jobs))
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()
        if self.pool is not None:
            self.pool.close()

    def start(self, jobs: Sequence[Job]) -> list[Callable[[], dict[str, Any]]]:
        """Begin jobs, and drop those of before; each returned function waits for one and gives its result."""
        self.drop()
        if self.pool is None:
            self.ahead = Ahead(self.workshop, jobs)
            return [partial(self.ahead.result, number) for number in range(len(jobs))]
        self.batch = _Batch(self, self.pool, jobs)
        self.batch.begin()
        return [partial(self.batch.result, number) for number in range(len(jobs))]

    def drop(self) -> None:
        """Forget the jobs that no worker has begun."""
        if self.ahead is not None:
            self.ahead.close()
            self.ahead = None
        if self.batch is not None:
            self.batch.drop()
            self.batch = None


class _Batch:
    """Jobs that were begun together."""

    def __init__(self, crew: Crew, pool: Pool, jobs: Sequence[Job]) -> None:
        self.crew, self.pool, self.jobs = crew, pool, jobs
        self.waiting: list[Future[dict[str, Any]]] = []
        self.done: dict[int, dict[str, Any]] = {}  # By other means than the future of that number.

    def begin(self) -> None:
        for job in self.jobs:  # One by one: what was given before an interrupt can be dropped.
            self.waiting.append(self.pool.submit(job))

    def drop(self) -> None:
        for future in self.waiting:
            future.cancel()

    def result(self, number: int) -> dict[str, Any]:
        while number not in self.done:
            try:
                self.done[number] = self.pool.wait(self.waiting[number])
            except self.pool.lost:
                self._recover(number)
        return self.done.pop(number)

    def _recover(self, number: int) -> None:
        """A worker died: begin again what it took with it."""
        self.pool.renew()
        lost = [n for n in range(number, len(self.jobs)) if n not in self.done and self._is_lost(n)]
        alone = lost[: self.pool.at_risk]
        for n in alone:
            self.done[n] = self._alone(self.jobs[n])
        for n in lost[len(alone) :]:
            self.waiting[n] = self.pool.submit(self.jobs[n])

    def _is_lost(self, number: int) -> bool:
        future = self.waiting[number]
        if not future.done() or future.cancelled():
            return self.pool.at_risk is not None  # The pool that it was in is no more.
        return isinstance(future.exception(), self.pool.lost)

    def _alone(self, job: Job) -> dict[str, Any]:
        try:
            result = self.pool.wait(self.pool.submit(job))
        except self.pool.lost as error:
            self.crew.deaths += 1
            if self.crew.deaths == MOST_DEATHS:
                raise SearchError(
                    f"Workers die whatever they are given; the last words: {error}",
                    "Workers that live: with enough memory, and with all modules that the language needs.",
                    "Run it with jobs=1 to see what happens, or with fewer workers.",
                ) from error
            self.pool.renew()
            return self.crew.workshop.failed(job, "a worker died of it, twice")
        self.crew.deaths = 0
        return result


def _cluster(workshop: Workshop, address: str) -> Pool:
    try:
        from antiphon.search._cluster import Cluster
    except ModuleNotFoundError as error:
        if error.name not in ("distributed", "dask"):
            raise
        raise InputError(
            f"cluster={address!r}, but the package distributed is not installed.",
            "Dask, here and on the workers.",
            "Run: pip install 'antiphon[dask]'",
        ) from error
    return Cluster(workshop, address)
