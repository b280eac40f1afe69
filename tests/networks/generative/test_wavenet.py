"""A WaveNet over symbols: whole sequences against steps, what it depends on, and that it learns."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks import build, from_arrays, to_arrays
from antiphon.networks.generative import CategoricalWaveNet, minimise

quick = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
NETWORK = CategoricalWaveNet(4, channels=3, skip_channels=5, layers=3, stacks=1, key=jax.random.key(0))
SYMBOLS = jnp.asarray(np.random.default_rng(0).integers(0, 4, 24), jnp.int32)
MASK = jnp.arange(24) < 20
whole = quick(lambda network, symbols, mask: network(symbols, mask))
scored = quick(lambda n, *case: (n.log_likelihoods(*case), n.log_likelihood(*case), n.loss(*case)))
step = quick(lambda network, state, last: network.step(state, last))


def test_step_by_step_it_says_the_same():
    state, stepped = NETWORK.initial_state(), []
    for last in [4, *np.asarray(SYMBOLS[:19]).tolist()]:
        state, said = step(NETWORK, state, last)
        stepped.append(said)
    found = whole(NETWORK, SYMBOLS, MASK)
    np.testing.assert_allclose(found[:20], stepped, atol=1e-5)
    np.testing.assert_allclose(np.exp(found[:20]).sum(1), 1.0, atol=1e-5)
    assert not np.asarray(found[20:]).any()
    wanted = np.asarray(found)[np.arange(20), np.asarray(SYMBOLS[:20])]
    each, total, loss = scored(NETWORK, SYMBOLS, MASK)
    np.testing.assert_allclose(each[:20], wanted, atol=1e-6)
    assert float(total) == pytest.approx(float(wanted.sum()), rel=1e-5)
    assert float(loss) == pytest.approx(-float(wanted.mean()), rel=1e-5)


def test_it_depends_on_its_receptive_field_and_on_nothing_later():
    assert NETWORK.receptive_field == 2 + 1 + 2 + 4
    slope = quick(lambda place: jax.jacobian(
        lambda x: NETWORK.network(x, jnp.ones(24, bool))[place].sum())(jnp.ones((24, 5))))  # fmt: skip
    seen = np.abs(np.asarray(slope(15))).sum(1) > 0
    assert np.flatnonzero(seen).tolist() == list(range(15 - 8, 16))
    other = whole(NETWORK, SYMBOLS.at[10].set((SYMBOLS[10] + 1) % 4), MASK)
    same = np.isclose(other, whole(NETWORK, SYMBOLS, MASK)).all(1)
    assert same[:11].all()  # the answer at 10 is about symbol 10, and has not read it
    assert not same[11]


def test_samples_are_those_of_its_steps_and_seeded():
    draw = quick(lambda key: NETWORK.sample(200, key=key))
    one = np.asarray(draw(jax.random.key(3)))
    np.testing.assert_array_equal(one, np.asarray(draw(jax.random.key(3))))
    assert set(one.tolist()) == {0, 1, 2, 3}
    with pytest.raises(InputError, match="temperature=0"):
        NETWORK.sample(3, temperature=0, key=jax.random.key(0))
    with pytest.raises(InputError, match="length=0"):
        NETWORK.sample(0, key=jax.random.key(0))


def test_its_config_and_arrays_make_the_same():
    assert build(NETWORK.config, key=jax.random.key(0)).config == NETWORK.config
    again = from_arrays(NETWORK.config, to_arrays(NETWORK))
    np.testing.assert_array_equal(whole(again, SYMBOLS, MASK), whole(NETWORK, SYMBOLS, MASK))
    for wrong in ({"symbols": 0}, {"symbols": 4, "layers": 0}, {"symbols": 4, "channels": 0}):
        with pytest.raises(InputError, match="=0"):
            CategoricalWaveNet(**wrong, key=jax.random.key(0))


@pytest.mark.slow
def test_it_learns_what_needs_a_memory_of_five():
    """Each symbol is the one five before it: a Markov chain of order 4 cannot know it."""
    rng = np.random.default_rng(1)
    cases = jnp.asarray(np.tile(rng.integers(0, 4, (64, 5)), (1, 6)), jnp.int32)
    _, losses = minimise(
        CategoricalWaveNet(4, channels=8, skip_channels=8, layers=3, key=jax.random.key(0)),
        CategoricalWaveNet.loss, cases, jnp.ones(cases.shape, bool), steps=400, learning_rate=0.01,
        key=jax.random.key(1),
    )  # fmt: skip
    assert float(losses[-20:].mean()) < 1.1 * np.log(4) / 6
