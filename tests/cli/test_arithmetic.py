"""Symbolic regression from the command line: a table in, a formula out."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def table(tmp_path):
    m, v = np.random.default_rng(0).uniform(1, 5, (2, 80))
    pd.DataFrame({"m": m, "v": v, "energy": 0.5 * m * v**2}).to_csv(tmp_path / "energy.csv", index=False)
    return tmp_path


@pytest.mark.slow
def test_learn_show_and_predict_a_formula(antiphon, table):
    ended = antiphon("learn", "energy.csv", "--target", "energy", "--language", "arithmetic")
    assert ended.code == 0, ended.err
    assert "strategy sums" in ended.out
    model = "runs/energy/program.antiphon"
    assert antiphon("show", model, "--form", "sympy").out.strip() == "m*v**2/2"
    assert antiphon("show", model, "--form", "latex").out.strip().endswith(r"0.5 \cdot m \cdot v^{2}")
    pd.read_csv(table / "energy.csv").drop(columns="energy").to_csv(table / "rows.csv", index=False)
    rows = antiphon("predict", model, "rows.csv").out.splitlines()
    assert len(rows) == 81
