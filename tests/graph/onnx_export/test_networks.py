"""Every network of ours: one file for any number of frames and any batch, masked frames anywhere."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from onnx_agreement import run, same, session

from antiphon.graph import trace
from antiphon.graph.onnx_export import to_onnx
from antiphon.networks import Recurrent, SequenceToSequence, SequenceToVector, VectorToVector, with_scaling

FEATURES = 3
rng = np.random.default_rng(2)


def frames(time):
    """Frames with NaN where the mask says that none is there, and the mask."""
    values = rng.normal(size=(time, FEATURES)).astype(np.float32)
    mask = rng.random(time) < 0.8
    mask[0] |= ~mask.any()
    return np.where(mask[:, None], values, np.float32(np.nan)), mask


def any_frames(*batch):
    sizes = export.symbolic_shape(", ".join((*batch, "time")))
    return (
        jax.ShapeDtypeStruct((*sizes, FEATURES), np.float32),
        jax.ShapeDtypeStruct(sizes, np.bool_),
    )


def scaled(network):
    return with_scaling(network, rng.normal(size=FEATURES), rng.uniform(0.5, 2, size=FEATURES))


def moved(network):
    """Other numbers than those of a fresh network, among which zeros would hide mistakes."""
    leaves, tree = jax.tree.flatten(network)
    noise = [jnp.asarray(rng.normal(size=leaf.shape, scale=0.3), leaf.dtype) for leaf in leaves]
    return jax.tree.unflatten(tree, [a + b for a, b in zip(leaves, noise, strict=True)])


def recurrent(cell, layers, bidirectional):
    return Recurrent(cell, FEATURES, 4, layers=layers, bidirectional=bidirectional, key=jax.random.key(0))


KINDS = [("rnn", 1, False), ("lstm", 1, True), ("gru", 2, False)]
MORE = [(c, n, b) for c in ("rnn", "lstm", "gru") for n in (1, 2, 3) for b in (False, True)]


def networks(cell, layers, bidirectional):
    settings = {"cell": cell, "hidden": 4, "layers": layers, "bidirectional": bidirectional}
    yield moved(recurrent(cell, layers, bidirectional))
    for kind in (SequenceToVector, SequenceToSequence):
        yield scaled(moved(kind(FEATURES, 2, dropout=0.5, key=jax.random.key(1), **settings)))


def check(network, alone=True):
    one = session(to_onnx(trace(network, *any_frames()))) if alone else None
    many = session(to_onnx(trace(jax.vmap(network), *any_frames("batch"))))
    reference = eqx.filter_jit(network)
    for time in (1, 30):
        cases = [frames(time) for _ in range(1 + time % 4)]
        expected = [reference(*case) for case in cases]
        if one is not None:
            same(run(one, *cases[0]), expected[0])
        same(run(many, *map(np.stack, zip(*cases, strict=True))), jnp.stack(expected))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_recurrent_network(kind):
    _, to_vector, to_sequence = networks(*kind)
    check(to_vector if kind[0] == "gru" else to_sequence, alone=kind[0] == "gru")


@pytest.mark.parametrize("kind", [("lstm", 1, True)], ids=str)
def test_a_stack_of_layers(kind):
    check(next(networks(*kind)), alone=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", MORE, ids=str)
def test_every_recurrent_network(kind):
    for network in networks(*kind):
        check(network)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_perceptron(activation):
    network = scaled(
        moved(VectorToVector(FEATURES, 2, activation=activation, depth=2, key=jax.random.key(0)))
    )
    row = rng.normal(size=FEATURES).astype(np.float32)
    same(run(session(to_onnx(trace(network, row))), row), network(row))
    (batch,) = export.symbolic_shape("batch")
    ready = session(to_onnx(trace(jax.vmap(network), jax.ShapeDtypeStruct((batch, FEATURES), np.float32))))
    for count in (1, 7):
        rows = rng.normal(size=(count, FEATURES)).astype(np.float32)
        same(run(ready, rows), jax.vmap(network)(rows))


def test_weights_keep_their_names():
    network = SequenceToVector(FEATURES, 2, key=jax.random.key(1))
    names = {i.name for i in to_onnx(trace(network, *any_frames())).graph.initializer}
    assert {"linear.weight transposed", "linear.bias"} <= names
