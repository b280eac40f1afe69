"""Export to ONNX: a graph as a model that onnxruntime and others run, by a table of rules."""

from antiphon.graph.onnx_export._model import save_onnx, to_onnx

__all__ = ["save_onnx", "to_onnx"]
