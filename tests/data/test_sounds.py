"""Reading recordings: kinds of files, parts and blocks, rates, and everything that may be wrong with one."""

import sys

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from sound_files import class_folder, tone, write

from antiphon.data import Problem, Sounds, _sound_gather, read_blocks, read_sound, resample, sound_info
from antiphon.data._sound_problems import heard
from antiphon.errors import DatasetError, InputError

few = settings(deadline=None, max_examples=30)
KINDS = [
    ("wav", "PCM_16", 1 / 32000),
    ("wav", "PCM_U8", 1 / 100),
    ("wav", "PCM_24", 1 / 8e6),
    ("wav", "PCM_32", 1e-7),
    ("wav", "FLOAT", 0),
    ("flac", "PCM_16", 1 / 32000),
    ("ogg", "VORBIS", 0.03),
    ("mp3", "MPEG_LAYER_III", 0.03),
]


@pytest.mark.parametrize(("suffix", "encoding", "tolerance"), KINDS, ids=lambda value: str(value))
def test_every_kind_of_file_gives_the_same_waveform(suffix, encoding, tolerance, tmp_path):
    wave = tone(8000)
    file = write(tmp_path / f"a.{suffix}", wave, subtype=encoding)
    info = sound_info(file)
    assert (info.rate_hz, info.channels, info.samples, info.encoding) == (8000, 1, 8000, encoding)
    samples, rate = read_sound(file)
    assert rate == 8000
    assert samples.dtype == np.float32
    if suffix in ("ogg", "mp3"):  # lossy: noise, most of it at the ends
        assert np.sqrt(np.mean((samples - wave)[400:-400] ** 2)) < tolerance
    else:
        np.testing.assert_allclose(samples, wave, atol=tolerance)
    sounds = Sounds.read(file)
    assert sounds.names == (f"a.{suffix}",)
    np.testing.assert_array_equal(sounds[0], samples)
    assert (sounds.problems, sounds.notes) == ((), ())


def test_several_channels_become_their_mean_and_that_is_said(tmp_path, caplog):
    left, right = tone(), tone(hz=600.0)
    file = write(tmp_path / "a.wav", np.stack([left, right], axis=1), subtype="FLOAT")
    sounds = Sounds.read(file)
    np.testing.assert_allclose(sounds[0], (left + right) / 2, atol=1e-7)
    assert sounds.notes == ("1 of 1 recordings have 2 channels, mixed down to their mean.",)
    assert "mixed down" in caplog.text


@few
@given(st.integers(0, 700), st.integers(1, 100))
def test_a_part_is_what_stands_there(tmp_path_factory, start, count):
    wave = tone()
    file = write(tmp_path_factory.mktemp("part") / "a.wav", wave, subtype="FLOAT")
    samples, _ = read_sound(file, start=start / 8000, end=(start + count) / 8000)
    np.testing.assert_array_equal(samples, wave[start : start + count])


def test_a_part_that_is_not_inside(tmp_path):
    file = write(tmp_path / "a.wav")
    for start, end in ((0.05, 0.2), (0.2, None), (0.05, 0.05), (-1.0, 0.05)):
        with pytest.raises(InputError, match=r"of a recording of 0\.1 s"):
            read_sound(file, start=start, end=end)
    samples, _ = read_sound(file, start=0.05, end=0.105)  # an end that was rounded
    assert len(samples) == 400


@pytest.mark.parametrize("seconds", [0.01, 0.033, 0.1, 5.0])
def test_blocks_joined_are_the_whole(seconds, tmp_path):
    file = write(tmp_path / "a.wav", np.stack([tone(3001), tone(3001, 600.0)], axis=1))
    blocks = list(read_blocks(file, seconds))
    assert max(map(len, blocks)) <= round(seconds * 8000)
    np.testing.assert_array_equal(np.concatenate(blocks), read_sound(file)[0])
    part = list(read_blocks(file, seconds, start=0.1, end=0.2))
    np.testing.assert_array_equal(np.concatenate(part), read_sound(file, start=0.1, end=0.2)[0])


def test_blocks_at_another_rate_are_the_whole_at_that_rate(tmp_path):
    file = write(tmp_path / "a.wav", tone(8000), subtype="FLOAT")
    blocks = np.concatenate(list(read_blocks(file, 0.05, rate_hz=16000)))
    whole = resample(tone(8000), 8000, 16000)
    assert len(blocks) == len(whole) == 16000
    np.testing.assert_allclose(blocks, whole, atol=1e-5)


def test_blocks_need_a_length(tmp_path):
    with pytest.raises(InputError, match="Blocks of 0 s"):
        next(read_blocks(write(tmp_path / "a.wav"), 0))


@pytest.mark.parametrize("rate", [6000, 11025, 16000])
def test_a_resampled_tone_is_the_tone_at_that_rate(rate):
    found = resample(tone(8000), 8000, rate)
    assert len(found) == rate
    inner = slice(rate // 10, -rate // 10)
    np.testing.assert_allclose(found[inner], tone(rate, rate=rate)[inner], atol=1e-3)


def test_different_rates_are_an_error_unless_one_is_asked_for(tmp_path, monkeypatch, caplog):
    for name, rate in (("a", 8000), ("b", 8000), ("c", 16000)):
        write(tmp_path / f"{name}.wav", tone(rate // 10, rate=rate), rate)
    with pytest.raises(DatasetError, match=r"8000 Hz \(2, such as a.wav\), 16000 Hz \(1, such as c.wav\)"):
        Sounds.read(tmp_path)
    sounds = Sounds.read(tmp_path, rate_hz=8000)
    assert sounds.notes == ("1 of 3 recordings resampled from 16000 Hz to 8000 Hz (soxr HQ).",)
    assert "resampled from 16000 Hz" in caplog.text
    assert sounds.lengths.tolist() == [800, 800, 800]
    np.testing.assert_allclose(sounds[2][80:-80], tone()[80:-80], atol=2e-3)
    monkeypatch.setattr(_sound_gather, "HELD", 0)  # nothing is kept: each is read when it is asked for
    lazy = Sounds.read(tmp_path, rate_hz=8000)
    assert all(clip.array is None for clip in lazy.clips)
    for one, other in zip(sounds, lazy, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(InputError, match="A rate of -1 Hz"):
        Sounds.read(tmp_path, rate_hz=-1)


def _bad(folder):
    """A folder with one good recording, and one of each kind that is not; name -> kind of problem."""
    good = class_folder(folder, ("a",), 1) / "a" / "0.wav"
    (folder / "text.wav").write_bytes(b"this is no sound at all " * 9)
    (folder / "zero.wav").touch()
    write(folder / "none.wav", np.zeros(0))
    write(folder / "nan.wav", np.where(np.arange(800) == 7, np.nan, tone()), subtype="FLOAT")
    (folder / "cut.wav").write_bytes(good.read_bytes()[:-600])
    whole = write(folder / "cut.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 9000))
    whole.write_bytes(whole.read_bytes()[:9000])
    (folder / "phone.m4a").write_bytes(b"....ftypM4A ")
    write(folder / "silent.wav", np.zeros(800))
    write(folder / "clipped.wav", np.clip(tone(peak=3.0), -1, 1))
    return {
        "text.wav": "unreadable",
        "zero.wav": "empty",
        "none.wav": "empty",
        "nan.wav": "not-finite",
        "cut.wav": "cut-off",
        "cut.flac": "cut-off",
        "phone.m4a": "unreadable",
        "silent.wav": "silent",
        "clipped.wav": "clipped",
    }


@pytest.mark.parametrize("held", [True, False], ids=["in memory", "on disk"])
def test_what_is_wrong_is_reported_by_name_and_the_rest_is_used(held, tmp_path, caplog, monkeypatch):
    if not held:
        monkeypatch.setattr(_sound_gather, "HELD", 0)
    wanted = _bad(tmp_path)
    sounds = Sounds.read(tmp_path)
    assert {problem.name: problem.kind for problem in sounds.problems} == wanted
    assert sounds.names == ("a/0.wav", "clipped.wav", "silent.wav")
    assert [problem.name for problem in sounds.problems if not problem.left_out] == [
        "clipped.wav",
        "silent.wav",
    ]
    for name in wanted:
        assert name in caplog.text
    assert "7 left out" in caplog.text
    with pytest.raises(DatasetError, match=r"nan.wav has 1 samples that are NaN") as caught:
        Sounds.read(tmp_path, strict=True)
    assert all(name in str(caught.value) for name in wanted)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("text.wav", r"text.wav is no sound that can be read \(Format not recognised\)"),
        ("zero.wav", r"zero.wav is empty: a file of 0 bytes"),
        ("none.wav", r"none.wav holds no samples"),
        ("nan.wav", r"nan.wav has 1 samples that are NaN or infinite"),
        ("cut.wav", r"cut.wav breaks off before the end"),
        ("cut.flac", r"cut.flac breaks off before its end"),
        ("phone.m4a", r"phone.m4a is of a kind that is not read"),
    ],
)
def test_each_has_a_message_of_its_own(name, message, tmp_path):
    _bad(tmp_path)
    with pytest.raises(DatasetError, match=message):
        Sounds.read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.wav", "does not exist"),
        ("a", "is a folder"),
        ("zero.wav", "a file of 0 bytes"),
        ("text.wav", "no sound that can be read: Format not recognised"),
    ],
)
def test_files_read_one_by_one_have_messages_too(name, message, tmp_path):
    _bad(tmp_path)
    with pytest.raises(DatasetError, match=message):
        sound_info(tmp_path / name)
    with pytest.raises(DatasetError, match=message):
        read_sound(tmp_path / name)


def test_a_file_that_breaks_off_while_it_is_read(tmp_path):
    _bad(tmp_path)
    with pytest.raises(DatasetError, match=r"cut.flac breaks off"):
        read_sound(tmp_path / "cut.flac")
    with pytest.raises(DatasetError, match=r"cut.flac breaks off"):
        list(read_blocks(tmp_path / "cut.flac"))


@few
@given(st.floats(0.01, 0.999), st.floats(20, 3900))
def test_a_tone_below_full_scale_has_no_problem(peak, hz):
    assert heard("a", [tone(800, hz, peak=peak)]) == []


@few
@given(st.floats(1.3, 100.0), st.floats(20, 400))
def test_a_tone_cut_at_full_scale_is_clipped(peak, hz):
    assert [p.kind for p in heard("a", [np.clip(tone(800, hz, peak=peak), -1, 1)])] == ["clipped"]


def test_shorter_than_a_frame():
    assert heard("a", [tone(100)], least=256) == [
        Problem("a", "short", "a is shorter than a frame: 100 of 256 samples")
    ]


def test_packages_that_are_not_installed(tmp_path, monkeypatch):
    file = write(tmp_path / "a.wav")
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(DatasetError, match=r"soxr, which is not installed.*antiphon\[audio\]"):
        resample(tone(), 8000, 4000)
    with pytest.raises(DatasetError, match="soxr, which is not installed"):
        Sounds.read(file, rate_hz=4000)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(DatasetError, match=r"soundfile, which is not installed.*antiphon\[audio\]"):
        Sounds.read(file)


def test_they_are_like_a_list_and_do_not_change():
    sounds = Sounds([tone(), tone(400)], 8000, names=["x", "y"], labels=[1, 2], speakers=["s", "t"])
    assert repr(sounds) == "<Sounds: 2 recordings of 0.05-0.1 s, 8000 Hz>"
    np.testing.assert_array_equal(sounds[-1], tone(400))
    for index in ([1], slice(1, None), np.array([False, True])):
        one = sounds[index]
        assert (one.names, one.labels.tolist(), one.speakers.tolist()) == (("y",), [2], ["t"])
    with pytest.raises(AttributeError, match="immutable"):
        sounds.rate_hz = 1
    with pytest.raises(ValueError, match="read-only"):
        sounds[0][0] = 1.0
    with pytest.raises(IndexError):
        sounds[2]
    with pytest.raises(InputError, match="None of the recordings"):
        sounds[[]]
    with pytest.raises(InputError, match="Parts of shape"):
        sounds.with_parts([0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 8000), "No waveforms"),
        (([tone()], 0), "A rate of 0 Hz"),
        (([np.zeros((4, 2), np.float32)], 8000), r"shape \(4, 2\)"),
        (([np.zeros(4, np.int16)], 8000), "type int16"),
        (([np.zeros(0, np.float32)], 8000), "holds no samples"),
        (([np.full(4, np.inf, np.float32)], 8000), "NaN or infinite"),
    ],
)
def test_arrays_that_are_no_waveforms(arguments, message):
    with pytest.raises(InputError, match=message):
        Sounds(*arguments)


def test_splitters_of_scikit_learn_keep_recordings_whole():
    sounds = Sounds([tone(800 + 80 * i) for i in range(6)], 8000, labels=list("ababab"))
    assert sounds.shape == (6, 1200)
    for part in train_test_split(sounds, test_size=2, random_state=0):
        assert isinstance(part, Sounds)
        assert part.rate_hz == 8000
        assert [len(wave) for wave in part] == part.lengths.tolist()
        assert part.labels.tolist() == ["ab"[int(name[-1]) % 2] for name in part.names]


def test_labels_of_another_number():
    for what in ("names", "labels", "speakers"):
        with pytest.raises(InputError, match=f"1 {what} for 2 waveforms"):
            Sounds([tone(), tone()], 8000, **{what: ["a"]})


def test_a_list_keeps_its_labels_where_one_recording_is_left_out(tmp_path):
    _bad(tmp_path)
    paths = [tmp_path / "text.wav", tmp_path / "a" / "0.wav"]
    sounds = Sounds.read(paths, labels=["wrong", "right"], speakers=["p", "q"])
    assert (sounds.labels.tolist(), sounds.speakers.tolist()) == (["right"], ["q"])
    assert sounds.names == (paths[1].as_posix(),)
    with pytest.raises(InputError, match="1 labels for 2 recordings"):
        Sounds.read(paths, labels=["a"])
    with pytest.raises(InputError, match="An empty list"):
        Sounds.read([])
    with pytest.raises(InputError, match="beside a path"):
        Sounds.read(tmp_path, labels=["a"])
    with pytest.raises(DatasetError, match="No file and no folder"):
        Sounds.read(tmp_path / "nowhere")


def test_soundfile_agrees_on_what_is_read(tmp_path):
    file = write(tmp_path / "a.wav", tone(), subtype="PCM_24")
    wanted, _ = soundfile.read(file, dtype="float32")
    np.testing.assert_array_equal(read_sound(file)[0], wanted)
