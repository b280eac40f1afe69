"""Networks in continuous time: their states follow a differential equation, solved by diffrax."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from antiphon.errors import InputError

STEPS = 100_000  # of the solver, at most


class Flow(eqx.Module):
    """A network whose state moves by `rate` and whose `energy` never rises on the way."""

    @abstractmethod
    def rate(self, state: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """How fast the state moves."""

    @abstractmethod
    def energy(self, state: Float[Array, "*shape"]) -> Float[Array, ""]:
        """The energy of a state."""

    def trajectory(
        self, state: Float[Array, "*shape"], times: Float[Array, " time"], *, tolerance: float = 1e-6
    ) -> Float[Array, "time ..."]:
        """The states at some times.

        Args:
            state: The state at the first time.
            times: Rising times, in the unit of the equation.
            tolerance: Relative and absolute error that a step of the solver (Tsitouras 5/4) may make. Below
                1e-6 it needs `jax.enable_x64`.

        Raises:
            InputError: If the state has another shape, or the times do not rise.
        """
        self._check(state)
        _check_times(times)
        return _solve(self, state, times, tolerance)

    def settle(
        self,
        state: Float[Array, "*shape"],
        duration: float | Float[Array, ""] = 50.0,
        *,
        tolerance: float = 1e-6,
    ) -> Float[Array, "*shape"]:
        """The state after a duration; see `trajectory`."""
        times = jnp.stack([jnp.zeros((), state.dtype), jnp.asarray(duration, state.dtype)])
        return self.trajectory(state, times, tolerance=tolerance)[-1]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of a state."""

    def _check(self, state: Float[Array, "*shape"]) -> None:
        if state.shape != self.shape:
            raise InputError(
                f"A state of shape {tuple(state.shape)}.",
                f"Shape {self.shape}.",
                "Use jax.vmap for many states.",
            )


def _check_times(times: Float[Array, " time"]) -> None:
    known = not isinstance(times, Tracer)
    if times.ndim != 1 or times.shape[0] < 2 or (known and not (np.diff(np.asarray(times)) > 0).all()):
        raise InputError("Times that do not rise.", "At least two, each later than the last.", "Sort them.")


def _rate(time: Any, state: Any, flow: Any) -> Any:
    # A function with a name: diffrax compiles once for each function that it is given.
    return flow.rate(state)


def _solve(flow: Any, state: Array, times: Array, tolerance: float) -> Array:
    import diffrax  # here, because it takes as long to import as all the rest

    states: Any = diffrax.diffeqsolve(
        diffrax.ODETerm(_rate),
        diffrax.Tsit5(),
        times[0],
        times[-1],
        None,
        state,
        args=flow,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance),
        max_steps=STEPS,
    ).ys
    return states
