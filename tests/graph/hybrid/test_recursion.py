"""Recursion over trees as one graph: against plain Python, and every reason for which it is not taken on."""

import functools
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.graph.hybrid import _recursion, _recursion_scan, hybridize
from antiphon.graph.hybrid._recursion import recursive
from antiphon.graph.hybrid._recursion_observe import NotATreeError

WEIGHTS = {"w": jnp.asarray([[0.5, -0.3], [0.2, 0.4]]), "b": jnp.asarray([0.1, -0.2])}


@dataclass(eq=False)
class Tree:
    """Any number of children, and a word which operation joins them."""

    how: str
    value: Any = None
    children: list = field(default_factory=list)


def leaf(x, y):
    return Tree("leaf", jnp.asarray([x, y], jnp.float32))


def encode(weights, tree):
    if tree.how == "leaf":
        return jnp.tanh(tree.value) + 1.5
    below = [encode(weights, child) for child in tree.children]
    if tree.how == "log":
        return jnp.log(below[0])
    return jnp.tanh(weights["w"] @ below[0] - below[1] + weights["b"]) + 2.0


def loss(weights, tree):
    return jnp.sum(encode(weights, tree) ** 2)


COMPILED, MIXED = recursive(loss), recursive(loss)


def trees():
    number = st.floats(-1, 1, width=32)
    return st.recursive(
        st.builds(leaf, number, number),
        lambda below: (
            st.builds(lambda a, b: Tree("sum", None, [a, b]), below, below)
            | st.builds(lambda a: Tree("log", None, [a]), below)
        ),
        max_leaves=6,
    ).filter(lambda tree: tree.how != "leaf")


SMALL = Tree("sum", None, [leaf(0.2, -0.1), Tree("sum", None, [leaf(0.3, 0.4), leaf(0.5, -0.2)])])
WIDE = functools.reduce(lambda a, b: Tree("sum", None, [a, b]), [SMALL] * 5)
DEEP = functools.reduce(lambda below, i: Tree("sum", None, [below, leaf(0.1 * i, 0.2)]), range(9), leaf(1, 2))
SOME = Tree("sum", None, [Tree("log", None, [SMALL]), DEEP])


@given(trees())
@settings(max_examples=6, deadline=None)
def test_values_and_gradients_are_those_of_plain_python(tree):
    MIXED(WEIGHTS, SOME)  # All kinds are known from the start.
    value, slopes = jax.value_and_grad(lambda w: MIXED(w, tree))(WEIGHTS)
    expected, others = jax.value_and_grad(loss)(WEIGHTS, tree)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), slopes, others)


def test_there_are_few_graphs_for_many_trees():
    rng = np.random.default_rng(0)
    compiled = recursive(loss)

    def grown(leaves):
        if leaves == 1:
            return leaf(*rng.normal(size=2))
        left = int(rng.integers(1, leaves))
        return Tree("sum", None, [grown(left), grown(leaves - left)])

    for leaves in range(2, 17):
        compiled(WEIGHTS, grown(leaves))
    assert compiled.compilations == 1
    compiled(WEIGHTS, grown(30))
    assert compiled.compilations == 2
    (setting,) = compiled._settings.values()
    (recursion,) = setting.recursions.values()
    assert len(recursion.kinds) == 2


@pytest.mark.parametrize("tree", [WIDE, DEEP], ids=["wide", "deep"])
def test_every_derivative_is_that_of_plain_python(tree):
    ours, theirs = functools.partial(COMPILED, tree=tree), functools.partial(loss, tree=tree)
    moved = jax.tree.map(lambda x: 0.1 * x + 1, WEIGHTS)
    for a, b in (
        (jax.jvp(ours, (WEIGHTS,), (moved,)), jax.jvp(theirs, (WEIGHTS,), (moved,))),
        (jax.grad(ours)(WEIGHTS), jax.grad(theirs)(WEIGHTS)),
    ):
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5), a, b)


@pytest.mark.parametrize(
    "outer",
    [jax.jacfwd, pytest.param(jax.jacrev, marks=pytest.mark.slow)],
    ids=["forward", "reverse"],
)
def test_second_derivatives(outer):
    def curvature(f):
        return jax.jit(outer(jax.grad(lambda b: f({**WEIGHTS, "b": b}, DEEP))))(WEIGHTS["b"])

    np.testing.assert_allclose(curvature(COMPILED), curvature(loss), rtol=1e-4, atol=1e-5)


def test_data_at_the_leaves_have_gradients():
    def through(f):
        def total(x):
            return f(
                WEIGHTS,
                Tree("sum", None, [Tree("leaf", x), Tree("sum", None, [leaf(1, 0), Tree("leaf", 2 * x)])]),
            )

        return jax.grad(total)(jnp.asarray([0.3, 0.6]))

    np.testing.assert_allclose(through(COMPILED), through(loss), rtol=1e-5)


def test_a_kind_that_a_tree_lacks_brings_in_no_nan():
    """The logarithm of what a row of padding would hold is no number."""

    def f(w, tree):
        if tree.how == "leaf":
            return tree.value * w
        below = f(w, tree.children[0])
        return jnp.log(below) if tree.how == "log" else below - 1

    compiled = recursive(f)
    below = Tree("leaf", jnp.asarray(-1.0))
    compiled(jnp.asarray(-2.0), Tree("log", None, [below]))
    slope = jax.grad(compiled)(jnp.asarray(2.0), Tree("minus", None, [below]))
    assert float(slope) == -1.0
    assert float(jax.grad(compiled)(jnp.asarray(2.0), below)) == -1.0


def test_inside_jit_and_vmap():
    tree = Tree("sum", None, [DEEP, leaf(0.5, 0.4)])
    stacked = jax.tree.map(lambda x: jnp.stack([x, 2 * x]), WEIGHTS)
    both = jax.vmap(lambda w: COMPILED(w, tree))(stacked)
    one = jax.jit(lambda w: COMPILED(w, tree))(WEIGHTS)
    np.testing.assert_allclose(one, loss(WEIGHTS, tree), rtol=1e-5)
    np.testing.assert_allclose(both[0], one, rtol=1e-5)
    np.testing.assert_allclose(COMPILED(WEIGHTS, tree), one, rtol=1e-5)  # no tracer was kept


def test_a_tree_that_changes_between_calls():
    tree = Tree("sum", None, [leaf(0.1, 0.2), leaf(0.3, 0.4)])
    COMPILED(WEIGHTS, tree)
    tree.children[0].value = jnp.asarray([2.0, 3.0])
    np.testing.assert_allclose(COMPILED(WEIGHTS, tree), loss(WEIGHTS, tree), rtol=1e-5)
    tree.children[1] = DEEP
    np.testing.assert_allclose(COMPILED(WEIGHTS, tree), loss(WEIGHTS, tree), rtol=1e-5)


# What is not taken on.

ONE = jnp.ones(2)
PAIR = Tree("sum", None, [leaf(0, 1), leaf(2, 3)])
NOTED: list = []
AROUND = PAIR


def walk(body):
    """A recursion that does something in each body."""

    def f(tree):
        body(tree)
        return sum([f(c) for c in tree.children], tree.value if tree.how == "leaf" else jnp.zeros(2))

    return f


def refused():
    """Function, arguments, and words of the reason."""
    cases = {}

    def summed(tree):
        return sum([summed(c) for c in tree.children], ONE)

    def outer(tree):
        return sum([outer(c) for c in tree.children], summed(tree))

    def case(words, *arguments):
        def add(f):
            cases[f.__name__] = (f, arguments, words)
            return f

        return add

    @case("writes how", PAIR)
    def writes_an_attribute(tree):
        tree.how = "seen"
        return sum([writes_an_attribute(c) for c in tree.children], ONE)

    @case("calls print", PAIR)
    def prints(tree):
        print(tree.how)  # noqa: T201
        return sum([prints(c) for c in tree.children], ONE)

    total = 0

    @case("writes total of the function around it", PAIR)
    def writes_around(tree):
        nonlocal total
        total = total + 1
        return sum([writes_around(c) for c in tree.children], ONE)

    @case("any number of arguments", PAIR)
    def any_number(*trees):
        return sum([any_number(c) for c in trees[0].children], ONE)

    @case("AttributeError", PAIR)
    def a_bug(tree):
        return sum([a_bug(c) for c in tree.children], ONE * tree.missing)

    @case("computed goes down the tree", PAIR, ONE)
    def computed(tree, x):
        return sum([computed(c, x + 1) for c in tree.children], x)

    @case("An object is read from around", PAIR)
    def an_object_around(tree):
        return sum([an_object_around(c) for c in tree.children], AROUND.children[0].value)

    @case("no hash", PAIR, slice([1], 2))
    def no_hash(tree, setting):
        return sum([no_hash(c, setting) for c in tree.children], ONE)

    @case("A value decides around", ONE, PAIR)
    def a_value_around(x, tree):
        return summed(tree) if x.sum() > 0 else -summed(tree)

    @case("No argument is a tree", 3)
    def no_tree(n):
        return ONE if n == 0 else no_tree(n - 1) + 1

    @case("No call of a recursive function", PAIR)
    def no_call(tree):
        return ONE if tree.how else summed(tree)

    @case("A node is given as a result", PAIR)
    def gives_a_node(tree):
        return summed(tree), tree

    @case("no arrays", PAIR)
    def a_string(tree):
        return "".join([a_string(c) for c in tree.children]) + tree.how

    @case("results of two forms", PAIR)
    def two_forms(tree):
        parts = [two_forms(c) for c in tree.children]
        return (parts[0], parts[1]) if parts else ONE

    @case("A value decides in the body", PAIR)
    def a_value_inside(tree):
        if not tree.children:
            return tree.value
        parts = [a_value_inside(c) for c in tree.children]
        return parts[0] if parts[0].sum() > 1 else parts[1]

    @case("from outside is changed", PAIR)
    def appends(tree):
        NOTED.append(tree.how)
        return sum([appends(c) for c in tree.children], ONE)

    @case("No end of the recursion", PAIR)
    def endless(tree):
        return endless(tree) + 1

    @case("a recursion inside another", PAIR)
    def inside_another(tree):
        return outer(tree)

    bodies = {
        "a_method": (lambda tree: tree.children.index(3), r"index\(\) was called on a node"),
        "an_item": (lambda tree: tree.children.__setitem__(0, 3), "Item 0 of a node was written"),
        "a_float_index": (lambda tree: tree.children[1.5], "indexed by a float"),
        "iterated": (lambda tree: list(tree), "A Tree was iterated"),
        "contained": (lambda tree: 3 in tree.children, "`in` was asked of a node"),
        "compared": (lambda tree: tree == tree.children, "Two nodes were compared"),
        "a_key": (lambda tree: {tree: 1}, "A node was used as a key"),
        "called": (lambda tree: tree(), "A Tree was called"),
        "set_attribute": (lambda tree: object.__getattribute__(tree, "__setattr__")("a", 1), "'a' of a node"),
    }
    cases |= {name: (walk(body), (PAIR,), words) for name, (body, words) in bodies.items()}
    return cases


REFUSED = refused()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "endless")) for name in REFUSED]
)
def test_what_is_not_taken_on_says_why(name):
    f, arguments, words = REFUSED[name]
    compiled = recursive(f)
    assert compiled is not None
    with pytest.raises(NotATreeError, match=f"(?i){words}"):
        compiled(*arguments)
    assert not NOTED


def test_a_function_that_does_not_call_itself_is_none_of_it():
    assert recursive(lambda x: x + 1) is None
    assert recursive(jnp.sum) is None
    assert recursive(3) is None


def test_arguments_that_go_down_beside_the_tree():
    def f(tree, x):
        return sum([f(c, x + 1) for c in tree.children], x)

    def outer(tree):
        return f(tree, 2 * ONE)

    with pytest.raises(NotATreeError, match="Arguments go down the tree"):
        recursive(outer)(PAIR)


def test_numbers_that_go_down_the_tree():
    def f(tree, a, b):
        return sum([f(c, b, a) for c in tree.children], ONE * (2 * a + 3 * b))

    np.testing.assert_allclose(recursive(f)(PAIR, 1.0, 5.0), f(PAIR, 1.0, 5.0))


def scaled(tree, setting):
    return sum([scaled(c, setting) for c in tree.children], ONE)


def around(tree):
    return scaled(tree, 0) * len(tree.how)


def by_name(tree):
    return sum([by_name(c) for c in tree.children], ONE if tree.how == "leaf" else -ONE)


@pytest.mark.parametrize(
    ("f", "calls", "words"),
    [
        (scaled, [(Tree("sum"), f"setting {i}") for i in range(3)], "too many kinds"),
        (around, [(Tree("x" * i),) for i in range(3)], "too many ways"),
        (by_name, [(Tree("kind 0"),), (Tree("kind 1"),), (Tree("kind 2"),)], "more than 2 kinds"),
    ],
    ids=["settings", "ways", "kinds"],
)
def test_bounds(monkeypatch, f, calls, words):
    monkeypatch.setattr(_recursion, "SETTINGS", 2)
    monkeypatch.setattr(_recursion_scan, "KINDS", 2)
    compiled = recursive(f)
    for arguments in calls[:2]:
        np.testing.assert_allclose(compiled(*arguments), f(*arguments))
    with pytest.raises(NotATreeError, match=words):
        compiled(*calls[2])


def test_what_is_refused_once_more_is_not_tried_again():
    f, arguments, _ = REFUSED["two_forms"]
    compiled = recursive(f)
    for _ in range(3):
        with pytest.raises(NotATreeError):
            compiled(*arguments)
    assert compiled._refusal.startswith("Calls give results of two forms")


@pytest.mark.parametrize("name", ["two_forms", "a_value_inside", "computed"])
def test_what_is_not_taken_on_runs_all_the_same(name):
    f, arguments, _ = REFUSED[name]
    jax.tree.map(np.testing.assert_allclose, hybridize(f)(*arguments), f(*arguments))
