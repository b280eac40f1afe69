import logging

import numpy as np
import pytest

from antiphon.data import load, load_cases
from antiphon.errors import DatasetError, InputError

_Y = np.array([0, 1, 0, 1, 0, 1, 0, 1])
_X = np.arange(8 * 3 * 2, dtype=float).reshape(8, 3, 2)
_LENGTHS = np.array([1, 2, 3, 1, 2, 3, 1, 2])


def _npz(folder, **arrays):
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


def _folder(folder, **arrays):
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return folder


def test_npz_of_a_block(tmp_path):
    file = _npz(tmp_path, X=_X, y=_Y, groups=np.repeat([0, 1, 2, 3], 2))
    with pytest.raises(InputError, match="without a layout"):
        load(file)
    dataset = load(file, layout="case-time-feature", test_size=0.25)
    assert dataset.train.subjects is not None
    assert dataset.test.subjects is not None
    assert not set(dataset.train.subjects) & set(dataset.test.subjects)
    assert "whole subjects" in dataset.description
    assert load(file, features=["a", "b", "c"]).train.X.shape[2] == 3


def test_npz_of_padded_and_of_joined_frames(tmp_path):
    real = np.arange(3)[None] < _LENGTHS[:, None]
    padded = _npz(tmp_path, X=_X, y=_Y, lengths=_LENGTHS)
    one = load(padded, layout="case-time-feature", test_size=2)
    other = np.where(real[..., None], _X, np.nan).transpose(0, 2, 1)
    two = load(_npz(tmp_path, X=other, y=_Y, lengths=_LENGTHS), layout="case-feature-time", test_size=2)
    three = load(_npz(tmp_path, X=_X[real], y=_Y, lengths=_LENGTHS), test_size=2)
    for dataset in (one, two, three):
        assert dataset.train.X.lengths.tolist() == _LENGTHS[:6].tolist()
        np.testing.assert_array_equal(dataset.test.X.frames, _X[real][-3:])


def test_names_from_a_file_decide_the_layout_of_padded_cases(tmp_path):
    (tmp_path / "features.csv").write_text("name\na\nb\n")
    file = _npz(tmp_path, X=_X.transpose(0, 2, 1), y=_Y, lengths=_LENGTHS)
    dataset = load(file, features=tmp_path / "features.csv", test_size=2)
    assert dataset.train.X.features.names == ("a", "b")
    assert dataset.train.X.lengths.tolist() == _LENGTHS[:6].tolist()


def test_npz_of_tags(tmp_path):
    tags = np.arange(24).reshape(8, 3) % 2
    real = np.arange(3)[None] < _LENGTHS[:, None]
    whole = load(_npz(tmp_path, X=_X, y=tags), layout="case-time-feature", test_size=2)
    assert (whole.task, whole.classes) == ("tagging", (0, 1))
    padded = load(_npz(tmp_path, X=_X, y=tags, lengths=_LENGTHS), layout="case-time-feature", test_size=2)
    joined = load(_npz(tmp_path, X=_X[real], y=tags[real], lengths=_LENGTHS), test_size=2)
    for one, two in zip(padded.train.y, joined.train.y, strict=True):
        np.testing.assert_array_equal(one, two)
    assert [len(tags) for tags in padded.test.y] == [1, 2]


def test_npz_of_a_table_and_another_target(tmp_path):
    file = _npz(tmp_path, X=_X[:, 0], y=_Y, weight=np.linspace(0, 1, 8))
    assert load(file).train.X.is_table
    dataset = load(file, target="weight")
    assert (dataset.task, dataset.target) == ("regression", "weight")
    with pytest.raises(DatasetError, match=r"no target 'height'.*weight, y"):
        load(file, target="height")


def test_text_that_is_whole_numbers_and_said_tasks(tmp_path):
    assert load(_npz(tmp_path, X=_X[:, 0], y=_Y.astype(str))).classes == (0, 1)
    assert load(_npz(tmp_path, X=_X[:, 0], y=np.array(list("01ab01ab")))).classes == ("0", "1", "a", "b")
    assert load(_npz(tmp_path, X=_X[:, 0], y=_Y), task="regression").task == "regression"
    assert load(_npz(tmp_path, X=_X[:, 0], y=_Y.astype(float))).task == "classification"
    many = {"X": np.zeros((50, 1)), "y": np.arange(50.0)}
    assert load(_npz(tmp_path, **many)).task == "regression"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"Z": _X}, "holds the arrays Z, and no X"),
        ({"X": _X, "y": _Y[:3]}, "3 labels for 8 cases"),
        ({"X": _X, "y": _Y, "groups": _Y[:3]}, "3 groups for 8 cases"),
        ({"X": np.array([_X[0], _X[1][:1]], dtype=object), "y": _Y}, "pickled Python objects"),
        ({"X": _X, "y": _Y, "lengths": _LENGTHS[:4]}, "4 lengths of up to 3 frames"),
        ({"X": _X, "y": _Y, "lengths": _LENGTHS + 1}, "8 lengths of up to 4 frames"),
        ({"X": _X[0], "y": _Y, "lengths": _LENGTHS}, "15 in all, for X of shape"),
        ({"X": _X, "y": _Y, "lengths": _LENGTHS.astype(float)}, "lengths of shape .8,. and type float64"),
        ({"X": _X, "y": _Y, "lengths": _LENGTHS - 1}, "Case 0 is an empty sequence"),
    ],
)
def test_wrong_npz(tmp_path, arrays, message):
    with pytest.raises((DatasetError, InputError), match=message):
        load(_npz(tmp_path, **arrays), layout="case-time-feature")


def test_broken_files(tmp_path):
    file = _npz(tmp_path, X=_X, y=_Y)
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(DatasetError, match="cannot be read as NumPy data"):
        load(file)
    file.write_bytes(b"")
    with pytest.raises(DatasetError, match="cannot be read as NumPy data"):
        load(file)


def test_a_folder_of_three_parts(tmp_path, caplog):
    for part, n in (("train", 8), ("val", 4), ("test", 2)):
        _folder(tmp_path, **{f"{part}_data": _X[:n], f"{part}_labels": _Y[:n, None]})
    (tmp_path / "features.csv").write_text("name,unit,group\nvx,cm/s,speed\nvy,cm/s,speed\n")
    with caplog.at_level(logging.INFO, "antiphon.data"):
        dataset = load(tmp_path)
    assert "read as case-time-feature" in caplog.text
    assert (len(dataset.train), len(dataset.test)) == (12, 2)
    assert "validation part" in dataset.description
    assert dataset.train.X.features.groups["speed"] == ("vx", "vy")
    assert load(tmp_path, layout="case-feature-time", features=list("abc")).train.X.shape == (12, 2, 3)
    assert len(load_cases(tmp_path)) == 14


def test_a_folder_of_one_part_with_groups_and_tags(tmp_path):
    tags = np.arange(24).reshape(8, 3, 1) % 3
    _folder(tmp_path, val_data=_X, val_pose_labels=tags, val_groups=np.repeat([0, 1], 4))
    dataset = load(tmp_path, target="pose", test_size=3)
    assert (dataset.task, dataset.classes, len(dataset.test)) == ("tagging", (0, 1, 2), 3)
    assert load(tmp_path).target == "pose"
    with pytest.raises(DatasetError, match=r"no target 'gait'.*targets: pose"):
        load(tmp_path, target="gait")


def test_wrong_folders(tmp_path):
    with pytest.raises(DatasetError, match=r"has no train_data.npy"):
        load(tmp_path)
    _folder(tmp_path, train_data=_X)
    with pytest.raises(DatasetError, match=r"has no labels: no file train_labels.npy"):
        load(tmp_path)
    _folder(tmp_path, train_labels=_Y, train_b_labels=_Y)
    assert load(tmp_path).target == "label"
    with pytest.raises(DatasetError, match=r"leave target out.*, b"):
        load(tmp_path, target="c")
    _folder(tmp_path, test_data=_X[:, :, :1], test_labels=_Y)
    with pytest.raises(InputError, match="the same features in both"):
        load(tmp_path)
