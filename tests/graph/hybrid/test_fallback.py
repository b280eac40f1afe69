"""What runs as Python, with compiled calls where these can be; in a process without the settings of tests."""

import subprocess
import sys

GENERATOR = """
import jax.numpy as jnp
import numpy as np

from antiphon import hybridize


def make():
    def positives(rows):
        for row in rows:
            if jnp.sum(row) > 0:
                yield row

    def total(rows):
        found = jnp.zeros((3,))
        for row in positives(rows):
            found = found + row
        return found

    return total


total = hybridize(make())
rows = jnp.asarray([[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0], [2.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
for given in (rows, rows, rows, rows, -rows, rows, -rows):  # A call is compiled from its second time on.
    wanted = np.asarray(given)[np.asarray(given).sum(1) > 0].sum(0)
    np.testing.assert_allclose(total(given), wanted)
"""


def test_a_generator_function_is_not_compiled_as_a_call(tmp_path):
    file = tmp_path / "generator.py"  # What is converted needs a source.
    file.write_text(GENERATOR)
    done = subprocess.run([sys.executable, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
