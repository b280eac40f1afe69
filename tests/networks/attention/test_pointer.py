"""Pointers: probabilities over what is left, decoding against all orders, padding, training."""

import itertools
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks import from_arrays, to_arrays
from antiphon.networks.attention import PointerNetwork
from antiphon.networks.generative import minimise

# What is compiled runs a few times: to optimise it takes longer.
quick = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
# Sharper than at first, so that orders differ in probability.
NETWORK = jax.tree.map(lambda leaf: 3.0 * leaf, PointerNetwork(2, hidden=3, key=jax.random.key(0)))
FRAMES = jnp.asarray(np.random.default_rng(0).normal(size=(6, 2)), jnp.float32)
FRAMES = jnp.where(jnp.array([True, False, True, True, True, False])[:, None], FRAMES, jnp.nan)
MASK = jnp.array([True, False, True, True, True, False])
ORDERS = list(itertools.permutations([0, 2, 3, 4]))
over_orders = quick(
    jax.vmap(
        lambda network, *case: (network(*case), network.loss(*case)), in_axes=(None, None, None, 0, None)
    )
)
ROWS, LOSSES = (
    np.asarray(part) for part in over_orders(NETWORK, FRAMES, MASK, jnp.array(ORDERS), jnp.ones(4, bool))
)
TOTALS = np.take_along_axis(ROWS, np.array(ORDERS)[:, :, None], axis=2)[:, :, 0].sum(1)


def test_each_pointer_is_a_distribution_over_the_real_frames_that_are_left():
    shares = np.exp(ROWS)
    np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-5)
    for order, rows in zip(ORDERS, shares, strict=True):
        for n, row in enumerate(rows):
            assert set(np.nonzero(row)[0]) == set(order[n:])
    np.testing.assert_allclose(np.exp(TOTALS).sum(), 1, atol=1e-5)
    np.testing.assert_allclose(LOSSES, -TOTALS / 4, atol=1e-5)


def test_decoding_finds_the_best_of_all_orders():
    decode = quick(lambda n, f, m: (n.decode(f, m, length=6, width=24), n.decode(f, m, length=6)))
    found, greedy = decode(NETWORK, FRAMES, MASK)
    for row, i in enumerate(np.argsort(-TOTALS)):
        assert tuple(np.asarray(found.symbols[row])[np.asarray(found.mask[row])].tolist()) == ORDERS[i]
        np.testing.assert_allclose(found.log_probability[row], TOTALS[i], atol=1e-5)
    expected = []
    for n in range(4):
        i = next(i for i, order in enumerate(ORDERS) if list(order[:n]) == expected)
        expected.append(int(ROWS[i, n].argmax()))
    assert np.asarray(greedy.symbols)[np.asarray(greedy.mask)].tolist() == expected


def test_padding_changes_neither_values_nor_gradients():
    """Wherever it stands among the frames, and whatever masked frames and places hold."""

    def loss(network, frames, mask, places, places_mask):
        return network.loss(frames, mask, places, places_mask)

    both = quick(jax.value_and_grad(loss))
    one = both(NETWORK, FRAMES, MASK, jnp.array([4, 2, 99]), jnp.array([True, True, False]))
    moved = jnp.concatenate([FRAMES[jnp.array([0, 2, 3, 4])], jnp.full((2, 2), jnp.inf)])
    other = both(NETWORK, moved, jnp.arange(6) < 4, jnp.array([3, 1, 0]), jnp.array([True, True, False]))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
        assert np.isfinite(a).all()


def test_a_frame_may_be_pointed_at_twice_where_that_is_allowed():
    settings = dict(NETWORK.config)
    assert settings.pop("kind") == "PointerNetwork"
    settings["repeats"] = True
    like = eqx.filter_eval_shape(lambda: PointerNetwork(**settings, key=jax.random.key(1)))
    network = from_arrays(like, to_arrays(NETWORK))
    twice = (jnp.array([2, 2, 2]), jnp.ones(3, bool))
    rows, found = quick(lambda n: (n(FRAMES, MASK, *twice), n.decode(FRAMES, MASK, length=6)))(network)
    assert (np.exp(rows)[:, 2] > 0).all()
    np.testing.assert_allclose(np.exp(rows).sum(-1), 1, atol=1e-5)
    assert np.asarray(found.mask).all()


def test_wrong_places_and_settings():
    with pytest.raises(InputError, match="type float32"):
        NETWORK(FRAMES, MASK, jnp.ones(2), jnp.ones(2, bool))
    with pytest.raises(InputError, match=r"Frames of shape \(6, 1\)"):
        NETWORK.decode(FRAMES[:, :1], MASK, length=2)
    with pytest.raises(InputError, match="repeats=1"):
        PointerNetwork(2, repeats=1, key=jax.random.key(0))


@pytest.mark.slow
def test_it_learns_to_sort():
    rng = np.random.default_rng(0)
    frames = rng.uniform(size=(600, 5, 1)).astype(np.float32)
    mask = np.ones((600, 5), bool)
    places = np.argsort(frames[:, :, 0], axis=1)
    data = [jnp.asarray(part[:500]) for part in (frames, mask, places, mask)]
    network, losses = minimise(
        PointerNetwork(1, hidden=32, key=jax.random.key(0)),
        PointerNetwork.loss,
        *data,
        steps=1000,
        key=jax.random.key(1),
    )
    assert losses[-50:].mean() < 0.3 * losses[:10].mean()
    decode = jax.jit(jax.vmap(lambda f, m: network.decode(f, m, length=5, width=3)))
    found = decode(jnp.asarray(frames[500:]), jnp.asarray(mask[500:])).symbols[:, 0]
    assert (np.asarray(found) == places[500:]).all(1).mean() > 0.7
