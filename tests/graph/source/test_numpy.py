"""NumPy source: the same answers without JAX, and a file that a person reads."""

import itertools
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
from exported import TIME, function_of, graph_of, loaded, program_of, program_to_numpy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import BOUND, cases, programs_of

from antiphon import networks
from antiphon.data import load
from antiphon.errors import ExportError
from antiphon.graph import trace
from antiphon.graph.source import to_numpy
from antiphon.language import Program

FRAMES, MASK = jax.ShapeDtypeStruct((TIME, 3), jnp.float32), jax.ShapeDtypeStruct((TIME,), jnp.bool_)
VOWELS = """language sequence
input x: Seq[Real[12]] of c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12
output classes ["1", "2", "3"]
program
  affine[2.5*c1 - c3 + 0.25; c2 + c12 - 0.5*c4; 1.5*c7 - 3*c9](mean(x))
    + affine[c5; c6 - 0.125*c1; 2*c10](mean(part[part=2, of=3](x)))
    + affine[c1; -c2; 0.75*c3](last(window_mean[width=5, look=centred](x)))
"""


def same(found, wanted, tolerance=1e-6):
    """Equal, relative to the largest of the numbers."""
    wanted = np.asarray(wanted, np.float64)
    assert np.shape(found) == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * max(1, np.abs(wanted).max()))


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 3).flatmap(programs_of), cases)
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


NETWORKS = [
    (cls, cell, layers, both)
    for cls, cell, layers, both in itertools.product(
        (networks.SequenceToVector, networks.SequenceToSequence), ("rnn", "lstm", "gru"), (1, 2), (False, True)
    )
    if layers == 1 or both
]


@pytest.mark.parametrize(("cls", "cell", "layers", "both"), NETWORKS)
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


def test_scores_and_labels_of_a_whole_test_set():
    train, test = load("japanese-vowels")
    names = train.X.features.names
    text = VOWELS
    for k, name in enumerate(names, 1):
        text = re.sub(rf"\bc{k}\b", name, text)
    program = Program.parse(text)
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
    assert program_to_numpy(program).split('"""\n\n', 1)[1] == '''import numpy as np

WEIGHT = np.array([
    [2.0, -1.0],
])
WEIGHT_2 = np.array([
    [1.0, 0.0],
])


def scores(frames):
    frames = np.asarray(frames, np.float32).astype(float)
    if frames.ndim != 2 or frames.shape[1] != 2:
        raise ValueError(f"frames has shape {frames.shape}, not (T, 2)")
    T = len(frames)
    return WEIGHT @ frames[:max(T // 3, 1)].mean(axis=0) + 0.5 + WEIGHT_2 @ frames[-1]


classes = ['rest', 'walk']


def predict(frames):
    """The class of one sequence."""
    return classes[int(1 / (1 + np.exp(-scores(frames)[0])) > 0.5)]
'''


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

X = np.float32([[0.5, -1.25, 2.0], [3.0, 0.75, -0.5], [1.5, 1.0, 0.25], [-2.0, 0.1, 0.9]])
K = np.int32([2, 0, 3, 1])
lax = jax.lax


def while_loop(x):
    return lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * 2 + x[s[0]]), (0, jnp.zeros(3)))[1]


def power_of_two(x):
    return lax.fori_loop(0, x.shape[0], lambda i, h: h + x[i] * 2.0 ** i.astype(jnp.float32), jnp.zeros(3))


def branches(x):
    return lax.cond(x[0, 0] > 0, lambda a: a.sum(0), lambda a: a.max(0) * 2, x)


def switch(x, k):
    return lax.switch(k[0], [lambda a: a, lambda a: a * 2, lambda a: a - 1, lambda a: a + 5], x)


def swapped(x):
    return lax.scan(lambda s, v: ((s[1], s[0] + v), s[0]), (jnp.zeros(3), jnp.ones(3)), x, reverse=True)


FUNCTIONS = [
    lambda x: x @ x.T,
    lambda x: x[:, 0] @ x,
    lambda x: jnp.einsum("tn,tm->nm", x, x),
    lambda x: jnp.einsum("tn,tn->t", x, x),
    lambda x: jax.nn.softmax(x, axis=-1),
    lambda x: jax.nn.log_softmax(x, axis=0),
    lambda x: jax.nn.gelu(x) + jax.nn.silu(x) + jax.nn.elu(x) + jax.nn.softplus(x),
    lambda x: jax.nn.gelu(x, approximate=False),
    lambda x: jnp.where(x > 0, jnp.log1p(jnp.abs(x)), jnp.expm1(x)) ** 3,
    lambda x: jnp.floor(x) + jnp.ceil(x) - jnp.round(x) + jnp.sign(x),
    lambda x: jnp.sin(x) * jnp.cos(x) + jnp.tan(x / 4) - jnp.arctan2(x, 2.0) + jnp.arcsinh(x),
    lambda x: jnp.abs(x) ** jnp.float32(1.5) / lax.rsqrt(jnp.square(x) + 1) + jnp.cbrt(x),
    lambda x: jnp.clip(x, -1.0, 1.0) - jnp.minimum(x, 0.5) % 0.75,
    lambda x: -x.T.reshape(2, 6) + x.prod(),
    lambda x: x.argmax(1) - x.argmin(1) + (x > 0).sum(1),
    lambda x: (x > 0).any(0) | ~(x < 1).all(0) ^ jnp.isfinite(x[0]),
    lambda x: jnp.cumsum(x, 0)[::-1] + lax.cumsum(x, axis=1, reverse=True) + jnp.cumprod(x, 0),
    lambda x: lax.cummax(x, axis=0) - lax.cummin(x, axis=1, reverse=True),
    lambda x: jnp.pad(x, ((1, 2), (0, 1)), constant_values=7.0)[1:-1],
    lambda x: jnp.concatenate([x, 2 * x[:1]], axis=0).swapaxes(0, 1)[..., None],
    lambda x: jnp.stack([x, x * 2], axis=1),
    lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (1, 2), ((1, 0), (0, 1))),
    lambda x: lax.reduce_window(x, 0.0, lax.add, (3, 1), (2, 1), ((0, 0), (0, 0))),
    lambda x: x[-2] + x[1] - x[1:3].mean(0) + x[::2].sum(0),
    lambda x: x.std(0) + x.var(1).max() + jnp.linalg.norm(x),
    lambda x: jnp.sort(x, axis=0) + lax.dynamic_slice(x, (1, 0), (2, 3)).sum(0),
    lambda x: jnp.eye(3) + jnp.arange(3.0) + jnp.tri(3),
    lambda x: jnp.full((2, 3), 4) // 3 - lax.rem(jnp.int32(7), jnp.int32(4)),
    while_loop,
    power_of_two,
    branches,
    swapped,
    lambda x: lax.scan(lambda h, _: (h / 2 + 1, None), x, None, length=3)[0],
    lambda x: jax.vmap(lambda v: v * v.max())(x),
    lambda x: x.at[...].get() + lax.stop_gradient(x),
    lambda x: lax.select_n(x > 0, x, 2 * x) + lax.reduce_precision(x, 8, 23),
]
WITH_PLACES = [
    lambda x, k: x[k],
    lambda x, k: jnp.take(x, k % 3, axis=1, mode="clip"),
    lambda x, k: x[k[0]] + jnp.take(x, 9, axis=0, mode="clip"),
    lambda x, k: lax.dynamic_slice(x, (k[0], 0), (2, 3)),
    lambda x, k: lax.dynamic_index_in_dim(x, k[2], keepdims=False) + (k // 2)[:3],
    lambda x, k: jnp.where((k > 1)[:, None], x, k[:, None].astype(jnp.float32)),
    lambda x, k: jax.nn.one_hot(k, 4) @ x,
    switch,
]


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
    with pytest.raises(ValueError, match=r"x has shape \(2, 4\), not \(T, 3\)"):
        scores(np.ones((2, 4)))


def test_names_that_python_keeps_for_itself():
    text = to_numpy(trace(lambda x: x + 1, jnp.ones(3)), name="class", doc='Says """so""" and \\n.\nTwice.')
    assert "def class_(x)" in text
    loaded(text)
