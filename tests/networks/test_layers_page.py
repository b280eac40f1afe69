"""The page about layers: its code runs as it stands, in order."""

import re
from pathlib import Path

import pytest

from antiphon.networks import layers

PAGE = (Path(__file__).parents[2] / "docs" / "layers.md").read_text("utf-8")


@pytest.mark.slow
def test_the_page_runs():
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    assert len(blocks) >= 5
    names = {}
    for block in blocks:
        exec(compile(block, "layers.md", "exec"), names)
    assert names["accuracy"] > 0.9
    assert names["answer"].shape == (2,)
    assert "layers.0.weight" in names["names"]
    shown = re.search(r"^Sequential\n(.*?)\.\.\.", PAGE, re.M | re.S).group(0).splitlines()[:-1]
    made = names["text"].splitlines()
    assert [line.split() for line in shown if "---" not in line] == [
        line.split() for line in made[: len(shown)] if "---" not in line
    ]


def test_the_page_names_every_layer():
    for name in layers.__all__:
        assert name in PAGE or name in ("Module", "SymbolicTensor")
