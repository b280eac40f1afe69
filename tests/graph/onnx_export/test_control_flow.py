"""Loops, branches, nested bodies and custom derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from onnx_agreement import agrees

rng = np.random.default_rng(1)
X = rng.normal(size=(6, 3)).astype(np.float32)
W = rng.normal(size=(3, 3)).astype(np.float32)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_with_constants_states_and_outputs(reverse):
    def f(x, w):
        def step(state, now):
            h, count = state
            h = jnp.tanh(w @ h + now["x"])
            return (h, count + 1), (h, now["k"] * 2, count)

        return lax.scan(step, (x[0], 0), {"x": x, "k": x[:, 0]}, reverse=reverse)

    agrees(f, X, W)


@pytest.mark.parametrize("reverse", [False, True])
def test_scans_over_nothing_but_a_count(reverse):
    def f(x):
        turns = lax.scan(lambda c, _: (c * 0.5, c), x, None, length=4, reverse=reverse)
        return (
            turns,
            lax.fori_loop(0, 5, lambda i, c: c + i.astype(jnp.float32), x),
            lax.fori_loop(0, 3, lambda i, c: (c[1], c[0]), (x, -x)),
        )

    agrees(f, X)


def test_a_scan_without_states_one_of_no_steps_and_one_that_passes_values_on():
    def f(x):
        mapped = lax.map(lambda row: row.sum(), x)
        empty = lax.scan(lambda c, v: (c + v, c), x[0], x[:0])
        passed = lax.scan(lambda c, v: (c, (v, c, v, 1.0)), x[0], x)
        return mapped, empty, passed

    agrees(f, X)


def test_scans_in_scans():
    def f(x):
        def outer(c, row):
            inner, all_ = lax.scan(lambda h, v: (h + v * c, h), 0.0, row, reverse=True)
            return c + inner, all_

        return lax.scan(outer, 1.0, x)

    agrees(f, X)


def test_a_while_loop_its_condition_sees_what_is_around_it():
    def f(x, limit):
        def goes_on(state):
            i, total = state
            return (i < x.shape[0]) & (total < limit)

        return lax.while_loop(goes_on, lambda s: (s[0] + 1, s[1] + jnp.abs(x[s[0]]).sum()), (0, 0.0))

    for limit in (-1.0, 2.0, 1e6):  # no turn, a few, all
        agrees(f, X, np.float32(limit))


def test_loops_batched_over_cases_of_other_lengths():
    def f(x):
        return lax.while_loop(lambda s: s[1] < 10, lambda s: (s[0] + 1, s[1] + jnp.abs(x[0]) + 1), (0, x[1]))

    agrees(jax.vmap(f), X)


@pytest.mark.parametrize("which", [-3, 0, 1, 2, 9])
def test_branches(which):
    def f(x, i):
        many = lax.switch(i, [lambda v: v, lambda v: v * 2, lambda v: v @ W.T], x)
        nested = lax.cond(
            x[0, 0] > 0, lambda v: lax.cond(i > 1, jnp.sin, jnp.cos, v), lambda v: v - W[0][None], x
        )
        both = lax.cond(i > 0, lambda: (x, x.sum()), lambda: (-x, 0.0))
        return many, nested, both

    agrees(f, X, np.int32(which))
    agrees(f, -X, np.int32(which))


def test_a_branch_in_a_scan_and_a_scan_in_a_branch():
    def f(x):
        def step(c, v):
            c = lax.cond(v[0] > 0, lambda: c + v, lambda: c)
            return c, c.sum()

        return lax.cond(x[0, 0] > 5, lambda: x[0], lambda: lax.scan(step, x[0], x)[0]), lax.scan(
            step, x[0], x
        )

    agrees(f, X)


def test_switches_batched_over_cases():
    agrees(
        jax.vmap(lambda i, v: lax.switch(i, [jnp.sin, jnp.cos, jnp.tanh], v)),
        np.int32([0, 2, 1, 0, 5, -1]),
        X,
    )


def test_functions_with_derivatives_of_their_own():
    @jax.custom_jvp
    def one(x, y):
        return jnp.sin(x) * y

    one.defjvp(lambda primals, tangents: (one(*primals), tangents[0]))

    @jax.custom_vjp
    def other(x):
        return x * 2

    other.defvjp(lambda x: (x * 2, None), lambda _, g: (g,))
    agrees(lambda x: one(x, 2.0) + other(x) + jax.checkpoint(jnp.tanh)(x) + jax.jit(jnp.cos)(x), X)


def test_gradients_export_too():
    def loss(w, x):
        _, states = lax.scan(lambda h, v: (jnp.tanh(w @ h + v),) * 2, jnp.zeros(3, jnp.float32), x)
        return (states[-1] ** 2).sum() + jnp.where(x > 0, jnp.log1p(jnp.abs(x)), 0.0).max()

    agrees(jax.value_and_grad(loss, argnums=(0, 1)), W, X)
