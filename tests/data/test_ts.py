import numpy as np
import pytest

from antiphon.data import load, load_cases
from antiphon.errors import DatasetError, InputError

_HEADER = "#a comment\n@problemName walk\n@timeStamps false\n@classLabel true a b\n@data\n"
_ROWS = "1,2,3:4,5,6:a\n7,8:9,10:b\n1,1:2,2:a\n0,0,0:1,1,1:b\n"


def _write(folder, text, name="walk.ts"):
    (folder / name).write_text(text)
    return folder / name


def test_a_train_and_a_test_file_by_any_of_their_names(tmp_path):
    _write(tmp_path, _HEADER + _ROWS, "walk_TRAIN.ts")
    _write(tmp_path, _HEADER + "5,5:6,6:a\n\n", "walk_TEST.ts")
    for name in ("walk_TRAIN.ts", "walk_TEST.ts", "walk.ts", "walk", ""):
        dataset = load(tmp_path / name)
        assert dataset.train.X.lengths.tolist() == [3, 2, 2, 3]
        assert dataset.test.y.tolist() == ["a"]
        assert dataset.train.X[0].tolist() == [[1, 4], [2, 5], [3, 6]]
        assert dataset.classes == ("a", "b")
    with pytest.raises(InputError, match="data with a test part of its own"):
        load(tmp_path / "walk", test_size=0.5)


def test_one_file_is_split(tmp_path):
    file = _write(tmp_path, _HEADER + _ROWS)
    dataset = load(file, test_size=1)
    assert dataset.test.X.frames.tolist() == [[0, 1]] * 3
    assert "last 1 cases" in dataset.description
    assert len(load(file, test_size=0.5).test) == 2
    assert "stratified" in load(file).description
    assert len(load(file, features=["a", "b"], rate_hz=5).train.X.features) == 2


def test_a_train_file_alone(tmp_path):
    assert len(load(_write(tmp_path, _HEADER + _ROWS, "walk_TRAIN.ts")).train) == 3


@pytest.mark.parametrize("size", [4, 0, 1.5, True, "half"])
def test_wrong_test_sizes(tmp_path, size):
    with pytest.raises(InputError, match="size"):
        load(_write(tmp_path, _HEADER + _ROWS), test_size=size)


def test_a_regression_target(tmp_path):
    file = _write(tmp_path, "@targetlabel true\n@data\n1,2:0.5\n1,2,3:1\n4:2\n1:3\n")
    dataset = load(file)
    assert dataset.task == "regression"
    assert dataset.classes is None
    assert dataset.train.y.dtype == np.float64


def test_cases_without_labels(tmp_path):
    file = _write(tmp_path, "@classLabel false\n@data\n1,2:3,4\n5:6\n")
    assert load_cases(file).lengths.tolist() == [2, 1]
    with pytest.raises(DatasetError, match="has no labels"):
        load(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_HEADER + "1,?:2,3:a\n", r"line 6, dimension 1: a missing value \(\?\) at frame 1"),
        (_HEADER + "1,2:2,x:a\n", "line 6, dimension 2: 'x' at frame 1"),
        (_HEADER + "1,2:2:a\n", "line 6: dimensions of 1, 2 frames"),
        (_HEADER + "a\n", "line 6: dimensions of no frames"),
        (_HEADER + "1:a\n1:2:b\n", "line 7: 2 dimensions, and 1 before"),
        (_HEADER + "1:c\n", "line 6: the class 'c'.*a, b"),
        (_HEADER, "no cases after @data"),
        ("@classLabel true a b\n1:a\n", "line 2: '1:a' before @data"),
        ("@classLabel true a b\n", "no line @data"),
        ("", "no line @data"),
        ("@targetLabel true\n@data\n1:x\n", "line 3: the target 'x'"),
        ("@timeStamps true\n@classLabel true a\n@data\n(0,1):a\n", "has time stamps"),
    ],
)
def test_malformed_files(tmp_path, text, message):
    with pytest.raises(DatasetError, match=message):
        load(_write(tmp_path, text))


def test_not_finite_values_say_where(tmp_path):
    with pytest.raises(InputError, match="case 1, frame 0, feature 'f1' is nan"):
        load(_write(tmp_path, _HEADER + "1:2:a\n1:nan:b\n1:2:a\n"))


def test_one_class_only(tmp_path):
    with pytest.raises(InputError, match="one class only"):
        load(_write(tmp_path, _HEADER + "1:2:a\n1:2:a\n1:2:a\n"))


def test_targets_are_not_to_be_chosen(tmp_path):
    with pytest.raises(DatasetError, match="no target 'b'"):
        load(_write(tmp_path, _HEADER + _ROWS), target="b")


def test_a_layout_is_known(tmp_path):
    with pytest.raises(InputError, match="The layout 'case-feature-time' for"):
        load(_write(tmp_path, _HEADER + _ROWS), layout="case-feature-time")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    from pathlib import Path

    file = _write(tmp_path, _HEADER + _ROWS)

    def refuse(*_, **__):
        raise PermissionError("no permission")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(DatasetError, match="cannot be read: no permission"):
        load(file)
