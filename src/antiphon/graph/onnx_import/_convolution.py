"""Convolutions, plain, transposed and quantised; channels come second, as in `(batch, channel, *space)`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._dtype import quantized
from antiphon.graph.onnx_import._rule import Call, rule

LETTERS = "DHWXYZ"


def windows(
    call: Call, space: tuple[Any, ...], kernel: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], list[tuple[Any, Any]]]:
    """Strides, dilations and padding (before, after) an axis, from the attributes that all windows share.

    Raises:
        ImportedModelError: Attributes of the wrong length, or a padding that ONNX does not know.
    """
    rank = len(space)
    strides = call.get("strides", (1,) * rank)
    dilations = call.get("dilations", (1,) * rank)
    pads = call.get("pads", (0,) * (2 * rank))
    for name, got, want in (
        ("kernel_shape", kernel, rank), ("strides", strides, rank), ("dilations", dilations, rank),
        ("pads", pads, 2 * rank),
    ):  # fmt: skip
        if len(got) != want:
            raise ImportedModelError(f"{name} {tuple(got)} for {rank} axes of space.", f"{want} numbers.")
    if min(*strides, *dilations, *kernel, 1) < 1:
        raise ImportedModelError(f"strides {strides}, dilations {dilations}, kernel {kernel}.", "1 or more.")
    auto = call.get("auto_pad", "NOTSET")
    if auto == "NOTSET":
        return strides, dilations, list(zip(pads[:rank], pads[rank:], strict=True))
    if auto == "VALID":
        return strides, dilations, [(0, 0)] * rank
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise ImportedModelError(f"auto_pad {auto!r}.", "NOTSET, VALID, SAME_UPPER or SAME_LOWER.")
    found = []
    for size, stride, dilation, width in zip(space, strides, dilations, kernel, strict=True):
        total = max((-(-size // stride) - 1) * stride + (width - 1) * dilation + 1 - size, 0)
        small, large = total // 2, total - total // 2
        found.append((small, large) if auto == "SAME_UPPER" else (large, small))
    return strides, dilations, found


def _numbers(rank: int) -> tuple[str, str, str]:
    if rank > len(LETTERS):
        raise ImportedModelError(f"a convolution over {rank} axes.", f"at most {len(LETTERS)}.")
    space = LETTERS[-rank:] if rank <= 3 else LETTERS[:rank]
    return "NC" + space, "OI" + space, "NC" + space


def _convolve(call: Call, x: Any, weight: Any, kind: Any = None) -> Any:
    if x.ndim != weight.ndim or x.ndim < 3:
        raise ImportedModelError(
            f"an input of shape {x.shape} and weights of shape {weight.shape}.", "one rank."
        )
    strides, dilations, pads = windows(call, x.shape[2:], weight.shape[2:])
    return lax.conv_general_dilated(
        x,
        weight,
        strides,
        pads,
        rhs_dilation=dilations,
        dimension_numbers=_numbers(x.ndim - 2),
        feature_group_count=call["group"],
        preferred_element_type=kind,
    )


def channels(bias: Any, rank: int) -> Any:
    """One number a channel, shaped to add to `(batch, channel, *space)`."""
    return bias.reshape((1, -1) + (1,) * (rank - 2))


@rule("Conv", 1, 22)
def _conv(call: Call, x: Any, weight: Any, bias: Any = None) -> Any:
    y = _convolve(call, x, weight)
    return y if bias is None else y + channels(bias, y.ndim)


@rule("ConvTranspose", 1, 22)
def _conv_transpose(call: Call, x: Any, weight: Any, bias: Any = None) -> Any:
    rank = x.ndim - 2
    group = call["group"]
    kernel = weight.shape[2:]
    extra = call.get("output_padding", (0,) * rank)
    auto = call.get("auto_pad", "NOTSET")
    plain = Call(call.node, {**call.attributes, "auto_pad": "NOTSET"}, call.run)
    strides, dilations, pads = windows(plain, x.shape[2:], kernel)
    shape = call.get("output_shape")
    if shape is not None:
        shape = tuple(shape)[-rank:]
    elif auto.startswith("SAME"):
        shape = tuple(s * stride for s, stride in zip(x.shape[2:], strides, strict=True))
    if shape is not None:
        pads = []
        for a, size in enumerate(shape):
            whole = strides[a] * (x.shape[2 + a] - 1) + extra[a] + (kernel[a] - 1) * dilations[a] + 1
            half = max(whole - size, 0) // 2
            rest = whole - size - half  # below zero where zeros are added at the end
            pads.append((half, rest) if auto == "SAME_UPPER" or rest < 0 else (rest, half))
    # As a convolution of the input with zeros between its elements, by the mirrored kernel.
    inputs, outputs = weight.shape[0], weight.shape[1]
    mirrored = jnp.flip(weight, axis=tuple(range(2, x.ndim)))
    grouped = mirrored.reshape(group, inputs // group, outputs, *kernel)
    swapped = jnp.moveaxis(grouped, 2, 1).reshape(group * outputs, inputs // group, *kernel)
    reach = [(k - 1) * d for k, d in zip(kernel, dilations, strict=True)]
    y = lax.conv_general_dilated(
        x,
        swapped,
        (1,) * rank,
        [(r - a, r - b + e) for r, (a, b), e in zip(reach, pads, extra, strict=True)],
        lhs_dilation=strides,
        rhs_dilation=dilations,
        dimension_numbers=_numbers(rank),
        feature_group_count=group,
    )
    return y if bias is None else y + channels(bias, y.ndim)


def _less_zero(x: Any, zero: Any, axis: int) -> Any:
    x = x.astype(jnp.int32)
    if zero is None:
        return x
    shape = [1] * x.ndim
    shape[axis] = -1
    return x - zero.astype(jnp.int32).reshape(shape)


@rule("ConvInteger", 10, 10)
def _conv_integer(call: Call, x: Any, weight: Any, x_zero: Any = None, weight_zero: Any = None) -> Any:
    return _convolve(call, _less_zero(x, x_zero, 1), _less_zero(weight, weight_zero, 0), jnp.int32)


@rule("QLinearConv", 10, 10)
def _qlinear_conv(
    call: Call, x: Any, x_scale: Any, x_zero: Any, weight: Any, scale: Any, zero: Any, y_scale: Any,
    y_zero: Any, bias: Any = None,
) -> Any:  # fmt: skip
    y = _convolve(call, _less_zero(x, x_zero, 1), _less_zero(weight, zero, 0), jnp.int32)
    if bias is not None:
        y = y + channels(bias, y.ndim)
    factor = x_scale.reshape(()) * scale / y_scale.reshape(())
    factor = channels(jnp.broadcast_to(factor, (y.shape[1],)), y.ndim)
    return quantized(y.astype(np.float32) * factor, y_zero.reshape(()), y_zero.dtype)
