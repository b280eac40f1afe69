"""Recordings as data sets: features, splits between speakers, copies to learn from, synthetic sounds."""

import hashlib
import io
import logging
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from sound_files import class_folder, manifest, tone, write

from antiphon.audio import Augmentation, SoundFeatures
from antiphon.data import (
    Sequences,
    Sounds,
    _fetch,
    _sound_frames,
    _sound_gather,
    fetch,
    is_sound,
    join,
    load,
    load_cases,
    read_sounds,
    synthetic_sounds,
)
from antiphon.errors import DatasetError, InputError

LEVEL = SoundFeatures(8000, ("level",))
DIGITS = Path(__file__).parents[3] / "shared" / "data" / "spoken_digits"


def by_speakers(folder, speakers="abcd", each=2):
    for speaker in speakers:
        for label in ("high", "low"):
            for i in range(each):
                hz = (900 if label == "high" else 300) + 10 * i + ord(speaker)
                write(folder / f"{label}_{speaker}_{i}.wav", tone(hz=hz))
    return folder


def test_frames_are_what_the_features_give(tmp_path):
    waves = [tone(800), tone(1203, 900.0), tone(4000, 200.0)]
    X = Sounds(waves, 8000).frames("level")
    assert (X.features.names, X.features.units, X.rate_hz, X.sound) == (("level",), ("dB",), 100, LEVEL)
    for frames, wave in zip(X, waves, strict=True):
        # Decibels of the mean square of 256 samples around each moment.
        around = np.pad(wave.astype(np.float64), 128)
        power = [np.mean(around[80 * t : 80 * t + 256] ** 2) for t in range(1 + len(wave) // 80)]
        np.testing.assert_allclose(frames[:, 0], 10 * np.log10(np.maximum(power, 1e-10)), atol=1e-3)
    assert X[1:].sound == join(X, X).sound == LEVEL
    other = Sequences(X.frames, X.lengths, X.features, X.rate_hz, sound=replace(LEVEL, hop_seconds=0.02))
    with pytest.raises(InputError, match="Frames made by"):
        join(X, other)


@pytest.mark.parametrize("held", [True, False], ids=["in memory", "on disk"])
def test_a_long_recording_in_pieces_is_the_whole(held, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    wave = (0.2 * rng.normal(size=20_000) * np.linspace(0.1, 1, 20_000)).clip(-1, 1).astype(np.float32)
    own = SoundFeatures(8000, ("delta", "level"), n_mfcc=4, n_mels=12, cmvn=True)
    whole = Sounds([wave], 8000).frames(own)
    monkeypatch.setattr(_sound_frames, "LONG", 5000)
    monkeypatch.setattr(_sound_frames, "TOGETHER", 8192)
    if not held:
        monkeypatch.setattr(_sound_gather, "HELD", 0)
    file = manifest(tmp_path, ["a.wav,x,0.5,3"], "path,label,start,end")
    write(tmp_path / "a.wav", np.concatenate([np.ones(4000, np.float32), wave]), subtype="FLOAT")
    sounds = Sounds.read(file)
    assert (sounds.clips[0].array is None) != held
    pieces = sounds.frames(own)
    assert pieces.lengths.tolist() == whole.lengths.tolist()
    np.testing.assert_allclose(pieces.frames, whole.frames, atol=2e-4)


def test_a_long_recording_that_is_resampled_is_never_read_whole(tmp_path, monkeypatch):
    wave = (0.2 * np.random.default_rng(0).normal(size=20_000)).clip(-1, 1).astype(np.float32)
    file = write(tmp_path / "a.wav", wave, 16000, subtype="FLOAT")
    whole = Sounds.read(file, rate_hz=8000).frames("level")
    monkeypatch.setattr(_sound_frames, "LONG", 5000)
    monkeypatch.setattr(_sound_frames, "TOGETHER", 2048)
    monkeypatch.setattr(_sound_gather, "HELD", 0)
    monkeypatch.setattr(_sound_gather.Clip, "read", None)
    pieces = Sounds.read(file, rate_hz=8000).frames("level")
    assert pieces.lengths.tolist() == whole.lengths.tolist()
    np.testing.assert_allclose(pieces.frames, whole.frames, atol=1e-3)


def test_a_file_that_is_a_little_shorter_than_it_says(tmp_path, monkeypatch):
    file = write(tmp_path / "a.mp3", tone(8000))
    whole = file.read_bytes()
    file.write_bytes(whole[:-150])
    sounds = Sounds.read(file)
    samples = len(sounds[0])
    assert 8000 - 2304 < samples < 8000
    assert sounds.problems == ()
    wanted = sounds.frames("level")
    assert wanted.lengths.tolist() == [1 + samples // 80]
    monkeypatch.setattr(_sound_frames, "LONG", 5000)
    monkeypatch.setattr(_sound_frames, "TOGETHER", 8192)
    monkeypatch.setattr(_sound_gather, "HELD", 0)
    found = Sounds.read(file).frames("level")
    assert found.lengths.tolist() == wanted.lengths.tolist()
    assert np.abs(found.frames - wanted.frames)[:60].max() < 0.1  # where it has not sought in the file
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="breaks off"):
        Sounds.read(file)


def test_features_for_another_rate_or_of_no_kind():
    sounds = Sounds([tone()], 8000)
    with pytest.raises(InputError, match="Recordings of 8000 Hz, and features for 16000 Hz"):
        sounds.frames(SoundFeatures(16000))
    with pytest.raises(InputError, match="sound=3"):
        sounds.frames(3)
    with pytest.raises(InputError, match="correct 'loudness'"):
        sounds.frames("loudness")
    with pytest.raises(InputError, match=r"clip_0 is shorter than a frame: 100 of 256 samples \(1 such"):
        Sounds([tone(100)], 8000).frames("level")


def test_a_folder_of_classes(tmp_path):
    class_folder(tmp_path / "pitch")
    write(tmp_path / "pitch" / "low" / "blip.wav", tone(100))
    write(tmp_path / "pitch" / "low" / "still.wav", np.zeros(800))
    dataset = load(tmp_path / "pitch", sound=["level"], test_size=0.25)
    assert (dataset.name, dataset.classes, dataset.target) == ("pitch", ("high", "low"), "label")
    assert (len(dataset.train), len(dataset.test)) == (7, 2)
    assert dataset.train.X.sound == dataset.test.X.sound == LEVEL
    assert {p.name: p.kind for p in dataset.problems} == {"low/blip.wav": "short", "low/still.wav": "silent"}
    assert "Problems with 2 recordings" in dataset.description
    assert dataset.notes == ()
    with pytest.raises(DatasetError, match=r"blip.wav is shorter than a frame: 100 of 256 samples"):
        load(tmp_path / "pitch", sound=["level"], strict=True)


def test_a_part_keeps_its_recordings(tmp_path, monkeypatch):
    monkeypatch.setattr(_sound_gather, "HELD", 0)  # each is read when it is asked for
    folder = by_speakers(tmp_path)
    dataset = load(folder, sound="level", pattern="{label}_{speaker}_{index}")
    for part in dataset:
        assert len(part.sounds) == len(part)
        assert all(clip.array is None for clip in part.sounds.clips)
        for case, name in enumerate(part.sounds.names):
            assert name.startswith(f"{part.y[case]}_{part.subjects[case]}_")
            frames = part.sounds[case : case + 1].frames(LEVEL)[0]
            np.testing.assert_allclose(frames, part.X[case], atol=1e-5)
    few = dataset.train.take([3, 0])
    assert few.sounds.names == (dataset.train.sounds.names[3], dataset.train.sounds.names[0])
    assert dataset.train.take([]).sounds is None
    assert load("planted-speed").test.sounds is None


def test_speakers_are_on_one_side_only_by_default(tmp_path):
    dataset = load(by_speakers(tmp_path), sound="level", pattern="{label}_{speaker}_{index}")
    train, test = (set(split.subjects.tolist()) for split in dataset)
    assert train | test == set("abcd")
    assert not train & test
    assert dataset.notes == ()
    assert "whole subjects" in dataset.description


def test_a_split_that_leaks_speakers_is_said_loudly(tmp_path, caplog):
    by_speakers(tmp_path, "abc", 1)
    lines = [f"{label}_{s}_0.wav,{label},{s}" for s in "abc" for label in ("high", "low")]
    parts = ["train", "train", "train", "test", "test", "test"]
    rows = [f"{line},{part}" for line, part in zip(lines, parts, strict=True)]
    dataset = load(manifest(tmp_path, rows, "path,label,speaker,split"), sound="level")
    (note,) = dataset.notes
    assert note.startswith("WARNING: 1 speakers are in the training and in the test part (b)")
    assert note in dataset.description
    assert any(record.levelno == logging.WARNING and note in record.message for record in caplog.records)
    assert load(tmp_path / "manifest.csv", sound="level", test_size=None).test.subjects.tolist() == list(
        "bcc"
    )


def test_notes_are_in_the_description(tmp_path):
    for i in range(2):
        write(tmp_path / "a" / f"{i}.wav", np.stack([tone()] * 2, axis=1))
        write(tmp_path / "b" / f"{i}.wav", tone(1600, rate=16000), 16000)
    dataset = load(tmp_path, sound="level", resample_hz=8000, test_size=1)
    assert "2 channels, mixed down" in dataset.description
    assert "resampled from 16000 Hz to 8000 Hz" in dataset.description
    with pytest.raises(DatasetError, match="different rates"):
        load(tmp_path)


def test_a_folder_with_one_class_or_with_none(tmp_path):
    class_folder(tmp_path, ("low",))
    with pytest.raises(DatasetError, match=r"All 4 recordings of .* are of one class, 'low'"):
        load(tmp_path)
    with pytest.raises(DatasetError, match="have no labels"):
        load(tmp_path / "low")
    assert len(load_cases(tmp_path / "low", sound="level")) == 4


def test_a_manifest_without_one_of_the_parts(tmp_path):
    class_folder(tmp_path, each=1)
    lines = ["high/0.wav,high,train", "low/0.wav,low,val"]
    with pytest.raises(DatasetError, match="has no test recordings"):
        load(manifest(tmp_path, lines, "path,label,split"))


def test_labels_that_are_numbers(tmp_path):
    class_folder(tmp_path, each=2)
    names = ("high/0.wav", "high/1.wav", "low/0.wav", "low/1.wav")
    lines = [f"{name},{number}" for name, number in zip(names, (0.5, 1.5, 2.25, 3), strict=True)]
    dataset = load(manifest(tmp_path, lines), sound="level")
    assert (dataset.task, dataset.train.y.dtype) == ("regression", np.float64)
    lines = [f"{name},{number}" for name, number in zip(names, (7, 7, 8, 8), strict=True)]
    dataset = load(manifest(tmp_path, lines), sound="level")
    assert (dataset.task, dataset.classes) == ("classification", (7, 8))
    lines = [f"{name},{label}" for name, label in zip(names, "aabb", strict=True)]
    with pytest.raises(DatasetError, match=r"Labels of .* no numbers, such as 'a'"):
        load(manifest(tmp_path, lines), task="regression")


def test_options_for_other_data(tmp_path):
    with pytest.raises(InputError, match="sound, strict for planted-speed, which is data without recordings"):
        load("planted-speed", sound="level", strict=True)
    with pytest.raises(InputError, match=r"rate_hz for .*, which is a data set of sound"):
        load(class_folder(tmp_path), rate_hz=8000)
    with pytest.raises(InputError, match="A pattern of names for synthetic-sounds"):
        load("synthetic-sounds", pattern="{label}")


def test_what_is_sound(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "plain.csv").write_text("a,label\n1,x\n")
    for name in ("", "planted-speed", tmp_path / "empty", tmp_path / "plain.csv", tmp_path / "no.wav"):
        assert not is_sound(name)
    class_folder(tmp_path, each=1)
    for name in (
        tmp_path,
        tmp_path / "low" / "0.wav",
        manifest(tmp_path / "m", ["a.wav,x"]),
        "spoken-digits",
    ):
        assert is_sound(name)
    np.save(tmp_path / "train_data.npy", np.zeros((2, 3)))
    assert not is_sound(tmp_path)


def test_copies_are_for_learning_only_and_stay_with_their_recording(tmp_path):
    change = Augmentation(copies=2, time_masks=1, time_mask_seconds=0.03, seed=3)
    write(class_folder(tmp_path) / "low" / "short.wav", tone(257))  # of which a faster copy is no frame
    plain = load(tmp_path, sound="level")
    more = load(tmp_path, sound="level", augment=change)
    count = len(plain.train)
    assert len(more.train) == 3 * count
    assert more.train.y.tolist() == plain.train.y.tolist() * 3
    assert more.train.subjects.tolist() == list(range(count)) * 3
    np.testing.assert_array_equal(more.test.X.frames, plain.test.X.frames)
    np.testing.assert_array_equal(more.train.X[:count].frames, plain.train.X.frames)
    assert more.train.X.lengths.tolist() != plain.train.X.lengths.tolist() * 3  # other speeds
    assert "2 changed copies" in more.description
    assert len(more.train.sounds) == 3 * count
    assert more.train.sounds.names[count:].count("low/short.wav#1") == 1
    again = load(tmp_path, sound="level", augment=change)
    np.testing.assert_array_equal(again.train.X.frames, more.train.X.frames)
    other = load(tmp_path, sound="level", augment=replace(change, seed=4))
    assert (
        other.train.X.frames.shape != more.train.X.frames.shape
        or (other.train.X.frames != more.train.X.frames).any()
    )


def test_synthetic_sounds_are_seeded_and_split_by_rooms():
    one, again, other = (synthetic_sounds(each=1, rooms=3, seed=seed) for seed in (1, 1, 2))
    assert len(one) == 18
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(len(a) != len(b) for a, b in zip(one, other, strict=True))
    assert all(0.1 < np.abs(wave).max() < 1 for wave in one)
    assert set(one.speakers[one.parts == 2]) == {"room_2"}
    quiet = synthetic_sounds(["tone", "noise"], each=2, rooms=2, snr_db=(40, 40))
    for wave, label in zip(quiet, quiet.labels, strict=True):
        power = np.abs(np.fft.rfft(wave)) ** 2
        # A tone has nearly all of its power at one place, noise has it everywhere.
        share = np.sort(power)[-8:].sum() / power.sum()
        assert share > 0.9 if label == "tone" else share < 0.2
    dataset = load("synthetic-sounds", sound="level")
    assert not set(dataset.train.subjects) & set(dataset.test.subjects)
    assert dataset.train.X.sound == LEVEL
    assert read_sounds("synthetic-sounds", rate_hz=4000).rate_hz == 4000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kinds": ["boom"]}, "The kind of sound 'boom'"),
        ({"kinds": []}, "No kinds"),
        ({"rooms": 1}, "rooms=1"),
        ({"seconds": (0.5, 0.2)}, r"seconds=\(0.5, 0.2\)"),
    ],
)
def test_synthetic_sounds_that_cannot_be(arguments, message):
    with pytest.raises(InputError, match=message):
        synthetic_sounds(**arguments)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A small zip file on a server of its own, in the place of the real one; gives its digest."""
    pytest.importorskip("pooch", reason="pooch, which downloads, is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for digit in "01":
            for speaker in "ab":
                for index in (0, 4, 5, 6):
                    path = write(tmp_path / "made" / f"{digit}_{speaker}_{index}.wav")
                    file.write(path, f"inside/recordings/{path.name}")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):  # the name that the server calls
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content.getvalue())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    here = replace(
        _fetch.FETCHED["spoken-digits"],
        url=f"http://127.0.0.1:{server.server_port}/digits.zip",
        sha256=hashlib.sha256(content.getvalue()).hexdigest(),
        folder="inside/recordings",
        recordings=16,
    )
    monkeypatch.setitem(_fetch.FETCHED, "spoken-digits", here)
    yield here
    server.shutdown()
    server.server_close()
    thread.join()


def test_fetching_and_loading_what_was_fetched(archive, tmp_path):
    with pytest.raises(DatasetError, match=r"not here yet.*antiphon data fetch spoken-digits"):
        load("spoken-digits")
    folder = fetch("spoken-digits")
    assert folder.is_relative_to(tmp_path / "cache")
    assert fetch("spoken-digits") == folder  # nothing is downloaded again
    dataset = load("spoken-digits", sound="level")
    assert (dataset.classes, len(dataset.train), len(dataset.test)) == ((0, 1), 8, 8)
    assert dataset.notes[0].startswith("WARNING: 2 speakers")


def test_fetching_something_else_or_without_a_network(archive, monkeypatch):
    monkeypatch.setitem(_fetch.FETCHED, "spoken-digits", replace(archive, sha256="0" * 64))
    with pytest.raises(DatasetError, match="is not the known file: its SHA-256"):
        fetch("spoken-digits")
    nowhere = replace(archive, url="http://127.0.0.1:1/digits.zip")
    monkeypatch.setitem(_fetch.FETCHED, "spoken-digits", nowhere)
    with pytest.raises(DatasetError, match=r"could not be downloaded from http://127.0.0.1:1"):
        fetch("spoken-digits")
    with pytest.raises(DatasetError, match="'spoken-words' cannot be fetched"):
        fetch("spoken-words")


def test_fetching_without_the_package(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DatasetError, match=r"pooch, which is not installed.*antiphon\[audio\]"):
        fetch("spoken-digits")


@pytest.mark.skipif(not DIGITS.is_dir(), reason="the recordings of digits are not here")
def test_real_recordings():
    files = sorted(DIGITS.glob("[01]_*_2[0-3].wav"))
    sounds = Sounds.read(files, pattern="{label}_{speaker}_{index}")
    assert len(sounds) == len(files) == 32
    assert (sounds.rate_hz, sounds.problems, sounds.notes) == (8000, (), ())
    assert len(set(sounds.speakers.tolist())) == 4
    assert (sounds.frames("level").lengths == sounds.lengths // 80 + 1).all()
