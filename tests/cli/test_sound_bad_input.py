"""Each way in which recordings can be bad, through every command that takes them, and from Python.

What can be used is used, and what cannot is named; what leaves nothing to use is an error of its own.
"""

import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile

from antiphon.data import Sounds, load
from antiphon.errors import AntiphonError, DatasetError, InputError
from antiphon.estimators import ProgramClassifier
from antiphon.language import Program

PROGRAM = """language sequence
input x: Seq[Real[2]] of centroid [Hz], level [dB]
rate 100 Hz
output classes ["high", "low"]
program
  affine[-1*centroid + 1000](mean(x))
"""


def tone(samples=2000, hz=440.0, rate=8000):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(samples) / rate)).astype(np.float32)


def write(path, samples, rate=8000, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **options)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings") / "good"
    for label, hz in (("high", 2000), ("low", 300)):
        for i in range(4):
            write(folder / label / f"{i}.wav", tone(hz=hz + 10 * i))
    return folder


@pytest.fixture(scope="module")
def fitted(good):
    """A program that was written by hand, which saves a search."""
    train, _ = load(good, sound="centroid,level")
    program = Program.parse(PROGRAM)
    model = ProgramClassifier()
    model._read(train.X, reset=True)
    model.program_, model.output_, model.metric_ = program, program.output, "accuracy"
    model.classes_, model.programs_ = np.array(["high", "low"]), pd.DataFrame()
    return model


@pytest.fixture(scope="module")
def listener(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.antiphon"
    fitted.save(path)
    return path


# One bad recording among good ones: how it is made, and what is said of it. The first are left out.
LEFT_OUT = {
    "not audio": (lambda file: file.write_bytes(b"this is no sound" * 9), "is no sound that can be read"),
    "no bytes": (lambda file: file.touch(), "is empty: a file of 0 bytes"),
    "no samples": (lambda file: write(file, np.zeros(0)), "holds no samples"),
    "shorter than a frame": (
        lambda file: write(file, tone(100)),
        "is shorter than a frame: 100 of 256 samples",
    ),
    "NaN": (
        lambda file: write(file, np.where(np.arange(2000) == 7, np.nan, tone()), subtype="FLOAT"),
        "has 1 samples that are NaN or infinite",
    ),
    "infinite": (
        lambda file: write(file, np.where(np.arange(2000) < 2, np.inf, tone()), subtype="FLOAT"),
        "has 2 samples that are NaN or infinite",
    ),
}
USED = {
    "8 bits": (lambda file: write(file, tone(), subtype="PCM_U8"), ""),
    "24 bits": (lambda file: write(file, tone(), subtype="PCM_24"), ""),
    "floats": (lambda file: write(file, tone(), subtype="FLOAT"), ""),
    "doubles": (lambda file: write(file, tone(), subtype="DOUBLE"), ""),
    "two channels": (lambda file: write(file, np.stack([tone()] * 2, 1)), "have 2 channels, mixed down"),
    "six channels": (lambda file: write(file, np.stack([tone()] * 6, 1)), "have 6 channels, mixed down"),
    "channels that cancel": (
        lambda file: write(file, np.stack([tone(), -tone()], 1)), "is silent throughout"
    ),
}  # fmt: skip


def one_class(folder, good):
    shutil.copytree(good / "low", folder / "low")
    return folder


def other_rates(folder, good):
    shutil.copytree(good, folder)
    write(folder / "low" / "x.wav", tone(4000, rate=16000), 16000)
    return folder


def all_of_another_rate(folder, good):
    for label, hz in (("high", 2000), ("low", 300)):
        for i in range(4):
            write(folder / label / f"{i}.wav", tone(4000, hz, 16000), 16000)
    return folder


def nothing_in_it(folder, good):
    folder.mkdir()
    (folder / "readme.txt").write_text("nothing")
    return folder


def manifest_of_nothing(folder, good):
    folder.mkdir()
    (folder / "m.csv").write_text("path,label\ngone.wav,low\nlost.wav,high\n")
    return folder / "m.csv"


def nowhere(folder, good):
    return folder / "gone.wav"


RATES = r"8000 Hz (8, such as high/0.wav), 16000 Hz (1, such as low/x.wav)"
# What is made, and what `learn` and `data info`, `evaluate`, and `predict` say; "" where it can be used.
REFUSED = {
    "one class": (one_class, "are of one class, 'low'", "are of one class, 'low'", ""),
    "different rates": (other_rates, RATES, RATES, RATES),
    "another rate than the model's": (
        all_of_another_rate,
        "",
        "Recordings of 16000 Hz, and features for 8000 Hz",
        "Recordings of 16000 Hz, and ProgramClassifier was fitted on recordings of 8000 Hz",
    ),
    "no recordings": (
        nothing_in_it,
        "holds no recordings",
        "or recordings (WAV, FLAC, OGG, MP3)",
        "or recordings (WAV, FLAC, OGG, MP3)",
    ),
    "a manifest of missing files": (manifest_of_nothing, *["gone.wav is not there"] * 3),
    "a path that is not there": (nowhere, *["No file and no folder"] * 3),
}


def commands(place, listener):
    """The commands that take recordings; `learn` only as far as it comes without a search."""
    return {
        "info": ("data", "info", place, "--sound", "centroid,level"),
        "learn": ("learn", place, "--sound", "centroid,level", "--strict"),
        "evaluate": ("evaluate", listener, place),
        "predict": ("predict", listener, place),
    }


def spoiled(good, folder, make):
    shutil.copytree(good, folder)
    make(folder / "low" / "x.wav")
    return folder


@pytest.mark.parametrize("name", LEFT_OUT)
def test_one_that_cannot_be_used_is_named_and_left_out(name, antiphon, good, listener, fitted, tmp_path):
    make, said = LEFT_OUT[name]
    place = spoiled(good, tmp_path / "bad", make)
    told = f"low/x.wav {said}"
    for command, arguments in commands(place, listener).items():
        ended = antiphon(*arguments)
        if command == "learn":  # which is strict here
            assert (ended.code, told in ended.err) == (2, True), ended.err
            continue
        assert ended.code == 0, ended.err
        assert f"{told}" in " ".join((ended.out + ended.err).split())
        assert "(left out)" in ended.out + ended.err
    with pytest.raises(AntiphonError, match=r"low/x\.wav"):
        fitted.predict(place)
    with pytest.raises(AntiphonError, match=r"x\.wav"):
        ProgramClassifier().fit([place / "low" / "x.wav", place / "high" / "0.wav"], ["low", "high"])
    alone = antiphon("predict", listener, place / "low" / "x.wav")
    assert (alone.code, said in alone.err) == (2, True), alone.err
    assert said in load(place, sound="level").problems[0].what
    with pytest.raises(DatasetError, match=r"x\.wav"):
        load(place, sound="level", strict=True)


@pytest.mark.parametrize("name", USED)
def test_one_of_another_kind_is_used(name, antiphon, good, listener, fitted, tmp_path):
    make, said = USED[name]
    place = spoiled(good, tmp_path / "other", make)
    for command, arguments in commands(place, listener).items():
        if command == "learn":
            continue  # it would search
        ended = antiphon(*arguments)
        assert ended.code == 0, ended.err
        assert said in " ".join((ended.out + ended.err).split())
    assert len(fitted.predict(place)) == 9
    np.testing.assert_allclose(
        Sounds.read(place / "low" / "x.wav")[0], 0 if "cancel" in name else tone(), atol=0.01
    )


@pytest.mark.parametrize("name", REFUSED)
def test_what_leaves_nothing_to_use_is_an_error_of_its_own(name, antiphon, good, listener, fitted, tmp_path):
    make, *said = REFUSED[name]
    place = make(tmp_path / "none", good)
    learned, evaluated, predicted = said
    wanted = {"info": learned, "learn": learned, "evaluate": evaluated, "predict": predicted}
    for command, arguments in commands(place, listener).items():
        if command == "learn" and not learned:
            continue  # it would search
        ended = antiphon(*arguments)
        text = " ".join(ended.err.split())
        assert (ended.code, wanted[command] in text) == (2 if wanted[command] else 0, True), (command, text)
    if predicted:
        with pytest.raises(AntiphonError) as caught:
            fitted.predict(place)
        assert "Expected" in str(caught.value)
        assert ("or recordings" in predicted) or predicted.split(",")[0][:20] in str(caught.value)


def test_a_folder_where_a_manifest_names_a_recording(antiphon, good, listener, tmp_path):
    lines = [f"{good}/{label}/{i}.wav,{label}" for label in ("high", "low") for i in range(4)]
    manifest = tmp_path / "m.csv"
    manifest.write_text("\n".join(["path,label", *lines, f"{good}/low,low", "gone.wav,low"]) + "\n")
    ended = antiphon("data", "info", manifest, "--sound", "level")
    assert ended.code == 0, ended.err
    text = " ".join(ended.out.split())
    assert "low is a folder, not a recording" in text
    assert "gone.wav is not there" in text
    assert "low is a folder" in antiphon("predict", listener, manifest).err


def test_arrays_say_no_rate(fitted):
    for bare in (tone(), [tone(), tone()], np.stack([tone(), tone()])):
        with pytest.raises(
            InputError, match=r"Arrays without frames.*recordings of 8000 Hz.*Sounds\(X, 8000\)"
        ):
            fitted.predict(bare)
    assert len(fitted.predict(Sounds([tone(), tone()], 8000))) == 2


def test_many_bad_recordings_are_named_in_part(fitted, good, tmp_path):
    folder = tmp_path / "many"
    shutil.copytree(good, folder)
    for i in range(14):
        (folder / "low" / f"bad{i}.wav").touch()
    with pytest.raises(InputError, match=r"bad9?1?\d?.wav is empty.*; and 4 more"):
        fitted.predict(folder)


def test_a_model_that_does_not_know_a_label(antiphon, good, listener, tmp_path):
    folder = tmp_path / "labels"
    shutil.copytree(good / "low", folder / "low")
    shutil.copytree(good / "high", folder / "shrill")
    ended = antiphon("evaluate", listener, folder)
    assert ended.code == 0, ended.err
    assert "WARNING: the model does not know the labels shrill, which count as mistakes." in " ".join(
        ended.out.split()
    )
    assert "does not know" not in antiphon("evaluate", listener, good).out


def test_in_a_process_of_its_own(fresh, good, tmp_path):
    """The first of them where nothing was imported before; the others are among the long tests."""
    place = spoiled(good, tmp_path / "bad", LEFT_OUT["NaN"][0])
    ended = fresh("learn", place, "--sound", "level", "--strict")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("antiphon: ")
    assert "low/x.wav has 1 samples that are NaN or infinite" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LEFT_OUT, *USED, *REFUSED])
def test_each_in_a_process_of_its_own(name, fresh, good, listener, tmp_path):
    if name in REFUSED:
        make, *wanted = REFUSED[name]
        place = make(tmp_path / "bad", good)
        told = dict(zip(("info", "evaluate", "predict"), wanted, strict=True))
    else:
        make, said = {**LEFT_OUT, **USED}[name]
        place = spoiled(good, tmp_path / "bad", make)
        told = dict.fromkeys(("info", "evaluate", "predict"), said)
    for command, arguments in commands(place, listener).items():
        if command == "learn":
            continue
        ended = fresh(*arguments)
        text = " ".join((ended.out + ended.err).split())
        assert ended.code == (2 if name in REFUSED and told[command] else 0), ended.err
        assert told[command] in text
        assert "Traceback" not in ended.err


@pytest.mark.slow
def test_learning_with_a_bad_recording_reports_it(fresh, good, tmp_path):
    place = spoiled(good, tmp_path / "bad", LEFT_OUT["not audio"][0])
    ended = fresh("learn", place, "--sound", "centroid", "--candidates", 4, "--out", "run", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "low/x.wav is no sound that can be read" in ended.out
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "low/x.wav is no sound that can be read" in page
    assert page.count("<audio") >= 2
    assert 'id="sounds"' in page
