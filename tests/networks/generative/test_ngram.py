"""n-grams that fall back on shorter ones, against the formula written out with dictionaries."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import InputError
from antiphon.networks.generative import MarkovChain, NGram

SYMBOLS = 3
sequences = st.lists(st.lists(st.integers(0, SYMBOLS - 1), min_size=1, max_size=12), min_size=1, max_size=4)


def by_hand(training, sequence, n):
    """Natural logarithms of the probabilities, context by context."""
    counts = defaultdict(Counter)
    for case in training:
        padded = ["^"] * (n - 1) + case
        for place, symbol in enumerate(case):
            for order in range(n):
                counts[tuple(padded[place + n - 1 - order : place + n - 1])][symbol] += 1
    found = []
    padded = ["^"] * (n - 1) + sequence
    for place, symbol in enumerate(sequence):
        share = 1 / SYMBOLS
        for order in range(n):
            seen = counts[tuple(padded[place + n - 1 - order : place + n - 1])]
            if seen:
                total, kinds = sum(seen.values()), len(seen)
                share = (seen[symbol] + kinds * share) / (total + kinds)
        found.append(np.log(share))
    return found


@settings(max_examples=40)
@given(sequences, st.lists(st.integers(0, SYMBOLS - 1), min_size=1, max_size=8), st.integers(1, 5))
def test_it_is_the_formula(training, sequence, n):
    chain = NGram(SYMBOLS, n).fit(training)
    np.testing.assert_allclose(chain.log_likelihoods(sequence), by_hand(training, sequence, n), atol=1e-12)
    assert chain.log_likelihood(sequence) == pytest.approx(sum(by_hand(training, sequence, n)))


@settings(max_examples=20)
@given(sequences, st.lists(st.integers(0, SYMBOLS - 1), max_size=6))
def test_what_may_follow_sums_to_one(training, past):
    chain = NGram(SYMBOLS, 3).fit(training)
    after = [chain.log_likelihoods([*past, symbol])[-1] for symbol in range(SYMBOLS)]
    assert np.exp(after).sum() == pytest.approx(1.0)


def test_with_much_data_it_is_the_chain_that_made_them():
    rng = np.random.default_rng(0)
    table = np.array([[0.1, 0.9, 0.0], [0.0, 0.2, 0.8], [0.5, 0.0, 0.5]])
    case = [0]
    for _ in range(4000):
        case.append(int(rng.choice(3, p=table[case[-1]])))
    chain = NGram(3, 2).fit([case])
    other = MarkovChain.fit([case], smoothing=0.0)
    shares = np.exp([chain.log_likelihoods([last, new])[1] for last in range(3) for new in range(3)])
    np.testing.assert_allclose(shares, np.exp(other.log_probabilities[:3]).ravel(), atol=0.01)
    made = chain.sample(3000, seed=1)
    again = NGram(3, 2).fit([made])
    shares = np.exp([again.log_likelihoods([last, new])[1] for last in range(3) for new in range(3)])
    np.testing.assert_allclose(shares, table.ravel(), atol=0.06)
    assert (chain.sample(20, seed=1) == made[:20]).all()
    cold = chain.sample(500, temperature=0.05, seed=1)
    assert set(map(tuple, np.stack([cold[:-1], cold[1:]], 1).tolist())) <= {(0, 1), (1, 2), (2, 0), (2, 2)}
    assert set(chain.sample(5, temperature=1e-6, seed=1)) <= {
        0,
        1,
        2,
    }  # p ^ (1 / temperature) is below any float


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NGram(0), "symbols=0"),
        (lambda: NGram(3, 0), "n=0"),
        (lambda: NGram(256, 8), "n-grams of 8 of 256 symbols"),
        (lambda: NGram(3).fit([]), "No sequence"),
        (lambda: NGram(3).fit([[0, 3]]), "The symbol 3 of 3"),
        (lambda: NGram(3).fit([[0.5]]), "type float64"),
        (lambda: NGram(3).log_likelihoods([0]), "not fitted"),
        (lambda: NGram(3).sample(4), "not fitted"),
        (lambda: NGram(3).fit([[0]]).sample(0), "length=0"),
        (lambda: NGram(3).fit([[0]]).sample(3, temperature=0.0), "temperature=0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
