"""The page about spiking networks and reservoirs: its code runs as it stands, in order."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "spiking.md").read_text("utf-8")


@pytest.mark.slow
def test_the_page_runs():
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    assert len(blocks) >= 4
    names = {}
    for block in blocks:
        exec(compile(block, "spiking.md", "exec"), names)
    assert set(np.unique(names["spikes"])) == {0.0, 1.0}
    assert names["error"] < 0.02
    assert names["likely"].shape == (270, 9)
    assert names["forecast"] > 0.99
