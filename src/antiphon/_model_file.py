"""One file for one fitted model: a zip of text, JSON and arrays. Reading it executes nothing.

A file holds `program.txt` (for a program: the text that parses back to it; for a network a description),
`model.json` (what the model is and how it was made), `arrays.safetensors`, and `manifest.json` (the number of
the format and the SHA-256 of each member, against damage; it is no signature).
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as dump_arrays

from antiphon._archive import Archive
from antiphon._files import write_atomically
from antiphon._version import __version__
from antiphon.data import Features
from antiphon.errors import AntiphonError, LanguageError, ModelFileError
from antiphon.estimators import (
    CRFTagger,
    CTCRecogniser,
    HMMClassifier,
    NetworkClassifier,
    NetworkOptions,
    NetworkRegressor,
    NetworkTagger,
    ProgramClassifier,
    ProgramRegressor,
    ProgramTagger,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
    ReservoirClassifier,
    SoundGenerator,
)
from antiphon.language import Language, Output, Program, parameters, sketch
from antiphon.networks import from_arrays, to_arrays

FORMAT = 1
_ARCHIVE = Archive(
    "antiphon-model",
    FORMAT,
    ("program.txt", "model.json", "arrays.safetensors"),
    "model file",
    "`antiphon learn` or `save`",
    "learn the model again",
)
_PACKAGES = ("jax", "numpy", "scikit-learn", "equinox", "optax")
_PROGRAMS = (ProgramClassifier, ProgramRegressor, ProgramTagger)
_KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *_PROGRAMS,
        RecurrentClassifier,
        RecurrentRegressor,
        RecurrentTagger,
        NetworkClassifier,
        NetworkRegressor,
        NetworkTagger,
        HMMClassifier,
        CRFTagger,
        CTCRecogniser,
        ReservoirClassifier,
        SoundGenerator,
    )
}


def save_model(path: str | os.PathLike[str], model: Any, *, details: Mapping[str, Any] | None = None) -> None:
    """Write a fitted estimator of Antiphon to one file, whole or not at all.

    Args:
        path: The file; its folder must exist.
        model: A fitted estimator.
        details: More to keep, as JSON can: the data set, test scores, the command line.

    Raises:
        OutputError: If the file cannot be written.
    """
    if isinstance(model, _PROGRAMS):
        text = str(model.program_)
        arrays = _flat(model.program_)
        own: dict[str, Any] = {
            "sketch": str(sketch(model.program_.term)),
            "language": model.program_.language.name,
            "front": model.programs_.to_dict("records"),
        }
    else:
        arrays = to_arrays(model.network_)
        own = {"network": model.network_.config, "n_iter": model.n_iter_, "curve": model.curve_}
        text = f"{type(model).__name__}: no program, but a network.\n{json.dumps(own['network'], indent=1)}\n"
    output, features = model.output_, model.features_
    described = {
        "kind": type(model).__name__,
        **own,
        "features": {"names": features.names, "units": features.units, "groups": dict(features.groups)},
        "feature_names_in": list(getattr(model, "feature_names_in_", [])),
        "rate_hz": model.rate_hz_,
        "is_table": model.is_table_,
        "sound": None if model.sound_ is None else model.sound_.config,
        "output": asdict(output),
        "classes_type": model.classes_.dtype.str if hasattr(model, "classes_") else None,
        "metric": model.metric_,
        "parameters": _parameters(model),
        "versions": _versions(),
        "details": dict(details or {}),
    }
    described = json.dumps(described, indent=1, default=_as_json, ensure_ascii=False)
    members = {
        "program.txt": text.encode(),
        "model.json": described.encode(),
        "arrays.safetensors": dump_arrays({name: np.ascontiguousarray(a) for name, a in arrays.items()}),
    }
    write_atomically(path, _ARCHIVE.pack(members))


def load_model(path: str | os.PathLike[str], *, languages: Mapping[str, Language] | None = None) -> Any:
    """Read a model that `save` wrote: the fitted estimator, whose predictions are the same to the last bit.

    Nothing in the file is executed. Of a search only the chosen program and the front are kept.

    Args:
        path: The file.
        languages: Name -> language, for programs in a language of your own that is not yet imported.

    Raises:
        ModelFileError: If the file is missing, truncated, tampered with, foreign or of a newer format.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from antiphon import RecurrentRegressor
        >>> X = [np.full((3, 1), number, np.float32) for number in range(8)]
        >>> model = RecurrentRegressor(hidden=2, epochs=1, random_state=0).fit(X, range(8))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "model.antiphon")
        ...     again = load_model(model.save(file) and file)
        >>> bool((again.predict(X) == model.predict(X)).all())
        True
    """
    file = os.fspath(path)
    members = _ARCHIVE.unpack(file)
    try:
        described = json.loads(members["model.json"])
        arrays = load_arrays(members["arrays.safetensors"])
        return _rebuild(described, members["program.txt"].decode(), arrays, languages)
    except LanguageError as error:
        raise ModelFileError(
            f"The program in {file!r} cannot be read: {error.got}",
            error.expected,
            "Import the module that defines its language first, or give load_model(..., languages={...}).",
        ) from error
    except ModelFileError as error:
        raise ModelFileError(f"{file!r}: {error.got}", error.expected, error.advice) from error
    except (AntiphonError, SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _ARCHIVE.damaged(
            file, f"its parts do not fit each other ({type(error).__name__}: {error})"
        ) from error


def _rebuild(
    described: dict[str, Any],
    text: str,
    arrays: dict[str, np.ndarray],
    languages: Mapping[str, Language] | None,
) -> Any:
    kind = described["kind"]
    if kind not in _KINDS:
        raise ModelFileError(
            f"A model of the kind {kind!r}.", f"One of {', '.join(_KINDS)}.", "Update Antiphon."
        )
    given = described["features"]
    features = Features(given["names"], given["units"], given["groups"])
    model: Any = _KINDS[kind](**_restored(described["parameters"], _KINDS[kind], features))
    model.features_, model.n_features_in_ = features, len(features)
    model.rate_hz_, model.is_table_ = described["rate_hz"], described["is_table"]
    if described.get("sound") is not None:
        from antiphon.audio import SoundFeatures

        model.sound_ = SoundFeatures(**described["sound"])
        if model.sound_.names != features.names and not described["parameters"].get("features"):
            raise ModelFileError(
                "The features of sound are not those that the model reads.",
                "Both as they were saved.",
                "Get the file again, or learn the model again.",
            )
    if described["feature_names_in"]:
        model.feature_names_in_ = np.array(described["feature_names_in"], dtype=object)
    saved = described["output"]
    output = Output(saved["task"], tuple(saved["classes"]), saved["threshold"], tuple(saved["targets"]))
    if issubclass(_KINDS[kind], _PROGRAMS):
        import pandas as pd

        program = Program.parse(text, languages)
        if not _same(_flat(program), arrays) or program.output != output:
            raise ModelFileError(
                "The program's text and its arrays are not the same program.",
                "Both parts as they were saved.",
                "Get the file again, or learn the model again.",
            )
        model.program_, output = program, program.output
        model.programs_ = pd.DataFrame(described["front"])
    else:
        model.network_ = from_arrays(described["network"], arrays)
        model.n_iter_, model.curve_ = described["n_iter"], described["curve"]
    model.output_, model.metric_ = output, described["metric"]
    if described["classes_type"] is not None:
        type_ = np.dtype(described["classes_type"])
        if type_.kind not in "biufU":
            raise ModelFileError(f"Classes of type {type_}.", "Numbers or text.", "Save the model again.")
        model.classes_ = np.array(output.classes, dtype=type_)
    return model


def _parameters(model: Any) -> dict[str, Any]:
    """The parameters of an estimator as far as JSON can keep them."""
    found = {}
    for name, value in model.get_params(deep=False).items():
        if isinstance(value, Language):
            value = value.name
        elif name == "features":
            value = value is not None
        elif isinstance(value, Mapping):
            value = [[_as_json(k), v] for k, v in value.items()]
        elif is_dataclass(value) and not isinstance(value, type):
            value = asdict(value)
        elif isinstance(value, np.random.RandomState):
            value = None
        found[name] = value
    return found


def _restored(saved: Mapping[str, Any], kind: type, features: Features) -> dict[str, Any]:
    found = dict(saved)
    if "features" in found:
        found["features"] = features if found["features"] else None
    for name in ("class_weight", "settings"):
        if isinstance(found.get(name), list):
            found[name] = dict(found[name])
    if found.get("options") is not None:
        if issubclass(kind, _PROGRAMS):
            from antiphon.search import Settings

            found["options"] = Settings(**found["options"])
        else:
            found["options"] = getattr(kind, "options_type", NetworkOptions)(**found["options"])
    return found


def _flat(program: Program) -> dict[str, np.ndarray]:
    return {
        f"{path}/{name}": np.asarray(array)
        for path, leaf in parameters(program.term).items()
        for name, array in leaf.items()
    }


def _same(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(
        a.dtype == other[name].dtype and a.shape == other[name].shape and a.tobytes() == other[name].tobytes()
        for name, a in one.items()
    )


def _as_json(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    return str(value)


def _versions() -> dict[str, str]:
    found = {"antiphon": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # installed in a way that leaves no record
            continue
    return found
