"""The network of Hopfield and Tank for the travelling salesman."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice
from antiphon.networks.energy._continuous import ContinuousHopfield
from antiphon.networks.energy._given import as_numbers, check_symmetric

Plan = Float[Array, "city place"]
FORMULATIONS = ("hopfield-tank", "brandt")
# (A, B, C, D, width u0): Hopfield & Tank (1985), and Brandt et al. (1988).
_STRENGTHS = {"hopfield-tank": (500.0, 500.0, 200.0, 500.0, 0.02), "brandt": (2.0, 2.0, 4.0, 1.0, 0.02)}


class HopfieldTank(eqx.Module):
    """A continuous Hopfield network of city x place units whose energy is a tour's length, plus penalties.

    It is here for its place in history. It finds a valid tour only sometimes, rarely the shortest one, and
    both get worse with more cities (Wilson & Pawley, 1988): look at `valid` of `tour`, and for real tours
    take a solver that is made for them.

    Args:
        distances: Symmetric, `(city, city)`, of cities in about a unit square.
        formulation: `"hopfield-tank"`, the penalties of 1985, or `"brandt"`, those of 1988, which give valid
            tours far more often.
        excess: How many units more than cities the penalty on their number asks for (Hopfield and Tank took
            5 for 10 cities); `"hopfield-tank"` only.

    Raises:
        InputError: If the distances are not symmetric, or fewer than 3 cities.

    Reference:
        Hopfield & Tank (1985), Neural computation of decisions in optimization problems, Biological
        Cybernetics 52, equation 8; Brandt, Wang, Laub & Mitra (1988), Alternative networks for solving the
        traveling salesman problem, ICNN, equation 4.

    Example:
        >>> angles = jnp.arange(5) * 2 * jnp.pi / 5
        >>> places = jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1) / 2
        >>> lengths = jnp.linalg.norm(places[:, None] - places[None, :], axis=2)
        >>> salesman = HopfieldTank(lengths, "brandt")
        >>> order, valid = salesman.tour(jnp.eye(5))
        >>> order.tolist(), bool(valid), round(float(salesman.length(order)), 2)
        ([0, 1, 2, 3, 4], True, 2.94)
    """

    distances: Float[Array, "city city"]
    network: ContinuousHopfield
    formulation: str = eqx.field(static=True)

    def __init__(self, distances: Any, formulation: str = "hopfield-tank", *, excess: float = 5.0) -> None:
        self.distances = as_numbers("distances", distances, ("city", "city"))
        check_symmetric("distances", self.distances, "the way back is as long")
        cities = self.distances.shape[0]
        if cities < 3:
            raise InputError(f"{cities} cities.", "At least 3.", "Fewer have only one tour.")
        self.formulation = check_choice("formulation", formulation, FORMULATIONS)
        a, b, c, d, width = _STRENGTHS[formulation]
        same, both = np.eye(cities), np.ones((cities, cities))
        follows = np.roll(same, 1, axis=1) + np.roll(same, -1, axis=1)
        length = d * np.kron(np.asarray(self.distances, np.float64), follows)
        row, column = np.kron(same, both), np.kron(both, same)
        units = cities * cities
        if formulation == "hopfield-tank":
            weights = -a * (row - np.eye(units)) - b * (column - np.eye(units)) - c - length
            bias = np.full(units, c * (cities + excess))
        else:
            weights = -a * row - b * column + c * np.eye(units) - length
            bias = np.full(units, a + b - c / 2)
        self.network = ContinuousHopfield(weights, bias, gain=2 / width, activation="sigmoid")

    def energy(self, state: Plan) -> Float[Array, ""]:
        """The energy of the continuous Hopfield network."""
        return self.network.energy(state.reshape(-1))

    def start(self, *, key: PRNGKeyArray) -> Plan:
        """A state where the outputs add up to the number of cities, up to a little noise."""
        cities = self.distances.shape[0]
        width = 2 / self.network.gain
        noise = jax.random.uniform(key, (cities, cities), self.distances.dtype, -0.1, 0.1)
        return width * (noise - jnp.log(jnp.asarray(cities - 1.0, noise.dtype)) / 2)

    def __call__(
        self, *, key: PRNGKeyArray, duration: float | Float[Array, ""] = 2.0, tolerance: float = 1e-3
    ) -> Plan:
        """The outputs `(city, place)` after a duration, from a start with a little noise.

        Args:
            key: Randomness of the start.
            duration: In units of the leak; outputs are decided long before 2.
            tolerance: Of the solver, see `Flow.trajectory`.
        """
        start = self.start(key=key)
        settled = self.network.settle(start.reshape(-1), duration, tolerance=tolerance)
        return self.network.outputs(settled).reshape(start.shape)

    def tour(self, plan: Plan) -> tuple[Int[Array, " place"], Bool[Array, ""]]:
        """The city at each place, and whether the plan is valid: one unit on in every row and column."""
        on = plan > 0.5
        valid = (on.sum(0) == 1).all() & (on.sum(1) == 1).all()
        return jnp.argmax(plan, axis=0), valid

    def length(self, order: Int[Array, " place"]) -> Float[Array, ""]:
        """Length of the closed tour."""
        return self.distances[order, jnp.roll(order, -1)].sum()
