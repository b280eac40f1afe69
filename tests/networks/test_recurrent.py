"""Recurrent stacks against the same mathematics written out in NumPy, step by step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import InputError
from antiphon.networks import Recurrent, RNNCell, from_arrays, make_cell, to_arrays

CELLS = ("rnn", "lstm", "gru", "mingru", "minlstm")
SIZE = 2
HIDDEN = 3


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference_direction(cell, weights, name, frames, hidden):
    """Outputs of one direction of one layer; gates in PyTorch's order."""
    w, u, b = (weights.get(f"{name}.{part}") for part in ("weight_ih", "weight_hh", "bias"))
    h, c = np.zeros(hidden), np.zeros(hidden)
    first, second, third, fourth = (slice(k * hidden, (k + 1) * hidden) for k in range(4))
    outputs = []
    for x in frames:
        if cell == "rnn":
            h = np.tanh(w @ x + u @ h + b)
        elif cell == "lstm":
            put = sigmoid(w[first] @ x + u[first] @ h + b[first])
            forget = sigmoid(w[second] @ x + u[second] @ h + b[second])
            candidate = np.tanh(w[third] @ x + u[third] @ h + b[third])
            out = sigmoid(w[fourth] @ x + u[fourth] @ h + b[fourth])
            c = forget * c + put * candidate
            h = out * np.tanh(c)
        elif cell == "mingru":
            update = sigmoid(w[first] @ x + b[first])
            h = (1 - update) * h + update * (w[second] @ x + b[second])
        elif cell == "minlstm":
            forget, put = sigmoid(w[first] @ x + b[first]), sigmoid(w[second] @ x + b[second])
            h = (forget * h + put * (w[third] @ x + b[third])) / (forget + put)
        else:
            reset = sigmoid(w[first] @ x + u[first] @ h + b[first])
            update = sigmoid(w[second] @ x + u[second] @ h + b[second])
            new = np.tanh(w[third] @ x + b[third] + reset * (u[third] @ h + weights[f"{name}.bias_n"]))
            h = (1 - update) * new + update * h
        outputs.append(h)
    return np.array(outputs)


def reference(cell, weights, frames, *, layers, bidirectional, hidden=HIDDEN):
    """Outputs at every frame, and what stands there when each direction has read all."""
    for layer in range(layers):
        forward = reference_direction(cell, weights, f"layers.{layer}.forward", frames, hidden)
        if not bidirectional:
            frames, final = forward, forward[-1]
            continue
        backward = reference_direction(cell, weights, f"layers.{layer}.backward", frames[::-1], hidden)
        frames = np.concatenate([forward, backward[::-1]], axis=1)
        final = np.concatenate([forward[-1], backward[-1]])
    return frames, final


def random_network(cell, layers, bidirectional, seed=0):
    """A network whose every parameter is random, biases included."""
    network = Recurrent(
        cell, SIZE, HIDDEN, layers=layers, bidirectional=bidirectional, key=jax.random.key(seed)
    )
    rng = np.random.default_rng(seed)
    arrays = {
        name: rng.normal(scale=0.7, size=array.shape).astype(np.float32)
        for name, array in to_arrays(network).items()
    }
    return from_arrays(network, arrays)


def random_frames(time, seed=1):
    return np.random.default_rng(seed).normal(size=(time, SIZE)).astype(np.float32)


@jax.jit
def both(network, frames, mask):
    return network(frames, mask), network.read_out(frames, mask)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("layers", "bidirectional"), [(1, False), (2, True)])
def test_outputs_match_the_reference(cell, layers, bidirectional):
    network = random_network(cell, layers, bidirectional)
    frames = random_frames(7)
    outputs, final = both(network, jnp.asarray(frames), jnp.ones(7, bool))
    weights = {name: array.astype(np.float64) for name, array in to_arrays(network).items()}
    expected, expected_final = reference(cell, weights, frames, layers=layers, bidirectional=bidirectional)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_allclose(final, expected_final, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_match_finite_differences_of_the_reference(cell):
    network = random_network(cell, 2, True)
    frames = random_frames(4)
    rng = np.random.default_rng(2)
    at_frames, at_end = rng.normal(size=(4, 2 * HIDDEN)), rng.normal(size=2 * HIDDEN)

    def loss(network):
        outputs, final = both(network, jnp.asarray(frames), jnp.ones(4, bool))
        weights = jnp.asarray(at_frames, jnp.float32), jnp.asarray(at_end, jnp.float32)
        return jnp.sum(outputs * weights[0]) + jnp.sum(final * weights[1])

    gradients = to_arrays(jax.grad(loss)(network))
    weights = {name: array.astype(np.float64) for name, array in to_arrays(network).items()}

    def reference_loss():
        outputs, final = reference(cell, weights, frames, layers=2, bidirectional=True)
        return (outputs * at_frames).sum() + (final * at_end).sum()

    step = 1e-5
    for name, array in weights.items():
        differences = np.empty_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + step
            above = reference_loss()
            array[index] = kept - step
            below = reference_loss()
            array[index] = kept
            differences[index] = (above - below) / (2 * step)
        np.testing.assert_allclose(gradients[name], differences, atol=1e-5, rtol=1e-5, err_msg=name)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    cell=st.sampled_from(CELLS),
    length=st.sampled_from([1, 4]),
    places=st.permutations(range(9)),
    junk=st.sampled_from([0.0, 1e6, np.nan, np.inf]),
    seed=st.integers(0, 2**16),
)
def test_masked_frames_change_nothing_wherever_they_stand(cell, length, places, junk, seed):
    network = random_network(cell, 2, True)
    frames = random_frames(length, seed)
    real = np.sort(np.array(places[:length]))
    padded = np.full((9, SIZE), junk, np.float32)
    padded[real] = frames
    mask = np.zeros(9, bool)
    mask[real] = True
    outputs, final = both(network, jnp.asarray(frames), jnp.ones(length, bool))
    padded_outputs, padded_final = both(network, jnp.asarray(padded), jnp.asarray(mask))
    np.testing.assert_allclose(padded_outputs[real], outputs, atol=2e-6)
    np.testing.assert_allclose(padded_final, final, atol=2e-6)
    assert (np.asarray(padded_outputs)[~mask] == 0).all()


def test_masked_frames_reach_no_gradient_even_when_they_hold_nan():
    network = random_network("gru", 1, True)
    frames = jnp.asarray(random_frames(4)).at[2:].set(jnp.nan)
    mask = jnp.array([True, True, False, False])
    gradients = jax.grad(lambda n, x: jnp.sum(n.read_out(x, mask)), argnums=(0, 1))(network, frames)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))
    assert (gradients[1][2:] == 0).all()


def test_a_sequence_with_no_real_frame_gives_the_zero_state():
    outputs, final = both(random_network("lstm", 1, False), jnp.ones((3, SIZE)), jnp.zeros(3, bool))
    assert (outputs == 0).all()
    assert (final == 0).all()


def test_a_batch_of_sequences_and_of_networks_equals_one_by_one():
    @jax.vmap
    def make(key):
        return Recurrent("lstm", SIZE, HIDDEN, bidirectional=True, key=key)

    keys = jax.random.split(jax.random.key(0), 3)
    stacked = make(keys)
    frames = jnp.asarray(np.stack([random_frames(6, seed) for seed in range(4)]))
    mask = jnp.arange(6)[None, :] < jnp.array([6, 1, 3, 5])[:, None]
    over_cases = jax.vmap(both, in_axes=(None, 0, 0))
    outputs, final = jax.vmap(over_cases, in_axes=(0, None, None))(stacked, frames, mask)
    assert outputs.shape == (3, 4, 6, 2 * HIDDEN)
    for n, c in [(0, 0), (1, 1), (2, 2), (2, 3)]:
        single = from_arrays(
            Recurrent("lstm", SIZE, HIDDEN, bidirectional=True, key=keys[n]),
            {name: array[n] for name, array in to_arrays(stacked).items()},
        )
        one, one_final = both(single, frames[c], mask[c])
        np.testing.assert_allclose(outputs[n, c], one, atol=1e-6)
        np.testing.assert_allclose(final[n, c], one_final, atol=1e-6)


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
def test_initial_weights_are_those_of_keras(cell, gates):
    made = make_cell(cell, 20, 8, key=jax.random.key(3))
    limit = np.sqrt(6 / (20 + gates * 8))
    assert 0.9 * limit < np.abs(made.weight_ih).max() <= limit
    np.testing.assert_allclose(made.weight_hh.T @ made.weight_hh, np.eye(8), atol=1e-5)
    expected = np.zeros(gates * 8)
    if cell == "lstm":
        expected[8:16] = 1
    np.testing.assert_array_equal(made.bias, expected)
    if cell == "gru":
        np.testing.assert_array_equal(made.bias_n, np.zeros(8))
    assert isinstance(made, RNNCell) == (cell == "rnn")


def test_layers_and_directions_start_different_and_the_same_key_gives_the_same():
    def make():
        return Recurrent("gru", 3, 3, layers=2, bidirectional=False, key=jax.random.key(0))

    arrays = to_arrays(make())
    assert not np.array_equal(arrays["layers.0.forward.weight_ih"], arrays["layers.1.forward.weight_ih"])
    for name, array in to_arrays(make()).items():
        np.testing.assert_array_equal(array, arrays[name])
    both_ways = to_arrays(Recurrent("rnn", 3, 3, bidirectional=True, key=jax.random.key(0)))
    assert not np.array_equal(
        both_ways["layers.0.forward.weight_hh"], both_ways["layers.0.backward.weight_hh"]
    )


def test_dropout_between_layers_only_with_a_key():
    frames, mask = jnp.asarray(random_frames(6)), jnp.ones(6, bool)
    plain = random_network("rnn", 2, False)
    network = from_arrays(
        Recurrent("rnn", SIZE, HIDDEN, layers=2, dropout=0.5, key=jax.random.key(0)), to_arrays(plain)
    )
    run = jax.jit(lambda n, key=None: n(frames, mask, key=key))
    np.testing.assert_array_equal(run(network), run(plain))
    first, again, other = (run(network, key=jax.random.key(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    np.testing.assert_array_equal(run(plain, key=jax.random.key(1)), run(plain))


def test_jit_traces_once_for_one_shape():
    traces = 0

    @jax.jit
    def run(network, frames, mask):
        nonlocal traces
        traces += 1
        return network(frames, mask)

    for seed in range(3):
        run(random_network("gru", 1, False, seed), jnp.asarray(random_frames(5, seed)), jnp.ones(5, bool))
    assert traces == 1


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"cell": "gruu"}, "cell='gruu'. Expected: one of rnn, lstm, gru, mingru, minlstm."),
        ({"cell": 3}, "cell=3"),
        ({"in_size": 0}, "in_size=0. Expected: a whole number from 1 up."),
        ({"hidden": 2.5}, "hidden=2.5"),
        ({"hidden": True}, "hidden=True"),
        ({"layers": 0}, "layers=0"),
        ({"bidirectional": "yes"}, "bidirectional='yes'. Expected: a bool."),
        ({"dropout": 1.0}, "dropout=1.0. Expected: a number >= 0 and < 1."),
        ({"dropout": "high"}, "dropout='high'"),
    ],
)
def test_wrong_settings(changed, part):
    settings = {"cell": "gru", "in_size": 2, "hidden": 3, **changed}
    with pytest.raises(InputError) as caught:
        Recurrent(**settings, key=jax.random.key(0))
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("frames", "mask", "part"),
    [
        ((5, 3), jnp.ones(5, bool), r"Frames of shape \(5, 3\)"),
        ((4, 5, 2), jnp.ones(5, bool), "jax.vmap"),
        ((5, 2), jnp.ones(4, bool), r"A mask of shape \(4,\)"),
        ((5, 2), jnp.ones(5), "type float32"),
    ],
)
def test_wrong_frames_or_mask(frames, mask, part):
    with pytest.raises(InputError, match=part):
        Recurrent("rnn", 2, 3, key=jax.random.key(0))(jnp.zeros(frames), mask)
