"""Neural modules: what may fill a hole of a program, and whole networks to use or to compare with.

Each takes one unbatched input: `frames (time, feature)` with a `mask (time,)`, or a vector. Use `jax.vmap`
for a batch, and `jax.vmap` over stacked networks for many at once: every leaf of them is an array.
"""

from antiphon.networks._cells import RNNCell, make_cell
from antiphon.networks._maps import SequenceToSequence, SequenceToVector, VectorToVector
from antiphon.networks._named import build, from_arrays, to_arrays
from antiphon.networks._recurrent import Recurrent
from antiphon.networks._scaling import Scaling, trainable, with_scaling

__all__ = [
    "RNNCell",
    "Recurrent",
    "Scaling",
    "SequenceToSequence",
    "SequenceToVector",
    "VectorToVector",
    "build",
    "from_arrays",
    "make_cell",
    "to_arrays",
    "trainable",
    "with_scaling",
]
