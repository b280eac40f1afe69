import pickle

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from antiphon.data import Features, Sequences, as_sequences, bucket_length, join
from antiphon.errors import InputError

_numbers = st.floats(-1e6, 1e6, width=32)


@st.composite
def ragged(draw):
    features = draw(st.integers(1, 4))
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    return [draw(arrays(np.float32, (n, features), elements=_numbers)) for n in lengths]


@given(ragged(), st.integers(0, 3))
def test_padding_and_cutting_back_is_the_identity(cases, more):
    X = as_sequences(cases)
    values, mask = X.pad(int(X.lengths.max()) + more)
    assert values.dtype == np.float32
    assert mask.dtype == bool
    for case, padded, real in zip(cases, values, mask, strict=True):
        np.testing.assert_array_equal(padded[real], case)
        assert not padded[~real].any()
        assert real[: len(case)].all()


@given(ragged(), st.data())
def test_taking_cases_is_list_indexing(cases, data):
    X = as_sequences(cases)
    chosen = data.draw(st.lists(st.integers(-len(cases), len(cases) - 1)))
    for case, index in zip(X.take(chosen), chosen, strict=True):
        np.testing.assert_array_equal(case, cases[index])


@given(st.integers(1, 10_000))
def test_buckets_are_few_and_waste_at_most_a_third(length):
    bucket = bucket_length(length)
    assert length <= bucket
    assert length == 1 or bucket <= 1.5 * length
    assert bucket_length(bucket) == bucket


def test_buckets_up_to_a_thousand_are_nineteen():
    assert len({bucket_length(n) for n in range(1, 1001)}) <= 20


def test_bucket_of_nothing():
    with pytest.raises(InputError, match="A length of 0 frames"):
        bucket_length(0)


@pytest.fixture
def three():
    return as_sequences([np.full((n, 2), n) for n in (1, 2, 3)], features=["a", "b"], rate_hz=5)


def test_indexing_gives_cases_or_sequences(three):
    assert three[-1].shape == (3, 2)
    assert three[np.int64(0)].shape == (1, 2)
    for index in (slice(1, None), [1, 2], np.array([False, True, True]), (np.array([1, 2]), Ellipsis)):
        part = three[index]
        assert isinstance(part, Sequences)
        assert part.lengths.tolist() == [2, 3]
        assert part.features == three.features
        assert part.rate_hz == 5
    assert len(three[[]]) == 0
    with pytest.raises(IndexError):
        three[3]


def test_sequences_are_immutable(three):
    with pytest.raises(AttributeError):
        three.rate_hz = 3
    with pytest.raises(ValueError, match="read-only"):
        three[0][0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        three.lengths[0] = 1


def test_the_source_array_stays_writable_and_apart():
    case = np.zeros((2, 1), np.float32)
    X = as_sequences([case])
    case[0, 0] = 7
    assert X[0][0, 0] == 0


def test_pickling_keeps_everything(three):
    again = pickle.loads(pickle.dumps(three))
    assert (again.features, again.rate_hz, again.is_table) == (three.features, 5.0, False)
    np.testing.assert_array_equal(again.frames, three.frames)


def test_padding_shorter_than_the_longest(three):
    with pytest.raises(InputError, match="Padding to 2 frames, and a case of 3"):
        three.pad(2)
    assert three.pad()[0].shape == (3, 3, 2)


def test_as_array(three):
    with pytest.raises(InputError, match="Cases of 1 to 3 frames as one array"):
        np.asarray(three)
    assert np.asarray(three[[1, 1]]).shape == (2, 2, 2)
    assert np.asarray(as_sequences(np.ones((4, 3)))).shape == (4, 3)


def test_scikit_learn_indexes_it_whole(three):
    from sklearn.model_selection import train_test_split

    fit, held = train_test_split(three, test_size=1, random_state=0)
    assert isinstance(fit, Sequences)
    assert fit.features.names == held.features.names == ("a", "b")


def test_joining(three):
    both = join(three, three[:1])
    assert both.lengths.tolist() == [1, 2, 3, 1]
    with pytest.raises(InputError, match="the same features in both"):
        join(three, as_sequences(three, features=["a", "c"]))


def test_representation(three):
    assert repr(three) == "<Sequences: 3 cases, 1-3 frames, 2 features>"
    assert repr(three[[]]) == "<Sequences: 0 cases, 0 frames, 2 features>"
    assert Features.numbered(2).names == ("f0", "f1")
