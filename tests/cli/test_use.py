"""What one does with a learned program from the shell."""

import csv
import io
import subprocess
import sys

import numpy as np
import pytest

from antiphon.data import load

HEAVY = ("jax", "sklearn", "pandas", "matplotlib")


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from antiphon.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit as ended:\n    assert ended.code == 0\n"
        f"assert not [m for m in {HEAVY!r} if m in sys.modules]"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "learn" in ended.stdout
    assert "predict" in ended.stdout


def test_version(fresh):
    from antiphon import __version__

    assert fresh("--version").out == f"antiphon {__version__}\n"


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("text", "language sequence"),
        ("words", ""),
        ("math", ""),
        ("latex", ""),
        ("dot", "digraph program {"),
        ("graph", "def scores(frames: f32[T, 4]) -> "),
    ],
)
def test_every_form_is_shown(antiphon, model, form, begins):
    ended = antiphon("show", model, "--form", form)
    assert ended.code == 0, ended.err
    assert ended.out.startswith(begins)
    assert ended.out.strip()
    assert ended.out.endswith("\n")


def test_the_text_that_is_shown_parses_back(fresh, model):
    from antiphon import load_model
    from antiphon.language import Program

    text = fresh("show", model, "--form", "text").out
    assert Program.parse(text) == load_model(model).program_


def test_a_model_is_scored_on_the_test_part(antiphon, model):
    from antiphon import load_model

    ended = antiphon("evaluate", model, "planted-speed")
    assert ended.code == 0, ended.err
    test = load("planted-speed").test
    score = load_model(model).metric_score(test.X, test.y)
    assert f"{score:.4f} on the 200 test cases" in ended.out


def test_predictions_come_as_csv_and_the_same_in_a_file(antiphon, model, tmp_path):
    from antiphon import load_model

    ended = antiphon("predict", model, "planted-speed")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    fitted, test = load_model(model), load("planted-speed").test
    assert [row["prediction"] for row in rows] == fitted.predict(test.X).tolist()
    chances = [[float(row["p_fast"]), float(row["p_slow"])] for row in rows]
    np.testing.assert_allclose(chances, fitted.predict_proba(test.X), rtol=1e-5, atol=1e-9)

    file = tmp_path / "out.csv"
    quiet = antiphon("predict", model, "planted-speed", "--csv", file)
    assert quiet.code == 0
    assert not quiet.out
    assert file.read_text() == ended.out


def test_predicting_needs_no_labels(antiphon, model, tmp_path):
    cases = load("planted-speed").test.X.take(range(3))
    names = cases.features.names
    lines = ["case,time," + ",".join(names)]
    lines += [
        f"{i},{t}," + ",".join(map(repr, frame.tolist()))
        for i, frames in enumerate(cases)
        for t, frame in enumerate(frames)
    ]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    ended = antiphon("predict", model, tmp_path / "new.csv")
    assert ended.code == 0, ended.err
    from antiphon import load_model

    said = [row["prediction"] for row in csv.DictReader(io.StringIO(ended.out))]
    assert said == load_model(model).predict(cases).tolist()


def test_data_of_another_kind_is_refused(antiphon, model):
    ended = antiphon("evaluate", model, "basic-motions")
    assert ended.code == 2
    assert "6 features" in ended.err
    assert "Traceback" not in ended.err


def test_what_is_no_model_file_is_said(antiphon, tmp_path):
    (tmp_path / "notes.txt").write_text("no model")
    for path in (tmp_path / "notes.txt", tmp_path / "missing.antiphon"):
        ended = antiphon("show", path)
        assert ended.code == 2
        assert path.name in ended.err
        assert "Traceback" not in ended.err


def test_data_are_listed_and_described(antiphon):
    listed = antiphon("data", "list").out
    assert "japanese-vowels" in listed
    assert "planted-table" in listed
    described = antiphon("data", "info", "basic-motions").out
    assert "accelerometer" in described
    assert "10 frames a second" in described
    assert "CC BY" not in described
    tags = antiphon("data", "info", "planted-tags").out
    assert "training + test frames" in tags


def test_a_test_size_that_is_no_number_is_refused(antiphon):
    ended = antiphon("learn", "planted-speed", "--test-size", "half")
    assert ended.code == 2
    assert "neither a share" in ended.err
