"""Executors that a dead worker breaks as a whole: process pools, ours and those that were given."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from typing import Any, Protocol

from antiphon._engine import environment
from antiphon.errors import InputError, SearchError
from antiphon.search._parcel import Post, run
from antiphon.search._work import Job, Workshop


class Pool(Protocol):
    """Where jobs are done.

    Attributes:
        lost: What waiting raises when a worker died with a job.
    """

    lost: tuple[type[Exception], ...]

    @property
    def at_risk(self) -> int | None:
        """How many of the jobs without a result, the first ones, may have been in a dead worker's hands.

        `None` if only those were whose futures say so.
        """
        ...

    def submit(self, job: Job) -> Future[dict[str, Any]]:
        """Begin a job."""
        ...

    def wait(self, future: Future[dict[str, Any]]) -> dict[str, Any]:
        """Wait for a job's result."""
        ...

    def renew(self) -> None:
        """Be ready for jobs again after a worker was lost."""
        ...

    def close(self) -> None:
        """Let go of all that was opened."""
        ...


class ExecutorPool:
    """Jobs in an executor.

    Args:
        workshop: What the workers need.
        executor: It, or what makes it; what was made here is shut down here.

    Raises:
        InputError: If it is neither.
    """

    lost: tuple[type[Exception], ...] = (BrokenExecutor,)

    def __init__(self, workshop: Workshop, executor: Executor | Callable[[], Executor]) -> None:
        if not callable(executor) and not callable(getattr(executor, "submit", None)):
            raise InputError(
                f"executor={executor!r}.",
                "An object with the interface of concurrent.futures.Executor, or a function that makes one.",
                "Give one, or jobs=2 for two processes.",
            )
        self._post = Post(workshop)
        self._post.write()
        self._make = executor if callable(executor) else None
        self._executor = executor() if callable(executor) else executor

    @property
    def at_risk(self) -> int:
        """Twice its workers: each has one job in hand, and results may be on their way."""
        return 2 * (getattr(self._executor, "_max_workers", None) or os.cpu_count() or 1)

    def submit(self, job: Job) -> Future[dict[str, Any]]:
        """Begin a job; a broken pool shows when its result is waited for."""
        try:
            with _uninterrupted():
                return self._executor.submit(run, self._post.parcel, job)
        except BrokenExecutor as error:
            future: Future[dict[str, Any]] = Future()
            future.set_exception(error)
            return future
        except RuntimeError as error:
            raise self._closed(error) from error

    def wait(self, future: Future[dict[str, Any]]) -> dict[str, Any]:
        """Wait for a job's result."""
        try:
            return future.result()
        except CancelledError as error:
            raise self._closed(error) from error

    def _closed(self, error: BaseException) -> SearchError:
        return SearchError(
            f"The executor takes no jobs any more: {error or 'its jobs were cancelled'}.",
            "One that is open until the search is over.",
            "Run the same again with the same journal: nothing that was fitted is lost.",
        )

    def renew(self) -> None:
        """Make a new executor in place of the broken one."""
        if self._make is None:
            raise SearchError(
                "A worker of the executor died, which broke it.",
                "An executor whose workers live, or a function that makes a new one.",
                "Give the function as executor=..., and the same journal: nothing that was fitted is lost.",
            )
        with _uninterrupted():
            _shut(self._executor)
            self._executor = self._make()

    def close(self) -> None:
        """Shut down what was made here, its workers in the midst of their jobs."""
        if self._make is not None:
            _shut(self._executor)
        self._post.close()


def processes(count: int) -> Callable[[], Executor]:
    """A function that makes a pool of processes, each on about one core, with one cache of compiled code."""

    def make() -> Executor:
        from loky import ProcessPoolExecutor

        # Workers share one GPU, if there is one: none of them may take its memory beforehand.
        shared = {"XLA_PYTHON_CLIENT_PREALLOCATE": os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE", "false")}
        return ProcessPoolExecutor(
            max_workers=count, initializer=_leave_interrupts, env={**environment(), **shared}
        )

    return make


def _leave_interrupts() -> None:
    # Ctrl-C reaches every process of a terminal; only the one that coordinates answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits, and a process that starts meanwhile inherits that it is none of its business."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _shut(executor: Executor) -> None:
    try:
        executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]
    except TypeError:  # Not loky's: it waits for the jobs in hand.
        executor.shutdown(wait=True, cancel_futures=True)
