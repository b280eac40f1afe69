"""Reading `.npz` files and folders of `.npy` files. Nothing pickled is ever loaded."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.data._convert import as_sequences, choose_layout
from antiphon.data._parts import Found, Part
from antiphon.errors import DatasetError

_log = logging.getLogger("antiphon.data")
_PARTS = ("train", "val", "test")


def read_npz(path: Path, layout: str | None, features: Any, target: str | None) -> Found:
    """Read an `.npz` file with `X` and, optionally, `y`, `lengths` and `groups`.

    `X` is a table `(case, feature)` or a 3-D array. With `lengths` (one a case) cases may differ in
    length: `X` is then either padded at the end (3-D) or all frames one after the other
    `(frame, feature)`; tags `y` may be padded or joined in the same way.

    Args:
        path: The file.
        layout: The axes of a 3-D `X`.
        features: As for `load`; may decide the layout.
        target: The name of the array of labels, if it is not `y`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "two.npz")
        ...     np.savez(file, X=np.zeros((5, 2)), y=np.array([0, 1]), lengths=np.array([2, 3]))
        ...     [case.shape for case in read_npz(file, None, None, None).parts[0].X]
        [(2, 2), (3, 2)]
    """
    arrays = _open(path)
    label = target or "y"
    if "X" not in arrays:
        raise DatasetError(
            f"{path} holds the arrays {', '.join(sorted(arrays)) or '(none)'}, and no X.",
            "An array X, and y, lengths and groups where there are such.",
            "Save it with numpy.savez(path, X=X, y=y).",
        )
    if target is not None and target not in arrays:
        raise DatasetError(
            f"{path} has no target {target!r}.",
            f"One of its arrays: {', '.join(sorted(set(arrays) - {'X', 'lengths', 'groups'}))}.",
            "Check the spelling.",
        )
    X, y = arrays["X"], _labels(arrays.get(label))
    if "lengths" in arrays:
        X, y = _cut(path, X, y, arrays["lengths"], layout, features)
    return Found(
        [Part(X, y, arrays.get("groups"))],
        label,
        f"The file {path}.",
        layout=layout,
        no_labels=f": it holds {', '.join(sorted(arrays))}",
    )


def read_folder(folder: Path, layout: str | None, target: str | None) -> Found:
    """Read a folder of `{train,val,test}_data.npy` and their labels.

    Labels are in `{part}_labels.npy` or, for several targets, in `{part}_{target}_labels.npy`; groups
    (subjects) in `{part}_groups.npy`. A file `features.csv` may name the features (see `read_features`).

    Args:
        folder: The folder.
        layout: The axes of 3-D arrays; case-time-feature by default, which is logged.
        target: Which labels, where there are several.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder, "train_data.npy"), np.zeros((3, 5, 2)))
        ...     np.save(Path(folder, "train_walking_labels.npy"), np.array([[0], [1], [1]]))
        ...     read_folder(Path(folder), None, None).target
        'walking'
    """
    present = [part for part in _PARTS if (folder / f"{part}_data.npy").is_file()]
    if not present:
        raise DatasetError(
            f"The folder {folder} has no train_data.npy, val_data.npy or test_data.npy.",
            "At least one of these files, and its labels; or recordings (WAV, FLAC, OGG, MP3).",
            "Rename your files so, or pass a file instead.",
        )
    target = _target(folder, present, target)
    label = f"{target}_labels" if target else "labels"
    parts = []
    for part in present:
        X = _open(folder / f"{part}_data.npy")
        y, groups = (folder / f"{part}_{what}.npy" for what in (label, "groups"))
        parts.append(
            Part(X, _labels(_open(y)) if y.is_file() else None, _open(groups) if groups.is_file() else None)
        )
    if layout is None and parts[0].X.ndim == 3:
        layout = "case-time-feature"
        _log.info("%s: 3-D arrays of shape %s read as %s", folder, parts[0].X.shape, layout)
    names = folder / "features.csv"
    return Found(
        parts,
        target or "label",
        f"The folder {folder}.",
        names if names.is_file() else None,
        layout,
        no_labels=f": no file {present[0]}_{label}.npy",
    )


def _target(folder: Path, present: list[str], target: str | None) -> str:
    """Find out which label files to read; "" where they name no target."""
    found = {
        file.name.removeprefix(f"{part}_").removesuffix("labels.npy").removesuffix("_")
        for part in present
        for file in folder.glob(f"{part}_*labels.npy")
    }
    named = ", ".join(sorted(name or "(without a name: leave target out)" for name in found)) or "none"
    if target is not None and target not in found:
        raise DatasetError(
            f"The folder {folder} has no target {target!r}.",
            f"One of its targets: {named}.",
            f"Check the spelling, or add {present[0]}_{target}_labels.npy.",
        )
    if target is None and len(found) > 1 and "" not in found:
        raise DatasetError(
            f"The folder {folder} has several targets.", f"One of {named}.", "Choose one with target=."
        )
    return target or ("" if "" in found or not found else found.pop())


def _open(path: Path) -> Any:
    """Load an array (or, from `.npz`, a dict of arrays) without ever unpickling."""
    try:
        with path.open("rb") as stream:  # NumPy leaves a broken file open
            loaded = np.load(stream, allow_pickle=False)
            return loaded if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except Exception as error:  # numpy raises many types for a broken file: zip, zlib, EOF, value, OS
        if "allow_pickle" in str(error):
            raise DatasetError(
                f"{path} holds pickled Python objects, which could run code and are never loaded.",
                "Arrays of numbers or text.",
                "For cases of different lengths save all frames joined as X, and lengths beside them.",
            ) from error
        raise DatasetError(
            f"{path} cannot be read as NumPy data: {error}.",
            "A whole .npy or .npz file.",
            "Check that it was copied whole.",
        ) from error


def _labels(y: Any) -> Any:
    """Squeeze a column of labels; make a list of tags of a `(case, time)` array."""
    if y is None:
        return None
    if y.ndim == 3 and y.shape[2] == 1:
        y = y[:, :, 0]
    if y.ndim == 2:
        return y[:, 0] if y.shape[1] == 1 else list(y)
    return y


def _cut(
    path: Path, X: np.ndarray, y: Any, lengths: np.ndarray, layout: str | None, features: Any
) -> tuple[Any, Any]:
    """Cut padded or joined frames (and tags) into cases."""
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or X.ndim not in (2, 3) or (lengths < 0).any():
        raise DatasetError(
            f"{path}: lengths of shape {lengths.shape} and type {lengths.dtype} for X of shape {X.shape}.",
            "One whole number a case, and X of 2 or 3 dimensions.",
            "Correct the file.",
        )
    ends = np.cumsum(lengths)
    if X.ndim == 3 and choose_layout(X.shape, layout, features) == "case-feature-time":
        X = X.transpose(0, 2, 1)
    fits = (
        len(X) == len(lengths) and lengths.max(initial=0) <= X.shape[1] if X.ndim == 3 else len(X) == ends[-1]
    )
    if not fits:
        raise DatasetError(
            f"{path}: {len(lengths)} lengths of up to {lengths.max(initial=0)} frames, {lengths.sum()} "
            f"in all, for X of shape {X.shape}.",
            "A padded X with one case a length, or an X with as many frames as the lengths sum to.",
            "Correct the lengths.",
        )
    cases = [case[:n] for case, n in zip(X, lengths, strict=True)] if X.ndim == 3 else np.split(X, ends[:-1])
    if isinstance(y, list):
        y = [tags[:n] for tags, n in zip(y, lengths, strict=False)]
    elif y is not None and X.ndim == 2 and len(y) == ends[-1] != len(lengths):
        y = np.split(y, ends[:-1])
    return as_sequences(cases, features=features), y
