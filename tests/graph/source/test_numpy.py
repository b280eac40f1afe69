"""NumPy source: the same answers without JAX, and a file that a person reads."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
from exported import TIME, function_of, graph_of, loaded, program_of, program_to_numpy
from functions import FUNCTIONS, SEQUENTIAL, WITH_PLACES, K, X, lax, sequential
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import BOUND, cases, programs_of

from antiphon import networks
from antiphon.data import load
from antiphon.errors import ExportError
from antiphon.graph import trace
from antiphon.graph.source import to_numpy
from antiphon.language import Program

HEALTHY = [HealthCheck.too_slow, HealthCheck.filter_too_much]  # on a busy machine too
FRAMES, MASK = jax.ShapeDtypeStruct((TIME, 3), jnp.float32), jax.ShapeDtypeStruct((TIME,), jnp.bool_)


def same(found, wanted, tolerance=1e-6):
    """Equal, relative to the largest of the numbers."""
    wanted = np.asarray(wanted, np.float64)
    assert np.shape(found) == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * max(1, np.abs(wanted).max()))


@settings(deadline=None, max_examples=15, suppress_health_check=HEALTHY)
@given(st.integers(1, 3).flatmap(programs_of), cases)
@np.errstate(over="ignore")  # in the reference
def test_any_program_gives_the_same(term, frames):
    groups = {"where": np.array([0, 1, 1]), "nose": np.array([0, 1, 0])}
    wanted = reference.value(term, frames, groups)
    for nudge in (-1e-5, 1e-5):  # What stands on the edge of a threshold may fall to either side.
        near = reference.value(term, frames + np.float64(nudge), groups)
        assume(np.abs(near - wanted).max() < 1e-2 * max(1, np.abs(wanted).max()))
    scores = loaded(to_numpy(graph_of(program_of(term, BOUND)))).scores
    found = scores(frames)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6 * max(1, np.abs(wanted).max()))


FORMS = [(networks.SequenceToVector, 1, False), (networks.SequenceToSequence, 2, True)]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(("cls", "layers", "both"), FORMS)
def test_recurrent_networks(cls, cell, layers, both):
    network = cls(3, 2, cell=cell, hidden=4, layers=layers, bidirectional=both, key=jax.random.key(1))
    network = networks.with_scaling(network, [1.0, 2.0, 3.0], [2.0, 1.0, 0.5])
    call = loaded(to_numpy(trace(network, FRAMES, MASK), name="call")).call
    run = eqx.filter_jit(network)
    rng = np.random.default_rng(0)
    for time in (1, 9):
        frames, mask = rng.normal(0, 2, (time, 3)).astype(np.float32), rng.random(time) < 0.7
        same(call(frames, mask), run(frames, mask), 2e-6)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_perceptron(activation):
    network = networks.VectorToVector(3, 2, depth=2, activation=activation, key=jax.random.key(0))
    call = loaded(to_numpy(trace(network, jax.ShapeDtypeStruct((3,), jnp.float32)), name="call")).call
    values = np.float32([0.3, -2.0, 1.5])
    same(call(values), network(jnp.asarray(values)))


def test_a_cell_alone_is_a_recurrent_network_too():
    network = networks.Recurrent("lstm", 3, 4, key=jax.random.key(0))
    call = loaded(to_numpy(trace(network, FRAMES, MASK), name="call")).call
    frames = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    same(call(frames, np.ones(6, bool)), network(jnp.asarray(frames), jnp.ones(6, bool)))


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_networks_of_layers(name):
    network, examples, args = sequential(name, TIME)
    wanted = network(*map(jnp.asarray, args))
    same(loaded(to_numpy(trace(network, *examples), name="call")).call(*args), wanted)


def test_scores_and_labels_of_a_whole_test_set(vowels):
    _, test = load("japanese-vowels")
    program = Program.parse(vowels)
    module = loaded(program_to_numpy(program))
    values, mask = test.X.pad()
    wanted = program.scores(values, mask)
    found = np.stack([module.scores(v[m]) for v, m in zip(values, mask, strict=True)])
    assert len(found) == 370
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
    labels = [module.predict(v[m]) for v, m in zip(values, mask, strict=True)]
    assert labels == program.decide(wanted).tolist()


def test_a_program_is_a_short_file():
    program = Program.parse("""language sequence
input x: Seq[Real[2]] of speed, angle
output classes ["rest", "walk"]
program
  affine[2*speed - angle + 0.5](mean(part[part=1, of=3](x))) + affine[1*speed](last(x))
""")
    assert (
        program_to_numpy(program).split('"""\n\n', 1)[1]
        == '''import numpy as np

WEIGHT = np.array([
    [2.0, -1.0],
])
WEIGHT_2 = np.array([
    [1.0, 0.0],
])


def scores(frames):
    frames = np.asarray(frames, np.float32).astype(float)
    if frames.ndim != 2 or frames.shape[0] < 1 or frames.shape[1] != 2:
        raise ValueError(f"frames has shape {frames.shape}, not (T, 2)")
    T = len(frames)
    return WEIGHT @ frames[:max(T // 3, 1)].mean(axis=0) + 0.5 + WEIGHT_2 @ frames[-1]


classes = ['rest', 'walk']


def predict(frames):
    """The class of one sequence."""
    return classes[int(1 / (1 + np.exp(-scores(frames)[0])) > 0.5)]
'''
    )


def test_a_table_and_its_formula():
    program = Program.parse("""language arithmetic
input x: Real[2] of mass, speed
output numbers energy
program
  mul(0.5, mul(mass, square(speed))) + sqrt(mass)
""")
    scores = loaded(to_numpy(graph_of(program))).scores
    same(scores([3.0, 4.0]), [24 + np.sqrt(3)])


TAGGER = """language sequence
input x: Seq[Real[2]] of speed, angle
output tags ["rest", "walk"]
program
  map(v -> if affine[speed - 1](v) > 0 then affine[2*angle](v) else affine[-1*speed](v), prefix_max(x))
"""


def test_a_tagger_answers_at_every_frame():
    program = Program.parse(TAGGER)
    frames = np.random.default_rng(0).normal(1, 1, (9, 2)).astype(np.float32)
    same(loaded(to_numpy(graph_of(program))).scores(frames), function_of(program)(jnp.asarray(frames)))


ARCHITECTURE = """language architecture
input x: Seq[Real[2]] of speed, angle
output numbers y
program
  linear[bias=[0.5], weight=[[1, -1]]](last(fold[hidden=2](h -> v -> tanh(
    mix[bias=[0, 0.25], kernel=[[1, 0.5], [2, -1]], recurrent=[[0, 1], [1, 0]]](v, h)), x)))
"""


def test_a_network_as_a_program():
    program = Program.parse(ARCHITECTURE)
    frames = np.random.default_rng(0).normal(0, 1, (7, 2)).astype(np.float32)
    same(loaded(to_numpy(graph_of(program))).scores(frames), function_of(program)(jnp.asarray(frames)))


# --- one function a rule ---------------------------------------------------------------------------------


def agrees(f, *args):
    examples = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in args]
    call = loaded(to_numpy(trace(f, *examples), name="call")).call
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        wanted = jax.tree.leaves(f(*map(jnp.asarray, args)))
    found = call(*args)
    for one, other in zip(found if len(wanted) > 1 else [found], wanted, strict=True):
        same(one, other, 3e-6)


@pytest.mark.parametrize("f", FUNCTIONS)
@jax.numpy_rank_promotion("allow")
@jax.numpy_dtype_promotion("standard")
def test_functions(f):
    agrees(f, X)


@pytest.mark.parametrize("f", WITH_PLACES)
@jax.numpy_rank_promotion("allow")
@jax.numpy_dtype_promotion("standard")
def test_functions_of_places(f):
    agrees(f, X, K)


# --- what it says where it cannot ------------------------------------------------------------------------


def test_what_has_no_rule_is_named_with_its_line():
    graph = trace(lambda x: jnp.fft.fft(x).real, jax.ShapeDtypeStruct((8,), jnp.float32))
    with pytest.raises(ExportError, match=r"test_numpy\.py, line \d+"):
        to_numpy(graph)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x[jnp.array([0, 1]), jnp.array([1, 2])], "several axes at once"),
        (lambda x: x.at[jnp.int32(9)].get(mode="fill"), "fill value"),
        (lambda x: lax.pad(x, 0.0, ((0, 0, 1), (0, 0, 0))), "padding between entries"),
        (lambda x: lax.round(x), "rounding away from 0"),
        (lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2, 1), window_dilation=(2, 1)), "with holes"),
    ],
)
def test_refusals(f, message):
    graph = trace(f, jax.ShapeDtypeStruct((4, 3), jnp.float32))
    with pytest.raises(ExportError, match=message):
        to_numpy(graph)


def test_a_random_key_is_no_input():
    graph = trace(lambda x, key: x, jnp.ones(3), jax.random.key(0))
    with pytest.raises(ExportError, match="The input key has the type"):
        to_numpy(graph)


def test_a_size_must_be_an_axis():
    (n,) = jax.export.symbolic_shape("n")
    graph = trace(lambda x: x.reshape(-1, 2) * n, jax.ShapeDtypeStruct((2 * n,), jnp.float32))
    with pytest.raises(ExportError, match="The size n is no axis"):
        to_numpy(graph)


def test_a_file_refuses_other_shapes_itself():
    scores = loaded(to_numpy(trace(lambda x: x.sum(0), FRAMES), name="scores")).scores
    for shape in ((2, 4), (0, 3), (3,)):
        with pytest.raises(ValueError, match=r"x has shape \(.*\), not \(T, 3\)"):
            scores(np.ones(shape))


def test_a_file_refuses_a_mask_of_another_length():
    scores = loaded(
        to_numpy(trace(lambda x, m: jnp.where(m, x[:, 0], 0.0), FRAMES, MASK), name="scores")
    ).scores
    with pytest.raises(ValueError, match=r"m has shape \(3,\), not \(2,\)"):
        scores(np.ones((2, 3)), np.ones(3, bool))


def test_an_array_that_is_called_as_a_size_is():
    t = np.arange(3.0, dtype=np.float32)
    scores = loaded(to_numpy(trace(lambda x: x.sum(0) / x.shape[0] ** 2 + t, FRAMES), name="scores")).scores
    same(scores(np.ones((4, 3))), [0.25, 1.25, 2.25])


def test_names_that_python_keeps_for_itself():
    text = to_numpy(trace(lambda x: x + 1, jnp.ones(3)), name="class", doc='Says """so""" and \\n.\nTwice.')
    assert "def class_(x)" in text
    loaded(text)
