"""The whole import: read, check, build."""

from __future__ import annotations

from typing import Any

import onnx

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._build import Builder
from antiphon.graph.onnx_import._dtype import dtype_of
from antiphon.graph.onnx_import._model import OnnxModel, check_declared
from antiphon.graph.onnx_import._program import TensorType
from antiphon.graph.onnx_import._read import read


def load(source: Any) -> OnnxModel:
    """The model of a path, bytes or a `ModelProto`; see `from_onnx`."""
    proto, folder = read(source)
    body = Builder(proto, folder).build()
    given = [declared(v) for v in proto.graph.input]
    made = [declared(v, typed=False) for v in proto.graph.output]
    check_declared([*given, *made])
    return OnnxModel(
        body,
        [t for t in given if t.name not in body.constants],
        made,
        [t for t in given if t.name in body.constants],
    )


def declared(value: onnx.ValueInfoProto, typed: bool = True) -> TensorType:
    """What a model declares of an input or output.

    Args:
        value: The declaration.
        typed: Whether it must have a type, as an input must.

    Raises:
        ImportedModelError: A type that is no tensor of numbers and no sequence.
    """
    kind = value.type.WhichOneof("value")
    if kind in ("sequence_type", "optional_type") or (kind is None and not typed):
        return TensorType(value.name, None, None)
    if kind != "tensor_type":
        raise ImportedModelError(f"{value.name!r} is of type {kind}.", "a tensor.")
    tensor = value.type.tensor_type
    try:
        dtype = dtype_of(tensor.elem_type)
    except ImportedModelError as error:
        raise ImportedModelError(f"{value.name!r} holds {error.got}", error.expected) from error
    if not tensor.HasField("shape"):
        return TensorType(value.name, None, dtype)
    shape: list[int | str | None] = []
    for size in tensor.shape.dim:
        shape.append(size.dim_value if size.HasField("dim_value") else size.dim_param or None)
    return TensorType(value.name, tuple(shape), dtype)
