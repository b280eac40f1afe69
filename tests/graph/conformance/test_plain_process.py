"""The cases once more in a process without the settings of the tests: default promotion, all threads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import json, sys
import jax.numpy as jnp
from antiphon.graph.hybrid import hybridize
from imperative import CASES
from imperative._judge import compare, run

wrong, fell_back = {}, []
for case in CASES:
    _, expected = run(case, jnp, lambda f: f, jnp.asarray)
    hybrid, got = run(case, jnp, hybridize, jnp.asarray)
    found = compare(got, expected)
    if found:
        wrong[case.name] = found
    if not hybrid.compilations or any(row.outcome == "fell back" for row in hybrid.explain()):
        fell_back.append(case.name)
print(json.dumps([len(CASES), wrong, fell_back]))
"""


@pytest.mark.slow
def test_all_cases_are_right_without_the_settings_of_the_tests():
    env = {name: value for name, value in os.environ.items() if not name.startswith(("XLA_", "JAX_"))}
    env |= {"PYTHONPATH": str(Path(__file__).parent), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", RUN], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    count, wrong, fell_back = json.loads(done.stdout.splitlines()[-1])
    assert wrong == {}
    assert count >= 60
    assert len(fell_back) <= 0.15 * count
