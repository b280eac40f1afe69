"""From what a user gives (a path, bytes, a `ModelProto`) to a `ModelProto`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

from antiphon.errors import ImportedModelError


def read(source: Any) -> tuple[onnx.ModelProto, Path | None]:
    """The model, and the folder it comes from, if it comes from a file.

    Raises:
        ImportedModelError: No such file, or bytes that are no ONNX model.
    """
    folder = None
    if isinstance(source, onnx.ModelProto):
        model = source
    else:
        told = "the bytes given"
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            told, folder = str(path), path.parent
            try:
                data = path.read_bytes()
            except OSError as error:
                raise ImportedModelError(
                    f"{path} cannot be read: {error.strerror}.", "an ONNX file.", "Check the path."
                ) from error
        elif isinstance(source, bytes | bytearray | memoryview):
            data = bytes(source)
        else:
            raise ImportedModelError(f"a {type(source).__name__}.", "a path, bytes or an onnx.ModelProto.")
        try:
            model = onnx.ModelProto.FromString(data)
        except DecodeError as error:
            raise ImportedModelError(
                f"{told}: {len(data)} bytes that are no ONNX model.", "", "Check that the file is whole."
            ) from error
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        raise ImportedModelError(
            "a model without a graph.", "an ONNX model.", "Check that the file is whole."
        )
    return model, folder
