"""Labels: checked against the cases they belong to, with a message of its own for each mistake."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, overload

import numpy as np
from jaxtyping import Shaped

from antiphon.errors import InputError

TASKS = ("classification", "regression", "tagging")


@overload
def as_labels(
    y: Any,
    n_cases: int,
    task: Literal["classification", "regression"],
    *,
    lengths: Any = None,
    classes: Any = None,
) -> Shaped[np.ndarray, " case"]: ...
@overload
def as_labels(
    y: Any, n_cases: int, task: Literal["tagging"], *, lengths: Any = None, classes: Any = None
) -> list[np.ndarray]: ...
@overload
def as_labels(y: Any, n_cases: int, task: str, *, lengths: Any = None, classes: Any = None) -> Any: ...
def as_labels(y: Any, n_cases: int, task: str, *, lengths: Any = None, classes: Any = None) -> Any:
    """Check labels or targets and bring them to an array (for tagging, to a list of arrays).

    Args:
        y: For classification one class a case (numbers or strings); for regression one finite number
            a case; for tagging a list of `(time,)` arrays (or one `(case, time)` array), one class a frame.
        n_cases: How many cases there are.
        task: `"classification"`, `"regression"` or `"tagging"`.
        lengths: For tagging, the number of frames of each case.
        classes: The classes that were declared, if any; there must be more cases than these.

    Returns:
        `(case,)` classes in their own type, `(case,)` float64 targets, or a list of `(time,)` classes.

    Raises:
        InputError: Says what was wrong, where, and what to do.

    Example:
        >>> as_labels(["a", "b", "a"], 3, "classification")
        array(['a', 'b', 'a'], dtype='<U1')
        >>> as_labels([1, 2], 3, "regression")
        Traceback (most recent call last):
        antiphon.errors.InputError: 2 labels for 3 cases. Expected: one label a case. ...
    """
    if task not in TASKS:
        raise InputError(f"The task {task!r}.", f"One of {', '.join(TASKS)}.", "Check the spelling.")
    if y is None:
        raise InputError(
            "The learner requires y to be passed, but the target y is None.", "One label a case.", "Pass y."
        )
    if task == "tagging":
        return _tags(y, n_cases, lengths)
    values = _column(y)
    if len(values) != n_cases:
        raise InputError(
            f"{len(values)} labels for {n_cases} cases.",
            "One label a case.",
            "Check that data and labels come from the same place and in the same order.",
        )
    return _targets(values) if task == "regression" else _classes(values, classes)


def _column(y: Any) -> np.ndarray:
    """Bring labels to one dimension (with scikit-learn's warning where they were a column)."""
    from sklearn.utils.validation import column_or_1d

    if hasattr(y, "tocsr"):
        raise InputError("Sparse labels.", "A dense array of labels.", "Call toarray() on them.")
    try:
        values = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
        return column_or_1d(values, warn=True)
    except ValueError as error:
        raise InputError(
            f"Labels that are no column: {error}.".replace("..", "."),
            "One label a case: y should be a 1d array.",
            "For one label a frame use the task tagging (ProgramTagger).",
        ) from error


def _missing(values: np.ndarray) -> int | None:
    """Return the first place that holds None, NaN or NA."""
    if values.dtype.kind == "f":
        bad = np.isnan(values)
    elif values.dtype == object:
        bad = np.array(
            [v is None or type(v).__name__ == "NAType" or (isinstance(v, float) and v != v) for v in values],
            bool,
        )
    else:
        return None
    return int(bad.argmax()) if bad.any() else None


def _targets(values: np.ndarray) -> Shaped[np.ndarray, " case"]:
    if values.dtype.kind in "US" or (
        values.dtype == object and any(isinstance(v, (str, bytes)) for v in values)
    ):
        raise InputError(
            "Strings as targets of a regression.",
            "Numbers.",
            "Convert them to numbers, or use classification.",
        )
    if (place := _missing(values)) is not None:
        raise InputError(
            f"Input y contains NaN, first at case {place}.",
            "A finite number for every case.",
            "Leave out the cases without a target.",
        )
    try:
        targets = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"Targets that are no numbers: {error}.", "Numbers.", "Convert them.") from error
    if not np.isfinite(targets).all():
        raise InputError(
            "Input y contains infinity or a value too large for dtype('float64'), "
            f"first at case {int((~np.isfinite(targets)).argmax())}.",
            "A finite number for every case.",
            "Leave out or clip such targets.",
        )
    if len(targets) < 2:
        raise InputError("A regression on 1 sample.", "At least two cases.", "Bring more data.")
    return targets


def _classes(values: np.ndarray, declared: Any) -> Shaped[np.ndarray, " case"]:
    values = _plain(values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError("Input y contains infinity.", "A class for every case.", "Correct these labels.")
    if values.dtype.kind == "f" and (values != np.floor(values)).any():
        raise InputError(
            "Unknown label type: continuous. The labels are numbers with fractions.",
            "Classes: strings or whole numbers.",
            "Use regression (ProgramRegressor), or cut the numbers into classes.",
        )
    present = np.unique(values)
    if len(present) == 1:
        raise InputError(
            f"Labels of one class only: all {len(values)} cases are {present[0]}.",
            "At least two classes.",
            "Check the labels, or bring cases of another class.",
        )
    if declared is not None and len(values) < len(declared):
        raise InputError(
            f"{len(values)} cases for {len(declared)} classes: fewer samples than classes.",
            "Several cases of each class.",
            "Bring more data, or join classes.",
        )
    if len(values) <= len(present):
        raise InputError(
            f"{len(values)} cases for {len(present)} classes: fewer samples than two for any class.",
            "Several cases of each class.",
            "Bring more data or join classes; if the labels are amounts, use regression.",
        )
    return values


def _plain(values: np.ndarray) -> np.ndarray:
    """Bring classes of dtype object to a dtype of their own; refuse missing and mixed ones."""
    if (place := _missing(values)) is not None:
        raise InputError(
            f"Input y contains NaN or None: the class at place {place} is missing.",
            "A class everywhere.",
            "Leave out what has no class, or make a class for it.",
        )
    if values.dtype != object:
        return values
    kinds = {
        "text" if isinstance(v, str) else "number" if isinstance(v, Real) else type(v).__name__
        for v in values.tolist()
    }
    if len(kinds) > 1 or not kinds <= {"text", "number"}:
        raise InputError(
            f"Unknown label type: labels of several or strange types ({', '.join(sorted(kinds))}).",
            "All strings, or all whole numbers.",
            "Convert the labels to one type, for example with str.",
        )
    return np.array(values.tolist())


def _tags(y: Any, n_cases: int, lengths: Any) -> list[np.ndarray]:
    if not isinstance(y, (Sequence, np.ndarray)) or isinstance(y, (str, bytes)):
        raise InputError(
            f"{type(y).__name__} as tags.",
            "A list with one (time,) array of classes a case.",
            "Make such a list.",
        )
    if len(y) != n_cases:
        raise InputError(
            f"Tags of {len(y)} sequences for {n_cases} cases.",
            "One array of tags a case.",
            "Check that data and tags come from the same place and in the same order.",
        )
    tags = []
    for case, one in enumerate(y):
        values = np.asarray(one)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise InputError(
                f"The tags of case {case} have {values.ndim} dimensions, shape {values.shape}.",
                "A (time,) array, one class a frame.",
                "For one label a case use classification (ProgramClassifier).",
            )
        if lengths is not None and len(values) != lengths[case]:
            raise InputError(
                f"{len(values)} tags for the {lengths[case]} frames of case {case}.",
                "One tag a frame.",
                "Check how frames and tags were aligned.",
            )
        tags.append(_plain(values))
    if len({values.dtype.kind in "US" for values in tags}) > 1:
        raise InputError(
            "Tags that are strings in some cases and numbers in others.",
            "All strings, or all whole numbers.",
            "Convert the tags to one type.",
        )
    every = np.concatenate(tags) if tags else np.empty(0)
    if every.dtype.kind == "f" and (every != np.floor(every)).any():
        raise InputError(
            "Unknown label type: continuous. The tags are numbers with fractions.",
            "Classes: strings or whole numbers.",
            "Cut the numbers into classes.",
        )
    if len(np.unique(every)) < 2:
        raise InputError(
            f"Tags of one class only: all {len(every)} frames are {', '.join(map(str, every[:1]))}.",
            "At least two classes.",
            "Check the tags, or bring cases with another class.",
        )
    return tags
