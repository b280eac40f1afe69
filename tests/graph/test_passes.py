"""Passes keep values and gradients, and leave well-formed graphs."""

from __future__ import annotations

from dataclasses import replace

import generated_functions as generated
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from antiphon.errors import GraphError
from antiphon.graph import (
    PASSES,
    apply_identities,
    check,
    drop_dead,
    fold_constants,
    fuse_affine,
    inline_derivatives,
    merge_common,
    optimise,
    trace,
)

W = np.float32([[1, 2, 0], [0, 1, -1], [3, 0, 1]])
X = np.float32([0.5, -1, 2])


def primitives(graph):
    return [equation.primitive for equation in graph.equations]


def gradients(f, *args):
    return jax.jit(jax.grad(generated.loss(f), (0, 1)))(*args)


@settings(max_examples=4, deadline=None, derandomize=True)
@given(generated.programs())
def test_each_pass_keeps_values_and_gradients(f):
    keeps_values_and_gradients(f)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(generated.programs(most=10))
def test_each_pass_keeps_values_and_gradients_of_many_graphs(f):
    keeps_values_and_gradients(f)


def keeps_values_and_gradients(f):
    x, y = generated.arrays()
    graph = trace(f, x, y)
    want, slopes = jax.jit(f)(x, y), gradients(f, x, y)
    for step in dict.fromkeys(PASSES):
        made, report = step(graph)
        check(made, after=report.name)
        assert (report.before, report.after) == (graph.count().equations, made.count().equations)
        np.testing.assert_allclose(jax.jit(made)(x, y), want, rtol=2e-5, atol=2e-5)
        for got, slope in zip(gradients(made, x, y), slopes, strict=True):
            np.testing.assert_allclose(got, slope, rtol=1e-4, atol=1e-4)
        graph = made


@settings(max_examples=6, deadline=None, derandomize=True)
@given(generated.programs())
def test_optimised_graphs_are_not_larger_and_give_the_same(f):
    x, y = generated.arrays(1)
    graph = trace(f, x, y)
    made, reports = optimise(graph)
    assert len(reports) == len(PASSES)
    assert made.count().operations <= graph.count().operations
    np.testing.assert_allclose(jax.jit(made)(x, y), jax.jit(f)(x, y), rtol=2e-5, atol=2e-5)
    again, _ = optimise(made)
    assert again.count().operations <= made.count().operations


@settings(max_examples=5, deadline=None, derandomize=True)
@given(generated.programs())
def test_without_derivatives_of_their_own_values_stay(f):
    x, y = generated.arrays(2)
    made, _ = inline_derivatives(trace(f, x, y))
    check(made)
    assert not {"custom_jvp_call", "custom_vjp_call"} & set(made.count().by_primitive)
    assert "custom_jvp_call" not in str(made)
    np.testing.assert_allclose(jax.jit(made)(x, y), jax.jit(f)(x, y), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("f", "left"),
    [
        (lambda x: x + 0.0, []),
        (lambda x: 1.0 * x / 1.0 - 0.0, []),
        (lambda x: x * 0.0, ["mul"]),
        (lambda x: 0.0 - x, ["sub"]),
        (lambda x: jnp.negative(jnp.negative(x)), []),
        (lambda x: jnp.maximum(x, -jnp.inf), []),
        (lambda x: jnp.minimum(x, -jnp.inf), ["min"]),
        (lambda x: jnp.where(True, x, 2.0), []),
        (lambda x: x[None].T.T[0], []),
        (lambda x: x.reshape(3, 1).reshape(1, 3), ["reshape"]),
        (lambda x: x[::-1][::-1], []),
        (lambda x: x**1, []),
        (lambda x: x.astype(jnp.int32).astype(jnp.float32), ["convert_element_type"] * 2),
        (lambda x: x.astype(bool).astype(jnp.int32).astype(jnp.float32), ["convert_element_type"] * 2),
        (lambda x: x - x, ["sub"]),
        (lambda x: x / x, ["div"]),
    ],
)
def test_what_changes_nothing_is_left_out_and_nothing_else(f, left):
    graph, _ = optimise(trace(f, X), [fold_constants, apply_identities, drop_dead] * 2)
    assert primitives(graph) == left


@settings(max_examples=5, deadline=None, derandomize=True)
@given(generated.programs(most=4))
def test_identities_keep_nan_and_infinity(f):
    x, y = generated.arrays(3)
    x[0], y[1, 0] = [np.nan, np.inf, -np.inf], np.nan
    graph = trace(f, x, y)
    made, _ = optimise(graph, [apply_identities, merge_common, drop_dead])
    got, want = np.asarray(made(x, y)), np.asarray(graph(x, y))
    assert np.array_equal(np.isnan(got), np.isnan(want))
    assert np.array_equal(np.isinf(got), np.isinf(want))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_a_negative_zero_may_stay_one():
    graph = trace(lambda x: x + 0.0, -0.0)
    made, report = apply_identities(graph)
    assert report.changes["x + 0"] == 1
    assert (np.signbit(graph(-0.0)), np.signbit(made(-0.0))) == (False, True)


def test_affine_maps_become_one():
    def f(x):
        return ((x - 1.0) @ W + 2.0) @ W.T * 0.5 - X

    graph, report = fuse_affine(trace(f, X))
    assert primitives(graph) == ["dot_general", "add"]
    assert report.total
    np.testing.assert_allclose(graph(X), f(X), rtol=1e-5)


def test_affine_maps_of_columns_and_of_many_rows():
    def columns(x):
        return W @ (W @ x + 1.0)

    def rows(x):
        return (x @ W + X[None]) @ W + X[None]

    assert primitives(fuse_affine(trace(columns, X))[0]) == ["dot_general", "add"]
    many = np.stack([X, 2 * X])
    graph, _ = fuse_affine(trace(rows, many))
    assert primitives(graph).count("dot_general") == 1
    np.testing.assert_allclose(graph(many), rows(many), rtol=1e-5)


def test_a_narrow_middle_is_not_multiplied_out():
    down, up = np.ones((8, 1), np.float32), np.ones((1, 8), np.float32)
    graph, report = fuse_affine(trace(lambda x: x @ down @ up, np.ones(8, np.float32)))
    assert primitives(graph) == ["dot_general", "dot_general"]
    assert not report.total


def test_what_is_read_twice_is_not_fused_away():
    def f(x):
        h = x @ W + 1.0
        return h @ W + 1.0, h

    made, _ = optimise(trace(f, X))
    for got, want in zip(made(X), f(X), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_infinite_weights_are_left_alone():
    graph = trace(lambda x: (x * np.float32([np.inf, 1, 1])) * X, X)
    assert fuse_affine(graph)[1].total == 0


def test_a_loop_loses_states_and_constants_that_nothing_needs():
    x, y = generated.arrays()
    graph = trace(lambda x, y: generated.scanned(x, y, 0.5), x, y)
    made, _ = optimise(graph)
    before, after = (next(e for e in g.equations if e.primitive == "scan") for g in (graph, made))
    assert (before.params["num_carry"], after.params["num_carry"]) == (2, 1)
    assert len(after.params["jaxpr"].equations) < len(before.params["jaxpr"].equations)
    assert not after.params["jaxpr"].constants


def test_a_while_loses_states_that_nothing_needs():
    def f(x):
        def body(s):
            return s[0] + 1, s[1] * 2.0, s[2] + s[1]

        return jax.lax.while_loop(lambda s: s[0] < 3, body, (0, x, x))[1]

    graph, _ = drop_dead(trace(f, X))
    check(graph)
    assert len(graph.equations[-1].outputs) == 2
    np.testing.assert_array_equal(graph(X), f(X))


def test_a_branch_that_is_always_taken_stands_alone():
    graph, _ = optimise(trace(lambda x: jax.lax.switch(7, [jnp.sin, jnp.cos], x), X))
    assert primitives(graph) == ["cos"]


def test_equal_branches_and_bodies_are_computed_once():
    def f(x):
        def twice(v):
            return jax.lax.fori_loop(0, 3, lambda i, s: s * 2.0 + i, v)

        return twice(x) + twice(x)

    graph, _ = merge_common(trace(f, X))
    assert primitives(graph).count("scan") == 1


def test_effects_stay():
    def f(x):
        jax.debug.print("x = {}", x)
        return x * 1.0

    graph, _ = optimise(trace(f, 2.0))
    assert primitives(graph) == ["debug_print"] or primitives(graph) == ["debug_callback"]


def test_a_careless_pass_is_named_with_the_equation():
    def careless(graph):
        return replace(graph, equations=graph.equations[1:]), drop_dead(graph)[1]

    with pytest.raises(
        GraphError, match=r"After drop_dead: cos reads a, which is not defined at .*test_passes"
    ):
        optimise(trace(lambda x: jnp.cos(jnp.sin(x)), 1.0), [careless])
