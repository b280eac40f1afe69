"""The command on recordings: learn, evaluate, predict, and what is said about them."""

import csv
import io

import numpy as np
import pytest
import soundfile

from antiphon.data import _fetch


def write(path, hz, rate=8000, samples=800):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * hz * np.arange(samples) / rate), rate)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Recordings of three speakers, a broken one, and a silent one."""
    folder = tmp_path_factory.mktemp("sounds") / "pitch"
    for speaker in "abc":
        for i in range(3):
            write(folder / f"high_{speaker}_{i}.wav", 2000 + 20 * i + ord(speaker))
            write(folder / f"low_{speaker}_{i}.wav", 300 + 20 * i + ord(speaker))
    (folder / "low_a_9.wav").write_bytes(b"nothing")
    soundfile.write(folder / "low_b_9.wav", np.zeros(800), 8000)
    return folder


@pytest.fixture(scope="module")
def listener(folder, tmp_path_factory):
    """A model that `save` wrote, fitted on these recordings."""
    from antiphon.data import load
    from antiphon.estimators import RecurrentClassifier

    train, _ = load(folder, pattern="{label}_{speaker}_{index}", sound="centroid")
    model = RecurrentClassifier(hidden=2, epochs=30, random_state=0).fit(train.X, train.y)
    path = tmp_path_factory.mktemp("model") / "m.antiphon"
    model.save(path)
    return path


def test_data_info_says_what_is_wrong(antiphon, folder):
    ended = antiphon("data", "info", folder, "--pattern", "{label}_{speaker}_{index}", "--sound", "centroid")
    assert ended.code == 0, ended.err
    assert "centroid [Hz]" in ended.out
    assert "100 frames a second" in ended.out
    assert "low_a_9.wav is no sound that can be read (Format not recognised) (left out)" in ended.out
    assert "low_b_9.wav is silent throughout" in ended.out
    assert ended.err == ""
    strict = antiphon("data", "info", folder, "--pattern", "{label}_{speaker}_{index}", "--strict")
    assert strict.code == 2
    assert "low_a_9.wav is no sound" in strict.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "have no labels"),
        (("--pattern", "{label}"), "fewer samples than two"),
        (("--pattern", "{label}_{speaker}_{index}", "--sound", "colour"), "correct 'colour'"),
        (("--pattern", "{label}_{speaker}_{index}", "--rate-hz", "10"), "rate_hz for"),
    ],
)
def test_learning_what_cannot_be_learned(antiphon, folder, options, message):
    ended = antiphon("learn", folder, *options)
    assert ended.code == 2
    assert message in ended.err


def test_predicting_for_a_folder_and_for_a_file(antiphon, folder, listener):
    ended = antiphon("predict", listener, folder)
    assert ended.code == 0, ended.err
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert list(rows[0]) == ["recording", "prediction", "p_high", "p_low"]
    assert len(rows) == 19
    assert {row["recording"] for row in rows} == {
        file.name for file in folder.glob("*.wav") if file.name != "low_a_9.wav"
    }
    assert "low_a_9.wav is no sound" in ended.err
    right = [row["recording"].startswith(row["prediction"]) for row in rows if "9" not in row["recording"]]
    assert np.mean(right) == 1
    one = antiphon("predict", listener, folder / "high_a_0.wav")
    assert one.out.splitlines()[1].startswith("high_a_0.wav,high,")


def test_another_rate_is_brought_to_the_models_only_where_asked(antiphon, listener, tmp_path):
    write(tmp_path / "a.wav", 2000, 16000, 1600)
    refused = antiphon("predict", listener, tmp_path / "a.wav")
    assert refused.code == 2
    assert "Recordings of 16000 Hz" in refused.err
    assert "8000 Hz" in refused.err
    done = antiphon("predict", listener, tmp_path / "a.wav", "--resample", "8000")
    assert done.out.splitlines()[1].startswith("a.wav,high,")
    assert "resampled from 16000 Hz to 8000 Hz" in done.err


def test_evaluating_on_a_folder(antiphon, folder, listener):
    ended = antiphon("evaluate", listener, folder, "--pattern", "{label}_{speaker}_{index}")
    assert ended.code == 0, ended.err
    assert "1.0000 on the" in ended.out
    assert "low_b_9.wav is silent" in ended.out


def test_models_of_other_data_do_not_listen(antiphon, model, folder):
    for command in ("predict", "evaluate"):
        ended = antiphon(command, model, folder)
        assert ended.code == 2
        assert "Recordings, and the model was learned on other data" in ended.err


def test_fetching(antiphon, monkeypatch, tmp_path):
    pytest.importorskip("pooch", reason="pooch, which downloads, is not installed")
    assert "antiphon data fetch spoken-digits" in antiphon("data", "list").out
    monkeypatch.setattr("antiphon.cli._data.fetch_data", lambda name: tmp_path / name)
    assert "spoken-digits" in antiphon("data", "fetch", "spoken-digits").out
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ended = antiphon("data", "info", "spoken-digits")
    assert ended.code == 2
    assert "antiphon data fetch spoken-digits" in ended.err
    assert _fetch.FETCHED["spoken-digits"].recordings == 3000


@pytest.mark.slow
def test_learning_from_recordings(antiphon, folder):
    ended = antiphon(
        "learn", folder, "--pattern", "{label}_{speaker}_{index}", "--sound", "centroid", "--candidates", 6,
        "--out", "run",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "low_a_9.wav is no sound" in ended.out
    assert "accuracy 1.000 on the test split" in ended.out
