"""Pooling over windows, and over all real frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from antiphon.networks.layers._layer import Built, Layer, Mask, check_rank
from antiphon.networks.layers._windows import (
    Sizes,
    check_fits,
    check_maskable,
    check_padding,
    check_sizes,
    mask_of_windows,
    refuse_mask,
)


class BuiltPooling(eqx.Module):
    """The largest entry or the mean of every window."""

    window: Sizes = eqx.field(static=True)
    strides: Sizes = eqx.field(static=True)
    padding: str = eqx.field(static=True)
    average: bool = eqx.field(static=True)
    kind: str = eqx.field(static=True)

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, Mask]:
        """The value of every window, and which windows count."""
        check_fits(self.kind, value.shape, self.window, self.padding)
        if len(self.window) == 1:
            check_maskable(self.kind, mask, self.padding, self.strides)
        else:
            refuse_mask(self.kind, mask)
        there = None if mask is None else mask.reshape(-1, *[1] * (value.ndim - 1))
        if self.average:
            total = self._reduced(value if there is None else jnp.where(there, value, 0.0), 0.0, jax.lax.add)
            # Frames beyond the ends do not count, as in Keras.
            count = jnp.ones(value.shape, value.dtype) if there is None else jnp.where(there, 1.0, 0.0)
            count = jnp.broadcast_to(count, value.shape)
            out = total / jnp.maximum(self._reduced(count, 0.0, jax.lax.add), 1.0)
        else:
            out = self._reduced(
                value if there is None else jnp.where(there, value, -jnp.inf), -jnp.inf, jax.lax.max
            )
            out = out if there is None else jnp.where(jnp.isneginf(out), 0.0, out)
        if mask is not None:
            mask = mask_of_windows(mask, self.window[0], self.strides[0], 1, self.padding)
        return out, mask

    def _reduced(self, value: Array, start: float, operation: Any) -> Array:
        return jax.lax.reduce_window(
            value, start, operation, (*self.window, 1), (*self.strides, 1), self.padding.upper()
        )


@dataclass(frozen=True, eq=False)
class _Pooling(Layer):
    pool_size: int | tuple[int, int] = 2
    strides: int | tuple[int, int] | None = None
    padding: str = "valid"

    axes: ClassVar[str] = ""
    average: ClassVar[bool] = False

    def __post_init__(self) -> None:
        count = len(self.axes.split(", ")) - 1
        check_sizes("pool_size", self.pool_size, count)
        if self.strides is not None:
            check_sizes("strides", self.strides, count)
        check_padding(self.padding)

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """It has no parameters."""
        check_rank(self.kind, inputs[0].shape, self.axes)
        count = len(self.axes.split(", ")) - 1
        window = check_sizes("pool_size", self.pool_size, count)
        strides = window if self.strides is None else check_sizes("strides", self.strides, count)
        return BuiltPooling(window, strides, self.padding, self.average, self.kind)


@dataclass(frozen=True, eq=False)
class MaxPooling1D(_Pooling):
    """The largest entry of every window of frames.

    Args:
        pool_size: Frames of a window. With `padding="valid"` a window counts if all its frames are real.
        strides: Frames between windows; by default one window.
        padding: `"valid"` or `"same"`.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these; when called, if its input is no sequence or too short.

    Example:
        >>> from antiphon.networks import Input
        >>> MaxPooling1D(2)(Input((10, 3))).shape
        (5, 3)
    """

    axes: ClassVar[str] = "time, feature"


@dataclass(frozen=True, eq=False)
class AveragePooling1D(_Pooling):
    """The mean of every window of frames.

    Args:
        pool_size: Frames of a window. With `padding="valid"` a window counts if all its frames are real.
        strides: Frames between windows; by default one window.
        padding: `"valid"` or `"same"`; frames beyond the ends do not count.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these; when called, if its input is no sequence or too short.

    Example:
        >>> from antiphon.networks import Input
        >>> AveragePooling1D(2)(Input((10, 3))).shape
        (5, 3)
    """

    axes: ClassVar[str] = "time, feature"
    average: ClassVar[bool] = True


@dataclass(frozen=True, eq=False)
class MaxPooling2D(_Pooling):
    """The largest entry of every window of an image.

    Args:
        pool_size: Rows and columns of a window: one number, or a pair.
        strides: Rows and columns between windows; by default one window.
        padding: `"valid"` or `"same"`.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these; when called, if its input is no image or too small.

    Example:
        >>> from antiphon.networks import Input
        >>> MaxPooling2D(2)(Input((28, 28, 8))).shape
        (14, 14, 8)
    """

    axes: ClassVar[str] = "height, width, channel"


@dataclass(frozen=True, eq=False)
class AveragePooling2D(_Pooling):
    """The mean of every window of an image.

    Args:
        pool_size: Rows and columns of a window: one number, or a pair.
        strides: Rows and columns between windows; by default one window.
        padding: `"valid"` or `"same"`; what lies beyond the border does not count.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these; when called, if its input is no image or too small.

    Example:
        >>> from antiphon.networks import Input
        >>> AveragePooling2D(2)(Input((28, 28, 8))).shape
        (14, 14, 8)
    """

    axes: ClassVar[str] = "height, width, channel"
    average: ClassVar[bool] = True


class BuiltGlobalPooling(eqx.Module):
    """The largest entry or the mean over all real frames."""

    average: bool = eqx.field(static=True)

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, None]:
        """One vector; 0 where no frame is real."""
        there = jnp.ones(value.shape[:1], bool) if mask is None else mask
        if self.average:
            count = there.astype(value.dtype).sum()
            return jnp.where(there[:, None], value, 0.0).sum(0) / jnp.maximum(count, 1.0), None
        largest = jnp.where(there[:, None], value, -jnp.inf).max(0, initial=-jnp.inf)
        return jnp.where(there.any(), largest, 0.0), None


@dataclass(frozen=True, eq=False)
class GlobalAveragePooling1D(Layer):
    """The mean over all real frames of a sequence; 0 where there is none.

    Args:
        name: How it is called in the model.

    Raises:
        InputError: When called, if its input is no sequence.

    Example:
        >>> from antiphon.networks import Input
        >>> GlobalAveragePooling1D()(Input((None, 3))).shape
        (3,)
    """

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """It has no parameters."""
        check_rank(self.kind, inputs[0].shape, "time, feature")
        return BuiltGlobalPooling(True)


@dataclass(frozen=True, eq=False)
class GlobalMaxPooling1D(Layer):
    """The largest entry over all real frames of a sequence; 0 where there is none.

    Args:
        name: How it is called in the model.

    Raises:
        InputError: When called, if its input is no sequence.

    Example:
        >>> from antiphon.networks import Input
        >>> GlobalMaxPooling1D()(Input((None, 3))).shape
        (3,)
    """

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """It has no parameters."""
        check_rank(self.kind, inputs[0].shape, "time, feature")
        return BuiltGlobalPooling(False)
