"""Learn readable neurosymbolic programs from labelled sequences.

Example:
    >>> import antiphon
    >>> antiphon.ProgramClassifier(seconds=60)
    ProgramClassifier(seconds=60)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from antiphon._version import __version__

if TYPE_CHECKING:
    from antiphon._model_file import load_model
    from antiphon.estimators import (
        CRFTagger,
        HMMClassifier,
        NetworkClassifier,
        NetworkRegressor,
        NetworkTagger,
        ProgramClassifier,
        ProgramRegressor,
        ProgramTagger,
        RecurrentClassifier,
        RecurrentRegressor,
        RecurrentTagger,
        ReservoirClassifier,
        TreeClassifier,
        distil,
        learn_tasks,
    )
    from antiphon.graph.hybrid import hybridize

__all__ = [
    "CRFTagger",
    "HMMClassifier",
    "NetworkClassifier",
    "NetworkRegressor",
    "NetworkTagger",
    "ProgramClassifier",
    "ProgramRegressor",
    "ProgramTagger",
    "RecurrentClassifier",
    "RecurrentRegressor",
    "RecurrentTagger",
    "ReservoirClassifier",
    "TreeClassifier",
    "__version__",
    "distil",
    "hybridize",
    "learn_tasks",
    "load_model",
]

_WHERE = {"load_model": "antiphon._model_file", "hybridize": "antiphon.graph.hybrid"}


def __getattr__(name: str) -> Any:
    # On first use, so that `import antiphon` and `antiphon --help` import no JAX.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE.get(name, "antiphon.estimators")), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
