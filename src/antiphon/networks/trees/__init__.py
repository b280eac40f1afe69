"""Networks over trees: recursive networks, TreeLSTMs and recursive autoencoders, batched level by level.

A `Tree` is data: from nested lists or bracketed text. `pack` makes a batch of them one `Forest` of arrays,
which every network here takes: it runs one batched call a level over all trees at once.
"""

from antiphon.networks.trees._autoencoder import RecursiveAutoencoder
from antiphon.networks.trees._expressions import BOOLEAN, LIST, random_expressions
from antiphon.networks.trees._forest import Forest, pack, pack_batches, tree_frames, value_labels
from antiphon.networks.trees._recursive import TreeLSTM, TreeRNN
from antiphon.networks.trees._tree import Tree, parse_tree

__all__ = [
    "BOOLEAN",
    "LIST",
    "Forest",
    "RecursiveAutoencoder",
    "Tree",
    "TreeLSTM",
    "TreeRNN",
    "pack",
    "pack_batches",
    "parse_tree",
    "random_expressions",
    "tree_frames",
    "value_labels",
]
