"""The spiking networks, as the catalogue shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from antiphon.networks._entry import Entry
from antiphon.networks._maps import VectorToVector
from antiphon.networks.spiking._conversion import to_spiking
from antiphon.networks.spiking._neurons import LIFLayer
from antiphon.networks.spiking._to_vector import SpikingToVector

_SEQUENCE = "result = network(jnp.ones((10, 2)), jnp.ones(10, bool))"


def _on_frames(make: Callable[[], Any]) -> Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]:
    def run() -> tuple[Callable[..., Any], tuple[Any, ...]]:
        frames = jax.random.normal(jax.random.key(1), (6, 2))
        return make(), (frames, jnp.array([True] * 4 + [False] * 2))

    return run


def _converted() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    network = VectorToVector(2, 3, activation="relu", key=jax.random.key(0))
    examples = np.random.default_rng(0).normal(size=(20, 2))
    return to_spiking(network, examples), (jnp.ones(2),)


ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="LIF layer",
        kind="spiking",
        input="Seq[Real[n]]",
        output="Seq[Real[m]]",
        reference="Neftci, Mostafa & Zenke (2019), IEEE Signal Processing Magazine 36, equations 5 and 6; "
        "surrogate gradients: Zenke & Ganguli (2018)",
        example="import jax, jax.numpy as jnp\nfrom antiphon.networks.spiking import LIFLayer\n"
        "network = LIFLayer(2, 16, key=jax.random.key(0))\n" + _SEQUENCE,
        run=_on_frames(lambda: LIFLayer(2, 4, recurrent=True, key=jax.random.key(0))),
        masked=True,
        no_hole="it is one layer, whose spikes want a read-out: the spiking network has both",
    ),
    Entry(
        name="Spiking network",
        kind="spiking",
        input="Seq[Real[n]]",
        output="Real[m]",
        reference="Neftci, Mostafa & Zenke (2019), IEEE Signal Processing Magazine 36; learned decays: "
        "Perez-Nieves et al. (2021)",
        example="import jax, jax.numpy as jnp\nfrom antiphon.networks.spiking import SpikingToVector\n"
        "network = SpikingToVector(2, 3, key=jax.random.key(0))\n" + _SEQUENCE,
        run=_on_frames(lambda: SpikingToVector(2, 3, hidden=4, key=jax.random.key(0))),
        masked=True,
        hole="spiking",
    ),
    Entry(
        name="Network converted to spikes",
        kind="spiking",
        input="Real[n]",
        output="Real[m]",
        reference="Diehl et al. (2015), IJCNN; Rueckauer et al. (2017), Frontiers in Neuroscience 11",
        example="import jax, jax.numpy as jnp\nfrom antiphon.networks import VectorToVector\n"
        "from antiphon.networks.spiking import to_spiking\n"
        'network = VectorToVector(2, 3, activation="relu", key=jax.random.key(0))\n'
        "spiking = to_spiking(network, jax.random.normal(jax.random.key(1), (100, 2)))\n"
        "result = spiking(jnp.ones(2))",
        run=_converted,
        no_hole="it is made from a trained network and is not trained itself",
    ),
)
