"""Convolutions over frames and over images, with the kernel laid out as in Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count, check_flag
from antiphon.networks.layers._activations import activate, check_activation
from antiphon.networks.layers._dense import GLOROT
from antiphon.networks.layers._layer import Built, Layer, Mask, check_rank, show
from antiphon.networks.layers._windows import (
    Sizes,
    check_fits,
    check_maskable,
    check_padding,
    check_sizes,
    mask_of_windows,
    refuse_mask,
)

_LAYOUTS = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC")}


class BuiltConvolution(eqx.Module):
    """A convolution over one or two axes; the last axis is that of the channels."""

    kernel: Array
    bias: Array | None
    strides: Sizes = eqx.field(static=True)
    dilation: Sizes = eqx.field(static=True)
    padding: str = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    @property
    def kind(self) -> str:
        """Its name in messages."""
        return f"Conv{len(self.strides)}D"

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, Mask]:
        """The value of every window, and which windows count."""
        channels = self.kernel.shape[-2]
        if value.ndim != self.kernel.ndim - 1 or value.shape[-1] != channels:
            raise InputError(
                f"{self.kind} got a value of shape {show(value.shape)}.",
                f"{channels} channels in the last axis, as when it was built.",
                "Give data with as many features as the model was built for.",
            )
        spans = tuple((k - 1) * d + 1 for k, d in zip(self.kernel.shape, self.dilation, strict=False))
        check_fits(self.kind, value.shape, spans, self.padding)
        if len(self.strides) == 1:
            check_maskable(self.kind, mask, self.padding, self.strides)
        else:
            refuse_mask(self.kind, mask)
        if mask is not None:
            value = jnp.where(mask[:, None], value, 0.0)
        padding: Any = [(spans[0] - 1, 0)] if self.padding == "causal" else self.padding.upper()
        out = jax.lax.conv_general_dilated(
            value[None],
            self.kernel,
            self.strides,
            padding,
            rhs_dilation=self.dilation,
            dimension_numbers=_LAYOUTS[len(self.strides)],
        )[0]
        if self.bias is not None:
            out = out + self.bias.reshape([1] * (out.ndim - 1) + [-1])
        if mask is not None:
            mask = mask_of_windows(
                mask, self.kernel.shape[0], self.strides[0], self.dilation[0], self.padding
            )
        return activate(self.activation, out), mask


def _convolution(layer: Any, channels: int, key: PRNGKeyArray) -> BuiltConvolution:
    window = layer.sizes
    kernel = GLOROT(key, (*window, channels, layer.filters), jnp.float32)
    return BuiltConvolution(
        kernel,
        jnp.zeros((layer.filters,), jnp.float32) if layer.use_bias else None,
        check_sizes("strides", layer.strides, len(window)),
        check_sizes("dilation_rate", layer.dilation_rate, len(window)),
        layer.padding,
        check_activation(layer.activation),
    )


def _check(layer: Any, axes: int) -> None:
    check_count("filters", layer.filters)
    check_sizes("kernel_size", layer.kernel_size, axes)
    strides = check_sizes("strides", layer.strides, axes)
    dilation = check_sizes("dilation_rate", layer.dilation_rate, axes)
    check_padding(layer.padding, causal=axes == 1)
    check_activation(layer.activation)
    check_flag("use_bias", layer.use_bias)
    if max(strides) > 1 and max(dilation) > 1:
        raise InputError(
            f"strides={layer.strides!r} with dilation_rate={layer.dilation_rate!r}.",
            "One of the two to be 1.",
            "Leave out the strides or the dilation.",
        )


@dataclass(frozen=True, eq=False)
class Conv1D(Layer):
    """Convolution over the frames of a sequence.

    A masked frame counts as zeros. With `padding="valid"` a window counts if all its frames are real, so a
    sequence shorter than the window gives no frame at all.

    Args:
        filters: Features of what it gives.
        kernel_size: Frames of the window.
        strides: Frames between windows.
        padding: `"valid"`, `"same"` (as many frames as before) or `"causal"` (a frame sees none after it).
        dilation_rate: Frames between the entries of the window.
        activation: By name; None for none.
        use_bias: Whether there is a bias.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these; when called, if its input is no sequence or shorter than
            the window; when a model gets sequences of different lengths, for `padding="same"` with strides.

    Example:
        >>> from antiphon.networks import Input
        >>> Conv1D(8, 3, padding="same", activation="relu")(Input((None, 12))).shape
        (T, 8)
    """

    filters: int
    kernel_size: int
    strides: int = 1
    padding: str = "valid"
    dilation_rate: int = 1
    activation: str | None = None
    use_bias: bool = True

    def __post_init__(self) -> None:
        _check(self, 1)

    @property
    def sizes(self) -> Sizes:
        """The window, one size an axis."""
        return check_sizes("kernel_size", self.kernel_size, 1)

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """With initial weights."""
        check_rank(self.kind, inputs[0].shape, "time, feature")
        return _convolution(self, inputs[0].shape[-1], key)


@dataclass(frozen=True, eq=False)
class Conv2D(Layer):
    """Convolution over images `(height, width, channel)`.

    Args:
        filters: Channels of what it gives.
        kernel_size: Rows and columns of the window: one number, or a pair.
        strides: Rows and columns between windows.
        padding: `"valid"` or `"same"`.
        dilation_rate: Rows and columns between the entries of the window.
        activation: By name; None for none.
        use_bias: Whether there is a bias.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these; when called, if its input is no image or smaller than the
            window.

    Example:
        >>> from antiphon.networks import Input
        >>> Conv2D(8, 3)(Input((28, 28, 1))).shape
        (26, 26, 8)
    """

    filters: int
    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int] = 1
    padding: str = "valid"
    dilation_rate: int | tuple[int, int] = 1
    activation: str | None = None
    use_bias: bool = True

    def __post_init__(self) -> None:
        _check(self, 2)

    @property
    def sizes(self) -> Sizes:
        """The window, one size an axis."""
        return check_sizes("kernel_size", self.kernel_size, 2)

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """With initial weights."""
        check_rank(self.kind, inputs[0].shape, "height, width, channel")
        return _convolution(self, inputs[0].shape[-1], key)
