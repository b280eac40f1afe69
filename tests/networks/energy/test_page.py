"""The page about energy networks: its code runs as it stands, in order, and it names every network."""

import re
from pathlib import Path

import numpy as np
import pytest

from antiphon.networks import energy

PAGE = (Path(__file__).parents[3] / "docs" / "energy.md").read_text("utf-8")


@pytest.mark.slow
def test_the_page_runs():
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    assert len(blocks) >= 5
    names = {}
    for block in blocks:
        exec(compile(block, "energy.md", "exec"), names)
    np.testing.assert_array_equal(names["recalled"], names["patterns"][0])
    assert names["outline"] == 28
    np.testing.assert_allclose(names["solution"], [1.5, 0.0], atol=1e-4)
    assert names["residual"] < 1e-4
    assert names["swing"] > 0.3
    assert names["length"] > 0


def test_the_page_names_every_network():
    for name in energy.__all__:
        if name[0].isupper() and name not in ("Flow", "Template", "TEMPLATES"):
            assert f"`{name}`" in PAGE, name
