"""How JAX is set up in processes that are Antiphon's own: the command's, and the workers of a search.

The library never sets it up unasked in a process that is the user's.
"""

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
    os.environ.update(environment())


def environment() -> dict[str, str]:
    """The variables of a process of our own, but for those that are set already.

    Example:
        >>> set(environment()) & set(os.environ)
        set()
    """
    wanted = {
        "XLA_FLAGS": _DETERMINISTIC,
        # Gradient boosting's OpenMP threads spin while they wait: on a busy machine one is 50 times faster.
        "OMP_NUM_THREADS": "1",
    }
    folder = cache_folder() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False  # a home that cannot be written to costs time, no more
    if writable:
        wanted["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        # By default JAX keeps nothing that compiled in less than a second, which is all we have.
        wanted["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        wanted["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    return {name: value for name, value in wanted.items() if name not in os.environ}
