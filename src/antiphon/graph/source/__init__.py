"""Graphs as source code that runs without JAX."""

from antiphon.graph.source._c import to_c
from antiphon.graph.source._numpy import to_numpy

__all__ = ["to_c", "to_numpy"]
