"""C99 source, compiled with every warning an error and called through ctypes."""

import ctypes
import re
import shutil
import subprocess

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
from exported import TIME, function_of, graph_of, named_arrays, program_of
from functions import FUNCTIONS, SEQUENTIAL, WITH_PLACES, K, X, lax, sequential
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import BOUND, cases, programs_of

from antiphon import networks
from antiphon.data import load
from antiphon.errors import ExportError
from antiphon.graph import trace
from antiphon.graph.source import to_c
from antiphon.language import Program

HEALTHY = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.function_scoped_fixture,
]  # on a busy machine too
FRAMES, MASK = jax.ShapeDtypeStruct((TIME, 3), jnp.float32), jax.ShapeDtypeStruct((TIME,), jnp.bool_)
FLAGS = ("-std=c99", "-Wall", "-Werror", "-pedantic", "-O1", "-shared", "-fPIC")
CTYPES = {"f": ctypes.c_float, "i": ctypes.c_int, "b": ctypes.c_ubyte}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc to compile with")
    return tmp_path_factory.mktemp("c")


class Compiled:
    """A C function as one of arrays; what it writes beyond its results is noticed."""

    def __init__(self, graph, folder, **options):
        self.graph = graph
        text = to_c(graph, name="f", **options)
        path = folder / f"f{len(list(folder.glob('*.c')))}"
        path.with_suffix(".c").write_text(text)
        command = ["gcc", *FLAGS, "-o", f"{path}.so", f"{path}.c", "-lm"]
        built = subprocess.run(command, capture_output=True, text=True)
        assert not built.returncode, built.stderr + text
        self.library = ctypes.CDLL(f"{path}.so")
        self.library.f_workspace.restype = ctypes.c_size_t

    def __call__(self, *args):
        pointers, sizes = [], {}
        for value, given_ in zip(self.graph.inputs, args, strict=True):
            kind = np.dtype(value.dtype).kind
            flat = np.ascontiguousarray(given_, {"f": np.float32, "i": np.int32, "b": np.uint8}[kind])
            assert flat.shape == given_.shape
            pointers.append(flat)
            sizes |= {
                str(n): m for n, m in zip(value.shape, given_.shape, strict=True) if not isinstance(n, int)
            }
        outs = []
        for value in self.graph.outputs:
            shape = [n if isinstance(n, int) else eval(str(n), dict(sizes)) for n in value.shape]
            kind = {"f": np.float32, "i": np.int32, "b": np.uint8}[np.dtype(value.dtype).kind]
            outs.append(np.full((int(np.prod(shape)) + 4,), 77, kind))
        need = self.library.f_workspace(*sizes.values())
        work = np.full((need + 64,), 0x5A, np.uint8)
        address = [p.ctypes.data_as(ctypes.c_void_p) for p in (*pointers, *outs, work)]
        count = len(pointers)
        self.library.f(*address[:count], *sizes.values(), *address[count:])
        assert (work[need:] == 0x5A).all()
        results = []
        for value, out in zip(self.graph.outputs, outs, strict=True):
            assert (out[-4:] == 77).all()
            shape = [n if isinstance(n, int) else eval(str(n), dict(sizes)) for n in value.shape]
            results.append(out[:-4].reshape(shape))
        return results[0] if len(results) == 1 else results


def same(found, wanted, tolerance=2e-6):
    wanted = np.asarray(wanted, np.float64)
    assert np.shape(found) == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * max(1, np.abs(wanted).max()))


@pytest.mark.slow
@settings(deadline=None, max_examples=8, suppress_health_check=HEALTHY)
@given(st.integers(1, 3).flatmap(programs_of), cases)
@np.errstate(over="ignore")  # in the reference
def test_any_program_gives_the_same(folder, term, frames):
    groups = {"where": np.array([0, 1, 1]), "nose": np.array([0, 1, 0])}
    wanted = reference.value(term, frames, groups)
    for nudge in (-1e-3, 1e-3):  # What stands on the edge of a threshold may fall to either side.
        near = reference.value(term, frames + np.float64(nudge), groups)
        assume(np.abs(near - wanted).max() < 0.1 * max(1, np.abs(wanted).max()))
    assume(np.abs(wanted).max() < 1e6)
    same(Compiled(graph_of(program_of(term, BOUND)), folder)(frames), wanted, 1e-4)


FORMS = [(networks.SequenceToVector, 2, True), (networks.SequenceToSequence, 1, False)]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(("cls", "layers", "both"), FORMS)
def test_recurrent_networks(folder, cls, cell, layers, both):
    network = cls(3, 2, cell=cell, hidden=4, layers=layers, bidirectional=both, key=jax.random.key(1))
    network = networks.with_scaling(network, [1.0, 2.0, 3.0], [2.0, 1.0, 0.5])
    call, run = Compiled(trace(network, FRAMES, MASK), folder), eqx.filter_jit(network)
    rng = np.random.default_rng(0)
    for time in (1, 9):
        frames, mask = rng.normal(0, 2, (time, 3)).astype(np.float32), rng.random(time) < 0.7
        same(call(frames, mask), run(frames, mask))


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_networks_of_layers(folder, name):
    network, examples, args = sequential(name, TIME)
    wanted = network(*map(jnp.asarray, args))
    same(Compiled(trace(network, *examples), folder)(*args), wanted)


def test_scores_and_labels_of_a_whole_test_set(folder, vowels):
    program = Program.parse(vowels)
    call = Compiled(graph_of(program), folder, doc=str(program), constants=named_arrays(program))
    _, test = load("japanese-vowels")
    values, mask = test.X.pad()
    wanted = program.scores(values, mask)
    found = np.stack([call(v[m]) for v, m in zip(values, mask, strict=True)])
    assert len(found) == 370
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
    np.testing.assert_array_equal(program.decide(found), program.decide(wanted))


@pytest.mark.parametrize("f", [f for f in FUNCTIONS if "sort" not in f.__code__.co_names])
@jax.numpy_rank_promotion("allow")
@jax.numpy_dtype_promotion("standard")
def test_functions(folder, f):
    graph = trace(f, jax.ShapeDtypeStruct(X.shape, X.dtype))
    wanted = jax.tree.leaves(f(jnp.asarray(X)))
    found = Compiled(graph, folder)(X)
    for one, other in zip(found if len(wanted) > 1 else [found], wanted, strict=True):
        same(one, other, 4e-6)


@pytest.mark.parametrize("f", WITH_PLACES)
@jax.numpy_rank_promotion("allow")
@jax.numpy_dtype_promotion("standard")
def test_functions_of_places(folder, f):
    graph = trace(f, *(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in (X, K)))
    same(Compiled(graph, folder)(X, K), f(jnp.asarray(X), jnp.asarray(K)), 4e-6)


def test_several_results_and_sizes(folder):
    s, t = jax.export.symbolic_shape("S, T")
    shapes = [jax.ShapeDtypeStruct((n, 2), jnp.float32) for n in (s, t)]
    f = lambda a, b: (a @ b.T, jnp.concatenate([a, b]), a.sum())  # noqa: E731
    one, other = np.float32([[1, 2], [3, 4], [5, 6]]), np.float32([[1, -1], [0, 2]])
    for found, wanted in zip(
        Compiled(trace(f, *shapes), folder)(one, other), f(jnp.asarray(one), jnp.asarray(other)), strict=True
    ):
        same(found, wanted)


def test_a_large_array_is_not_on_the_stack():
    text = to_c(trace(lambda x: jnp.tanh(x) @ jnp.tanh(x).T, jax.ShapeDtypeStruct((2000, 2), jnp.float32)))
    assert re.search(r"float \*\w+ = workspace;", text)
    assert "return 4 * ((size_t)4000 + " in text


@pytest.mark.parametrize(
    "f", [lambda x: jnp.sort(x), lambda x: jnp.linalg.inv(x), lambda x: jax.lax.top_k(x, 2)]
)
def test_what_has_no_rule_is_named_with_its_line(f):
    graph = trace(f, jax.ShapeDtypeStruct((3, 3), jnp.float32))
    with pytest.raises(ExportError, match=r"test_c\.py, line \d+\) has no rule in C"):
        to_c(graph)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: lax.pad(x, 0.0, ((0, 0, 1), (0, 0, 0))),
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2, 1), window_dilation=(2, 1)),
    ],
)
def test_refusals(f):
    with pytest.raises(ExportError, match="has no rule in C"):
        to_c(trace(f, jax.ShapeDtypeStruct((4, 3), jnp.float32)))


def test_a_comment_stays_one():
    assert "/*\nends here * / or not\n*/" in to_c(trace(lambda x: x, jnp.ones(2)), doc="ends here */ or not")


def test_a_tagger(folder):
    program = Program.parse("""language sequence
input x: Seq[Real[2]] of speed, angle
output tags ["rest", "walk"]
program
  map(v -> if affine[speed - 1](v) > 0 then affine[2*angle](v) else affine[-1*speed](v), prefix_max(x))
""")
    frames = np.random.default_rng(0).normal(1, 1, (9, 2)).astype(np.float32)
    same(Compiled(graph_of(program), folder)(frames), function_of(program)(jnp.asarray(frames)))
