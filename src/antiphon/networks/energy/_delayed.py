"""The Hopfield network whose units hear each other after a delay."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from antiphon.errors import InputError
from antiphon.networks._checks import check_count
from antiphon.networks.energy._given import as_numbers, as_positive, check_symmetric

State = Float[Array, " unit"]
States = Float[Array, "time unit"]


def critical_delay(gain: float) -> float:
    """The delay at which a neuron `x' = -x + gain tanh(x(t - delay))` starts to oscillate.

    Args:
        gain: Below -1: from -1 to 1 no delay makes it oscillate, and above 1 it leaves 0 without one.

    Returns:
        `arccos(1 / gain) / sqrt(gain ** 2 - 1)`, where a pair of roots of
        `s + 1 = gain exp(-s delay)` crosses the imaginary axis.

    Raises:
        InputError: If the gain is not below -1.

    Reference:
        Marcus & Westervelt (1989), Stability of analog neural networks with delay, Physical Review A 39.

    Example:
        >>> round(critical_delay(-1.5), 3)
        2.058
    """
    if not gain < -1:
        raise InputError(
            f"gain={gain:g}.", "A gain below -1.", "No delay makes a neuron of another gain oscillate."
        )
    return math.acos(1 / gain) / math.sqrt(gain**2 - 1)


class DelayedHopfield(eqx.Module):
    """A continuous Hopfield network with a delay: `x'(t) = -x(t) + W tanh(x(t - delay)) + b`.

    diffrax has no solver for delay equations. This one keeps the last delay in a buffer and goes by classical
    Runge-Kutta steps of 4th order, a fixed whole number of them a delay; between steps it reads the buffer by
    cubic Hermite interpolation, so that errors fall with the 4th power of the step.

    Args:
        weights: Symmetric couplings `(unit, unit)`; a diagonal is allowed.
        delay: In the time unit of the leak, above 0; the same for all.
        bias: `(unit,)`; 0 if left out.
        steps: Steps a delay.

    Raises:
        InputError: If the weights are not square or not symmetric, or the delay is not above 0.

    Reference:
        Marcus & Westervelt (1989), Physical Review A 39; for the energy Ye, Michel & Wang (1994), Physical
        Review E 50.

    Example:
        >>> neuron = DelayedHopfield([[-1.5]], delay=1.2 * critical_delay(-1.5))
        >>> states, _ = neuron.trajectory(jnp.array([0.1]), 40)
        >>> bool(jnp.abs(states[-200:]).max() > 0.3)
        True
    """

    weights: Float[Array, "unit unit"]
    delay: Float[Array, ""]
    bias: State
    steps: int = eqx.field(static=True)

    def __init__(self, weights: Any, delay: Any, bias: Any = None, *, steps: int = 64) -> None:
        self.weights = as_numbers("weights", weights, ("unit", "unit"))
        check_symmetric("weights", self.weights, "without it there is no energy")
        units = self.weights.shape[0]
        self.delay = as_positive("delay", delay)
        self.bias = as_numbers("bias", np.zeros(units) if bias is None else bias, (units,))
        self.steps = check_count("steps", steps)

    def trajectory(self, state: State, delays: int) -> tuple[States, States]:
        """States and rates from rest: before the start the state was the same for ever.

        Args:
            state: `(unit,)`.
            delays: For how many delays to go on.

        Returns:
            States and rates `(delays * steps + 1, unit)`, from the start on, `delay / steps` apart.

        Raises:
            InputError: If the state has another shape.
        """
        check_count("delays", delays)
        if state.shape != self.bias.shape:
            raise InputError(
                f"A state of shape {tuple(state.shape)}.",
                f"Shape {self.bias.shape}.",
                "Use jax.vmap for many states.",
            )
        rest = jnp.broadcast_to(state[None, :], (self.steps + 1, state.shape[0]))
        first = -state + self._drive(state)

        def block(
            history: tuple[States, States], _: None
        ) -> tuple[tuple[States, States], tuple[States, States]]:
            history = self._advance(*history)
            return history, (history[0][1:], history[1][1:])

        _, (states, rates) = jax.lax.scan(block, (rest, jnp.zeros_like(rest)), None, length=delays)
        shape = (-1, state.shape[0])
        return (
            jnp.concatenate([state[None, :], states.reshape(shape)]),
            jnp.concatenate([first[None, :], rates.reshape(shape)]),
        )

    def _drive(self, past: State) -> State:
        return self.weights @ jnp.tanh(past) + self.bias

    def _advance(self, states: States, rates: States) -> tuple[States, States]:
        """The next delay's states and rates from the last one's, ends included in both."""
        h = self.delay / self.steps
        between = (states[:-1] + states[1:]) / 2 + h / 8 * (rates[:-1] - rates[1:])
        drives, halves = jax.vmap(self._drive)(states), jax.vmap(self._drive)(between)

        def step(now: State, forces: tuple[State, State, State]) -> tuple[State, State]:
            start, middle, end = forces
            a = start - now
            b = middle - (now + h / 2 * a)
            c = middle - (now + h / 2 * b)
            d = end - (now + h * c)
            new = now + h / 6 * (a + 2 * b + 2 * c + d)
            return new, new

        _, new = jax.lax.scan(step, states[-1], (drives[:-1], halves, drives[1:]))
        new = jnp.concatenate([states[-1:], new])
        return new, drives - new

    def energy(self, states: States, rates: States) -> Float[Array, ""]:
        """Energy of the last delay, which never rises where `delay * (largest |eigenvalue| of W) <= 1`.

        With outputs `v = tanh(x)` it is the continuous Hopfield network's energy at the end, plus
        `|W| / 2 * integral of (s - t + delay) |v'(s)| ** 2` over the delay before: what the past can
        still do.
        For longer delays nothing like it can exist, since the network may oscillate.

        Args:
            states: `(steps + 1, unit)`, a window of what `trajectory` gave.
            rates: Their rates.

        Raises:
            InputError: If it is no window of one delay.
        """
        if states.shape != (self.steps + 1, *self.bias.shape) or rates.shape != states.shape:
            raise InputError(
                f"States of shape {tuple(states.shape)} and rates of shape {tuple(rates.shape)}.",
                f"Both of shape {(self.steps + 1, *self.bias.shape)}: one delay.",
                "Cut states[i : i + steps + 1] out of a trajectory.",
            )
        v, x = jnp.tanh(states), states[-1]
        end = v[-1]
        log_cosh = jnp.logaddexp(x, -x) - jnp.log(jnp.asarray(2.0, x.dtype))
        now = -0.5 * end @ self.weights @ end - self.bias @ end + (x * end - log_cosh).sum()
        speed = (((1 - v**2) * rates) ** 2).sum(1)
        since = jnp.arange(self.steps + 1, dtype=x.dtype) / self.steps * self.delay
        norm = jnp.abs(jnp.linalg.eigvalsh(self.weights)).max()
        past = jax.scipy.integrate.trapezoid(since * speed, dx=self.delay / self.steps)
        return now + norm / 2 * past
