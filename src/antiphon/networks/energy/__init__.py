"""Networks with an energy that never rises: associative memories, and networks that solve problems.

Each has `energy`, and says under which conditions it never rises. States are single and unbatched; use
`jax.vmap` for many. Networks in continuous time have `trajectory` and `settle`, solved by diffrax.
"""

from antiphon.networks.energy._bidirectional import BidirectionalMemory
from antiphon.networks.energy._cellular import TEMPLATES, CellularNetwork, Template, start_of
from antiphon.networks.energy._cohen_grossberg import CohenGrossberg
from antiphon.networks.energy._continuous import ContinuousHopfield
from antiphon.networks.energy._delayed import DelayedHopfield, critical_delay
from antiphon.networks.energy._dense import DenseAssociativeMemory, ExponentialHopfield, ModernHopfield
from antiphon.networks.energy._flow import Flow
from antiphon.networks.energy._hopfield import Hopfield
from antiphon.networks.energy._multitasking import MultitaskingHopfield, diluted_patterns
from antiphon.networks.energy._projection import ProjectionNetwork
from antiphon.networks.energy._salesman import HopfieldTank
from antiphon.networks.energy._storage import hebbian, pseudo_inverse, storkey

__all__ = [
    "TEMPLATES",
    "BidirectionalMemory",
    "CellularNetwork",
    "CohenGrossberg",
    "ContinuousHopfield",
    "DelayedHopfield",
    "DenseAssociativeMemory",
    "ExponentialHopfield",
    "Flow",
    "Hopfield",
    "HopfieldTank",
    "ModernHopfield",
    "MultitaskingHopfield",
    "ProjectionNetwork",
    "Template",
    "critical_delay",
    "diluted_patterns",
    "hebbian",
    "pseudo_inverse",
    "start_of",
    "storkey",
]
