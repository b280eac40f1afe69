"""A small Transformer encoder, and whole networks on it."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.networks._checks import check_count, check_flag, check_frames, check_rate
from antiphon.networks._initial import blank_linear, drawn
from antiphon.networks._maps import _two_keys
from antiphon.networks._recurrent import drop
from antiphon.networks._scaling import Scaling
from antiphon.networks.attention._multi_head import (
    Frames,
    Mask,
    MultiHeadAttention,
    sinusoidal_positions,
)


class TransformerEncoderLayer(eqx.Module):
    """Self-attention, then a perceptron at each frame, each added to what it read.

    With `norm_first` each of the two reads its input normalised: `x + f(norm(x))` (Xiong et al., 2020, which
    trains without a warm-up); without it the sum is normalised: `norm(x + f(x))` (Vaswani et al., 2017). It
    is PyTorch's `nn.TransformerEncoderLayer` with `relu`, but that attention weights are never dropped.

    Args:
        size: Features of a frame, before and after.
        heads: Heads of the attention; divides `size`.
        hidden: Width of the hidden layer of the perceptron.
        norm_first: Which of the two forms.
        dropout: Share of the entries dropped after attention, in and after the perceptron, while a key is
            given.
        key: Randomness of the initial weights; None for zeros.

    Example:
        >>> layer = TransformerEncoderLayer(8, 2, 16, key=jax.random.key(0))
        >>> eqx.filter_eval_shape(layer, jnp.ones((5, 8)), jnp.ones(5, bool)).shape
        (5, 8)
    """

    attention: MultiHeadAttention
    first: eqx.nn.Linear
    second: eqx.nn.Linear
    attention_norm: eqx.nn.LayerNorm
    perceptron_norm: eqx.nn.LayerNorm
    norm_first: bool = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __init__(
        self,
        size: int,
        heads: int,
        hidden: int,
        *,
        norm_first: bool = True,
        dropout: float = 0.0,
        key: PRNGKeyArray | None,
    ) -> None:
        attention = MultiHeadAttention(size, heads, key=None)
        perceptron = blank_linear(size, check_count("hidden", hidden)), blank_linear(hidden, size)
        self.attention, (self.first, self.second) = drawn((attention, perceptron), key)
        self.attention_norm, self.perceptron_norm = eqx.nn.LayerNorm(size), eqx.nn.LayerNorm(size)
        self.norm_first = check_flag("norm_first", norm_first)
        self.dropout = check_rate("dropout", dropout)

    def __call__(
        self, frames: Frames, mask: Mask, *, causal: bool = False, key: PRNGKeyArray | None = None
    ) -> Frames:
        """What it gives at each frame, 0 at masked ones; with a key, dropout is on.

        Args:
            frames: The sequence.
            mask: Which frames are real.
            causal: Whether a frame reads none after it.
            key: Randomness of dropout.
        """
        keys = (None, None, None) if key is None else jax.random.split(key, 3)

        def attend(values: Frames) -> Frames:
            read = self.attention(values, mask, values, mask, causal=causal)
            return drop(read, self.dropout, keys[0])

        def think(values: Frames) -> Frames:
            hidden = drop(jax.nn.relu(jax.vmap(self.first)(values)), self.dropout, keys[1])
            return drop(jax.vmap(self.second)(hidden), self.dropout, keys[2])

        values = jnp.where(mask[:, None], frames, 0.0)
        for part, norm in ((attend, self.attention_norm), (think, self.perceptron_norm)):
            if self.norm_first:
                values = values + part(jax.vmap(norm)(values))
            else:
                values = jax.vmap(norm)(values + part(values))
        return jnp.where(mask[:, None], values, 0.0)


class TransformerEncoder(eqx.Module):
    """Transformer layers over a linear map of the frames and their positions.

    The positions are sinusoidal and count real frames only, so padding changes nothing, wherever it stands.
    With `norm_first` a last normalisation follows the layers.

    Args:
        in_size: Features of a frame.
        size: Features inside.
        heads: Heads of the attention; divides `size`.
        hidden: Width of the hidden layer of each perceptron.
        layers: How many layers.
        norm_first: As in `TransformerEncoderLayer`.
        causal: Whether a frame reads none after it.
        dropout: As in `TransformerEncoderLayer`, and on the input of the first layer.
        key: Randomness of the initial weights; None for zeros.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> encoder = TransformerEncoder(3, size=8, heads=2, key=jax.random.key(0))
        >>> eqx.filter_eval_shape(encoder, jnp.ones((5, 3)), jnp.ones(5, bool)).shape
        (5, 8)
    """

    embed: eqx.nn.Linear
    layers: tuple[TransformerEncoderLayer, ...]
    norm: eqx.nn.LayerNorm | None
    causal: bool = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        *,
        size: int = 32,
        heads: int = 4,
        hidden: int = 64,
        layers: int = 2,
        norm_first: bool = True,
        causal: bool = False,
        dropout: float = 0.0,
        key: PRNGKeyArray | None,
    ) -> None:
        embed = blank_linear(check_count("in_size", in_size), check_count("size", size))
        made = tuple(
            TransformerEncoderLayer(size, heads, hidden, norm_first=norm_first, dropout=dropout, key=None)
            for _ in range(check_count("layers", layers))
        )
        self.embed, self.layers = drawn((embed, made), key)
        self.norm = eqx.nn.LayerNorm(size) if norm_first else None
        self.causal = check_flag("causal", causal)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make one like this."""
        first = self.layers[0]
        return {
            "in_size": self.embed.in_features,
            "size": self.embed.out_features,
            "heads": first.attention.heads,
            "hidden": first.first.out_features,
            "layers": len(self.layers),
            "norm_first": first.norm_first,
            "causal": self.causal,
            "dropout": first.dropout,
        }

    def __call__(self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None) -> Frames:
        """What the last layer gives at each frame, 0 at masked ones; with a key, dropout is on."""
        check_frames(frames, mask, int(self.embed.in_features))
        keys = [None] * (len(self.layers) + 1)
        if key is not None:
            keys = list(jax.random.split(key, len(self.layers) + 1))
        values = jax.vmap(self.embed)(jnp.where(mask[:, None], frames, 0.0))
        place = jnp.cumsum(mask.astype(jnp.int32)) - 1
        values = values + sinusoidal_positions(place, values.shape[1])
        values = drop(values, self.layers[0].dropout, keys[-1])
        for layer, one in zip(self.layers, keys, strict=False):
            values = layer(values, mask, causal=self.causal, key=one)
        if self.norm is not None:
            values = jnp.where(mask[:, None], jax.vmap(self.norm)(values), 0.0)
        return values


class _TransformerMap(eqx.Module):
    scaling: Scaling
    encoder: TransformerEncoder
    linear: eqx.nn.Linear
    in_size: int = eqx.field(static=True)
    out_size: int = eqx.field(static=True)

    def _make(self, in_size: int, out_size: int, key: PRNGKeyArray, settings: dict[str, Any]) -> None:
        encoder = TransformerEncoder(in_size, key=None, **settings)
        linear = blank_linear(settings["size"], check_count("out_size", out_size))
        self.encoder, self.linear = drawn((encoder, linear), key)
        self.scaling = Scaling(in_size)
        self.in_size, self.out_size = in_size, out_size

    def _encoded(self, frames: Frames, mask: Mask, key: PRNGKeyArray | None) -> Frames:
        check_frames(frames, mask, self.in_size)
        return self.encoder(self.scaling(frames), mask, key=key)

    @property
    def _dropout(self) -> float:
        return self.encoder.layers[0].dropout


class TransformerToVector(_TransformerMap):
    """A Transformer encoder that reads a sequence and answers with one vector.

    The answer is a linear map of the mean, over the real frames, of what the last layer gives.

    Args:
        in_size: Features of a frame.
        out_size: Entries of the answer, for example the number of classes.
        size: Features inside.
        heads: Heads of the attention; divides `size`.
        hidden: Width of the hidden layer of each perceptron.
        layers: How many layers.
        norm_first: Whether the layers normalise before (Xiong et al., 2020) or after (Vaswani et al., 2017).
        dropout: Share of the entries dropped, while a key is given.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = TransformerToVector(2, 3, size=8, heads=2, key=jax.random.key(0))
        >>> eqx.filter_eval_shape(network, jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (3,)
    """

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        size: int = 32,
        heads: int = 4,
        hidden: int = 64,
        layers: int = 2,
        norm_first: bool = True,
        dropout: float = 0.0,
        key: PRNGKeyArray,
    ) -> None:
        settings = {
            "size": size,
            "heads": heads,
            "hidden": hidden,
            "layers": layers,
            "norm_first": norm_first,
            "dropout": dropout,
        }
        self._make(in_size, out_size, key, settings)

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        inner = {name: value for name, value in self.encoder.config.items() if name != "causal"}
        return {"kind": type(self).__name__, "out_size": self.out_size, **inner}

    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, " out"]:
        """The answer for one sequence; with a key, dropout is on."""
        inner, outer = _two_keys(key)
        encoded = self._encoded(frames, mask, inner)
        count = mask.astype(encoded.dtype).sum()
        return self.linear(drop(encoded.sum(0) / jnp.maximum(count, 1.0), self._dropout, outer))


class TransformerToSequence(_TransformerMap):
    """A Transformer encoder that answers at every frame; 0 at masked frames.

    Args:
        in_size: Features of a frame.
        out_size: Entries of the answer at each frame, for example the number of tags.
        size: Features inside.
        heads: Heads of the attention; divides `size`.
        hidden: Width of the hidden layer of each perceptron.
        layers: How many layers.
        norm_first: Whether the layers normalise before (Xiong et al., 2020) or after (Vaswani et al., 2017).
        causal: Whether an answer sees no frame after its own.
        dropout: Share of the entries dropped, while a key is given.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = TransformerToSequence(2, 3, size=8, heads=2, causal=True, key=jax.random.key(0))
        >>> eqx.filter_eval_shape(network, jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (5, 3)
    """

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        size: int = 32,
        heads: int = 4,
        hidden: int = 64,
        layers: int = 2,
        norm_first: bool = True,
        causal: bool = False,
        dropout: float = 0.0,
        key: PRNGKeyArray,
    ) -> None:
        settings = {
            "size": size,
            "heads": heads,
            "hidden": hidden,
            "layers": layers,
            "norm_first": norm_first,
            "causal": causal,
            "dropout": dropout,
        }
        self._make(in_size, out_size, key, settings)

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        return {"kind": type(self).__name__, "out_size": self.out_size, **self.encoder.config}

    def __call__(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "time out"]:
        """The answer at each frame of one sequence; with a key, dropout is on."""
        inner, outer = _two_keys(key)
        encoded = drop(self._encoded(frames, mask, inner), self._dropout, outer)
        return jnp.where(mask[:, None], jax.vmap(self.linear)(encoded), 0.0)
