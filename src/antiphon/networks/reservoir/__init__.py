"""Reservoir computing: a fixed random recurrent network, and a read-out that alone is trained."""

from antiphon.networks.reservoir._echo import EchoState
from antiphon.networks.reservoir._liquid import Liquid
from antiphon.networks.reservoir._to_vector import (
    EchoStateToVector,
    LiquidToVector,
    reservoir_features,
    with_read_out,
)

__all__ = [
    "EchoState",
    "EchoStateToVector",
    "Liquid",
    "LiquidToVector",
    "reservoir_features",
    "with_read_out",
]
