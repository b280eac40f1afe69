"""The language `tree` against plain Python over nested trees."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import LanguageError
from antiphon.fitting import Evaluator, Folds, Problem, Schedule, standardisation, to_own_units
from antiphon.language import (
    Fn,
    Output,
    Program,
    Real,
    Seq,
    Tree,
    check,
    data_arrays,
    evaluate,
    parameters,
    parse_term,
    parse_type,
    print_term,
    tree,
    with_parameters,
)
from antiphon.language._nodes import GATHER, fold, nodes_of

BOUND = tree.bind({"arity": "", "size": "cm", "kind": ""})
NODES = 12
TREE = "tree[children=arity](x)"
REDUCE = {"sum": np.sum, "mean": np.mean, "max": np.max}


def make(rng, room):
    """A tree of at most so many nodes, as a pair (value, children)."""
    children, left = [], room - 1
    while left > 0 and rng.random() < 0.75:
        child = make(rng, left)
        children.append(child)
        left -= count(child)
    value = np.array([len(children), *rng.normal(size=2)], np.float32)
    return value, children


def count(node):
    return 1 + sum(map(count, node[1]))


def height(node):
    return 1 + max(map(height, node[1])) if node[1] else 0


def postorder(node):
    return [n for child in node[1] for n in postorder(child)] + [node]


def folded(node, function, reduce, size):
    """The results at all nodes, the root's last."""
    below = [folded(child, function, reduce, size) for child in node[1]]
    h = reduce([b[-1] for b in below], axis=0) if below else np.zeros(size, np.float32)
    return [r for b in below for r in b] + [function(node[0], h)]


def framed(node, rng):
    """The nodes as frames, with masked ones of rubbish strewn in."""
    frames = np.full((NODES, 3), np.nan, np.float32)
    mask = np.zeros(NODES, bool)
    rows = [value for value, _ in postorder(node)]
    mask[np.sort(rng.permutation(NODES)[: len(rows)])] = True
    frames[mask] = rows
    return frames, mask


CELL = "tanh(affine[size; kind - 1](v) + affine[v1; -0.5*v0 + 1](h))"
FOLDED = f"fold_tree[gather={{}}, hidden=2](v -> h -> {CELL}, {TREE})"


def step_of(v, h):
    return np.tanh(np.array([v[1] + h[1], v[2] - 1 - 0.5 * h[0] + 1], np.float32))


TERMS = {
    f"root({TREE})": lambda t: t[0],
    f"height({TREE})": lambda t: [height(t)],
    f"count({TREE})": lambda t: [count(t)],
    f"mean(nodes({TREE}))": lambda t: np.mean([v for v, _ in postorder(t)], axis=0),
    f"sum(leaves({TREE}))": lambda t: np.sum([v for v, c in postorder(t) if not c], axis=0),
    f"first(leaves({TREE}))": lambda t: next(v for v, c in postorder(t) if not c),
    f"max(nodes(map_tree(v -> affine[2*size - kind](v), {TREE})))": lambda t: [
        max(2 * v[1] - v[2] for v, _ in postorder(t))
    ],
    f"root({TREE} + map_tree(v -> tanh(v), {TREE}))": lambda t: t[0] + np.tanh(t[0]),
    **{f"root({FOLDED.format(g)})": lambda t, g=g: folded(t, step_of, REDUCE[g], 2)[-1] for g in GATHER},
    f"mean(nodes({FOLDED.format('mean')}))": lambda t: np.mean(folded(t, step_of, np.mean, 2), axis=0),
}


@functools.cache
def compiled():
    """All terms as one function: compiled once."""

    def run(frames, mask):
        found = {}
        for text in TERMS:
            term = parse_term(text, BOUND)
            arrays, data = parameters(term), data_arrays(term, BOUND, check(term, BOUND))
            found[text] = evaluate(term, BOUND, {"x": (frames, mask)}, arrays, data)
        return found

    return jax.jit(run)


@pytest.mark.parametrize("seed", range(6))
def test_a_term_is_worth_what_python_says(seed):
    rng = np.random.default_rng(seed)
    node = make(rng, (1, 2, 6, NODES, NODES, NODES)[seed])
    frames, mask = framed(node, rng)
    for text, value in compiled()(frames, mask).items():
        np.testing.assert_allclose(value, TERMS[text](node), atol=1e-5, err_msg=text)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_the_nodes_of_a_sequence_are_those_of_the_tree(seed):
    rng = np.random.default_rng(seed)
    node = make(rng, NODES)
    frames, mask = framed(node, rng)
    found = jax.jit(nodes_of)(frames, mask, frames[:, 0])
    order = postorder(node)
    numbers = {id(n): int(place) for n, place in zip(order, np.flatnonzero(mask), strict=True)}
    wanted = np.full(NODES, NODES)
    for n in order:
        for child in n[1]:
            wanted[numbers[id(child)]] = numbers[id(n)]
    np.testing.assert_array_equal(found.parent, wanted)
    assert found.nbytes == found.values.nbytes + found.mask.nbytes + found.parent.nbytes


def test_what_is_no_tree_takes_what_is_there():
    def parents(*arity):
        counts = np.zeros((NODES, 3), np.float32)
        counts[: len(arity), 0] = arity
        mask = np.arange(NODES) < len(arity)
        return jax.jit(nodes_of)(counts, mask, counts[:, 0]).parent[: len(arity)].tolist()

    assert parents(0, 3) == [1, NODES]  # too few children
    assert parents(0, 0, 1) == [NODES, 2, NODES]  # one that nobody asked for
    assert parents(0, 1.4, 0, 1.6) == [1, 3, 3, NODES]  # counts are rounded


@pytest.mark.parametrize("gather", [pytest.param("mean", marks=pytest.mark.slow), "max"])
def test_the_gradient_of_a_fold_is_that_of_recursion(gather):
    rng = np.random.default_rng(3)
    node = make(rng, NODES)
    while count(node) < 8:
        node = make(rng, NODES)
    frames, mask = framed(node, rng)
    kernel = rng.normal(size=(2, 3)).astype(np.float32), rng.normal(size=(2, 2)).astype(np.float32)
    weights = jnp.asarray(rng.normal(size=(NODES, 2)), jnp.float32)
    reduce = {"sum": jnp.sum, "mean": jnp.mean, "max": jnp.max}[gather]

    @jax.jit
    def ours(kernel, values):
        nodes = nodes_of(jnp.asarray(frames), jnp.asarray(mask), jnp.asarray(frames[:, 0]))
        nodes = nodes.with_values(jnp.zeros((NODES, 3)).at[np.flatnonzero(mask)].set(values))
        return (weights * fold(lambda v, h: jnp.tanh(kernel[0] @ v + kernel[1] @ h), nodes, gather, 2)).sum()

    @jax.jit
    def recursion(kernel, values):
        rows = iter(values)

        def go(node):
            below = [go(child) for child in node[1]]
            h = reduce(jnp.stack([b[-1] for b in below]), axis=0) if below else jnp.zeros(2)
            return [r for b in below for r in b] + [jnp.tanh(kernel[0] @ next(rows) + kernel[1] @ h)]

        return (weights[np.flatnonzero(mask)] * jnp.stack(go(node))).sum()

    values = jnp.asarray(frames[mask])
    got, wanted = (jax.grad(f, (0, 1))(kernel, values) for f in (ours, recursion))
    for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
        assert np.abs(other).max() > 1e-2
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_type_of_trees():
    type_ = parse_type("(Real[n] -> Real[m]) -> Tree[Real[n]] -> Tree[Real[m]]")
    assert isinstance(type_, Fn)
    assert type_.arguments[1] == Tree(Real("n"))
    assert parse_type(repr(type_)) == type_
    term = parse_term(f"map_tree(v -> affine[1*size](v), {TREE})", BOUND)
    typing = check(term, BOUND)
    assert typing[()] == Tree(Real(1)) != Seq(Real(1))
    assert typing[(1,)].element.names == ("arity", "size", "kind")
    for word, argument in (("mean", TREE), ("root", "x")):
        with pytest.raises(LanguageError, match=r"has type (Tree|Seq)\[Real\[3\]\]"):
            parse_term(f"{word}({argument})", BOUND)
    with pytest.raises(LanguageError, match=r"Tree\[\.\.\]"):
        parse_type("Forest[Real[1]]")
    other = tree.bind({"size": "", "kind": ""})
    term = parse_term(f"root({TREE})", other)
    typing = check(term, other)
    with pytest.raises(LanguageError, match="no feature or feature group 'arity'"):
        data_arrays(term, other, typing)


@pytest.mark.parametrize("text", TERMS)
def test_what_is_printed_reads_back(text):
    term = parse_term(text, BOUND)
    assert parse_term(print_term(term, BOUND), BOUND) == term


def test_every_rule_can_be_read():
    for rule in tree.rules:
        scope = {"x": BOUND.input_type, **rule.scope(Real(2), BOUND.frame_type)}
        wanted = Real(3) if rule.role == "summary" else Real(2)
        wanted = Seq(wanted) if rule.template.startswith("nodes(") else wanted
        parse_term(rule.template, BOUND, wanted, scope=scope)


def discounted(node):
    """The sizes of all nodes, each halved as often as it is deep."""
    return node[0][1] + 0.5 * sum(map(discounted, node[1]))


def test_a_program_over_trees_is_fitted():
    rng = np.random.default_rng(0)
    made = [make(rng, NODES) for _ in range(80)]
    values, mask = np.zeros((80, NODES, 3), np.float32), np.zeros((80, NODES), bool)
    for i, node in enumerate(made):
        values[i, : count(node)], mask[i, : count(node)] = [v for v, _ in postorder(node)], True
    labels = np.array([discounted(node) > 0.1 for node in made], np.int64)
    problem = Problem(BOUND, values, mask, labels, "classification", 1, "accuracy")
    held = np.where(np.arange(len(made)) % 4, 0.0, 1.0).astype(np.float32)[None]
    evaluator = Evaluator(problem, Folds(1 - held, held), Schedule(steps=300))
    text = f"affine(root(fold_tree[gather=sum, hidden=1](v -> h -> affine(v) + affine(h), {TREE})))"
    term = parse_term(text, BOUND, Real(1))
    [fit] = evaluator.fit([term])
    first = {path: {name: array[0] for name, array in leaf.items()} for path, leaf in fit.parameters.items()}
    standard = standardisation(evaluator.split(term), evaluator.slots, folds=1)
    standard = {path: {**by, "keep": by["keep"][0]} for path, by in standard.items()}
    fitted = with_parameters(term, to_own_units(first, standard))
    program = Program(fitted, BOUND, Output("classification", classes=("below", "above")))
    assert Program.parse(str(program)) == program
    # Larger trees than any it was fitted on, and one by one.
    others = [make(rng, 30) for _ in range(200)]
    said = program.predict([[v for v, _ in postorder(node)] for node in others])
    right = np.array([discounted(node) > 0.1 for node in others])
    assert ((said == "above") == right).mean() > 0.95
    assert 0.3 < right.mean() < 0.7
