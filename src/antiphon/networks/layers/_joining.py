"""Layers that join several values, and the one that holds a module that is made already."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, and_
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks.layers._layer import Built, Layer, Mask, show


def _joined_mask(masks: Sequence[Mask]) -> Mask:
    given = [mask for mask in masks if mask is not None]
    return reduce(and_, given) if given else None


def _check_several(kind: str, shapes: Sequence[Any], same: slice) -> None:
    if len(shapes) < 2:
        raise InputError(f"{kind} of one value.", "Two values or more.", f"Write {kind}()([first, second]).")
    if any(shape[same] != shapes[0][same] or len(shape) != len(shapes[0]) for shape in shapes):
        raise InputError(
            f"{kind} got values of shapes {', '.join(map(show, shapes))}.",
            "The same shape" + ("." if same == slice(None) else " but for the last axis."),
            "Bring them to one shape first, for example by a Dense layer.",
        )


class BuiltAdd(eqx.Module):
    """The sum of several values."""

    def __call__(
        self, values: tuple[Array, ...], masks: tuple[Mask, ...], *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Mask]:
        """The sum; a frame counts if it does in all."""
        _check_several("Add", [value.shape for value in values], slice(None))
        return reduce(add, values), _joined_mask(masks)


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """The sum of values of one shape, for example around a residual branch.

    Args:
        name: How it is called in the model.

    Raises:
        InputError: When called on one value alone, or on several shapes.

    Example:
        >>> from antiphon.networks import Input
        >>> from antiphon.networks.layers import LSTM
        >>> x = Input((None, 8))
        >>> Add()([x, LSTM(8, return_sequences=True)(x)]).shape
        (T, 8)
    """

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """It has no parameters."""
        _check_several("Add", [value.shape for value in inputs], slice(None))
        return BuiltAdd()


class BuiltConcatenate(eqx.Module):
    """Several values side by side."""

    def __call__(
        self, values: tuple[Array, ...], masks: tuple[Mask, ...], *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Mask]:
        """The values along the last axis; a frame counts if it does in all."""
        _check_several("Concatenate", [value.shape for value in values], slice(-1))
        return jnp.concatenate(values, axis=-1), _joined_mask(masks)


@dataclass(frozen=True, eq=False)
class Concatenate(Layer):
    """Values side by side along the last axis.

    Args:
        axis: -1, the only one.
        name: How it is called in the model.

    Raises:
        InputError: If the axis is another one; when called on one value alone, or if the other axes differ.

    Example:
        >>> from antiphon.networks import Input
        >>> Concatenate()([Input((None, 8)), Input((None, 3))]).shape
        (T, 11)
    """

    axis: int = -1

    def __post_init__(self) -> None:
        if self.axis != -1:
            raise InputError(f"axis={self.axis!r}.", "The last axis, -1.", "Leave axis out.")

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """It has no parameters."""
        _check_several("Concatenate", [value.shape for value in inputs], slice(-1))
        return BuiltConcatenate()


class BuiltModule(eqx.Module):
    """A module from elsewhere, its arrays apart from what is no array."""

    arrays: Any
    still: Any = eqx.field(static=True)
    takes_mask: bool = eqx.field(static=True)
    takes_key: bool = eqx.field(static=True)

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, Mask]:
        """What the module gives; the mask stays while the number of frames does."""
        module = eqx.combine(self.arrays, self.still)
        rest = {"key": key} if self.takes_key else {}
        if self.takes_mask:
            there = jnp.ones(value.shape[:1], bool) if mask is None else mask
            out = module(value, there, **rest)
        else:
            out = module(value, **rest)
        kept = mask is not None and out.ndim > 1 and out.shape[0] == mask.shape[0]
        return out, mask if kept else None


@dataclass(frozen=True, eq=False)
class Module(Layer):
    """An Equinox module with its parameters as a layer: one of `antiphon.networks`, of Equinox or your own.

    If its call has a parameter `mask`, it is called as `module(frames, mask)`, otherwise with the value
    alone; a parameter `key` gets the key of dropout. `Sequential` makes this layer by itself.

    Args:
        module: Takes one case.
        name: How it is called in the model.

    Raises:
        InputError: If it is no Equinox module.

    Example:
        >>> from antiphon.networks import Input, Recurrent
        >>> stack = Recurrent("gru", 12, 8, layers=2, key=jax.random.key(0))
        >>> Module(stack)(Input((None, 12))).shape
        (T, 8)
    """

    module: Any

    def __post_init__(self) -> None:
        if not isinstance(self.module, eqx.Module) or not callable(self.module):
            raise InputError(
                f"{self.module!r} as a layer.",
                "A layer of antiphon.networks.layers, or an Equinox module that can be called.",
                "Make the layer first: Dense(10), not Dense.",
            )

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """As it is: it has its parameters."""
        arrays, still = eqx.partition(self.module, eqx.is_array)
        parameters = inspect.signature(self.module).parameters
        return BuiltModule(arrays, still, "mask" in parameters, "key" in parameters)
