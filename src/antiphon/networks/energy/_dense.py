"""Associative memories that hold far more patterns than units, by a steeper energy."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count, check_flag
from antiphon.networks.energy._given import as_levels, as_numbers, as_positive
from antiphon.networks.energy._hopfield import decide, settle

State = Float[Array, " unit"]
Overlaps = Float[Array, " pattern"]


class _PatternMemory(eqx.Module):
    """A memory that keeps its patterns themselves; its energy is a sum over their overlaps with the state."""

    patterns: Float[Array, "pattern unit"]

    def __init__(self, patterns: Any) -> None:
        self.patterns = as_levels("patterns", patterns, ("pattern", "unit"), (-1, 1))

    @abstractmethod
    def _pull(self, overlaps: Overlaps, column: Overlaps, spin: Float[Array, ""]) -> Float[Array, ""]:
        """A number with the sign of (energy with the unit at -1) - (energy with it at 1).

        Args:
            overlaps: Of each pattern with the state as it is.
            column: What each pattern holds at the unit.
            spin: What the unit is now.
        """

    def update(self, state: State) -> State:
        """All units at once take the value that has the lower energy, the others being as they were."""
        overlaps = self.patterns @ state
        pulls = jax.vmap(self._pull, in_axes=(None, 1, 0))(overlaps, self.patterns, state)
        return decide(pulls, state)

    def sweep(self, state: State, order: Int[Array, " step"] | None = None) -> State:
        """One after the other the units take the value that has the lower energy; `energy` never rises."""
        columns = self.patterns.T

        def one(carry: tuple[State, Overlaps], unit: Array) -> tuple[tuple[State, Overlaps], None]:
            now, overlaps = carry
            old = now[unit]
            new = decide(self._pull(overlaps, columns[unit], old), old)
            return (now.at[unit].set(new), overlaps + columns[unit] * (new - old)), None

        units = jnp.arange(state.shape[0]) if order is None else order
        return jax.lax.scan(one, (state, self.patterns @ state), units)[0][0]

    def __call__(self, state: State, *, sweeps: int = 20, key: PRNGKeyArray | None = None) -> State:
        """Where the state comes to rest when units are updated one after the other.

        Args:
            state: `(unit,)`, entries -1 or 1.
            sweeps: How often each unit is updated, at most.
            key: Draws a new order of the units for each sweep; from first to last without one.
        """
        check_count("sweeps", sweeps)
        _check_state(state, self.patterns)
        keys = None if key is None else jax.random.split(key, sweeps)
        return settle(
            lambda now, k: self.sweep(now, None if k is None else jax.random.permutation(k, now.shape[0])),
            state,
            sweeps,
            keys,
        )


class DenseAssociativeMemory(_PatternMemory):
    """A dense associative memory of polynomial degree: it holds about `unit ** (degree - 1)` patterns.

    Args:
        patterns: `(pattern, unit)`, entries -1 or 1.
        degree: The power of the overlaps in the energy; 2 is Hopfield's network.
        rectified: Whether negative overlaps count as 0, which halves the noise.

    Raises:
        InputError: If patterns have other entries, or the degree is below 2.

    Reference:
        Krotov & Hopfield (2016), Dense associative memory for pattern recognition, NeurIPS, equations 1-3.

    Example:
        >>> memory = DenseAssociativeMemory([[1, 1, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1]], degree=3)
        >>> memory(jnp.array([1.0, 1, -1, -1, -1, -1])).tolist()
        [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]
    """

    degree: int = eqx.field(static=True)
    rectified: bool = eqx.field(static=True)

    def __init__(self, patterns: Any, degree: int = 3, *, rectified: bool = False) -> None:
        super().__init__(patterns)
        self.degree = check_count("degree", degree)
        if degree < 2:
            raise InputError("degree=1.", "A degree from 2 up.", "Use 2 for Hopfield's own energy.")
        self.rectified = check_flag("rectified", rectified)

    def energy(self, state: State) -> Float[Array, ""]:
        """`-sum over patterns of overlap ** degree`."""
        return -self._steep(self.patterns @ state).sum()

    def _steep(self, overlaps: Overlaps) -> Overlaps:
        return (jax.nn.relu(overlaps) if self.rectified else overlaps) ** self.degree

    def _pull(self, overlaps: Overlaps, column: Overlaps, spin: Float[Array, ""]) -> Float[Array, ""]:
        # Divided by the units, which changes no sign and keeps high degrees inside the range of floats.
        others, units = overlaps - column * spin, self.patterns.shape[1]
        return (self._steep((others + column) / units) - self._steep((others - column) / units)).sum()


class ExponentialHopfield(_PatternMemory):
    """A Hopfield network with exponential energy: it holds exponentially many patterns.

    Everything is computed in logarithms, so that overlaps of hundreds overflow nothing.

    Args:
        patterns: `(pattern, unit)`, entries -1 or 1.

    Raises:
        InputError: If patterns have other entries.

    Reference:
        Demircigil, Heusel, Loewe, Upgang & Vermet (2017), On a model of associative memory with huge storage
        capacity, Journal of Statistical Physics 168, equations 3 and 5.

    Example:
        >>> memory = ExponentialHopfield([[1, 1, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1]])
        >>> memory(jnp.array([1.0, 1, -1, -1, -1, -1])).tolist()
        [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]
    """

    def __init__(self, patterns: Any) -> None:
        super().__init__(patterns)

    def energy(self, state: State) -> Float[Array, ""]:
        """`-log(sum over patterns of exp(overlap))`: falls exactly where the paper's `-sum of exp` falls."""
        return -jax.nn.logsumexp(self.patterns @ state)

    def _pull(self, overlaps: Overlaps, column: Overlaps, spin: Float[Array, ""]) -> Float[Array, ""]:
        # sum_p exp(others + c) - exp(others - c), over 2 sinh(1) cosh(1) sum_p exp(overlap): for c = -1 or 1
        # exp(-c spin) is cosh(1) - c spin sinh(1), and c c is 1.
        return jax.nn.softmax(overlaps) @ column - jnp.tanh(1.0).astype(spin.dtype) * spin

    def update(self, state: State) -> State:
        """All units at once take the value that has the lower energy, the others being as they were."""
        weights = jax.nn.softmax(self.patterns @ state)
        return decide(weights @ self.patterns - jnp.tanh(1.0).astype(state.dtype) * state, state)


class ModernHopfield(eqx.Module):
    """The modern Hopfield network of continuous states: one step of it is softmax attention.

    Args:
        patterns: `(pattern, unit)`, any numbers.
        beta: Inverse temperature: how sharply the nearest pattern is chosen.

    Raises:
        InputError: If patterns are no finite numbers, or beta is not above 0.

    Reference:
        Ramsauer et al. (2021), Hopfield networks is all you need, ICLR, equations 2 and 3.

    Example:
        >>> memory = ModernHopfield([[1.0, 0.0], [0.0, 2.0]], beta=8.0)
        >>> memory(jnp.array([0.2, 1.5])).round(3).tolist()
        [0.0, 2.0]
    """

    patterns: Float[Array, "pattern unit"]
    beta: Float[Array, ""]

    def __init__(self, patterns: Any, beta: Any = 1.0) -> None:
        self.patterns = as_numbers("patterns", patterns, ("pattern", "unit"))
        self.beta = as_positive("beta", beta)

    def energy(self, state: State) -> Float[Array, ""]:
        """`s^T s / 2 - logsumexp(beta X s) / beta`, and a constant that keeps it from 0 up."""
        count = self.patterns.shape[0]
        nearest = jax.nn.logsumexp(self.beta * (self.patterns @ state)) / self.beta
        largest = (self.patterns**2).sum(1).max()
        return (
            -nearest + state @ state / 2 + jnp.log(jnp.asarray(count, state.dtype)) / self.beta + largest / 2
        )

    def update(self, state: State) -> State:
        """One step: the mean of the patterns, weighted by `softmax(beta X s)`."""
        return jax.nn.softmax(self.beta * (self.patterns @ state)) @ self.patterns

    def __call__(self, state: State, *, steps: int = 1) -> State:
        """The state after some steps; one is mostly enough.

        Args:
            state: `(unit,)`.
            steps: How many.
        """
        check_count("steps", steps)
        _check_state(state, self.patterns)
        return jax.lax.fori_loop(0, steps, lambda _, now: self.update(now), state)


def _check_state(state: State, patterns: Float[Array, "pattern unit"]) -> None:
    if state.shape != patterns.shape[1:]:
        raise InputError(
            f"A state of shape {tuple(state.shape)}.",
            f"Shape {patterns.shape[1:]}.",
            "Use jax.vmap for many states.",
        )
