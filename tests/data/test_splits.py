import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from antiphon.data import folds, holdout
from antiphon.errors import InputError

_labels = st.lists(st.integers(0, 4), min_size=4, max_size=40).map(np.array)


def _check(fit, held, cases):
    assert sorted([*fit, *held]) == list(range(cases))
    assert len(fit)
    assert len(held)


@given(_labels, st.floats(0.05, 0.9), st.integers(0, 9))
def test_holdout_leaves_some_of_every_class(y, size, seed):
    fit, held = holdout(y, size=size, seed=seed)
    _check(fit, held, len(y))
    if len(set(y.tolist())) < len(y):
        assert set(y[fit]) == set(y)
    again = holdout(y, size=size, seed=seed)
    np.testing.assert_array_equal(held, again[1])


@given(_labels, st.integers(2, 4), st.integers(0, 9))
def test_folds_are_balanced_whatever_the_classes(y, n, seed):
    parts = folds(y, n=n, seed=seed)
    assert sorted(np.concatenate([held for _, held in parts])) == list(range(len(y)))
    for fit, held in parts:
        _check(fit, held, len(y))
        for label in set(y.tolist()):
            share = (y == label).sum() / n
            assert np.floor(share) <= (y[held] == label).sum() <= np.ceil(share)


@given(st.data(), st.integers(2, 4), st.integers(0, 9))
def test_subjects_are_never_cut(data, n, seed):
    y = data.draw(_labels)
    subjects = np.array(data.draw(st.lists(st.integers(0, 6), min_size=len(y), max_size=len(y))))
    if len(set(subjects.tolist())) < n:
        return
    for fit, held in [*folds(y, subjects, n=n, seed=seed), holdout(y, subjects, size=0.3, seed=seed)]:
        _check(fit, held, len(y))
        assert not set(subjects[fit]) & set(subjects[held])


def test_sizes():
    y = np.repeat([0, 1], [80, 20])
    for size in (0.25, 25):
        _, held = holdout(y, size=size, seed=1)
        assert np.bincount(y[held]).tolist() == [20, 5]
    subjects = np.repeat(np.arange(20), 5)
    _, held = holdout(y, subjects, size=0.2, seed=1)
    assert 15 <= len(held) <= 25


def test_regression_is_spread_over_the_range():
    y = np.linspace(0, 1, 100)
    _, held = holdout(y, size=0.2, seed=3)
    assert np.histogram(y[held], 10, (0, 1))[0].tolist() == [2] * 10
    for _, held in folds(y, n=5, seed=3):
        assert np.ptp(y[held]) > 0.85


def test_tags_are_split_by_their_main_tag():
    y = [np.array([0, 0, 1])] * 6 + [np.array([1, 1])] * 6
    _, held = holdout(y, size=4)
    assert np.sum(held < 6) == 2
    assert len(folds(y, n=3)) == 3


def test_every_case_of_another_class():
    y = np.arange(6)
    fit, held = holdout(y, size=0.5)
    _check(fit, held, 6)
    assert len(folds(y, n=3)) == 3


def test_text_subjects():
    subjects = np.array(["ann", "bob", "ann", "cid"], object)
    fit, held = holdout(np.array([0, 1, 0, 1]), subjects, size=0.25)
    assert not set(subjects[fit]) & set(subjects[held])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: holdout(np.array([0, 1]), size=0.0), "A part of size 0.0"),
        (lambda: holdout(np.array([0, 1]), size=2), "A part of size 2 of 2 cases"),
        (lambda: holdout(np.array([0, 1]), ["a"], size=0.5), r"of shape \(1,\) for 2 cases"),
        (lambda: holdout(np.array([0, 1]), ["a", "a"], size=0.5), "all come from one subject"),
        (lambda: folds(np.array([0, 1]), n=3), "3 folds of 2 cases"),
        (lambda: folds(np.array([0, 1, 1]), ["a", "b", "b"], n=3), "3 folds of 2 subjects"),
        (lambda: folds(np.array([0, 1, 1]), n=1), "1 folds of 3 cases"),
    ],
)
def test_wrong_splits(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_no_fold_of_subjects_is_empty():
    # Here scikit-learn's balanced folds leave one without any case.
    y = np.array([0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    subjects = np.array([2, 1, 0, 3, 3, 2, 1, 3, 1, 1, 1, 1, 3, 1, 3, 1])
    for fit, held in folds(y, subjects, n=4):
        _check(fit, held, len(y))
        assert len(set(subjects[held])) == 1
