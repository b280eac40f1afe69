"""Layers of recurrent cells over a masked sequence."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.networks._cells import CELLS, Cell, State, initial_state, make_cell, step
from antiphon.networks._checks import check_choice, check_count, check_flag, check_frames, check_rate

Frames = Float[Array, "time feature"]
Mask = Bool[Array, " time"]
Outputs = Float[Array, "time out"]


class Layer(eqx.Module):
    """One recurrent layer: a cell that runs forward in time and, if wanted, another that runs backward."""

    forward: Cell
    backward: Cell | None

    def __call__(self, frames: Frames, mask: Mask) -> tuple[Float[Array, " out"], Outputs]:
        """The output once all is read, and the output at each frame."""
        final, outputs = _scan(self.forward, frames, mask, reverse=False)
        if self.backward is None:
            return final, outputs
        first, backwards = _scan(self.backward, frames, mask, reverse=True)
        return jnp.concatenate([final, first]), jnp.concatenate([outputs, backwards], axis=1)


def _scan(cell: Cell, frames: Frames, mask: Mask, *, reverse: bool) -> tuple[Float[Array, " out"], Outputs]:
    def advance(state: State, now: tuple[Array, Array]) -> tuple[State, Array]:
        frame, real = now
        following = step(cell, frame, state)
        state = tuple(jnp.where(real, new, old) for new, old in zip(following, state, strict=True))
        return state, state[0]

    # A plain scan on purpose: on CPU, hoisting the input product out of it and unrolling it measured slower.
    final, outputs = jax.lax.scan(advance, initial_state(cell, frames), (frames, mask), reverse=reverse)
    return final[0], outputs


class Recurrent(eqx.Module):
    """A stack of RNN, LSTM or GRU layers, frame by frame.

    A frame whose mask is False leaves the state as it was, so padding changes no result, wherever it stands;
    the backward direction thus starts at the last real frame. Outputs at masked frames are 0.

    Args:
        cell: `"rnn"`, `"lstm"` (Hochreiter & Schmidhuber, 1997) or `"gru"` (Cho et al., 2014; reset after the
            recurrent product, as PyTorch does it).
        in_size: Features of a frame.
        hidden: Size of the state of each cell.
        layers: How many layers stand on each other.
        bidirectional: Whether each layer also runs backward; its output is then both states side by side.
        dropout: Share of the entries dropped between layers, while a key is given.
        key: Randomness of the initial weights.

    Example:
        >>> network = Recurrent("gru", 2, 3, bidirectional=True, key=jax.random.key(0))
        >>> network(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (5, 6)
    """

    layers: tuple[Layer, ...]
    cell: str = eqx.field(static=True)
    in_size: int = eqx.field(static=True)
    hidden: int = eqx.field(static=True)
    bidirectional: bool = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __init__(
        self,
        cell: str,
        in_size: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        key: PRNGKeyArray,
    ) -> None:
        self.cell = check_choice("cell", cell, CELLS)
        self.in_size = check_count("in_size", in_size)
        self.hidden = check_count("hidden", hidden)
        self.bidirectional = check_flag("bidirectional", bidirectional)
        self.dropout = check_rate("dropout", dropout)
        made: list[Layer] = []
        size = in_size
        for layer_key in jax.random.split(key, check_count("layers", layers)):
            forward, backward = jax.random.split(layer_key)
            made.append(
                Layer(
                    make_cell(cell, size, hidden, key=forward),
                    make_cell(cell, size, hidden, key=backward) if bidirectional else None,
                )
            )
            size = self.out_size
        self.layers = tuple(made)

    @property
    def out_size(self) -> int:
        """Size of the output at each frame: `hidden`, or twice that with both directions."""
        return 2 * self.hidden if self.bidirectional else self.hidden

    @property
    def config(self) -> dict[str, Any]:
        """What `build` needs to make a network like this one, as JSON can keep it."""
        return {
            "kind": type(self).__name__,
            "cell": self.cell,
            "in_size": self.in_size,
            "hidden": self.hidden,
            "layers": len(self.layers),
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
        }

    def __call__(self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None) -> Outputs:
        """The output of the last layer at each frame; with a key, dropout is on."""
        outputs, _ = self._run(frames, mask, key)
        return jnp.where(mask[:, None], outputs, 0.0)

    def read_out(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, " out"]:
        """The output once all is read: at the last real frame forward, at the first real frame backward."""
        _, final = self._run(frames, mask, key)
        return final

    def _run(
        self, frames: Frames, mask: Mask, key: PRNGKeyArray | None
    ) -> tuple[Outputs, Float[Array, " out"]]:
        check_frames(frames, mask, self.in_size)
        # What a masked frame holds may be anything, even NaN, and must not reach a gradient either.
        outputs = jnp.where(mask[:, None], frames, 0.0)
        keys = [None] * len(self.layers) if key is None else jax.random.split(key, len(self.layers))
        final = jnp.zeros((0,), frames.dtype)
        for index, (layer, layer_key) in enumerate(zip(self.layers, keys, strict=True)):
            if index:
                outputs = drop(outputs, self.dropout, layer_key)
            final, outputs = layer(outputs, mask)
        return outputs, final


def drop(values: Array, share: float, key: PRNGKeyArray | None) -> Array:
    """Dropout while a key is given; the values as they are without one."""
    if key is None or share == 0.0:
        return values
    return eqx.nn.Dropout(share)(values, key=key)
