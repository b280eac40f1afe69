"""Which recordings there are and what is known of them: manifests, patterns of names, folders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sound_files import class_folder, manifest, tone, write

from antiphon.data import Sounds
from antiphon.data._manifest import pattern_regex
from antiphon.errors import DatasetError, InputError

WORD = st.text("abcXYZ019", min_size=1, max_size=6)


def test_a_manifest_says_everything(tmp_path):
    wave = tone(1600)
    write(tmp_path / "sub" / "a.wav", wave, subtype="FLOAT")
    write(tmp_path / "b.wav")
    file = manifest(
        tmp_path,
        ["sub/a.wav,dog,0.05,0.15,ann,train,x", "sub/a.wav,cat,,,ann,train,y", "b.wav,cat,0.02,,bob,test,z"],
        "path,label,start,end,speaker,split,mood",
    )
    for source in (file, tmp_path):
        sounds = Sounds.read(source)
        assert sounds.names == ("sub/a.wav (0.05-0.15 s)", "sub/a.wav", "b.wav (0.02- s)")
        assert sounds.labels.tolist() == ["dog", "cat", "cat"]
        assert sounds.speakers.tolist() == ["ann", "ann", "bob"]
        assert sounds.parts.tolist() == [0, 0, 2]
        assert sounds.fields["mood"].tolist() == ["x", "y", "z"]
        assert sounds.lengths.tolist() == [800, 1600, 640]
        np.testing.assert_array_equal(sounds[0], wave[400:1200])


def test_files_that_a_manifest_names_and_that_are_not_there(tmp_path, caplog):
    write(tmp_path / "a.wav")
    file = manifest(tmp_path, ["a.wav,x", "b.wav,y", "c.wav,y"])
    sounds = Sounds.read(file)
    assert [(p.name, p.kind) for p in sounds.problems] == [("b.wav", "missing"), ("c.wav", "missing")]
    assert "b.wav is not there" in caplog.text
    with pytest.raises(DatasetError, match=r"b.wav is not there .*; c.wav is not there"):
        Sounds.read(file, strict=True)
    (tmp_path / "a.wav").unlink()
    with pytest.raises(DatasetError, match=r"a.wav is not there"):
        Sounds.read(file)


def test_a_part_that_is_not_in_the_recording(tmp_path):
    write(tmp_path / "a.wav")
    file = manifest(tmp_path, ["a.wav,x,0,0.05", "a.wav,x,0.05,3"], "path,label,start,end")
    (problem,) = Sounds.read(file).problems
    assert problem.kind == "part"
    assert "from 0.05 s to 3 s of a recording of 0.1 s" in problem.what


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        ("file,label", "a.wav,x", "the columns file, label, and no column path"),
        ("path,label", "", "has no lines"),
        ("path,label", ",x", "Line 2 of .* names no recording"),
        ("path,label", "a.wav,", "Line 2 of .* has no label"),
        ("path,label,speaker", "a.wav,x,", "Line 2 of .* has no speaker"),
        ("path,label,start", "a.wav,x,soon", "the start 'soon'"),
        ("path,label,start", "a.wav,x,-1", "the start '-1'"),
        ("path,label,start,end", "a.wav,x,2,1", "from 2 s to 1 s"),
        ("path,label,split", "a.wav,x,maybe", "the split 'maybe'"),
    ],
)
def test_manifests_that_make_no_sense(header, line, message, tmp_path):
    from antiphon.data._manifest import read_manifest

    with pytest.raises(DatasetError, match=message):
        read_manifest(manifest(tmp_path, [line] if line else [], header))


def test_a_manifest_that_cannot_be_read(tmp_path):
    from antiphon.data._manifest import read_manifest

    file = tmp_path / "m.csv"
    file.write_bytes(b"path,label\n\xff\xfe,x\n")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_manifest(file)


def test_several_manifests_in_a_folder(tmp_path):
    manifest(tmp_path, ["a.wav,x"]).rename(tmp_path / "one.csv")
    manifest(tmp_path, ["a.wav,x"])
    with pytest.raises(DatasetError, match=r"several manifests: manifest.csv, one.csv"):
        Sounds.read(tmp_path)


@given(WORD, WORD, WORD)
def test_a_pattern_takes_a_name_apart(label, speaker, index):
    match = pattern_regex("{label}_{speaker}-{index}").fullmatch(f"{label}_{speaker}-{index}")
    assert match.groupdict() == {"label": label, "speaker": speaker, "index": index}


@pytest.mark.parametrize("pattern", ["label_speaker", "{label}_{label}", "{1}_{label}"])
def test_patterns_that_are_none(pattern, tmp_path):
    write(tmp_path / "a.wav")
    with pytest.raises(InputError, match="The pattern"):
        Sounds.read(tmp_path, pattern=pattern)


def test_names_that_do_not_fit_a_pattern(tmp_path):
    for name in ("3_ann_0", "4_bob_0", "notes"):
        write(tmp_path / f"{name}.wav")
    sounds = Sounds.read(tmp_path, pattern="{label}_{speaker}_{index}")
    assert sounds.labels.tolist() == ["3", "4"]
    assert sounds.fields["index"].tolist() == ["0", "0"]
    assert [(p.name, p.kind) for p in sounds.problems] == [("notes.wav", "name")]
    with pytest.raises(
        DatasetError, match=r"fits the pattern '\{label\}-\{speaker\}', not even '3_ann_0.wav'"
    ):
        Sounds.read(tmp_path, pattern="{label}-{speaker}")


def test_a_pattern_of_folders_and_one_with_a_split(tmp_path):
    write(tmp_path / "ann" / "dog_train.wav")
    write(tmp_path / "bob" / "cat_test.wav")
    sounds = Sounds.read(tmp_path, pattern="{speaker}/{label}_{split}")
    assert sounds.speakers.tolist() == ["ann", "bob"]
    assert sounds.labels.tolist() == ["dog", "cat"]
    assert sounds.parts.tolist() == [0, 2]
    with pytest.raises(DatasetError, match="the split 'dog'"):
        Sounds.read(tmp_path, pattern="{speaker}/{split}_{label}")


def test_class_folders_with_and_without_parts(tmp_path):
    class_folder(tmp_path / "plain", each=1)
    sounds = Sounds.read(tmp_path / "plain")
    assert (sounds.labels.tolist(), sounds.parts) == (["high", "low"], None)
    for part in ("train", "Test"):
        class_folder(tmp_path / "cut" / part, each=1)
    sounds = Sounds.read(tmp_path / "cut")
    assert sounds.labels.tolist() == ["high", "low"] * 2
    assert sounds.parts.tolist() == [2, 2, 0, 0]
    class_folder(tmp_path / "noises", ("train", "car"), 1)  # where "train" is what one hears
    sounds = Sounds.read(tmp_path / "noises")
    assert (sounds.labels.tolist(), sounds.parts) == (["car", "train"], None)


def test_a_folder_without_recordings(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(DatasetError, match="holds no recordings"):
        Sounds.read(tmp_path)
