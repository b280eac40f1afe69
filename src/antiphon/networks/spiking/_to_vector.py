"""A spiking network that reads a sequence and answers with one vector."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.networks._checks import check_count, check_frames, check_rate
from antiphon.networks._recurrent import drop
from antiphon.networks._scaling import Scaling
from antiphon.networks.spiking._neurons import LIFLayer, leaky_mean

READ_OUT_DECAY = 0.9


class SpikingToVector(eqx.Module):
    """A spiking network that reads a sequence and answers with one vector.

    Layers of `LIFLayer`, then one membrane an answer that leaks and never spikes; the answer is its mean over
    the real frames. `with_scaling` makes the network standardise its input.

    Args:
        in_size: Features of a frame.
        out_size: Entries of the answer, for example the number of classes.
        hidden: Neurons of each layer.
        layers: How many layers stand on each other.
        recurrent: Whether the neurons of a layer hear each other's last spikes.
        substeps: How often each frame is shown: more let neurons say more about it, and cost as much more.
        decay: Share of a membrane that is left after a step, at first.
        dropout: Share of the spikes dropped after each layer, while a key is given.
        surrogate: See `spike`.
        slope: See `spike`.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is out of range.

    Reference:
        Neftci, Mostafa & Zenke (2019), IEEE Signal Processing Magazine 36; learned decays after Perez-Nieves,
        Leung, Dragotti & Goodman (2021), Nature Communications 12.

    Example:
        >>> network = SpikingToVector(2, 3, hidden=8, key=jax.random.key(0))
        >>> network(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (3,)
    """

    scaling: Scaling
    layers: tuple[LIFLayer, ...]
    linear: eqx.nn.Linear
    in_size: int = eqx.field(static=True)
    out_size: int = eqx.field(static=True)
    substeps: int = eqx.field(static=True)
    decay: float = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        hidden: int = 64,
        layers: int = 1,
        recurrent: bool = True,
        substeps: int = 2,
        decay: float = 0.9,
        dropout: float = 0.0,
        surrogate: str = "fast-sigmoid",
        slope: float = 5.0,
        key: PRNGKeyArray,
    ) -> None:
        self.in_size = check_count("in_size", in_size)
        self.out_size = check_count("out_size", out_size)
        self.substeps = check_count("substeps", substeps)
        self.dropout = check_rate("dropout", dropout)
        first, *keys = jax.random.split(key, check_count("layers", layers) + 1)
        sizes = (in_size, *(hidden,) * (layers - 1))
        self.layers = tuple(
            LIFLayer(
                size,
                hidden,
                recurrent=recurrent,
                decay=decay,
                surrogate=surrogate,
                slope=slope,
                key=layer_key,
            )
            for size, layer_key in zip(sizes, keys, strict=True)
        )
        self.decay = float(decay)
        self.scaling = Scaling(in_size)
        self.linear = eqx.nn.Linear(hidden, out_size, key=first, dtype=jnp.float32)

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        layer = self.layers[0]
        return {
            "kind": type(self).__name__,
            "in_size": self.in_size,
            "out_size": self.out_size,
            "hidden": layer.out_size,
            "layers": len(self.layers),
            "recurrent": layer.weight_back is not None,
            "substeps": self.substeps,
            "decay": self.decay,
            "dropout": self.dropout,
            "surrogate": layer.surrogate,
            "slope": layer.slope,
        }

    def __call__(
        self,
        frames: Float[Array, "time feature"],
        mask: Bool[Array, " time"],
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, " out"]:
        """The answer for one sequence; with a key, dropout is on."""
        last = self.spikes(frames, mask, key=key)[-1]
        return leaky_mean(jax.vmap(self.linear)(last), jnp.repeat(mask, self.substeps), READ_OUT_DECAY)

    def spikes(
        self,
        frames: Float[Array, "time feature"],
        mask: Bool[Array, " time"],
        *,
        key: PRNGKeyArray | None = None,
    ) -> tuple[Float[Array, "step unit"], ...]:
        """The spikes of each layer at each of the `time * substeps` steps."""
        check_frames(frames, mask, self.in_size)
        shown = jnp.repeat(mask, self.substeps)
        values = jnp.repeat(self.scaling(jnp.where(mask[:, None], frames, 0.0)), self.substeps, axis=0)
        keys = [None] * len(self.layers) if key is None else jax.random.split(key, len(self.layers))
        found = []
        for layer, layer_key in zip(self.layers, keys, strict=True):
            values = drop(layer(values, shown), self.dropout, layer_key)
            found.append(values)
        return tuple(found)
