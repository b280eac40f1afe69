"""Trees as data, and batches of them as arrays."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import InputError
from antiphon.networks.trees import Tree, pack, parse_tree, random_expressions, tree_frames, value_labels

values = (
    st.none()
    | st.text(max_size=4)
    | st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=3)
)
trees = st.recursive(
    st.builds(Tree, values),
    lambda below: st.builds(Tree, values, st.lists(below, min_size=1, max_size=3)),
    max_leaves=8,
)


@settings(deadline=None, max_examples=100)
@given(trees)
def test_text_reads_back_as_the_same_tree(tree):
    assert parse_tree(str(tree)) == tree
    assert hash(parse_tree(str(tree))) == hash(tree)


@settings(deadline=None, max_examples=50)
@given(trees)
def test_what_is_said_of_a_tree_is_what_recursion_says(tree):
    def height(node):
        return 1 + max(map(height, node.children)) if node.children else 0

    def nodes(node):
        return [n for child in node.children for n in nodes(child)] + [node]

    assert tree.height == height(tree)
    assert list(tree.postorder()) == nodes(tree)
    assert len(tree) == len(nodes(tree))
    assert tree.leaves() == tuple(n for n in nodes(tree) if not n.children)
    assert tree.arity == max(len(n.children) for n in nodes(tree))
    assert tree.fold(lambda value, below: 1 + sum(below)) == len(tree)


def test_nested_lists():
    assert Tree.from_nested(["S", ["NP", "a"], ("VP", "b")]) == parse_tree("(S (NP a) (VP b))")
    assert Tree.from_nested([["a", "b"], "c"], labelled=False) == parse_tree("((_ a b) c)")
    assert Tree.from_nested([[1, 2.5], np.array([3.0, 4.0])]).value is None
    assert Tree.from_nested(7).value == (7.0,)


@settings(deadline=None, max_examples=50)
@given(trees)
def test_a_binary_tree_has_the_leaves_and_two_children_or_none(tree):
    binary = tree.binary()
    assert binary.leaves() == tree.leaves()
    assert {len(node.children) for node in binary.postorder()} <= {0, 2}


def test_a_tree_may_be_very_deep():
    deep = Tree("a")
    for _ in range(5000):
        deep = Tree("b", [deep])
    assert (deep.height, len(deep)) == (5000, 5001)
    assert parse_tree(str(deep)) == deep
    assert pickle.loads(pickle.dumps(deep)) == deep


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([None, 1, 3, 64]))
def test_a_forest_holds_every_node_once_and_children_first(seed, width):
    made, _ = random_expressions(5, depth=3, kind="list", seed=seed)
    labels = value_labels(made)
    forest = pack(made, labels=labels, width=width)
    values = np.asarray(forest.values).reshape(-1, len(labels))
    children = np.asarray(forest.children)
    steps, wide, arity = children.shape
    none = steps * wide
    seen = set()
    for i, tree in enumerate(made):
        at = np.asarray(forest.places)[i]
        assert (at[len(tree) :] == none).all()
        assert forest.roots[i] == at[len(tree) - 1]
        place = dict(zip(map(id, tree.postorder()), at.tolist(), strict=False))
        for node in tree.postorder():
            here = place[id(node)]
            assert here not in seen
            seen.add(here)
            assert labels[values[here].argmax()] == node.value
            assert values[here].sum() == 1
            below = children.reshape(none, arity)[here].tolist()
            assert below == [place[id(child)] for child in node.children] + [none] * (
                arity - len(node.children)
            )
            assert all(child // wide < here // wide for child in below if child != none)
            for k, child in enumerate(node.children):
                assert np.asarray(forest.edges).reshape(-1)[place[id(child)]] == here * arity + k
    assert set(np.flatnonzero(np.asarray(forest.mask).reshape(-1)).tolist()) == seen
    assert (np.asarray(forest.roots)[5:] == none).all()


def test_trees_of_other_shapes_have_arrays_of_one_shape():
    shapes = set()
    for seed in range(20):
        made, _ = random_expressions(30, depth=4, seed=seed)
        shapes.add(tuple(a.shape for a in (pack(made, labels=value_labels(made)).values,)))
    assert len(shapes) <= 6


def test_frames_of_a_tree_say_how_many_children_each_node_has():
    frames = tree_frames([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(frames, [[0, 2], [1, 1], [0, 4], [1, 3], [2, 0]])


def evaluated(tree):
    """By Python's own operators."""
    below = [evaluated(child) for child in tree.children]
    match tree.value:
        case "and" | "min":
            return min(below)
        case "or" | "max":
            return max(below)
        case "not":
            return 1 - below[0]
        case "xor":
            return below[0] ^ below[1]
        case "med":
            ordered, half = sorted(below), len(below) // 2
            return ordered[half] if len(below) % 2 else (ordered[half - 1] + ordered[half]) // 2
        case "sum_mod":
            return sum(below) % 10
    return int(tree.value)


@pytest.mark.parametrize("kind", ["boolean", "list"])
def test_expressions_are_worth_what_python_says(kind):
    made, worth = random_expressions(40, kind=kind, depth=4, seed=3)
    assert [evaluated(tree) for tree in made] == worth.tolist()
    assert {tree.height for tree in made} == {4}
    again, _ = random_expressions(40, kind=kind, depth=4, seed=3)
    assert again == made
    only, _ = random_expressions(5, kind=kind, depth=2, operators=("max",) if kind == "list" else ("and",))
    assert {n.value for t in only for n in t.postorder() if n.children} == {
        "max" if kind == "list" else "and"
    }


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: parse_tree(""), "the end of the text. The text is ''. Expected: a tree"),
        (lambda: parse_tree("(a b"), "column 5: the end of the text"),
        (lambda: parse_tree("a)"), "column 2"),
        (lambda: parse_tree("a b"), "column 2: 'b' there"),
        (lambda: parse_tree("(a ())"), "an empty pair of brackets"),
        (lambda: parse_tree("(a [1 b])"), "column 4: [1 b]"),
        (lambda: parse_tree("(a [])"), "column 4: []"),
        (lambda: parse_tree('(a "b)'), "column 3"),
        (lambda: Tree(float("nan")), "The value nan of a node"),
        (lambda: Tree(object), "The value <class 'object'> of a node"),
        (lambda: Tree("a", ["b"]), "A child of type str"),
        (lambda: Tree.from_nested(["a", []]), "An empty list"),
        (lambda: pack([]), "No trees"),
        (lambda: pack("(a b)"), "One tree."),
        (lambda: pack(["(a b)"]), "The word 'b' in a node, and no labels"),
        (lambda: pack([[1.0, [2.0]]], labels=["a"]), "A node with 1 numbers. Expected: words"),
        (lambda: pack([Tree([1.0, 2.0]), Tree(1.0)]), "A node with 1 numbers. Expected: vectors of 2"),
        (lambda: pack(["(a b c)"], labels=["a"], arity=1), "A node with 2 children"),
        (lambda: pack(["a"], labels=["a"], width=0), "width=0"),
        (lambda: pack(["a"], labels=[]), "in_size=0"),
        (lambda: random_expressions(0), "count=0"),
        (lambda: random_expressions(1, depth=0), "depth=0"),
        (lambda: random_expressions(1, kind="words"), "kind='words'"),
        (lambda: random_expressions(1, operators=("min",)), "The operators ('min',)"),
    ],
)
def test_what_is_no_tree_is_refused(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)
