"""TreeRNN and TreeLSTM against plain recursion, alone and in batches, padded and not."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tree_recursion import lstm, rnn

from antiphon.errors import InputError
from antiphon.networks import to_arrays, with_scaling
from antiphon.networks.trees import Tree, TreeLSTM, TreeRNN, pack

KINDS = [
    (TreeLSTM, None),
    pytest.param(TreeLSTM, 3, marks=pytest.mark.slow),
    (TreeRNN, None),
    pytest.param(TreeRNN, 3, marks=pytest.mark.slow),
]
FEATURES, HIDDEN, OUT = 3, 4, 2


def make(rng, height, most=3):
    value = None if rng.random() < 0.2 else rng.normal(size=FEATURES)
    if height == 0:
        return Tree(value)
    many = int(rng.integers(1, most + 1))
    return Tree(
        value, [make(rng, height - 1 if i == 0 else int(rng.integers(height)), most) for i in range(many)]
    )


def some_trees(seed=0):
    rng = np.random.default_rng(seed)
    return [make(rng, height) for height in (2, 0, 1)]


TREES = some_trees()


def make_network(kind, arity):
    network = kind(FEATURES, OUT, hidden=HIDDEN, arity=arity, key=jax.random.key(1))
    # Biases away from 0, so that a test can see them.
    biases = network.bias + 0.1 * jnp.arange(network.bias.size, dtype=jnp.float32), jnp.array([0.3, -0.2])
    return eqx.tree_at(lambda n: (n.bias, n.linear.bias), network, biases)


def reference(xp, network, arrays, tree):
    """The answers at all nodes of one tree."""
    named = {**arrays, "arity": network.arity}
    states = rnn(xp, named, tree) if isinstance(network, TreeRNN) else [h for h, _ in lstm(xp, named, tree)]
    return xp.stack([named["linear.weight"] @ s + named["linear.bias"] for s in states])


def weighted(answers):
    """A number in which every answer counts otherwise."""
    return (answers * jnp.cos(jnp.arange(answers.size, dtype=jnp.float32)).reshape(answers.shape)).sum()


@jax.jit
def at_nodes(network, forest):
    return network.at_nodes(forest)


def at_roots(network, forest):
    answers = np.asarray(at_nodes(network, forest))
    return np.stack([answers[i, len(tree) - 1] for i, tree in enumerate(TREES)])


@jax.jit
def slopes(network, forest):
    def loss(network):
        answers = network.at_nodes(forest)
        return weighted(answers[0, : len(TREES[0])])

    return jax.grad(loss)(network)


@pytest.mark.parametrize(("kind", "arity"), KINDS)
def test_outputs_and_gradients_are_those_of_recursion(kind, arity):
    network = make_network(kind, arity)
    forest = pack(TREES, in_size=FEATURES, arity=3)
    found = np.asarray(at_nodes(network, forest))
    arrays = to_arrays(network)
    wide = {name: array.astype(np.float64) for name, array in arrays.items()}
    for i, tree in enumerate(TREES):
        wanted = reference(np, network, wide, tree)
        np.testing.assert_allclose(found[i, : len(tree)], wanted, atol=1e-5)
        assert (found[i, len(tree) :] == 0).all()

    def loss(arrays):
        return weighted(reference(jnp, network, arrays, TREES[0]))

    wanted = jax.jit(jax.grad(loss))(
        {name: jnp.asarray(a) for name, a in arrays.items() if "scaling" not in name}
    )
    got = to_arrays(slopes(network, forest))
    for name, slope in wanted.items():
        assert np.abs(slope).max() > 1e-3  # a slope that is there to be compared
        np.testing.assert_allclose(got[name], slope, atol=1e-5, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize(("kind", "arity"), KINDS[:1])
def test_padding_and_batching_change_nothing(kind, arity):
    network = make_network(kind, arity)
    forest = pack(TREES, in_size=FEATURES, arity=3)
    together = np.asarray(at_nodes(network, forest))
    np.testing.assert_allclose(
        jax.jit(lambda: network(forest))()[: len(TREES)], at_roots(network, forest), atol=1e-6
    )
    # The same trees in another order, node by node, and with rubbish where no node is.
    other = pack(TREES[::-1], in_size=FEATURES, arity=3, width=1)
    assert other.mask.shape[1] == 1 < forest.mask.shape[1]
    np.testing.assert_allclose(
        np.asarray(at_nodes(network, other))[: len(TREES)], together[: len(TREES)][::-1], atol=1e-6
    )
    rubbish = jnp.where(forest.mask[:, :, None], forest.values, jnp.nan)
    spoilt = eqx.tree_at(lambda f: f.values, forest, rubbish)
    np.testing.assert_array_equal(np.asarray(at_nodes(network, spoilt)), together)
    clean, dirty = to_arrays(slopes(network, forest)), to_arrays(slopes(network, spoilt))
    for name, slope in clean.items():
        np.testing.assert_array_equal(dirty[name], slope, err_msg=name)


def test_the_order_of_children_counts_only_with_an_arity():
    turned = [tree.fold(lambda value, below: Tree(value, below[::-1])) for tree in TREES]
    for arity in (None, 3):
        network = make_network(TreeLSTM, arity)
        one, other = (at_roots(network, pack(t, in_size=FEATURES, arity=3))[0] for t in (TREES, turned))
        assert (np.abs(one - other).max() < 1e-6) == (arity is None)


def test_scaling_is_part_of_the_network():
    network = make_network(TreeRNN, None)
    scaled = with_scaling(network, [0.0] * FEATURES, [2.0] * FEATURES)
    halves = [tree.map(lambda v: None if v is None else [x / 2 for x in v]) for tree in TREES]
    wanted = at_roots(network, pack(halves, in_size=FEATURES, arity=3))
    np.testing.assert_allclose(at_roots(scaled, pack(TREES, in_size=FEATURES, arity=3)), wanted, atol=1e-6)


def test_dropout_needs_a_key():
    forest = pack(TREES, in_size=FEATURES, arity=3)
    network = TreeRNN(FEATURES, OUT, hidden=HIDDEN, dropout=0.5, key=jax.random.key(0))
    assert network.config == {
        "kind": "TreeRNN", "in_size": 3, "out_size": 2, "hidden": 4, "arity": None, "dropout": 0.5,
    }  # fmt: skip
    run = jax.jit(lambda key: network(forest, key=key))
    one, other = (run(jax.random.key(k)) for k in (0, 1))
    assert (np.asarray(one) != np.asarray(other)).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TreeLSTM(0, 1, key=jax.random.key(0)), "in_size=0"),
        (lambda: TreeLSTM(1, 1, arity=0, key=jax.random.key(0)), "arity=0"),
        (lambda: make_network(TreeRNN, None)(np.ones((2, 2))), "A ndarray. Expected: a Forest"),
        (lambda: make_network(TreeRNN, None)(pack(["a"], labels="a")), "values of shape (1, 1, 1)"),
        (lambda: make_network(TreeLSTM, 3)(pack(["a"], labels="abc", arity=2)), "room for 2 children"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)
