"""Imperative Python as one compiled graph: what `jax.jit` refuses is converted, assumed, or run as Python."""

from __future__ import annotations

from antiphon.graph.hybrid._explain import Explanation, Row
from antiphon.graph.hybrid._hybrid import Hybrid
from antiphon.graph.hybrid._hybridize import hybridize

__all__ = ["Explanation", "Hybrid", "Row", "hybridize"]
