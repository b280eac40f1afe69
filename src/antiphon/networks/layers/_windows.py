"""What layers with sliding windows have in common: sizes, and which windows lie in the real frames."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice, check_count
from antiphon.networks.layers._layer import Mask, Shape, is_fixed, show

Sizes = tuple[int, ...]


def check_sizes(name: str, value: object, count: int) -> Sizes:
    """One size an axis, from a number for all or a tuple."""
    sizes = value if isinstance(value, tuple | list) else (value,) * count
    if len(sizes) != count:
        raise InputError(f"{name}={value!r}.", f"A number, or {count} of them.", f"Give {name} as one int.")
    return tuple(check_count(name, size) for size in sizes)


def check_padding(value: object, *, causal: bool = False) -> str:
    """The way of padding, if it is known."""
    return check_choice("padding", value, ("valid", "same", "causal") if causal else ("valid", "same"))


def check_fits(kind: str, shape: Shape, window: Sizes, padding: str) -> None:
    """Refuse a window that is larger than what it slides over."""
    short = any(is_fixed(n) and n < w for n, w in zip(shape, window, strict=False))
    if padding == "valid" and short:
        raise InputError(
            f"{kind} with a window of {' x '.join(map(str, window))} got a value of shape {show(shape)}.",
            "At least as many frames (or rows and columns) as the window has.",
            'Take a smaller window, or padding="same".',
        )


def check_maskable(kind: str, mask: Mask, padding: str, strides: Sizes) -> None:
    """Refuse what would give another result for another amount of padding behind the real frames."""
    if mask is not None and padding == "same" and strides != (1,):
        raise InputError(
            f'{kind} with padding="same" and strides={strides[0]} got sequences of different lengths.',
            'padding="valid" (or "causal"), or strides of 1: "same" would depend on the padded length.',
            "Change one of the two.",
        )


def refuse_mask(kind: str, mask: Mask) -> None:
    """Refuse sequences of different lengths where only images can be."""
    if mask is not None:
        raise InputError(
            f"{kind} got values with a mask.",
            "Images of one size.",
            "Give one array (case, height, width, channel).",
        )


def mask_of_windows(
    mask: Mask, window: int, stride: int, dilation: int, padding: str
) -> Bool[Array, " window"] | None:
    """Which windows count: in a valid one all frames are real; others belong to one frame."""
    if mask is None:
        return None
    if padding == "valid":
        real = mask.astype(jnp.float32)
        least = jax.lax.reduce_window(
            real, jnp.inf, jax.lax.min, (window,), (stride,), "VALID", window_dilation=(dilation,)
        )
        return least > 0.5
    return mask[::stride] if stride > 1 else mask
