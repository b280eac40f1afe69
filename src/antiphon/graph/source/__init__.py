"""Graphs as source code that runs without JAX."""

from antiphon.graph.source._numpy import to_numpy

__all__ = ["to_numpy"]
