"""The recursive autoencoder against plain recursion."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tree_recursion import autoencoder

from antiphon.errors import InputError
from antiphon.networks import to_arrays
from antiphon.networks.trees import RecursiveAutoencoder, Tree, pack

SIZE = 3


def make(rng, leaves):
    if leaves == 1:
        return Tree(rng.normal(size=SIZE))
    left = int(rng.integers(1, leaves))
    return Tree(None, [make(rng, left), make(rng, leaves - left)])


TREES = [make(np.random.default_rng(4), leaves) for leaves in (3, 1, 2)]


def make_network(normalised, weighted):
    network = RecursiveAutoencoder(SIZE, normalised=normalised, weighted=weighted, key=jax.random.key(2))
    biases = jnp.array([0.1, -0.2, 0.3]), 0.1 * jnp.arange(6, dtype=jnp.float32)
    return eqx.tree_at(lambda n: (n.bias_in, n.bias_out), network, biases)


@jax.jit
def all_of(network, forest):
    def loss(network):
        return network.losses(forest).sum() + network(forest)[:, 0].sum()

    return network.at_nodes(forest), network.losses(forest), jax.grad(loss)(network)


@pytest.mark.parametrize(
    ("normalised", "weighted"), [(True, True), pytest.param(False, False, marks=pytest.mark.slow)]
)
def test_codes_losses_and_gradients_are_those_of_recursion(normalised, weighted):
    network = make_network(normalised, weighted)
    codes, losses, slopes = all_of(network, pack(TREES, arity=2))
    arrays = to_arrays(network)
    named = {**arrays, "size": SIZE, "normalised": normalised, "weighted": weighted}
    for i, tree in enumerate(TREES):
        wanted = autoencoder(np, named, tree)
        np.testing.assert_allclose(codes[i, : len(tree)], [code for code, _, _ in wanted], atol=1e-5)
        np.testing.assert_allclose(losses[i, : len(tree)], [loss for _, loss, _ in wanted], atol=1e-5)
        assert (np.asarray(losses[i, len(tree) :]) == 0).all()

    def loss(arrays):
        found = [autoencoder(jnp, {**named, **arrays}, tree) for tree in TREES]
        return sum(loss for nodes in found for _, loss, _ in nodes) + sum(nodes[-1][0][0] for nodes in found)

    wanted = jax.jit(jax.grad(loss))({name: jnp.asarray(a) for name, a in arrays.items()})
    for name, slope in to_arrays(slopes).items():
        np.testing.assert_allclose(slope, wanted[name], atol=1e-5, rtol=1e-5, err_msg=name)


def greedy(network, vectors):
    """Merges of least loss, one after the other, in NumPy."""
    parts = [Tree(v) for v in vectors]
    while len(parts) > 1:
        losses = [autoencoder(np, network, Tree(None, pair))[-1][1] for pair in pairwise(parts)]
        at = int(np.argmin(losses))
        parts[at : at + 2] = [Tree(None, parts[at : at + 2])]
    return parts[0]


def test_the_greedy_tree_is_that_of_a_loop():
    network = make_network(True, True)
    named = {**to_arrays(network), "size": SIZE, "normalised": True, "weighted": True}
    shapes = set()
    for seed in range(4):
        vectors = np.random.default_rng(seed).normal(size=(6, SIZE)).astype(np.float32)
        tree = network.merge(vectors)
        assert tree == greedy(named, vectors)
        np.testing.assert_array_equal([leaf.value for leaf in tree.leaves()], vectors)
        shapes.add(str(tree.map(lambda value: None)))
    assert len(shapes) > 1
    assert network.merge(vectors[:1]) == Tree(vectors[0])


def test_training_makes_the_loss_small():
    network = make_network(True, True)
    forest = pack(TREES, arity=2)
    first = float(all_of(network, forest)[1].sum())
    for _ in range(100):
        slopes = all_of(network, forest)[2]
        network = jax.tree.map(lambda a, s: a - 0.05 * s, network, slopes)
    assert float(all_of(network, forest)[1].sum()) < 0.5 * first


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="size=0"):
        RecursiveAutoencoder(0, key=jax.random.key(0))
    network = make_network(True, True)
    assert network.config["kind"] == "RecursiveAutoencoder"
    with pytest.raises(InputError, match=r"shape \(0, 3\)"):
        network.merge(np.zeros((0, 3)))
    with pytest.raises(InputError, match="room for 3 children"):
        network(pack(["(a b c d)"], labels="abc"))
