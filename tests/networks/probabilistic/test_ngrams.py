"""Bags of n-grams: scikit-learn's counts, and the traceable ones against them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from antiphon.errors import InputError
from antiphon.networks.probabilistic import BagOfWords, count_ngrams


def test_both_count_the_same():
    rng = np.random.default_rng(0)
    cases = [rng.integers(0, 3, length) for length in (7, 1, 5, 2)]
    count = jax.jit(count_ngrams, static_argnames=("symbols", "n"))
    for n in (1, 2):
        bag = BagOfWords(ngram_range=(n, n))
        wanted = bag.fit_transform(cases).toarray()
        places = [int("".join(name.split()), 3) for name in bag.get_feature_names_out()]
        for row, case in zip(wanted, cases, strict=True):
            # Masked frames anywhere, holding anything.
            mask = np.isin(np.arange(9), rng.permutation(9)[: len(case)])
            frames = np.full((9, 1), np.nan, np.float32)
            frames[mask, 0] = case
            found = count(frames, mask, symbols=3, n=n)
            np.testing.assert_array_equal(found[np.array(places)], row)
            assert float(found.sum()) == row.sum()


def test_what_is_no_symbol_ends_a_run():
    frames, mask = jnp.array([[0.0], [0.5], [1.0], [0.0], [9.0]]), jnp.ones(5, bool)
    assert count_ngrams(frames, mask, symbols=2, n=1).tolist() == [2, 1]
    assert count_ngrams(frames, mask, symbols=2, n=2).tolist() == [0, 0, 1, 0]
    assert count_ngrams(frames, mask, symbols=2, n=6).sum() == 0


def test_a_bag_is_scikit_learns():
    X, y = [["a", "b"], ["b", "b", "b"], ["a"], ["b", "a", "b"]], [0, 1, 0, 1]
    model = make_pipeline(BagOfWords(ngram_range=(1, 2)), MultinomialNB()).fit(X, y)
    assert model.score(X, y) >= 0.75
    bag = BagOfWords(ngram_range=(1, 3), binary=True, min_df=2, max_df=0.9, max_features=5)
    assert clone(bag).get_params() == bag.get_params()
    assert bag.fit_transform(X).max() == 1


def test_bad_input():
    for case in ("a text", 3):
        with pytest.raises(InputError, match="as a symbolic sequence"):
            BagOfWords().fit([case])
    with pytest.raises(InputError, match="'a b', with a blank"):
        BagOfWords().fit([["a b"]])
    with pytest.raises(InputError, match="one symbol a frame"):
        count_ngrams(jnp.ones((3, 2)), jnp.ones(3, bool), symbols=2)
    with pytest.raises(InputError, match="n=0"):
        count_ngrams(jnp.ones((3, 1)), jnp.ones(3, bool), symbols=2, n=0)
