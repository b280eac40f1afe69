"""A WaveNet that says the next symbol."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from equinox import field
from jaxtyping import Array, Float, Int, PRNGKeyArray

from antiphon.networks._checks import check_count
from antiphon.networks._symbols import SymbolMask
from antiphon.networks.convolution import ConvolutionToSequence
from antiphon.networks.generative._autoregressive import Autoregressive


class CategoricalWaveNet(Autoregressive):
    """An autoregressive network of dilated causal convolutions over symbols (van den Oord et al., 2016).

    `p(s_1, ..., s_T) = prod_t p(s_t | s_(t-r), ..., s_(t-1))`, each factor a softmax over what a
    `ConvolutionToSequence` says of the last `r` symbols, its receptive field. For sound the symbols are
    samples after mu-law. The likelihood of a sequence is computed at once; sampling goes symbol by symbol, by
    `step`, each in the same time.

    Args:
        symbols: How many symbols there are, numbered from 0.
        channels: Features inside of the blocks.
        skip_channels: Features of their skip outputs.
        layers: How many blocks, each with twice the dilation of the one before.
        stacks: How often these layers are repeated.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = CategoricalWaveNet(3, channels=4, layers=2, key=jax.random.key(0))
        >>> jax.eval_shape(network, jnp.array([0, 2, 1]), jnp.ones(3, bool)).shape
        (3, 3)
        >>> network.sample(5, temperature=0.5, key=jax.random.key(1)).shape
        (5,)
    """

    network: ConvolutionToSequence
    symbols: int = field(static=True)

    def __init__(
        self,
        symbols: int,
        *,
        channels: int = 32,
        skip_channels: int = 32,
        layers: int = 8,
        stacks: int = 1,
        key: PRNGKeyArray,
    ) -> None:
        self.symbols = check_count("symbols", symbols)
        # The number `symbols`, for what is before the first, has an entry of its own.
        self.network = ConvolutionToSequence(
            symbols + 1,
            symbols,
            channels=channels,
            skip_channels=skip_channels,
            layers=layers,
            stacks=stacks,
            key=key,
        )

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make one like this, as JSON can keep them."""
        inner = self.network.config
        kept = ("channels", "skip_channels", "layers", "stacks")
        return {
            "kind": type(self).__name__,
            "symbols": self.symbols,
            **{name: inner[name] for name in kept},
        }

    @property
    def receptive_field(self) -> int:
        """How many symbols the next one depends on."""
        return self.network.receptive_field

    def _all(self, last: Int[Array, " time"], mask: SymbolMask) -> Float[Array, "time choice"]:
        return jax.nn.log_softmax(self.network(self._read(last), mask), axis=-1)

    def initial_state(self) -> Any:
        """The state before anything was read."""
        return self.network.initial_state()

    def step(self, state: Any, last: Int[Array, ""]) -> tuple[Any, Float[Array, " choice"]]:
        """One symbol more; see `CategoricalRNN.step`."""
        state, found = self.network.step(state, self._read(last))
        return state, jax.nn.log_softmax(found)

    def _read(self, last: Int[Array, "*time"]) -> Float[Array, "*time choice"]:
        return jax.nn.one_hot(last, self.symbols + 1, dtype=jnp.float32)
