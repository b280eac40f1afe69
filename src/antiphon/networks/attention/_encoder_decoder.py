"""A sequence read, a sequence of symbols written: encoder, additive attention, decoder."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from antiphon.networks._cells import Cell, make_cell, step
from antiphon.networks._checks import check_count, check_frames, check_rate
from antiphon.networks._initial import blank, blank_linear, drawn
from antiphon.networks._maps import _two_keys
from antiphon.networks._recurrent import Recurrent, drop
from antiphon.networks._scaling import Scaling
from antiphon.networks._symbols import SymbolMask, Symbols, check_symbols
from antiphon.networks.attention._additive import AdditiveAttention
from antiphon.networks.attention._multi_head import Frames, Mask
from antiphon.networks.attention._search import Decoded, beam_search, greedy_search


class EncoderDecoder(eqx.Module):
    """Sequence to symbols with attention (Bahdanau et al., 2015), trained by teacher forcing.

    A bidirectional GRU reads the frames. The decoder, a GRU, starts from `tanh(W b)` with `b` the backward
    output at the first real frame; each step reads the encoder's outputs by additive attention
    from the last state, then takes the last symbol and what was read; a linear map of its new state, of what
    was read and of the last symbol gives the next symbol.

    Symbols are 0 to `symbols - 1`; the number `symbols` stands for the end, and for what is before the first.
    Padding changes nothing, wherever it stands among the frames; symbols are padded behind.

    Args:
        in_size: Features of a frame.
        symbols: How many symbols there are.
        hidden: Size of the state of each GRU, and width of the attention.
        embedding: Entries of the vector of each symbol.
        dropout: Share of the entries dropped of the encoder's outputs and before the linear map, while a key
            is given.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = EncoderDecoder(2, 5, hidden=4, embedding=3, key=jax.random.key(0))
        >>> frames, mask = jnp.ones((6, 2)), jnp.ones(6, bool)
        >>> eqx.filter_eval_shape(network, frames, mask, jnp.array([3, 1]), jnp.ones(2, bool)).shape
        (3, 6)
        >>> jax.eval_shape(lambda: network.decode(frames, mask, length=4, width=3)).symbols.shape
        (3, 4)
    """

    scaling: Scaling
    encoder: Recurrent
    embedding: eqx.nn.Embedding
    attention: AdditiveAttention
    start: eqx.nn.Linear
    cell: Cell
    linear: eqx.nn.Linear
    in_size: int = eqx.field(static=True)
    symbols: int = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        symbols: int,
        *,
        hidden: int = 32,
        embedding: int = 16,
        dropout: float = 0.0,
        key: PRNGKeyArray,
    ) -> None:
        encoder_key, cell_key, own_key = jax.random.split(key, 3)
        self.in_size = check_count("in_size", in_size)
        self.symbols = check_count("symbols", symbols)
        self.dropout = check_rate("dropout", dropout)
        check_count("embedding", embedding)
        self.encoder = Recurrent("gru", in_size, hidden, bidirectional=True, key=encoder_key)
        self.cell = make_cell("gru", embedding + 2 * hidden, hidden, key=cell_key)
        table = eqx.nn.Embedding(weight=blank(symbols + 1, embedding))
        attention = AdditiveAttention(hidden, 2 * hidden, hidden, key=None)
        maps = blank_linear(hidden, hidden), blank_linear(embedding + 3 * hidden, symbols + 1)
        self.embedding, self.attention, (self.start, self.linear) = drawn((table, attention, maps), own_key)
        self.scaling = Scaling(in_size)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make one like this, as JSON can keep them."""
        return {
            "kind": type(self).__name__,
            "in_size": self.in_size,
            "symbols": self.symbols,
            "hidden": self.encoder.hidden,
            "embedding": self.embedding.embedding_size,
            "dropout": self.dropout,
        }

    def __call__(
        self,
        frames: Frames,
        mask: Mask,
        symbols: Symbols,
        symbols_mask: SymbolMask,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "next choice"]:
        """Log-probabilities of every next symbol, given the true ones before it; with a key, dropout is on.

        Args:
            frames: What is read.
            mask: Which frames are real.
            symbols: What should be written.
            symbols_mask: Which symbols are real: all up to some place.
            key: Randomness of dropout.

        Returns:
            Row `i` is about symbol `i`, given those before; there is one row more than symbols, since an end
            follows them. Column `symbols` is the end.

        Raises:
            InputError: If frames, symbols or masks have another shape or type.
        """
        check_symbols(symbols, symbols_mask)
        encoder_key, decoder_key = _two_keys(key)
        state, memory = self._read(frames, mask, encoder_key)
        given = jnp.where(symbols_mask, symbols.astype(jnp.int32), self.symbols)
        last = jnp.concatenate([jnp.array([self.symbols], jnp.int32), given])

        def advance(state: Array, now: tuple[Array, Array | None]) -> tuple[Array, Array]:
            return self._write(state, now[0], memory, mask, now[1])

        keys = None if decoder_key is None else jax.random.split(decoder_key, len(last))
        return jax.lax.scan(advance, state, (last, keys))[1]

    def log_likelihood(
        self, frames: Frames, mask: Mask, symbols: Symbols, symbols_mask: SymbolMask
    ) -> Float[Array, ""]:
        """Natural logarithm of the probability that exactly these symbols, then the end, are written."""
        return -self._costs(frames, mask, symbols, symbols_mask, None)[0]

    def loss(
        self,
        frames: Frames,
        mask: Mask,
        symbols: Symbols,
        symbols_mask: SymbolMask,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, ""]:
        """Mean negative log-probability of a symbol, the end counted as one; with a key, dropout is on."""
        cost, count = self._costs(frames, mask, symbols, symbols_mask, key)
        return cost / count

    def decode(
        self, frames: Frames, mask: Mask, *, length: int, width: int = 1, length_penalty: float = 0.0
    ) -> Decoded:
        """The most probable symbols for one sequence: greedily, or the best of a beam.

        Args:
            frames: What is read.
            mask: Which frames are real.
            length: Steps at most, that of the end included.
            width: How many sequences the beam keeps; 1 for greedy decoding.
            length_penalty: As `beam_search` has it.

        Returns:
            With `width=1`, one sequence `(length,)`; else `(width, length)`, best first.

        Raises:
            InputError: If a setting or the shape of the frames is wrong.
        """
        state, memory = self._read(frames, mask, None)

        def advance(state: Array, last: Array) -> tuple[Array, Array]:
            return self._write(state, last, memory, mask, None)

        if width == 1:
            return greedy_search(advance, state, start=self.symbols, end=self.symbols, length=length)
        return beam_search(
            advance,
            state,
            start=self.symbols,
            end=self.symbols,
            length=length,
            width=width,
            length_penalty=length_penalty,
        )

    def _read(
        self, frames: Frames, mask: Mask, key: PRNGKeyArray | None
    ) -> tuple[Float[Array, " hidden"], Frames]:
        """The first state of the decoder, and the memory."""
        check_frames(frames, mask, self.in_size)
        outputs = self.encoder(self.scaling(frames), mask)
        backward = outputs[jnp.argmax(mask), self.encoder.hidden :]
        return jnp.tanh(self.start(backward)), drop(outputs, self.dropout, key)

    def _write(
        self, state: Array, last: Array, memory: Frames, mask: Mask, key: PRNGKeyArray | None
    ) -> tuple[Array, Float[Array, " choice"]]:
        """One step: the new state, and the log-probabilities of the next symbol."""
        context, _ = self.attention(state, memory, mask)
        symbol = self.embedding(last)
        (state,) = step(self.cell, jnp.concatenate([symbol, context]), (state,))
        scores = self.linear(drop(jnp.concatenate([state, context, symbol]), self.dropout, key))
        return state, jax.nn.log_softmax(scores)

    def _costs(
        self,
        frames: Frames,
        mask: Mask,
        symbols: Symbols,
        symbols_mask: SymbolMask,
        key: PRNGKeyArray | None,
    ) -> tuple[Array, Array]:
        """Negative log-probability of all, and how many they are, the end included."""
        found = self(frames, mask, symbols, symbols_mask, key=key)
        no, yes = jnp.array([False]), jnp.array([True])
        real = jnp.concatenate([yes, symbols_mask])  # of the rows: the one after the last symbol is the end's
        there = jnp.concatenate([symbols_mask, no])
        following = jnp.concatenate([symbols.astype(jnp.int32), jnp.zeros((1,), jnp.int32)])
        following = jnp.where(there, following, self.symbols)
        costs = -jnp.take_along_axis(found, following[:, None], axis=1)[:, 0]
        return jnp.where(real, costs, 0.0).sum(), real.astype(found.dtype).sum()
