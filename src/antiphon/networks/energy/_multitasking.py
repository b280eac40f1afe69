"""Hebbian storage of patterns with blanks: several are retrieved at once."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count, check_rate
from antiphon.networks.energy._given import as_levels
from antiphon.networks.energy._hopfield import decide, settle

State = Float[Array, " unit"]


def diluted_patterns(
    patterns: int, units: int, dilution: float, *, key: PRNGKeyArray
) -> Float[Array, "pattern unit"]:
    """Random patterns of -1, 0 and 1 with a share of blanks.

    Args:
        patterns: How many.
        units: Entries of each.
        dilution: Share of entries that are 0, from 0 up to but not including 1.
        key: Randomness.

    Example:
        >>> sorted(set(diluted_patterns(3, 100, 0.4, key=jax.random.key(0)).ravel().tolist()))
        [-1.0, 0.0, 1.0]
    """
    shape = (check_count("patterns", patterns), check_count("units", units))
    signs, blanks = jax.random.split(key)
    share = check_rate("dilution", dilution)
    return jnp.where(
        jax.random.bernoulli(blanks, share, shape), 0.0, jax.random.rademacher(signs, shape, float)
    )


class MultitaskingHopfield(eqx.Module):
    """A Hopfield network that retrieves several diluted patterns at once.

    Units that are blank in the first pattern are free to serve the second, and so on: at dilution d pattern
    k is overlapped by `d ** (k - 1) * (1 - d)`. For three patterns this hierarchy is stable while
    `1 > d + d ** 2` (d < 0.618); beyond that units which one pattern holds are outvoted by the others.

    Args:
        patterns: `(pattern, unit)`, entries -1, 0 or 1.

    Raises:
        InputError: If a pattern has other entries.

    Reference:
        Agliari, Barra, Galluzzi, Guerra & Moauro (2012), Multitasking associative networks, Physical Review
        Letters 109, 268101.

    Example:
        >>> memory = MultitaskingHopfield([[1, -1, 0, 0], [0, 0, 1, 1]])
        >>> memory.overlaps(memory(memory.hierarchy())).tolist()
        [0.5, 0.5]
    """

    patterns: Float[Array, "pattern unit"]

    def __init__(self, patterns: Any) -> None:
        self.patterns = as_levels("patterns", patterns, ("pattern", "unit"), (-1, 0, 1))

    def overlaps(self, state: State) -> Float[Array, " pattern"]:
        """Mattis overlap of each pattern with the state: their mean product, blanks counted."""
        return self.patterns @ state / state.shape[0]

    def hierarchy(self, *, key: PRNGKeyArray | None = None) -> State:
        """The state that serves each unit by the first pattern that is not blank there.

        Args:
            key: Draws the units that all patterns leave blank; they are 1 without one.
        """
        units = self.patterns.shape[1]
        free = jnp.ones(units, float) if key is None else jax.random.rademacher(key, (units,), float)
        state = free.astype(self.patterns.dtype)
        for pattern in self.patterns[::-1]:
            state = jnp.where(pattern != 0, pattern, state)
        return state

    def energy(self, state: State) -> Float[Array, ""]:
        """`-(unit / 2) * sum of squared overlaps`, without self-coupling; never rises unit by unit."""
        squares = (self.patterns**2).sum() / state.shape[0]
        return -0.5 * (state.shape[0] * (self.overlaps(state) ** 2).sum() - squares)

    def sweep(self, state: State) -> State:
        """The units take the sign of their field one after the other."""
        units = state.shape[0]
        columns = self.patterns.T

        def one(carry: tuple[State, Array], unit: Array) -> tuple[tuple[State, Array], None]:
            now, overlaps = carry
            column, old = columns[unit], now[unit]
            new = decide(column @ (overlaps - column * old / units), old)
            return (now.at[unit].set(new), overlaps + column * (new - old) / units), None

        return jax.lax.scan(one, (state, self.overlaps(state)), jnp.arange(units))[0][0]

    def __call__(self, state: State, *, sweeps: int = 100) -> State:
        """Where the state comes to rest.

        Args:
            state: `(unit,)`, entries -1 or 1.
            sweeps: How often each unit is updated, at most.
        """
        check_count("sweeps", sweeps)
        if state.shape != self.patterns.shape[1:]:
            raise InputError(
                f"A state of shape {tuple(state.shape)}.",
                f"Shape {self.patterns.shape[1:]}.",
                "Use jax.vmap for many states.",
            )
        return settle(lambda now, _: self.sweep(now), state, sweeps, None)
