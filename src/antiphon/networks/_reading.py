"""Data and targets as users bring them, against what a layer model is built for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from antiphon.errors import InputError
from antiphon.networks._cases import Cases, read_column
from antiphon.networks._layer_graph import Network, Plan
from antiphon.networks._losses import Loss, kind_of
from antiphon.networks._targets import read_targets
from antiphon.networks.layers._frames import Embedding
from antiphon.networks.layers._layer import SymbolicTensor, is_fixed


@dataclass(frozen=True)
class Reader:
    """Checks cases and targets, and knows how many frames come out.

    Attributes:
        plan: Of the model.
        network: Any network of that plan; its parameters are not looked at.
    """

    plan: Plan
    network: Network
    _times: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def read(self, X: Any) -> Cases:
        """The inputs of some cases."""
        columns = []
        for tensor, shape, data in zip(
            self.plan.inputs, self.network.shapes, _each("X", X, self.plan.inputs), strict=True
        ):
            readers = [one.layer for one in self.plan.tensors if any(tensor is i for i in one.inputs)]
            limits = [layer.input_dim for layer in readers if isinstance(layer, Embedding)]
            columns.append(read_column(data, shape, tensor.dtype, limit=min(limits, default=None)))
        counts = [len(column) for column in columns]
        if len(set(counts)) > 1:
            raise InputError(
                f"Inputs of {', '.join(map(str, counts))} cases.", "As many cases in each.", "Look at X."
            )
        sequences = [
            tensor.shape[0]
            for tensor in self.plan.inputs
            if len(tensor.shape) == 2 or tensor.dtype == jnp.int32
        ]
        fixed = [size for size in sequences if is_fixed(size)]
        return Cases(tuple(columns), (), max(fixed, default=None))

    def read_both(self, X: Any, y: Any, losses: Sequence[Loss]) -> Cases:
        """The inputs and the targets of some cases."""
        cases = self.read(X)
        lengths = [column.lengths for column in cases.inputs if column.ragged]
        longest = np.max(lengths, axis=0) if lengths else None
        targets = []
        for index, (tensor, loss, own) in enumerate(
            zip(self.plan.outputs, losses, _each("y", y, self.plan.outputs), strict=True)
        ):
            frames = None
            if longest is not None and len(tensor.shape) > 1:
                frames = [self.out_times(int(length))[index] for length in longest]
            size = tensor.struct.shape[-1]
            rank = len(tensor.shape)
            dense = None if frames is not None or rank < 2 else self._dense_frames(cases, index)
            targets.append(read_targets(own, kind_of(loss), rank, size, len(cases), frames, dense))
        return Cases(cases.inputs, tuple(targets), cases.fixed)

    def _dense_frames(self, cases: Cases, output: int) -> int:
        free = [
            c.cases.shape[1] for c, s in zip(cases.inputs, self.network.shapes, strict=True) if s[0] is None
        ]
        return self.out_times(max(free, default=0))[output]

    def out_times(self, time: int) -> tuple[int, ...]:
        """Frames of each output, for inputs of so many frames."""
        if time not in self._times:
            structs = [
                jax.ShapeDtypeStruct(tuple(time if n is None else n for n in shape), tensor.dtype)
                for shape, tensor in zip(self.network.shapes, self.plan.inputs, strict=True)
            ]
            scores, _ = eqx.filter_eval_shape(
                lambda network: network.scores(
                    [jnp.zeros(s.shape, s.dtype) for s in structs], [None] * len(structs)
                ),
                self.network,
            )
            self._times[time] = tuple(s.shape[0] if len(s.shape) > 1 else 0 for s in scores)
        return self._times[time]


def _each(name: str, given: Any, tensors: Sequence[SymbolicTensor]) -> list[Any]:
    """What belongs to each input or output."""
    if len(tensors) == 1:
        return [given]
    if isinstance(given, dict):
        names = [tensor.name for tensor in tensors]
        if None not in names and set(names) == set(given):
            return [given[own] for own in names]
    elif isinstance(given, list | tuple) and len(given) == len(tensors):
        return list(given)
    raise InputError(
        f"{name} that is {type(given).__name__}"
        + (f" of {len(given)}" if hasattr(given, "__len__") else "")
        + f" for {len(tensors)} {'inputs' if name == 'X' else 'outputs'}.",
        "A list with one entry for each, or a dict by the names of the inputs.",
        f"Put the arrays into a list, in the order of the {'inputs' if name == 'X' else 'outputs'}.",
    )
