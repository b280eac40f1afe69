"""Several tasks in a row, as estimators: each is fitted with what the ones before it left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from antiphon.estimators._program import ProgramClassifier, ProgramRegressor, ProgramTagger

if TYPE_CHECKING:
    from antiphon.search import Library

ProgramEstimator = ProgramClassifier | ProgramRegressor | ProgramTagger


def learn_tasks(
    tasks: Mapping[str, tuple[Any, Any]],
    model: ProgramEstimator | Mapping[str, ProgramEstimator] | None = None,
    *,
    library: Library | None = None,
    abstractions: bool = False,
) -> tuple[dict[str, ProgramEstimator], Library]:
    """Fit a program to each of several tasks; later ones may use what earlier ones learned.

    Args:
        tasks: Name -> cases and labels, in the order in which they are learned.
        model: What is cloned for each task, or name -> model; a `ProgramClassifier` by default.
        library: What to begin with.
        abstractions: Whether shapes that programs share become words too; needs `stitch-core`.

    Returns:
        The fitted models by name, and the library that they leave.

    Raises:
        InputError: As `fit` does, or where a task of this name is in the library.

    Example:
        >>> import numpy as np
        >>> from antiphon.search import Settings
        >>> rng = np.random.default_rng(0)
        >>> X = [rng.normal(size=(6, 1)) + way for way in [-1, 1] * 20]
        >>> y = np.array(["down", "up"] * 20)
        >>> small = Settings(candidates=4, steps=20, finalists=1)
        >>> models, library = learn_tasks(
        ...     {"way": (X, y), "other": (X, y[::-1])}, ProgramClassifier(random_state=0, options=small)
        ... )
        >>> sorted(models), library.tasks
        (['other', 'way'], ('way', 'other'))
    """
    from antiphon.search import Library

    library = library or Library()
    models: dict[str, ProgramEstimator] = {}
    for name, (X, y) in tasks.items():
        plain = model.get(name) if isinstance(model, Mapping) else model
        one: Any = clone(plain or ProgramClassifier())
        models[name] = one.fit(X, y, library=library)
        library = library.with_result(name, one.search_)
        if abstractions:
            library = library.with_abstractions()
    return models, library
