"""A 2-D convolutional network for frames whose features lie in an order, such as a spectrogram's."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.networks._checks import check_count, check_frames, check_rate
from antiphon.networks._initial import blank, blank_linear, drawn
from antiphon.networks._recurrent import drop
from antiphon.networks._scaling import Scaling
from antiphon.networks.convolution._dilated import Frames, Mask
from antiphon.networks.convolution._pooled import pool
from antiphon.networks.layers._convolutions import BuiltConvolution


class SpectrogramToVector(eqx.Module):
    """A 2-D convolutional network over time and features: spectrogram to vector (LeCun et al., 1998).

    The frames are an image of one channel. Each layer is a centred convolution over `kernel_size` frames and
    as many features, `relu`, and the largest entry of every `pool_size` frames by `pool_size` features.
    At the end the mean over all real frames, each feature apart, goes through a linear map: time is
    averaged out, pitch is not. A masked frame counts as zeros; padding after the last real frame changes
    nothing.

    Args:
        in_size: Features of a frame, such as frequency bands, in their order.
        out_size: Entries of the answer, for example the number of classes.
        channels: Channels of every layer.
        kernel_size: Frames, and features, that each convolution looks at.
        layers: How many convolutions.
        pool_size: Frames, and features, of a window of pooling; 1 for none.
        dropout: Share of the entries dropped between layers and before the linear map, while a key is given.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = SpectrogramToVector(16, 3, channels=4, key=jax.random.key(0))
        >>> eqx.filter_eval_shape(network, jnp.ones((20, 16)), jnp.ones(20, bool)).shape
        (3,)
    """

    scaling: Scaling
    convolutions: tuple[BuiltConvolution, ...]
    linear: eqx.nn.Linear
    in_size: int = eqx.field(static=True)
    out_size: int = eqx.field(static=True)
    pool_size: int = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        channels: int = 16,
        kernel_size: int = 3,
        layers: int = 2,
        pool_size: int = 2,
        dropout: float = 0.0,
        key: PRNGKeyArray,
    ) -> None:
        self.in_size = check_count("in_size", in_size)
        self.out_size = check_count("out_size", out_size)
        self.pool_size = check_count("pool_size", pool_size)
        self.dropout = check_rate("dropout", dropout)
        check_count("channels", channels)
        side = check_count("kernel_size", kernel_size)
        convolutions = tuple(
            BuiltConvolution(
                blank(side, side, size, channels),
                blank(channels),
                (1, 1),
                (1, 1),
                "same",
                "relu",
            )
            for size in (1, *(channels,) * (check_count("layers", layers) - 1))
        )
        bands = in_size
        for _ in range(layers):
            bands = -(-bands // pool_size)
        linear = blank_linear(bands * channels, out_size)
        self.convolutions, self.linear = drawn((convolutions, linear), key)
        self.scaling = Scaling(in_size)

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        side, _, _, channels = self.convolutions[0].kernel.shape
        return {
            "kind": type(self).__name__,
            "in_size": self.in_size,
            "out_size": self.out_size,
            "channels": channels,
            "kernel_size": side,
            "layers": len(self.convolutions),
            "pool_size": self.pool_size,
            "dropout": self.dropout,
        }

    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, " out"]:
        """The answer for one sequence; with a key, dropout is on."""
        check_frames(frames, mask, self.in_size)
        count = len(self.convolutions)
        keys = [None] * count if key is None else jax.random.split(key, count)
        image = self.scaling(frames)[:, :, None]
        for convolution, one in zip(self.convolutions, keys, strict=True):
            image, _ = convolution(jnp.where(mask[:, None, None], image, 0.0), None)
            image, mask = pool(image, mask, (self.pool_size, self.pool_size))
            image = drop(image, self.dropout, one)
        real = mask.astype(image.dtype)
        summary = image.sum(0) / jnp.maximum(real.sum(), 1.0)  # `pool` left zeros where no frame is real
        return self.linear(summary.reshape(-1))
