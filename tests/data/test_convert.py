import logging
import re
import warnings

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import csr_array

from antiphon.data import Features, InputTypeError, as_sequences
from antiphon.errors import InputError

_blocks = arrays(
    np.float32, array_shapes(min_dims=3, max_dims=3, max_side=5), elements=st.floats(-1e6, 1e6, width=32)
)


@given(_blocks)
def test_both_layouts_and_the_list_agree(block):
    one = as_sequences(block, layout="case-time-feature")
    two = as_sequences(block.transpose(0, 2, 1), layout="case-feature-time")
    three = as_sequences(list(block))
    four = as_sequences([case.T for case in block], layout="case-feature-time")
    for other in (two, three, four):
        np.testing.assert_array_equal(one.frames, other.frames)
        np.testing.assert_array_equal(one.lengths, other.lengths)
    assert not one.is_table


def test_no_layout_is_an_error_that_says_both():
    with pytest.raises(
        InputError, match=r"shape \(2, 3, 4\) without a layout.*case-time-feature.*case-feature-time"
    ):
        as_sequences(np.zeros((2, 3, 4)))
    with pytest.raises(InputError, match="without a layout"):
        as_sequences(np.zeros((2, 3, 3)), features=["a", "b", "c"])


def test_names_decide_a_layout_and_say_so(caplog):
    with caplog.at_level(logging.INFO, "antiphon.data"):
        X = as_sequences(np.zeros((2, 3, 4)), features=["a", "b", "c"])
    assert X.shape == (2, 4, 3)
    assert "read as case-feature-time" in caplog.text


def test_one_dimensional_cases_have_one_feature():
    ragged = np.empty(2, object)
    ragged[:] = [np.zeros(3), np.zeros(2)]
    for cases in (list(ragged), tuple(ragged), ragged, [[[0], [0], [0]], [[0], [0]]], [np.zeros(3), [0, 0]]):
        X = as_sequences(cases)
        assert X.shape == (2, 3, 1)


def test_tables():
    X = as_sequences(np.arange(6).reshape(3, 2))
    assert X.is_table
    assert X[1].tolist() == [[2.0, 3.0]]
    assert as_sequences([[0, 1], (2, 3), [4, 5]]).frames.tolist() == X.frames.tolist()
    frame = pd.DataFrame({"speed (cm/s)": [1, 2], "2nd": [True, False], "n": pd.array([1, 2], "Int64")})
    X = as_sequences(frame)
    assert X.features.names == ("speed_cm_s", "f2nd", "n")
    assert as_sequences(frame, features=["a", "b", "c"]).features.names == ("a", "b", "c")
    assert as_sequences(np.array([[1, 2.5]], dtype=object)).frames.tolist() == [[1.0, 2.5]]


def test_data_frames_in_a_list_name_the_features():
    X = as_sequences([pd.DataFrame({"a": [1, 2], "b": [3, 4]}), pd.DataFrame({"a": [1], "b": [3]})])
    assert X.features.names == ("a", "b")
    assert X.lengths.tolist() == [2, 1]


def test_sequences_pass_and_can_be_renamed():
    X = as_sequences([np.zeros(2)], features=["a"], rate_hz=10)
    assert as_sequences(X).features is X.features
    again = as_sequences(X, features=Features(("b",), ("cm",)), rate_hz=20)
    assert (again.features.units, again.rate_hz) == (("cm",), 20.0)


def test_features_from_a_file(tmp_path):
    (tmp_path / "f.csv").write_text("name,unit\na,cm\nb,s\n")
    assert as_sequences(np.zeros((1, 2)), features=tmp_path / "f.csv").features.units == ("cm", "s")
    assert as_sequences(np.zeros((3, 4, 2)), features=str(tmp_path / "f.csv")).shape == (3, 4, 2)


_nan = np.zeros((2, 3, 2))
_nan[1, 2, 0] = np.nan
_inf = np.zeros((2, 2))
_inf[1, 1] = -np.inf
_odd = np.empty((2, 2), object)
_odd[:] = 1
_odd[0, 0] = {"foo": "bar"}
_multi = pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(0, 0), (0, 1)]))

WRONG = [
    (_nan, {"layout": "case-time-feature"}, "NaN: case 1, frame 2, feature 'f0' is nan (1 such values"),
    (list(_nan), {"features": ["a", "b"]}, "NaN: case 1, frame 2, feature 'a'"),
    (_inf, {}, "infinity or a value too large for float32: case 1, feature 'f1' is -inf"),
    ([np.array([1e300])], {}, "too large for float32: case 0, frame 0"),
    (np.ma.masked_equal(np.array([[1.0, 2.0]]), 2.0), {}, "NaN: case 0, feature 'f1'"),
    ([np.ma.masked_equal(np.array([[1.0, 2.0]]), 2.0)], {}, "NaN: case 0, frame 0, feature 'f1'"),
    ([np.zeros((2, 1)), np.zeros((0, 1))], {}, "Case 1 is an empty sequence"),
    ([np.zeros((2, 1)), []], {}, "Case 1 is an empty sequence"),
    ([np.zeros((2, 1)), np.zeros((2, 3))], {}, "Case 1 has 3 features and case 0 has 1: ragged"),
    ([[[1, 2], [3]]], {}, "Case 0 has rows of different lengths: ragged"),
    ([[["a", "b"]]], {}, "Case 0: strings where numbers belong"),
    ([np.array(["a", 1], object)], {}, "Case 0: strings"),
    (np.array([["1", "2"]]), {}, "strings where numbers belong"),
    (np.array([["1", 2]], object), {}, "strings where numbers belong"),
    (np.array([[["1", 2]]], object), {"layout": "case-time-feature"}, "strings where numbers belong"),
    ([["a", "b"]], {}, "strings where numbers belong"),
    ([[1, 2], [3]], {}, "rows have different lengths"),
    ([[1, 2], []], {}, "rows have different lengths"),
    ([[], []], {}, "0 feature(s)"),
    (["ab", "cd"], {}, "strings where numbers belong"),
    (_odd, {}, "float() argument must be a string or a real number"),
    ([_odd], {}, "Case 0: values that are no numbers"),
    ([{"a": 1}], {}, "not 'dict'"),
    ([np.zeros((1, 2, 3))], {}, "Case 0 has 3 dimensions"),
    ([], {}, "No cases"),
    (np.zeros((0, 3)), {}, "0 sample(s)"),
    (np.zeros((3, 0)), {}, "0 feature(s)"),
    (np.zeros((3, 0, 2)), {"layout": "case-time-feature"}, "no data"),
    (np.zeros(3), {}, "Reshape your data"),
    ([1.0, 2.0], {}, "Reshape your data"),
    (np.zeros((1, 2, 3, 4)), {}, "dim 4"),
    (np.ones((2, 2), complex), {}, "Complex data not supported"),
    ([np.ones((2, 2), complex)], {}, "Case 0: Complex data not supported"),
    ([np.array(["2020-01-01"], "M8[s]")], {}, "Case 0: values of type datetime64"),
    (csr_array(np.eye(3)), {}, "parse data"),
    ("a.csv", {}, "'a.csv' as data"),
    (None, {}, "None as data"),
    (
        pd.DataFrame({"a": [1], "b": ["x"], "c": pd.to_datetime(["2020-01-01"])}),
        {},
        "no numbers, but strings",
    ),
    (pd.DataFrame({"a": [1], "b": ["x"], "c": pd.to_datetime(["2020-01-01"])}), {}, "things: b, c."),
    (pd.DataFrame({"nested": [pd.Series([1, 2])]}), {}, "things: nested."),
    (pd.DataFrame({"z": [1j]}), {}, "things: z."),
    ([pd.DataFrame({"b": ["x"]})], {}, "Columns of case 0 that hold no numbers"),
    (pd.DataFrame({"a": [1.0, None]}), {}, "NaN: case 1, feature 'a'"),
    (pd.DataFrame({"a": pd.array([1, None], "Int64")}), {}, "NaN"),
    (_multi, {}, "index of 2 levels"),
    (np.zeros((2, 2)), {"features": ["a"]}, "1 feature names (a) for frames of 2 features"),
    (np.zeros((2, 9)), {"features": list("abcdefgh")}, "(a, b, c, d, e, ..., h)"),
    (np.zeros((2, 2)), {"features": 3}, "int as features"),
    (np.zeros((2, 2)), {"layout": "time-first"}, "The layout 'time-first'"),
    (np.zeros((2, 2)), {"rate_hz": 0}, "A rate of 0 frames a second"),
    (np.zeros((2, 2)), {"rate_hz": "fast"}, "A rate of 'fast' frames"),
]


@pytest.mark.parametrize(("X", "options", "message"), WRONG, ids=[message for _, _, message in WRONG])
def test_wrong_data(X, options, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=re.escape(message)) as caught:
            as_sequences(X, **options)
    assert caught.value.expected
    assert caught.value.advice


def test_objects_that_are_no_numbers_are_a_type_error_too():
    with pytest.raises(TypeError):
        as_sequences(_odd)
    assert issubclass(InputTypeError, InputError)
