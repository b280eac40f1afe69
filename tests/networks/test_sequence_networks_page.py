"""The page about convolution, attention and generation: its code runs as it stands, in order."""

import re
from pathlib import Path

import numpy as np
import pytest

from antiphon.networks import attention, convolution, generative

PAGE = (Path(__file__).parents[2] / "docs" / "sequence_networks.md").read_text("utf-8")


@pytest.mark.slow
def test_the_page_runs():
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    assert len(blocks) >= 12
    names = {}
    for block in blocks:
        exec(compile(block, "sequence_networks.md", "exec"), names)
    assert names["best"].symbols.shape == (4, 6)
    assert names["weights"].shape == (3, 20, 20)
    assert sorted(names["order"].tolist()) == [0, 1, 2]
    assert np.isfinite(names["losses"]).all()
    np.testing.assert_allclose(names["drawn"].shape, (12, 1))


def test_the_page_names_every_module_and_function():
    for package in (convolution, attention, generative):
        for name in package.__all__:
            assert re.search(rf"\b{name}\b", PAGE), name
