"""Symbolic graphs: what every program, network and hybridised function becomes.

A graph is read, optimised, run, exported and analysed by one loop over its equations and a table of rules.
"""

from antiphon.graph._check import check
from antiphon.graph._count import Count
from antiphon.graph._graph import Atom, Equation, Graph, Literal, Source, Trees, Value
from antiphon.graph._interpret import Rule, interpret
from antiphon.graph._jax import from_jaxpr, to_jaxpr
from antiphon.graph._optimise import PASSES, optimise
from antiphon.graph._passes import (
    Pass,
    apply_identities,
    drop_dead,
    fold_constants,
    fuse_affine,
    inline_calls,
    inline_derivatives,
    merge_common,
)
from antiphon.graph._rewrite import PassReport
from antiphon.graph._sizes import resize
from antiphon.graph._trace import trace
from antiphon.graph.hybrid import Hybrid, hybridize
from antiphon.graph.onnx_export import save_onnx, to_onnx
from antiphon.graph.onnx_import import OnnxModel, from_onnx

__all__ = [
    "PASSES",
    "Atom",
    "Count",
    "Equation",
    "Graph",
    "Hybrid",
    "Literal",
    "OnnxModel",
    "Pass",
    "PassReport",
    "Rule",
    "Source",
    "Trees",
    "Value",
    "apply_identities",
    "check",
    "drop_dead",
    "fold_constants",
    "from_jaxpr",
    "from_onnx",
    "fuse_affine",
    "hybridize",
    "inline_calls",
    "inline_derivatives",
    "interpret",
    "merge_common",
    "optimise",
    "resize",
    "save_onnx",
    "to_jaxpr",
    "to_onnx",
    "trace",
]
