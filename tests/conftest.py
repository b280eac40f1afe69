"""Settings under which every test runs."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # What all tests share can be imported by its name.
# One thread a test process: results do not depend on how many cores the machine has.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "agg")
# What worker processes compile is not kept in the home of who runs tests.
os.environ["XDG_CACHE_HOME"] = os.path.join(tempfile.gettempdir(), f"antiphon-tests-{os.getuid()}")

import hypothesis
import jax
import pytest

# How long a test takes says nothing about what it tests.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _strict_jax():
    """Refuse silent promotion of dtypes and ranks."""
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield
