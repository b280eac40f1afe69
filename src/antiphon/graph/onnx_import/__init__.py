"""ONNX models as functions of JAX and as graphs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._model import OnnxModel
from antiphon.graph.onnx_import._program import TensorType

if TYPE_CHECKING:
    import onnx

__all__ = ["OnnxModel", "TensorType", "from_onnx", "supported_operators"]


def from_onnx(model: str | os.PathLike[str] | bytes | onnx.ModelProto) -> OnnxModel:
    """Read an ONNX model.

    Nothing in the model is executed: it is read, checked (every name, operator, attribute and tensor) and
    kept as data. Weights in other files are read from the folder of the model's file only.

    Args:
        model: Path of a file, its bytes, or a model of the package `onnx`.

    Returns:
        A function of JAX, which also gives its `Graph`.

    Raises:
        ImportedModelError: A model that is broken, or uses operators that are not supported; all of
            them are named.

    Example:
        >>> import numpy as np, onnx.helper as oh, onnx.numpy_helper as nh
        >>> w = nh.from_array(np.eye(3, 2, dtype=np.float32), "w")
        >>> x, y = (oh.make_tensor_value_info(n, 1, ["batch", k]) for n, k in (("x", 3), ("y", 2)))
        >>> body = oh.make_graph([oh.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [w])
        >>> model = from_onnx(oh.make_model(body, opset_imports=[oh.make_opsetid("", 21)]))
        >>> model
        OnnxModel(x: float32[batch, 3] -> y: float32[batch, 2])
        >>> model(np.ones((1, 3), np.float32)).tolist()
        [[1.0, 1.0]]
    """
    try:
        from antiphon.graph.onnx_import._load import load
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in ("onnx", "google"):
            raise
        raise ImportedModelError(
            "the package onnx is not installed.", "", "Run: pip install 'antiphon[onnx]'."
        ) from error
    return load(model)


def supported_operators() -> dict[str, tuple[int, int]]:
    """The standard's operators that `from_onnx` has a rule for, each with its first and last version.

    A version of an operator is the opset that last changed it. Operators that the standard itself defines by
    others (the functions among its operators) are imported besides.

    Example:
        >>> supported_operators()["Softmax"]
        (1, 13)
    """
    from antiphon.graph.onnx_import import _run  # noqa: F401 (it fills the table)
    from antiphon.graph.onnx_import._rule import RULES

    return {op: (RULES[op].first, RULES[op].last) for op in sorted(RULES)}
