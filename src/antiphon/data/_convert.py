"""From what users have (arrays, lists, data frames) to `Sequences`, with every check on the way."""

from __future__ import annotations

import logging
import sys
from typing import Any

import numpy as np
from jaxtyping import Float

from antiphon.data._features import Features, as_features, identifiers, read_features
from antiphon.data._sequences import Sequences
from antiphon.errors import InputError

LAYOUTS = ("case-time-feature", "case-feature-time")
_log = logging.getLogger("antiphon.data")


class InputTypeError(InputError, TypeError):
    """Data of a type that cannot be numbers at all (scikit-learn's checks want a TypeError there)."""


def as_sequences(
    X: Any,
    *,
    layout: str | None = None,
    features: Any = None,
    rate_hz: float | None = None,
) -> Sequences:
    """Check labelled or unlabelled cases and bring them to `Sequences`.

    Args:
        X: One of
            - `Sequences`: returned as they are (with new features or rate, where given);
            - a list, tuple or 1-D object array of cases, each `(time, feature)`, of any lengths; a 1-D
              array has one feature; a case may be a data frame, whose columns name the features;
            - a 3-D array, with `layout`;
            - a 2-D array, a list of lists of plain numbers or a data frame: a table with one row a case
              (every case has one frame); the columns of a data frame name the features.
        layout: `"case-time-feature"` or `"case-feature-time"`: the axes of a 3-D array. Needed there,
            unless `features` fit one axis only. In a list, the second one says that each case is
            `(feature, time)`.
        features: Names of the features, a `Features`, or the path of a CSV file of features.
        rate_hz: Frames a second.

    Raises:
        InputError: Says what was wrong, where (case, frame, feature) and what to do.

    Example:
        >>> X = as_sequences([[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0]]], features=["speed", "angle"])
        >>> X
        <Sequences: 2 cases, 1-2 frames, 2 features>
        >>> X[1]
        array([[4., 5.]], dtype=float32)
    """
    if layout is not None and layout not in LAYOUTS:
        raise InputError(
            f"The layout {layout!r}.",
            f"One of {' or '.join(LAYOUTS)}.",
            "Name the axes of your array in their order.",
        )
    if rate_hz is not None and not (np.isreal(rate_hz) and np.isfinite(rate_hz) and rate_hz > 0):
        raise InputError(
            f"A rate of {rate_hz!r} frames a second.",
            "A positive number.",
            "Leave rate_hz out where the rate is not known.",
        )
    if isinstance(features, str) or hasattr(features, "__fspath__"):
        features = read_features(features)
    if isinstance(X, Sequences):
        known = X.features if features is None else as_features(features, len(X.features))
        return Sequences(X.frames, X.lengths, known, rate_hz or X.rate_hz, X.is_table, X.sound)
    if _is_frame(X):
        names = identifiers(X.columns)
        _check_columns(X)
        return _table(X, names if features is None else features, rate_hz)
    if isinstance(X, (list, tuple)) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1):
        return _ragged(X, layout, features, rate_hz)
    if X is None or isinstance(X, (str, bytes)):
        raise InputError(f"{X!r} as data.", "Arrays of numbers.", "Read a file with antiphon.data.load.")
    if getattr(X, "ndim", None) != 3:
        return _table(_unmasked(X), features, rate_hz)
    return _block(_numbers(np.asarray(_unmasked(X)), ""), layout, features, rate_hz)


def _table(X: Any, features: Any, rate_hz: float | None) -> Sequences:
    """Check a table as scikit-learn does, so that its estimator checks find their messages."""
    from sklearn.utils.validation import check_array

    raw = None if hasattr(X, "tocsr") or _is_frame(X) else np.asarray(X)
    if raw is not None and (raw.dtype.kind in "US" or (raw.dtype == object and _has_text(raw))):
        raise _text_error("")
    try:
        values = check_array(X, dtype="float64", ensure_all_finite=False, input_name="X")
    except TypeError as error:
        raise InputTypeError(
            str(error), "A 2-D array of numbers.", "Convert the data to a dense array of numbers."
        ) from error
    except ValueError as error:
        raise InputError(
            str(error).replace("\n", " "),
            "Rows of numbers (a case each), a 3-D array with a layout, or a list of (time, feature) arrays.",
            "Check the shape and type of the data.",
        ) from error
    rows = np.ones(len(values), np.int64)
    return _finish(values, rows, as_features(features, values.shape[1]), rate_hz, is_table=True)


def _block(values: np.ndarray, layout: str | None, features: Any, rate_hz: float | None) -> Sequences:
    """Take a 3-D array apart, in the layout that was said or that the names decide."""
    if 0 in values.shape:
        raise InputError(
            f"A 3-D array of shape {values.shape}: no data.",
            "At least one case, one frame and one feature.",
            "Check how the array was made.",
        )
    if choose_layout(values.shape, layout, features) == LAYOUTS[1]:
        values = values.transpose(0, 2, 1)
    cases, time, count = values.shape
    lengths = np.full(cases, time, np.int64)
    return _finish(values.reshape(-1, count), lengths, as_features(features, count), rate_hz)


def choose_layout(shape: tuple[int, ...], layout: str | None, features: Any) -> str:
    """Return the layout that was said or, where none was, the one that the number of names decides."""
    if layout is not None:
        return layout
    if isinstance(features, str) or hasattr(features, "__fspath__"):
        features = read_features(features)
    count = None if features is None else len(features)
    fits = [layout for layout, size in zip(LAYOUTS, (shape[2], shape[1]), strict=True) if size == count]
    if len(fits) != 1:
        raise InputError(
            f"A 3-D array of shape {shape} without a layout: which axis is time?",
            f"The layout {LAYOUTS[0]!r} or the layout {LAYOUTS[1]!r}.",
            "Name the axes with layout=, or pass a list of (time, feature) arrays.",
        )
    _log.info("3-D array of shape %s read as %s: %d features are named", shape, fits[0], count)
    return fits[0]


def _ragged(X: Any, layout: str | None, features: Any, rate_hz: float | None) -> Sequences:
    """Check a list of cases one by one, and join them."""
    if len(X) == 0:
        raise InputError(
            "No cases: Found array with 0 sample(s).", "At least one case.", "Check how the data were read."
        )
    if not any(isinstance(case, (list, tuple)) or np.ndim(case) for case in X):
        return _table(X, features, rate_hz)  # whose error says that a single case must be wrapped
    if all(isinstance(case, (list, tuple)) and not any(map(_has_length, case)) for case in X):
        # Decided by type, never by whether the rows happen to be of one length.
        if len({len(row) for row in X}) > 1:
            raise InputError(
                "A list of lists of plain numbers (a table) whose rows have different lengths.",
                "Rows of one length, or (time, feature) cases.",
                "For sequences of one feature make each case an array: [np.asarray(case) for case in X].",
            )
        return _table(X, features, rate_hz)
    cases = []
    for number, case in enumerate(X):
        if _is_frame(case):
            _check_columns(case, f" of case {number}")
            if features is None:
                features = identifiers(case.columns)
            case = case.to_numpy(dtype=np.float64, na_value=np.nan)
        try:
            values = np.asarray(_unmasked(case))
        except ValueError as error:
            raise InputError(
                f"Case {number} has rows of different lengths: ragged feature counts.",
                "The same features in every frame of a case.",
                "Make each case a (time, feature) array.",
            ) from error
        if values.size == 0:
            raise InputError(
                f"Case {number} is an empty sequence, of shape {values.shape}.",
                "At least one frame in every case.",
                "Leave out empty cases and their labels.",
            )
        values = _numbers(values, f"Case {number}: ")
        if values.ndim == 1:
            values = values[:, None]
        elif values.ndim != 2:
            raise InputError(
                f"Case {number} has {values.ndim} dimensions, shape {values.shape}.",
                "A (time, feature) array, or a (time,) array of one feature.",
                "Reshape each case so.",
            )
        elif layout == LAYOUTS[1]:
            values = values.T
        if cases and values.shape[1] != cases[0].shape[1]:
            raise InputError(
                f"Case {number} has {values.shape[1]} features and case 0 has {cases[0].shape[1]}: "
                "ragged feature counts.",
                "The same features in every case; only the number of frames may differ.",
                "If each case is (feature, time), say layout='case-feature-time'.",
            )
        cases.append(values)
    lengths = np.array([len(case) for case in cases], np.int64)
    return _finish(np.concatenate(cases), lengths, as_features(features, cases[0].shape[1]), rate_hz)


def _finish(
    values: Float[np.ndarray, "frame feature"],
    lengths: np.ndarray,
    features: Features,
    rate_hz: float | None,
    is_table: bool = False,
) -> Sequences:
    """Refuse what is not finite as float32, saying where it is."""
    with np.errstate(over="ignore"):
        frames = values.astype(np.float32)
    bad = ~np.isfinite(frames)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        case = int(np.searchsorted(np.cumsum(lengths), row, side="right"))
        frame = row - int(lengths[:case].sum())
        value = values[row, column]
        kind = "contains NaN" if np.isnan(value) else "contains infinity or a value too large for float32"
        place = (
            f"case {case}, "
            + ("" if is_table else f"frame {frame}, ")
            + f"feature {features.names[column]!r}"
        )
        raise InputError(
            f"Input X {kind}: {place} is {value} ({int(bad.sum())} such values in all).",
            "Finite numbers within the range of float32.",
            "Fill in or leave out missing values; rescale or clip huge ones.",
        )
    return Sequences(frames, lengths, features, rate_hz, is_table)


def _numbers(values: np.ndarray, where: str) -> np.ndarray:
    """Bring an array to float64, or say why it holds no numbers."""
    if values.dtype.kind in "US" or (values.dtype == object and _has_text(values)):
        raise _text_error(where)
    if values.dtype.kind == "c":
        raise InputError(
            f"{where}Complex data not supported.",
            "Real numbers.",
            "Pass real and imaginary parts as two features.",
        )
    if values.dtype.kind not in "biufO":
        raise InputError(
            f"{where}values of type {values.dtype}.",
            "Numbers.",
            "Convert them, for example times to seconds.",
        )
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputTypeError(
            f"{where}values that are no numbers: {error}.",
            "Numbers.",
            "Make each case a (time, feature) array of numbers.",
        ) from error


def _unmasked(X: Any) -> Any:
    """Make masked entries NaN: NumPy would bring back in silence what they hide."""
    return np.ma.filled(X.astype(np.float64), np.nan) if isinstance(X, np.ma.MaskedArray) else X


def _has_length(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes))


def _has_text(values: np.ndarray) -> bool:
    return any(isinstance(value, (str, bytes)) for value in values.flat)


def _text_error(where: str) -> InputError:
    return InputError(
        f"{where}strings where numbers belong.",
        "Numbers.",
        "Convert text to numbers; encode categories as 0/1 columns.",
    )


def _is_frame(X: Any) -> bool:
    """Tell whether X is a pandas DataFrame, without importing pandas for those who do not use it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(X, pandas.DataFrame)


def _check_columns(table: Any, where: str = "") -> None:
    """Name the columns of a data frame that hold no numbers."""
    from pandas.api.types import is_complex_dtype, is_numeric_dtype, is_object_dtype

    def numeric(position: int) -> bool:
        column = table.iloc[:, position]
        if is_object_dtype(column.dtype):
            return not _has_text(column.to_numpy()) and not any(
                isinstance(value, (list, tuple, np.ndarray)) or hasattr(value, "index") for value in column
            )
        return is_numeric_dtype(column.dtype) and not is_complex_dtype(column.dtype)

    if table.index.nlevels > 1:
        raise InputError(
            f"A data frame{where} with an index of {table.index.nlevels} levels: rows, or frames of cases?",
            "A data frame with a plain index, or a list of data frames, one a case.",
            "For a table use X.reset_index(drop=True), else [case for _, case in X.groupby(level=0)].",
        )
    wrong = [str(name) for position, name in enumerate(table.columns) if not numeric(position)]
    if wrong:
        raise InputError(
            f"Columns{where} that hold no numbers, but strings, times or other things: {', '.join(wrong)}.",
            "Columns of numbers.",
            "Drop these columns, or encode them as numbers.",
        )
