"""Control flow on values of the run: the same numbers and derivatives as plain Python, in one graph."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.graph.hybrid import hybridize

NUMBERS = st.floats(-4, 4, width=32).map(lambda v: round(v * 8) / 8)
VECTORS = st.lists(NUMBERS, min_size=12, max_size=12).map(lambda v: jnp.asarray(v, jnp.float32))


def branches(x):
    total = x.sum()
    if total > 3:
        y = x * 2
    elif total < -3:
        return -x
    else:
        y = x * x
    return y + 1


def running_maximum(x):
    best, at = x[0], 0
    for i, v in enumerate(x):
        if v > best:
            best, at = v, i
    return best, at


def skips_and_stops(x):
    total = jnp.zeros(())
    for v in x:
        if v < 0:
            continue
        if total > 5:
            break
        total = total + v
    return total


def nested(x):
    h = jnp.zeros(())
    for v in x:
        for w in x:
            if v > w and not (h > 20 or h < -20):
                h = h + v * w
    return h


def halves(x):
    s = jnp.abs(x).sum() + 1
    rounds = 0
    while s > 1:
        s = s / 2
        rounds = rounds + 1
    return s, rounds


def first_above(x):
    for i, v in enumerate(x):
        if v > 1:
            return v * 10, i
    return x[0], -1


def chain(x):
    return 1.0 if -1 < x[0] <= x[1] < 2 else (x[2] if x[2] > 0 or x[3] > 0 else -x[3])


def gathers(x):
    out = []
    h = jnp.zeros(())
    for v in x:
        h = jnp.tanh(h + v)
        out.append(h * 2)
    return jnp.stack(out)


def folds(x):
    return sum(v * v for v in x if v > 0), any(v > 3 for v in x), all(v > -5 for v in x), max(x), min(x)


FUNCTIONS = [branches, running_maximum, skips_and_stops, nested, halves, first_above, chain, gathers, folds]
HYBRIDS = {f: hybridize(f) for f in FUNCTIONS}


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@settings(max_examples=8, deadline=None)
@given(x=VECTORS)
def test_same_values_as_python(f, x):
    ours, theirs = HYBRIDS[f](x), f(x)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-5)
    assert HYBRIDS[f].compilations == 1


@pytest.mark.slow
@pytest.mark.parametrize("f", [branches, skips_and_stops, halves, gathers], ids=lambda f: f.__name__)
@settings(max_examples=4, deadline=None)
@given(x=VECTORS)
def test_same_derivatives_as_python(f, x):
    def total(g):
        return lambda v: jnp.sum(jax.tree.leaves(g(v))[0])

    ours, theirs = jax.grad(total(HYBRIDS[f]))(x), jax.grad(total(f))(x)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_batches_go_both_ways():
    x = jnp.asarray([[1.0] * 12, [-1.0] * 12, [0.0] * 12])
    np.testing.assert_allclose(jax.vmap(HYBRIDS[branches])(x), jnp.stack([branches(v) for v in x]))


def test_inside_another_jit():
    x = jnp.linspace(-1.0, 2.0, 12)
    np.testing.assert_allclose(jax.jit(HYBRIDS[nested])(x), nested(x), rtol=1e-5)


def test_a_bounded_loop_has_both_derivatives_and_no_wrong_answer():
    @hybridize(max_iterations=8)
    def double(x):
        while x < 10:
            x = x * 2
        return x

    assert jax.grad(double)(jnp.asarray(1.0)) == 16
    assert jax.jvp(double, (jnp.asarray(1.0),), (jnp.asarray(1.0),)) == (16, 16)
    assert double(jnp.asarray(1e-6)) == pytest.approx(1e-6 * 2**24)


def test_a_forward_derivative_without_a_bound():
    @hybridize(gradient="forward")
    def double(x):
        while x < 10:
            x = x * 2
        return x

    assert jax.jvp(double, (jnp.asarray(3.0),), (jnp.asarray(1.0),)) == (12, 4)


def test_a_range_up_to_a_value():
    @hybridize
    def power(x, n):
        y = x * 0 + 1
        for _ in range(n):
            y = y * x
        return y

    for n in (0, 1, 5):
        assert power(jnp.asarray(2.0), jnp.asarray(n)) == 2**n
    assert power.compilations == 1
    assert jax.grad(power)(jnp.asarray(2.0), jnp.asarray(3)) == 12


def test_shapes_that_depend_on_values_are_assumed():
    @hybridize
    def positive(x):
        return x[:2] if x.sum() > 0 else x

    for sign in (1, 1, -1, -1, 1, -1):
        x = jnp.asarray([1.0, 2.0, 3.0]) * sign
        np.testing.assert_array_equal(positive(x), x[:2] if sign > 0 else x)
    assert positive.compilations == 2
    assert [row.outcome for row in positive.explain()] == ["assumed"]


def test_eager_and_back():
    @hybridize
    def f(x):
        kinds.append(isinstance(x, jax.core.Tracer))
        return x + 1

    kinds: list[bool] = []
    with f.running("eager"):
        f(jnp.ones(()))
    f.eager()
    f(jnp.ones(()))
    assert f.compiled() is f
    f(jnp.ones(()))
    assert kinds[:2] == [False, False]
    assert f.compilations == 1


def test_five_lengths_take_two_graphs():
    @hybridize
    def encode(weight, frames):
        h = jnp.zeros((3,))
        for frame in frames:
            if frame.sum() > 0:
                h = jnp.tanh(weight @ h + frame)
        return h / len(frames)

    rng = np.random.default_rng(0)
    weight = jnp.asarray(rng.normal(size=(3, 3)), jnp.float32)
    for length in (9, 12, 20, 31, 40):
        frames = jnp.asarray(rng.normal(size=(length, 3)), jnp.float32)
        with encode.running("eager"):
            expected = encode(weight, frames)
        np.testing.assert_allclose(encode(weight, frames), expected, atol=1e-6)
    assert encode.compilations == 2


@pytest.mark.slow
def test_added_rows_are_never_computed_with():
    @hybridize
    def mean_log(x):
        total = jnp.zeros(())
        for v in x:
            total = total + jnp.log(v)  # of an added zero it would be infinite
        return total / x.shape[0]

    slope = jax.grad(mean_log)
    for length in (9, 12, 15):
        x = jnp.linspace(1.0, 2.0, length)
        np.testing.assert_allclose(mean_log(x), jnp.log(x).mean(), rtol=1e-6)
        np.testing.assert_allclose(slope(x), 1 / x / length, rtol=1e-5)
    assert mean_log.compilations == 2


def test_a_whole_array_of_another_length_is_another_graph():
    @hybridize
    def norm(x):
        return jnp.sqrt((x * x).sum())

    for length in (2, 3, 4):
        np.testing.assert_allclose(norm(jnp.ones(length)), np.sqrt(length), rtol=1e-6)
    assert norm.compilations == 3
