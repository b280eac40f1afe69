"""Markov chains against counting by hand, and the frequencies of their samples."""

from collections import Counter
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import InputError
from antiphon.networks.generative import MarkovChain

sequences = st.lists(st.lists(st.integers(0, 2), max_size=8), min_size=1, max_size=4)


def counted(cases, symbols, order, smoothing):
    """Probability of a symbol after a context, as a function; "^" stands before the first."""
    pairs, contexts = Counter(), Counter()
    for case in cases:
        padded = ["^"] * order + list(case)
        for t in range(order, len(padded)):
            pairs[tuple(padded[t - order : t]), padded[t]] += 1
            contexts[tuple(padded[t - order : t])] += 1

    def probability(context, symbol):
        total = contexts[context] + symbols * smoothing
        return (pairs[context, symbol] + smoothing) / total if total else 1 / symbols

    return probability


@settings(max_examples=25, deadline=None)
@given(cases=sequences, order=st.integers(1, 3), smoothing=st.sampled_from([0.0, 0.5, 1.0]))
def test_the_table_is_that_of_counting(cases, order, smoothing):
    chain = MarkovChain.fit(cases, symbols=3, order=order, smoothing=smoothing)
    probability = counted(cases, 3, order, smoothing)
    table = np.exp(np.asarray(chain.log_probabilities))
    assert table.shape == (4**order, 3)
    for row in range(4**order):
        digits = tuple(row // 4 ** (order - 1 - i) % 4 for i in range(order))
        context = tuple("^" if digit == 3 else digit for digit in digits)
        for symbol in range(3):
            np.testing.assert_allclose(table[row, symbol], probability(context, symbol), atol=1e-6)


@pytest.mark.parametrize("order", [1, 2])
def test_likelihood_is_the_product_of_the_probabilities(order):
    cases = [[0, 1, 2, 0, 1, 1], [2, 2, 0], [1, 0, 1, 0]]
    chain = MarkovChain.fit(cases, order=order)
    probability = counted(cases, 3, order, 1.0)
    likelihood = jax.jit(lambda c, s, m: c.log_likelihood(s, m))
    for case in ([0, 1, 1, 2], [2, 0], []):
        padded = ["^"] * order + case
        expected = sum(
            np.log(probability(tuple(padded[t - order : t]), padded[t])) for t in range(order, len(padded))
        )
        symbols = jnp.array([*case, *[77] * (6 - len(case))])
        np.testing.assert_allclose(likelihood(chain, symbols, jnp.arange(6) < len(case)), expected, atol=1e-5)


def test_what_was_never_seen_is_impossible_without_smoothing():
    chain = MarkovChain.fit([[0, 1, 0]], smoothing=0.0)
    assert np.isneginf(chain.log_likelihood(jnp.array([1, 0]), jnp.ones(2, bool)))
    assert chain.log_likelihood(jnp.array([0, 1]), jnp.ones(2, bool)) == 0.0


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_samples_have_the_frequencies_of_the_chain(temperature):
    """Chi-square of the pairs of a long sample, at a fixed seed; and the same seed gives the same sample."""
    chain = MarkovChain.fit([[0, 1, 2, 0, 1, 1, 2, 2, 0, 0, 1, 0]], smoothing=0.5)
    sample = partial(chain.sample, 4000, temperature=temperature)
    drawn = np.asarray(sample(key=jax.random.key(0)))
    np.testing.assert_array_equal(drawn, sample(key=jax.random.key(0)))
    table = np.asarray(chain.log_probabilities, np.float64)[:3]
    shares = np.exp(table / temperature)
    shares /= shares.sum(1, keepdims=True)
    for symbol in range(3):
        following = drawn[1:][drawn[:-1] == symbol]
        counts = np.bincount(following, minlength=3)
        assert scipy.stats.chisquare(counts, shares[symbol] * len(following)).pvalue > 1e-3
    # What a wrong temperature would give is refuted, so that this test can fail.
    wrong = np.exp(table * temperature / 2)
    wrong /= wrong.sum(1, keepdims=True)
    following = drawn[1:][drawn[:-1] == 0]
    assert scipy.stats.chisquare(np.bincount(following, minlength=3), wrong[0] * len(following)).pvalue < 1e-6


@pytest.mark.parametrize(
    ("cases", "setting", "part"),
    [
        ([], {}, "No sequence."),
        ([[0.5]], {}, "type float64"),
        ([[-1, 0]], {}, "whole numbers from 0 up"),
        ([[[0], [1]]], {}, r"shape \(2, 1\)"),
        ([[0, 5]], {"symbols": 3}, "The symbol 5 with symbols=3"),
        ([[0, 1]], {"order": 0}, "order=0"),
        ([[0, 1]], {"smoothing": -1}, "smoothing=-1"),
        ([[0, 99]], {"order": 4}, "10406040100 entries"),
    ],
)
def test_wrong_data_and_settings(cases, setting, part):
    with pytest.raises(InputError, match=part):
        MarkovChain.fit(cases, **setting)


def test_a_wrong_table_or_sample():
    with pytest.raises(InputError, match=r"A table of shape \(5, 3\)"):
        MarkovChain(np.zeros((5, 3)))
    with pytest.raises(InputError, match="do not sum to 1"):
        MarkovChain(np.zeros((4, 3)))
    chain = MarkovChain.fit([[0, 1]])
    with pytest.raises(InputError, match="temperature=0"):
        chain.sample(3, temperature=0, key=jax.random.key(0))
    with pytest.raises(InputError, match="length=0"):
        chain.sample(0, key=jax.random.key(0))
    with pytest.raises(InputError, match="type float32"):
        chain.log_likelihood(jnp.ones(2), jnp.ones(2, bool))
