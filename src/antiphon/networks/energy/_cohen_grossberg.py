"""The Cohen-Grossberg network: competition under which many models fall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from antiphon.errors import InputError
from antiphon.networks.energy._flow import Flow
from antiphon.networks.energy._given import as_numbers, check_symmetric

State = Float[Array, " unit"]
_NODES = 48  # of Gauss-Legendre quadrature: smooth integrands to rounding
_GRID = 129  # states at which the conditions are checked


class CohenGrossberg(Flow):
    """A Cohen-Grossberg network: `x_i' = a_i(x_i) (b_i(x_i) - sum over j of c_ij d_j(x_j))`.

    Its energy never rises under three conditions, which are checked when it is made: `c` is symmetric, the
    amplification `a` is nowhere negative, and the signal `d` nowhere falls. The last two are checked on a
    grid over `domain`, where the states must stay.

    The three functions map a state `(unit,)` to `(unit,)`, entry by entry.

    Args:
        coupling: `c`, symmetric, `(unit, unit)`; positive entries inhibit.
        amplification: `a`.
        self_signal: `b`.
        signal: `d`.
        domain: Lowest and highest entry of a state.

    Raises:
        InputError: If a condition does not hold.

    Reference:
        Cohen & Grossberg (1983), Absolute stability of global pattern formation, IEEE Transactions on
        Systems, Man, and Cybernetics 13, equations 13 and 18.

    Example:
        Two species that compete (Lotka-Volterra):

        >>> network = CohenGrossberg([[1.0, 0.5], [0.5, 1.0]], lambda x: x, lambda x: 1 + 0 * x,
        ...                          lambda x: x, domain=(0, 2))
        >>> network.rate(jnp.array([0.5, 1.0])).tolist()
        [0.0, -0.25]
    """

    coupling: Float[Array, "unit unit"]
    amplification: Callable[[State], State]
    self_signal: Callable[[State], State]
    signal: Callable[[State], State]

    def __init__(
        self,
        coupling: Any,
        amplification: Callable[[State], State],
        self_signal: Callable[[State], State],
        signal: Callable[[State], State],
        *,
        domain: tuple[float, float] = (-4.0, 4.0),
    ) -> None:
        self.coupling = as_numbers("coupling", coupling, ("unit", "unit"))
        check_symmetric("coupling", self.coupling, "it is the first condition of Cohen and Grossberg")
        # Partial is a tree without leaves: the network's own leaves are all arrays.
        self.amplification, self.self_signal, self.signal = map(
            jax.tree_util.Partial, (amplification, self_signal, signal)
        )
        self._check_conditions(domain)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a state: `(unit,)`."""
        return self.coupling.shape[:1]

    def rate(self, state: State) -> State:
        """`a(x) (b(x) - c d(x))`."""
        return self.amplification(state) * (self.self_signal(state) - self.coupling @ self.signal(state))

    def energy(self, state: State) -> Float[Array, ""]:
        """`-sum of integral from 0 to x_i of b_i d_i' + d^T c d / 2`, the integrals by quadrature."""
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        places = jnp.asarray((nodes + 1) / 2, state.dtype)[:, None] * state[None, :]
        integrand = jax.vmap(lambda x: self.self_signal(x) * self._slope(x))(places)
        integral = state * (jnp.asarray(weights / 2, state.dtype) @ integrand)
        signal = self.signal(state)
        return -integral.sum() + 0.5 * signal @ self.coupling @ signal

    def _slope(self, state: State) -> State:
        return jax.jvp(self.signal, (state,), (jnp.ones_like(state),))[1]

    def _check_conditions(self, domain: tuple[float, float]) -> None:
        low, high = domain
        if not low < high:
            raise InputError(f"domain={domain!r}.", "A lower and a higher number.", "Swap them.")
        units = self.coupling.shape[0]
        grid = jnp.broadcast_to(jnp.linspace(low, high, _GRID)[:, None], (_GRID, units))
        found = {}
        for name in ("amplification", "self_signal", "signal"):
            found[name] = jax.vmap(getattr(self, name))(grid)
            if found[name].shape != grid.shape:
                raise InputError(
                    f"{name} gives {found[name].shape[1:]} for a state of shape {(units,)}.",
                    "One number a unit.",
                    "Write it entry by entry.",
                )
        wrong = {
            "An amplification that is negative": (found["amplification"] < 0).any(),
            "A signal that falls": (jax.vmap(self._slope)(grid) < 0).any(),
        }
        for what, broken in wrong.items():
            if broken:
                raise InputError(
                    f"{what} between {low:g} and {high:g}.",
                    "An amplification from 0 up and a signal that never falls: else the energy may rise.",
                    "Change it, or give the domain that states stay in.",
                )
