"""Spiking networks: leaky integrate-and-fire neurons that learn, and networks converted to spikes."""

from antiphon.networks.spiking._conversion import ConvertedNetwork, to_spiking
from antiphon.networks.spiking._neurons import LIFLayer
from antiphon.networks.spiking._surrogate import spike
from antiphon.networks.spiking._to_vector import SpikingToVector

__all__ = ["ConvertedNetwork", "LIFLayer", "SpikingToVector", "spike", "to_spiking"]
