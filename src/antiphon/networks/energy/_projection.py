"""Projection networks: they settle in the solution of a variational inequality."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from antiphon.errors import InputError
from antiphon.networks._checks import check_flag
from antiphon.networks.energy._flow import Flow
from antiphon.networks.energy._given import as_numbers

State = Float[Array, " unit"]


class ProjectionNetwork(Flow):
    """A projection network for a linear variational inequality over a box.

    It looks for the `x` between `lower` and `upper` with `(y - x)^T (M x + q) >= 0` for every `y` between
    them: the conditions of a linear or quadratic program, or, from 0 to infinity, the linear complementarity
    problem. That is where `residual` is 0. The state moves by `x' = P(x - M x - q) - x`, with `P` the
    projection on the box; `corrected` puts `I + M^T` before it, which is needed where `M` is monotone and
    nothing more (linear programs, games: a skew-symmetric `M` makes the plain one circle).

    Args:
        matrix: `M`, `(unit, unit)`, monotone: `M + M^T` has no negative eigenvalue.
        vector: `q`, `(unit,)`.
        lower: Lowest state, a number or `(unit,)`, may be `-inf`.
        upper: Highest state, a number or `(unit,)`, may be `inf`.
        corrected: Whether to multiply by `I + M^T`.

    Raises:
        InputError: If the matrix is not monotone, or the box is empty.

    Reference:
        Friesz et al. (1994), Operations Research 42; Xia & Wang (2000), Journal of Optimization Theory and
        Applications 106; He (1999) for the correction; Fukushima (1992), Mathematical Programming 53, for the
        energy.

    Example:
        >>> network = ProjectionNetwork([[2.0, 1.0], [1.0, 2.0]], [-3.0, 1.0], lower=0.0)
        >>> network.settle(jnp.zeros(2)).round(4).tolist()
        [1.5, 0.0]
    """

    matrix: Float[Array, "unit unit"]
    vector: State
    lower: State
    upper: State
    corrected: bool = eqx.field(static=True)

    def __init__(
        self,
        matrix: Any,
        vector: Any,
        *,
        lower: Any = -np.inf,
        upper: Any = np.inf,
        corrected: bool = False,
    ) -> None:
        self.matrix = as_numbers("matrix", matrix, ("unit", "unit"))
        units = self.matrix.shape[0]
        self.vector = as_numbers("vector", vector, (units,))
        self.lower, self.upper = (_bound(name, b, units) for name, b in (("lower", lower), ("upper", upper)))
        self.corrected = check_flag("corrected", corrected)
        if any(isinstance(leaf, Tracer) for leaf in (self.matrix, self.lower, self.upper)):
            return
        given = np.asarray(self.matrix, np.float64)
        lowest = np.linalg.eigvalsh((given + given.T) / 2)[0]
        if lowest < -1e-6 * max(1.0, np.abs(given).max()):
            raise InputError(
                f"A matrix that is not monotone: its symmetric part has the eigenvalue {lowest:g}.",
                "No negative eigenvalue of M + M^T.",
                "Reformulate the problem: there may be several solutions, or none that is stable.",
            )
        if not (np.asarray(self.lower) <= np.asarray(self.upper)).all():
            raise InputError("A lower bound above the upper one.", "A box that is not empty.", "Swap them.")

    @classmethod
    def complementarity(cls, matrix: Any, vector: Any, *, corrected: bool = False) -> Self:
        """For the linear complementarity problem `x >= 0`, `M x + q >= 0`, `x^T (M x + q) = 0`.

        Args:
            matrix: `M`, monotone.
            vector: `q`.
            corrected: See the class.
        """
        return cls(matrix, vector, lower=0.0, corrected=corrected)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a state: `(unit,)`."""
        return self.vector.shape

    def project(self, state: State) -> State:
        """The nearest point of the box."""
        return jnp.clip(state, self.lower, self.upper)

    def residual(self, state: State) -> Float[Array, ""]:
        """Length of `x - P(x - M x - q)`: 0 at solutions and nowhere else."""
        return jnp.linalg.norm(state - self._target(state))

    def rate(self, state: State) -> State:
        """`P(x - M x - q) - x`, times `I + M^T` if corrected."""
        step = self._target(state) - state
        return step + self.matrix.T @ step if self.corrected else step

    def energy(self, state: State, solution: State | None = None) -> Float[Array, ""]:
        """Fukushima's regularised gap, `F^T (x - y) - |x - y| ** 2 / 2` with `F = M x + q`, `y = P(x - F)`.

        It is 0 at solutions, above 0 elsewhere in the box, and never rises while the plain network moves from
        a state in the box. For the corrected one, `|x - solution| ** 2 / 2` is what never rises: give a
        solution to get that.
        """
        if solution is not None:
            return ((state - solution) ** 2).sum() / 2
        step = state - self._target(state)
        return (self.matrix @ state + self.vector) @ step - (step**2).sum() / 2

    def trajectory(
        self, state: State, times: Float[Array, " time"], *, tolerance: float = 1e-6
    ) -> Float[Array, "time unit"]:
        """The states at some times, from the point of the box nearest to `state`; see `Flow.trajectory`."""
        self._check(state)
        return super().trajectory(self.project(state), times, tolerance=tolerance)

    def _target(self, state: State) -> State:
        return self.project(state - (self.matrix @ state + self.vector))


def _bound(name: str, value: Any, units: int) -> State:
    array = jnp.asarray(value, dtype=float)
    if array.shape not in ((), (units,)) or bool(jnp.isnan(array).any()):
        raise InputError(
            f"{name} of shape {array.shape}, or with NaN.",
            f"A number, or shape ({units},).",
            f"Check {name}.",
        )
    return jnp.broadcast_to(array, (units,))
