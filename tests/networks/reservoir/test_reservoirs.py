"""Reservoirs against the same mathematics written out; what they are drawn to have; what they remember."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from antiphon.errors import InputError
from antiphon.networks import to_arrays
from antiphon.networks.reservoir import (
    EchoState,
    EchoStateToVector,
    Liquid,
    LiquidToVector,
    reservoir_features,
    with_read_out,
)

IN, UNITS, TIME = 2, 40, 12
KINDS = {"echo-state": EchoState, "liquid": Liquid}


def frames_and_mask(seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(TIME, IN)).astype(np.float32), rng.random(TIME) < 0.7


def echo_by_hand(reservoir, frames, mask):
    w, x, found = to_arrays(reservoir), np.zeros(UNITS), []
    for u, real in zip(frames, mask, strict=True):
        if real:
            new = np.tanh(w["weight_in"] @ u + w["weight"] @ x + w["bias"])
            x = (1 - reservoir.leak) * x + reservoir.leak * new
        found.append(x)
    return np.array(found)


def liquid_by_hand(reservoir, frames, mask):
    w = to_arrays(reservoir)
    v, s, trace, found = np.zeros(UNITS), np.zeros(UNITS), np.zeros(UNITS), []
    for u, real in zip(frames, mask, strict=True):
        for _ in range(reservoir.substeps if real else 0):
            v = reservoir.decay * v + w["weight_in"] @ u + w["bias"] + w["weight"] @ s
            s = (v > 1).astype(float)
            v = v * (1 - s)
            trace = 0.8 * trace + 0.2 * s
        found.append(trace)
    return np.array(found)


run = jax.jit(lambda reservoir, frames, mask: reservoir(frames, mask))


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_as_written_out(kind):
    by_hand = {"echo-state": echo_by_hand, "liquid": liquid_by_hand}[kind]
    for seed in range(3):
        reservoir = KINDS[kind](IN, UNITS, input_scale=0.5, key=jax.random.key(seed))
        frames, mask = frames_and_mask(seed)
        frames[~mask] = np.nan
        got = np.asarray(run(reservoir, frames, mask))
        np.testing.assert_allclose(got, by_hand(reservoir, frames, mask), atol=1e-5)
        assert got.std() > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_key_draws_the_same_reservoir(kind):
    one, again, other = (to_arrays(KINDS[kind](IN, UNITS, key=jax.random.key(k))) for k in (0, 0, 1))
    assert all((one[name] == again[name]).all() for name in one)
    assert all((one[name] != other[name]).any() for name in one)


def test_an_echo_state_reservoir_has_its_radius_and_density():
    reservoir = EchoState(
        IN, UNITS, spectral_radius=0.85, density=0.4, input_scale=0.3, key=jax.random.key(0)
    )
    weight = np.asarray(reservoir.weight, np.float64)
    assert np.abs(np.linalg.eigvals(weight)).max() == pytest.approx(0.85, abs=1e-4)
    assert (weight != 0).mean() == pytest.approx(0.4, abs=0.04)
    assert np.abs(reservoir.weight_in).max() <= 0.3
    nothing = EchoState(IN, 2, density=1e-6, key=jax.random.key(0))
    assert not np.asarray(nothing.weight).any()


def test_a_liquid_is_coupled_nearby_and_a_fifth_inhibits():
    units = 8**3
    weight = np.asarray(Liquid(IN, units, key=jax.random.key(0)).weight)
    place = np.stack(np.unravel_index(np.arange(units), (8, 8, 8)), axis=1)
    distance = np.linalg.norm(place[:, None] - place[None, :], axis=2)
    for far in (1.0, 2.0, 3.0):
        wanted = 0.4 * np.exp(-((far / 2.0) ** 2))
        assert (weight[distance == far] != 0).mean() == pytest.approx(wanted, rel=0.1)
    assert not np.diag(weight).any()
    signs = np.sign(weight.sum(0))
    assert ((weight * signs) >= 0).all(), "all couplings of a neuron have its sign"
    assert (signs < 0).mean() == pytest.approx(0.2, abs=0.05)


def test_echoes_fade():
    reservoir = EchoState(IN, UNITS, key=jax.random.key(0))
    frames = np.random.default_rng(0).normal(size=(200, IN)).astype(np.float32)
    other = frames.copy()
    other[:5] += 3
    states, others = (np.asarray(run(reservoir, f, np.ones(200, bool))) for f in (frames, other))
    assert np.abs(states[4] - others[4]).max() > 0.1
    assert np.abs(states[-1] - others[-1]).max() < 1e-4


def test_it_remembers_what_it_heard_before():
    reservoir = EchoState(1, UNITS, density=0.3, leak=1.0, input_scale=0.1, key=jax.random.key(0))
    frames = np.random.default_rng(0).uniform(-1, 1, (1500, 1)).astype(np.float32)
    # In double precision: the regression is on many states that nearly depend on each other.
    states = np.asarray(run(reservoir, frames, np.ones(1500, bool)), np.float64)
    learned = {}
    for ago in (1, 4, 200):
        wanted = np.roll(frames[:, 0], ago)
        model = Ridge(1e-6).fit(states[250:1000], wanted[250:1000])
        learned[ago] = model.score(states[1000:], wanted[1000:])
    assert learned[1] > 0.99
    assert learned[4] > 0.95
    assert learned[200] < 0.1


@pytest.mark.parametrize("kind", [EchoStateToVector, pytest.param(LiquidToVector, marks=pytest.mark.slow)])
def test_padding_changes_neither_answer_nor_gradient_and_only_the_read_out_has_one(kind):
    network = kind(IN, 3, units=UNITS, key=jax.random.key(0))
    frames, _ = frames_and_mask()
    padded = np.full((TIME + 6, IN), np.nan, np.float32)
    padded[2 : TIME + 2] = frames
    mask = np.isfinite(padded[:, 0])
    pull = jax.jit(lambda n, f, m: jax.value_and_grad(lambda n: (n(f, m) ** 2).sum())(n))
    (one, gradient), (other, same) = (
        pull(network, f, m) for f, m in ((frames, np.ones(TIME, bool)), (padded, mask))
    )
    assert float(one) == pytest.approx(float(other), rel=1e-5)
    np.testing.assert_allclose(gradient.linear.weight, same.linear.weight, atol=1e-5)
    assert np.abs(gradient.linear.weight).max() > 0
    assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves(gradient.reservoir))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(EchoStateToVector, {"leak": 0.7, "density": 0.3}), (LiquidToVector, {"substeps": 2, "reach": 1.0})],
)
def test_a_config_makes_the_same_network(kind, settings):
    network = kind(IN, 3, units=UNITS, **settings, key=jax.random.key(0))
    config = dict(network.config)
    assert config.pop("kind") == kind.__name__
    assert settings.items() <= config.items()
    again = kind(**config, key=jax.random.key(0))
    assert again.config == network.config
    for one, other in zip(jax.tree.leaves(network), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)
    shapes = jax.eval_shape(lambda: kind(**config, key=jax.random.key(0)))
    assert [leaf.shape for leaf in jax.tree.leaves(shapes)] == [
        leaf.shape for leaf in jax.tree.leaves(network)
    ]


def test_the_read_out_is_ridge_regression():
    network = EchoStateToVector(IN, 2, units=UNITS, key=jax.random.key(0))
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(70, TIME, IN)).astype(np.float32)
    mask = np.arange(TIME) < rng.integers(3, TIME + 1, 70)[:, None]
    targets, weights = rng.normal(size=(70, 2)), rng.uniform(0.5, 2, 70)
    read = reservoir_features(network, frames, mask)
    states = np.asarray(run(network.reservoir, frames[5], mask[5]))
    np.testing.assert_allclose(
        read[5], np.concatenate([states[mask[5]].mean(0), states[mask[5]][-1]]), atol=1e-6
    )
    fitted = with_read_out(network, read, targets, ridge=3.0, weights=weights)
    # The normal equations of the standardised, weighted problem.
    z = (read - read.mean(0)) / read.std(0)
    share = weights / weights.sum()
    z_mean, t_mean = share @ z, share @ targets
    centred = z - z_mean
    gram = centred.T @ (weights[:, None] * centred) + 3.0 * np.eye(z.shape[1])
    coefficients = np.linalg.solve(gram, centred.T @ (weights[:, None] * (targets - t_mean)))
    wanted = t_mean + (z - z_mean) @ coefficients
    got = np.asarray(jax.jit(jax.vmap(fitted))(frames, mask))
    np.testing.assert_allclose(got, wanted, atol=2e-3)


KEY = jax.random.key(0)
READ = EchoStateToVector(IN, 1, units=4, key=KEY)
BAD = {
    "units": (lambda: EchoState(2, 0, key=KEY), "units=0"),
    "leak": (lambda: EchoState(2, 3, leak=0.0, key=KEY), "leak=0.0"),
    "density": (lambda: EchoState(2, 3, density=1.5, key=KEY), "density=1.5"),
    "radius": (lambda: EchoState(2, 3, spectral_radius=-0.1, key=KEY), "spectral_radius=-0.1"),
    "input": (lambda: EchoState(2, 3, input_scale=np.inf, key=KEY), "input_scale=inf"),
    "frames": (lambda: EchoState(2, 3, key=KEY)(jnp.ones((4, 3)), jnp.ones(4, bool)), "Frames of shape"),
    "substeps": (lambda: Liquid(2, 3, substeps=0, key=KEY), "substeps=0"),
    "decay": (lambda: Liquid(2, 3, decay=True, key=KEY), "decay=True"),
    "out_size": (lambda: LiquidToVector(2, 0, key=KEY), "out_size=0"),
    "targets": (lambda: with_read_out(READ, np.ones((3, 8)), np.ones((3, 2))), "targets of shape"),
    "ridge": (lambda: with_read_out(READ, np.ones((3, 8)), np.ones((3, 1)), ridge=0.0), "ridge=0.0"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    make, said = BAD[name]
    with pytest.raises(InputError, match=said):
        make()
