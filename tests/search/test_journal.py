"""The journal: what it keeps, what it refuses, what a crash leaves."""

import errno
import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from antiphon.errors import InputError, OutputError
from antiphon.search import Journal, decode, encode

HEADER = {"data": "abc", "seed": 1}
numbers = st.floats() | st.integers(-(2**53), 2**53) | st.booleans() | st.none() | st.text(max_size=5)
anything = st.recursive(
    numbers | arrays.arrays(st.sampled_from([np.float32, np.int64, bool]), arrays.array_shapes(min_side=0)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=8,
)


def equal(one, two):
    if isinstance(one, np.ndarray):
        return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(equal(one[k], two[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(equal, one, two))
    return type(one) is type(two) and (one == two or (one != one and two != two))


@given(anything)
def test_what_is_encoded_comes_back_to_the_bit(value):
    assert equal(decode(json.loads(json.dumps(encode(value), allow_nan=False))), value)


def test_numbers_of_numpy_become_plain_ones():
    assert encode({"a": (np.float32(0.5), np.int64(3), np.bool_(True))}) == {"a": [0.5, 3, True]}
    assert encode(np.float64("nan")) == {"__float__": "nan"}


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "journal"
    journal = Journal(path, HEADER)
    for i in range(3):
        journal.add({f"k{i}": {"loss": float(i), "array": np.arange(i)}}, seconds=i + 0.5)
    journal.close()
    return path


def test_it_remembers(written):
    journal = Journal(written, HEADER)
    assert "k2" in journal
    assert "k3" not in journal
    assert journal["k2"]["array"].tolist() == [0, 1]
    assert journal.seconds == 2.5
    journal.close()


def test_without_a_path_it_is_kept_in_memory():
    journal = Journal(None, HEADER)
    journal.add({"k": 1.0}, seconds=1)
    assert journal["k"] == 1.0
    journal.close()


@pytest.mark.parametrize("cut", [1, 20, "header"])
def test_a_line_cut_short_is_forgotten_and_written_over(written, cut):
    whole = written.read_bytes()
    lines = whole.splitlines(keepends=True)
    written.write_bytes(whole[: len(lines[0]) - 3] if cut == "header" else whole[:-cut])
    journal = Journal(written, HEADER)
    assert ("k1" in journal) == (cut != "header")
    assert "k2" not in journal
    journal.add({"k2": 1.0, "new": 2.0}, seconds=9)
    journal.close()
    again = Journal(written, HEADER)
    assert again["new"] == 2.0
    again.close()
    assert all(json.loads(line) for line in written.read_bytes().splitlines())


@pytest.mark.parametrize(
    "content", ["speed,angle\n1,2\n", "[1, 2]\n", '{"a": 1}\n', "7\n", "a line without end"]
)
def test_another_file_is_left_alone(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(InputError, match="is no journal"):
        Journal(path, HEADER)
    assert path.read_text() == content


def test_the_journal_of_another_search_is_left_alone(written):
    before = written.read_bytes()
    with pytest.raises(InputError, match=r"another search.*seed 1 there, 2 here"):
        Journal(written, {**HEADER, "seed": 2})
    assert written.read_bytes() == before


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match=r"cannot be written: No such file"):
        Journal(tmp_path / "nowhere" / "journal", HEADER)


def test_a_file_that_may_not_be_written(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        Journal(tmp_path, HEADER)  # a folder


def test_a_full_disk(written, monkeypatch):
    journal = Journal(written, HEADER)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        journal.add({"k9": 1.0}, seconds=1)
    monkeypatch.undo()
    journal.close()
    Journal(written, HEADER).close()
