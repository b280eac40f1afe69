"""What a search may say in `architecture`, and `nas_bench_201`: one cell of it, with every edge open.

Roles inside a lambda speak of its variables: `cell`, `score` and `candidate` of the state `h` and the frame
`v`; `message` and `combination` of the node `u` and what reached it, `a`; `edge_a`, `edge_b` and `edge_c` of
one node of a cell each.
"""

from __future__ import annotations

from antiphon.language._architecture import KINDS, architecture
from antiphon.language._language import Language

# Whole cells first: where a search that grows complete programs begins. An Elman network (1990), one gate, a
# gated recurrent unit with the reset behind the product, as cuDNN, PyTorch and Equinox have it.
CELLS = (
    "tanh(mix(v, h))",
    "gate(mix(v, h), h, tanh(mix(v, h)))",
    "gate(mix(v, h), h, tanh(linear(v) + sigmoid(mix(v, h)) * linear(h)))",
    "relu(mix(v, h))",
    "h + tanh(mix(v, h))",
    "tanh(?candidate)",
    "relu(?candidate)",
    "gate(?score, h, tanh(?candidate))",
    "gate(?score, h, ?cell)",
    "gate(?score, ?cell, ?cell)",
    "h + ?cell",
)
# What a candidate state is made of; the third is the reset of Cho et al. (2014), before the product.
CANDIDATES = (
    "mix(v, h)",
    "linear(v)",
    "mix(v, sigmoid(?score) * h)",
    "linear(v) + sigmoid(?score) * linear(h)",
)
SCORES = ("mix(v, h)", "linear(v)", "linear(h)")
MESSAGES = ("u", "relu(linear(u))")
COMBINATIONS = ("relu(mix(u, a))", "u + relu(linear(a))", "gate(mix(u, a), u, tanh(linear(a)))")
EDGES = ("none({0})", "skip({0})", "conv[width=1]({0})", "conv[width=3]({0})", "pool({0})")
CELL = (
    "cell(a -> ?edge_a, a -> b -> ?edge_a + ?edge_b, a -> b -> c -> ?edge_a + ?edge_b + ?edge_c,"
    " embed[width=16](standard(x)))"
)


def _layers() -> list[str]:
    graphs = [
        f"graph[gather={kind}, reach=1](u -> ?message, u -> a -> ?combination, embed[width=16](standard(x)))"
        for kind in KINDS
    ]
    return ["fold[hidden=8](h -> v -> ?cell, standard(?stream))", *graphs, CELL]


def _give_rules(language: Language, layers: list[str]) -> None:
    for layer in layers:
        readers = ("last", "mean") if layer.startswith("fold") else ("mean",)
        for reader in readers:
            language.rule("output", f"linear({reader}({layer}))")
        language.rule("output", f"map(s -> linear(s), {layer})")  # where every frame gets an answer
    inner = {"h": "hole", "v": "frame"}
    for role, templates, variables in (
        ("cell", CELLS, inner),
        ("candidate", CANDIDATES, inner),
        ("score", SCORES, inner),
        ("message", MESSAGES, {"u": "hole"}),
        ("combination", COMBINATIONS, {"u": "hole", "a": "hole"}),
        *((f"edge_{n}", [e.format(n) for e in EDGES], {n: "hole"}) for n in "abc"),
    ):
        for template in templates:
            language.rule(role, template, variables=variables)
    # Not parts of a network, but what a perceptron reads that stands in for an open hole.
    for summary in ("mean(x)", "max(x)", "first(x)", "last(x)"):
        language.rule("summary", summary)
    language.rule("stream", "delta(x)")


_give_rules(architecture, _layers())

nas_bench_201 = Language.bare("nas_bench_201", is_ready=True)
nas_bench_201.size_limit = 30
nas_bench_201.primitives.update(architecture.primitives)
_give_rules(nas_bench_201, [CELL])
