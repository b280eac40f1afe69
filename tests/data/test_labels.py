import re

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import DataConversionWarning

from antiphon.data import as_labels
from antiphon.errors import InputError

_MIXED = np.array([1, "a", 2], object)

WRONG = [
    ([0, 1], 3, "classification", {}, "2 labels for 3 cases"),
    ([0.5, 1], 3, "regression", {}, "2 labels for 3 cases"),
    (None, 3, "classification", {}, "requires y to be passed, but the target y is None"),
    ([1, 1, 1], 3, "classification", {}, "one class only: all 3 cases are 1"),
    (
        [0, 1, 1],
        3,
        "classification",
        {"classes": range(5)},
        "3 cases for 5 classes: fewer samples than classes",
    ),
    ([0, 1, 2], 3, "classification", {}, "3 cases for 3 classes: fewer samples than two"),
    ([0.5, 1, 2], 3, "classification", {}, "Unknown label type: continuous"),
    ([np.nan, 1, 2], 3, "classification", {}, "NaN or None: the class at place 0"),
    (["a", None, "b"], 3, "classification", {}, "the class at place 1 is missing"),
    (pd.array([1, None, 2], "Int64"), 3, "classification", {}, "the class at place 1 is missing"),
    ([np.inf, 1, 2], 3, "classification", {}, "contains infinity"),
    (_MIXED, 3, "classification", {}, "several or strange types (number, text)"),
    (np.array([(1,), (2,), 3], object), 3, "classification", {}, "strange types"),
    (np.zeros((3, 2)), 3, "classification", {}, "y should be a 1d array"),
    ([[0], [0, 1]], 2, "classification", {}, "Labels that are no column"),
    (csr_array(np.eye(3)), 3, "classification", {}, "Sparse labels"),
    (["1", "2", "3"], 3, "regression", {}, "Strings as targets"),
    (np.array(["1", 2, 3], object), 3, "regression", {}, "Strings as targets"),
    ([1.0, np.nan, 2], 3, "regression", {}, "y contains NaN, first at case 1"),
    (
        [1.0, 2, np.inf],
        3,
        "regression",
        {},
        "infinity or a value too large for dtype('float64'), first at case 2",
    ),
    ([1j, 2, 3], 3, "regression", {}, "Complex data not supported"),
    (np.array([{}, 2, 3], object), 3, "regression", {}, "Targets that are no numbers"),
    ([1.0], 1, "regression", {}, "1 sample"),
    ([0], 1, "classification", {}, "one class"),
    ([0, 1], 2, "guessing", {}, "The task 'guessing'"),
    (3, 2, "tagging", {}, "int as tags"),
    ("ab", 2, "tagging", {}, "str as tags"),
    ([[0, 1]], 2, "tagging", {}, "Tags of 1 sequences for 2 cases"),
    ([[0, 1], [0]], 2, "tagging", {"lengths": [2, 2]}, "1 tags for the 2 frames of case 1"),
    ([0, 1], 2, "tagging", {}, "The tags of case 0 have 0 dimensions"),
    ([[0, 0], [0]], 2, "tagging", {}, "one class only: all 3 frames are 0"),
    ([np.array([])], 1, "tagging", {}, "one class only"),
    ([], 0, "tagging", {}, "one class only"),
    ([[0, 1], ["a"]], 2, "tagging", {}, "strings in some cases and numbers in others"),
    ([[0.5, 1.0]], 1, "tagging", {}, "continuous"),
    ([[np.nan, 1.0]], 1, "tagging", {}, "the class at place 0 is missing"),
]


@pytest.mark.parametrize(
    ("y", "cases", "task", "options", "message"), WRONG, ids=[w[2] + w[4] for w in WRONG]
)
def test_wrong_labels(y, cases, task, options, message):
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        as_labels(y, cases, task, **options)
    assert caught.value.expected
    assert caught.value.advice


def test_right_labels():
    assert as_labels(["b", "a", "b"], 3, "classification").dtype.kind == "U"
    assert as_labels(pd.Series(["b", "a", "b"]), 3, "classification").tolist() == ["b", "a", "b"]
    assert as_labels(np.array([1, 2, 1], object), 3, "classification").dtype.kind == "i"
    assert as_labels(np.array([True, False, True]), 3, "classification").dtype == bool
    assert as_labels([1, 2], 2, "regression").dtype == np.float64
    tags = as_labels([np.array([[0], [1]]), [1]], 2, "tagging", lengths=[2, 1])
    assert [one.tolist() for one in tags] == [[0, 1], [1]]
    assert len(as_labels(np.array([[0, 1], [1, 1]]), 2, "tagging")) == 2


def test_a_column_is_taken_with_scikit_learns_warning():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        assert as_labels(np.array([[0], [1], [1]]), 3, "classification").shape == (3,)
