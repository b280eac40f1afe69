"""The workshop on its way to the workers: each process gets it once, and jobs name it by a token.

An executor that is not ours has no way to set up its workers, so the workshop lies in a file that only this
user can read. A worker takes nothing from it but what has the digest that came with the job.
"""

from __future__ import annotations

import hashlib
import pickle
import tempfile
import uuid
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

from antiphon.errors import OutputError, SearchError
from antiphon.search._work import Job, Workshop

MOST_KEPT = 2  # Workshops that a worker keeps of those it read: a search that is over needs no memory.

_HERE: dict[str, Workshop] = {}
_READ: OrderedDict[str, Workshop] = OrderedDict()
_READING = Lock()


@dataclass(frozen=True)
class Parcel:
    """All that a job says about its workshop.

    Attributes:
        token: Its name, different for every search.
        path: The file it lies in; `None` where workers are given it by other means.
        digest: SHA-256 of that file.
    """

    token: str
    path: str | None = None
    digest: str = ""


def keep(token: str, workshop: Workshop) -> None:
    """Have a workshop ready in this process, for the jobs that name it."""
    _HERE[token] = workshop


def is_here(token: str) -> bool:
    """Whether a workshop is ready in this process."""
    return token in _HERE


def forget(token: str) -> None:
    """Let go of it."""
    _HERE.pop(token, None)


def run(parcel: Parcel, job: Job) -> dict[str, Any]:
    """Do a job, in whatever process this is."""
    return _workshop(parcel).run(job)


def _workshop(parcel: Parcel) -> Workshop:
    if parcel.token in _HERE:
        return _HERE[parcel.token]
    with _READING:
        if parcel.token not in _READ:
            _READ[parcel.token] = _read(parcel)
            while len(_READ) > MOST_KEPT:
                _READ.popitem(last=False)
        return _READ[parcel.token]


def _read(parcel: Parcel) -> Workshop:
    advice = "use executors whose workers run on this machine, and a Dask cluster for others."
    try:
        content = Path(parcel.path or "").read_bytes()
    except OSError as error:
        raise SearchError(
            f"A worker could not read {parcel.path}: {error.strerror}.",
            "Workers that can read the temporary files of the process that searches.",
            advice,
        ) from error
    if hashlib.sha256(content).hexdigest() != parcel.digest:
        raise SearchError(
            f"The file {parcel.path} is not what the search wrote for its workers.",
            "A file that nobody changed.",
            advice,
        )
    return pickle.loads(content)


class Post:
    """A workshop that waits for its workers, from `__init__` to `close`.

    Args:
        workshop: What every worker needs.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.parcel = Parcel(uuid.uuid4().hex)
        self._folder: tempfile.TemporaryDirectory | None = None
        keep(self.parcel.token, workshop)  # Threads find it here.

    def write(self) -> None:
        """Write the file, for workers that are processes.

        Raises:
            OutputError: If it cannot be written.
        """
        # Languages hold functions that were made inside others, which plain pickle cannot name.
        import cloudpickle

        content = cloudpickle.dumps(self.workshop)
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="antiphon-", ignore_cleanup_errors=True)
            path = Path(self._folder.name, "workshop")
            path.write_bytes(content)
        except OSError as error:
            self.close()
            raise OutputError(
                f"The data cannot be written for the workers to {tempfile.gettempdir()}: {error.strerror}.",
                f"A folder for temporary files with {len(content) / 1e6:.0f} MB of space.",
                "Set TMPDIR to another one.",
            ) from error
        self.parcel = replace(self.parcel, path=str(path), digest=hashlib.sha256(content).hexdigest())

    def close(self) -> None:
        """Remove what was kept."""
        forget(self.parcel.token)
        if self._folder is not None:
            self._folder.cleanup()
