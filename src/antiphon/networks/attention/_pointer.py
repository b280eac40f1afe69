"""Pointers: answers that are places in the input."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from antiphon.networks._cells import Cell, make_cell, step
from antiphon.networks._checks import check_count, check_flag, check_frames
from antiphon.networks._initial import blank_linear, drawn
from antiphon.networks._recurrent import Recurrent
from antiphon.networks._scaling import Scaling
from antiphon.networks._symbols import check_symbols
from antiphon.networks.attention._additive import AdditiveAttention
from antiphon.networks.attention._multi_head import Frames, Mask
from antiphon.networks.attention._search import Decoded, beam_search

Places = Int[Array, " pointer"]
PlacesMask = Bool[Array, " pointer"]


class PointerReadOut(eqx.Module):
    """How probable each frame is as an answer (Vinyals et al., 2015, equation 3).

    `log softmax(v . tanh(W1 m_t + W2 q))` over the real frames; masked frames have probability 0.

    Args:
        query_size: Entries of a query.
        memory_size: Features of a frame.
        hidden: Width of the perceptron.
        key: Randomness of the initial weights; None for zeros.

    Example:
        >>> pointer = PointerReadOut(4, 3, 8, key=jax.random.key(0))
        >>> eqx.filter_eval_shape(pointer, jnp.ones(4), jnp.ones((5, 3)), jnp.ones(5, bool)).shape
        (5,)
    """

    attention: AdditiveAttention

    def __init__(self, query_size: int, memory_size: int, hidden: int, *, key: PRNGKeyArray | None) -> None:
        self.attention = AdditiveAttention(query_size, memory_size, hidden, key=key)

    def __call__(self, query: Float[Array, " query"], memory: Frames, mask: Mask) -> Float[Array, " time"]:
        """The log-probability of each frame: about -3e38, the least number, at masked ones."""
        return jax.nn.log_softmax(self.attention.scores(query, memory, mask))


class PointerNetwork(eqx.Module):
    """Sequence to places in it: sorting, hulls, tours (Vinyals et al., 2015).

    A bidirectional GRU reads the frames; the decoder, a GRU, starts from `tanh(W b)` with `b` the backward
    output at the first real frame, reads at each step the frame it pointed at last, and points at the next.
    (In the paper both are LSTMs, and the encoder runs forward only.)

    Args:
        in_size: Features of a frame.
        hidden: Size of the state of each GRU, and width of the read-out.
        repeats: Whether it may point at one frame twice.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these.

    Example:
        >>> network = PointerNetwork(2, hidden=4, key=jax.random.key(0))
        >>> frames, mask = jnp.ones((6, 2)), jnp.ones(6, bool)
        >>> eqx.filter_eval_shape(network, frames, mask, jnp.array([3, 1]), jnp.ones(2, bool)).shape
        (2, 6)
        >>> decode = eqx.filter_jit(lambda frames, mask: network.decode(frames, mask, length=6))
        >>> sorted(decode(frames, mask).symbols.tolist())
        [0, 1, 2, 3, 4, 5]
    """

    scaling: Scaling
    encoder: Recurrent
    start: eqx.nn.Linear
    first: Float[Array, " feature"]
    cell: Cell
    pointer: PointerReadOut
    in_size: int = eqx.field(static=True)
    repeats: bool = eqx.field(static=True)

    def __init__(self, in_size: int, *, hidden: int = 32, repeats: bool = False, key: PRNGKeyArray) -> None:
        encoder_key, cell_key, own_key = jax.random.split(key, 3)
        self.in_size = check_count("in_size", in_size)
        self.repeats = check_flag("repeats", repeats)
        self.encoder = Recurrent("gru", in_size, hidden, bidirectional=True, key=encoder_key)
        parts = blank_linear(hidden, hidden), PointerReadOut(hidden, 2 * hidden, hidden, key=None)
        self.start, self.pointer = drawn(parts, own_key)
        self.first = jnp.zeros((in_size,), jnp.float32)
        self.cell = make_cell("gru", in_size, hidden, key=cell_key)
        self.scaling = Scaling(in_size)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make one like this, as JSON can keep them."""
        return {
            "kind": type(self).__name__,
            "in_size": self.in_size,
            "hidden": self.encoder.hidden,
            "repeats": self.repeats,
        }

    def __call__(
        self,
        frames: Frames,
        mask: Mask,
        places: Places,
        places_mask: PlacesMask,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "pointer time"]:
        """Log-probabilities of every pointer, given the true ones before it.

        Args:
            frames: What is read.
            mask: Which frames are real.
            places: Which frames should be pointed at.
            places_mask: Which of the places are real: all up to some place.
            key: Not used.

        Raises:
            InputError: If frames, places or masks have another shape or type.
        """
        check_symbols(places, places_mask)
        advance, state = self._decoder(frames, mask)
        given = jnp.where(places_mask, places.astype(jnp.int32), 0)
        last = jnp.concatenate([jnp.array([-1], jnp.int32), given[:-1]])
        return jax.lax.scan(advance, state, last)[1]

    def loss(
        self,
        frames: Frames,
        mask: Mask,
        places: Places,
        places_mask: PlacesMask,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, ""]:
        """Mean negative log-probability of a pointer."""
        found = self(frames, mask, places, places_mask)
        wanted = jnp.where(places_mask, places.astype(jnp.int32), 0)
        costs = -jnp.take_along_axis(found, wanted[:, None], axis=1)[:, 0]
        count = places_mask.astype(found.dtype).sum()
        return jnp.where(places_mask, costs, 0.0).sum() / jnp.maximum(count, 1.0)

    def decode(self, frames: Frames, mask: Mask, *, length: int, width: int = 1) -> Decoded:
        """The most probable places for one sequence.

        Args:
            frames: What is read.
            mask: Which frames are real.
            length: How many places; without repeats no more than there are real frames, and what is beyond is
                masked.
            width: How many sequences of places the beam keeps; 1 for greedy decoding.

        Returns:
            With `width=1`, one sequence `(length,)`; else `(width, length)`, best first.

        Raises:
            InputError: If a setting or the shape of the frames is wrong.
        """
        advance, state = self._decoder(frames, mask)
        time = frames.shape[0]

        def one(state: Any, last: Array) -> tuple[Any, Array]:
            state, found = advance(state, last)
            # Once there is nothing left to point at, all that remains is an end, numbered `time`.
            left = (mask & ~state[1]).any()
            found = jnp.where(left, jnp.where(mask & ~state[1], found, -jnp.inf), -jnp.inf)
            return state, jnp.concatenate([found, jnp.where(left, -jnp.inf, 0.0)[None]])

        found = beam_search(one, state, start=-1, end=time, length=length, width=width)
        return jax.tree.map(lambda leaf: leaf[0], found) if width == 1 else found

    def _decoder(self, frames: Frames, mask: Mask) -> tuple[Any, Any]:
        """A step of decoding, and its first state: that of the cell, and which frames are used up."""
        check_frames(frames, mask, self.in_size)
        scaled = jnp.where(mask[:, None], self.scaling(frames), 0.0)
        memory = self.encoder(scaled, mask)
        backward = memory[jnp.argmax(mask), self.encoder.hidden :]
        time = frames.shape[0]

        def advance(state: Any, last: Array) -> tuple[Any, Array]:
            inner, used = state
            at = jnp.clip(last, 0, time - 1)
            shown = jnp.where(last < 0, self.first, scaled[at])
            (inner,) = step(self.cell, shown, (inner,))
            if not self.repeats:
                used = used | (jnp.arange(time) == last)
            return (inner, used), self.pointer(inner, memory, mask & ~used)

        return advance, (jnp.tanh(self.start(backward)), jnp.zeros((time,), bool))
