"""What a search may say in `tree`: folds with a cell of its own, and summaries of the nodes.

The role `cell` speaks of its variables: the value `v` of a node, and `h`, what its children gave.
"""

from __future__ import annotations

from antiphon.language._nodes import GATHER
from antiphon.language._tree import tree

TREE = "tree[children=arity](x)"
# Whole cells first: where a search that grows complete programs begins. Sums, a recursive network, one in
# which the value of a node says what is done with its children, a gate, a choice by the value.
CELLS = (
    "linear(v) + h",
    "tanh(mix(v, h))",
    "tanh(linear(v) + linear(v) * linear(h))",
    "gate(mix(v, h), h, tanh(mix(v, h)))",
    "step(affine(v) + affine(h))",
    "if affine(v) > 0 then ?cell else ?cell",
    "tanh(?cell)",
    "affine(v)",
    "affine(h)",
    "h",
)
HIDDEN = (1, 4)

for _gather in GATHER:
    for _hidden in HIDDEN:
        _fold = f"fold_tree[gather={_gather}, hidden={_hidden}](v -> h -> ?cell, {TREE})"
        tree.rule("output", f"affine(root({_fold}))")
        # Where every node gets an answer.
        tree.rule("output", f"nodes(map_tree(s -> affine(s), {_fold}))")
for _template in CELLS:
    tree.rule("cell", _template, variables={"v": "frame", "h": "hole"})
for _word in ("height", "count"):
    tree.rule("output", f"affine({_word}({TREE}))")
tree.rule("output", "affine(?summary)")
tree.rule("output", "affine(?summary) + ?output")
for _summary in ("mean(x)", "max(x)", "sum(x)", f"root({TREE})"):
    tree.rule("summary", _summary)
for _word in ("mean", "max", "min", "first", "last"):
    tree.rule("summary", f"{_word}(leaves({TREE}))")
