"""State in and out, residual stacks, and the derivatives of what is computed again for the gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks import Recurrent, build, from_arrays, make_cell, to_arrays
from antiphon.networks._minimal import linear_recurrence

CELLS = ("rnn", "lstm", "gru", "mingru", "minlstm")
SIZE, HIDDEN, TIME = 2, 3, 7


def random_network(cell, seed=0, **settings):
    """A network whose every parameter is random, biases included."""
    network = Recurrent(cell, SIZE, HIDDEN, **settings, key=jax.random.key(seed))
    rng = np.random.default_rng(seed)
    arrays = {
        name: rng.normal(scale=0.7, size=array.shape).astype(np.float32)
        for name, array in to_arrays(network).items()
    }
    return from_arrays(network, arrays)


def random_frames(seed=1):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(TIME, SIZE)).astype(np.float32))


def all_three_ways(network, frames, mask):
    """The outputs of the whole, of two parts one after the other, and frame by frame."""
    whole = network(frames, mask)
    state = network.initial_state()
    first, state = network.resume(frames[:3], mask[:3], state)
    second, ended = network.resume(frames[3:], mask[3:], state)
    state, single = jax.lax.scan(
        lambda s, frame: network.step(frame, s)[::-1], network.initial_state(), frames
    )
    return whole, jnp.concatenate([first, second]), single, ended, state


@pytest.mark.parametrize("cell", CELLS)
def test_a_stream_gives_what_the_whole_gives(cell):
    network = random_network(cell, layers=2, residual=True)
    whole, parts, single, ended, state = jax.jit(all_three_ways)(
        network, random_frames(), jnp.ones(TIME, bool)
    )
    np.testing.assert_allclose(parts, whole, atol=1e-6)
    np.testing.assert_allclose(single, whole, atol=1e-6)
    for a, b in zip(jax.tree.leaves(ended), jax.tree.leaves(state), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_stream_passes_over_masked_frames():
    network = random_network("gru")
    frames, mask = random_frames(), jnp.array([True, False, True, True, False, True, True])
    whole, parts, *_ = jax.jit(all_three_ways)(network, frames.at[1].set(jnp.nan), mask)
    np.testing.assert_allclose(parts, whole, atol=1e-6)
    assert (np.asarray(parts)[~np.asarray(mask)] == 0).all()


@pytest.mark.parametrize("bidirectional", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_residual_stack_adds_what_each_layer_read(bidirectional):
    network = random_network("rnn", layers=2, bidirectional=bidirectional, residual=True)
    arrays = to_arrays(network)
    width = network.out_size
    lower = Recurrent("rnn", SIZE, HIDDEN, bidirectional=bidirectional, key=jax.random.key(0))
    upper = Recurrent("rnn", width, HIDDEN, bidirectional=bidirectional, key=jax.random.key(0))
    lower = from_arrays(lower, {n: a for n, a in arrays.items() if n.startswith("layers.0")})
    upper = from_arrays(
        upper, {n.replace(".1.", ".0."): a for n, a in arrays.items() if n.startswith("layers.1")}
    )

    @jax.jit
    def run(network, lower, upper, frames, mask):
        below = lower(frames, mask)
        return network(frames, mask), network.read_out(frames, mask), below + upper(below, mask)

    mask = jnp.arange(TIME) < 5
    outputs, final, expected = run(network, lower, upper, random_frames(), mask)
    expected = jnp.where(mask[:, None], expected, 0.0)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    ends = jnp.concatenate([expected[4, :HIDDEN], expected[0, HIDDEN:]])
    np.testing.assert_allclose(final, ends, atol=1e-6)


def test_a_residual_stack_is_built_again_from_its_config():
    network = random_network("gru", layers=2, residual=True)
    assert build(network.config, key=jax.random.key(0)).residual
    assert "residual" not in random_network("gru").config


@pytest.mark.parametrize(
    ("cell", "lean"),
    [
        ("lstm", False),
        ("gru", False),
        pytest.param("rnn", False, marks=pytest.mark.slow),
        pytest.param("lstm", True, marks=pytest.mark.slow),
    ],
)
def test_gradients_are_those_of_a_plain_scan(cell, lean):
    # Both directions, or several layers, keep less for the gradient.
    network = random_network(cell, bidirectional=lean)
    mask = jnp.array([[True] * 7, [True, False, True, True, False, False, True]])
    rng = np.random.default_rng(2)
    frames = jnp.asarray(rng.normal(size=(2, TIME, SIZE)).astype(np.float32))
    slope = jnp.asarray(rng.normal(size=(2, TIME, network.out_size)).astype(np.float32))

    def plain_direction(cell, frames, mask, *, reverse):
        def advance(state, now):
            frame, real = now
            following = cell(frame, state)
            state = jax.tree.map(lambda new, old: jnp.where(real, new, old), following, state)
            return state, state[0] if isinstance(state, tuple) else state

        zero = jnp.zeros(HIDDEN)
        start = (zero, zero) if network.cell == "lstm" else zero
        return jax.lax.scan(advance, start, (frames, mask), reverse=reverse)[1]

    def plain(network, frames, mask):
        layer = network.layers[0]
        outputs = plain_direction(layer.forward, frames, mask, reverse=False)
        if lean:
            backward = plain_direction(layer.backward, frames, mask, reverse=True)
            outputs = jnp.concatenate([outputs, backward], axis=1)
        return jnp.where(mask[:, None], outputs, 0.0)

    @jax.jit
    def slopes(network, frames):
        ways = (lambda n, f, m: n(f, m), plain)
        return [
            jax.grad(lambda n, f, way=way: jnp.sum(slope * jax.vmap(way, (None, 0, 0))(n, f, mask)), (0, 1))(
                network, frames
            )
            for way in ways
        ]

    found, expected = slopes(network, frames)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-5)
    assert any(np.abs(leaf).max() > 0.1 for leaf in jax.tree.leaves(found))


def test_forward_mode_and_second_derivatives():
    network = random_network("lstm")
    mask = jnp.ones(TIME, bool)
    frames, direction = random_frames(), random_frames(2)

    @jax.jit
    def run(frames):
        def loss(frames):
            return jnp.sum(jnp.square(network.read_out(frames, mask)))

        slope = jax.grad(loss)
        _, along = jax.jvp(loss, (frames,), (direction,))
        _, curved = jax.jvp(slope, (frames,), (direction,))
        twice = jax.grad(lambda f: jnp.sum(slope(f) * direction))(frames)
        step = 1e-2
        differences = (slope(frames + step * direction) - slope(frames - step * direction)) / (2 * step)
        return along, jnp.sum(slope(frames) * direction), curved, twice, differences

    along, by_reverse, curved, twice, differences = run(frames)
    np.testing.assert_allclose(along, by_reverse, rtol=1e-5)
    np.testing.assert_allclose(curved, twice, atol=1e-5)
    np.testing.assert_allclose(curved, differences, atol=1e-3)
    assert np.abs(curved).max() > 0.02


@pytest.mark.parametrize("reverse", [False, True])
def test_the_parallel_form_gives_what_frame_by_frame_gives(reverse):
    rng = np.random.default_rng(0)
    decay, entering, state = (
        jnp.asarray(rng.uniform(size=shape).astype(np.float32)) for shape in ((TIME, 3), (TIME, 3), (3,))
    )

    @jax.jit
    def run(*arrays):
        def loss(*arrays, parallel):
            found = linear_recurrence(*arrays, reverse=reverse, parallel=parallel)
            return jnp.sum(jnp.sin(found)), found

        ways = (
            jax.grad(lambda *a, p=p: loss(*a, parallel=p), (0, 1, 2), has_aux=True) for p in (True, False)
        )
        return [way(*arrays) for way in ways]

    parallel, single = run(decay, entering, state)
    for a, b in zip(jax.tree.leaves(parallel), jax.tree.leaves(single), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    expected, at = [], np.asarray(state, np.float64)
    order = range(TIME)[::-1] if reverse else range(TIME)
    for t in order:
        at = np.asarray(decay[t]) * at + np.asarray(entering[t])
        expected.append(at)
    np.testing.assert_allclose(single[1], expected[::-1] if reverse else expected, atol=1e-6)


@pytest.mark.parametrize(("cell", "gates"), [("mingru", 2), ("minlstm", 3)])
def test_initial_weights_of_minimal_cells(cell, gates):
    made = make_cell(cell, 20, 8, key=jax.random.key(3))
    limit = np.sqrt(6 / (20 + gates * 8))
    assert 0.9 * limit < np.abs(made.weight_ih).max() <= limit
    # The forget gate starts open, as that of the LSTM does.
    assert made.bias.tolist() == ([1.0] * 8 if cell == "minlstm" else []) + [0.0] * 16


def test_a_stream_needs_one_direction_and_its_own_state():
    mask = jnp.ones(TIME, bool)
    both = Recurrent("gru", SIZE, HIDDEN, bidirectional=True, key=jax.random.key(0))
    with pytest.raises(InputError, match="also runs backward"):
        both.step(jnp.ones(SIZE), both.initial_state())
    network = Recurrent("lstm", SIZE, HIDDEN, key=jax.random.key(0))
    other = Recurrent("lstm", SIZE, HIDDEN, layers=2, key=jax.random.key(0)).initial_state()
    with pytest.raises(InputError, match=r"A state of shape .*initial_state\(\)"):
        network.resume(random_frames(), mask, other)
    with pytest.raises(InputError, match=r"A frame of shape \(3,\)"):
        network.step(jnp.ones(3), network.initial_state())
    with pytest.raises(InputError, match="residual=1"):
        Recurrent("rnn", SIZE, HIDDEN, residual=1, key=jax.random.key(0))
