"""A dilated convolution over frames that can also be fed one frame at a time."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_count, check_flag
from antiphon.networks._initial import blank, drawn
from antiphon.networks.layers._convolutions import BuiltConvolution

Frames = Float[Array, "time feature"]
Mask = Bool[Array, " time"]
Past = Float[Array, "past feature"]


class DilatedConvolution(eqx.Module):
    """A convolution over frames with holes in its kernel (van den Oord et al., 2016, section 2.1).

    `y[t] = b + sum_j W[j] x[t - (kernel_size - 1 - j) * dilation]`; frames before the first, and masked
    frames, count as zeros. With `causal=False` the kernel is centred on `t` instead.

    Args:
        in_size: Features of a frame.
        out_size: Features of what it gives.
        kernel_size: How many frames it looks at.
        dilation: Frames from one of these to the next.
        causal: Whether a frame sees none after it.
        key: Randomness of the initial weights (Glorot-uniform; the bias is 0); None for zeros.

    Example:
        >>> import jax
        >>> layer = DilatedConvolution(2, 3, kernel_size=2, dilation=4, key=jax.random.key(0))
        >>> layer(jnp.ones((6, 2)), jnp.ones(6, bool)).shape
        (6, 3)
    """

    convolution: BuiltConvolution

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        kernel_size: int = 2,
        dilation: int = 1,
        causal: bool = True,
        key: PRNGKeyArray | None,
    ) -> None:
        sizes = (
            check_count("kernel_size", kernel_size),
            check_count("in_size", in_size),
            check_count("out_size", out_size),
        )
        convolution = BuiltConvolution(
            blank(*sizes),
            blank(out_size),
            (1,),
            (check_count("dilation", dilation),),
            "causal" if check_flag("causal", causal) else "same",
            "linear",
        )
        self.convolution = drawn(convolution, key)

    @property
    def span(self) -> int:
        """How many frames lie between the first and the last that it looks at, both counted."""
        return (self.convolution.kernel.shape[0] - 1) * self.convolution.dilation[0] + 1

    def __call__(self, frames: Frames, mask: Mask) -> Float[Array, "time out"]:
        """What it gives at each frame; at masked ones, anything."""
        return self.convolution(frames, mask)[0]

    def initial_state(self) -> Past:
        """The frames before the first: zeros."""
        return jnp.zeros((self.span - 1, self.convolution.kernel.shape[1]), jnp.float32)

    def step(
        self, state: Past, frame: Float[Array, " feature"], real: Bool[Array, ""]
    ) -> tuple[Past, Float[Array, " out"]]:
        """One more frame.

        Args:
            state: The last frames, `initial_state()` at first.
            frame: The frame.
            real: False for a masked frame.

        Returns:
            The new state, and what the whole sequence would give at this frame.

        Raises:
            InputError: If it is not causal.
        """
        if self.convolution.padding != "causal":
            raise InputError(
                "A step of a convolution that looks ahead.",
                "A causal one.",
                "Make it with causal=True, or give it the whole sequence.",
            )
        window = jnp.concatenate([state, jnp.where(real, frame, 0.0)[None]])
        seen = window[:: self.convolution.dilation[0]]
        out = jnp.einsum("kf,kfo->o", seen, self.convolution.kernel)
        assert self.convolution.bias is not None
        return window[1:], out + self.convolution.bias
