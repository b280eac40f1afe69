"""Export to ONNX: a graph as a model that onnxruntime and others run, by a table of rules."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from antiphon._files import write_atomically
from antiphon.errors import ExportError
from antiphon.graph._graph import Graph

if TYPE_CHECKING:
    import onnx

__all__ = ["save_onnx", "to_onnx"]


def to_onnx(
    graph: Graph,
    *,
    opset: int = 18,
    name: str = "",
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    text: str = "",
    metadata: Mapping[str, str] | None = None,
) -> onnx.ModelProto:
    """An ONNX model that computes what a graph does.

    Named sizes of the graph (`jax.export.symbolic_shape`) stay open: one model then serves any number of
    frames and any batch.

    Args:
        graph: As `antiphon.graph.trace` gives it.
        opset: Version of ONNX's operators, from 18 on.
        name: Of the model; the graph's own if it is left out.
        input_names: One for each input of the graph; their own if left out.
        output_names: One for each output; `output`, or `output_0`, `output_1` and so on if left out.
        text: What people read in the model, such as the text of a program.
        metadata: Kept in the model as it is, such as `{"features": "speed [cm/s], angle [rad]"}`.

    Returns:
        The model, checked by ONNX's own checker.

    Raises:
        ExportError: If something in the graph has no form in ONNX (names primitive, equation and line), if
            names are too few, too many or double, if the opset is not known, or without the package onnx.

    Example:
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> model = to_onnx(trace(lambda x: jnp.tanh(x).sum(0), jnp.ones((5, 2))))
        >>> [node.op_type for node in model.graph.node]
        ['Tanh', 'ReduceSum']
    """
    try:
        from antiphon.graph.onnx_export._model import build
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in ("onnx", "google"):
            raise
        raise ExportError(
            "The package onnx is not installed.", "", "Run: pip install 'antiphon[onnx]'."
        ) from error
    return build(graph, opset, name, input_names, output_names, text, metadata or {})


def save_onnx(
    graph: Graph,
    path: str | os.PathLike[str],
    *,
    opset: int = 18,
    name: str = "",
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    text: str = "",
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a graph as an ONNX file, whole or not at all.

    Args:
        graph: As `antiphon.graph.trace` gives it.
        path: The file.
        opset: As for `to_onnx`, like all that follow.
        name: Of the model.
        input_names: One for each input.
        output_names: One for each output.
        text: What people read in the model.
        metadata: Kept in the model as it is.

    Raises:
        ExportError: As `to_onnx`.
        OutputError: If the file cannot be written.

    Example:
        >>> import tempfile, pathlib, onnx, jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "double.onnx")
        ...     save_onnx(trace(lambda x: 2 * x, jnp.ones(3)), path)
        ...     onnx.load(path).producer_name
        'antiphon'
    """
    model = to_onnx(
        graph,
        opset=opset,
        name=name,
        input_names=input_names,
        output_names=output_names,
        text=text,
        metadata=metadata,
    )
    write_atomically(path, model.SerializeToString(deterministic=True))
