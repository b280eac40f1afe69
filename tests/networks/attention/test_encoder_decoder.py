"""Sequence to symbols: probabilities sum to one, decoding against all sequences, padding, training."""

import itertools
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks import from_arrays, to_arrays
from antiphon.networks.attention import EncoderDecoder
from antiphon.networks.generative import minimise

# What is compiled runs a few times: to optimise it takes longer.
quick = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
NETWORK = EncoderDecoder(2, 2, hidden=3, embedding=2, dropout=0.5, key=jax.random.key(0))
# Sharper than at first, so that sequences differ in probability.
NETWORK = jax.tree.map(lambda leaf: 2.5 * leaf, NETWORK)
FRAMES = jnp.asarray(np.random.default_rng(0).normal(size=(7, 2)), jnp.float32)
MASK = jnp.arange(7) < 5
LENGTH = 3
ALL = [s for n in range(LENGTH + 1) for s in itertools.product(range(2), repeat=n)]
SYMBOLS = jnp.array([[*s, *[9] * (LENGTH - len(s))] for s in ALL])
SYMBOLS_MASK = jnp.array([[i < len(s) for i in range(LENGTH)] for s in ALL])
over_symbols = quick(
    jax.vmap(
        lambda network, *case: (network(*case), network.log_likelihood(*case), network.loss(*case)),
        in_axes=(None, None, None, 0, 0),
    )
)
ROWS, LIKELIHOODS, LOSSES = (
    np.asarray(part) for part in over_symbols(NETWORK, FRAMES, MASK, SYMBOLS, SYMBOLS_MASK)
)


def test_all_sequences_together_have_probability_one():
    short = [i for i, s in enumerate(ALL) if len(s) < LENGTH]
    whole = [i for i, s in enumerate(ALL) if len(s) == LENGTH]
    ended = np.exp(LIKELIHOODS[short]).sum()
    going_on = sum(np.exp(sum(ROWS[i, n, s] for n, s in enumerate(ALL[i]))) for i in whole)
    np.testing.assert_allclose(ended + going_on, 1, atol=1e-5)


def test_likelihood_and_loss_count_the_end():
    for i, symbols in enumerate(ALL):
        expected = sum(ROWS[i, n, s] for n, s in enumerate((*symbols, 2)))
        np.testing.assert_allclose(LIKELIHOODS[i], expected, atol=1e-5)
        np.testing.assert_allclose(LOSSES[i], -expected / (len(symbols) + 1), atol=1e-5)


def test_decoding_finds_the_best_of_all_sequences():
    """Within `LENGTH` steps, that of the end included."""

    def probability(i):
        return LIKELIHOODS[i] if len(ALL[i]) < LENGTH else ROWS[i, range(LENGTH), ALL[i]].sum()

    order = sorted(range(len(ALL)), key=probability, reverse=True)
    decode = quick(lambda n, f, m: (n.decode(f, m, length=LENGTH, width=15), n.decode(f, m, length=LENGTH)))
    found, greedy = decode(NETWORK, FRAMES.at[5:].set(jnp.nan), MASK)
    for row, i in enumerate(order):
        assert tuple(np.asarray(found.symbols[row])[np.asarray(found.mask[row])].tolist()) == ALL[i]
        np.testing.assert_allclose(found.log_probability[row], probability(i), atol=1e-5)
    expected = []
    while len(expected) < LENGTH and 2 not in expected:
        row = next(i for i, s in enumerate(ALL) if s == tuple(expected))
        expected.append(int(ROWS[row, len(expected)].argmax()))
    shown = np.asarray(greedy.symbols)[np.asarray(greedy.mask)].tolist()
    assert shown == [s for s in expected if s != 2]


@pytest.mark.slow
def test_padding_changes_neither_values_nor_gradients():
    """Wherever it stands among the frames, and whatever masked frames and symbols hold."""

    def loss(network, frames, mask, symbols, symbols_mask):
        return network.loss(frames, mask, symbols, symbols_mask)

    both = quick(jax.value_and_grad(loss))
    value, gradient = both(NETWORK, FRAMES, MASK, SYMBOLS[3], SYMBOLS_MASK[3])
    np.testing.assert_allclose(value, LOSSES[3], atol=1e-6)
    places = jnp.array([1, 2, 4, 5, 6])
    moved = jnp.full((7, 2), jnp.nan).at[places].set(FRAMES[:5])
    mask = jnp.zeros(7, bool).at[places].set(True)
    again = both(NETWORK, moved, mask, SYMBOLS[3].at[2].set(-7), SYMBOLS_MASK[3])
    for one, other in zip(jax.tree.leaves(again), jax.tree.leaves((value, gradient)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_config_and_arrays_make_the_network_again_and_dropout_wants_a_key():
    settings = dict(NETWORK.config)
    assert settings.pop("kind") == "EncoderDecoder"
    like = eqx.filter_eval_shape(lambda: EncoderDecoder(**settings, key=jax.random.key(1)))
    again = from_arrays(like, to_arrays(NETWORK))
    assert again.config == NETWORK.config
    case = (FRAMES, MASK, SYMBOLS[3], SYMBOLS_MASK[3])
    run = quick(lambda n, key: n.loss(*case, key=key))
    first, same, other = (run(again, jax.random.key(seed)) for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_wrong_symbols_and_settings():
    with pytest.raises(InputError, match="type float32"):
        NETWORK(FRAMES, MASK, jnp.ones(2), jnp.ones(2, bool))
    with pytest.raises(InputError, match=r"A mask of shape \(3,\)"):
        NETWORK(FRAMES, MASK, jnp.ones(2, jnp.int32), jnp.ones(3, bool))
    with pytest.raises(InputError, match=r"Frames of shape \(7, 1\)"):
        NETWORK.decode(FRAMES[:, :1], MASK, length=2)
    for settings in ({"symbols": 0}, {"embedding": 0}, {"dropout": -1}):
        with pytest.raises(InputError, match=next(iter(settings))):
            EncoderDecoder(**{"in_size": 2, "symbols": 2, "key": jax.random.key(0), **settings})


@pytest.mark.slow
def test_it_learns_to_write_what_it_read_backwards():
    """Symbols as one-hot frames, of different lengths."""
    rng = np.random.default_rng(0)
    time, cases = 6, 300
    lengths = rng.integers(2, time + 1, size=cases)
    real = np.arange(time) < lengths[:, None]
    read = rng.integers(0, 3, size=(cases, time))
    backwards = np.stack([np.pad(row[:n][::-1], (0, time - n)) for row, n in zip(read, lengths, strict=True)])
    frames = np.where(real[:, :, None], np.eye(3, dtype=np.float32)[read], 0)
    network = EncoderDecoder(3, 3, hidden=24, embedding=8, key=jax.random.key(0))
    data = [jnp.asarray(part) for part in (frames, real, backwards, real)]
    network, losses = minimise(
        network, EncoderDecoder.loss, *[part[:250] for part in data], steps=800, key=jax.random.key(1)
    )
    assert losses[-50:].mean() < 0.1 * losses[:10].mean()
    found = jax.jit(jax.vmap(lambda f, m: network.decode(f, m, length=time + 1, width=3)))(
        data[0][250:], data[1][250:]
    )
    right = [
        np.asarray(s)[np.asarray(m)].tolist() == row[:n].tolist()
        for s, m, row, n in zip(
            found.symbols[:, 0], found.mask[:, 0], backwards[250:], lengths[250:], strict=True
        )
    ]
    assert np.mean(right) > 0.9
