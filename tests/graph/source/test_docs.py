"""The page on export says what is so."""

import re
from pathlib import Path

import numpy as np
from exported import loaded

PAGE = (Path(__file__).parents[3] / "docs" / "export.md").read_text("utf-8")


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.M | re.S)


def test_its_examples_run_and_give_what_it_shows():
    scope = {}
    texts = []
    for block in blocks("python"):
        exec(compile(block, "export.md", "exec"), scope)
        texts.append(scope.get("text", ""))
    (numpy_text,), (declared,) = blocks("numpy"), blocks("c")
    assert numpy_text in texts[1]
    assert declared in texts[2]
    frames = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
    wanted = scope["program"].scores(frames[None], np.ones((1, 7), bool))[0]
    np.testing.assert_allclose(loaded(texts[1]).scores(frames), wanted, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(scope["run"](frames)[0], wanted, rtol=1e-6, atol=1e-6)
