"""Tracing, running, gradients, batches, counting, named sizes, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import equinox as eqx
import generated_functions as generated
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from antiphon.errors import GraphError
from antiphon.graph import (
    Equation,
    Graph,
    Literal,
    Value,
    check,
    from_jaxpr,
    interpret,
    resize,
    to_jaxpr,
    trace,
)

X = np.float32([0.5, -1, 2])


def operations(graph: Graph) -> dict[str, int]:
    """Without conversions, of which JAX leaves out those that change nothing."""
    return {k: n for k, n in graph.count().by_primitive.items() if k != "convert_element_type"}


@settings(max_examples=4, deadline=None, derandomize=True)
@given(generated.programs())
def test_a_graph_gives_what_its_function_does_and_so_does_its_jaxpr(f):
    x, y = generated.arrays()
    graph = trace(f, x, y)
    check(graph)
    want = jax.jit(f)(x, y)
    np.testing.assert_allclose(jax.jit(graph)(x, y), want, rtol=1e-6, atol=1e-6)
    again = from_jaxpr(to_jaxpr(graph))
    check(again)
    assert operations(again) == operations(graph)
    np.testing.assert_allclose(jax.jit(again)(x, y)[0], want, rtol=1e-6, atol=1e-6)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(generated.programs(most=4))
def test_gradient_and_batch_are_those_of_jax(f):
    x, y = generated.arrays()
    loss = generated.loss(f)
    slopes = trace(loss, x, y).grad((0, 1))
    check(slopes)
    for got, want in zip(jax.jit(slopes)(x, y), jax.jit(jax.grad(loss, (0, 1)))(x, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
    many = np.stack([x, 2 * x])
    batch = trace(f, x, y).batch((0, None))
    check(batch)
    want = jax.jit(jax.vmap(f, (0, None)))(many, y)
    np.testing.assert_allclose(jax.jit(batch)(many, y), want, rtol=1e-5, atol=1e-5)


def test_arguments_and_results_keep_their_structure():
    graph = trace(lambda state, flag, *rest: {"h": state["h"] + rest[0], "mode": flag}, {"h": X}, "fast", 2.0)
    assert [v.name for v in graph.inputs] == ["state.h", "rest"]
    got = graph({"h": X}, "fast", 2.0)
    assert got["mode"] == "fast"
    np.testing.assert_array_equal(got["h"], X + 2)
    with pytest.raises(GraphError, match="are built as"):
        graph([X], "fast", 2.0)


class Net(eqx.Module):
    layers: list[eqx.nn.Linear]

    def __call__(self, x):
        for layer in self.layers:
            x = jnp.tanh(layer(x))
        return x

    def penalty(self):
        return jnp.sum(self.layers[0].weight ** 2)


def test_modules_methods_and_closures_have_named_constants():
    net = Net([eqx.nn.Linear(3, 3, key=k) for k in jax.random.split(jax.random.key(0), 2)])
    graph = trace(net, X)
    names = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]
    assert graph.name == "Net"
    assert [v.name for v in graph.constants] == names
    np.testing.assert_allclose(graph(X), net(X), rtol=1e-6)
    assert [v.name for v in trace(net.penalty).constants][:1] == ["layers.0.weight"]
    assert "net.layers.0.weight" in [v.name for v in trace(lambda x: net(x), X).constants]
    held = jax.tree_util.Partial(lambda w, x: w["a"] * x, {"a": jnp.ones(3)})
    assert [v.name for v in trace(held, X).constants] == ["w.a"]
    assert trace(partial(jnp.add, 1.0), X)(X).tolist() == (X + 1).tolist()


def test_values_have_the_names_and_lines_of_the_code():
    def f(x):
        doubled = x * 2
        return jnp.sin(doubled)

    graph = trace(f, X)
    first = graph.equations[0]
    assert first.outputs[0].name == "doubled"
    assert first.source.file == __file__
    assert first.source.line == f.__code__.co_firstlineno + 1


def test_custom_rules_of_derivatives_are_kept():
    graph = trace(lambda x: jnp.sum(generated.doubled_slope(x)), X)
    assert [e.primitive for e in graph.equations] == ["custom_jvp_call", "reduce_sum"]
    np.testing.assert_allclose(jax.grad(graph)(X), 2.0)
    np.testing.assert_allclose(graph.grad()(X), 2.0)


@jax.custom_vjp
def tripled_slope(x):
    return jnp.sin(x)


tripled_slope.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (3.0 * g,))


def test_named_sizes_take_any_size():
    def f(x):
        total = jnp.cumsum(jax.nn.relu(x), axis=0)[-1] + tripled_slope(x)[0]
        last, _ = jax.lax.scan(lambda h, row: (jnp.tanh(h + row), None), jnp.zeros(2), x)
        return jnp.sum(total + last) + x.shape[0]

    frames = jax.ShapeDtypeStruct(jax.export.symbolic_shape("T, 2"), np.float32)
    graph = trace(f, frames)
    check(graph)
    for size in (1, 7):
        x = np.random.default_rng(size).normal(size=(size, 2)).astype(np.float32)
        np.testing.assert_allclose(jax.jit(graph)(x), jax.jit(f)(x), rtol=1e-6)
        np.testing.assert_allclose(jax.jit(jax.grad(graph))(x), jax.jit(jax.grad(f))(x), rtol=1e-6)
    check(resize(graph, {"T": 3}))
    assert "T times" in str(graph)
    assert graph.count().by_primitive["tanh"] == frames.shape[0]
    assert resize(graph, {"T": 5}).count().by_primitive["tanh"] == 5


def test_a_graph_traced_while_jax_traces_holds_what_is_traced():
    @jax.jit
    def f(w, x):
        return trace(lambda v: v * w, x)(x)

    np.testing.assert_array_equal(f(X, X), X * X)


def test_a_count_counts_steps_of_loops_and_the_larger_branch():
    def f(x):
        x = jax.lax.fori_loop(0, 5, lambda i, h: jnp.sin(h), x)
        return jax.lax.cond(x[0] > 0, lambda v: jnp.cos(jnp.cos(v)), jnp.exp, x)

    count = trace(f, X).count()
    assert (count.by_primitive["sin"], count.by_primitive["cos"], count.by_primitive["exp"]) == (5, 2, 1)
    assert count.bounded
    weights = jnp.ones((3, 4))
    count = trace(lambda x: x @ weights, X).count()
    assert (count.flops, count.parameters, count.bytes, count.equations) == (24, 12, 48, 1)
    assert "24 flops" in str(count)
    open_ended = trace(lambda x: jax.lax.while_loop(lambda s: s[0] < 9, lambda s: s + 1, x), X).count()
    assert not open_ended.bounded
    assert str(open_ended).startswith("at least")


def test_a_picture_names_every_operation():
    text = trace(lambda x: jax.lax.scan(lambda h, v: (h + v, h), 0.0, x), X).to_dot()
    assert text.count("{") == text.count("}")
    assert all(word in text for word in ("scan", "subgraph", "add", "f32[3]"))


REFUSED = {
    "shape": (lambda: trace(jnp.sin, X)(X[:2]), "has the shape"),
    "rank": (lambda: trace(jnp.sin, X)(1.0), "has the shape"),
    "dtype": (lambda: trace(jnp.sin, X)(np.arange(3)), "convert it"),
    "too many": (lambda: replace(trace(jnp.sin, X), trees=None)(X, X), "2 arrays"),
    "value": (lambda: trace(lambda x: 1 if x > 0 else 2, 1.0), "hybridize"),
    "not one": (lambda: trace(jnp.sin, X).grad(), "one real number"),
    "no argument": (lambda: trace(jnp.sum, X).grad(3), "no argument 3"),
    "whole": (lambda: trace(lambda n: jnp.sum(n * 1.0), 3).grad(), "no gradient by"),
    "no cases": (lambda: trace(jnp.sin, X).batch(None), "axis of cases"),
    "axes": (lambda: trace(jnp.sin, X).batch((0, 0)), "2 axes"),
    "axis": (lambda: trace(jnp.sin, X).batch(5), "No axis 5"),
    "rule": (
        lambda: interpret(trace(jnp.sin, X), {}, [0], interpretation="bounds"),
        r"bounds has no rule.*sin",
    ),
    "args": (lambda: interpret(trace(jnp.sin, X), {}, [], interpretation="bounds"), "0 arguments"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused(case):
    act, message = REFUSED[case]
    with pytest.raises(GraphError, match=message):
        act()


def test_sizes_that_do_not_fit_are_refused():
    shape = jax.ShapeDtypeStruct(jax.export.symbolic_shape("T"), np.float32)
    graph = trace(lambda a, b: a + b, shape, shape)
    with pytest.raises(GraphError, match=r"Input b .*shape"):
        graph(X, X[:2])
    with pytest.raises(GraphError, match="No value for the size T"):
        resize(graph, {})
    twice = jax.ShapeDtypeStruct(jax.export.symbolic_shape("2*T"), np.float32)
    with pytest.raises(GraphError, match="cannot be read off"):
        trace(jnp.sin, twice)(np.ones(4, np.float32))


def changed(graph: Graph, k: int, **fields) -> Graph:
    equations = list(graph.equations)
    equations[k] = replace(equations[k], **fields)
    return replace(graph, equations=tuple(equations))


def _bad_graphs():
    graph = trace(lambda x: jnp.cos(jnp.sin(x)), X)
    one, two = graph.equations
    value = one.outputs[0]
    yield "not defined", replace(graph, equations=(two, one))
    yield "not defined", replace(graph, equations=(one,))
    yield "two values are called", replace(graph, equations=(one, replace(one), two))
    yield "two values are called", changed(graph, 1, outputs=(replace(two.outputs[0], name=value.name),))
    yield "and not", changed(graph, 0, outputs=(replace(value, shape=(4,)),))
    yield "JAX refuses", changed(graph, 0, inputs=(Literal(np.arange(3)),))
    yield "constant c holds", replace(graph, constants={Value("c", (2,), np.dtype("float32")): X})
    yield "results of the function", replace(graph, outputs=())
    loop = trace(lambda x: jax.lax.scan(lambda h, v: (h + v, h), 0.0, x), X)
    params = loop.equations[-1].params
    yield "passes 1 values as 2", changed(loop, -1, inputs=loop.equations[-1].inputs[:1])
    yield "steps over", changed(loop, -1, params={**params, "length": 4})
    body = params["jaxpr"]
    wrong = replace(body, outputs=(Literal(np.int32(0) + np.zeros((), np.int32)), body.outputs[1]))
    yield "as ", changed(loop, -1, params={**params, "jaxpr": wrong})
    yield "passes", changed(loop, -1, params={**params, "jaxpr": replace(body, outputs=body.outputs[:1])})
    branch = trace(lambda x: jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), X)
    branches = branch.equations[-1].params["branches"]
    empty = replace(branches[0], outputs=())
    yield "is called with", changed(branch, -1, inputs=branch.equations[-1].inputs[:1])
    yield "passes 1 values as 0", changed(branch, -1, params={"branches": (empty, branches[1])})
    endless = trace(lambda x: jax.lax.while_loop(lambda s: s[0] < 9, lambda s: s + 1, x), X)
    params = endless.equations[-1].params
    asked = replace(params["cond_jaxpr"], outputs=(Literal(np.float32(1) + np.zeros((), np.float32)),))
    yield "gives more than one bool", changed(endless, -1, params={**params, "cond_jaxpr": asked})


@pytest.mark.parametrize("case", range(15))
def test_a_graph_that_is_not_well_formed_is_refused(case):
    message, graph = list(_bad_graphs())[case]
    with pytest.raises(GraphError, match=message):
        check(graph)


def test_an_interpretation_of_ones_own():
    def depth(equation: Equation, inputs: list[int]) -> list[int]:
        return [1 + max(inputs)] * len(equation.outputs)

    graph = trace(lambda x: jnp.sin(x * 2) + x, 1.0)
    rules = dict.fromkeys(["mul", "sin", "add"], depth)
    assert interpret(graph, rules, [0], interpretation="depth", lift=lambda array: 0) == [3]
