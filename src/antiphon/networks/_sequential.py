"""One layer after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx

from antiphon.errors import InputError
from antiphon.networks._cases import infer_shape
from antiphon.networks._layer_graph import make_plan
from antiphon.networks._model import Model
from antiphon.networks.layers._dense import Flatten
from antiphon.networks.layers._frames import Embedding
from antiphon.networks.layers._joining import Module
from antiphon.networks.layers._layer import Input, Layer, SymbolicTensor


class Sequential(Model):
    """One layer after the other.

    The layers get their parameters when the shape of the input is known: from an `Input` in front, from
    `build`, or from the first data. From data, the number of frames stays open, unless there is a `Flatten`.

    Args:
        layers: Layers of `antiphon.networks.layers`, or Equinox modules; `Input` may come first.
        random_state: Seed of initial weights, batches and dropout. The same seed gives the same model.

    Raises:
        InputError: If something is no layer, or layers do not go together.

    Example:
        >>> import numpy as np
        >>> from antiphon.networks.layers import GRU, Dense, Dropout
        >>> model = Sequential([GRU(4), Dropout(0.2), Dense(2, activation="softmax")])
        >>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> X = [np.full((5, 1), -1.0), np.full((3, 1), 1.0)]
        >>> history = model.fit(X, [0, 1], epochs=2)
        >>> sorted(history.history)
        ['accuracy', 'loss']
        >>> model.predict(X).shape
        (2, 2)
    """

    def __init__(self, layers: Sequence[Any] = (), *, random_state: int = 0) -> None:
        self._start(random_state)
        self._input: SymbolicTensor | None = None
        self._layers: list[Layer] = []
        if not isinstance(layers, Sequence):
            raise InputError(f"layers={layers!r}.", "A list of layers.", "Write Sequential([LSTM(8), ...]).")
        for layer in layers:
            self._append(layer)
        if self._input is not None and self._layers:
            self._connect(self._input)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, without parameters."""
        return tuple(self._layers)

    def add(self, layer: Any) -> None:
        """Put a layer at the end; a model that had parameters gets new ones.

        Args:
            layer: A layer, an Equinox module, or first of all an `Input`.

        Raises:
            InputError: If it is none of these, does not go with the layer before, or the model was trained.
        """
        if self._epochs:
            raise InputError(
                "A layer for a model that was trained.", "A new model.", "Add all layers before fit."
            )
        self._append(layer)
        if self._input is not None and self._layers:
            self._connect(self._input)

    def build(self, shape: Sequence[int | None]) -> None:
        """Give the layers initial parameters.

        Args:
            shape: Of one case, as for `Input`: `(None, 12)`.

        Raises:
            InputError: If a layer cannot take it, or the model has parameters.
        """
        if self._plan is not None:
            raise InputError("A model that is built.", "A new one.", "Leave build out.")
        tokens = bool(self._layers) and isinstance(self._layers[0], Embedding)
        self._connect(Input(shape, dtype="int32" if tokens else "float32"))

    def _append(self, layer: Any) -> None:
        if isinstance(layer, SymbolicTensor):
            if self._layers or self._input is not None or layer.layer is not None:
                raise InputError("An Input behind a layer.", "Input first.", "Put it in front of all layers.")
            self._input = layer
            return
        if not isinstance(layer, Layer):
            layer = Module(layer) if isinstance(layer, eqx.Module) else layer
        if not isinstance(layer, Layer):
            raise InputError(
                f"{layer!r} as a layer.",
                "A layer of antiphon.networks.layers, or an Equinox module.",
                "Make the layer first: Dense(10), not Dense.",
            )
        self._layers.append(layer)

    def _connect(self, tensor: SymbolicTensor) -> None:
        if not self._layers:
            raise InputError("A model without layers.", "One layer or more.", "Call add first.")
        first = tensor
        for layer in self._layers:
            tensor = layer(tensor)
        self._known, self._state, self._objective = None, None, None
        self._set_plan(make_plan([first], [tensor]), tensor)

    def _build_from(self, X: Any) -> None:
        tokens = bool(self._layers) and isinstance(self._layers[0], Embedding)
        fixed = any(isinstance(layer, Flatten) for layer in self._layers)
        self.build(infer_shape(X, tokens=tokens, fixed=fixed))
