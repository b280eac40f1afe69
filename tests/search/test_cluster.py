"""Searches on a Dask cluster: a scheduler and workers that are real processes on this machine."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
from distributed import LocalCluster

from antiphon.errors import InputError, SearchError
from antiphon.search import CandidateFitted, CandidateStarted

SMALL = {"strategy": "enumeration", "candidates": 6, "finalists": 1}


class Processes:
    """A scheduler, and workers without a nanny: nobody starts them again when they die."""

    def __init__(self, folder):
        self.folder, self.workers = folder, []
        self.scheduler = self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = self.read(self.scheduler, r"Scheduler at:\s+(tcp://\S+)")

    def start(self, *arguments, **environment):
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
            cwd=self.folder,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )

    def read(self, process, pattern):
        for line in process.stderr:
            if found := re.search(pattern, line):
                return found.group(1)
        raise AssertionError("it ended before it began")

    def add_worker(self, **environment):
        arguments = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        worker = self.start("worker", self.address, *arguments, **environment)
        self.workers.append(worker)
        self.read(worker, r"(Registered to)")
        return worker

    def stop(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """A function that gives a scheduler with some workers; all of them end with the tests."""
    made = []

    @contextmanager
    def make(workers):
        cluster = Processes(tmp_path_factory.mktemp("dask"))
        made.append(cluster)
        try:
            for _ in range(workers):
                cluster.add_worker()
            yield cluster
        finally:
            cluster.stop()

    return make


@pytest.fixture(scope="module")
def alone(run):
    """The search that all others must equal."""
    return run(**SMALL)


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(run, alone, identity, processes, tmp_path):
    journal, events, killed = tmp_path / "journal", [], []
    with processes(2) as cluster:

        def kill(event):
            events.append(event)
            if isinstance(event, CandidateStarted) and not killed:
                killed.append(cluster.workers[0])
                cluster.workers[0].kill()

        found = run(cluster=cluster.address, journal=journal, listeners=[kill], **SMALL)
        assert killed[0].wait(10) != 0
        again = run(cluster=cluster.address, **SMALL)  # with the one that is left
    assert identity(found) == identity(again) == identity(alone)
    fitted = [e.text for e in events if isinstance(e, CandidateFitted)]
    assert len(set(fitted)) == len(fitted) == alone.candidates
    lines = journal.read_text().splitlines()
    assert len(set(lines)) == len(lines)


def test_workers_inside_this_process_give_the_same(run, alone, identity):
    """The cheapest real cluster; what is different about processes is in the slow tests."""
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        assert identity(run(cluster=cluster.scheduler_address, **SMALL)) == identity(alone)
        (worker,) = cluster.workers.values()
        for kept in (cluster.scheduler.worker_plugins, worker.plugins):
            assert not [name for name in kept if name.startswith("antiphon")], "the data are taken away again"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://here", "127.0.0.1"])
def test_an_address_where_nothing_answers(run, monkeypatch, address):
    monkeypatch.setattr("antiphon.search._cluster.CONNECTING_SECONDS", 0.5)
    with pytest.raises(InputError, match=r"no Dask scheduler answers.*dask scheduler"):
        run(cluster=address, **SMALL)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://here", "127.0.0.1"])
def test_a_client_that_found_nothing_is_closed_at_once(run, monkeypatch, address):
    """Else the garbage collector does it, at a moment when it may wait for ever."""
    from distributed import Client

    begun = []
    start = Client.start
    monkeypatch.setattr("antiphon.search._cluster.CONNECTING_SECONDS", 0.5)
    monkeypatch.setattr(Client, "start", lambda self, **given: begun.append(self) or start(self, **given))
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        run(cluster=address, **SMALL)
    assert [client.status for client in begun] == ["closed"]


def test_dask_is_not_installed(run, monkeypatch):
    monkeypatch.delitem(sys.modules, "antiphon.search._cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"distributed is not installed.*antiphon\[dask\]"):
        run(cluster="tcp://127.0.0.1:8786", **SMALL)


@pytest.mark.parametrize(
    ("module", "said"), [("raise ImportError", "no antiphon"), ("__version__ = '0.0.1'", "antiphon 0.0.1")]
)
@pytest.mark.slow
def test_workers_with_another_antiphon_or_none(run, processes, tmp_path, module, said):
    (tmp_path / "antiphon").mkdir()
    (tmp_path / "antiphon" / "__init__.py").write_text(module)
    with processes(0) as cluster:
        cluster.add_worker(PYTHONPATH=str(tmp_path))
        with pytest.raises(
            InputError, match=rf"The worker tcp://\S+ has {said}\..*install the same versions"
        ):
            run(cluster=cluster.address, **SMALL)


@pytest.mark.slow
def test_a_cluster_without_workers_is_not_waited_for_forever(run, processes, monkeypatch):
    monkeypatch.setattr("antiphon.search._cluster.PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr("antiphon.search._cluster.LOOK_SECONDS", 0.5)
    with processes(0) as cluster:
        with pytest.raises(InputError, match=r"has had no workers for 1 s.*dask worker tcp"):
            run(cluster=cluster.address, **SMALL)
        cluster.add_worker()

        def kill(event):
            if isinstance(event, CandidateStarted):
                cluster.workers[0].kill()

        with pytest.raises(SearchError, match="has had no workers for 1 s"):
            run(cluster=cluster.address, listeners=[kill], **SMALL)


@pytest.mark.slow
def test_a_scheduler_that_goes(run, processes):
    with processes(1) as cluster:

        def kill(event):
            if isinstance(event, CandidateStarted):
                cluster.scheduler.kill()

        with pytest.raises(SearchError, match=r"scheduler tcp://\S+ is gone"):
            run(cluster=cluster.address, listeners=[kill], **SMALL)
