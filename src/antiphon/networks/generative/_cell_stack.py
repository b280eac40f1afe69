"""Recurrent cells on top of each other, one step at a time, for networks that read what they wrote."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.networks._cells import CELLS, Cell, State, initial_state, make_cell, step
from antiphon.networks._checks import check_choice, check_count

States = tuple[State, ...]


class CellStack(eqx.Module):
    """Cells on top of each other.

    Args:
        cell: `"rnn"`, `"lstm"` or `"gru"`.
        in_size: Entries of what the first reads.
        hidden: Size of the state of each.
        layers: How many.
        key: Randomness of the initial weights.
    """

    cells: tuple[Cell, ...]
    cell: str = eqx.field(static=True)
    in_size: int = eqx.field(static=True)
    hidden: int = eqx.field(static=True)

    def __init__(self, cell: str, in_size: int, hidden: int, layers: int, *, key: PRNGKeyArray) -> None:
        self.cell = check_choice("cell", cell, CELLS)
        self.in_size = check_count("in_size", in_size)
        self.hidden = check_count("hidden", hidden)
        keys = jax.random.split(key, check_count("layers", layers))
        self.cells = tuple(
            make_cell(cell, hidden if index else in_size, hidden, key=one) for index, one in enumerate(keys)
        )

    def initial_state(self) -> States:
        """Zeros."""
        return tuple(initial_state(cell, jnp.zeros((), jnp.float32)) for cell in self.cells)

    def step(
        self, states: States, values: Float[Array, " feature"]
    ) -> tuple[States, Float[Array, " hidden"]]:
        """The new states, and the output of the last cell."""
        following = []
        for cell, state in zip(self.cells, states, strict=True):
            following.append(step(cell, values, state))
            values = following[-1][0]
        return tuple(following), values
