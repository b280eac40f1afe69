"""The text summary, the LaTeX tables and the JSON file."""

import dataclasses
import json

import numpy as np
import pytest

from antiphon.errors import InputError, OutputError
from antiphon.report import (
    BaselineScore,
    FrontRow,
    Reproduction,
    summary_table,
    to_json,
    to_latex_table,
    write_json,
)

KEYS = ["dataset", "program", "test_score", "metric", "baselines", "size", "candidates", "seconds",
        "compile_seconds", "seed", "versions"]  # fmt: skip


def test_the_summary_is_aligned(result):
    assert summary_table(result).splitlines() == [
        "data              walks: 80 training and 20 test sequences, 5-30 frames, 2 features, 2 classes",
        "program           accuracy 0.900 on the test split, size 5",
        "                    1[mean(speed) > 2.1]",
        "compared with     majority  0.600    1 ms",
        "                  GRU       0.850  12.0 s  64 units",
        "front                 size  held-out accuracy  program",
        "                         1  0.600              constant"
        "                                always predicts one class",
        "                  ->     5  0.920 ± 0.020      if mean(speed) > ?",
        "                         9  0.930              if mean(speed) > ? and last(angle) > ?",
        "search            42 candidates (2 failed) · 1 min 2 s, of which compiling 20.2 s · strategy near · "
        "budget 5 min",
    ]  # fmt: skip


def test_the_summary_of_a_regression_says_what_has_no_score(regression):
    assert "GRU           –" not in summary_table(regression)
    assert "GRU       –" in summary_table(regression)
    assert "5 frames" in summary_table(regression)


def test_latex_marks_the_choice_and_escapes(result):
    table = to_latex_table(result.front, metric="F_1", caption=r"The front, $n=20$.")
    assert r"\textbf{5} & \textbf{0.920 $\pm$ 0.020}" in table
    assert r"F\_1" in table
    assert r"\caption{The front, $n=20$.}" in table
    assert r"mean(speed) \textgreater{} ?" in table
    assert r"50\% \& more \textbackslash{}x" in to_latex_table([BaselineScore(r"50% & more \x", 0.1, 2.0)])


def test_latex_refuses_no_rows_and_mixed_rows():
    with pytest.raises(InputError, match="at least one row"):
        to_latex_table([])
    with pytest.raises(InputError, match="BaselineScore, FrontRow"):
        to_latex_table([FrontRow(1, 0.1, "a"), BaselineScore("b", 0.2)])


def test_json_has_exactly_these_keys(result):
    found = to_json(result)
    assert list(found) == KEYS
    assert found["baselines"] == {"majority": 0.6, "GRU": 0.85}
    assert found["candidates"] == 42
    assert found["versions"] == {"antiphon": "0.1.0", "numpy": "2.4"}


def test_json_is_strict(regression, tmp_path):
    odd = dataclasses.replace(
        regression, test_score=np.float32("inf"), reproduce=Reproduction(seed=np.int64(3))
    )
    write_json(odd, tmp_path / "run.json")

    def refuse(name):
        raise AssertionError(name)

    found = json.loads((tmp_path / "run.json").read_text("utf-8"), parse_constant=refuse)
    assert found["test_score"] is None
    assert found["baselines"]["GRU"] is None
    assert found["seed"] == 3
    assert to_json(dataclasses.replace(odd, reproduce=Reproduction()))["seed"] is None


def test_json_into_a_missing_folder_is_told(result, tmp_path):
    with pytest.raises(OutputError, match="create the folder first"):
        write_json(result, tmp_path / "no" / "run.json")
