"""WaveNet: gated dilated causal convolutions with residual and skip outputs."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.networks._checks import check_count, check_flag, check_frames, check_rate
from antiphon.networks._initial import blank_linear, drawn
from antiphon.networks._recurrent import drop
from antiphon.networks._scaling import Scaling
from antiphon.networks.convolution._dilated import DilatedConvolution, Frames, Mask, Past

Skip = Float[Array, "time skip"]


class WaveNetBlock(eqx.Module):
    """One gated layer of a WaveNet (van den Oord et al., 2016, equation 2 and figure 4).

    `z = tanh(filter * x) . sigmoid(gate * x)` by a dilated convolution; it gives `x + W_r z` to the next
    layer and `W_s z` to the answer. Both are 0 at masked frames, and a masked frame counts as zeros.

    Args:
        channels: Features of a frame, before and after.
        skip_channels: Features of the skip output.
        kernel_size: Frames that the convolution looks at.
        dilation: Frames from one of these to the next.
        causal: Whether a frame sees none after it.
        key: Randomness of the initial weights; None for zeros.

    Example:
        >>> block = WaveNetBlock(4, 3, dilation=2, key=jax.random.key(0))
        >>> residual, skip = eqx.filter_eval_shape(block, jnp.ones((6, 4)), jnp.ones(6, bool))
        >>> residual.shape, skip.shape
        ((6, 4), (6, 3))
    """

    gated: DilatedConvolution
    residual: eqx.nn.Linear
    skip: eqx.nn.Linear

    def __init__(
        self,
        channels: int,
        skip_channels: int,
        *,
        kernel_size: int = 2,
        dilation: int = 1,
        causal: bool = True,
        key: PRNGKeyArray | None,
    ) -> None:
        gated = DilatedConvolution(
            check_count("channels", channels),
            2 * channels,
            kernel_size=kernel_size,
            dilation=dilation,
            causal=causal,
            key=None,
        )
        residual = blank_linear(channels, channels)
        skip = blank_linear(channels, check_count("skip_channels", skip_channels))
        self.gated, self.residual, self.skip = drawn((gated, residual, skip), key)

    def __call__(self, frames: Frames, mask: Mask) -> tuple[Frames, Skip]:
        """The residual and the skip output at each frame."""
        there = mask[:, None]
        z = _gate(self.gated(frames, mask))
        residual = jnp.where(there, frames, 0.0) + jax.vmap(self.residual)(z)
        return jnp.where(there, residual, 0.0), jnp.where(there, jax.vmap(self.skip)(z), 0.0)

    def step(
        self, state: Past, frame: Float[Array, " feature"], real: Bool[Array, ""]
    ) -> tuple[Past, Float[Array, " feature"], Float[Array, " skip"]]:
        """One more frame: the new state, and both outputs at this frame."""
        state, out = self.gated.step(state, frame, real)
        z = _gate(out)
        return state, frame + self.residual(z), self.skip(z)


def _gate(out: Array) -> Array:
    kept, gate = jnp.split(out, 2, axis=-1)
    return jnp.tanh(kept) * jax.nn.sigmoid(gate)


class ConvolutionToSequence(eqx.Module):
    """A WaveNet: dilated convolutions that answer at every frame; 0 at masked frames.

    A causal convolution, then `stacks` times `layers` blocks with dilations 1, 2, 4, ...; their skip outputs
    are summed and go through `relu`, a linear map, `relu` and a linear map (van den Oord et al., 2016,
    figure 4). A masked frame counts as zeros, so padding before the first or after the last real frame
    changes nothing. `step` gives the same answers frame by frame.

    Args:
        in_size: Features of a frame.
        out_size: Entries of the answer at each frame.
        channels: Features inside of the blocks.
        skip_channels: Features of their skip outputs.
        kernel_size: Frames that each convolution looks at.
        layers: How many blocks, each with twice the dilation of the one before.
        stacks: How often these layers are repeated.
        causal: Whether an answer sees no frame after its own.
        dropout: Share of the entries dropped before the last two linear maps, while a key is given.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = ConvolutionToSequence(2, 3, layers=4, key=jax.random.key(0))
        >>> eqx.filter_eval_shape(network, jnp.ones((20, 2)), jnp.ones(20, bool)).shape
        (20, 3)
        >>> network.receptive_field
        17
    """

    scaling: Scaling
    first: DilatedConvolution
    blocks: tuple[WaveNetBlock, ...]
    hidden: eqx.nn.Linear
    linear: eqx.nn.Linear
    in_size: int = eqx.field(static=True)
    out_size: int = eqx.field(static=True)
    kernel_size: int = eqx.field(static=True)
    layers: int = eqx.field(static=True)
    stacks: int = eqx.field(static=True)
    causal: bool = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        channels: int = 16,
        skip_channels: int = 16,
        kernel_size: int = 2,
        layers: int = 4,
        stacks: int = 1,
        causal: bool = True,
        dropout: float = 0.0,
        key: PRNGKeyArray,
    ) -> None:
        self.in_size = check_count("in_size", in_size)
        self.out_size = check_count("out_size", out_size)
        self.kernel_size = check_count("kernel_size", kernel_size)
        self.layers = check_count("layers", layers)
        self.stacks = check_count("stacks", stacks)
        self.causal = check_flag("causal", causal)
        self.dropout = check_rate("dropout", dropout)
        check_count("channels", channels)
        first = DilatedConvolution(in_size, channels, kernel_size=kernel_size, causal=causal, key=None)
        blocks = tuple(
            WaveNetBlock(
                channels,
                skip_channels,
                kernel_size=kernel_size,
                dilation=2 ** (index % layers),
                causal=causal,
                key=None,
            )
            for index in range(layers * stacks)
        )
        ends = blank_linear(skip_channels, skip_channels), blank_linear(skip_channels, out_size)
        self.first, self.blocks, (self.hidden, self.linear) = drawn((first, blocks, ends), key)
        self.scaling = Scaling(in_size)

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        return {
            "kind": type(self).__name__,
            "in_size": self.in_size,
            "out_size": self.out_size,
            "channels": self.blocks[0].residual.in_features,
            "skip_channels": self.hidden.in_features,
            "kernel_size": self.kernel_size,
            "layers": self.layers,
            "stacks": self.stacks,
            "causal": self.causal,
            "dropout": self.dropout,
        }

    @property
    def receptive_field(self) -> int:
        """How many frames an answer depends on."""
        return self.first.span + sum(block.gated.span - 1 for block in self.blocks)

    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "time out"]:
        """The answer at each frame of one sequence; with a key, dropout is on."""
        check_frames(frames, mask, self.in_size)
        now = self.first(self.scaling(frames), mask)
        total = jnp.zeros((frames.shape[0], self.hidden.in_features), frames.dtype)
        for block in self.blocks:
            now, skip = block(now, mask)
            total = total + skip
        return jnp.where(mask[:, None], self._answers(total, key), 0.0)

    def initial_state(self) -> tuple[Past, ...]:
        """The state of `step` before the first frame."""
        return (self.first.initial_state(), *(block.gated.initial_state() for block in self.blocks))

    def step(
        self,
        state: tuple[Past, ...],
        frame: Float[Array, " feature"],
        real: Bool[Array, ""] | bool = True,
    ) -> tuple[tuple[Past, ...], Float[Array, " out"]]:
        """One more frame of a stream.

        Args:
            state: `initial_state()`, or what the last step gave.
            frame: The frame.
            real: False for a masked frame.

        Returns:
            The new state, and the answer that the whole sequence would get at this frame.

        Raises:
            InputError: If the network is not causal.

        Example:
            >>> network = ConvolutionToSequence(2, 3, layers=2, key=jax.random.key(0))
            >>> state, answer = eqx.filter_eval_shape(network.step, network.initial_state(), jnp.ones(2))
            >>> answer.shape
            (3,)
        """
        there = jnp.asarray(real)
        first, now = self.first.step(state[0], self.scaling(frame), there)
        states = [first]
        total = jnp.zeros((self.hidden.in_features,), frame.dtype)
        for block, past in zip(self.blocks, state[1:], strict=True):
            past, now, skip = block.step(past, now, there)
            states.append(past)
            total = total + skip
        return tuple(states), jnp.where(there, self._answers(total[None], None)[0], 0.0)

    def _answers(self, total: Skip, key: PRNGKeyArray | None) -> Float[Array, "time out"]:
        keys = (None, None) if key is None else jax.random.split(key)
        hidden = jax.vmap(self.hidden)(drop(jax.nn.relu(total), self.dropout, keys[0]))
        return jax.vmap(self.linear)(drop(jax.nn.relu(hidden), self.dropout, keys[1]))
