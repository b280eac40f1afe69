"""The page about probabilistic models: its code runs as it stands, in order."""

import re
from pathlib import Path

import numpy as np
import pytest

from antiphon.networks import probabilistic

PAGE = (Path(__file__).parents[3] / "docs" / "probabilistic.md").read_text("utf-8")


@pytest.mark.slow
def test_the_page_runs():
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    assert len(blocks) == 5
    names = {}
    for block in blocks:
        exec(compile(block, "probabilistic.md", "exec"), names)
    assert names["train_accuracy"] > 0.97
    np.testing.assert_allclose(names["likelihoods"].sum(), names["fit"].log_likelihood, rtol=1e-5)
    assert names["paths"].shape == names["mask"].shape
    assert names["tag_accuracy"] > 0.75
    assert (names["greedy"], names["best"]) == ([2], (1, 2))
    assert np.isclose(names["loss"], -names["log_probability"], rtol=1e-5)
    assert names["errors"] == 0
    assert names["names"].tolist() == ["down", "down up", "up", "up down", "up up"]


def test_the_page_names_every_model():
    told = set(probabilistic.__all__) - {"GradientFit", "HMMFit", "in_double", "em_step", "edit_distance"}
    assert not [name for name in sorted(told) if name not in PAGE]
