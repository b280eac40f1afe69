"""Workers of a Dask cluster. Only this module imports Dask, and only a search with a cluster imports it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any

import jax
from distributed import Client, KilledWorker, WorkerPlugin

from antiphon._engine import environment
from antiphon._version import __version__
from antiphon.errors import InputError, SearchError
from antiphon.search._parcel import Parcel, Post, forget, is_here, keep, run
from antiphon.search._work import Job, Workshop

CONNECTING_SECONDS = 10.0
PATIENCE_SECONDS = 60.0  # How long a cluster may be without workers.
LOOK_SECONDS = 5.0  # How often that is looked at.


class Delivery(WorkerPlugin):
    """Brings the workshop to each worker once, also to those that come later.

    Args:
        token: The workshop's name in jobs.
        workshop: What every worker needs.
        flags: XLA's flags in the process that searches, so that all compute alike.
    """

    def __init__(self, token: str, workshop: Workshop, flags: str | None) -> None:
        self.name, self.token, self.workshop, self.flags = f"antiphon-{token}", token, workshop, flags

    def setup(self, worker: Any) -> None:
        """Make ready; flags count only where JAX has not computed yet."""
        if is_here(self.token):  # A worker in the process that searches, where nothing is changed.
            return
        if self.flags is not None:
            os.environ.setdefault("XLA_FLAGS", self.flags)
        wanted = environment()
        os.environ.update(wanted)
        # Unpickling has imported JAX, which read these variables then.
        for name in (n for n in wanted if n.startswith("JAX_")):
            jax.config.update(name.lower(), _value(wanted[name]))
        keep(self.token, self.workshop)

    def teardown(self, worker: Any) -> None:
        """Clear away."""
        forget(self.token)


def _value(text: str) -> Any:
    return int(text) if text.lstrip("-").isdigit() else text


def _short(python: str) -> str:
    """Of Python 3.x.y, only 3.x counts: it decides which functions can travel."""
    return ".".join(python.split(".")[:2])


def _asker(name: str) -> Callable[[], str | None]:
    """A function that travels as code, so that a worker without Antiphon can run it, too."""

    def ask() -> str | None:
        import importlib

        try:
            return importlib.import_module(name).__version__
        except ImportError:
            return None

    return ask


class _Client(Client):
    """A client that is closed at once where nothing answers.

    Left to the garbage collector, Dask's own is closed whenever that runs: also while another client starts,
    which holds the lock that closing waits for.
    """

    def start(self, **given: Any) -> None:
        try:
            super().start(**given)
        except BaseException:
            self.close()
            raise


class Cluster:
    """Jobs on the workers of a Dask cluster; Dask itself gives those of a dead worker to others.

    Args:
        workshop: What the workers need.
        address: Of the scheduler, such as `tcp://127.0.0.1:8786`.

    Raises:
        InputError: If nothing answers there, or its workers cannot do this work.
    """

    lost: tuple[type[Exception], ...] = (KilledWorker,)
    at_risk = None

    def __init__(self, workshop: Workshop, address: str) -> None:
        self.address = address
        try:
            self._client = _Client(address, timeout=CONNECTING_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"cluster={address!r}: no Dask scheduler answers ({error}).",
                "The address of one that runs, such as tcp://127.0.0.1:8786.",
                "Start one with `dask scheduler`, workers with `dask worker ADDRESS`; or give jobs instead.",
            ) from error
        self._post = Post(workshop)
        try:
            self._check()
            plugin = Delivery(self._post.parcel.token, workshop, os.environ.get("XLA_FLAGS"))
            self._client.register_plugin(plugin)
        except BaseException:
            self.close()
            raise
        self._executor = self._client.get_executor(pure=False)
        self._empty_since: float | None = None

    def _check(self) -> None:
        """Refuse workers that would compute something else, or nothing."""
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE_SECONDS)
        except TimeoutError as error:
            raise self._deserted(InputError) from error
        versions: Any = self._client.get_versions()
        self._compare(
            "Python",
            _short(platform.python_version()),
            {worker: _short(known["host"]["python"]) for worker, known in versions["workers"].items()},
        )
        for name, here in (("antiphon", __version__), ("jax", jax.__version__)):
            self._compare(name, here, self._there(name))

    def _there(self, name: str) -> dict[str, str | None]:
        found: Any = self._client.run(_asker(name))
        return found

    def _compare(self, name: str, here: str, there: dict[str, str | None]) -> None:
        for worker, version in sorted(there.items()):
            if version != here:
                raise InputError(
                    f"The worker {worker} has {f'no {name}' if version is None else f'{name} {version}'}.",
                    f"{name} {here}, as here: results may not depend on who works.",
                    "Install the same versions on the workers, and start them again.",
                )

    def submit(self, job: Job) -> Future[dict[str, Any]]:
        """Begin a job."""
        return self._executor.submit(run, Parcel(self._post.parcel.token), job)

    def wait(self, future: Future[dict[str, Any]]) -> dict[str, Any]:
        """Wait for a job's result, as long as there is somebody who can give it."""
        while True:
            try:
                return future.result(timeout=LOOK_SECONDS)
            except TimeoutError:
                if future.done():
                    raise
                self._look()
            except CancelledError as error:
                raise self._gone() from error

    def _look(self) -> None:
        try:
            workers = self._client.scheduler_info()["workers"]
        except OSError as error:
            raise self._gone() from error
        now = time.monotonic()
        self._empty_since = None if workers else self._empty_since or now
        if self._empty_since is not None and now - self._empty_since > PATIENCE_SECONDS:
            raise self._deserted(SearchError)

    def _deserted(self, kind: type[InputError] | type[SearchError]) -> InputError | SearchError:
        return kind(
            f"The cluster {self.address} has had no workers for {PATIENCE_SECONDS:g} s.",
            "One worker at least.",
            f"Start some with `dask worker {self.address}` and run it again: the journal has the rest.",
        )

    def _gone(self) -> SearchError:
        return SearchError(
            f"The Dask scheduler {self.address} is gone.",
            "A scheduler that runs until the search is over.",
            "Start it and run the same again with the same journal: nothing that was fitted is lost.",
        )

    def renew(self) -> None:
        """Nothing: Dask goes on with the workers that are left."""

    def close(self) -> None:
        """Take the workshop away from the workers, and hang up."""
        try:
            if self._client.status == "running":
                self._client.unregister_worker_plugin(f"antiphon-{self._post.parcel.token}")
        except (OSError, ValueError):  # Gone, or it was never registered.
            pass
        finally:
            self._client.close()
            self._post.close()
