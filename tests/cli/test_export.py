"""Files that `antiphon export` writes."""

import subprocess
import sys

import numpy as np
import pytest

from antiphon import load_model
from antiphon.data import load


def test_a_python_file_runs_where_there_is_numpy_only(antiphon, model, tmp_path):
    ended = antiphon("export", model, "--to", "numpy", "--out", tmp_path / "speed.py")
    assert ended.code == 0, ended.err
    assert "wrote" in ended.out
    X = load("planted-speed").test.X
    for number, case in enumerate(list(X)[:20]):
        np.save(tmp_path / f"{number}.npy", case)
    code = (
        "import sys, numpy as np, speed\n"
        "print([str(speed.predict(np.load(f'{i}.npy'))) for i in range(20)])\n"
        "assert not {'jax', 'antiphon', 'scipy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str([str(label) for label in load_model(model).predict(X)[:20]])


@pytest.mark.parametrize("form", ["c", "onnx", "stablehlo"])
def test_every_form_is_written(antiphon, model, tmp_path, form):
    ended = antiphon("export", model, "--to", form, "--out", tmp_path / "model")
    assert ended.code == 0, ended.err
    assert (tmp_path / "model").stat().st_size > 500


def test_a_folder_that_is_not_there(antiphon, model, tmp_path):
    ended = antiphon("export", model, "--to", "c", "--out", tmp_path / "no" / "model.c")
    assert ended.code != 0
    assert "folder" in ended.err
    assert "Traceback" not in ended.err
