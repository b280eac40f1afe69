"""Layers in the words of Keras, for `antiphon.networks.Sequential` and `antiphon.networks.Model`.

A layer takes one unbatched case and, if it is a sequence, a mask: padding changes no result. It gets its
parameters once the shape of its input is known.
"""

from antiphon.networks.layers._convolutions import Conv1D, Conv2D
from antiphon.networks.layers._dense import Activation, Dense, Dropout, Flatten, Softmax
from antiphon.networks.layers._frames import Embedding, LayerNormalization, Masking
from antiphon.networks.layers._joining import Add, Concatenate, Module
from antiphon.networks.layers._layer import Input, Layer, SymbolicTensor
from antiphon.networks.layers._pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    MaxPooling2D,
)
from antiphon.networks.layers._recurrences import GRU, LSTM, Bidirectional, SimpleRNN

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "AveragePooling1D",
    "AveragePooling2D",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "Input",
    "Layer",
    "LayerNormalization",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "Module",
    "SimpleRNN",
    "Softmax",
    "SymbolicTensor",
]
