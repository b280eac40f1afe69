import logging
import sys
from pathlib import Path

import numpy as np
import pytest

from antiphon.data import _builtin, available, bucket_length, load, load_cases
from antiphon.errors import DatasetError, InputError

_CALMS = Path(__file__).parents[3] / "shared" / "data" / "calms21"


def test_japanese_vowels():
    train, test = load("japanese-vowels")
    assert (len(train), len(test)) == (270, 370)
    assert (train.X.lengths.min(), max(train.X.lengths.max(), test.X.lengths.max())) == (7, 29)
    assert train.X.features.names == tuple(f"lpc_{i}" for i in range(1, 13))
    assert np.bincount(train.y).tolist() == [0] + [30] * 9
    assert np.bincount(test.y).tolist() == [0, 31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert train.X[0][:2, 0].tolist() == pytest.approx([1.860936, 1.891651])


def test_basic_motions():
    dataset = load("basic-motions")
    assert dataset.classes == ("Badminton", "Running", "Standing", "Walking")
    assert dataset.train.X.shape == dataset.test.X.shape == (40, 100, 6)
    assert dataset.train.X.rate_hz == 10
    assert dataset.train.X.features.columns("gyroscope") == (3, 4, 5)


@pytest.mark.parametrize("entry", available(), ids=lambda entry: entry.name)
def test_what_is_listed_loads(entry):
    dataset = load(entry.name)
    assert dataset.task == entry.task
    assert entry.description
    assert dataset.description
    assert dataset.source
    assert entry.name in repr(dataset)
    assert len(dataset.train.y) == len(dataset.train) > 0
    assert "subjects" in repr(dataset.train)
    one = dataset.train.take([3, 1])
    np.testing.assert_array_equal(one.X[1], dataset.train.X[1])
    np.testing.assert_array_equal(one.y[1], dataset.train.y[1])


def test_the_shipped_files_are_read_without_their_package():
    load("basic-motions")
    assert "sktime" not in sys.modules


def test_shipped_files_that_are_missing_or_changed(monkeypatch, tmp_path):
    from importlib.machinery import ModuleSpec

    monkeypatch.setattr(_builtin.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DatasetError, match="sktime, which is not installed"):
        load("japanese-vowels")
    spec = ModuleSpec("sktime", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(_builtin.importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(DatasetError, match="is not where sktime ships it"):
        load("japanese-vowels")
    file = tmp_path / "datasets" / "data" / "JapaneseVowels" / "JapaneseVowels_TRAIN.ts"
    file.parent.mkdir(parents=True)
    file.write_text("@data\n1:1\n")
    with pytest.raises(DatasetError, match="is not the known file of japanese-vowels"):
        load("japanese-vowels")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "japanese_vowels",
            "unknown. Did you mean japanese-vowels.*built-in name .japanese-vowels, basic-motions",
        ),
        ("nothing-like-it", "'nothing-like-it' is unknown. Expected"),
        ("no/such/file.ts", "No file and no folder no/such/file.ts"),
        ("file.npz", "No file and no folder file.npz"),
    ],
)
def test_unknown_data(name, message):
    with pytest.raises(DatasetError, match=message):
        load(name)


def test_unreadable_kinds(tmp_path):
    (tmp_path / "data.mat").write_bytes(b"RIFF")
    with pytest.raises(DatasetError, match=r"files of the kind .mat"):
        load(tmp_path / "data.mat")


def test_options_that_built_in_data_do_not_take():
    with pytest.raises(InputError, match="A layout or a test_size for the built-in"):
        load("basic-motions", test_size=0.5)
    with pytest.raises(DatasetError, match="no target 'speaker'"):
        load("basic-motions", target="speaker")
    assert load("basic-motions", target="activity", rate_hz=20).test.X.rate_hz == 20
    assert load("planted-table", features=list("abcd")).train.X.features.names == tuple("abcd")


def test_planted_data_follow_their_rule():
    for split in load("planted-speed"):
        rule = [case[-5:, 0].mean() > 5 for case in split.X]
        assert (split.y == np.where(rule, "fast", "slow")).all()
        assert 0.4 < np.mean(rule) < 0.6
        margin = [abs(case[-5:, 0].mean() - 5) for case in split.X]
        assert min(margin) > 0.2
    train, _ = load("planted-tags")
    assert [len(tags) for tags in train.y] == train.X.lengths.tolist()
    assert 0.3 < np.concatenate(train.y).mean() < 0.7
    table, _ = load("planted-table")
    width, height, depth, _ = table.X.frames.T
    np.testing.assert_allclose(table.y, np.where(depth > 0, 2 * width - 3 * height, 1), atol=1e-5)


@pytest.mark.skipif(not _CALMS.is_dir(), reason="the CalMS21 files are not beside the project")
def test_calms21(caplog):
    with caplog.at_level(logging.INFO, "antiphon.data"):
        dataset = load(_CALMS, target="investigation", test_size=500)
    assert "(2000, 13, 18) read as case-time-feature" in caplog.text
    assert (len(dataset.train), len(dataset.test)) == (1500, 500)
    assert dataset.train.X.shape == (1500, 13, 18)
    labels = np.load(_CALMS / "val_investigation_labels.npy")[:, 0]
    np.testing.assert_array_equal(dataset.test.y, labels[1500:])
    np.testing.assert_array_equal(dataset.train.X[7], np.load(_CALMS / "val_data.npy")[7])
    assert dataset.train.X.pad()[0].shape == (1500, bucket_length(13), 18)
    with pytest.raises(DatasetError, match=r"several targets.*investigation, mount"):
        load(_CALMS)
    with pytest.raises(DatasetError, match=r"no target 'attack'.*investigation, mount"):
        load(_CALMS, target="attack")


def test_cases_without_labels(tmp_path):
    np.savez(tmp_path / "new.npz", X=np.ones((4, 5, 2)))
    X = load_cases(tmp_path / "new.npz", layout="case-time-feature", features=["a", "b"], rate_hz=3)
    assert X.shape == (4, 5, 2)
    assert X.rate_hz == 3
    with pytest.raises(DatasetError, match="has no labels: it holds X"):
        load(tmp_path / "new.npz", layout="case-time-feature")
    assert len(load_cases("basic-motions")) == 80
