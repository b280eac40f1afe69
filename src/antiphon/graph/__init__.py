"""Symbolic graphs: what every program, network and hybridised function becomes.

A graph is read, optimised, run, exported and analysed by one loop over its equations and a table of rules.
"""

from antiphon.graph._count import Count
from antiphon.graph._graph import Atom, Equation, Graph, Literal, Source, Trees, Value
from antiphon.graph._interpret import Rule, interpret
from antiphon.graph._sizes import resize
from antiphon.graph._trace import trace

__all__ = [
    "Atom",
    "Count",
    "Equation",
    "Graph",
    "Literal",
    "Rule",
    "Source",
    "Trees",
    "Value",
    "interpret",
    "resize",
    "trace",
]
