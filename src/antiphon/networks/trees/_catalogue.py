"""What the catalogue says of networks over trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from antiphon.networks._entry import Entry
from antiphon.networks.trees._autoencoder import RecursiveAutoencoder
from antiphon.networks.trees._forest import pack
from antiphon.networks.trees._recursive import TreeLSTM, TreeRNN

_NO_HOLE = (
    "a hole of a program reads frames or a vector, and this reads trees; `fold_tree` is the word for them"
)
_TEXTS = ["(and 1 (or 0 1))", "(or 0 (or 0 1))"]
_LABELS = ["0", "1", "and", "or"]


def _run(kind: Callable[..., Any], *sizes: int, **settings: int) -> Callable[[], tuple[Any, tuple[Any, ...]]]:
    def run() -> tuple[Callable[..., Any], tuple[Any, ...]]:
        network = kind(*sizes, **settings, key=jax.random.key(0))
        return network, (pack(_TEXTS, labels=_LABELS, arity=2),)

    return run


def _example(name: str, settings: str) -> str:
    return f"""import equinox as eqx
import jax
from antiphon.networks.trees import {name}, pack

forest = pack(["(and 1 (or 0 1))", "(or 0 (or 0 1))"], labels=["0", "1", "and", "or"], arity=2)
network = {name}(4, {settings}, key=jax.random.key(0))
result = eqx.filter_jit(network)(forest)"""


ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="TreeRNN",
        kind="recursive",
        input="Tree[Real[n]]",
        output="Real[m]",
        reference="Socher, Lin, Ng, Manning 2011, Parsing natural scenes and natural language with recursive "
        "neural networks, ICML, equation 5",
        example=_example("TreeRNN", "2, hidden=3, arity=2"),
        run=_run(TreeRNN, 4, 2, hidden=3, arity=2),
        no_hole=_NO_HOLE,
    ),
    Entry(
        name="Child-sum TreeLSTM",
        kind="recursive",
        input="Tree[Real[n]]",
        output="Real[m]",
        reference="Tai, Socher, Manning 2015, Improved semantic representations from tree-structured long "
        "short-term memory networks, ACL, equations 2-8",
        example=_example("TreeLSTM", "2, hidden=3"),
        run=_run(TreeLSTM, 4, 2, hidden=3),
        no_hole=_NO_HOLE,
    ),
    Entry(
        name="N-ary TreeLSTM",
        kind="recursive",
        input="Tree[Real[n]]",
        output="Real[m]",
        reference="Tai, Socher, Manning 2015, Improved semantic representations from tree-structured long "
        "short-term memory networks, ACL, equations 9-14",
        example=_example("TreeLSTM", "2, hidden=3, arity=2"),
        run=_run(TreeLSTM, 4, 2, hidden=3, arity=2),
        no_hole=_NO_HOLE,
    ),
    Entry(
        name="Recursive autoencoder",
        kind="recursive",
        input="Tree[Real[n]]",
        output="Real[n]",
        reference="Socher, Pennington, Huang, Ng, Manning 2011, Semi-supervised recursive autoencoders for "
        "predicting sentiment distributions, EMNLP, section 2.2",
        example=_example("RecursiveAutoencoder", "normalised=True"),
        run=_run(RecursiveAutoencoder, 4),
        no_hole=_NO_HOLE,
    ),
)
