"""Beam search against all sequences there are."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks.attention import beam_search, greedy_search

START, END, LENGTH = 3, 2, 4
# The next symbol depends on the last two: the state is the one before the last.
TABLE = np.log(np.random.default_rng(0).dirichlet(np.ones(3) * 0.7, size=(4, 4))).astype(np.float32)


def step(state, last):
    return last, jnp.asarray(TABLE)[state, last]


def log_probability(symbols):
    before, last, total = START, START, 0.0
    for symbol in symbols:
        total += TABLE[before, last, symbol]
        before, last = last, symbol
    return total


def everything(end):
    """All sequences and their log-probabilities, the best first; the end symbol is not shown."""
    found = {}
    for symbols in itertools.product(range(3), repeat=LENGTH):
        cut = symbols[: symbols.index(end) + 1] if end in symbols else symbols
        found[tuple(s for s in cut if s != end)] = (log_probability(cut), len(cut))
    return found


@partial(jax.jit, static_argnames=("end", "width", "length_penalty"))
def search(*, end, width, length_penalty=0.0):
    return beam_search(
        step,
        jnp.array(START),
        start=START,
        end=end,
        length=LENGTH,
        width=width,
        length_penalty=length_penalty,
    )


def shown(found, row):
    return tuple(np.asarray(found.symbols[row])[np.asarray(found.mask[row])].tolist())


@pytest.mark.parametrize("end", [END, None])
@pytest.mark.parametrize("penalty", [0.0, 1.5])
def test_a_wide_beam_finds_all_sequences_in_order(end, penalty):
    expected = everything(-1 if end is None else end)

    def score(symbols):
        total, count = expected[symbols]
        return total / ((5 + count) / 6) ** penalty

    order = sorted(expected, key=score, reverse=True)
    found = search(end=end, width=3**LENGTH, length_penalty=penalty)
    for row, symbols in enumerate(order[:20]):
        assert shown(found, row) == symbols
        np.testing.assert_allclose(found.log_probability[row], expected[symbols][0], atol=1e-5)
    # Beyond all there are, nothing is left.
    assert np.isneginf(found.log_probability[len(order) :]).all()
    assert np.isfinite(found.log_probability[: len(order)]).all()


def test_a_narrow_beam_keeps_the_best_of_its_own_extensions():
    """A plain beam in Python, of width 2."""
    beams = [((), 0.0)]
    for _ in range(LENGTH):
        longer = [
            ((*symbols, s), log_probability((*symbols, s)))
            for symbols, _ in beams
            for s in range(3)
            if END not in symbols
        ] + [beam for beam in beams if END in beam[0]]
        beams = sorted(longer, key=lambda beam: beam[1], reverse=True)[:2]
    found = search(end=END, width=2)
    for row, (symbols, total) in enumerate(beams):
        assert shown(found, row) == tuple(s for s in symbols if s != END)
        np.testing.assert_allclose(found.log_probability[row], total, atol=1e-5)


def test_greedy_search_takes_the_most_probable_symbol_at_every_step():
    expected = []
    while len(expected) < LENGTH and END not in expected:
        last = [START, START, *expected]
        expected.append(int(TABLE[last[-2], last[-1]].argmax()))
    found = jax.jit(lambda: greedy_search(step, jnp.array(START), start=START, end=END, length=LENGTH))()
    symbols = tuple(np.asarray(found.symbols)[np.asarray(found.mask)].tolist())
    assert symbols == tuple(s for s in expected if s != END)
    np.testing.assert_allclose(found.log_probability, log_probability(expected), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"length": 0}, "length=0"),
        ({"width": 0}, "width=0"),
        ({"length_penalty": -1.0}, "length_penalty=-1.0"),
        ({"length_penalty": float("nan")}, "length_penalty=nan"),
    ],
)
def test_wrong_settings(settings, part):
    with pytest.raises(InputError, match=part):
        beam_search(step, START, **{"start": START, "end": END, "length": 2, "width": 2, **settings})
