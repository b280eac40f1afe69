"""Attributes of nodes, as Python and NumPy values, checked against what the standard says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import onnx.defs

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._program import Node, Reference
from antiphon.graph.onnx_import._tensor import sparse, tensor

Kind = onnx.AttributeProto


def plain(
    attribute: onnx.AttributeProto, folder: Path | None, read_graph: Callable[[onnx.GraphProto], Any] | None
) -> Any:
    """The value of an attribute.

    Raises:
        ImportedModelError: A kind of attribute that is not supported, or text that is no UTF-8.
    """
    if attribute.ref_attr_name:
        return Reference(attribute.ref_attr_name)
    kind = attribute.type
    if kind == Kind.FLOAT:
        return attribute.f
    if kind == Kind.INT:
        return attribute.i
    if kind in (Kind.STRING, Kind.STRINGS):
        try:
            return (
                attribute.s.decode() if kind == Kind.STRING else tuple(s.decode() for s in attribute.strings)
            )
        except UnicodeDecodeError as error:
            raise ImportedModelError(f"attribute {attribute.name!r} holds text that is no UTF-8.") from error
    if kind == Kind.FLOATS:
        return tuple(attribute.floats)
    if kind == Kind.INTS:
        return tuple(attribute.ints)
    if kind == Kind.TENSOR:
        return tensor(attribute.t, folder)
    if kind == Kind.SPARSE_TENSOR:
        return sparse(attribute.sparse_tensor, folder)
    if kind == Kind.GRAPH and read_graph is not None:
        return read_graph(attribute.g)
    if kind == Kind.TYPE_PROTO:
        return None  # the element type of an empty sequence, which Python does not need
    raise ImportedModelError(
        f"attribute {attribute.name!r} of kind {kind}.", "a number, text, a tensor or a graph."
    )


def attributes_of(
    node: Node, proto: onnx.NodeProto, schema: onnx.defs.OpSchema, value: Callable[[onnx.AttributeProto], Any]
) -> dict[str, Any]:
    """The attributes of a node, with the standard's defaults for those it leaves out.

    Raises:
        ImportedModelError: An attribute that the operator has not, or of another kind, or one missing; or a
            number of inputs or outputs that it has not.
    """
    for what, got, low, high in (
        ("inputs", len(node.inputs), schema.min_input, schema.max_input),
        ("outputs", len(node.outputs), schema.min_output, schema.max_output),
    ):
        if not low <= got <= high:
            raise ImportedModelError(f"{node} has {got} {what}.", f"{low} to {high}.")
    found: dict[str, Any] = {}
    for attribute in proto.attribute:
        name = attribute.name
        told = schema.attributes.get(name)
        if told is None:
            raise ImportedModelError(
                f"{node} has an attribute {name!r}.",
                f"one of {', '.join(sorted(schema.attributes)) or 'none'} (version {schema.since_version}).",
            )
        if name in found:
            raise ImportedModelError(f"{node} has its attribute {name!r} twice.", "once.")
        kind = int(told.type.value)  # pyright: ignore[reportAttributeAccessIssue] (an enum, says onnx)
        if not attribute.ref_attr_name and attribute.type != kind:
            raise ImportedModelError(
                f"{node} has an attribute {name!r} of kind {attribute.type}.", f"kind {kind}."
            )
        found[name] = value(attribute)
        if isinstance(found[name], Reference) and told.default_value.type:
            found[name] = Reference(found[name].name, value(told.default_value))
    for name, told in schema.attributes.items():
        if name in found:
            continue
        if told.required:
            raise ImportedModelError(f"{node} has no attribute {name!r}.", "that it is given.")
        if told.default_value.type:
            found[name] = value(told.default_value)
    return found
