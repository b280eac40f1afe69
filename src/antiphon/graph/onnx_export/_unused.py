"""Nodes whose results nobody reads."""

from __future__ import annotations

from collections.abc import Sequence

import onnx


def without_unused(
    nodes: Sequence[onnx.NodeProto], wanted: set[str]
) -> tuple[list[onnx.NodeProto], set[str]]:
    """The nodes that are needed, in order, and all names that they read.

    Args:
        nodes: Of one graph; their bodies are changed in place.
        wanted: The graph's outputs.

    Example:
        >>> from onnx import helper
        >>> nodes = [helper.make_node("Neg", ["x"], ["a"]), helper.make_node("Abs", ["x"], ["b"])]
        >>> kept, read = without_unused(nodes, {"b"})
        >>> [node.op_type for node in kept], sorted(read)
        (['Abs'], ['b', 'x'])
    """
    needed, kept = set(wanted), []
    for node in reversed(nodes):
        if not needed.intersection(node.output):
            continue
        kept.append(node)
        needed.update(node.input)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                body = attribute.g
                below, read = without_unused(body.node, {output.name for output in body.output})
                del body.node[:]
                body.node.extend(below)
                needed |= read
    return kept[::-1], needed
