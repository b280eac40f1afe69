"""Many workers: the same result whoever works, dead workers, small jobs, executors of any kind."""

import json
import multiprocessing
import os
import pickle
import subprocess
import tempfile
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

from antiphon.errors import InputError, OutputError, SearchError
from antiphon.language import sequence
from antiphon.search import CandidateFailed, CandidateFitted


class SerialExecutor(Executor):
    """Does at once what it is given, and keeps how large that was."""

    def __init__(self):
        self.sent, self.is_open = [], True

    def submit(self, fn, /, *args, **kwargs):
        self.sent.append((fn, args, kwargs))
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.is_open = False


class Refusing(SerialExecutor):
    """Keeps what it is given, and interrupts the search."""

    def submit(self, fn, /, *args, **kwargs):
        self.sent.append((fn, args, kwargs))
        raise KeyboardInterrupt


class Broken(SerialExecutor):
    """A pool whose workers cannot even start."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_exception(BrokenProcessPool("no memory"))
        return future


@pytest.fixture(scope="module")
def alone(small):
    """The search that all others must equal."""
    return small()


@pytest.fixture(scope="module")
def small(run):
    """A function that makes a search of a few jobs."""

    def search(given=None, **changes):
        return run(given, **{"strategy": "enumeration", "candidates": 6, "finalists": 1, **changes})

    return search


def test_any_executor_gives_the_same(small, alone, identity):
    executor = SerialExecutor()
    assert identity(small(executor=executor)) == identity(alone)
    assert executor.is_open, "what was given stays open"
    with ThreadPoolExecutor(2) as threads:
        assert identity(small(executor=threads)) == identity(alone)
    made = []

    def make():
        made.append(SerialExecutor())
        return made[-1]

    assert identity(small(executor=make)) == identity(alone)
    assert [executor.is_open for executor in made] == [False], "what was made here is shut down here"


@pytest.mark.slow
def test_plain_processes_give_the_same(small, alone, identity):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        assert identity(small(executor=processes)) == identity(alone)
        assert identity(small(executor=processes, seed=1)) != identity(alone), (
            "a second search has its own data"
        )


def test_the_data_do_not_travel_with_the_jobs(small, problem):
    """A job is small, and no larger where there are more cases."""
    given, sizes = problem(), []
    for repeats in (1, 20):
        names = ("values", "mask", "targets")
        executor = Refusing()
        with pytest.raises(SearchError, match="No complete program"):
            small(
                problem(**{n: np.concatenate([getattr(given, n)] * repeats) for n in names}),
                executor=executor,
            )
        ((_, (_, job), _),) = executor.sent
        sizes.append(len(pickle.dumps(executor.sent)))
        assert sizes[-1] < 1000 + 500 * len(job.terms)
    assert sizes[0] == sizes[1]


def deadly(deaths, folder):
    """A language, one of whose words kills the worker that computes it, a number of times."""
    language = sequence.bind({"speed": "cm/s", "angle": "rad"}, rate_hz=10)
    language.rules[:] = []
    language.rule("output", "affine(?summary)")
    language.rule("output", "affine(?summary) + ?output")
    for summary in ("mean(x)", "max(x)"):
        language.rule("summary", summary)
    parent = os.getpid()

    @language.primitive("Real[1] -> Real[1]", searched=False)
    def shaky(vector):
        import signal  # it travels by value, without this module

        marks = [folder / f"died-{i}" for i in range(deaths)]
        free = [mark for mark in marks if not mark.exists()]
        if free and os.getpid() != parent:
            free[0].touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * vector

    language.rule("output", "shaky(affine(?summary))")
    return language


class Breaking(SerialExecutor):
    """A pool that does some jobs, and then breaks with all that it is given."""

    def __init__(self, jobs):
        super().__init__()
        self.left = jobs

    def submit(self, fn, /, *args, **kwargs):
        if self.left == 0:
            future = Future()
            future.set_exception(BrokenProcessPool("a worker died"))
            return future
        self.left -= 1
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize("jobs", [0, 1, 2])
def test_a_broken_pool_is_replaced_and_no_job_is_done_twice(small, alone, identity, jobs):
    made = []

    def make():
        made.append(Breaking(1000 if made else jobs))
        return made[-1]

    assert identity(small(executor=make)) == identity(alone)
    assert [executor.is_open for executor in made] == [False, False]
    done = [pickle.dumps(job) for executor in made for _, (_, job), _ in executor.sent]
    assert len(made[0].sent) == jobs
    assert len(set(done)) == len(done)


@pytest.mark.slow
def test_a_job_whose_worker_dies_is_done_again_once(small, problem, identity, tmp_path):
    fine = small(problem(language=deadly(0, tmp_path)))
    journal, events = tmp_path / "journal", []
    found = small(problem(language=deadly(1, tmp_path)), jobs=2, journal=journal, listeners=[events.append])
    assert (tmp_path / "died-0").exists(), "a worker did die"
    assert identity(found) == identity(fine)
    assert found.failed == 0
    fitted = [e.text for e in events if isinstance(e, CandidateFitted)]
    assert len(set(fitted)) == len(fitted) == fine.candidates
    keys = [key for line in journal.read_text().splitlines()[1:] for key in json.loads(line)["results"]]
    assert len(set(keys)) == len(keys) > 0
    assert not workers_left()


def workers_left():
    """Loky's workers among the processes below this one; its tracker of resources stays to the end."""
    found = subprocess.run(["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return [line for line in found.stdout.splitlines() if "loky.backend.popen" in line]


@pytest.mark.slow
def test_a_job_that_kills_its_workers_fails_and_the_others_do_not(small, problem, tmp_path):
    events = []
    found = small(problem(language=deadly(1000, tmp_path)), jobs=2, listeners=[events.append])
    failed = [e for e in events if isinstance(e, CandidateFailed)]
    assert found.failed == len(failed) > 0
    assert all("shaky" in e.text for e in failed)
    assert all(e.reason == "a worker died of it, twice" for e in failed)
    assert sum(isinstance(e, CandidateFitted) for e in events) == found.candidates - len(failed)
    assert "shaky" not in str(found.chosen.program)


def test_an_executor_that_breaks_says_how_to_go_on(small, problem, identity, tmp_path):
    given, journal = problem(language=deadly(1, tmp_path)), tmp_path / "journal"
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=spawn) as processes,
        pytest.raises(SearchError, match="a function that makes a new one"),
    ):
        small(given, executor=processes, journal=journal)
    again = small(given, executor=SerialExecutor(), journal=journal)
    assert identity(again) == identity(small(given))


def test_workers_that_die_of_everything_end_the_search(small):
    with pytest.raises(SearchError, match="die whatever they are given; the last words: no memory"):
        small(executor=Broken, candidates=100, size_limit=9)


def test_executors_that_are_none_or_closed(small):
    with pytest.raises(InputError, match=r"the interface of concurrent.futures.Executor"):
        small(executor=3)
    with pytest.raises(InputError, match=r"An executor, and jobs=2"):
        small(executor=SerialExecutor(), jobs=2)
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    with pytest.raises(SearchError, match="takes no jobs any more: cannot schedule new futures"):
        small(executor=threads)


def test_a_folder_for_the_data_that_cannot_be_written_to(small, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(OutputError, match=r"written for the workers to \S+nowhere: No such file.*TMPDIR"):
        small(jobs=2)


def test_a_file_that_is_not_the_search_s_own_is_not_read(small, monkeypatch, tmp_path):
    """Workers that are processes read the workshop from a file; here one is made to, in this process."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("antiphon.search._parcel.keep", lambda token, workshop: None)

    class Meddler(SerialExecutor):
        def __init__(self, meddle):
            super().__init__()
            self.meddle = meddle

        def submit(self, fn, /, *args, **kwargs):
            file = next(tmp_path.glob("antiphon-*")) / "workshop"
            assert file.parent.stat().st_mode & 0o077 == 0, "nobody else reads it"
            self.meddle(file)
            return super().submit(fn, *args, **kwargs)

    with pytest.raises(SearchError, match="is not what the search wrote"):
        small(executor=Meddler(lambda file: file.write_bytes(b"else")))
    with pytest.raises(SearchError, match=r"could not read .* No such file"):
        small(executor=Meddler(lambda file: file.unlink(missing_ok=True)))
    assert small(executor=Meddler(lambda file: None), candidates=3).candidates == 3
    assert not list(tmp_path.iterdir()), "nothing is left behind"
