"""Results of jobs: from the journal where it has them, else from the crew, and then kept at once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from antiphon.fitting import text_of
from antiphon.language import Language
from antiphon.search._crew import Crew
from antiphon.search._journal import Journal
from antiphon.search._work import Job


class Ledger:
    """Runs jobs through a crew and a journal, and keeps the time.

    Args:
        journal: What was done before; new results go there.
        crew: Who works.
        language: Of the jobs' terms.
    """

    def __init__(self, journal: Journal, crew: Crew, language: Language) -> None:
        self.journal, self.crew, self.language = journal, crew, language
        self.begun = time.perf_counter() - journal.seconds
        self.compile_seconds = 0.0

    @property
    def seconds(self) -> float:
        """How long the search has taken, earlier runs of the same journal included."""
        return time.perf_counter() - self.begun

    def results(
        self,
        jobs: Sequence[Job],
        *,
        starting: Callable[[int], None] | None = None,
        limit: float = float("inf"),
        at_least: int = 0,
    ) -> Iterator[dict[str, Any]]:
        """The results of jobs, in order; stops at the limit of time.

        Args:
            jobs: Groups to be fitted.
            starting: Called with a job's number before its result is waited for.
            limit: Seconds of the search after which nothing new is waited for.
            at_least: How many of the first jobs are waited for whatever the time.
        """
        keys = [self._key(job) for job in jobs]
        # By key: equal jobs of one round are done once.
        fresh = {key: job for job, key in zip(jobs, keys, strict=True) if key not in self.journal}
        waiting = dict(zip(fresh, self.crew.start(list(fresh.values())), strict=True))
        for number, key in enumerate(keys):
            if key in self.journal:
                found = {**self.journal[key], "seconds": 0.0}
            else:
                if self.seconds > limit and number >= at_least:
                    self.crew.drop()
                    return
                if starting is not None:
                    starting(number)
                found = waiting[key]()
                self.compile_seconds += found["compile_seconds"]
                self.journal.add({key: {"results": found["results"]}}, seconds=self.seconds)
            yield found

    def _key(self, job: Job) -> str:
        """What a group's results depend on, besides what the journal's header says."""
        digest = hashlib.sha256()
        for term in job.terms:
            digest.update(text_of(term, self.language).encode() + b"\n")
        for tree in (*job.start, *job.keep):
            for path in sorted(tree):
                leaf = tree[path]
                arrays = leaf.items() if isinstance(leaf, dict) else [("", leaf)]
                for name, array in sorted(arrays):
                    digest.update(f"{path} {name}".encode() + np.ascontiguousarray(array).tobytes())
        digest.update(repr((job.l2, job.screened)).encode())
        return f"{job.stage} {digest.hexdigest()[:24]}"
