"""hybridize against plain Python: values, gradients, prints, errors and state of each case."""

import collections

import jax
import jax.numpy as jnp
import pytest
from imperative import CASES, GROUPS, arrays_of
from imperative._judge import compare, differs, run

from antiphon.graph.hybrid import hybridize

OUTCOMES = {}


def total(function, positions):
    def loss(*arguments):
        leaves = [leaf for leaf in jax.tree.leaves(function(*arguments)) if is_real(leaf)]
        return sum(jnp.sum(leaf) for leaf in leaves)

    return jax.grad(loss, positions, allow_int=True)


def is_real(leaf):
    return jnp.issubdtype(jnp.result_type(leaf), jnp.floating)


def outcome(hybrid):
    rows = [row.outcome for row in hybrid.explain()]
    return "fell back" if "fell back" in rows or not hybrid.compilations else "converted"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hybridized_function_does_what_python_does(case):
    _, expected = run(case, jnp, lambda f: f, jnp.asarray)
    OUTCOMES[case.name] = "wrong"
    hybrid, got = run(case, jnp, hybridize, jnp.asarray)
    assert not compare(got, expected)
    OUTCOMES[case.name] = outcome(hybrid)


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES if c.grad], ids=lambda case: case.name)
def test_gradients_are_those_of_python(case):
    function, state = case.fresh(jnp)
    hybrid = hybridize(function)
    for call in case.calls:
        if not isinstance(call, tuple):
            call(state)
            continue
        arguments = arrays_of(call, jnp.asarray)
        hybrid(*arguments)
        got = jax.tree.leaves(total(hybrid, case.grad)(*arguments))
        expected = jax.tree.leaves(total(function, case.grad)(*arguments))
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            assert not differs(jax.device_get(a), jax.device_get(b))


def test_nearly_all_are_converted_or_fall_back():
    """Runs after the cases above: a case that is neither converted nor fell back is wrong."""
    if len(OUTCOMES) < len(CASES):
        pytest.skip("only some cases were run")
    counts = collections.Counter(OUTCOMES.values())
    assert counts["wrong"] == 0
    assert counts["converted"] + counts["fell back"] >= 0.95 * len(CASES)
    assert {case.group for case in CASES} == set(GROUPS)
    assert len(CASES) >= 60
