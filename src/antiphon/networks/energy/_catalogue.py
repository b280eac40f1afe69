"""The energy networks, as the catalogue shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from antiphon.networks._entry import Entry
from antiphon.networks.energy._bidirectional import BidirectionalMemory
from antiphon.networks.energy._cellular import CellularNetwork
from antiphon.networks.energy._cohen_grossberg import CohenGrossberg
from antiphon.networks.energy._continuous import ContinuousHopfield
from antiphon.networks.energy._delayed import DelayedHopfield
from antiphon.networks.energy._dense import DenseAssociativeMemory, ExponentialHopfield, ModernHopfield
from antiphon.networks.energy._hopfield import Hopfield
from antiphon.networks.energy._multitasking import MultitaskingHopfield
from antiphon.networks.energy._projection import ProjectionNetwork
from antiphon.networks.energy._salesman import HopfieldTank

_IMPORTS = "import jax, jax.numpy as jnp\nfrom antiphon.networks.energy import "
_SIGNS = "its units are signs, through which no gradient flows"
_PATTERNS: Any = [[1, 1, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1]]
_BLANKS: Any = [[1, -1, 0, 0, 1, 0], [0, 1, 1, 1, 0, 0]]
_STATE = [1.0, 1.0, -1.0, -1.0, -1.0, -1.0]
_RECALL = "result = memory(jnp.array([1.0, 1, -1, -1, -1, -1]))"


def _memory(make: Callable[[], Any]) -> Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]:
    return lambda: (make(), (jnp.asarray(_STATE, dtype=float),))


def _flow(make: Callable[[], Any]) -> Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]:
    """The rate of a network in continuous time, which is what a solver runs."""

    def run() -> tuple[Callable[..., Any], tuple[Any, ...]]:
        network = make()
        return network.rate, (jnp.full(network.shape, 0.5, float),)

    return run


def _pair() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    memory = BidirectionalMemory.store(_PATTERNS, [[1, -1], [1, 1]])
    return memory, (jnp.asarray(_STATE, dtype=float), jnp.ones(2, float))


def _delayed() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    network = DelayedHopfield([[-1.5]], 2.5, steps=16)
    return lambda state: network.trajectory(state, 4)[0], (jnp.full(1, 0.1, float),)


def _square() -> np.ndarray:
    places = np.array([[0, 0], [0, 1], [1, 1], [1, 0]]) * 0.7
    return np.linalg.norm(places[:, None] - places[None, :], axis=2)


ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="Hopfield network",
        kind="energy",
        input="Real[n]",
        output="Real[n]",
        reference="Hopfield (1982), PNAS 79, equation 2; pseudo-inverse: Personnaz, Guyon & Dreyfus (1985); "
        "Storkey (1997), equation 1",
        example=f"{_IMPORTS}Hopfield\n"
        'memory = Hopfield.store([[1, 1, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1]], "storkey")\n' + _RECALL,
        run=_memory(lambda: Hopfield.store(_PATTERNS)),
        no_hole=_SIGNS,
    ),
    Entry(
        name="Dense associative memory",
        kind="energy",
        input="Real[n]",
        output="Real[n]",
        reference="Krotov & Hopfield (2016), NeurIPS, equations 1-3",
        example=f"{_IMPORTS}DenseAssociativeMemory\n"
        "memory = DenseAssociativeMemory([[1, 1, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1]], degree=3)\n"
        + _RECALL,
        run=_memory(lambda: DenseAssociativeMemory(_PATTERNS)),
        no_hole=_SIGNS,
    ),
    Entry(
        name="Exponential Hopfield network",
        kind="energy",
        input="Real[n]",
        output="Real[n]",
        reference="Demircigil et al. (2017), Journal of Statistical Physics 168, equations 3 and 5",
        example=f"{_IMPORTS}ExponentialHopfield\n"
        "memory = ExponentialHopfield([[1, 1, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1]])\n" + _RECALL,
        run=_memory(lambda: ExponentialHopfield(_PATTERNS)),
        no_hole=_SIGNS,
    ),
    Entry(
        name="Modern Hopfield network",
        kind="energy",
        input="Real[n]",
        output="Real[n]",
        reference="Ramsauer et al. (2021), ICLR, equations 2 and 3",
        example=f"{_IMPORTS}ModernHopfield\n"
        "memory = ModernHopfield(jax.random.normal(jax.random.key(0), (100, 16)))\n"
        "result = memory(memory.patterns[3] + 0.3)",
        run=_memory(lambda: ModernHopfield(_PATTERNS)),
        no_hole="it is made from stored patterns, not from sizes; as a trained layer it is attention",
    ),
    Entry(
        name="Multitasking Hopfield network",
        kind="energy",
        input="Real[n]",
        output="Real[n]",
        reference="Agliari et al. (2012), Physical Review Letters 109, 268101",
        example=f"{_IMPORTS}MultitaskingHopfield, diluted_patterns\n"
        "memory = MultitaskingHopfield(diluted_patterns(3, 200, 0.4, key=jax.random.key(0)))\n"
        "result = memory.overlaps(memory(memory.hierarchy()))",
        run=_memory(lambda: MultitaskingHopfield(_BLANKS)),
        no_hole=_SIGNS,
    ),
    Entry(
        name="Bidirectional associative memory",
        kind="energy",
        input="(Real[n], Real[m])",
        output="(Real[n], Real[m])",
        reference="Kosko (1988), IEEE Transactions on Systems, Man, and Cybernetics 18, equations 4 and 13",
        example=f"{_IMPORTS}BidirectionalMemory\n"
        "memory = BidirectionalMemory.store([[1, 1, -1, -1], [1, -1, 1, -1]], [[1, -1], [1, 1]])\n"
        "result = memory(jnp.array([1.0, 1, -1, -1]), jnp.ones(2))",
        run=_pair,
        no_hole=_SIGNS,
    ),
    Entry(
        name="Continuous Hopfield network",
        kind="energy",
        input="Real[n]",
        output="Real[n]",
        reference="Hopfield (1984), PNAS 81, equations 5 and 7",
        example=f"{_IMPORTS}ContinuousHopfield\n"
        "network = ContinuousHopfield([[0.0, 1.0], [1.0, 0.0]], gain=2.0)\n"
        "result = network.outputs(network.settle(jnp.array([0.3, -0.1])))",
        run=_flow(lambda: ContinuousHopfield([[0.0, 1.0], [1.0, 0.0]])),
        no_hole="it runs until it rests, which takes as long as its state wants",
    ),
    Entry(
        name="Hopfield network with delay",
        kind="energy",
        input="Real[n]",
        output="Seq[Real[n]]",
        reference="Marcus & Westervelt (1989), Physical Review A 39; Ye, Michel & Wang (1994)",
        example=f"{_IMPORTS}DelayedHopfield, critical_delay\n"
        "neuron = DelayedHopfield([[-1.5]], delay=1.2 * critical_delay(-1.5))\n"
        "result, rates = neuron.trajectory(jnp.array([0.1]), 40)",
        run=_delayed,
        no_hole="it makes a sequence out of a state, and no type of hole does that",
    ),
    Entry(
        name="Cohen-Grossberg network",
        kind="energy",
        input="Real[n]",
        output="Real[n]",
        reference="Cohen & Grossberg (1983), IEEE Transactions on Systems, Man, and Cybernetics 13, "
        "equations 13 and 18",
        example=f"{_IMPORTS}CohenGrossberg\n"
        "rivals = CohenGrossberg([[1.0, 0.5], [0.5, 1.0]], lambda x: x, lambda x: 1 + 0 * x,\n"
        "                        lambda x: x, domain=(0, 2))\n"
        "result = rivals.settle(jnp.array([0.1, 0.9]))",
        run=_flow(lambda: CohenGrossberg(np.eye(2), jnp.ones_like, jnp.negative, jnp.tanh)),
        no_hole="it is made from functions, which a program cannot save",
    ),
    Entry(
        name="Cellular neural network",
        kind="energy",
        input="Image",
        output="Image",
        reference="Chua & Yang (1988), IEEE Transactions on Circuits and Systems 35, equations 2 and 10",
        example=f"{_IMPORTS}CellularNetwork\n"
        "image = -jnp.ones((8, 8)).at[2:6, 2:6].set(-1.0)\n"
        'network = CellularNetwork.of_template("edge-detection", image)\n'
        "result = network(network.image)",
        run=_flow(lambda: CellularNetwork.of_template("edge-detection", -np.ones((4, 5)))),
        no_hole="it reads images, which the language has no type for",
    ),
    Entry(
        name="Projection network",
        kind="energy",
        input="Real[n]",
        output="Real[n]",
        reference="Friesz et al. (1994), Operations Research 42; Xia & Wang (2000); energy: Fukushima (1992)",
        example=f"{_IMPORTS}ProjectionNetwork\n"
        "network = ProjectionNetwork.complementarity([[2.0, 1.0], [1.0, 2.0]], [-3.0, 1.0])\n"
        "result = network.settle(jnp.zeros(2))",
        run=_flow(lambda: ProjectionNetwork(np.eye(2), np.ones(2), lower=0.0)),
        no_hole="it solves one given problem and learns nothing",
    ),
    Entry(
        name="Hopfield-Tank network",
        kind="energy",
        input="Real[n]",
        output="Real[n]",
        reference="Hopfield & Tank (1985), Biological Cybernetics 52, equation 8; Brandt et al. (1988)",
        example=f"{_IMPORTS}HopfieldTank\n"
        "places = jax.random.uniform(jax.random.key(0), (6, 2))\n"
        "lengths = jnp.linalg.norm(places[:, None] - places[None, :], axis=2)\n"
        'salesman = HopfieldTank(lengths, "brandt")\n'
        "result, valid = salesman.tour(salesman(key=jax.random.key(1)))",
        run=_flow(lambda: HopfieldTank(_square(), "brandt").network),
        no_hole="it solves one given problem and learns nothing",
    ),
)
