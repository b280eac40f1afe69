"""The cellular neural network: a grid of units, each coupled to its neighbours by the same template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice
from antiphon.networks.energy._flow import Flow
from antiphon.networks.energy._given import as_numbers

Grid = Float[Array, "row column"]


@dataclass(frozen=True)
class Template:
    """What a cellular neural network does with an image.

    Attributes:
        feedback: `A`: what each cell hears of the outputs around it; odd sizes.
        control: `B`: what it hears of the image around it; odd sizes.
        bias: `z`.
        start: State of all cells at the start; None for the image itself.

    Example:
        >>> TEMPLATES["edge-detection"].bias
        -1.0
    """

    feedback: tuple[tuple[float, ...], ...]
    control: tuple[tuple[float, ...], ...]
    bias: float
    start: float | None


_ALONE = ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0))
_ONES = ((1.0, 1.0, 1.0),) * 3

TEMPLATES: dict[str, Template] = {
    "edge-detection": Template(
        _ALONE, ((-1.0, -1.0, -1.0), (-1.0, 8.0, -1.0), (-1.0, -1.0, -1.0)), -1.0, None
    ),
    "erosion": Template(_ALONE, _ONES, -8.0, 0.0),
    "dilation": Template(_ALONE, _ONES, 8.0, 0.0),
    "hole-filling": Template(
        ((0.0, 1.0, 0.0), (1.0, 3.0, 1.0), (0.0, 1.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 4.0, 0.0), (0.0, 0.0, 0.0)),
        -1.0,
        1.0,
    ),
}


class CellularNetwork(Flow):
    """A cellular neural network over an image: `x' = -x + A * y + B * u + z`, `y = clip(x, -1, 1)`.

    `*` is a sum over the cells around each one; the image `u` has -1 for white and 1 for black.
    Outside of the grid all is `boundary`.

    Args:
        feedback: `A`, `(odd, odd)`, the same when turned by half a turn.
        control: `B`, `(odd, odd)`.
        bias: `z`.
        image: `u`, `(row, column)`, from -1 to 1.
        boundary: What cells outside of the grid show.

    Raises:
        InputError: If a template has an even size, the feedback is not symmetric, or the image leaves
            -1 to 1.

    Reference:
        Chua & Yang (1988), Cellular neural networks: theory, IEEE Transactions on Circuits and Systems 35,
        equations 2 and 10; templates after Roska & Chua's software library.

    Example:
        >>> image = -jnp.ones((5, 5)).at[1:4, 1:4].set(-1.0)
        >>> edges = CellularNetwork.of_template("edge-detection", image)
        >>> edges(edges.image).astype(int)[1:4, 1:4].tolist()
        [[1, 1, 1], [1, -1, 1], [1, 1, 1]]
    """

    feedback: Grid
    control: Grid
    bias: Float[Array, ""]
    image: Grid
    boundary: Float[Array, ""]

    def __init__(self, feedback: Any, control: Any, bias: Any, image: Any, *, boundary: Any = -1.0) -> None:
        self.feedback = _template("feedback", feedback)
        self.control = _template("control", control)
        if not isinstance(self.feedback, Tracer) and not np.allclose(
            self.feedback, self.feedback[::-1, ::-1]
        ):
            raise InputError(
                "Feedback that changes when turned by half a turn.",
                "Feedback with A[i, j] = A[-i, -j]: without it there is no energy.",
                "Check the template.",
            )
        self.bias = as_numbers("bias", bias, ())
        self.image = as_numbers("image", image, ("row", "column"))
        self.boundary = as_numbers("boundary", boundary, ())
        if not isinstance(self.image, Tracer) and np.abs(np.asarray(self.image)).max() > 1:
            raise InputError(
                "An image that leaves -1 to 1.", "White -1, black 1, greys between.", "Rescale it."
            )

    @classmethod
    def of_template(cls, name: str, image: Any) -> Self:
        """A network that does something known to an image.

        Args:
            name: `"edge-detection"`, `"erosion"`, `"dilation"` or `"hole-filling"`.
            image: `(row, column)`, -1 white and 1 black.

        Raises:
            InputError: If the name is unknown.
        """
        template = TEMPLATES[check_choice("name", name, TEMPLATES)]
        return cls(template.feedback, template.control, template.bias, image)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a state: that of the image."""
        return self.image.shape

    def outputs(self, state: Grid) -> Grid:
        """What each cell shows: its state, cut to -1 to 1."""
        return jnp.clip(state, -1.0, 1.0)

    def rate(self, state: Grid) -> Grid:
        """`-x + A * y + B * u + z`."""
        heard = _around(self.feedback, self.outputs(state), self.boundary)
        return -state + heard + self._drive()

    def energy(self, state: Grid) -> Float[Array, ""]:
        """`y y / 2 - y (A * y) / 2 - y (B * u + z + what the boundary feeds back)`, over all cells."""
        shown = self.outputs(state)
        nothing = jnp.zeros((), state.dtype)
        inside = _around(self.feedback, shown, nothing)
        outside = _around(self.feedback, jnp.zeros_like(shown), self.boundary)
        return (shown * (shown - inside) / 2 - shown * (self._drive() + outside)).sum()

    def __call__(self, state: Grid, *, duration: float = 50.0) -> Grid:
        """The image that the cells show after a duration.

        Args:
            state: `(row, column)`, the states at the start.
            duration: In units of the leak.
        """
        return self.outputs(self.settle(state, duration))

    def _drive(self) -> Grid:
        return _around(self.control, self.image, self.boundary) + self.bias


def start_of(name: str, image: Grid) -> Grid:
    """The states from which a known template starts."""
    start = TEMPLATES[check_choice("name", name, TEMPLATES)].start
    return image if start is None else jnp.full_like(image, start)


def _template(name: str, value: Any) -> Grid:
    array = as_numbers(name, value, ("row", "column"))
    if not array.shape[0] % 2 or not array.shape[1] % 2:
        raise InputError(f"{name} of shape {array.shape}.", "Odd sizes.", "Pad the template with zeros.")
    return array


def _around(template: Grid, values: Grid, boundary: Float[Array, ""]) -> Grid:
    """The sum of the values around each cell, weighted by the template."""
    rows, columns = template.shape
    padded = jnp.pad(values, ((rows // 2, rows // 2), (columns // 2, columns // 2)), constant_values=boundary)
    height, width = values.shape
    # Shifted sums, which XLA fuses; a convolution in double precision takes many times as long on CPUs.
    return sum(
        (
            template[row, column] * padded[row : row + height, column : column + width]
            for row in range(rows)
            for column in range(columns)
        ),
        start=jnp.zeros_like(values),
    )
