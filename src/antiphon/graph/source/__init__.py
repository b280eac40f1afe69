"""Graphs as source code that runs without JAX."""

from antiphon.graph.source._c import to_c
from antiphon.graph.source._numpy import to_numpy
from antiphon.graph.source._stablehlo import StableHLO, to_stablehlo

__all__ = ["StableHLO", "to_c", "to_numpy", "to_stablehlo"]
