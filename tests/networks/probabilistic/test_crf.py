"""Conditional random fields: against every row of tags there is, and against python-crfsuite."""

import itertools
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from antiphon.errors import InputError
from antiphon.networks import Scaling, SequenceToSequence, with_scaling
from antiphon.networks.probabilistic import CRF, crf_loss, fit_by_gradient

GOLDEN = np.load(Path(__file__).with_name("crf_golden.npz"))
KEY = jax.random.key(0)


class Linear(eqx.Module):
    """Scores of each frame by itself, as CRFsuite has them."""

    weight: jax.Array
    scaling: Scaling
    out_size: int = eqx.field(static=True)

    def __init__(self, weight):
        self.weight, self.out_size = weight, weight.shape[1]
        self.scaling = Scaling(weight.shape[0])

    def __call__(self, frames, mask, *, key=None):
        return jnp.where(mask[:, None], frames, 0.0) @ self.weight


def field(unary, transition, first=None, last=None, parallel=False):
    crf = CRF(Linear(jnp.asarray(unary)), parallel=parallel, key=KEY)
    zero = np.zeros(len(transition))
    new = [jnp.asarray(zero if part is None else part, crf.network.weight.dtype) for part in (first, last)]
    return eqx.tree_at(lambda c: (c.transition, c.first, c.last), crf, (jnp.asarray(transition), *new))


@jax.jit
def answers(crf, frames, tags, mask):
    score, best = crf.viterbi(frames, mask)
    return (
        crf(frames, mask),
        crf.log_probability(frames, tags, mask),
        crf.log_partition(frames, mask),
        score,
        best,
    )


def enumerated(scores, transition, first, last, tags):
    """The same, by going through all rows of tags."""
    time, count = scores.shape
    rows = list(itertools.product(range(count), repeat=time))
    weights = np.array([
        first[row[0]] + last[row[-1]] + sum(scores[t, tag] for t, tag in enumerate(row))
        + sum(transition[pair] for pair in itertools.pairwise(row))
        for row in rows
    ])  # fmt: skip
    whole = logsumexp(weights)
    shares = np.exp(weights - whole)
    marginals = np.zeros((time, count))
    for row, share in zip(rows, shares, strict=True):
        marginals[np.arange(time), row] += share
    best = rows[int(weights.argmax())]
    return marginals, weights[rows.index(tuple(tags))] - whole, whole, weights.max(), best


@pytest.mark.parametrize("parallel", [False, True])
def test_every_row_of_tags(parallel):
    rng = np.random.default_rng(1)
    unary, transition, first, last = (np.float32(rng.normal(size=s)) for s in ((2, 3), (3, 3), 3, 3))
    crf = field(unary, transition, first, last, parallel)
    frames, tags = rng.normal(size=(8, 2)).astype(np.float32), rng.integers(0, 3, 8).astype(np.int32)
    for real in ([0, 1, 2, 3, 4], [1, 4, 5, 7], [6]):
        mask = np.isin(np.arange(8), real)
        # What is masked may be anything, and no tag at all.
        given = answers(crf, np.where(mask[:, None], frames, np.nan), np.where(mask, tags, 99), mask)
        marginals, probability, whole, score, best = jax.device_get(given)
        wanted = enumerated(frames[mask] @ unary, transition, first, last, tags[mask])
        np.testing.assert_allclose(marginals[mask], wanted[0], rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose([probability, whole, score], wanted[1:4], rtol=2e-5)
        np.testing.assert_array_equal(best[mask], wanted[4])
        assert not marginals[~mask].any()
        assert (best[~mask] == -1).all()


def test_no_frame_at_all():
    crf = field(np.ones((2, 3), np.float32), np.ones((3, 3), np.float32))
    none = np.zeros(8, bool)
    marginals, probability, whole, _, best = answers(
        crf, np.zeros((8, 2), np.float32), np.zeros(8, np.int32), none
    )
    assert (probability, whole) == (0, 0)
    assert not marginals.any()
    assert (best == -1).all()


def test_python_crfsuite():
    ends = np.cumsum(GOLDEN["lengths"])
    with jax.enable_x64(True):
        crf = field(GOLDEN["unary"], GOLDEN["transition"])
        crf = eqx.tree_at(
            lambda c: (c.network.scaling.shift, c.network.scaling.scale), crf, (jnp.zeros(4), jnp.ones(4))
        )
        for number, (end, length) in enumerate(zip(ends, GOLDEN["lengths"], strict=True)):
            rows = slice(end - length, end)
            frames, tags, mask = np.zeros((9, 4)), np.zeros(9, np.int32), np.arange(9) < length
            frames[mask], tags[mask] = GOLDEN["frames"][rows], GOLDEN["tags"][rows]
            marginals, probability, _, _, best = jax.device_get(answers(crf, frames, tags, mask))
            np.testing.assert_allclose(marginals[mask], GOLDEN["marginals"][rows], rtol=1e-6, atol=1e-12)
            np.testing.assert_allclose(np.exp(probability), GOLDEN["probability"][number], rtol=1e-6)
            np.testing.assert_array_equal(best[mask], GOLDEN["path"][rows])


def test_masked_frames_reach_no_gradient():
    crf = CRF(SequenceToSequence(2, 3, cell="rnn", hidden=2, key=KEY), key=KEY)
    frames, tags = np.ones((4, 2), np.float32), np.array([0, 1, 2, 0], np.int32)
    mask = np.array([True, True, False, True])
    slope = jax.jit(jax.grad(crf_loss, allow_int=True))
    clean = slope(crf, frames, tags, mask)
    dirty = slope(crf, np.where(mask[:, None], frames, np.nan), np.where(mask, tags, -7), mask)
    for one, other in zip(jax.tree.leaves(clean), jax.tree.leaves(dirty), strict=True):
        np.testing.assert_array_equal(one, other)
    assert float(jnp.abs(clean.transition).sum()) > 0


def test_it_learns_what_follows_what():
    # Tags alternate in pairs and the frames hardly tell them: transitions must.
    rng = np.random.default_rng(0)
    tags = np.tile([0, 1, 2], (24, 3)).astype(np.int32)
    tags = (tags + rng.integers(0, 3, (24, 1))).astype(np.int32) % 3
    frames = np.float32(np.eye(3)[tags] + rng.normal(size=(24, 9, 3)))
    mask = np.arange(9) < rng.integers(4, 10, (24, 1))
    crf = CRF(Linear(jnp.zeros((3, 3), jnp.float32)), key=KEY)
    fit = fit_by_gradient(
        crf, crf_loss, (frames, tags, mask), key=KEY, epochs=60, batch_size=8, learning_rate=0.1
    )
    found = np.argmax(fit.model.transition, axis=1)
    np.testing.assert_array_equal(found, [1, 2, 0])
    assert fit.losses[-1] < 0.5 * fit.losses[0]


def test_a_crf_is_what_networks_are():
    crf = CRF(SequenceToSequence(2, 3, cell="rnn", hidden=2, key=KEY), key=KEY)
    assert CRF(crf.config["network"], key=KEY).config == crf.config
    assert (crf.in_size, crf.out_size) == (2, 3)
    scaled = with_scaling(crf, [1.0, 2.0], [3.0, 4.0])
    assert scaled.network.scaling.shift.tolist() == [1.0, 2.0]


def test_bad_input():
    crf = field(np.ones((2, 3), np.float32), np.ones((3, 3), np.float32))
    frames, mask = jnp.ones((4, 2)), jnp.ones(4, bool)
    with pytest.raises(InputError, match="The tag 3"):
        crf.log_probability(frames, jnp.array([0, 1, 2, 3]), mask)
    with pytest.raises(InputError, match=r"Tags of shape \(3,\)"):
        crf.log_probability(frames, jnp.array([0, 1, 2]), mask)
    assert jnp.isnan(jax.jit(crf_loss)(crf, frames, jnp.array([0, 1, 2, 3]), mask))
    with pytest.raises(InputError, match="A Scaling in a CRF"):
        CRF(Scaling(2), key=KEY)
    with pytest.raises(InputError, match="parallel=1"):
        CRF(Linear(jnp.ones((2, 3))), parallel=1, key=KEY)

    class Once(Linear):
        def __call__(self, frames, mask, *, key=None):
            return super().__call__(frames, mask)[0]

    with pytest.raises(InputError, match=r"Scores of shape \(3,\) from Once"):
        CRF(Once(jnp.ones((2, 3))), key=KEY)(frames, mask)
