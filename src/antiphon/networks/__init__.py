"""Neural modules: what may fill a hole of a program, and whole networks to use or to compare with.

Each takes one unbatched input: `frames (time, feature)` with a `mask (time,)`, or a vector. Use `jax.vmap`
for a batch, and `jax.vmap` over stacked networks for many at once: every leaf of them is an array.

`Sequential` and `Model` put layers of `antiphon.networks.layers` together and train them, in Keras's words.
"""

from antiphon.networks._catalogue import catalogue
from antiphon.networks._cells import RNNCell, make_cell
from antiphon.networks._entry import Entry
from antiphon.networks._families import FAMILIES, Family, family
from antiphon.networks._history import EarlyStopping, History
from antiphon.networks._keras_model import KerasModel, from_keras
from antiphon.networks._layer_graph import Network
from antiphon.networks._maps import SequenceToSequence, SequenceToVector, VectorToVector
from antiphon.networks._minimal import MinGRUCell, MinLSTMCell
from antiphon.networks._model import Model
from antiphon.networks._named import build, from_arrays, named_leaves, to_arrays
from antiphon.networks._recurrent import Recurrent
from antiphon.networks._scaling import Scaling, trainable, with_output_units, with_scaling
from antiphon.networks._sequential import Sequential
from antiphon.networks.layers import Input

__all__ = [
    "FAMILIES",
    "EarlyStopping",
    "Entry",
    "Family",
    "History",
    "Input",
    "KerasModel",
    "MinGRUCell",
    "MinLSTMCell",
    "Model",
    "Network",
    "RNNCell",
    "Recurrent",
    "Scaling",
    "SequenceToSequence",
    "SequenceToVector",
    "Sequential",
    "VectorToVector",
    "build",
    "catalogue",
    "family",
    "from_arrays",
    "from_keras",
    "make_cell",
    "named_leaves",
    "to_arrays",
    "trainable",
    "with_output_units",
    "with_scaling",
]
