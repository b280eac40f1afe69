"""A convolutional network with pooling that reads a sequence and answers with one vector."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.networks._checks import check_choice, check_count, check_frames, check_rate
from antiphon.networks._initial import blank_linear, drawn
from antiphon.networks._recurrent import drop
from antiphon.networks._scaling import Scaling
from antiphon.networks.convolution._dilated import DilatedConvolution, Frames, Mask
from antiphon.networks.layers._pooling import BuiltGlobalPooling

READ_OUTS = ("average", "max")
Value = Float[Array, "*axes channel"]


def pool(value: Value, mask: Mask, sizes: tuple[int, ...]) -> tuple[Value, Mask]:
    """The largest entry of every window without overlap; the last window may be cut short by the end.

    A window counts if any of its frames is real, so that it does not matter how much padding follows.

    Args:
        value: `(time, ..., channel)`.
        mask: Which frames are real.
        sizes: Size of the window along each axis but the last.
    """
    # Not layers.MaxPooling1D: there a window counts if all its frames are real, and short sequences vanish.
    there = mask.reshape(-1, *[1] * (value.ndim - 1))
    window = (*sizes, 1)
    ends = [(0, size - 1) for size in sizes] + [(0, 0)]
    largest = jax.lax.reduce_window(
        jnp.where(there, value, -jnp.inf), -jnp.inf, jax.lax.max, window, window, ends
    )
    real = jax.lax.reduce_window(mask.astype(jnp.float32), 0.0, jax.lax.max, sizes[:1], sizes[:1], ends[:1])
    mask = real > 0.5
    return jnp.where(mask.reshape(-1, *[1] * (value.ndim - 1)), largest, 0.0), mask


class ConvolutionToVector(eqx.Module):
    """A 1-D convolutional network: sequence to vector (LeCun & Bengio, 1995; Wang et al., 2017).

    Each layer is a centred convolution and `relu`; between layers the largest entry of every `pool_size`
    frames is kept; at the end the mean, or the largest entry, over all real frames goes through a linear map.
    A masked frame counts as zeros; padding after the last real frame changes nothing.

    Args:
        in_size: Features of a frame.
        out_size: Entries of the answer, for example the number of classes.
        channels: Features of every layer.
        kernel_size: Frames that each convolution looks at.
        layers: How many convolutions.
        pool_size: Frames of a window of pooling; 1 for none.
        read_out: `"average"` or `"max"`, over all real frames of the last layer.
        dropout: Share of the entries dropped between layers and before the linear map, while a key is given.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = ConvolutionToVector(2, 3, key=jax.random.key(0))
        >>> eqx.filter_eval_shape(network, jnp.ones((9, 2)), jnp.ones(9, bool)).shape
        (3,)
    """

    scaling: Scaling
    convolutions: tuple[DilatedConvolution, ...]
    linear: eqx.nn.Linear
    in_size: int = eqx.field(static=True)
    out_size: int = eqx.field(static=True)
    kernel_size: int = eqx.field(static=True)
    pool_size: int = eqx.field(static=True)
    read_out: str = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        channels: int = 32,
        kernel_size: int = 5,
        layers: int = 2,
        pool_size: int = 2,
        read_out: str = "average",
        dropout: float = 0.0,
        key: PRNGKeyArray,
    ) -> None:
        self.in_size = check_count("in_size", in_size)
        self.out_size = check_count("out_size", out_size)
        self.kernel_size = check_count("kernel_size", kernel_size)
        self.pool_size = check_count("pool_size", pool_size)
        self.read_out = check_choice("read_out", read_out, READ_OUTS)
        self.dropout = check_rate("dropout", dropout)
        check_count("channels", channels)
        convolutions = tuple(
            DilatedConvolution(size, channels, kernel_size=kernel_size, causal=False, key=None)
            for size in (in_size, *(channels,) * (check_count("layers", layers) - 1))
        )
        self.convolutions, self.linear = drawn((convolutions, blank_linear(channels, out_size)), key)
        self.scaling = Scaling(in_size)

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        return {
            "kind": type(self).__name__,
            "in_size": self.in_size,
            "out_size": self.out_size,
            "channels": self.linear.in_features,
            "kernel_size": self.kernel_size,
            "layers": len(self.convolutions),
            "pool_size": self.pool_size,
            "read_out": self.read_out,
            "dropout": self.dropout,
        }

    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, " out"]:
        """The answer for one sequence; with a key, dropout is on."""
        check_frames(frames, mask, self.in_size)
        count = len(self.convolutions)
        keys = [None] * count if key is None else jax.random.split(key, count)
        now = self.scaling(frames)
        for index, convolution in enumerate(self.convolutions):
            if index and self.pool_size > 1:
                now, mask = pool(now, mask, (self.pool_size,))
            if index:
                now = drop(now, self.dropout, keys[index - 1])
            now = jax.nn.relu(convolution(now, mask))
        summary, _ = BuiltGlobalPooling(self.read_out == "average")(now, mask)
        return self.linear(drop(summary, self.dropout, keys[-1]))
