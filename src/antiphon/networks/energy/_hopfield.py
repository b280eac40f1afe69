"""The discrete Hopfield network."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice, check_count
from antiphon.networks.energy._given import as_numbers, check_symmetric
from antiphon.networks.energy._storage import RULES

State = Float[Array, " unit"]
MODES = ("asynchronous", "synchronous")


def decide(field: Array, state: Array) -> Array:
    """The sign of a field, and where it is 0 what was there: a unit that nothing pulls stays as it is."""
    return jnp.where(field > 0, 1.0, jnp.where(field < 0, -1.0, state)).astype(state.dtype)


def settle(update: Any, state: State, limit: int, keys: PRNGKeyArray | None) -> State:
    """Repeat an update until nothing changes, at most `limit` times."""

    def going(carry: tuple[Array, Array, Array]) -> Array:
        count, changed, _ = carry
        return changed & (count < limit)

    def once(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        count, _, now = carry
        new = update(now, None if keys is None else keys[count])
        return count + 1, (new != now).any(), new

    return jax.lax.while_loop(going, once, (jnp.int32(0), jnp.bool_(True), state))[2]


class Hopfield(eqx.Module):
    """A Hopfield network of units that are -1 or 1: an associative memory.

    One after the other (asynchronously) the units take the sign of their field; `energy` never rises. All at
    once (synchronously) they end in a fixed point or a cycle of two; then `pair_energy` never rises. A unit
    whose field is 0 stays as it is.

    Args:
        weights: Symmetric couplings `(unit, unit)`; their diagonal must be 0.
        bias: `(unit,)`; 0 if left out.

    Raises:
        InputError: If the weights are not square, not symmetric, or couple a unit to itself.

    Reference:
        Hopfield (1982), Proceedings of the National Academy of Sciences 79; Goles-Chacc, Fogelman-Soulie &
        Pellegrin (1985), Discrete Applied Mathematics 12, for synchronous updates.

    Example:
        >>> memory = Hopfield.store([[1, 1, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1]])
        >>> memory(jnp.array([1.0, 1, -1, -1, -1, -1])).tolist()
        [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]
    """

    weights: Float[Array, "unit unit"]
    bias: State

    def __init__(self, weights: Any, bias: Any = None) -> None:
        self.weights = as_numbers("weights", weights, ("unit", "unit"))
        check_symmetric("weights", self.weights, "without it there is no energy")
        if not isinstance(self.weights, Tracer) and np.diag(np.asarray(self.weights)).any():
            raise InputError(
                "Weights with a diagonal that is not 0.", "No self-coupling.", "Set the diagonal to 0."
            )
        units = self.weights.shape[0]
        self.bias = as_numbers("bias", np.zeros(units) if bias is None else bias, (units,))

    @classmethod
    def store(cls, patterns: Any, rule: str = "hebbian") -> Self:
        """A network that remembers patterns.

        Args:
            patterns: `(pattern, unit)`, entries -1 or 1.
            rule: `"hebbian"`, `"pseudo-inverse"` or `"storkey"`.

        Raises:
            InputError: If the patterns have other entries, or the rule is unknown.
        """
        return cls(RULES[check_choice("rule", rule, RULES)](patterns))

    def field(self, state: State) -> State:
        """What each unit is pulled by: `W s + b`."""
        return self.weights @ state + self.bias

    def energy(self, state: State) -> Float[Array, ""]:
        """`-s^T W s / 2 - b^T s`; never rises when units are updated one after the other."""
        return -0.5 * state @ self.weights @ state - self.bias @ state

    def pair_energy(self, state: State, previous: State) -> Float[Array, ""]:
        """`-s^T W p - b^T (s + p)` of two states in a row; never rises under synchronous updates."""
        return -state @ self.weights @ previous - self.bias @ (state + previous)

    def update(self, state: State) -> State:
        """All units at once take the sign of their field."""
        return decide(self.field(state), state)

    def sweep(self, state: State, order: Int[Array, " step"] | None = None) -> State:
        """The units take the sign of their field one after the other, by default first to last."""

        def one(now: State, unit: Array) -> tuple[State, None]:
            new = decide(self.weights[unit] @ now + self.bias[unit], now[unit])
            return now.at[unit].set(new), None

        return jax.lax.scan(one, state, jnp.arange(state.shape[0]) if order is None else order)[0]

    def __call__(
        self, state: State, *, mode: str = "asynchronous", sweeps: int = 100, key: PRNGKeyArray | None = None
    ) -> State:
        """Where the state comes to rest.

        Args:
            state: `(unit,)`, entries -1 or 1.
            mode: `"asynchronous"` or `"synchronous"`.
            sweeps: How often each unit is updated, at most.
            key: Draws a new order of the units for each asynchronous sweep; from first to last without one.
        """
        check_choice("mode", mode, MODES)
        check_count("sweeps", sweeps)
        if state.shape != self.bias.shape:
            raise InputError(
                f"A state of shape {tuple(state.shape)}.",
                f"Shape {self.bias.shape}.",
                "Use jax.vmap for many states.",
            )
        if mode == "synchronous":
            return settle(lambda now, _: self.update(now), state, sweeps, None)
        keys = None if key is None else jax.random.split(key, sweeps)
        return settle(
            lambda now, k: self.sweep(now, None if k is None else jax.random.permutation(k, now.shape[0])),
            state,
            sweeps,
            keys,
        )
