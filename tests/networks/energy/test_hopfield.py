"""The discrete networks: fields and energies written out, energies that never rise, states that rest."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import InputError
from antiphon.networks.energy import (
    BidirectionalMemory,
    DenseAssociativeMemory,
    ExponentialHopfield,
    Hopfield,
    ModernHopfield,
    MultitaskingHopfield,
    diluted_patterns,
)

UNITS, PATTERNS = 14, 5
RISE = 1e-9


def signs(rng, *shape):
    return rng.integers(0, 2, shape) * 2.0 - 1


@jax.jit
def asynchronous(network, state):
    """Energies before and after each update of one unit, over two sweeps."""

    def one(now, unit):
        now = network.sweep(now, unit[None])
        return now, network.energy(now)

    order = jnp.concatenate([jnp.arange(UNITS), jnp.arange(UNITS)[::-1]])
    end, energies = jax.lax.scan(one, state, order)
    return end, jnp.concatenate([network.energy(state)[None], energies])


@jax.jit
def synchronous(network, state):
    """Pair energies over some synchronous updates."""

    def one(pair, _):
        pair = (network.update(pair[0]), pair[0])
        return pair, network.pair_energy(*pair)

    return jax.lax.scan(one, (network.update(state), state), None, length=12)[1]


def symmetric(rng, scale=1.0):
    drawn = rng.normal(size=(UNITS, UNITS)) * scale
    weights = drawn + drawn.T
    np.fill_diagonal(weights, 0)
    return weights


MAKERS = {
    "hopfield": lambda rng: Hopfield(symmetric(rng), rng.normal(size=UNITS)),
    "dense": lambda rng: DenseAssociativeMemory(signs(rng, PATTERNS, UNITS), 3),
    "rectified": lambda rng: DenseAssociativeMemory(signs(rng, PATTERNS, UNITS), 4, rectified=True),
    "exponential": lambda rng: ExponentialHopfield(signs(rng, PATTERNS, UNITS)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_energy_never_rises_unit_by_unit(name):
    with jax.enable_x64(True):
        for seed in range(25):
            rng = np.random.default_rng(seed)
            _, energies = asynchronous(MAKERS[name](rng), jnp.asarray(signs(rng, UNITS)))
            assert energies.dtype == jnp.float64
            assert np.diff(energies).max() <= RISE
            assert energies[-1] < energies[0]


def test_pair_energy_never_rises_at_once():
    with jax.enable_x64(True):
        for seed in range(25):
            rng = np.random.default_rng(seed)
            network = MAKERS["hopfield"](rng)
            energies = np.asarray(synchronous(network, jnp.asarray(signs(rng, UNITS))))
            assert np.diff(energies).max() <= RISE
            assert energies[-1] == pytest.approx(energies[-2], abs=1e-9), "at rest, or in a cycle of two"


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_hopfield_rests_where_no_unit_wants_to_turn(seed):
    rng = np.random.default_rng(seed)
    weights, bias, state = symmetric(rng), rng.normal(size=UNITS), signs(rng, UNITS)
    end = np.asarray(_rest(Hopfield(weights, bias), jnp.asarray(state, dtype=float)))
    assert (end * (weights @ end + bias) > -1e-4).all()
    energy = -0.5 * end @ weights @ end - bias @ end
    assert Hopfield(weights, bias).energy(jnp.asarray(end)) == pytest.approx(energy, rel=1e-4)


@jax.jit
def _rest(network, state):
    return network(state)


def test_orders_come_from_the_key_and_synchronous_updates_from_the_mode():
    rng = np.random.default_rng(3)
    network = Hopfield(symmetric(rng))
    state = jnp.asarray(signs(rng, UNITS), dtype=float)
    run = jax.jit(lambda n, s, k: (n(s, key=k), n(s, mode="synchronous", sweeps=1)))
    ends = [run(network, state, jax.random.key(seed)) for seed in (0, 0, 1, 2, 3, 4, 5)]
    assert (ends[0][0] == ends[1][0]).all()
    assert any((ends[0][0] != other[0]).any() for other in ends[2:])
    weights = np.asarray(network.weights)
    np.testing.assert_array_equal(ends[0][1], np.sign(weights @ np.asarray(state)))
    for end, _ in ends:
        assert (np.asarray(end) * (weights @ np.asarray(end)) >= -1e-4).all()


def test_a_unit_that_nothing_pulls_stays_as_it_is():
    network = Hopfield(np.zeros((3, 3)))
    state = jnp.array([1.0, -1.0, 1.0])
    np.testing.assert_array_equal(network.update(state), state)
    np.testing.assert_array_equal(network.sweep(state), state)


def steep(name, overlaps):
    if name == "exponential":
        return np.exp(overlaps)
    if name == "rectified":
        return np.maximum(overlaps, 0) ** 4
    return overlaps**3


@pytest.mark.parametrize("name", ["dense", "rectified", "exponential"])
def test_dense_memories_take_the_lower_energy_of_both_values(name):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        network, state = MAKERS[name](rng), signs(np.random.default_rng(seed + 100), UNITS)
        patterns = np.asarray(network.patterns, np.float64)
        wanted = []
        for unit in range(UNITS):
            up, down = state.copy(), state.copy()
            up[unit], down[unit] = 1, -1
            gain = steep(name, patterns @ up).sum() - steep(name, patterns @ down).sum()
            wanted.append(state[unit] if gain == 0 else np.sign(gain))
        np.testing.assert_array_equal(_update(network, jnp.asarray(state, dtype=float)), wanted)
        energy = -steep(name, patterns @ state).sum()
        got = float(network.energy(jnp.asarray(state, dtype=float)))
        assert (-np.exp(-got) if name == "exponential" else got) == pytest.approx(energy, rel=1e-4)


@jax.jit
def _update(network, state):
    return network.update(state)


def test_dense_memories_recall_from_noise():
    rng = np.random.default_rng(0)
    patterns = signs(rng, 8, 40)
    noisy = patterns[0] * np.where(np.arange(40) < 5, -1, 1)
    run = jax.jit(lambda n, s: (n(s), n(s, key=jax.random.key(0))))
    for end in run(ExponentialHopfield(patterns), jnp.asarray(noisy, dtype=float)):
        np.testing.assert_array_equal(end, patterns[0])


def test_modern_retrieval_is_attention():
    rng = np.random.default_rng(0)
    network = ModernHopfield(rng.normal(size=(30, 8)), beta=0.7)
    states = jnp.asarray(rng.normal(size=(5, 8)), dtype=float)

    @jax.jit
    def both(network, states):
        keys = network.patterns[None, :, None, :]
        wanted = jax.nn.dot_product_attention(states[None, :, None, :], keys, keys, scale=0.7)[0, :, 0]
        return jax.vmap(network.update)(states), wanted

    np.testing.assert_allclose(*both(network, states), atol=1e-5)


def test_modern_retrieval_lowers_its_energy():
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        patterns, states = rng.normal(size=(30, 8)), jnp.asarray(rng.normal(size=(5, 8)))
        network = ModernHopfield(patterns, beta=0.7)

        def walk(state):
            return jax.lax.scan(lambda s, _: (network.update(s), network.energy(s)), state, None, length=10)[
                1
            ]

        energies = np.asarray(jax.jit(jax.vmap(walk))(states))
        assert np.diff(energies, axis=1).max() <= RISE
        assert (energies >= 0).all()
        twice = jax.jit(lambda s: (network(s, steps=2), network.update(network.update(s))))(states[0])
        np.testing.assert_allclose(*twice, atol=1e-14)


def test_a_bidirectional_memory_lowers_its_energy_and_rests():
    with jax.enable_x64(True):

        @jax.jit
        def walk(memory, left, right):
            def one(sides, _):
                left, right = sides
                right = memory.forward(left, right)
                between = memory.energy(left, right)
                left = memory.backward(left, right)
                return (left, right), jnp.stack([between, memory.energy(left, right)])

            ends, energies = jax.lax.scan(one, (left, right), None, length=10)
            return memory(left, right), ends, jnp.append(memory.energy(left, right), energies.reshape(-1))

        for seed in range(20):
            rng = np.random.default_rng(seed)
            weights = rng.normal(size=(9, 6))
            left, right = (jnp.asarray(signs(rng, n)) for n in (9, 6))
            rested, ends, energies = walk(BidirectionalMemory(weights), left, right)
            assert energies[0] == pytest.approx(-np.asarray(left) @ weights @ np.asarray(right))
            assert np.diff(energies).max() <= RISE
            for one, other in zip(rested, ends, strict=True):
                np.testing.assert_array_equal(one, other)
            np.testing.assert_array_equal(np.sign(np.asarray(rested[0]) @ weights), rested[1])


def test_multitasking_is_hebbian_storage_of_patterns_with_blanks():
    rng = np.random.default_rng(0)
    patterns = rng.integers(-1, 2, (3, UNITS)).astype(float)
    state = signs(rng, UNITS)
    dense = patterns.T @ patterns / UNITS
    np.fill_diagonal(dense, 0)
    with jax.enable_x64(True):
        network, plain = MultitaskingHopfield(patterns), Hopfield(dense)
        now = jnp.asarray(state)
        np.testing.assert_allclose(network.overlaps(now), patterns @ state / UNITS, atol=1e-15)

        @jax.jit
        def walk(network, plain, state):
            def one(now, _):
                return network.sweep(now), jnp.stack([network.energy(now), plain.energy(now)])

            end, energies = jax.lax.scan(one, state, None, length=6)
            return network.sweep(state), plain.sweep(state), end, network(state), energies

        one, other, end, rested, energies = walk(network, plain, now)
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(end, rested)
        np.testing.assert_allclose(energies[:, 0], energies[:, 1], atol=1e-12)
        assert np.diff(energies[:, 0]).max() <= RISE


def test_the_hierarchy_serves_the_first_pattern_that_is_there():
    network = MultitaskingHopfield([[1, 0, 0, 0], [-1, -1, 0, 0], [1, 1, -1, 0]])
    assert network.hierarchy().tolist() == [1, -1, -1, 1]
    drawn = network.hierarchy(key=jax.random.key(1))
    assert drawn[:3].tolist() == [1, -1, -1]
    assert abs(float(drawn[3])) == 1


def test_diluted_patterns_have_their_share_of_blanks():
    patterns = diluted_patterns(3, 20_000, 0.4, key=jax.random.key(0))
    assert float((patterns == 0).mean()) == pytest.approx(0.4, abs=0.01)
    assert float(patterns.mean()) == pytest.approx(0, abs=0.02)


STATE = jnp.ones(3)
BAD = {
    "not square": (lambda: Hopfield(np.zeros((2, 3))), "shape"),
    "not symmetric": (lambda: Hopfield([[0, 1], [2, 0]]), "symmetric"),
    "self-coupling": (lambda: Hopfield([[1.0]]), "diagonal"),
    "bias": (lambda: Hopfield(np.zeros((2, 2)), [1.0]), "bias of shape"),
    "rule": (lambda: Hopfield.store([[1, -1]], "oja"), "rule='oja'"),
    "mode": (lambda: Hopfield(np.zeros((3, 3)))(STATE, mode="both"), "mode='both'"),
    "sweeps": (lambda: Hopfield(np.zeros((3, 3)))(STATE, sweeps=0), "sweeps=0"),
    "state": (lambda: Hopfield(np.zeros((2, 2)))(STATE), "state of shape"),
    "degree": (lambda: DenseAssociativeMemory([[1, 1]], 1), "degree=1"),
    "blank": (lambda: DenseAssociativeMemory([[1, 0]]), "entry 0"),
    "flag": (lambda: DenseAssociativeMemory([[1, 1]], rectified=1), "rectified=1"),
    "dense state": (lambda: DenseAssociativeMemory([[1, 1]])(STATE), "state of shape"),
    "beta": (lambda: ModernHopfield([[1.0]], 0.0), "beta=0"),
    "modern state": (lambda: ModernHopfield([[1.0]])(STATE), "state of shape"),
    "steps": (lambda: ModernHopfield([[1.0]])(jnp.ones(1), steps=0), "steps=0"),
    "pairs": (lambda: BidirectionalMemory.store([[1, 1]], [[1], [1]]), "1 patterns on the left"),
    "sides": (lambda: BidirectionalMemory([[1.0]])(STATE, STATE), "Sides of shapes"),
    "multitasking state": (lambda: MultitaskingHopfield([[1, 0]])(STATE), "state of shape"),
    "dilution": (lambda: diluted_patterns(1, 2, 1.0, key=jax.random.key(0)), "dilution=1.0"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    make, said = BAD[name]
    with pytest.raises(InputError, match=said):
        make()
