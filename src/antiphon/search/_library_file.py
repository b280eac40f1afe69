"""A library as one file: words and programs as text and JSON, arrays besides. Reading executes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as dump_arrays

from antiphon._archive import Archive
from antiphon._files import write_atomically
from antiphon.errors import AntiphonError, LanguageError, ModelFileError
from antiphon.language import (
    LANGUAGES,
    Language,
    Program,
    parameters,
    parse_term,
    parse_type,
    print_term,
)
from antiphon.search._abstraction import Abstraction
from antiphon.search._library import Library, Solved
from antiphon.search._modules import Module

_ARCHIVE = Archive(
    "antiphon-library",
    1,
    ("library.txt", "library.json", "arrays.safetensors"),
    "library file",
    "`Library.save`",
    "learn the tasks again",
)


def save_library(path: str | os.PathLike[str], library: Library) -> None:
    """Write a library: to be read in `library.txt`, to be loaded from the other two parts."""
    arrays = {key: array for module in library.modules for key, array in _flat(module).items()}
    described = {
        "modules": [_module(m) for m in library.modules],
        "abstractions": [asdict(a) for a in library.abstractions],
        "solved": [
            {"task": s.task, "score": s.score, "programs": [str(p) for p in s.programs]}
            for s in library.solved
        ],
    }
    members = {
        "library.txt": f"{library}\n".encode(),
        "library.json": json.dumps(described, indent=1, ensure_ascii=False).encode(),
        "arrays.safetensors": dump_arrays(arrays),
    }
    write_atomically(path, _ARCHIVE.pack(members))


def _module(module: Module) -> dict[str, Any]:
    language = module.language
    return {
        "name": module.name,
        "kind": module.kind,
        "task": module.task,
        "score": module.score,
        "text": " ".join(print_term(module.term, language).split()),
        "type": str(module.type),
        "language": language.name,
        "features": list(language.features.items()),
        "groups": {name: list(members) for name, members in language.groups.items()},
        "rate_hz": language.rate_hz,
        "is_table": language.is_table,
    }


def load_library(path: str | os.PathLike[str], languages: Mapping[str, Language] | None) -> Library:
    """Read a library."""
    file = os.fspath(path)
    members = _ARCHIVE.unpack(file)
    try:
        described = json.loads(members["library.json"])
        arrays = load_arrays(members["arrays.safetensors"])
        known = {**LANGUAGES, **(languages or {})}
        return Library(
            tuple(_rebuilt(m, arrays, known) for m in described["modules"]),
            tuple(_abstraction(a) for a in described["abstractions"]),
            tuple(_solved(s, languages) for s in described["solved"]),
        )
    except LanguageError as error:
        raise ModelFileError(
            f"A program in {file!r} cannot be read: {error.got}",
            error.expected,
            "Import the module that defines its language first, or give Library.load(..., languages={...}).",
        ) from error
    except (AntiphonError, SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _ARCHIVE.damaged(file, f"its parts do not fit each other ({error})") from error


def _abstraction(saved: Mapping[str, Any]) -> Abstraction:
    arguments = tuple((str(name), str(role)) for name, role in saved["arguments"])
    name, role, text = (str(saved[key]) for key in ("name", "role", "text"))
    return Abstraction(name, role, arguments, text, bool(saved["is_frames"]), tuple(map(str, saved["tasks"])))


def _solved(saved: Mapping[str, Any], languages: Mapping[str, Language] | None) -> Solved:
    programs = tuple(Program.parse(text, languages) for text in saved["programs"])
    return Solved(str(saved["task"]), float(saved["score"]), programs)


def _rebuilt(
    saved: Mapping[str, Any], arrays: Mapping[str, np.ndarray], known: Mapping[str, Language]
) -> Module:
    name, language = str(saved["name"]), saved["language"]
    if language not in known:
        raise LanguageError(
            f"The language {language!r} is not known here.", f"One of {', '.join(sorted(known))}."
        )
    groups = {group: tuple(members) for group, members in saved["groups"].items()}
    bound = known[language].bind(
        dict(saved["features"]), groups=groups, rate_hz=saved["rate_hz"], is_table=bool(saved["is_table"])
    )
    term = parse_term(saved["text"], bound, parse_type(saved["type"]), complete=True)
    module = Module(name, str(saved["kind"]), term, bound, str(saved["task"]), float(saved["score"]))
    own = {key: array for key, array in arrays.items() if key.startswith(f"{name}/")}
    flat = _flat(module)
    if own.keys() != flat.keys() or any(own[k].tobytes() != flat[k].tobytes() for k in own):
        raise ValueError(f"the text of {name} and its arrays are not the same")
    return module


def _flat(module: Module) -> dict[str, np.ndarray]:
    return {
        f"{module.name}/{path}/{name}": np.ascontiguousarray(array)
        for path, leaf in parameters(module.term).items()
        for name, array in leaf.items()
    }
