"""Models as files that run without Antiphon: the same scores, the same classes."""

import jax
import numpy as np
import pytest

from antiphon import ProgramClassifier, RecurrentClassifier, RecurrentTagger
from antiphon.data import as_sequences, load
from antiphon.errors import ExportError
from antiphon.estimators import export_model, model_graph
from antiphon.language import Program

VOWELS = """language sequence
input x: Seq[Real[2]] of speed [cm/s], angle [rad]
output classes ["rest", "walk"] threshold 0.4
program
  affine[2*speed - 0.5*angle - 1](mean(x)) + affine[0.3*angle](last(delta(x)))
"""
TAGS = """language sequence
input x: Seq[Real[2]] of speed, angle
output tags [0, 1, 2]
program
  map(v -> affine[2*speed - 1; angle; 0.5*speed + angle](v), window_mean[width=3, look=trailing](x))
"""
ROWS = """language sequence
input x: Real[2] of speed, angle
output numbers y
program
  affine[2*speed - 0.5*angle - 1](x)
"""


def cases(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, 2)).astype(np.float32) for length in (1, 4, 9, 30)]


def loaded(text):
    scope = {}
    exec(compile(text, "exported.py", "exec"), scope)
    return scope


@pytest.mark.parametrize("text", [VOWELS, TAGS], ids=["classes", "tags"])
def test_a_file_of_numpy_says_the_same(text):
    program = Program.parse(text)
    file = loaded(export_model(program, "numpy"))
    assert str(program).splitlines()[-1].strip() in file["__doc__"]
    values, mask = as_sequences(cases()).pad()
    for case, scores, labels in zip(
        cases(), program.scores(values, mask), program.predict(cases()), strict=True
    ):
        wanted = scores[: len(case)] if program.output.task == "tagging" else scores
        np.testing.assert_allclose(file["scores"](case), wanted, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(file["predict"](case), labels)


def test_a_program_on_rows_takes_rows():
    program = Program.parse(ROWS)
    file = loaded(export_model(program, "numpy"))
    rows = np.concatenate(cases())
    wanted = program.predict(rows)
    np.testing.assert_allclose([file["scores"](row)[0] for row in rows], wanted, rtol=1e-5)
    assert "predict" not in file
    np.testing.assert_allclose(model_graph(program, padded=True)(rows)[:, 0], wanted, rtol=1e-5)


@pytest.mark.parametrize("text", [VOWELS, TAGS], ids=["classes", "tags"])
def test_onnx_and_stablehlo_take_padded_batches(text):
    ort = pytest.importorskip("onnxruntime")
    program = Program.parse(text)
    session = ort.InferenceSession(export_model(program, "onnx"), providers=["CPUExecutionProvider"])
    run = jax.export.deserialize(bytearray(export_model(program, "stablehlo"))).call
    for few in (cases(), cases(1)[:2]):
        values, mask = as_sequences(few).pad()
        wanted = program.scores(values, mask)
        feeds = dict(zip([i.name for i in session.get_inputs()], (values, mask), strict=True))
        for found in (session.run(["scores"], feeds)[0], run(values, mask)[0]):
            found = np.where(mask[..., None], found, 0) if program.output.task == "tagging" else found
            np.testing.assert_allclose(found, wanted, atol=1e-5)
    told = session.get_modelmeta()
    assert told.custom_metadata_map["features"] == "speed, angle"
    assert "mean(x)" in told.description or "window_mean" in told.description


@pytest.mark.parametrize("kind", [RecurrentClassifier, pytest.param(RecurrentTagger, marks=pytest.mark.slow)])
def test_a_network_is_exported_too(kind):
    ort = pytest.importorskip("onnxruntime")
    X = cases() * 3
    y = [np.arange(len(x)) % 2 for x in X] if kind is RecurrentTagger else np.arange(len(X)) % 2
    model = kind(hidden=4, epochs=1, random_state=0).fit(X, y)
    session = ort.InferenceSession(export_model(model, "onnx"), providers=["CPUExecutionProvider"])
    values, mask = as_sequences(X).pad()
    feeds = dict(zip([i.name for i in session.get_inputs()], (values, mask), strict=True))
    wanted = model._scores(values, mask)
    found = session.run(["scores"], feeds)[0]
    if kind is RecurrentTagger:
        found, wanted = found[mask], wanted[mask]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    file = loaded(export_model(model, "numpy"))
    for case, said in zip(X, model.predict(X), strict=True):
        np.testing.assert_array_equal(file["predict"](case), said)


def test_what_cannot_be_exported():
    with pytest.raises(ExportError, match=r"no form 'cobol'.*numpy, c, onnx, stablehlo"):
        export_model(Program.parse(VOWELS), "cobol")
    with pytest.raises(ExportError, match="ProgramClassifier, which holds no program"):
        export_model(ProgramClassifier(), "numpy")


def test_the_data_set_of_the_readme(tmp_path):
    import ctypes
    import shutil
    import subprocess

    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc")
    test = load("japanese-vowels").test
    names = ", ".join(test.X.features.names)
    rows = "; ".join(f"{k + 1}*{n} - {k}" for k, n in enumerate(test.X.features.names[:9]))
    program = Program.parse(
        f"language sequence\ninput x: Seq[Real[12]] of {names}\n"
        "output classes [1, 2, 3, 4, 5, 6, 7, 8, 9]\nprogram\n"
        f"  affine[{rows}](mean(x)) + affine[{rows}](last(x))\n"
    )
    (tmp_path / "scores.c").write_text(export_model(program, "c"))
    command = "gcc -std=c99 -Wall -Werror -O1 -shared -fPIC -o s.so scores.c -lm"
    subprocess.run(command.split(), cwd=tmp_path, check=True)
    library = ctypes.CDLL(str(tmp_path / "s.so"))
    library.scores_workspace.restype = ctypes.c_size_t
    numpy_file = loaded(export_model(program, "numpy"))
    values, mask = test.X.pad()
    for case, wanted in zip(test.X, program.scores(values, mask), strict=True):
        out = np.zeros(9, np.float32)
        frames = np.ascontiguousarray(case, np.float32)
        space = np.zeros(max(1, library.scores_workspace(len(case))), np.uint8)
        at = [a.ctypes.data_as(ctypes.c_void_p) for a in (frames, out, space)]
        library.scores(at[0], len(case), at[1], at[2])
        np.testing.assert_allclose(out, wanted, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(numpy_file["scores"](case), wanted, rtol=1e-5, atol=1e-5)
