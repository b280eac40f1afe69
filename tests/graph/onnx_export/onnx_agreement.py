"""What JAX gives, and what onnxruntime gives for the exported graph."""

import jax
import numpy as np
import onnx
import onnxruntime

from antiphon.graph import trace
from antiphon.graph.onnx_export import to_onnx


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A model ready to run, on one thread."""
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def run(ready: onnxruntime.InferenceSession, *arrays):
    """The outputs for inputs in order."""
    names = [i.name for i in ready.get_inputs()]
    return ready.run(None, dict(zip(names, map(np.asarray, arrays), strict=True)))


def same(found, expected, tolerance=1e-5):
    """Equal shapes and dtypes, NaN where NaN is expected, and numbers within the tolerance."""
    found, expected = list(found), jax.tree.leaves(expected)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        other = np.asarray(other)
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        if other.dtype.kind == "f":
            # The bound is absolute; where numbers are large, float32 itself is coarser.
            np.testing.assert_allclose(one, other, rtol=2e-6, atol=tolerance)
        else:
            np.testing.assert_array_equal(one, other)


def agrees(f, *arrays, examples=None, tolerance=1e-5, opset=18):
    """Export a function, run it on arrays, and compare with JAX."""
    model = to_onnx(trace(f, *(arrays if examples is None else examples)), opset=opset)
    same(run(session(model), *jax.tree.leaves(arrays)), jax.jit(f)(*arrays), tolerance)
    return model
