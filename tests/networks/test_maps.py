"""Whole networks: read-out, per-frame answers, perceptron, input scaling."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks import (
    Recurrent,
    SequenceToSequence,
    SequenceToVector,
    VectorToVector,
    trainable,
    with_scaling,
)

KEY = jax.random.key(0)
FRAMES = jnp.asarray(np.random.default_rng(0).normal(size=(6, 2)), jnp.float32)
MASK = jnp.array([True, True, True, True, False, False])
# Outside of jit a scan is compiled anew at every call.
run = eqx.filter_jit(lambda network, *inputs, key=None: network(*inputs, key=key))
SEQUENCE_MAPS = (SequenceToVector, SequenceToSequence)


def make(kind, **settings):
    """A network of this kind; with the cell that compiles fastest, where the cell is not the point."""
    if kind in SEQUENCE_MAPS:
        settings = {"cell": "rnn", **settings}
    return kind(**{"in_size": 2, "out_size": 3, "key": KEY, **settings})


def test_sequence_to_vector_reads_the_last_real_frame_forward_and_the_first_backward():
    network = SequenceToVector(2, 4, hidden=3, bidirectional=True, key=KEY)
    outputs = run(network.recurrent, FRAMES, MASK)
    read = jnp.concatenate([outputs[3, :3], outputs[0, 3:]])
    expected = network.linear.weight @ read + network.linear.bias
    np.testing.assert_allclose(run(network, FRAMES, MASK), expected, atol=1e-6)


def test_sequence_to_sequence_answers_at_each_real_frame():
    network = SequenceToSequence(2, 4, cell="rnn", hidden=3, key=KEY)
    network = eqx.tree_at(lambda n: n.linear.bias, network, jnp.arange(4.0))
    outputs = np.asarray(run(network.recurrent, FRAMES, MASK))
    expected = outputs @ np.asarray(network.linear.weight).T + np.arange(4)
    expected[4:] = 0
    np.testing.assert_allclose(run(network, FRAMES, MASK), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("activation", "reference"), [("tanh", np.tanh), ("relu", lambda x: np.maximum(x, 0))]
)
def test_vector_to_vector_is_a_perceptron(activation, reference):
    network = VectorToVector(2, 3, hidden=5, depth=2, activation=activation, key=KEY)
    values = np.asarray(FRAMES[0])
    for layer in network.layers[:-1]:
        values = reference(np.asarray(layer.weight) @ values + np.asarray(layer.bias))
    expected = np.asarray(network.layers[-1].weight) @ values
    np.testing.assert_allclose(network(FRAMES[0]), expected, atol=1e-6)
    over_cases = jax.jit(jax.vmap(network))(FRAMES)
    np.testing.assert_allclose(over_cases[0], expected, atol=1e-6)


def test_linear_maps_start_as_in_keras():
    linear = VectorToVector(50, 3, hidden=30, key=KEY).layers[0]
    limit = np.sqrt(6 / 80)
    assert 0.95 * limit < np.abs(linear.weight).max() <= limit
    assert (linear.bias == 0).all()


@pytest.mark.parametrize("kind", SEQUENCE_MAPS)
def test_padding_changes_no_answer(kind):
    network = with_scaling(make(kind, hidden=4, bidirectional=True), [0.5, -1.0], [2.0, 3.0])
    padded = run(network, FRAMES.at[4:].set(jnp.nan), MASK)
    whole = run(network, FRAMES[:4], MASK[:4])
    np.testing.assert_allclose(padded if padded.ndim == 1 else padded[:4], whole, atol=1e-6)


@pytest.mark.parametrize("kind", [*SEQUENCE_MAPS, VectorToVector])
def test_scaling_is_the_same_as_scaled_input_and_is_not_trained(kind):
    network = make(kind)
    scaled = with_scaling(network, [1.0, 2.0], [0.5, 4.0])
    frames = (FRAMES - jnp.array([[1.0, 2.0]])) / jnp.array([[0.5, 4.0]])
    here = (FRAMES[0],) if kind is VectorToVector else (FRAMES, MASK)
    there = (frames[0],) if kind is VectorToVector else (frames, MASK)
    np.testing.assert_allclose(run(scaled, *here), run(network, *there), atol=1e-6)
    np.testing.assert_array_equal(network.scaling.shift, [0, 0])

    gradient = jax.jit(jax.grad(lambda n: jnp.sum(n(*here) ** 2)))(scaled)
    assert (gradient.scaling.shift == 0).all()
    assert (gradient.scaling.scale == 0).all()
    parameters, rest = eqx.partition(scaled, trainable(scaled))
    assert [leaf.shape for leaf in jax.tree.leaves(rest)] == [(2,), (2,)]
    assert len(jax.tree.leaves(parameters)) == len(jax.tree.leaves(scaled)) - 2
    np.testing.assert_array_equal(run(eqx.combine(parameters, rest), *here), run(scaled, *here))


@pytest.mark.parametrize("kind", [*SEQUENCE_MAPS, VectorToVector])
def test_dropout_only_with_a_key_even_with_one_layer(kind):
    network = make(kind, dropout=0.5, hidden=32)
    plain = make(kind, hidden=32)
    here = (FRAMES[0],) if kind is VectorToVector else (FRAMES, MASK)
    np.testing.assert_array_equal(run(network, *here), run(plain, *here))
    first, again, other = (run(network, *here, key=jax.random.key(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.slow
def test_many_networks_train_at_once():
    """Stacked networks under vmap, gradient and all, equal each on its own."""
    frames = jnp.stack([FRAMES, FRAMES[::-1]])
    mask = jnp.stack([MASK, jnp.ones(6, bool)])

    def loss(network):
        return jnp.mean(jax.vmap(network)(frames, mask) ** 2)

    keys = jax.random.split(KEY, 2)
    stacked = jax.vmap(lambda key: make(SequenceToVector, key=key))(keys)
    gradients = jax.jit(jax.vmap(jax.grad(loss)))(stacked)
    one = jax.jit(jax.grad(loss))
    for index in range(2):
        single = one(jax.tree.map(lambda leaf, index=index: leaf[index], stacked))
        for batched, alone in zip(jax.tree.leaves(gradients), jax.tree.leaves(single), strict=True):
            np.testing.assert_allclose(batched[index], alone, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "settings", "part"),
    [
        (SequenceToVector, {"out_size": 0}, "out_size=0"),
        (SequenceToSequence, {"cell": "cnn"}, "cell='cnn'"),
        (VectorToVector, {"activation": "sine"}, "activation='sine'. Expected: one of tanh, relu."),
        (VectorToVector, {"depth": 0}, "depth=0"),
        (VectorToVector, {"in_size": -1}, "in_size=-1"),
        (VectorToVector, {"dropout": -0.1}, "dropout=-0.1"),
    ],
)
def test_wrong_settings(kind, settings, part):
    with pytest.raises(InputError) as caught:
        make(kind, **settings)
    assert part in str(caught.value)


@pytest.mark.parametrize("kind", SEQUENCE_MAPS)
def test_wrong_frames_or_mask(kind):
    network = make(kind)
    with pytest.raises(InputError, match=r"Frames of shape \(6, 1\)"):
        run(network, FRAMES[:, :1], MASK)
    with pytest.raises(InputError, match=r"A mask of shape \(5,\)"):
        run(network, FRAMES, MASK[:5])


def test_wrong_vector():
    with pytest.raises(InputError, match=r"A vector of shape \(6, 2\)"):
        VectorToVector(2, 3, key=KEY)(FRAMES)


@pytest.mark.parametrize(
    ("shift", "scale", "part"),
    [
        ([0.0], [1.0, 1.0], "A shift of shape (1,). Expected: shape (2,)"),
        ([0.0, 0.0], [[1.0, 1.0]], "A scale of shape (1, 2)"),
        ([0.0, np.nan], [1.0, 1.0], "The shift [0.0, nan]"),
        ([0.0, 0.0], [1.0, 0.0], "The scale [1.0, 0.0]"),
    ],
)
def test_wrong_scaling(shift, scale, part):
    with pytest.raises(InputError) as caught:
        with_scaling(VectorToVector(2, 3, key=KEY), shift, scale)
    assert part in str(caught.value)


def test_scaling_of_a_network_that_has_none():
    with pytest.raises(InputError, match="A Recurrent, which has no input scaling"):
        with_scaling(Recurrent("rnn", 2, 3, key=KEY), [0.0, 0.0], [1.0, 1.0])
