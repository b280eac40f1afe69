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
        ProgramClassifier,
        ProgramRegressor,
        ProgramTagger,
        RecurrentClassifier,
        RecurrentRegressor,
        RecurrentTagger,
        distil,
        learn_tasks,
    )

__all__ = [
    "ProgramClassifier",
    "ProgramRegressor",
    "ProgramTagger",
    "RecurrentClassifier",
    "RecurrentRegressor",
    "RecurrentTagger",
    "__version__",
    "distil",
    "learn_tasks",
    "load_model",
]


def __getattr__(name: str) -> Any:
    # On first use, so that `import antiphon` and `antiphon --help` import no JAX.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "antiphon._model_file" if name == "load_model" else "antiphon.estimators"
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
