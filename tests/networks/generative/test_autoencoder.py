"""The variational autoencoder against quadrature over its latent variable; padding; training."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from antiphon.errors import InputError
from antiphon.networks import from_arrays, to_arrays, with_scaling
from antiphon.networks.generative import SequenceVAE, minimise

# What is compiled runs a few times: to optimise it takes longer.
quick = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
KEY = jax.random.key(0)
# Sharper than at first, so that `z` matters.
NETWORK = jax.tree.map(lambda leaf: 2.0 * leaf, SequenceVAE(2, 1, cell="rnn", hidden=3, key=KEY))
NETWORK = with_scaling(NETWORK, [1.0, -2.0], [3.0, 0.5])
FRAMES = jnp.asarray(np.random.default_rng(0).normal(size=(6, 2)), jnp.float32)
MASK = jnp.arange(6) < 4
GRID = np.linspace(-8, 8, 1601)


@quick
def look(network, frames, mask, key):
    bounds = jax.vmap(lambda one: network.elbo(frames, mask, key=one))(jax.random.split(key, 2000))
    given = jax.vmap(lambda z: network.log_density(frames, mask, z[None]))(jnp.asarray(GRID, jnp.float32))
    mean, log_variance = network.encode(frames, mask)
    return bounds, given, mean, log_variance, network.divergence(frames, mask), network(frames, mask)


BOUNDS, GIVEN, MEAN, LOG_VARIANCE, DIVERGENCE, AGAIN = (
    np.asarray(part, np.float64) for part in look(NETWORK, FRAMES, MASK, jax.random.key(1))
)
POSTERIOR = scipy.stats.norm(MEAN[0], np.exp(LOG_VARIANCE[0] / 2))


def test_the_divergence_is_that_of_quadrature():
    prior = scipy.stats.norm
    terms = POSTERIOR.pdf(GRID) * (POSTERIOR.logpdf(GRID) - prior.logpdf(GRID))
    np.testing.assert_allclose(DIVERGENCE, scipy.integrate.trapezoid(terms, GRID), atol=1e-4)


def test_the_bound_is_that_of_quadrature_and_lies_below_the_evidence():
    expected = scipy.integrate.trapezoid(POSTERIOR.pdf(GRID) * GIVEN, GRID) - DIVERGENCE
    error = BOUNDS.std() / np.sqrt(len(BOUNDS))
    assert abs(BOUNDS.mean() - expected) < 4 * error
    evidence = np.log(scipy.integrate.trapezoid(np.exp(GIVEN) * scipy.stats.norm.pdf(GRID), GRID))
    assert expected < evidence
    assert BOUNDS.std() > 0.01  # `z` matters


def test_the_density_is_normal_around_what_is_decoded_in_the_units_of_the_frames():
    z = jnp.array([GRID[700]], jnp.float32)
    means = quick(lambda n, z: n.decode(z, 4))(NETWORK, z)
    deviation = (np.logaddexp(0, np.asarray(NETWORK.raw_deviation)) + 1e-3) * np.array([3.0, 0.5])
    expected = scipy.stats.norm.logpdf(FRAMES[:4], means, deviation).sum()
    np.testing.assert_allclose(GIVEN[700], expected, rtol=1e-5)


def test_padding_changes_nothing_wherever_it_stands():
    places = jnp.array([0, 2, 3, 5])
    moved = jnp.full((6, 2), jnp.nan).at[places].set(FRAMES[:4])
    mask = jnp.zeros(6, bool).at[places].set(True)
    bounds, given, *_, again = look(NETWORK, moved, mask, jax.random.key(1))
    np.testing.assert_allclose(bounds, BOUNDS, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(given, GIVEN, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(again[places], AGAIN[:4], atol=1e-5)
    np.testing.assert_array_equal(np.delete(again, places, axis=0), 0)
    np.testing.assert_array_equal(AGAIN[4:], 0)


def test_samples_depend_on_the_seed_and_vary_less_at_a_lower_temperature():
    many = quick(
        jax.vmap(lambda n, t, key: n.sample(5, temperature=t, key=key), in_axes=(None, None, 0)),
        static_argnums=1,
    )
    keys = jax.random.split(jax.random.key(2), 300)
    warm, same, cold = (many(NETWORK, t, keys) for t in (1.0, 1.0, 0.04))
    np.testing.assert_array_equal(warm, same)
    assert warm.shape == (300, 5, 2)
    assert (np.asarray(cold).std(0) < 0.9 * np.asarray(warm).std(0)).all()


def test_a_config_and_arrays_make_the_network_again():
    settings = dict(NETWORK.config)
    assert settings.pop("kind") == "SequenceVAE"
    again = from_arrays(eqx.filter_eval_shape(lambda: SequenceVAE(**settings, key=KEY)), to_arrays(NETWORK))
    assert again.config == NETWORK.config
    np.testing.assert_array_equal(look(again, FRAMES, MASK, jax.random.key(1))[0], BOUNDS.astype(np.float32))


def test_wrong_data_and_settings():
    with pytest.raises(InputError, match=r"Frames of shape \(6, 1\)"):
        NETWORK.elbo(FRAMES[:, :1], MASK, key=KEY)
    with pytest.raises(InputError, match="latent=0"):
        SequenceVAE(2, 0, key=KEY)
    with pytest.raises(InputError, match="temperature=0"):
        NETWORK.sample(3, temperature=0, key=KEY)
    with pytest.raises(InputError, match="length=-1"):
        NETWORK.sample(-1, key=KEY)


@pytest.mark.slow
def test_it_learns_sines_of_any_phase():
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 2 * np.pi, size=(200, 1))
    frames = np.sin(0.6 * np.arange(16) + phase)[:, :, None] + 0.05 * rng.normal(size=(200, 16, 1))
    mask = np.arange(16) < rng.integers(10, 17, size=(200, 1))
    data = jnp.asarray(frames, jnp.float32), jnp.asarray(mask)
    network = SequenceVAE(1, 2, hidden=24, key=KEY)
    network, losses = minimise(network, SequenceVAE.loss, *data, steps=1500, key=jax.random.key(1))
    assert losses[-100:].mean() < losses[:10].mean() - 0.5
    again = jax.jit(jax.vmap(network))(*data)
    error = np.asarray(again - data[0])[mask]
    assert np.sqrt((error**2).mean()) < 0.3 * np.asarray(frames[mask]).std()
