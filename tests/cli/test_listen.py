"""`antiphon listen`: files and pipes, what is printed and written, how it ends, what is refused."""

import csv
import io
import re
import signal
import sys
import time
import wave
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile

from antiphon.audio import SoundFeatures
from antiphon.cli._console import console
from antiphon.cli._listen import _opened, _Saying
from antiphon.cli._pipe import open_pipe
from antiphon.data import Features
from antiphon.errors import DatasetError, InputError
from antiphon.estimators import Decision, ProgramClassifier, ProgramRegressor, ProgramTagger
from antiphon.language import Program

SOUND = SoundFeatures(8000, ("level",), hop_seconds=0.02)
LOUD = "map(v -> affine[1*level + 20](v), window_max[width=1, look=trailing](x))"
MODELS = {
    "tagger": (ProgramTagger, 'tags ["quiet", "loud"]', LOUD),
    "classes": (ProgramClassifier, 'classes ["quiet", "loud"]', "affine[1*level + 20](mean(x))"),
    "number": (ProgramRegressor, "numbers y", "affine[1*level](last(x))"),
    "thirds": (ProgramClassifier, 'classes ["a", "b"]', "affine[1*level + 20](mean(part[part=1, of=3](x)))"),
}


def program(name, sound=SOUND):
    """A program as an estimator, as if it had been learned."""
    kind, output, term = MODELS[name]
    model = kind()
    text = f"language sequence\ninput x: Seq[Real[1]] of level [dB]\noutput {output}\nprogram\n  {term}\n"
    model.program_ = Program.parse(text)
    model.programs_ = pd.DataFrame()
    model.output_, model.metric_ = model.program_.output, "accuracy"
    model.features_, model.n_features_in_ = Features(("level",), ("dB",)), 1
    model.rate_hz_, model.is_table_, model.sound_ = 50.0, False, sound
    if model.output_.classes:
        model.classes_ = np.array(model.output_.classes)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Models, and two seconds that are loud in the middle."""
    folder = tmp_path_factory.mktemp("listen")
    for name in MODELS:
        program(name).save(folder / f"{name}.antiphon")
    program("tagger", None).save(folder / "deaf.antiphon")
    soundfile.write(folder / "a.wav", burst(), 8000)
    soundfile.write(folder / "fast.wav", np.repeat(burst(), 2), 16000)
    return folder


def burst():
    moment = np.arange(16000) / 8000
    return 0.5 * np.sin(2 * np.pi * 440 * moment) * ((moment > 0.5) & (moment < 1.2))


def lines(text):
    return [(float(row[1]), row[2]) for row in re.finditer(r"^([\d.]+) s +(\S+)", text, re.M)]


def test_a_file_in_a_process_of_its_own(fresh, folder):
    ended = fresh("listen", folder / "tagger.antiphon", folder / "a.wav", "--csv", "all.csv", cwd=folder)
    assert ended.code == 0, ended.err
    assert ended.err == ""
    changes = lines(ended.out)
    assert [label for _, label in changes] == ["quiet", "loud", "quiet"]
    assert [moment for moment, _ in changes] == pytest.approx([0, 0.5, 1.2], abs=0.03)
    assert re.search(r"^ended +after 2\.00 s of sound, 101 frames$", ended.out, re.M)
    assert re.search(r"^latency .* 0\.016 s that a frame looks ahead, 2\.5 s a block", ended.out, re.M)
    assert re.search(r"^real-time factor +0\.\d{4}: .*; \d+\.\d\d s before that to compile$", ended.out, re.M)
    rows = list(csv.DictReader(io.StringIO((folder / "all.csv").read_text())))
    model = program("tagger")
    (wanted,) = model.predict([str(folder / "a.wav")])
    assert [row["prediction"] for row in rows] == wanted.tolist()
    assert [float(row["seconds"]) for row in rows] == pytest.approx(np.arange(101) * 0.02)
    (chances,) = model.predict_proba([str(folder / "a.wav")])
    said = [[float(row["p_quiet"]), float(row["p_loud"])] for row in rows]
    np.testing.assert_allclose(said, chances, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("header", [True, False])
def test_ctrl_c_ends_a_pipe_with_the_summary(start, folder, header):
    raw = (burst() * 32767).astype("<i2").tobytes()
    how = () if header else ("--format", "s16le", "--rate", "8000")
    process = start("listen", folder / "tagger.antiphon", "-", *how, cwd=folder, stdin=-1)
    data = (folder / "a.wav").read_bytes() if header else raw
    process.stdin.buffer.write(data[:24000])  # of 32,000: 1.5 s
    process.stdin.flush()
    out = ""
    while "loud" not in out:
        out += process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err == ""
    assert re.search(r"^stopped +after [01]\.\d\d s of sound", rest, re.M)
    assert "real-time factor" in rest
    assert [label for _, label in lines(out + rest)] in (["quiet", "loud"], ["quiet", "loud", "quiet"])


@pytest.mark.slow
def test_ctrl_c_before_anything_was_heard(start, folder):
    how = ("--format", "f32le", "--rate", "8000")
    process = start("listen", folder / "classes.antiphon", "-", *how, "--csv", "c.csv", cwd=folder, stdin=-1)
    while not (folder / "c.csv").exists():  # from when on it listens
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "stopped           after 0.00 s of sound, 0 frames" in out


def test_classes_come_at_the_end_or_every_so_often(antiphon, folder):
    ended = antiphon("listen", folder / "classes.antiphon", folder / "a.wav")
    assert ended.code == 0, ended.err
    assert lines(ended.out) == [(2.0, "quiet")]
    ended = antiphon(
        "listen", folder / "classes.antiphon", folder / "a.wav", "--every", "0.1", "--csv", "e.csv"
    )
    assert ended.code == 0, ended.err
    assert lines(ended.out) == [(0.1, "quiet"), (2.0, "quiet")]  # The last answer is printed in any case.


def test_the_printed_probability_is_that_of_what_is_said(capsys):
    model = program("classes")  # With a threshold of 0.2 it would say "loud" here.
    _Saying(console(), model, None)([Decision(0.5, "loud", (0.7, 0.3)), Decision(1.0, "quiet", (0.9, 0.1))])
    assert re.findall(r"(\w+)  ([\d.]+)$", capsys.readouterr().out, re.M) == [
        ("loud", "0.30"),
        ("quiet", "0.90"),
    ]


def test_channels_are_mixed_and_that_is_said(tmp_path, capsys):
    soundfile.write(tmp_path / "two.wav", np.stack([burst(), 0 * burst()], 1), 8000)
    rate, blocks = _opened(str(tmp_path / "two.wav"), 1.0, None, None, None)
    assert rate == 8000
    np.testing.assert_allclose(np.concatenate(list(blocks)), burst() / 2, atol=1e-4)
    assert "2 channels to their mean" in capsys.readouterr().out


def test_any_program_hears_the_last_seconds(antiphon, folder):
    how = ("--window", "0.3", "--every", "0.1")
    ended = antiphon("listen", folder / "thirds.antiphon", folder / "a.wav", *how)
    assert ended.code == 0, ended.err
    changes = lines(ended.out)
    # The first third of a window is silent or loud.
    assert [label for _, label in changes] == ["a", "b", "a", "a"]
    assert [moment for moment, _ in changes] == pytest.approx([0.3, 0.8, 1.5, 2.0], abs=0.11)


def test_numbers(antiphon, folder, tmp_path):
    ended = antiphon(
        "listen", folder / "number.antiphon", folder / "a.wav", "--every", "0.5", "--csv", "n.csv"
    )
    assert ended.code == 0, ended.err
    rows = list(csv.reader(io.StringIO((tmp_path / "n.csv").read_text())))
    assert rows[0] == ["seconds", "prediction"]
    assert [row[0] for row in rows[1:]] == ["0.5", "1", "1.5", "2", "2"]
    assert float(rows[2][1]) == pytest.approx(-9.03, abs=0.1)  # the level of a sine of half the full scale


def test_a_file_is_resampled_where_that_is_asked_for(antiphon, folder):
    ended = antiphon("listen", folder / "tagger.antiphon", folder / "fast.wav", "--resample", "8000")
    assert ended.code == 0, ended.err
    assert "from 16000 Hz to 8000 Hz" in ended.out
    assert [label for _, label in lines(ended.out)] == ["quiet", "loud", "quiet"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("tagger.antiphon", "fast.wav"),
            "Sound of 16000 Hz, and the model was learned on recordings of 8000",
        ),
        (("tagger.antiphon", "no.wav"), "no.wav does not exist"),
        (("tagger.antiphon", "tagger.antiphon"), "no sound that can be read"),
        (("deaf.antiphon", "a.wav"), "was not fitted on sound"),
        (("thirds.antiphon", "a.wav"), "part[part=1, of=3]"),
        (("tagger.antiphon", "a.wav", "--rate", "8000"), "--rate with the file"),
        (("tagger.antiphon", "a.wav", "--format", "s16le"), "--format with the file"),
        (("tagger.antiphon", "a.wav", "--csv", "no/out.csv"), "cannot be written"),
        (("tagger.antiphon", "a.wav", "--csv", "a.wav"), "which is what is read"),
        (("tagger.antiphon", "-", "--resample", "8000"), "--resample with standard input"),
        (("tagger.antiphon", "-", "--rate", "8000"), "--rate 8000 without --format"),
        (("tagger.antiphon", "-", "--format", "s16le"), "--format s16le without --rate"),
        (("tagger.antiphon", "-", "--format", "s16le", "--rate", "16000"), "ffmpeg ... -ar 8000"),
        (("tagger.antiphon", "-"), "Standard input is no WAV"),
        (("classes.antiphon", "-", "--format", "f32le", "--rate", "8000"), "A stream without a sample"),
    ],
)
def test_what_is_refused(antiphon, folder, monkeypatch, arguments, message):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    ended = antiphon("listen", *(folder / a if a.endswith((".wav", ".antiphon")) else a for a in arguments))
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_an_exported_model_of_sound_takes_samples_or_frames(antiphon, folder, tmp_path):
    for more, given in (((), "samples"), (("--frames",), "frames")):
        ended = antiphon(
            "export", folder / "tagger.antiphon", "--to", "numpy", "--out", tmp_path / "m.py", *more
        )
        assert ended.code == 0, ended.err
        assert f"def scores({given}):" in (tmp_path / "m.py").read_text()
        assert f"def predict({given}):" in (tmp_path / "m.py").read_text()


def wav(samples, width, channels=1, rate=8000):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        whole = np.round(np.asarray(samples, np.float64) * (2.0 ** (8 * width - 1) - 1)).astype("<i8")
        if width == 1:
            whole += 128
        file.writeframes(b"".join(int(n).to_bytes(8, "little", signed=True)[:width] for n in whole.ravel()))
    return out.getvalue()


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_wav_of_any_width_through_a_pipe(width, channels):
    samples = np.array([[0.5, -0.25], [-1.0, 1.0], [0.0, 0.125]])[:, :channels]
    rate, blocks = open_pipe(io.BytesIO(wav(samples, width, channels)), 2 / 8000, rate_hz=None, form=None)
    found = list(blocks)
    assert rate == 8000
    assert [len(block) for block in found] == [2, 1]
    assert {block.dtype for block in found} == {np.dtype(np.float32)}
    np.testing.assert_allclose(np.concatenate(found), samples.mean(1), atol=2.0 ** (1 - 8 * width) + 1e-7)


def test_samples_without_a_header():
    wanted = np.array([0.5, -0.25, 1.0], np.float32)
    _, blocks = open_pipe(io.BytesIO(wanted.tobytes() + b"\0\0"), 1.0, rate_hz=8000, form="f32le")
    np.testing.assert_array_equal(next(blocks), wanted)  # What is cut off at the end is left out.


def test_wav_of_floats_or_cut_off():
    out = io.BytesIO()
    soundfile.write(out, np.zeros(8), 8000, format="WAV", subtype="FLOAT")
    with pytest.raises(DatasetError, match=r"unknown format: 3.*ffmpeg"):
        open_pipe(io.BytesIO(out.getvalue()), 1.0, rate_hz=None, form=None)
    with pytest.raises(DatasetError, match="Standard input is no WAV"):
        open_pipe(io.BytesIO(wav([0.0], 2)[:20]), 1.0, rate_hz=None, form=None)
    wide = bytearray(wav([0.5, 0.5], 4))
    wide[34] = 64  # bits a sample
    with pytest.raises(DatasetError, match="WAV of 64 bits"):
        open_pipe(io.BytesIO(bytes(wide)), 1.0, rate_hz=None, form=None)
    _, blocks = open_pipe(io.BytesIO(wav([0.5, 0.25], 2)[:-1]), 1.0, rate_hz=None, form=None)
    np.testing.assert_allclose(np.concatenate(list(blocks)), [0.5], atol=1e-4)
    with pytest.raises(InputError, match="without --rate"):
        open_pipe(io.BytesIO(b""), 1.0, rate_hz=None, form="s16le")
