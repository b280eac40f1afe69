"""What a hidden state emits: symbols, or vectors from a Gaussian or a mixture of Gaussians."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice, check_count
from antiphon.networks.probabilistic._chain import IMPOSSIBLE, floored

COVARIANCES = ("diagonal", "full")
LEAST_VARIANCE = 1e-12  # the floor where none is set
LEAST_COUNT = 1e-30  # a state with less than this keeps its parameters: nothing is known of it

Frames = Float[Array, "frame feature"]
Shares = Float[Array, "frame state component"]


class Categorical(eqx.Module):
    """Each state emits symbols `0 .. symbols - 1`, frames of one feature.

    Attributes:
        logits: Unnormalised log-probability of each symbol.
    """

    logits: Float[Array, "state symbol"]

    @classmethod
    def random(cls, states: int, symbols: int, *, key: PRNGKeyArray) -> Self:
        """Near-uniform probabilities."""
        return cls(0.1 * jax.random.normal(key, (states, check_count("symbols", symbols)), jnp.float32))

    @property
    def discrete(self) -> bool:
        """Whether frames hold symbols."""
        return True

    @property
    def components(self) -> int:
        """One: a mixture of categorical distributions is a categorical distribution."""
        return 1

    @property
    def probabilities(self) -> Float[Array, "state symbol"]:
        """Probability of each symbol in each state."""
        return jnp.exp(self._log_table())

    def _log_table(self) -> Float[Array, "state symbol"]:
        return jax.nn.log_softmax(floored(self.logits), axis=1)

    def log_components(self, frames: Frames) -> Shares:
        """Log-probability of each frame; minus infinity for what is no symbol."""
        symbols, count = frames[:, 0], self.logits.shape[1]
        numbers = jnp.clip(symbols, 0, count - 1).astype(jnp.int32)
        known = symbols == numbers.astype(symbols.dtype)
        table = self._log_table().T[numbers]
        return jnp.where(known[:, None], table, jnp.asarray(IMPOSSIBLE, table.dtype))[:, :, None]

    def maximised(self, frames: Frames, shares: Shares, pseudo_count: Array) -> Self:
        """The emission of highest likelihood, frames counting as much as their share."""
        symbols = frames[:, 0].astype(jnp.int32)
        hot = jax.nn.one_hot(symbols, self.logits.shape[1], dtype=frames.dtype)
        counts = shares[:, :, 0].T @ hot + pseudo_count
        total = counts.sum(1, keepdims=True)
        known = total > LEAST_COUNT
        return type(self)(
            jnp.where(known, jnp.log(counts / jnp.where(known, total, jnp.ones_like(total))), self.logits)
        )

    def sample(self, state: Array, key: PRNGKeyArray) -> Float[Array, " 1"]:
        """One frame from one state."""
        return jax.random.categorical(key, self._log_table()[state])[None].astype(self.logits.dtype)


class Gaussian(eqx.Module):
    """Each state emits vectors from a mixture of Gaussians; with one component, from a Gaussian.

    A component is `P (x - mean) ~ N(0, 1)`, with `P` the inverse of the lower Cholesky factor of the
    covariance: the density needs products alone, and any numbers are valid parameters for a gradient to
    change.

    Attributes:
        means: The mean of each component.
        log_precision: Log of the diagonal of `P`; for diagonal covariances, minus the log of the deviations.
        lower: `P` below its diagonal; None for diagonal covariances.
        log_weights: Unnormalised log weight of each component.
        variance_floor: Variances below this count as this: `(feature,)`, never fitted.
    """

    means: Float[Array, "state component feature"]
    log_precision: Float[Array, "state component feature"]
    lower: Float[Array, "state component feature feature"] | None
    log_weights: Float[Array, "state component"]
    variance_floor: Float[Array, " feature"]

    @classmethod
    def random(
        cls, states: int, components: int, features: int, covariance: str, *, key: PRNGKeyArray
    ) -> Self:
        """Means from N(0, 1) and unit covariances, as suits standardised frames."""
        shape = (states, check_count("components", components), features)
        check_choice("covariance", covariance, COVARIANCES)
        return cls(
            jax.random.normal(key, shape, jnp.float32),
            jnp.zeros(shape, jnp.float32),
            None if covariance == "diagonal" else jnp.zeros((*shape, features), jnp.float32),
            jnp.zeros(shape[:2], jnp.float32),
            jnp.full((features,), LEAST_VARIANCE, jnp.float32),
        )

    @classmethod
    def of(cls, means: Any, covariances: Any, weights: Any = None) -> Self:
        """From means, covariances and component weights as they are written down.

        Args:
            means: `(state, feature)`, or `(state, component, feature)`.
            covariances: Variances of the shape of `means`, or matrices with one more axis.
            weights: `(state, component)`; equal ones by default.

        Raises:
            InputError: If shapes do not fit, a covariance is not positive definite, or weights are no
                weights.
        """
        mean, covariance = np.asarray(means, np.float64), np.asarray(covariances, np.float64)
        full = covariance.ndim == mean.ndim + 1
        if mean.ndim == 2:
            mean, covariance = mean[:, None], covariance[:, None]
        wanted = (*mean.shape, *mean.shape[-1:]) if full else mean.shape
        if mean.ndim != 3 or covariance.shape != wanted:
            raise InputError(
                f"Means of shape {np.shape(means)} and covariances of shape {np.shape(covariances)}.",
                "Means (state, feature) or (state, component, feature); variances shaped alike, or matrices.",
                "Bring both to one number of states, components and features.",
            )
        weight = np.ones(mean.shape[:2]) if weights is None else np.asarray(weights, np.float64)
        if weight.shape != mean.shape[:2] or not (weight >= 0).all() or not (weight.sum(1) > 0).all():
            raise InputError(
                f"The component weights {weight.tolist()}.",
                f"Numbers from 0 up, of shape {mean.shape[:2]}, not all 0 in a state.",
                "Correct the weights.",
            )
        try:
            factor = np.linalg.cholesky(covariance if full else covariance[..., None] * np.eye(mean.shape[2]))
        except np.linalg.LinAlgError as error:
            raise InputError(
                "A covariance that is not positive definite.",
                "Positive variances and symmetric positive definite matrices.",
                "Add a small number to the variances.",
            ) from error
        precision = np.linalg.inv(factor)
        dtype = jnp.zeros(()).dtype  # 64 bits where JAX has them on
        with np.errstate(divide="ignore"):
            log_weights = np.log(weight)
        return cls(
            jnp.asarray(mean, dtype),
            jnp.asarray(np.log(np.diagonal(precision, axis1=-2, axis2=-1)), dtype),
            jnp.asarray(np.tril(precision, -1), dtype) if full else None,
            jnp.asarray(log_weights, dtype),
            jnp.full((mean.shape[2],), LEAST_VARIANCE, dtype),
        )

    @property
    def discrete(self) -> bool:
        """Whether frames hold symbols."""
        return False

    @property
    def components(self) -> int:
        """Gaussians in the mixture of each state."""
        return self.means.shape[1]

    @property
    def weights(self) -> Float[Array, "state component"]:
        """Weight of each component; they sum to 1 in each state."""
        return jnp.exp(self._log_weights())

    @property
    def covariances(self) -> Array:
        """`(state, component, feature)` variances, or `(state, component, feature, feature)` matrices."""
        if self.lower is None:
            return jnp.exp(-2.0 * self._log_precision())
        factor = jnp.linalg.inv(self._precision_factor())
        return factor @ factor.swapaxes(-1, -2)

    def _log_weights(self) -> Float[Array, "state component"]:
        return jax.nn.log_softmax(floored(self.log_weights), axis=1)

    def _log_precision(self) -> Float[Array, "state component feature"]:
        limit = -0.5 * jnp.log(jax.lax.stop_gradient(self.variance_floor))
        return jnp.minimum(self.log_precision, limit[None, None, :])

    def _precision_factor(self) -> Float[Array, "state component feature feature"]:
        assert self.lower is not None
        identity = jnp.eye(self.means.shape[2], dtype=self.means.dtype)[None, None]
        diagonal = jnp.exp(self._log_precision())[..., None] * identity
        return jnp.tril(self.lower, -1) + diagonal

    def log_components(self, frames: Frames) -> Shares:
        """Log density of each frame under each component, times the weight of the component."""
        states, components, features = self.means.shape
        log_precision = self._log_precision()
        away = frames[:, None, None, :] - self.means[None]
        if self.lower is None:
            standard = away * jnp.exp(log_precision)[None]
        else:
            standard = jnp.einsum("tkcf,kcgf->tkcg", away, self._precision_factor())
        constant = log_precision.sum(2) - 0.5 * features * np.log(2 * np.pi) + self._log_weights()
        assert constant.shape == (states, components)
        return constant[None] - 0.5 * (standard**2).sum(3)

    def maximised(self, frames: Frames, shares: Shares, pseudo_count: Array) -> Self:
        """The emission of highest likelihood, frames counting as much as their share; then the floor.

        `pseudo_count` is added to what the component weights are counted from.
        """
        states, components = self.means.shape[:2]
        flat = shares.reshape(-1, states * components)

        def one(share: Float[Array, " frame"]) -> tuple[Array, Array, Array | None]:
            total = jnp.maximum(share.sum(), LEAST_COUNT)
            mean = share @ frames / total
            away = frames - mean[None]
            if self.lower is None:
                return mean, *_diagonal_factor(share @ away**2 / total, self.variance_floor)
            return mean, *_full_factor((share[:, None] * away).T @ away / total, self.variance_floor)

        # One component after the other: the deviations of all frames from all means may be many.
        means, log_precision, lower = jax.tree.map(
            lambda a: a.reshape(states, components, *a.shape[1:]), jax.lax.map(one, flat.T)
        )
        totals = flat.sum(0).reshape(states, components)
        known = (totals > LEAST_COUNT)[:, :, None]
        counts = totals + pseudo_count
        sums = counts.sum(1, keepdims=True)
        there = sums > LEAST_COUNT
        weights = jnp.log(counts / jnp.where(there, sums, jnp.ones_like(sums)))
        return type(self)(
            jnp.where(known, means, self.means),
            jnp.where(known, log_precision, self.log_precision),
            None if self.lower is None else jnp.where(known[..., None], lower, self.lower),
            jnp.where(there, weights, self.log_weights),
            self.variance_floor,
        )

    def sample(self, state: Array, key: PRNGKeyArray) -> Float[Array, " feature"]:
        """One frame from one state."""
        which, noise = jax.random.split(key)
        component = jax.random.categorical(which, self._log_weights()[state])
        draw = jax.random.normal(noise, self.means.shape[2:], self.means.dtype)
        if self.lower is None:
            away = draw * jnp.exp(-self._log_precision()[state, component])
        else:
            factor = self._precision_factor()[state, component]
            away = jax.scipy.linalg.solve_triangular(factor, draw, lower=True)
        return self.means[state, component] + away


Emission = Categorical | Gaussian


def _diagonal_factor(variance: Float[Array, " feature"], floor: Array) -> tuple[Array, None]:
    return -0.5 * jnp.log(jnp.maximum(variance, floor)), None


def _full_factor(covariance: Float[Array, "feature feature"], floor: Array) -> tuple[Array, Array]:
    """The inverse Cholesky factor, with no variance in any direction below the floor.

    In units in which the floor of every feature is 1, eigenvalues below 1 become 1; where there are none, the
    covariance stays as it is, to the last bit.
    """
    unit = jnp.sqrt(floor)
    scaled = covariance / (unit[:, None] * unit[None, :])
    values, vectors = jnp.linalg.eigh(scaled)
    raised = (vectors * jnp.maximum(values, 1.0)[None, :]) @ vectors.T
    scaled = jnp.where((values < 1.0).any(), raised, scaled)
    identity = jnp.eye(covariance.shape[0], dtype=covariance.dtype)
    factor = jax.scipy.linalg.solve_triangular(jnp.linalg.cholesky(scaled), identity, lower=True)
    factor = factor / unit[None, :]
    return jnp.log(jnp.diagonal(factor)), jnp.tril(factor, -1)
