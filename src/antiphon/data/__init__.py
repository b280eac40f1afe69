"""Sequences in: arrays, ragged lists, tables and files become checked, immutable `Sequences`.

`as_sequences` and `as_labels` check what a user brings, `load` reads data sets by name or from a path,
`holdout` and `folds` cut cases into parts. Nothing here needs JAX.
"""

from antiphon.data._convert import LAYOUTS, InputTypeError, as_sequences
from antiphon.data._dataset import Dataset, Entry, Split
from antiphon.data._features import Features, identifiers, read_features
from antiphon.data._labels import TASKS, as_labels
from antiphon.data._load import available, load, load_cases
from antiphon.data._sequences import Sequences, bucket_length, join
from antiphon.data._splits import folds, holdout

__all__ = [
    "LAYOUTS",
    "TASKS",
    "Dataset",
    "Entry",
    "Features",
    "InputTypeError",
    "Sequences",
    "Split",
    "as_labels",
    "as_sequences",
    "available",
    "bucket_length",
    "folds",
    "holdout",
    "identifiers",
    "join",
    "load",
    "load_cases",
    "read_features",
]
