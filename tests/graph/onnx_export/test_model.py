"""The model around the nodes: names, sizes, versions, files, errors, and the way back."""

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import pytest
from jax import export, lax
from onnx_agreement import agrees, run, same, session

from antiphon import __version__
from antiphon.errors import ExportError, OutputError
from antiphon.graph import trace
from antiphon.graph.onnx_export import _model, save_onnx, to_onnx
from antiphon.graph.onnx_import import from_onnx
from antiphon.networks import Recurrent, SequenceToSequence, SequenceToVector, VectorToVector

T, N = export.symbolic_shape("T, N")
X = np.random.default_rng(3).normal(size=(7, 3)).astype(np.float32)


def shaped(*shape, dtype=np.float32):
    return jax.ShapeDtypeStruct(shape, dtype)


def test_a_model_says_who_made_it_and_what_it_is():
    graph = trace(lambda frames, mask: frames * mask[:, None], shaped(T, 3), shaped(T))
    model = to_onnx(graph, name="gate", text="program of mine", metadata={"features": "speed, nose, angle"})
    assert (model.producer_name, model.producer_version) == ("antiphon", __version__)
    assert (model.graph.name, model.doc_string) == ("gate", "program of mine")
    assert {p.key: p.value for p in model.metadata_props} == {"features": "speed, nose, angle"}
    ready = session(model)
    assert [(i.name, i.shape) for i in ready.get_inputs()] == [("frames", ["T", 3]), ("mask", ["T"])]
    assert [(o.name, o.shape) for o in ready.get_outputs()] == [("output", ["T", 3])]


def test_names_are_those_asked_for_even_of_inputs_that_are_outputs_and_of_one_output_twice():
    graph = trace(lambda x, y: (x, y + 1, y + 1, jnp.float32(3)), X, X)
    model = to_onnx(graph, input_names=["a", "constant"], output_names=["p", "q", "add", "s"])
    ready = session(model)
    assert [i.name for i in ready.get_inputs()] == ["a", "constant"]
    assert [o.name for o in ready.get_outputs()] == ["p", "q", "add", "s"]
    same(run(ready, X, 2 * X), (X, 2 * X + 1, 2 * X + 1, np.float32(3)))


SIZES = {
    "sums": lambda x: x.sum(0) / (x.shape[0] + 2 * x.shape[0] - 1),
    "a square": lambda x: jnp.ones((x.shape[0] * x.shape[0],), jnp.float32) * x[0, 0],
    "a quotient": lambda x: x[: x.shape[0] // 2] + x.shape[0] % 3,
    "padding": lambda x: jnp.concatenate([x, x[:1], jnp.pad(x, ((0, x.shape[0]), (0, 0)))]),
    "a flat one": lambda x: x.reshape(-1)[::2],
    "a slice to the end": lambda x: x[1:] - x[:-1],
    "an end that may be none": lambda x: x[3:].sum(0) + x[-2:].sum(0),
    "counts": lambda x: lax.cumsum(x) / (1 + jnp.arange(x.shape[0], dtype=jnp.float32))[:, None],
    "a square matrix": lambda x: (x @ x.T) @ x,
    "a matrix of differences": lambda x: (x[:, None] - x[None]).max((1, 2)),
    "a count of turns": lambda x: lax.fori_loop(0, x.shape[0], lambda i, c: c + x[i], x[0]),
    "windows": lambda x: lax.reduce_window(x, 0.0, lax.add, (3, 1), (2, 1), ((1, 1), (0, 0))),
    "a convolution": lambda x: lax.conv_general_dilated(x.T[None], x[:2].T[None], (1,), [(1, 2)]),
    "the largest": lambda x: (jnp.sort(x, 0), jnp.argmax(x, 0), x.at[0].set(0.0), x.at[-1, 1].add(2.0)),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_computed_from_the_shapes_of_inputs(name):
    f = SIZES[name]
    ready = session(to_onnx(trace(f, shaped(T, 3))))
    for time in (2, 7):
        same(run(ready, X[:time]), f(jnp.asarray(X[:time])))


def test_a_size_that_is_an_expression_is_read_off_an_axis():
    f = lambda x: x.reshape(-1) * x.shape[0]  # noqa: E731
    same(run(session(to_onnx(trace(f, shaped(T + 1, 3)))), X), f(X))


@pytest.mark.parametrize(
    "opset", [18, 23, *(pytest.param(n, marks=pytest.mark.slow) for n in (19, 20, 21, 22))]
)
def test_every_opset_gives_the_same(opset):
    def f(x):
        cell = lambda h, v: (jnp.tanh(h + v), h.max())  # noqa: E731
        return lax.scan(cell, x[0], x, reverse=True), jnp.sort(x), lax.cumsum(x), x.min(), jnp.pad(x, 1)

    model = agrees(f, X, opset=opset)
    assert model.opset_import[0].version == opset


def test_double_precision():
    with jax.enable_x64(True):
        x = X.astype(np.float64)
        agrees(lambda x: (jnp.tanh(x) @ x.T, jnp.tan(x), x.max(0), lax.expm1(x), x.astype(jnp.int64)), x)


NETWORKS = [
    lambda key: Recurrent("lstm", 3, 4, layers=2, bidirectional=True, key=key),
    lambda key: SequenceToVector(3, 2, cell="gru", bidirectional=True, key=key),
    lambda key: SequenceToSequence(3, 2, cell="rnn", key=key),
]


@pytest.mark.parametrize("make", NETWORKS, ids=["recurrent", "vector", "sequence"])
def test_networks_come_back_through_the_import(make):
    network, mask = make(jax.random.key(4)), np.arange(7) < 5
    model = from_onnx(to_onnx(trace(network, shaped(T, 3), shaped(T, dtype=np.bool_))))
    same([np.asarray(model(X, mask))], network(X, mask))


def test_a_perceptron_comes_back_through_the_import():
    network = VectorToVector(3, 2, depth=2, key=jax.random.key(4))
    model = from_onnx(to_onnx(trace(jax.vmap(network), shaped(N, 3))))
    same([np.asarray(model(X))], jax.vmap(network)(X))


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    graph = trace(lambda x: x + 1, X)
    save_onnx(graph, tmp_path / "one.onnx", name="one")
    assert onnx.load(tmp_path / "one.onnx").graph.name == "one"
    with pytest.raises(ExportError):
        save_onnx(trace(lambda x: x + jax.random.normal(jax.random.key(0), (7, 3)), X), tmp_path / "one.onnx")
    assert onnx.load(tmp_path / "one.onnx").graph.name == "one"
    with pytest.raises(OutputError):
        save_onnx(graph, tmp_path / "nowhere" / "one.onnx")


# --- errors ---------------------------------------------------------------------------------------------

REFUSED = {
    "random": (lambda x: x + jax.random.uniform(jax.random.key(0), (7, 3)), "random"),
    "keys": (lambda x: jax.random.key(0), "random"),
    "callback": (lambda x: jax.pure_callback(lambda a: a, x, x), "'pure_callback' calls back"),
    "print": (lambda x: jax.debug.callback(lambda a: None, x), None),
    "complex": (lambda x: lax.complex(x, x).real, "Complex numbers"),
    "a decomposition": (lambda x: jnp.linalg.cholesky(x.T @ x), "no rule for 'cholesky'"),
    "digamma": (lambda x: lax.digamma(x), "no rule for 'digamma'"),
    "half erfc": (lambda x: lax.erfc(x.astype(jnp.float16)), "float32"),
    "precision": (lambda x: lax.reduce_precision(x, 5, 3), "3 bits"),
    "bits": (lambda x: lax.reduce_or(x.astype(jnp.int32), (0,)), "reduction of bits"),
    "own reduction": (lambda x: lax.reduce(x, 0.0, lambda a, b: a + 2 * b, (0,)), "function of one's own"),
    "group": (
        lambda x: lax.conv_general_dilated(
            x[:6, :, None], x[:2, :, None], (1,), "VALID", batch_group_count=2
        ),
        "groups of the batch",
    ),
}


@pytest.mark.parametrize("name", [n for n, (_, message) in REFUSED.items() if message])
def test_what_onnx_cannot_say_is_refused_by_name_and_line(name):
    f, message = REFUSED[name]
    with pytest.raises(ExportError, match=message) as caught:
        to_onnx(trace(f, X))
    if name not in ("keys",):
        assert f"{__file__}:" in str(caught.value)


def test_unsigned_numbers_of_64_bits_are_refused():
    with jax.enable_x64(True):
        x = np.arange(3, dtype=np.uint64)
        for f in (lambda x: x + x, lambda x: x // 2, lambda x: x.sum()):
            with pytest.raises(ExportError, match="uint64"):
                to_onnx(trace(f, x))


def test_windows_as_wide_as_time_are_refused():
    f = lambda x: lax.reduce_window(x, 0.0, lax.add, (x.shape[0], 1), (1, 1), "VALID")  # noqa: E731
    with pytest.raises(ExportError, match="A window of T entries"):
        to_onnx(trace(f, shaped(T, 3)))


def test_a_size_that_no_axis_has_is_refused():
    with pytest.raises(ExportError, match="the size of no axis"):
        to_onnx(trace(lambda x: x.sum(0) * T, shaped(2 * T, 3)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"opset": 12}, "opset=12"),
        ({"opset": True}, "opset=True"),
        ({"opset": 99}, "opset=99"),
        ({"input_names": []}, "0 input names for a graph with 1 inputs"),
        ({"output_names": ["a", "b"]}, "2 output names"),
        ({"output_names": [""]}, "none empty"),
        ({"input_names": ["a"], "output_names": ["a"]}, "for an input and for an output"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ExportError, match=message):
        to_onnx(trace(lambda x: x + 1, X), **settings)


def test_more_than_a_file_can_hold_is_refused(monkeypatch):
    monkeypatch.setattr(_model, "LARGEST", 10)
    with pytest.raises(ExportError, match="2 GiB"):
        to_onnx(trace(lambda x: x + jnp.asarray(3 * X), X))


def test_without_onnx_the_error_says_what_to_install(monkeypatch):
    for name in ("onnx", "antiphon.graph.onnx_export._model"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    monkeypatch.delitem(__import__("sys").modules, "antiphon.graph.onnx_export._model")
    with pytest.raises(ExportError, match="pip install"):
        to_onnx(trace(lambda x: x, X))
