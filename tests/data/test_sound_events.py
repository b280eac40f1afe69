"""Lists of events: read, brought to frames, and loaded with recordings as tagging."""

import numpy as np
import pytest
from sound_files import tone, write

from antiphon.audio import Augmentation, Event, SoundFeatures
from antiphon.data import Sequences, Sounds, as_sequences, frame_labels, load, load_cases, read_events
from antiphon.errors import DatasetError, InputError

HEAD = "path,onset,offset,label"
LOW = SoundFeatures(8000, ("level",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six recordings of three speakers, with a tone in the middle of each but one."""
    folder = tmp_path_factory.mktemp("calls")
    lines = [HEAD]
    for number in range(6):
        name = f"{'abc'[number % 3]}_{number}.wav"
        loud = np.zeros(1600 + 80 * number, np.float32)
        if number:
            loud[800 : 800 + 40 * number] = tone(40 * number)
            lines.append(f"{name},0.1,{0.1 + 0.005 * number},call")
        write(folder / name, loud + 1e-3 * tone(len(loud), hz=60))
    lines.append("a_0.wav,,,")
    (folder / "events.csv").write_text("\n".join(lines) + "\n")
    return folder


def listed(folder, *lines, head=HEAD):
    file = folder / "listed.csv"
    file.write_text("\n".join([head, *lines]) + "\n")
    return file


def test_a_list_is_read(tmp_path):
    lines = ["a.wav,1.5,2,dog", "b/c.wav, 0.25, 0.5, cat", "a.wav,0,1,dog", "d.wav,,,"]
    found = read_events(listed(tmp_path, *lines))
    assert found == {
        "a.wav": (Event(0, 1, "dog"), Event(1.5, 2, "dog")),
        "b/c.wav": (Event(0.25, 0.5, "cat"),),
        "d.wav": (),
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a.wav,0,1,dog", ",0,1,dog"], "Line 3 of .*listed.csv names no recording"),
        (["a.wav,soon,1,dog"], "the onset 'soon' and the offset '1'"),
        (["a.wav,0,,dog"], "the offset ''"),
        (["a.wav,0,1,"], "Line 2 .* has no label"),
        (["a.wav,2,1,dog"], "Line 2 .* from 2 s to 1 s"),
        ([], "0 lines"),
    ],
)
def test_lines_that_make_no_sense(tmp_path, lines, message):
    with pytest.raises(DatasetError, match=message):
        read_events(listed(tmp_path, *lines))


def test_files_that_are_no_lists(tmp_path):
    with pytest.raises(DatasetError, match=r"cannot be read"):
        read_events(tmp_path / "nowhere.csv")
    with pytest.raises(DatasetError, match=r"Add the column label|add the column label"):
        read_events(listed(tmp_path, "a.wav,0,1", head="path,onset,offset"))


def test_frames_have_the_label_of_their_moment():
    X = Sounds([tone(1600), tone(800)], 8000).frames(LOW)
    y = frame_labels(X, [[Event(0.05, 0.1, "a"), Event(0.1, 0.12, "b")], []])
    assert [len(tags) for tags in y] == X.lengths.tolist() == [21, 11]
    assert y[0].tolist() == ["none"] * 5 + ["a"] * 5 + ["b"] * 2 + ["none"] * 9
    assert set(y[1].tolist()) == {"none"}


def test_frames_without_a_rate_and_events_of_other_recordings():
    X = Sounds([tone(1600)], 8000).frames(LOW)
    with pytest.raises(InputError, match="Events of 2 recordings, and frames of 1"):
        frame_labels(X, [[], []])
    with pytest.raises(InputError, match="rate is not known"):
        frame_labels(as_sequences([np.zeros((3, 1))]), [[]])


def test_a_folder_and_a_list_are_tagging(folder):
    dataset = load(folder, labels=folder / "events.csv", pattern="{speaker}_{index}", sound=LOW)
    assert dataset.task == "tagging"
    assert dataset.classes == ("call", "none")
    train, test = dataset
    assert not set(train.subjects) & set(test.subjects)
    for part in dataset:
        assert [len(tags) for tags in part.y] == part.X.lengths.tolist()
        for frames, tags in zip(part.X, part.y, strict=True):
            number = len(frames) - 21
            assert np.flatnonzero(tags == "call").tolist() == list(range(10, 10 + (number + 1) // 2))
            assert (frames[tags == "call"] > -40).all()
    assert sum(map(len, dataset)) == 6


def test_the_list_in_the_folder_is_no_manifest(folder):
    names = Sounds.read(folder).names
    assert len(names) == 6
    with pytest.raises(DatasetError, match=r"no labels.*--labels"):
        load(folder)


@pytest.mark.parametrize(
    ("lines", "options", "error", "message"),
    [
        (["z.wav,0,1,dog"], {}, DatasetError, "1 recordings that are not there, such as 'z.wav'"),
        (["a_0.wav,100,200,dog"], {}, DatasetError, "a_0.wav is 0.2 s long, and has an event at 100 s"),
        (["a_0.wav,,,"], {}, InputError, "Tags of one class only"),
        (["a_0.wav,0,1,d"], {"augment": Augmentation()}, InputError, "events with augment"),
        (["a_0.wav,0,1,d"], {"task": "regression"}, InputError, "task='regression'"),
        (["a_0.wav,0,.2,d", "a_0.wav,.1,.2,e"], {}, InputError, "'d' until 0.2 s, and 'e' from 0.1 s"),
    ],
)
def test_lists_that_do_not_go_with_the_recordings(folder, tmp_path, lines, options, error, message):
    with pytest.raises(error, match=message):
        load(folder, labels=listed(tmp_path, *lines), sound=LOW, **options)


def test_a_list_in_the_place_of_recordings_is_told_from_a_table(folder):
    for read in (load, load_cases):
        with pytest.raises(DatasetError, match=r"events.csv is a list of events.*--labels events.csv"):
            read(folder / "events.csv")


def test_events_between_two_frames_are_told(folder, tmp_path):
    lines = ["a_0.wav,0.001,0.002,d", "a_3.wav,0.011,0.018,d", "b_1.wav,0.01,0.011,d", "c_2.wav,0.1,0.2,d"]
    dataset = load(folder, labels=listed(tmp_path, *lines), sound=LOW, test_size=2)
    (note,) = [note for note in dataset.notes if "no frame" in note]
    assert "not learned: 2, such as d at 0.001 s of a_0.wav (a frame comes every 0.01 s)" in note
    dataset = load(folder, labels=folder / "events.csv", sound=LOW)
    assert not any("no frame" in note for note in dataset.notes)


def test_recordings_that_were_left_out_may_be_named(folder, tmp_path):
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.wav", tone(1600))
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    lines = [f"{name}.wav,0,0.1,x" for name in ("a", "b", "c", "bad")]
    dataset = load(tmp_path, labels=listed(tmp_path, *lines), sound=LOW)
    assert sum(map(len, dataset)) == 3


def test_labels_of_other_data():
    with pytest.raises(InputError, match="labels for japanese-vowels"):
        load("japanese-vowels", labels="events.csv")


def test_a_resampled_recording_has_a_tag_for_each_frame(tmp_path, monkeypatch):
    from antiphon.data import _sound_gather

    monkeypatch.setattr(_sound_gather, "HELD", 0)  # as of recordings that are not kept in memory
    # Half of these samples is a half more than a whole number, and rounded up a whole number of hops.
    for number in range(4):
        write(tmp_path / f"{number}.wav", tone(2 * 353 * (2 * number + 9) - 1), rate=44100)
    events = listed(tmp_path, *(f"{number}.wav,0.05,0.1,call" for number in range(4)))
    sound = SoundFeatures(22050, ("level",), hop_seconds=0.016)
    assert sound.hop_length == 353
    dataset = load(tmp_path, labels=events, resample_hz=22050, sound=sound)
    for part in dataset:
        assert isinstance(part.X, Sequences)
        assert [len(tags) for tags in part.y] == part.X.lengths.tolist()
