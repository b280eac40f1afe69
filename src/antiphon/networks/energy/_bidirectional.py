"""The bidirectional associative memory."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from antiphon.errors import InputError
from antiphon.networks._checks import check_count
from antiphon.networks.energy._given import as_levels, as_numbers
from antiphon.networks.energy._hopfield import decide

Left = Float[Array, " left"]
Right = Float[Array, " right"]


class BidirectionalMemory(eqx.Module):
    """A bidirectional associative memory (BAM): pairs of patterns, each recalled from the other.

    All units of one side are updated at once, then all of the other side: `energy` never rises, whatever the
    weights. A unit whose field is 0 stays as it is.

    Args:
        weights: `(left, right)`.

    Raises:
        InputError: If the weights are no finite matrix.

    Reference:
        Kosko (1988), Bidirectional associative memories, IEEE Transactions on Systems, Man, and Cybernetics
        18, equations 4 and 13.

    Example:
        >>> memory = BidirectionalMemory.store([[1, 1, -1, -1], [1, -1, 1, -1]], [[1, -1], [1, 1]])
        >>> left, right = memory(jnp.array([1.0, 1, -1, -1]), jnp.ones(2))
        >>> right.tolist()
        [1.0, -1.0]
    """

    weights: Float[Array, "left right"]

    def __init__(self, weights: Any) -> None:
        self.weights = as_numbers("weights", weights, ("left", "right"))

    @classmethod
    def store(cls, left: Any, right: Any) -> Self:
        """A memory of pairs by Kosko's rule, `W = sum of l r^T`.

        Args:
            left: `(pair, left)`, entries -1 or 1.
            right: `(pair, right)`, entries -1 or 1.

        Raises:
            InputError: If entries are others, or the sides have not as many patterns.
        """
        as_levels("left", left, ("pair", "left"), (-1, 1))
        as_levels("right", right, ("pair", "right"), (-1, 1))
        one, other = np.asarray(left, np.float64), np.asarray(right, np.float64)
        if len(one) != len(other):
            raise InputError(
                f"{len(one)} patterns on the left and {len(other)} on the right.", "Pairs.", "Check the rows."
            )
        return cls(one.T @ other)

    def energy(self, left: Left, right: Right) -> Float[Array, ""]:
        """`-l^T W r`."""
        return -left @ self.weights @ right

    def forward(self, left: Left, right: Right) -> Right:
        """The right side as the left one wants it."""
        return decide(left @ self.weights, right)

    def backward(self, left: Left, right: Right) -> Left:
        """The left side as the right one wants it."""
        return decide(self.weights @ right, left)

    def __call__(self, left: Left, right: Right, *, rounds: int = 100) -> tuple[Left, Right]:
        """Where both sides come to rest: forward, then backward, until neither changes.

        Args:
            left: `(left,)`, entries -1 or 1.
            right: `(right,)`, entries -1 or 1; what is there before anything is recalled.
            rounds: How often, at most.
        """
        check_count("rounds", rounds)
        if (left.shape, right.shape) != (self.weights.shape[:1], self.weights.shape[1:]):
            raise InputError(
                f"Sides of shapes {tuple(left.shape)} and {tuple(right.shape)}.",
                f"Shapes {self.weights.shape[:1]} and {self.weights.shape[1:]}.",
                "Use jax.vmap for many pairs.",
            )

        def going(carry: tuple[Array, Array, Left, Right]) -> Array:
            return carry[1] & (carry[0] < rounds)

        def once(carry: tuple[Array, Array, Left, Right]) -> tuple[Array, Array, Left, Right]:
            count, _, one, other = carry
            new_other = self.forward(one, other)
            new_one = self.backward(one, new_other)
            changed = (new_one != one).any() | (new_other != other).any()
            return count + 1, changed, new_one, new_other

        return jax.lax.while_loop(going, once, (jnp.int32(0), jnp.bool_(True), left, right))[2:]
