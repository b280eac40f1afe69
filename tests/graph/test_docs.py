"""The page on graphs says what is so."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import jax
import pytest

import antiphon.graph

PAGE = (Path(__file__).parents[2] / "docs" / "graph.md").read_text("utf-8")


def test_its_examples_run():
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    text = "\n".join(re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S))
    test = doctest.DocTestParser().get_doctest(text, {}, "graph.md", "graph.md", 0)
    shown: list[str] = []
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        result = doctest.DocTestRunner(optionflags=flags).run(test, out=shown.append)
    assert result.attempted > 15
    assert not result.failed, "".join(shown)


@pytest.mark.parametrize("step", antiphon.graph.PASSES, ids=lambda step: step.__name__)
def test_it_tells_of_each_pass(step):
    assert f"| `{step.__name__}` |" in PAGE


def test_public_names_are_documented():
    for name in antiphon.graph.__all__:
        thing = getattr(antiphon.graph, name)
        if isinstance(thing, type) or hasattr(thing, "__code__"):
            assert thing.__doc__, name
