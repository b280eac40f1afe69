"""How the `antiphon` command sets up JAX for its own process; the library never calls this unasked."""

from __future__ import annotations

import os
from pathlib import Path

# One thread a process: the same seed then gives the same bits whatever the machine has, and worker
# processes do not fight for cores.
_DETERMINISTIC = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def cache_folder() -> Path:
    """Where compiled functions are kept between runs: `$XDG_CACHE_HOME/antiphon`, else `~/.cache/antiphon`.

    Example:
        >>> cache_folder().name
        'antiphon'
    """
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path("~/.cache").expanduser()
    return base / "antiphon"


def configure() -> None:
    """Make JAX deterministic on the CPU and keep what it compiles; call it before JAX is imported.

    Everything goes through environment variables, so that worker processes get it too, and none that the
    user has set is changed.
    """
    os.environ.setdefault("XLA_FLAGS", _DETERMINISTIC)
    # Gradient boosting's OpenMP threads spin while they wait: on a busy machine one is fifty times faster.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder = cache_folder() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a home that cannot be written to costs time, no more
    if not os.access(folder, os.W_OK):
        return
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    # By default JAX keeps nothing that compiled in less than a second, which is all we have.
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
