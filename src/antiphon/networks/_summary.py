"""A model as a table of text."""

from __future__ import annotations

from itertools import pairwise

import jax

from antiphon.networks._layer_graph import Network, Plan
from antiphon.networks.layers._layer import show


def summary_of(plan: Plan, network: Network, title: str) -> str:
    """Layers with what they read, the shape of what they give, and their parameters."""
    names = {id(tensor): tensor.name or "input" for tensor in plan.inputs}
    names |= {id(tensor): plan.layer_name(tensor) for tensor in plan.tensors}
    rows = [("layer", "output of a case", "parameters", "reads")]
    rows += [(f"{names[id(tensor)]} (Input)", show(tensor.shape), "0", "") for tensor in plan.inputs]
    seen = set()
    for tensor in plan.tensors:
        name = plan.layer_name(tensor)
        assert tensor.layer is not None
        count = 0 if name in seen else _count(network.layers[name])
        seen.add(name)
        reads = ", ".join(names[id(one)] for one in tensor.inputs)
        rows.append((f"{name} ({tensor.layer.kind})", show(tensor.shape), f"{count:,}", reads))
    chain = [*plan.inputs, *plan.tensors]
    if len(plan.inputs) == 1 and all(t.inputs == (b,) for b, t in pairwise(chain)):
        rows = [row[:3] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    rule = "-" * max(map(len, lines))
    total = _count(network.layers)
    return "\n".join([title, rule, lines[0], rule, *lines[1:], rule, f"{total:,} parameters"])


def _count(tree: object) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
