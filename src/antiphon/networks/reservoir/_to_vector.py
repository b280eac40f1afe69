"""Reservoirs with a trained read-out: networks from a sequence to a vector."""

from __future__ import annotations

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count, check_frames
from antiphon.networks._scaling import Scaling
from antiphon.networks.reservoir._echo import EchoState
from antiphon.networks.reservoir._liquid import Liquid
from antiphon.networks.reservoir._reservoir import Frames, Mask

CHUNK = 64  # cases run at once

Network = TypeVar("Network", bound="_ReservoirToVector")


class _ReservoirToVector(eqx.Module):
    """Scaling, a fixed reservoir, and a linear map of the mean and the last of its states."""

    scaling: Scaling
    reservoir: EchoState | Liquid
    linear: eqx.nn.Linear
    out_size: int = eqx.field(static=True)

    def _setup(self, reservoir: EchoState | Liquid, out_size: int, key: PRNGKeyArray) -> None:
        self.reservoir = reservoir
        self.out_size = check_count("out_size", out_size)
        self.scaling = Scaling(reservoir.in_size)
        self.linear = eqx.nn.Linear(2 * reservoir.out_size, out_size, key=key, dtype=jnp.float32)

    @property
    def in_size(self) -> int:
        """Features of a frame."""
        return self.reservoir.in_size

    def features(self, frames: Frames, mask: Mask) -> Float[Array, " state"]:
        """What the read-out reads: the mean of the states over the real frames, and the last one."""
        check_frames(frames, mask, self.in_size)
        states = self.reservoir(self.scaling(jnp.where(mask[:, None], frames, 0.0)), mask)
        total = jnp.where(mask[:, None], states, 0.0).sum(0)
        return jnp.concatenate([total / jnp.maximum(mask.sum(), 1).astype(total.dtype), states[-1]])

    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, " out"]:
        """The answer for one sequence; the key changes nothing."""
        return self.linear(self.features(frames, mask))


class EchoStateToVector(_ReservoirToVector):
    """An echo state network that reads a sequence and answers with one vector.

    Only the read-out is trained: by `with_read_out` in one step, or by gradient as any network.

    Args:
        in_size: Features of a frame.
        out_size: Entries of the answer.
        units: Size of the reservoir.
        spectral_radius: See `EchoState`.
        leak: See `EchoState`.
        density: See `EchoState`.
        input_scale: See `EchoState`.
        bias_scale: See `EchoState`.
        key: Randomness of the reservoir and of the first read-out.

    Raises:
        InputError: If a setting is out of range.

    Reference:
        Jaeger (2001), GMD report 148; Lukosevicius (2012), A practical guide to applying echo state networks.

    Example:
        >>> network = EchoStateToVector(2, 3, units=20, key=jax.random.key(0))
        >>> network(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (3,)
    """

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        units: int = 300,
        spectral_radius: float = 0.9,
        leak: float = 0.3,
        density: float = 0.1,
        input_scale: float = 0.2,
        bias_scale: float = 0.2,
        key: PRNGKeyArray,
    ) -> None:
        inner, outer = jax.random.split(key)
        reservoir = EchoState(
            in_size,
            units,
            spectral_radius=spectral_radius,
            leak=leak,
            density=density,
            input_scale=input_scale,
            bias_scale=bias_scale,
            key=inner,
        )
        self._setup(reservoir, out_size, outer)

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        names = ("spectral_radius", "leak", "density", "input_scale", "bias_scale")
        return _config(self, {name: getattr(self.reservoir, name) for name in names})


class LiquidToVector(_ReservoirToVector):
    """A liquid state machine that reads a sequence and answers with one vector.

    Only the read-out is trained: by `with_read_out` in one step, or by gradient as any network.

    Args:
        in_size: Features of a frame.
        out_size: Entries of the answer.
        units: Neurons of the reservoir.
        substeps: See `Liquid`.
        decay: See `Liquid`.
        strength: See `Liquid`.
        input_scale: See `Liquid`.
        reach: See `Liquid`.
        key: Randomness of the reservoir and of the first read-out.

    Raises:
        InputError: If a setting is out of range.

    Reference:
        Maass, Natschlaeger & Markram (2002), Neural Computation 14.

    Example:
        >>> network = LiquidToVector(2, 3, units=20, key=jax.random.key(0))
        >>> network(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (3,)
    """

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        units: int = 300,
        substeps: int = 5,
        decay: float = 0.8,
        strength: float = 0.1,
        input_scale: float = 0.2,
        reach: float = 2.0,
        key: PRNGKeyArray,
    ) -> None:
        inner, outer = jax.random.split(key)
        reservoir = Liquid(
            in_size,
            units,
            substeps=substeps,
            decay=decay,
            strength=strength,
            input_scale=input_scale,
            reach=reach,
            key=inner,
        )
        self._setup(reservoir, out_size, outer)

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        names = ("substeps", "decay", "strength", "input_scale", "reach")
        return _config(self, {name: getattr(self.reservoir, name) for name in names})


def _config(network: _ReservoirToVector, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": type(network).__name__,
        "in_size": network.in_size,
        "out_size": network.out_size,
        "units": network.reservoir.out_size,
        **settings,
    }


def reservoir_features(
    network: _ReservoirToVector,
    frames: Float[np.ndarray, "case time feature"],
    mask: Bool[np.ndarray, "case time"],
) -> Float[np.ndarray, "case state"]:
    """What the read-out of a network reads, for many cases.

    Args:
        network: An `EchoStateToVector` or `LiquidToVector`.
        frames: Padded frames of all cases.
        mask: Which frames are real.

    Example:
        >>> network = EchoStateToVector(2, 3, units=20, key=jax.random.key(0))
        >>> reservoir_features(network, np.ones((4, 5, 2), np.float32), np.ones((4, 5), bool)).shape
        (4, 40)
    """
    found = []
    for start in range(0, len(frames), CHUNK):
        part, real = frames[start : start + CHUNK], mask[start : start + CHUNK]
        short = CHUNK - len(part) if len(frames) > CHUNK else 0  # one shape compiles once
        padded = np.pad(part, ((0, short), (0, 0), (0, 0))), np.pad(real, ((0, short), (0, 0)))
        found.append(np.asarray(_many(network, *padded))[: len(part)])
    return np.concatenate(found).astype(np.float64)


@jax.jit
def _many(network: Any, frames: Array, mask: Array) -> Array:
    return jax.vmap(network.features)(frames, mask)


def with_read_out(
    network: Network,
    features: Float[np.ndarray, "case state"],
    targets: Float[np.ndarray, "case out"],
    *,
    ridge: float = 1.0,
    weights: Float[np.ndarray, " case"] | None = None,
) -> Network:
    """A copy of a network with the read-out that ridge regression gives.

    Args:
        network: An `EchoStateToVector` or `LiquidToVector`.
        features: What `reservoir_features` gave; they are standardised before the regression.
        targets: What the network is to answer for each case.
        ridge: Penalty on the squared weights, above 0.
        weights: Of the cases.

    Raises:
        InputError: If targets and features do not fit each other, or the penalty is not above 0.

    Example:
        >>> network = EchoStateToVector(1, 1, units=20, key=jax.random.key(0))
        >>> frames, mask = np.linspace(-1, 1, 30, dtype=np.float32).reshape(10, 3, 1), np.ones((10, 3), bool)
        >>> read = reservoir_features(network, frames, mask)
        >>> fitted = with_read_out(network, read, frames.mean(1), ridge=1e-3)
        >>> bool(jnp.abs(fitted(frames[4], mask[4]) - frames[4].mean()).max() < 0.05)
        True
    """
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    size = network.linear.weight.shape
    if features.shape[1:] != size[1:] or targets.shape != (len(features), size[0]):
        raise InputError(
            f"Features of shape {features.shape} and targets of shape {targets.shape}.",
            f"Shapes (case, {size[1]}) and (case, {size[0]}).",
            "Use reservoir_features, and one row of targets a case.",
        )
    if not ridge > 0:
        raise InputError(f"ridge={ridge!r}.", "A number above 0.", "Take 1.0.")
    scaler = StandardScaler().fit(features)
    model = Ridge(alpha=ridge).fit(scaler.transform(features), targets, sample_weight=weights)
    weight = model.coef_.reshape(size) / scaler.scale_
    bias = model.intercept_ - weight @ scaler.mean_
    arrays = tuple(jnp.asarray(array, jnp.float32) for array in (weight, bias))
    return eqx.tree_at(lambda n: (n.linear.weight, n.linear.bias), network, arrays)
