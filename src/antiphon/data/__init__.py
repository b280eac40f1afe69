"""Sequences in: arrays, ragged lists, tables and files become checked, immutable `Sequences`.

`as_sequences` and `as_labels` check what a user brings, `load` reads data sets by name or from a path,
`holdout` and `folds` cut cases into parts. `Sounds` are waveforms, of which
`frames` makes `Sequences` of features. Nothing but those features needs JAX.
"""

from antiphon.data._convert import LAYOUTS, InputTypeError, as_sequences
from antiphon.data._dataset import Dataset, Entry, Split
from antiphon.data._features import Features, identifiers, read_features
from antiphon.data._fetch import fetch, fetchable
from antiphon.data._labels import TASKS, as_labels
from antiphon.data._load import available, load, load_cases
from antiphon.data._sequences import Sequences, bucket_length, join
from antiphon.data._sound_events import frame_labels, read_events
from antiphon.data._sound_files import SUFFIXES as SOUND_SUFFIXES
from antiphon.data._sound_files import SoundInfo, read_blocks, read_sound, resample, sound_info
from antiphon.data._sound_load import is_sound, read_sounds
from antiphon.data._sound_mixtures import NOISES, active_parts, add_background, join_sounds
from antiphon.data._sound_problems import Problem
from antiphon.data._sound_synthetic import synthetic_sounds
from antiphon.data._sounds import Sounds
from antiphon.data._splits import folds, holdout

__all__ = [
    "LAYOUTS",
    "NOISES",
    "SOUND_SUFFIXES",
    "TASKS",
    "Dataset",
    "Entry",
    "Features",
    "InputTypeError",
    "Problem",
    "Sequences",
    "SoundInfo",
    "Sounds",
    "Split",
    "active_parts",
    "add_background",
    "as_labels",
    "as_sequences",
    "available",
    "bucket_length",
    "fetch",
    "fetchable",
    "folds",
    "frame_labels",
    "holdout",
    "identifiers",
    "is_sound",
    "join",
    "join_sounds",
    "load",
    "load_cases",
    "read_blocks",
    "read_events",
    "read_features",
    "read_sound",
    "read_sounds",
    "resample",
    "sound_info",
    "synthetic_sounds",
]
