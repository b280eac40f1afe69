"""Networks converted to spikes: rates are activations, and answers agree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks import VectorToVector, with_scaling
from antiphon.networks.spiking import to_spiking

IN, CASES = 6, 400


@pytest.fixture(scope="module")
def network():
    made = VectorToVector(IN, 4, hidden=24, depth=2, activation="relu", key=jax.random.key(0))
    return with_scaling(made, np.full(IN, 0.5), np.full(IN, 2.0))


@pytest.fixture(scope="module")
def examples():
    return (np.random.default_rng(0).normal(size=(CASES, IN)) * 2 + 0.5).astype(np.float32)


run = jax.jit(jax.vmap(lambda n, x, steps: n.run(x, steps=steps), in_axes=(None, 0, None)), static_argnums=2)


def test_rates_of_the_first_layer_count_whole_spikes(network, examples):
    spiking = to_spiking(network, examples, percentile=100.0)
    _, rates = run(spiking, examples, 32)
    scaled = (examples - 0.5) / 2
    first = np.maximum(
        scaled @ np.asarray(network.layers[0].weight).T + np.asarray(network.layers[0].bias), 0
    )
    share = first / first.max()
    # A constant current c from half a threshold on: floor(32 c + 1/2) spikes in 32 steps.
    assert np.abs(np.asarray(rates[0]) - share).max() <= 0.5 / 32 + 1e-5
    assert all(float(rate.min()) >= 0 and float(rate.max()) <= 1 for rate in rates)


def test_answers_come_nearer_with_more_steps_and_agree(network, examples):
    wanted = np.asarray(jax.jit(jax.vmap(network))(examples))
    spiking = to_spiking(network, examples)
    errors, agreement = [], []
    for steps in (32, 256):
        got = np.asarray(run(spiking, examples, steps)[0])
        errors.append(np.abs(got - wanted).mean())
        agreement.append((got.argmax(1) == wanted.argmax(1)).mean())
    assert errors[1] < errors[0] / 4
    assert errors[1] < 0.02 * np.abs(wanted).mean()
    assert agreement[1] >= 0.98


TANH = VectorToVector(IN, 4, key=jax.random.key(0))
RELU = VectorToVector(IN, 4, activation="relu", key=jax.random.key(0))
X = np.ones((3, IN))
BAD = {
    "tanh": (lambda: to_spiking(TANH, X), "activation 'tanh'"),
    "another": (lambda: to_spiking(RELU.layers[0], X), "A Linear"),
    "shape": (lambda: to_spiking(RELU, X[:, :2]), "Examples of shape"),
    "none": (lambda: to_spiking(RELU, X[:0]), "Examples of shape"),
    "nan": (lambda: to_spiking(RELU, X * np.nan), "NaN"),
    "percentile": (lambda: to_spiking(RELU, X, percentile=0.0), "percentile=0.0"),
    "steps": (lambda: to_spiking(RELU, X)(jnp.ones(IN), steps=0), "steps=0"),
    "vector": (lambda: to_spiking(RELU, X)(jnp.ones(2)), "vector of shape"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    make, said = BAD[name]
    with pytest.raises(InputError, match=said):
        make()


@pytest.mark.slow
def test_a_trained_reader_of_digits_agrees_with_its_spiking_self():
    import equinox as eqx
    import optax
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    train, test = np.arange(len(X)) < 1200, np.arange(len(X)) >= 1200
    network = VectorToVector(64, 10, hidden=64, depth=2, activation="relu", key=jax.random.key(0))
    optimiser = optax.adam(3e-3)

    @eqx.filter_jit
    def step(network, state, x, y):
        def loss(network):
            scores = jax.vmap(network)(x)
            return optax.softmax_cross_entropy_with_integer_labels(scores, y).mean()

        updates, state = optimiser.update(jax.grad(loss)(network), state)
        return eqx.apply_updates(network, updates), state

    rng = np.random.default_rng(0)
    with jax.numpy_dtype_promotion("standard"):  # which Optax wants
        state = optimiser.init(network)
        for _ in range(600):
            rows = rng.choice(np.flatnonzero(train), 64)
            network, state = step(network, state, X[rows], y[rows].astype(np.int32))
    said = np.asarray(jax.jit(jax.vmap(network))(X[test])).argmax(1)
    spiking = to_spiking(network, X[train])
    spoke = np.asarray(run(spiking, X[test], 128)[0]).argmax(1)
    assert (said == y[test]).mean() > 0.9
    assert (said == spoke).mean() >= 0.99
