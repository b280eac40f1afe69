"""The ready language `tree`: programs that fold over trees.

A case is a sequence whose frames are the nodes of a tree, each after its children and the root last; one
feature of a node is the number of its children. `tree(x)` makes a tree of it, of type `Tree[Real[n]]`: there,
and nowhere else, the order of frames becomes structure. A frame that is masked is no node.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from antiphon.language._architecture import architecture
from antiphon.language._language import Language
from antiphon.language._nodes import GATHER, Nodes, fold, nodes_of
from antiphon.language._sequence import sequence
from antiphon.language._types import Real, Type

Frames = Float[Array, "time n"]
Mask = Bool[Array, " time"]
Vector = Float[Array, " n"]

tree = Language.bare("tree", is_ready=True)
tree.size_limit = 30
for _word in (
    "affine",
    "add",
    "mul",
    "if",
    "step",
    "tanh",
    "mean",
    "deviation",
    "max",
    "min",
    "first",
    "last",
):
    tree.primitives[_word] = sequence[_word]
for _word in ("linear", "mix", "sigmoid", "relu", "gate"):
    tree.primitives[_word] = architecture[_word]


def _column(value: str, types: tuple[Type, ...], language: Language) -> np.ndarray:
    vector = types[0]
    assert isinstance(vector, Real)
    return language.group_members(value, vector)


@tree.primitive(
    "Seq[Real[n]] -> Tree[Real[n]]",
    name="tree",
    prints="the tree of {0}",
    config={"children": ("arity",)},
    data={"children": _column},
    soft=True,  # Not that it is: fitting computes what is not soft beforehand, and keeps no trees.
    searched=False,
)
def make_tree(frames: Frames, mask: Mask, *, children: Vector, temperature: Array | float = 0.0) -> Nodes:
    """The tree whose nodes are the frames, each after its children; the feature `children` counts them.

    A node that asks for more children than there are gets those that are there.
    """
    known = jnp.where(mask[:, None], frames, 0.0)
    return nodes_of(known, mask, known @ children)


@tree.primitive(
    "(Real[n] -> Real[hidden] -> Real[hidden]) -> Tree[Real[n]] -> Tree[Real[hidden]]",
    prints="{1} folded from the leaves up by the {gather} of the children",
    config={"gather": GATHER, "hidden": (1, 2, 4, 8)},
    unitless=True,
    searched=False,
)
def fold_tree(function: Callable, nodes: Nodes, *, gather: str, hidden: int) -> Nodes:
    """The result at every node: a function of its value `v` and of `h`, the results of its children gathered.

    `h` is their sum, mean or maximum, entry by entry, and 0 at a leaf: the fold of a recursive network
    (Goller and Kuechler 1996, "Learning task-dependent distributed representations by backpropagation through
    structure").
    """
    return nodes.with_values(fold(lambda v, h: function(v)(h), nodes, gather, hidden))


@tree.primitive(
    "(Real[n] -> Real[m]) -> Tree[Real[n]] -> Tree[Real[m]]",
    prints="{0} at each node of {1}",
    searched=False,
)
def map_tree(function: Callable, nodes: Nodes) -> Nodes:
    """The tree of this shape whose values are those of a function."""
    return nodes.with_values(jnp.where(nodes.mask[:, None], jax.vmap(function)(nodes.values), 0.0))


@tree.primitive("Tree[Real[n]] -> Real[n]", prints="the root of {0}", searched=False)
def root(nodes: Nodes) -> Vector:
    """The value at the root; 0 where there is no node."""
    last = len(nodes.mask) - 1 - jnp.argmax(nodes.mask[::-1])
    return jnp.where(nodes.mask.any(), nodes.values[last], 0.0)


@tree.primitive("Tree[Real[n]] -> Seq[Real[n]]", prints="the leaves of {0}", searched=False)
def leaves(nodes: Nodes) -> tuple[Frames, Mask]:
    """The values of the nodes without children, from left to right."""
    return nodes.values, nodes.mask & (nodes.children == 0)


@tree.primitive("Tree[Real[n]] -> Seq[Real[n]]", prints="the nodes of {0}", searched=False)
def nodes(nodes: Nodes) -> tuple[Frames, Mask]:
    """The values of all nodes, each after its children."""
    return nodes.values, nodes.mask


@tree.primitive("Tree[Real[n]] -> Real[1]", prints="the height of {0}", unitless=True, searched=False)
def height(nodes: Nodes) -> Float[Array, " 1"]:
    """The edges from the root down to the leaf furthest away: 0 for a single node."""
    plain = nodes.with_values(jnp.minimum(nodes.children, 1).astype(jnp.float32)[:, None])
    return root(plain.with_values(fold(lambda inner, h: inner * (h + 1), plain, "max", 1)))


@tree.primitive(
    "Tree[Real[n]] -> Real[1]", prints="the number of nodes of {0}", unitless=True, searched=False
)
def count(nodes: Nodes) -> Float[Array, " 1"]:
    """How many nodes there are."""
    return nodes.mask.sum(dtype=jnp.float32)[None]


@tree.primitive("Seq[Real[n]] -> Real[n]", name="sum", prints="sum of {0}", searched=False)
def total(frames: Frames, mask: Mask) -> Vector:
    """Sum over the frames that are there."""
    return jnp.where(mask[:, None], frames, 0.0).sum(0)
