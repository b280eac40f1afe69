"""CTC against all alignments; its decoders; error rates."""

import itertools
from collections import defaultdict

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp

from antiphon.errors import InputError
from antiphon.networks.probabilistic import (
    character_error_rate,
    check_ctc,
    ctc_beam,
    ctc_greedy,
    ctc_loss,
    edit_distance,
    word_error_rate,
)

TIME, SYMBOLS = 6, 3
loss = jax.jit(ctc_loss, static_argnames="blank")
slope = jax.jit(jax.grad(ctc_loss), static_argnames="blank")


def collapsed(alignment, blank):
    return tuple(symbol for symbol, _ in itertools.groupby(alignment) if symbol != blank)


def enumerated(logits, blank):
    """Log-probability of each row of labels: the sum over all its alignments."""
    rows = defaultdict(list)
    frames = log_softmax(np.float64(logits), axis=1)
    for alignment in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        rows[collapsed(alignment, blank)].append(frames[np.arange(len(logits)), alignment].sum())
    return {labels: logsumexp(weights) for labels, weights in rows.items()}


def cases():
    rng = np.random.default_rng(0)
    for blank, mask in ((0, [1, 1, 1, 1, 1, 1]), (2, [1, 1, 1, 1, 0, 0]), (0, [0, 1, 1, 0, 1, 0])):
        mask = np.array(mask, bool)
        logits = np.float32(2 * rng.normal(size=(TIME, SYMBOLS)))
        yield blank, mask, np.where(mask[:, None], logits, np.nan), enumerated(logits[mask], blank)


def padded(labels, hole=False):
    row, there = np.full(TIME, -5, np.int32), np.zeros(TIME, bool)
    there[1 * hole : len(labels) + 1 * hole] = True
    row[there] = labels
    return row, there


def test_the_loss_is_the_sum_over_all_alignments():
    for blank, mask, logits, wanted in cases():
        for labels, log_probability in wanted.items():
            found = loss(logits, mask, *padded(labels, hole=len(labels) < TIME), blank=blank)
            np.testing.assert_allclose(found, -log_probability, rtol=1e-5, atol=1e-5)


def test_no_gradient_from_what_is_masked_nor_from_what_cannot_be():
    _, mask, logits, _ = list(cases())[2]
    found = slope(logits, mask, *padded([1, 2]))
    assert not found[~mask].any()
    assert np.isfinite(found).all()
    assert np.abs(found[mask]).max() > 0
    # The gradient of a sum of log-probabilities over frames that sum to 1: 0 in each frame.
    np.testing.assert_allclose(found.sum(1), 0, atol=1e-5)
    assert loss(logits, mask, *padded([1, 1, 2])) == np.inf
    assert not slope(logits, mask, *padded([1, 1, 2])).any()


def test_decoders_against_all_alignments():
    for blank, mask, logits, wanted in cases():
        found = ctc_beam(logits, mask, width=len(wanted), blank=blank)
        assert [labels for labels, _ in found] == sorted(wanted, key=wanted.get, reverse=True)
        np.testing.assert_allclose([p for _, p in found], [wanted[labels] for labels, _ in found], rtol=1e-10)
        narrow, weight = ctc_beam(logits, mask, width=2, blank=blank)[0]
        assert weight <= wanted[narrow] + 1e-12
        best = np.argmax(logits[mask], axis=1)
        assert tuple(ctc_greedy(logits, mask, blank=blank)) == collapsed(best, blank)


def test_what_no_alignment_can_give_is_an_error():
    logits, mask = jnp.zeros((3, SYMBOLS)), jnp.ones(3, bool)
    there = jnp.ones(2, bool)
    ctc_loss(logits, mask, jnp.array([1, 1]), there)
    with pytest.raises(
        InputError, match=r"2 frames for the 2 labels of case 0\. Expected: at least 3 frames"
    ):
        ctc_loss(logits, mask.at[0].set(False), jnp.array([1, 1]), there)
    with pytest.raises(InputError, match="The label 3 in case 0"):
        ctc_loss(logits, mask, jnp.array([1, 3]), there)
    with pytest.raises(InputError, match="not the blank 0"):
        ctc_loss(logits, mask, jnp.array([1, 0]), there)
    with pytest.raises(InputError, match="blank=3"):
        ctc_loss(logits, mask, jnp.array([1, 2]), there, blank=3)
    with pytest.raises(InputError, match=r"labels \(2,\) and their mask \(3,\)"):
        ctc_loss(logits, mask, jnp.array([1, 2]), mask)
    frames, labels = np.ones((2, 4), bool), np.array([[1, 2, 1], [2, 2, 2]])
    with pytest.raises(InputError, match="4 frames for the 3 labels of case 1"):
        check_ctc(frames, labels, np.ones((2, 3), bool), symbols=SYMBOLS)
    for decode in (ctc_greedy, ctc_beam):
        with pytest.raises(InputError, match="one sequence after the other"):
            decode(np.zeros((2, 3, 2)), np.ones((2, 3), bool))
    with pytest.raises(InputError, match="width=0"):
        ctc_beam(np.zeros((3, 2)), np.ones(3, bool), width=0)


def recursive(first, second):
    if not first or not second:
        return len(first) + len(second)
    return min(
        recursive(first[1:], second) + 1,
        recursive(first, second[1:]) + 1,
        recursive(first[1:], second[1:]) + (first[0] != second[0]),
    )


@settings(deadline=None, max_examples=60)
@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_edit_distance_is_its_definition(first, second):
    assert edit_distance(first, second) == recursive(first, second)


def test_error_rates():
    assert word_error_rate(["a b c d"], ["a x d"]) == 0.5
    assert word_error_rate([["a", "b"], [1, 2]], [["a", "b"], [2]]) == 0.25
    assert word_error_rate(["a"], ["b c d"]) == 3
    assert character_error_rate(["ab", "cd"], ["ab", ""]) == 0.5
    with pytest.raises(InputError, match="1 texts as references and 2 texts as hypotheses"):
        word_error_rate(["a"], ["a", "b"])
    with pytest.raises(InputError, match="A string as references"):
        character_error_rate("abc", ["abc"])
    with pytest.raises(InputError, match="References without any word"):
        word_error_rate([" "], ["a"])
