"""Models of Keras 3 as modules and graphs; skipped where Keras is not installed."""

import importlib.util
import os
import subprocess
import sys
import types

import jax
import pytest

from antiphon.errors import InputError
from antiphon.networks import from_keras

needs_keras = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None, reason="Keras is not installed: pip install keras"
)

# In a process of its own: Keras chooses its backend when it is imported, and may warn.
COMPARE = """
import keras, numpy as np, jax, jax.numpy as jnp, equinox as eqx
from antiphon.graph import trace
from antiphon.networks import Sequential, from_keras
from antiphon.networks.layers import LSTM, Dense, Dropout
from antiphon.errors import InputError

L = keras.layers
rng = np.random.default_rng(0)
X = rng.normal(size=(4, 7, 3)).astype("float32")
a, b = keras.Input((7, 3)), keras.Input((5,))
h = L.Bidirectional(L.GRU(4))(a)
functional = keras.Model([a, b], L.Dense(2)(L.Concatenate()([h, b])))
sequential = keras.Sequential([
    keras.Input((None, 3)), L.LSTM(6, return_sequences=True), L.Dropout(0.3), L.BatchNormalization(),
    L.Conv1D(4, 3, padding="same", activation="relu"), L.LSTM(5), L.Dense(3, activation="softmax")])
for model, inputs in ((sequential, X), (functional, [X, rng.normal(size=(4, 5)).astype("float32")])):
    wanted = model.predict(inputs, verbose=0)
    network = from_keras(model)
    np.testing.assert_allclose(network(inputs), wanted, atol=1e-5)
    graph = trace(network, inputs)
    np.testing.assert_allclose(graph(inputs), wanted, atol=1e-5)
    names = {value.name for value in graph.constants}
    paths = {f"parameters.{v.path}" for v in model.trainable_variables}
    assert paths <= names, (paths - names)
    slopes = eqx.filter_grad(lambda n: jnp.sum(n(inputs) ** 2))(network).parameters
    assert set(slopes) == {v.path for v in model.trainable_variables}
    assert any(float(jnp.abs(slope).max()) > 0 for slope in slopes.values())

theirs = keras.Sequential([keras.Input((None, 3)), L.LSTM(6, return_sequences=True), L.Dropout(0.2),
                           L.LSTM(4), L.Dense(3, activation="softmax")])
ours = Sequential([LSTM(6, return_sequences=True), Dropout(0.2), LSTM(4), Dense(3, activation="softmax")])
ours.build((None, 3))
ours.set_weights(theirs.get_weights())
np.testing.assert_allclose(ours.predict(X), theirs.predict(X, verbose=0), atol=1e-5)
theirs.set_weights(ours.get_weights())
np.testing.assert_allclose(ours.predict(X), theirs.predict(X, verbose=0), atol=1e-5)

try:
    from_keras(keras.Sequential([L.Dense(3)]))
except InputError as error:
    assert "not built" in str(error)
else:
    raise AssertionError("no error")
"""


@needs_keras
@pytest.mark.slow
def test_keras_models_as_modules_and_graphs_answer_as_keras_does():
    environment = {**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"}
    ended = subprocess.run(
        [sys.executable, "-c", COMPARE], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


def pretended(monkeypatch, *, backend, built):
    class Model:
        name = "sequential"

    keras = types.ModuleType("keras")
    keras.Model = Model
    keras.backend = types.SimpleNamespace(backend=lambda: backend)
    monkeypatch.setitem(sys.modules, "keras", keras)
    model = Model()
    model.built = built
    return model


def test_what_is_no_keras_model():
    with pytest.raises(InputError, match="in place of a Keras model"):
        from_keras(jax.nn.relu)


def test_another_backend(monkeypatch):
    with pytest.raises(InputError, match="KERAS_BACKEND=jax"):
        from_keras(pretended(monkeypatch, backend="torch", built=True))


def test_a_model_that_is_not_built(monkeypatch):
    with pytest.raises(InputError, match="not built"):
        from_keras(pretended(monkeypatch, backend="jax", built=False))
