"""Layers of recurrent cells over a masked sequence."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._cells import (
    CELLS,
    Cell,
    State,
    gate_sums,
    gated,
    initial_state,
    kernels,
    make_cell,
    step,
)
from antiphon.networks._checks import check_choice, check_count, check_flag, check_frames, check_rate
from antiphon.networks._minimal import MinGRUCell, MinLSTMCell, decay_and_input, linear_recurrence

Frames = Float[Array, "time feature"]
Mask = Bool[Array, " time"]
Outputs = Float[Array, "time out"]
States = tuple[State, ...]


class Layer(eqx.Module):
    """One recurrent layer: a cell that runs forward in time and, if wanted, another that runs backward."""

    forward: Cell
    backward: Cell | None

    def __call__(
        self, frames: Frames, mask: Mask, state: State, *, lean: bool
    ) -> tuple[State, Float[Array, " out"], Outputs]:
        """The state and the output once all is read, and the output at each frame.

        Args:
            frames: What it reads.
            mask: Which frames are real.
            state: Of the forward cell, before the first frame; the backward one starts from zero.
            lean: Whether to keep less for the gradient, and to compute more; see `_scan`.
        """
        state, outputs = _scan(self.forward, frames, mask, state, reverse=False, lean=lean)
        if self.backward is None:
            return state, state[0], outputs
        zero = initial_state(self.backward, frames)
        first, backwards = _scan(self.backward, frames, mask, zero, reverse=True, lean=lean)
        final = jnp.concatenate([state[0], first[0]])
        return state, final, jnp.concatenate([outputs, backwards], axis=1)


def _scan(
    cell: Cell, frames: Frames, mask: Mask, state: State, *, reverse: bool, lean: bool
) -> tuple[State, Outputs]:
    """The state after all frames, and the output at each.

    What is kept of each step for the gradient decides the speed of training: XLA's CPU backend takes fresh
    memory for it at every call, and beyond 32 MB that memory comes page by page from the kernel. Processor
    time of forward and backward, batch 64, 100 steps, 40 inputs, 128 units, one thread of a Xeon (AVX-512),
    for an LSTM, a GRU and an LSTM in both directions; PyTorch 2.13 needs 48, 48 and 101 ms:

    - all kept, as JAX does by itself: 66, 54, 136 ms;
    - what goes into the gates kept, and the gates computed again: 42, 36, 113 ms;
    - the state kept, and all else computed again (`lean`): 45, 40, 93 ms. It needs half the memory of the
      second, and is the faster one where there are several cells.

    Slower than the second for the LSTM: the loop unrolled by two (52 ms), the gates themselves kept (54), the
    gradient of the weights in one product after the loop (68), all input products before the loop (80). No
    GPU was at hand to measure on.
    """
    if isinstance(cell, MinGRUCell | MinLSTMCell):
        return _all_at_once(cell, frames, mask, state, reverse=reverse)
    matrices = kernels(cell)

    def close(sums: tuple[Array, ...], state: State, real: Array) -> State:
        following = gated(cell, sums, state)
        return tuple(jnp.where(real, new, old) for new, old in zip(following, state, strict=True))

    finish = close if lean else jax.checkpoint(close, prevent_cse=False)

    def advance(state: State, now: tuple[Array, Array]) -> tuple[State, Array]:
        frame, real = now
        state = finish(gate_sums(cell, matrices, frame, state), state, real)
        return state, state[0]

    body = jax.checkpoint(advance, prevent_cse=False) if lean else advance
    return jax.lax.scan(body, state, (frames, mask), reverse=reverse)


def _all_at_once(
    cell: MinGRUCell | MinLSTMCell, frames: Frames, mask: Mask, state: State, *, reverse: bool
) -> tuple[State, Outputs]:
    decay, entering = decay_and_input(cell, frames @ cell.weight_ih.T + cell.bias[None, :])
    decay, entering = jnp.where(mask[:, None], decay, 1.0), jnp.where(mask[:, None], entering, 0.0)
    # On a CPU the parallel form only adds work.
    parallel = jax.default_backend() != "cpu"
    outputs = linear_recurrence(decay, entering, state[0], reverse=reverse, parallel=parallel)
    return (outputs[0] if reverse else outputs[-1],), outputs


class Recurrent(eqx.Module):
    """A stack of recurrent layers, frame by frame.

    A frame whose mask is False leaves the state as it was, so padding changes no result, wherever it stands;
    the backward direction thus starts at the last real frame. Outputs at masked frames are 0.

    Args:
        cell: `"rnn"`, `"lstm"` (Hochreiter & Schmidhuber, 1997) or `"gru"` (Cho et al., 2014; reset after the
            recurrent product, as PyTorch does it), `"mingru"` or `"minlstm"` (Feng et al., 2024, "Were RNNs
            all we needed?": gates that see the frame alone, so that training runs all frames at once).
        in_size: Features of a frame.
        hidden: Size of the state of each cell.
        layers: How many layers stand on each other.
        bidirectional: Whether each layer also runs backward; its output is then both states side by side.
        dropout: Share of the entries dropped between layers, while a key is given.
        residual: Whether each layer after the first adds its input to its output (He et al., 2016), before
            dropout.
        key: Randomness of the initial weights.

    Raises:
        InputError: If a setting is none of these; when called, if frames, mask or state have another shape.

    Example:
        >>> network = Recurrent("gru", 2, 3, bidirectional=True, key=jax.random.key(0))
        >>> network(jnp.ones((5, 2)), jnp.ones(5, bool)).shape
        (5, 6)

        Frame by frame, where frames arrive one by one:

        >>> network = Recurrent("lstm", 2, 3, layers=2, key=jax.random.key(0))
        >>> output, state = network.step(jnp.ones(2), network.initial_state())
        >>> output.shape, [[part.shape for part in layer] for layer in state]
        ((3,), [[(3,), (3,)], [(3,), (3,)]])
    """

    layers: tuple[Layer, ...]
    cell: str = eqx.field(static=True)
    in_size: int = eqx.field(static=True)
    hidden: int = eqx.field(static=True)
    bidirectional: bool = eqx.field(static=True)
    dropout: float = eqx.field(static=True)
    residual: bool = eqx.field(static=True)

    def __init__(
        self,
        cell: str,
        in_size: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        residual: bool = False,
        key: PRNGKeyArray,
    ) -> None:
        self.cell = check_choice("cell", cell, CELLS)
        self.in_size = check_count("in_size", in_size)
        self.hidden = check_count("hidden", hidden)
        self.bidirectional = check_flag("bidirectional", bidirectional)
        self.dropout = check_rate("dropout", dropout)
        self.residual = check_flag("residual", residual)
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
            # Left out where it is not used: networks around this one need not know of it.
            **({"residual": True} if self.residual else {}),
        }

    def __call__(self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None) -> Outputs:
        """The output of the last layer at each frame; with a key, dropout is on."""
        outputs, _, _ = self._run(frames, mask, None, key)
        return jnp.where(mask[:, None], outputs, 0.0)

    def read_out(
        self, frames: Frames, mask: Mask, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, " out"]:
        """The output once all is read: at the last real frame forward, at the first real frame backward."""
        return self._run(frames, mask, None, key)[1]

    def initial_state(self) -> States:
        """The state before the first frame: for each layer the output and, of an LSTM, the memory; all 0."""
        return tuple(initial_state(layer.forward, layer.forward.weight_ih) for layer in self.layers)

    def resume(self, frames: Frames, mask: Mask, state: States) -> tuple[Outputs, States]:
        """The outputs for frames that follow on others, and the state after them; without dropout.

        Cut anywhere, a sequence gives what it gives whole.

        Args:
            frames: The next frames.
            mask: Which of them are real.
            state: What `initial_state`, `step` or this gave last.

        Raises:
            InputError: If the network also runs backward, or the state is of another network.
        """
        self._check_stream(state)
        outputs, _, state = self._run(frames, mask, state, None)
        return jnp.where(mask[:, None], outputs, 0.0), state

    def step(self, frame: Float[Array, " feature"], state: States) -> tuple[Float[Array, " out"], States]:
        """The output for the next frame, and the state after it; without dropout.

        Args:
            frame: One real frame.
            state: What `initial_state`, `resume` or this gave last.

        Raises:
            InputError: If the network also runs backward, or frame or state are of another network.
        """
        self._check_stream(state)
        if frame.shape != (self.in_size,):
            raise InputError(
                f"A frame of shape {tuple(frame.shape)}.",
                f"Shape ({self.in_size},).",
                "Give one frame at a time, or several with their mask to resume.",
            )
        following = []
        for index, (layer, before) in enumerate(zip(self.layers, state, strict=True)):
            after = step(layer.forward, frame, before)
            following.append(after)
            frame = frame + after[0] if self.residual and index else after[0]
        return frame, tuple(following)

    def _check_stream(self, state: States) -> None:
        if self.bidirectional:
            raise InputError(
                "A network that also runs backward.",
                "One that reads forward only.",
                "Make it with bidirectional=False: a backward output needs frames that are still to come.",
            )
        got, wanted = jax.tree.map(jnp.shape, (state, self.initial_state()))
        if got != wanted:
            raise InputError(
                f"A state of shape {got}.", f"Shape {wanted}.", "Start from what initial_state() gives."
            )

    def _run(
        self, frames: Frames, mask: Mask, state: States | None, key: PRNGKeyArray | None
    ) -> tuple[Outputs, Float[Array, " out"], States]:
        """The outputs, the output once all is read, and the states then."""
        check_frames(frames, mask, self.in_size)
        state = self.initial_state() if state is None else state
        # What a masked frame holds may be anything, even NaN, and must not reach a gradient either.
        outputs = jnp.where(mask[:, None], frames, 0.0)
        keys = [None] * len(self.layers) if key is None else jax.random.split(key, len(self.layers))
        final = jnp.zeros((0,), frames.dtype)
        following = []
        lean = self.bidirectional or len(self.layers) > 1
        for index, (layer, layer_key, before) in enumerate(zip(self.layers, keys, state, strict=True)):
            inputs, last = outputs, final
            if index:
                inputs = drop(outputs, self.dropout, layer_key)
            after, final, read = layer(inputs, mask, before, lean=lean)
            following.append(after)
            if self.residual and index:
                final, read = final + last, read + outputs
            outputs = read
        return outputs, final, tuple(following)


def drop(values: Array, share: float, key: PRNGKeyArray | None) -> Array:
    """Dropout while a key is given; the values as they are without one."""
    if key is None or share == 0.0:
        return values
    return eqx.nn.Dropout(share)(values, key=key)
