"""From what a user gives (a path, bytes, a `ModelProto`) to a `ModelProto`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

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
    _check_text(model)
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        raise ImportedModelError(
            "a model without a graph.", "an ONNX model.", "Check that the file is whole."
        )
    return model, folder


def _check_text(message: Message) -> None:
    """Every name is text: protobuf gives bytes for what is no UTF-8."""
    for field, held in message.ListFields():
        if field.type not in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE):
            continue
        for value in [held] if isinstance(held, str | bytes | Message) else held:
            if isinstance(value, Message):
                _check_text(value)
            elif not isinstance(value, str):
                raise ImportedModelError(
                    f"{field.name} {value[:40]!r}, which is no UTF-8.",
                    "text.",
                    "Check that the file is whole.",
                )
