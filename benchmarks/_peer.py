"""Another Python that measures its own models, a round when it is asked, so that both sides take turns."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

PEERS = Path(__file__).resolve().parent / "peers"
# One thread a process, here and in every peer; the first two for PyTorch, the last for XLA.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def pin() -> None:
    """Bind this process, and those that it starts, to one core and one thread; before JAX is imported."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ |= ONE_THREAD


class Peer:
    """A script of `peers/` in another Python; it reads a line of JSON and answers with one.

    Args:
        python: The interpreter.
        script: A file of `peers/`.
        settings: What it measures, sent first; it answers what it is.
        environment: Variables of its own.
    """

    def __init__(self, python: str, script: str, settings: Any, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [python, str(PEERS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.about = self.ask(settings)

    def ask(self, question: Any) -> Any:
        """The answer to one question."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):  # what libraries print is passed over
                return json.loads(line)
        raise RuntimeError(f"The peer {self.process.args} ended with {self.process.wait()}.")

    def close(self) -> None:
        """End it."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()
