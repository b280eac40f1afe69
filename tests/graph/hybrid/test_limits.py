"""What is not converted: run as Python with compiled calls, explained, or refused with a way out."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import ConversionError, InputError
from antiphon.graph import Graph
from antiphon.graph.hybrid import hybridize


def slow(weight, x):
    for _ in range(12):
        x = jnp.tanh(weight @ x)
    return x


def test_what_falls_back_is_right_and_calls_compiled_functions(caplog):
    @hybridize
    def ranked(weight, x):
        y = slow(weight, x)
        order = np.argsort(np.asarray(y))
        return slow(weight, y[order])

    weight, x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3)), jnp.float32), jnp.ones(3)
    with ranked.running("eager"):
        expected = ranked(weight, x)
    with caplog.at_level(logging.DEBUG, "jax._src.dispatch"), jax.log_compiles():
        for _ in range(4):
            np.testing.assert_allclose(ranked(weight, x), expected, rtol=1e-5)
    assert ranked.compilations == 0
    (row,) = [row for row in ranked.explain() if row.outcome == "fell back"]
    assert row.construct == "call of asarray"
    assert row.advice
    assert row.line > 0


def test_the_explanation_names_lines():
    @hybridize
    def f(x):
        for v in x:
            if v > 0:
                x = x + v
        assert x.sum() > -100
        return x

    f(jnp.ones(12))
    told = {row.construct: row.outcome for row in f.explain()}
    assert told == {"for": "converted", "if": "converted", "assert": "converted"}
    text = str(f.explain())
    assert "compiled once" in text
    assert all(f"test_limits.py:{row.line}: {row.construct}: converted" in text for row in f.explain())
    assert len(f.explain()) == 3
    assert "no construct" in str(hybridize(lambda x: x).explain())


@pytest.mark.parametrize("transform", [jax.jit, jax.vmap], ids=["jit", "vmap"])
def test_what_needs_a_value_is_refused_where_there_is_none(transform):
    @hybridize
    def f(x):
        if x.sum() > 0:
            return x[:1]
        return x

    with pytest.raises(ConversionError, match=r"test_limits\.py:\d+: if: .* To mend it: "):
        transform(f)(jnp.ones((2, 3)))


def test_numpy_inside_another_jit_is_refused():
    f = hybridize(lambda x: np.sort(np.asarray(x)))
    with pytest.raises(ConversionError, match=r"call of asarray: .*jax\.numpy"):
        jax.jit(f)(jnp.ones(3))


@pytest.mark.parametrize(
    "options", [{"gradient": "sideways"}, {"max_iterations": 0}, {"unroll": -1}], ids=lambda o: next(iter(o))
)
def test_options_that_make_no_sense(options):
    with pytest.raises(InputError, match=next(iter(options))):
        hybridize(**options)


def test_what_cannot_be_called():
    with pytest.raises(InputError, match=r"function, a method"):
        hybridize(3)


def test_a_mode_that_there_is_not():
    with pytest.raises(InputError, match="sometimes"), hybridize(slow).running("sometimes"):
        pass


def test_a_user_error_is_the_user_error():
    @hybridize
    def f(x, how):
        if how == "sum":
            return x.sum()
        raise KeyError(how)

    assert f(jnp.ones(2), "sum") == 2
    with pytest.raises(KeyError, match="other"):
        f(jnp.ones(2), "other")


def test_numbers_that_python_needs_stay_numbers():
    @hybridize
    def f(x, n):
        return jnp.zeros((n,)) + x

    for n in (1, 2, 3, 2):
        assert f(jnp.ones(()), n).shape == (n,)


def test_a_function_without_source():
    space: dict = {}
    exec("def f(x):\n    if x > 0:\n        return x\n    return -x", {}, space)
    f = hybridize(space["f"])
    assert f(jnp.asarray(-2.0)) == 2
    assert f(jnp.asarray(2.0)) == 2
    assert any("source" in row.why for row in f.explain())


def test_a_graph():
    @hybridize
    def f(x):
        return x * 2 if x.sum() > 0 else -x

    graph = f.graph(jnp.ones(3))
    assert isinstance(graph, Graph)
    np.testing.assert_allclose(graph(-jnp.ones(3)), jnp.ones(3))


def test_plain_functions_are_as_under_jit():
    def f(params, x, *, power=2, **more):
        return {"y": (params["w"] @ x) ** power, "name": "f", "more": more.get("z")}

    params, x = {"w": jnp.ones((2, 3)), "b": None}, jnp.ones(3)
    ours = hybridize(f)(params, x, z=jnp.ones(()))
    assert ours["name"] == "f"
    np.testing.assert_allclose(ours["y"], 9)
    np.testing.assert_allclose(hybridize(f)(params, x, power=3)["y"], 27)
    assert hybridize(f)(params, x)["more"] is None
    assert jax.tree.structure(jax.jit(lambda p, v: f(p, v)["y"])(params, x)) == jax.tree.structure(ours["y"])


def test_a_tree_of_arrays_is_not_taken_for_one_of_any_length():
    """The rows that are added to a longer input never reach `jax.tree`."""

    @hybridize
    def halved(params):
        return jax.tree.map(lambda p: p / 2, params)

    for shapes in ({"a": (1, 3), "b": (4,)}, {"a": (5, 3), "b": (6,)}, {"a": (2, 3), "b": (3,)}):
        params = {name: jnp.ones(shape) for name, shape in shapes.items()}
        result = halved(params)
        for name, shape in shapes.items():
            np.testing.assert_array_equal(result[name], np.full(shape, 0.5, np.float32))


FACTOR = 3.0


def tripled(x):
    return x * FACTOR


def test_a_global_number_that_only_a_branch_reads():
    @hybridize
    def f(x, tree):
        if x > 0:
            tree = jax.tree.map(tripled, tree)
        return tree

    tree = {"a": jnp.ones(2), "b": jnp.ones(())}
    for x in (1.0, -1.0, 2.0):
        result = f(jnp.asarray(x), tree)
        np.testing.assert_array_equal(result["a"], np.full(2, 3.0 if x > 0 else 1.0, np.float32))
    assert f.compilations == 1


def test_a_call_like_the_one_before_sees_what_has_changed():
    class Scale:
        factor = 2

    scale, limits = Scale(), [1.0]

    @hybridize
    def f(x, by):
        return x * scale.factor * limits[0] * by

    x = jnp.ones(3)
    for factor, limit, by, arrays in (
        (2, 1.0, 1, x), (2, 1.0, 1, x), (3, 1.0, 1, x), (3, 5.0, 1, x), (3, 5.0, 2, x), (3, 5.0, 2, x[:2])
    ):  # fmt: skip
        scale.factor, limits[0] = factor, limit
        np.testing.assert_array_equal(f(arrays, by), np.full(len(arrays), factor * limit * by, np.float32))
