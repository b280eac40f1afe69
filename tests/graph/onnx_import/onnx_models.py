"""Small ONNX models, and what onnxruntime makes of them."""

import functools

import jax
import numpy as np
import onnx
import onnx.helper as oh
import onnx.numpy_helper as nh
import onnxruntime

FLOAT = onnx.TensorProto.FLOAT


def value(name, dtype=FLOAT, shape=None):
    return oh.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs, outputs, weights=(), opset=21, functions=(), domains=()):
    """A model of nodes; `weights` maps names to arrays; outputs by name get no declared shape."""
    outputs = [value(o) if isinstance(o, str) else o for o in outputs]
    tensors = [nh.from_array(np.asarray(array), name) for name, array in dict(weights).items()]
    graph = oh.make_graph(list(nodes), "g", list(inputs), outputs, tensors)
    imports = [oh.make_opsetid("", opset), *(oh.make_opsetid(d, 1) for d in domains)]
    return oh.make_model(graph, opset_imports=imports, ir_version=10, functions=list(functions))


def one_node(op, inputs, attributes, outputs=1, opset=21, constant=()):
    """A model of one node over arrays, and what it is given; inputs of `constant` are initialisers."""
    names, infos, given, weights = [], [], {}, {}
    for place, array in enumerate(inputs):
        if array is None:
            names.append("")
            continue
        name = f"x{place}"
        names.append(name)
        if place in constant:
            weights[name] = array
        else:
            infos.append(value(name, oh.np_dtype_to_tensor_dtype(array.dtype), array.shape))
            given[name] = array
    wanted = [f"y{k}" for k in range(outputs)] if isinstance(outputs, int) else list(outputs)
    node = oh.make_node(op, names, wanted, name="it", **attributes)
    made = [f for f in wanted if f]
    infer = model([node], infos, [oh.make_empty_tensor_value_info(n) for n in made], weights, opset)
    inferred = onnx.shape_inference.infer_shapes(infer)
    for info, told in zip(infer.graph.output, inferred.graph.output, strict=True):
        info.type.CopyFrom(told.type)
    return infer, given


@functools.cache
def _quiet():
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return options


def session(proto):
    data = proto if isinstance(proto, bytes) else proto.SerializeToString()
    return onnxruntime.InferenceSession(data, _quiet(), providers=["CPUExecutionProvider"])


def reference(proto, given):
    """onnxruntime's outputs."""
    return session(proto).run(None, given)


def assert_same(got, want, rtol=1e-5, atol=1e-5):
    """Same shapes, same kind of numbers, same values."""
    got = got if isinstance(got, tuple) else (got,)
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        assert a.dtype == jax.dtypes.canonicalize_dtype(b.dtype)
        if b.dtype.kind in "iub":
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a.astype(np.float64), b.astype(np.float64), rtol=rtol, atol=atol)
