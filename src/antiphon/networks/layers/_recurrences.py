"""Recurrent layers: `Recurrent` of this package, in the words of Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks._checks import check_choice, check_count, check_flag
from antiphon.networks._recurrent import Recurrent
from antiphon.networks.layers._layer import Built, Layer, Mask, check_rank

MERGES = ("concat", "sum", "mul", "ave")


class BuiltRecurrence(eqx.Module):
    """A recurrent layer in one or both directions."""

    recurrent: Recurrent
    return_sequences: bool = eqx.field(static=True)
    merge: str = eqx.field(static=True)

    def __call__(self, value: Array, mask: Mask, *, key: PRNGKeyArray | None = None) -> tuple[Array, Mask]:
        """The output at each frame with the mask, or the output once all is read."""
        there = jnp.ones(value.shape[:1], bool) if mask is None else mask
        if self.return_sequences:
            return self._merged(self.recurrent(value, there)), mask
        return self._merged(self.recurrent.read_out(value, there)), None

    def _merged(self, outputs: Array) -> Array:
        if self.merge == "concat":
            return outputs
        forward, backward = outputs[..., : self.recurrent.hidden], outputs[..., self.recurrent.hidden :]
        if self.merge == "mul":
            return forward * backward
        return (forward + backward) * (0.5 if self.merge == "ave" else 1.0)


@dataclass(frozen=True, eq=False)
class _Recurrence(Layer):
    units: int
    return_sequences: bool = False

    cell: ClassVar[str] = ""

    def __post_init__(self) -> None:
        check_count("units", self.units)
        check_flag("return_sequences", self.return_sequences)

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """With initial weights."""
        return self.built(inputs[0], bidirectional=False, merge="concat", key=key)

    def built(
        self, frames: jax.ShapeDtypeStruct, *, bidirectional: bool, merge: str, key: PRNGKeyArray
    ) -> BuiltRecurrence:
        """With initial weights, in one direction or both."""
        check_rank(self.kind, frames.shape, "time, feature")
        recurrent = Recurrent(self.cell, frames.shape[1], self.units, bidirectional=bidirectional, key=key)
        return BuiltRecurrence(recurrent, self.return_sequences, merge)


@dataclass(frozen=True, eq=False)
class SimpleRNN(_Recurrence):
    """`tanh(W x + U h + b)` from frame to frame (Elman, 1990).

    A masked frame leaves the state as it was; the output there is 0.

    Args:
        units: Size of the state.
        return_sequences: Whether it gives its output at each frame, `(time, units)`, or only the last one.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these; when called, if its input is no sequence.

    Example:
        >>> from antiphon.networks import Input
        >>> SimpleRNN(8)(Input((None, 12))).shape
        (8,)
    """

    cell: ClassVar[str] = "rnn"


@dataclass(frozen=True, eq=False)
class LSTM(_Recurrence):
    """Long short-term memory (Hochreiter & Schmidhuber, 1997), with initial weights as in Keras.

    A masked frame leaves the state as it was; the output there is 0.

    Args:
        units: Size of the state.
        return_sequences: Whether it gives its output at each frame, `(time, units)`, or only the last one.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these; when called, if its input is no sequence.

    Example:
        >>> from antiphon.networks import Input
        >>> LSTM(8, return_sequences=True)(Input((None, 12))).shape
        (T, 8)
    """

    cell: ClassVar[str] = "lstm"


@dataclass(frozen=True, eq=False)
class GRU(_Recurrence):
    """Gated recurrent unit (Cho et al., 2014), reset after the recurrent product, as in Keras and PyTorch.

    A masked frame leaves the state as it was; the output there is 0.

    Args:
        units: Size of the state.
        return_sequences: Whether it gives its output at each frame, `(time, units)`, or only the last one.
        name: How it is called in the model.

    Raises:
        InputError: If a setting is none of these; when called, if its input is no sequence.

    Example:
        >>> from antiphon.networks import Input
        >>> GRU(8)(Input((None, 12))).shape
        (8,)
    """

    cell: ClassVar[str] = "gru"


@dataclass(frozen=True, eq=False)
class Bidirectional(Layer):
    """A recurrent layer that also runs backward, with weights of its own (Schuster & Paliwal, 1997).

    Args:
        layer: A `SimpleRNN`, `LSTM` or `GRU`.
        merge_mode: `"concat"` (both outputs side by side), `"sum"`, `"mul"` or `"ave"`.
        name: How it is called in the model.

    Raises:
        InputError: If the layer is no recurrent one, or the mode not known.

    Example:
        >>> from antiphon.networks import Input
        >>> Bidirectional(LSTM(8))(Input((None, 12))).shape
        (16,)
    """

    layer: Layer
    merge_mode: str = "concat"

    def __post_init__(self) -> None:
        check_choice("merge_mode", self.merge_mode, MERGES)
        if not isinstance(self.layer, _Recurrence):
            raise InputError(
                f"Bidirectional around {type(self.layer).__name__}.",
                "A SimpleRNN, LSTM or GRU.",
                "Write for example Bidirectional(LSTM(64)).",
            )

    def build(self, *inputs: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Built:
        """With initial weights."""
        assert isinstance(self.layer, _Recurrence)
        return self.layer.built(inputs[0], bidirectional=True, merge=self.merge_mode, key=key)
