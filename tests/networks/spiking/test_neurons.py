"""Spiking layers against the same mathematics written out; gradients against a smooth stand-in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks import from_arrays, to_arrays
from antiphon.networks.spiking import LIFLayer, SpikingToVector, spike

IN, UNITS, TIME = 2, 5, 12
INTEGRALS = {
    "fast-sigmoid": lambda x, k: x / (1 + k * jnp.abs(x)),
    "arctan": lambda x, k: jnp.arctan(k * x) / k,
    "triangle": lambda x, k: jnp.sign(x) * (m := jnp.minimum(jnp.abs(x), 1 / k)) * (1 - k * m / 2),
}


def random_layer(seed=0, recurrent=True):
    layer = LIFLayer(IN, UNITS, recurrent=recurrent, key=jax.random.key(seed))
    rng = np.random.default_rng(seed)
    arrays = to_arrays(layer)
    drawn = {n: rng.normal(size=a.shape).astype(np.float32) for n, a in arrays.items()}
    return from_arrays(layer, drawn)


def frames_and_mask(seed=1, time=TIME):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(time, IN)).astype(np.float32), rng.random(time) < 0.7


def by_hand(layer, frames, mask):
    w = to_arrays(layer)
    decay = 1 / (1 + np.exp(-w["decay_logit"]))
    v, last, found = np.zeros(UNITS), np.zeros(UNITS), []
    for x, real in zip(frames, mask, strict=True):
        if not real:
            found.append(np.zeros(UNITS))
            continue
        v = decay * v + w["weight"] @ x + w["bias"]
        if "weight_back" in w:
            v = v + w["weight_back"] @ last
        last = (v > 1).astype(float)
        v = v - last
        found.append(last)
    return np.array(found)


run = jax.jit(lambda layer, frames, mask: layer(frames, mask))


@pytest.mark.parametrize("recurrent", [False, True])
def test_a_layer_spikes_as_written_out(recurrent):
    spikes = 0
    for seed in range(10):
        layer = random_layer(seed, recurrent)
        frames, mask = frames_and_mask(seed)
        frames[~mask] = np.nan
        got = run(layer, frames, mask)
        np.testing.assert_array_equal(got, by_hand(layer, frames, mask))
        spikes += got.sum()
    assert 50 < spikes < 10 * TIME * UNITS


@pytest.mark.parametrize(
    "surrogate",
    ["fast-sigmoid", *(pytest.param(name, marks=pytest.mark.slow) for name in ("arctan", "triangle"))],
)
def test_gradients_are_those_of_the_surrogate(surrogate):
    layer = LIFLayer(IN, UNITS, recurrent=True, surrogate=surrogate, slope=2.0, key=jax.random.key(0))
    frames, mask = frames_and_mask()
    frames = 3 * frames  # so that all neurons spike
    weights = np.random.default_rng(2).normal(size=(TIME, UNITS)).astype(np.float32)

    def stand_in(layer, frames):
        """A loop over time whose spikes are values of the step and slopes of its smooth integral."""
        decay, v, last, total = jax.nn.sigmoid(layer.decay_logit), 0.0, jnp.zeros(UNITS), 0.0
        for t in np.flatnonzero(mask):
            v = decay * v + layer.weight @ frames[t] + layer.bias + layer.weight_back @ last
            smooth = INTEGRALS[surrogate](v - 1, 2.0)
            last = smooth + jax.lax.stop_gradient((v > 1).astype(v.dtype) - smooth)
            v = v - jax.lax.stop_gradient(last)
            total = total + (weights[t] * last).sum()
        return total

    def ours(layer, frames):
        return (jnp.asarray(weights) * layer(frames, jnp.asarray(mask))).sum()

    both = jax.jit(lambda *a: [jax.value_and_grad(f, (0, 1))(*a) for f in (ours, stand_in)])
    (value, got), (same, wanted) = both(layer, jnp.asarray(frames))
    assert float(value) == pytest.approx(float(same), abs=1e-4)
    for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=1e-4)
        assert np.abs(one).max() > 0


def test_a_spike_is_a_step():
    np.testing.assert_array_equal(spike(jnp.array([-1.0, -0.0, 0.0, 1e-6, 3.0])), [0, 0, 0, 1, 1])


NETWORK = {"hidden": 6, "layers": 2, "substeps": 2}
answer = jax.jit(lambda network, frames, mask: network(frames, mask))


def test_padding_changes_neither_answer_nor_gradient():
    network = SpikingToVector(IN, 3, **NETWORK, key=jax.random.key(0))
    frames, _ = frames_and_mask(time=7)
    arranged = []
    for start, fill in ((0, 0.0), (3, np.nan)):
        padded = np.full((TIME, IN), fill, np.float32)
        padded[start : start + 7] = 2 * frames
        arranged.append((padded, (np.arange(TIME) >= start) & (np.arange(TIME) < start + 7)))

    @jax.jit
    def pull(network, frames, mask):
        return jax.value_and_grad(lambda n, f: (n(f, mask) ** 2).sum(), (0, 1))(network, frames)

    (one, (weights, inner)), (other, (same, outer)) = (pull(network, f, m) for f, m in arranged)
    assert float(one) == pytest.approx(float(other), rel=1e-5)
    np.testing.assert_allclose(outer[3:10], inner[:7], atol=1e-6)
    assert np.abs(inner[:7]).max() > 0
    np.testing.assert_array_equal(inner[7:], 0)
    np.testing.assert_array_equal(outer[~arranged[1][1]], 0)
    for a, b in zip(jax.tree.leaves(weights), jax.tree.leaves(same), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_answer_is_the_mean_of_leaky_membranes():
    network = SpikingToVector(IN, 3, hidden=6, substeps=1, key=jax.random.key(1))
    frames, mask = frames_and_mask(3)
    spikes = np.asarray(jax.jit(lambda n, f, m: n.spikes(f, m)[-1])(network, frames, mask))
    membrane, seen = np.zeros(3), []
    for s, real in zip(spikes, mask, strict=True):
        if real:
            membrane = (
                0.9 * membrane + np.asarray(network.linear.weight) @ s + np.asarray(network.linear.bias)
            )
            seen.append(membrane)
    np.testing.assert_allclose(answer(network, frames, mask), np.mean(seen, axis=0), rtol=1e-4, atol=1e-5)


def test_a_config_makes_the_same_network():
    network = SpikingToVector(IN, 3, **NETWORK, decay=0.8, surrogate="arctan", key=jax.random.key(0))
    settings = dict(network.config)
    assert settings.pop("kind") == "SpikingToVector"
    again = SpikingToVector(**settings, key=jax.random.key(0))
    assert again.config == network.config
    for one, other in zip(jax.tree.leaves(network), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_dropout_needs_a_key():
    network = SpikingToVector(IN, 3, hidden=6, substeps=1, dropout=0.5, key=jax.random.key(0))
    frames, mask = frames_and_mask()
    with_key = jax.jit(lambda n, k: n(jnp.asarray(frames), jnp.asarray(mask), key=k))
    frames *= 3
    one, again, *others = (with_key(network, jax.random.key(k)) for k in (1, 1, 2, 3))
    assert (one == again).all()
    assert any((one != other).any() for other in others)


BAD = {
    "units": (lambda k: LIFLayer(2, 0, key=k), "units=0"),
    "decay": (lambda k: LIFLayer(2, 3, decay=1.0, key=k), "decay=1.0"),
    "surrogate": (lambda k: LIFLayer(2, 3, surrogate="step", key=k), "surrogate='step'"),
    "slope": (lambda k: LIFLayer(2, 3, slope=0, key=k), "slope=0"),
    "recurrent": (lambda k: LIFLayer(2, 3, recurrent=1, key=k), "recurrent=1"),
    "frames": (lambda k: LIFLayer(2, 3, key=k)(jnp.ones((4, 3)), jnp.ones(4, bool)), "Frames of shape"),
    "substeps": (lambda k: SpikingToVector(2, 3, substeps=0, key=k), "substeps=0"),
    "layers": (lambda k: SpikingToVector(2, 3, layers=0, key=k), "layers=0"),
    "mask": (
        lambda k: SpikingToVector(2, 3, **NETWORK, key=k)(jnp.ones((4, 2)), jnp.ones(4)),
        "mask of shape",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    make, said = BAD[name]
    with pytest.raises(InputError, match=said):
        make(jax.random.key(0))


@pytest.mark.slow
def test_it_learns_who_speaks():
    from antiphon.data import load
    from antiphon.fitting import fit_network, network_scores

    train, _ = load("japanese-vowels")
    values, mask = train.X.pad()
    _, numbers = np.unique(train.y, return_inverse=True)
    rows, held = np.arange(270) % 5 > 0, np.arange(270) % 5 == 0
    network = SpikingToVector(12, 9, dropout=0.2, key=jax.random.key(0))
    fit = fit_network(
        network, values, mask, numbers.astype(np.int32), "classification",
        rows=np.flatnonzero(rows), key=jax.random.key(1), epochs=60, batch_size=16, learning_rate=5e-3,
    )  # fmt: skip
    said = network_scores(fit.network, values, mask).argmax(1)
    assert (said[held] == numbers[held]).mean() > 0.9
