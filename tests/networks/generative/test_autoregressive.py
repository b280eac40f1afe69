"""Autoregressive networks: probabilities sum to one, samples have them, padding, training."""

import itertools
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from antiphon.errors import InputError
from antiphon.networks import from_arrays, to_arrays, with_scaling
from antiphon.networks.attention import beam_search
from antiphon.networks.generative import CategoricalRNN, GaussianRNN, minimise

# What is compiled runs a few times: to optimise it takes longer.
quick = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
KEY = jax.random.key(0)
# Sharper than at first, so that sequences differ in probability.
SYMBOLS = jax.tree.map(lambda leaf: 3.0 * leaf, CategoricalRNN(2, cell="lstm", hidden=3, layers=2, key=KEY))
ALL = jnp.array(list(itertools.product(range(2), repeat=4)))
FRAMES = with_scaling(GaussianRNN(2, cell="rnn", hidden=3, key=KEY), [1.0, -2.0], [3.0, 0.5])
likelihood = quick(lambda network, *case: network.log_likelihood(*case))
TOTALS = np.asarray(
    quick(jax.vmap(lambda n, s: n.log_likelihood(s, jnp.ones(4, bool)), in_axes=(None, 0)))(SYMBOLS, ALL)
)


def test_all_sequences_of_one_length_have_probability_one():
    np.testing.assert_allclose(np.exp(TOTALS).sum(), 1, atol=1e-5)
    assert np.exp(TOTALS).max() > 5 * np.exp(TOTALS).min()  # not merely all alike


def test_padding_behind_changes_no_likelihood():
    padded = likelihood(SYMBOLS, jnp.array([1, 0, -5, 9]), jnp.arange(4) < 2)
    shares = np.exp(TOTALS).reshape(2, 2, 4).sum(-1)
    np.testing.assert_allclose(np.exp(padded), shares[1, 0], atol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_samples_have_the_frequencies_of_the_network(temperature):
    """Chi-square over all sequences of four, at a fixed seed; the expected at each temperature by hand."""
    many = quick(
        jax.vmap(lambda n, t, key: n.sample(4, temperature=t, key=key), in_axes=(None, None, 0)),
        static_argnums=1,
    )
    drawn = np.asarray(many(SYMBOLS, temperature, jax.random.split(jax.random.key(3), 2000)))
    np.testing.assert_array_equal(drawn[:5], SYMBOLS_AGAIN(temperature))
    counts = np.bincount(drawn @ np.array([8, 4, 2, 1]), minlength=16)
    expected, totals = np.ones(16), np.exp(TOTALS.astype(np.float64))
    for length in range(1, 5):
        prefix = totals.reshape(2**length, -1).sum(1)
        factors = (prefix / np.repeat(totals.reshape(2 ** (length - 1), -1).sum(1), 2)) ** (1 / temperature)
        factors = (factors.reshape(-1, 2) / factors.reshape(-1, 2).sum(1, keepdims=True)).reshape(-1)
        expected *= np.repeat(factors, 2 ** (4 - length))
    rare = expected * 2000 < 5  # chi-square wants five expected in a class: the rest together
    joined = [np.append(part[~rare], part[rare].sum()) for part in (counts, expected * 2000)]
    if joined[1][-1] < 5:
        joined = [np.append(part[:-2], part[-2:].sum()) for part in joined]
    assert scipy.stats.chisquare(*joined).pvalue > 1e-3


def SYMBOLS_AGAIN(temperature):  # noqa: N802
    """The first samples once more, one by one."""
    keys = jax.random.split(jax.random.key(3), 2000)[:5]
    one = quick(lambda n, key: n.sample(4, temperature=temperature, key=key))
    return [one(SYMBOLS, key) for key in keys]


def test_a_beam_finds_the_most_probable_sequences():
    found = quick(lambda n: beam_search(n.step, n.initial_state(), start=2, end=None, length=4, width=16))(
        SYMBOLS
    )
    order = np.argsort(-TOTALS)
    np.testing.assert_array_equal(found.symbols, ALL[order])
    np.testing.assert_allclose(found.log_probability, TOTALS[order], atol=1e-5)


CASE = jnp.array([[2.0, -2.2], [0.5, -1.8], [7.0, -2.5], [jnp.nan, jnp.nan]]), jnp.arange(4) < 3


def test_densities_are_those_of_scipy_and_padding_changes_nothing():
    run = quick(lambda n, *case: (n(*case), n.log_likelihood(*case), n.loss(*case)))
    (mean, deviation), total, loss = run(FRAMES, *CASE)
    expected = scipy.stats.norm.logpdf(CASE[0][:3], mean[:3], deviation[:3]).sum()
    np.testing.assert_allclose(total, expected, rtol=1e-5)
    np.testing.assert_allclose(loss, -expected / 6, rtol=1e-5)
    np.testing.assert_array_equal(mean[3:], 0)
    # The first frame is told before anything was read, each later one from those before it.
    (again, _), *_ = run(FRAMES, CASE[0].at[2].set(50.0), CASE[1])
    np.testing.assert_array_equal(again[:3], mean[:3])
    (again, _), *_ = run(FRAMES, CASE[0].at[1].set(50.0), CASE[1])
    np.testing.assert_array_equal(again[:2], mean[:2])
    assert not np.allclose(again[2], mean[2])
    gradient = quick(jax.grad(lambda n, *case: n.loss(*case)))(FRAMES, *CASE)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert (gradient.scaling.shift == 0).all()


@pytest.mark.parametrize("temperature", [1.0, 0.25])
def test_samples_of_frames_have_the_densities_of_the_network(temperature):
    """What is left of samples once mean and deviation are taken off is standard normal times a width."""
    many = quick(jax.vmap(lambda n, key: n.sample(4, temperature=temperature, key=key), in_axes=(None, 0)))
    drawn = many(FRAMES, jax.random.split(jax.random.key(5), 500))
    mean, deviation = quick(jax.vmap(lambda n, f: n(f, jnp.ones(4, bool)), in_axes=(None, 0)))(FRAMES, drawn)
    left = (np.asarray(drawn) - np.asarray(mean)) / np.asarray(deviation) / np.sqrt(temperature)
    assert scipy.stats.kstest(left.reshape(-1), "norm").pvalue > 1e-3
    assert scipy.stats.kstest(left.reshape(-1) * 1.2, "norm").pvalue < 1e-3
    assert abs(np.corrcoef(left[:, 0, 0], left[:, 1, 0])[0, 1]) < 0.2


@pytest.mark.parametrize("network", [SYMBOLS, FRAMES], ids=["symbols", "frames"])
def test_a_config_and_arrays_make_the_network_again(network):
    settings = dict(network.config)
    assert settings.pop("kind") == type(network).__name__
    like = eqx.filter_eval_shape(lambda: type(network)(**settings, key=KEY))
    again = from_arrays(like, to_arrays(network))
    assert again.config == network.config
    case = CASE if network is FRAMES else (ALL[3], jnp.ones(4, bool))
    assert likelihood(again, *case) == likelihood(network, *case)


@pytest.mark.slow
def test_it_learns_what_follows_what():
    """A cycle of two symbols: after training, each symbol is nearly sure."""
    symbols = jnp.array([[0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0]])
    network = CategoricalRNN(2, cell="rnn", hidden=4, key=KEY)
    network, losses = minimise(
        network,
        CategoricalRNN.loss,
        symbols,
        jnp.ones((2, 6), bool),
        steps=300,
        batch_size=8,
        learning_rate=0.03,
        key=jax.random.key(1),
    )
    # The first symbol is a coin, the other five are known.
    np.testing.assert_allclose(losses[-50:].mean(), np.log(2) / 6, atol=0.03)
    assert losses[0] > 0.5


def test_wrong_data_and_settings():
    with pytest.raises(InputError, match="type float32"):
        SYMBOLS(jnp.ones(3), jnp.ones(3, bool))
    with pytest.raises(InputError, match=r"Frames of shape \(4, 1\)"):
        FRAMES.log_likelihood(CASE[0][:, :1], CASE[1])
    for network in (SYMBOLS, FRAMES):
        with pytest.raises(InputError, match="temperature=-1"):
            network.sample(3, temperature=-1, key=KEY)
        with pytest.raises(InputError, match="length=0"):
            network.sample(0, key=KEY)
    for kind in (CategoricalRNN, GaussianRNN):
        with pytest.raises(InputError, match="cell='cnn'"):
            kind(2, cell="cnn", key=KEY)
        with pytest.raises(InputError, match="layers=0"):
            kind(2, layers=0, key=KEY)
    with pytest.raises(InputError, match="symbols=0"):
        CategoricalRNN(0, key=KEY)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"steps": 0}, "steps=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"learning_rate": "fast"}, "learning_rate='fast'"),
    ],
)
def test_wrong_settings_of_training(settings, part):
    data = (ALL, jnp.ones((16, 4), bool))
    with pytest.raises(InputError, match=part):
        minimise(SYMBOLS, CategoricalRNN.loss, *data, **{"steps": 1, "key": KEY, **settings})


def test_training_on_arrays_of_different_cases():
    with pytest.raises(InputError, match=r"Arrays of \[3, 16\] cases"):
        minimise(SYMBOLS, CategoricalRNN.loss, ALL, jnp.ones((3, 4), bool), steps=1, key=KEY)
    with pytest.raises(InputError, match=r"Arrays of \[0\] cases"):
        minimise(SYMBOLS, CategoricalRNN.loss, jnp.float32(3.0), steps=1, key=KEY)
