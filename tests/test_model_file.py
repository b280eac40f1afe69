"""The model file: the same predictions in another process, and a clear error for whatever was done to it."""

import errno
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from antiphon import (
    ProgramClassifier,
    ProgramRegressor,
    ProgramTagger,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
    load_model,
    search,
)
from antiphon.errors import ModelFileError, OutputError
from antiphon.estimators import NetworkOptions
from antiphon.language import LANGUAGES, Language, Output, Program

TEXT = """language sequence
input x: Seq[Real[2]] of speed [cm/s], angle
rate 30 Hz
output classes ["rest", "walk"] threshold 0.25
program
  affine[2.5*speed - 0.31*angle + 0.123](mean(x))"""
NETWORK = {"cell": "rnn", "hidden": 3, "bidirectional": False, "epochs": 1, "random_state": 0}


def found(text):
    program = Program.parse(text)
    curve = search.Curve("", (1,), (0.5,), (0.5,))
    return search.Found(program, 0.9, 0.01, 0.3, program.size, 0.1, curve)


def texts(task):
    """A program for each task, over the two features of `cases`."""
    head = TEXT[: TEXT.index("output")]
    return {
        "classification": TEXT,
        "regression": head + "output numbers y\nprogram\n  affine[0.1*speed + 7](last(x))",
        "tagging": head + 'output tags ["rest", "walk"]\nprogram\n  map(v -> affine[1.5*speed - 0.7](v), x)',
    }[task]


@pytest.fixture
def cases():
    rng = np.random.default_rng(0)
    return [np.float32(rng.normal(0, 1, (length, 2))) for length in rng.integers(2, 7, 20)]


def labels(task, cases):
    if task == "regression":
        return [float(case.mean()) for case in cases]
    if task == "tagging":
        return [np.where(case[:, 0] > 0, "walk", "rest") for case in cases]
    return ["walk" if case[0, 0] > 0 else "rest" for case in cases]


@pytest.fixture
def model(cases, monkeypatch):
    return fitted(ProgramClassifier(random_state=4), cases, monkeypatch)


def fitted(model, cases, monkeypatch):
    one = found(texts(model.task))
    result = search.SearchResult(one, (one,), 1, 0, 0.0, 0.0, "near", (), False)
    monkeypatch.setattr(search, "learn", lambda *a, **k: result)
    return model.fit(cases, labels(model.task, cases))


READ = """
import sys, numpy as np
import antiphon
cases = [array for _, array in sorted(np.load(sys.argv[2]).items(), key=lambda item: int(item[0][1:]))]
model = antiphon.load_model(sys.argv[1])
answers = model.predict_proba(cases) if hasattr(model, "predict_proba") else model.predict(cases)
np.save(sys.argv[3], np.concatenate(answers) if isinstance(answers, list) else answers)
"""


@pytest.mark.parametrize("kind", [ProgramClassifier, RecurrentTagger])
def test_a_fresh_process_predicts_the_same_to_the_last_bit(kind, cases, tmp_path, monkeypatch):
    if kind is ProgramClassifier:
        model = fitted(kind(random_state=0), cases, monkeypatch)
    else:
        model = kind(**NETWORK).fit(cases, labels("tagging", cases))
    file, data, answers = tmp_path / "m.antiphon", tmp_path / "x.npz", tmp_path / "y.npy"
    model.save(file)
    np.savez(data, **{f"c{i}": case for i, case in enumerate(cases)})
    subprocess.run([sys.executable, "-c", READ, file, data, answers], check=True)
    here = model.predict_proba(cases)
    here = np.concatenate(here) if isinstance(here, list) else here
    assert np.load(answers).tobytes() == here.tobytes()


@pytest.mark.parametrize("kind", [ProgramClassifier, ProgramRegressor, ProgramTagger])
def test_a_program_comes_back_whole(kind, cases, tmp_path, monkeypatch):
    model = fitted(kind(seconds=5, random_state=1), cases, monkeypatch)
    model.save(tmp_path / "m", details={"dataset": "walks", "scores": {"test": np.float32(0.5)}})
    again = load_model(tmp_path / "m")
    assert type(again) is kind
    assert again.program_ == model.program_
    assert again.program_.output == model.program_.output
    assert again.get_params() == model.get_params()
    assert again.metric_ == model.metric_
    assert again.n_features_in_ == 2
    pd.testing.assert_frame_equal(again.programs_, model.programs_)
    for one, two in zip(again.predict(cases), model.predict(cases), strict=True):
        assert np.array_equal(one, two)
    assert again.score(cases, labels(kind.task, cases)) == model.score(cases, labels(kind.task, cases))
    assert clone(again).get_params() == again.get_params()
    again.save(tmp_path / "n")
    assert load_model(tmp_path / "n").program_ == model.program_


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in (RecurrentRegressor, RecurrentTagger)]


@pytest.mark.parametrize("kind", [RecurrentClassifier, *SLOW])
def test_a_network_comes_back_whole(kind, cases, tmp_path):
    model = kind(**NETWORK, options=NetworkOptions(batch_size=5)).fit(cases, labels(kind.task, cases))
    again = load_model(model.save(tmp_path / "m") and tmp_path / "m")
    assert again.get_params() == model.get_params()
    assert again.n_iter_ == model.n_iter_
    for one, two in zip(again.predict(cases), model.predict(cases), strict=True):
        assert np.array_equal(one, two)


@pytest.mark.parametrize("y", [[1, 7], [True, False], [0.0, 2.0], ["a", "bc"]])
def test_classes_keep_their_type_and_frames_their_names(y, tmp_path):
    table = pd.DataFrame({"a b": np.arange(8.0), "c": np.ones(8)})
    model = RecurrentClassifier(**NETWORK, class_weight=dict.fromkeys(y, 1.5)).fit(table, y * 4)
    again = load_model(model.save(tmp_path / "m") and tmp_path / "m")
    assert again.classes_.dtype == model.classes_.dtype
    assert again.classes_.tolist() == model.classes_.tolist()
    assert again.class_weight == model.class_weight
    assert again.feature_names_in_.tolist() == ["a b", "c"]
    assert np.array_equal(again.predict(table), model.predict(table))


def test_the_file_says_what_it_is(model, tmp_path):
    file = tmp_path / "m"
    model.save(file, details={"dataset": "walks"})
    with zipfile.ZipFile(file) as archive:
        assert archive.read("program.txt").decode() == str(model.program_) == TEXT
        described = json.loads(archive.read("model.json"))
    assert described["kind"] == "ProgramClassifier"
    assert described["output"]["threshold"] == 0.25
    assert described["features"]["units"] == ["", ""], "those of the data; the program has its own"
    assert described["details"] == {"dataset": "walks"}
    assert {"antiphon", "python", "jax"} <= set(described["versions"])
    one = file.read_bytes()
    model.save(file, details={"dataset": "walks"})
    assert file.read_bytes() == one, "the same model is the same file"


def test_a_language_of_ones_own_must_be_at_hand(cases, tmp_path, monkeypatch):
    mice = Language("mice_to_save", features={"speed": "cm/s", "angle": ""})
    program = Program.parse(TEXT.replace("language sequence", "language mice_to_save"))
    one = search.Found(program, 0.9, 0.0, 0.1, program.size, 0.1, search.Curve("", (), (), ()))
    result = search.SearchResult(one, (one,), 1, 0, 0.0, 0.0, "near", (), False)
    monkeypatch.setattr(search, "learn", lambda *a, **k: result)
    model = ProgramClassifier(language=mice).fit(cases, labels("classification", cases))
    model.save(tmp_path / "m")
    monkeypatch.delitem(LANGUAGES, "mice_to_save")
    with pytest.raises(ModelFileError, match="import the module that defines its language"):
        load_model(tmp_path / "m")
    again = load_model(tmp_path / "m", languages={"mice_to_save": mice})
    assert again.program_ == program
    assert again.language == "mice_to_save"


# --- what may have happened to a file ---------------------------------------------------------------------


def repack(file, change=None, *, manifest=None, keep_sums=False, **entry):
    """Write the zip again with members changed, and, unless told otherwise, their sums made right."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members.update(change or {})
    sums = json.loads(members["manifest.json"])
    if not keep_sums:
        sums["sha256"] = {
            k: hashlib.sha256(v).hexdigest() for k, v in members.items() if k != "manifest.json"
        }
    members["manifest.json"] = json.dumps({**sums, **(manifest or {})}).encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in members.items():
            packed = entry.get("compress", not name.endswith(".safetensors"))
            archive.writestr(name, data, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    file.write_bytes(content.getvalue())


@pytest.fixture
def file(model, tmp_path):
    model.save(tmp_path / "m.antiphon")
    return tmp_path / "m.antiphon"


def refused(file, match):
    with pytest.raises(ModelFileError, match=match):
        load_model(file)


def test_truncated_anywhere(file):
    content = file.read_bytes()
    for length in range(2, len(content), max(1, len(content) // 25)):
        file.write_bytes(content[:length])
        refused(file, "truncated or was changed: it ends too early")


def test_any_byte_of_the_members_changed(file):
    content = file.read_bytes()
    directory = content.index(b"PK\x01\x02")
    for place in range(40, directory, max(1, directory // 25)):
        changed = bytearray(content)
        changed[place] ^= 0x20
        file.write_bytes(bytes(changed))
        try:
            load_model(file)
        except ModelFileError:
            continue
        with zipfile.ZipFile(io.BytesIO(content)) as archive:  # dates and flags of a local header say nothing
            local = [(e.header_offset, e.header_offset + 30 + len(e.filename)) for e in archive.infolist()]
        assert any(start <= place < end for start, end in local)


def test_a_member_that_is_not_what_was_saved(file):
    text = TEXT.replace("2.5*speed", "9.5*speed").encode()
    repack(file, {"program.txt": text}, keep_sums=True)
    refused(file, "program.txt is not what was saved")


def test_a_text_that_is_not_the_program_of_the_arrays(file):
    repack(file, {"program.txt": TEXT.replace("2.5*speed", "9.5*speed").encode()})
    refused(file, "text and its arrays are not the same program")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x93NUMPY", b"%PDF-1.7 ..."], ids=["empty", "text", "numpy", "pdf"]
)
def test_no_zip_at_all(tmp_path, content):
    (tmp_path / "m").write_bytes(content)
    refused(tmp_path / "m", "is no model file of Antiphon")


def test_the_zip_of_somebody_else(tmp_path):
    np.savez(tmp_path / "m.npz", X=np.zeros(3))
    refused(tmp_path / "m.npz", "is no model file of Antiphon")
    with zipfile.ZipFile(tmp_path / "m", "w") as archive:
        archive.writestr("manifest.json", '{"of": "something else"}')
    refused(tmp_path / "m", "is no model file of Antiphon")


def test_a_newer_format(file):
    repack(file, {"more.bin": b"what the future brings"}, manifest={"antiphon-model": 2})
    refused(file, "has format 2. Expected: format 1 or older.*To mend it: update Antiphon")


def test_no_file_and_a_folder(tmp_path):
    refused(tmp_path / "nothing", "cannot be read: No such file")
    refused(tmp_path, "cannot be read: Is a directory")


def test_members_too_many_or_too_few(file):
    content = file.read_bytes()
    repack(file, {"evil.py": b"import os"})
    refused(file, "it holds arrays.safetensors, evil.py")
    file.write_bytes(content)
    with zipfile.ZipFile(file) as archive:
        manifest = archive.read("manifest.json")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", manifest)
    refused(file, "it holds manifest.json")


def test_a_zip_bomb(file):
    repack(file, {"program.txt": bytes(65 << 20)})
    assert file.stat().st_size < 1 << 20
    refused(file, "program.txt unpacks to more than")


def test_arrays_that_are_compressed(file):
    repack(file, {"arrays.safetensors": bytes(1 << 20)}, compress=True)
    refused(file, "arrays.safetensors is compressed")


@pytest.mark.parametrize(
    "change",
    [
        {"arrays.safetensors": b"\xff" * 64},
        {"arrays.safetensors": b""},
        {"model.json": b"{"},
        {"model.json": b"[]"},
        {"model.json": b"{}"},
        {"model.json": b"\xff\xfe"},
        {"program.txt": b"\xff\xfe"},
    ],
    ids=str,
)
def test_parts_that_are_malformed(file, change):
    repack(file, change)
    refused(file, "its parts do not fit each other")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kind", "os.system"),
        ("classes_type", "|O"),
        ("parameters", {"no_such_parameter": 1}),
        ("features", {"names": ["a"], "units": ["", ""], "groups": {}}),
        ("output", {"task": "classification", "classes": [1], "threshold": None, "targets": []}),
    ],
    ids=str,
)
def test_a_description_that_is_wrong(file, key, value):
    with zipfile.ZipFile(file) as archive:
        described = json.loads(archive.read("model.json"))
    repack(file, {"model.json": json.dumps({**described, key: value}).encode()})
    with pytest.raises(ModelFileError):
        load_model(file)


# --- where a file cannot be written -----------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_to(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose a path whose parents are all folders"):
        model.save(tmp_path / "file" / "m.antiphon")
    with pytest.raises(OutputError, match="create the folder first"):
        model.save(tmp_path / "nowhere" / "m.antiphon")


def test_a_full_disk_leaves_the_old_file(model, file, monkeypatch):
    old = file.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"No space left on device.*free some space"):
        model.save(file, details={"more": 1})
    assert file.read_bytes() == old
    assert os.listdir(file.parent) == [file.name]


def test_what_is_not_fitted_is_not_saved(tmp_path):
    with pytest.raises(Exception, match="not fitted"):
        ProgramClassifier().save(tmp_path / "m")
    assert not os.listdir(tmp_path)


def test_reading_executes_nothing(file, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("executed")

    monkeypatch.setattr("pickle.load", never)
    monkeypatch.setattr("pickle.loads", never)
    monkeypatch.setattr("builtins.eval", never)
    assert load_model(file).output_ == Output("classification", ("rest", "walk"), 0.25)
