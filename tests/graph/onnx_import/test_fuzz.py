"""Whatever is done to a model, it imports or is refused with an error of ours: nothing else, and no crash."""

import functools

import jax
import numpy as np
import onnx
import onnx.helper as oh
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_models import model, value

from antiphon.errors import AntiphonError
from antiphon.graph.onnx_import import from_onnx

QUIET = dict.fromkeys(("deadline", "database")) | {"suppress_health_check": list(HealthCheck)}
OPERATORS = sorted({s.name for s in onnx.defs.get_all_schemas() if s.domain == ""})


def f(*shape):
    return np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def images():
    nodes = [
        oh.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        oh.make_node("Relu", ["c"], ["r"]),
        oh.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        oh.make_node("Shape", ["p"], ["s"]),
        oh.make_node("Slice", ["s", "zero", "one"], ["n"]),
        oh.make_node("Concat", ["n", "rest"], ["shape"], axis=0),
        oh.make_node("Reshape", ["p", "shape"], ["flat"]),
        oh.make_node("Gemm", ["flat", "v"], ["g"], transB=1),
        oh.make_node("Softmax", ["g"], ["y"], axis=-1),
    ]
    weights = {
        "w": f(3, 2, 3, 3), "b": f(3), "v": f(4, 12), "zero": np.asarray([0]), "one": np.asarray([1]),
        "rest": np.asarray([-1]),
    }  # fmt: skip
    return model(nodes, [value("x", shape=["n", 2, 4, 4])], [value("y", shape=["n", 4])], weights)


def sequences():
    turn = oh.make_graph(
        [
            oh.make_node("Add", ["a", "k"], ["a2"]),
            oh.make_node("Identity", ["go"], ["go2"]),
            oh.make_node("Mul", ["a2", "k"], ["out"]),
        ],
        "turn",
        [value("t", 7, []), value("go", 9, []), value("a")],
        [value("go2", 9, []), value("a2"), value("out")],
    )
    yes = oh.make_graph([oh.make_node("Neg", ["h"], ["q"])], "yes", [], [value("q")])
    no = oh.make_graph([oh.make_node("Abs", ["h"], ["q"])], "no", [], [value("q")])
    nodes = [
        oh.make_node("LSTM", ["x", "w", "r"], ["", "h"], hidden_size=2, direction="bidirectional"),
        oh.make_node("If", ["c"], ["i"], then_branch=yes, else_branch=no),
        oh.make_node("Loop", ["turns", "", "i"], ["last", "all"], body=turn),
        oh.make_node("ReduceSum", ["all", "axes"], ["sum"], keepdims=0),
        oh.make_node("Twice", ["sum"], ["y"], domain="own"),
    ]
    twice = oh.make_function(
        "own", "Twice", ["a"], ["b"], [oh.make_node("Add", ["a", "a"], ["b"])], [oh.make_opsetid("", 21)]
    )
    weights = {"w": f(2, 8, 3), "r": f(2, 8, 2), "k": f(1), "turns": np.int64(3), "axes": np.asarray([0])}
    inputs = [value("x", shape=[4, 2, 3]), value("c", 9, [])]
    return model(nodes, inputs, ["y"], weights, functions=[twice], domains=["own"])


@functools.cache
def seeds():
    found = [images(), sequences()]
    for proto in found:
        survive(proto)
        assert from_onnx(proto).graph() is not None
    return found


def survive(source):
    """Import and, if that goes, trace on shapes as declared."""
    try:
        net = from_onnx(source)
        examples = []
        for t in net.inputs:
            shape = [2 if not isinstance(s, int) else s for s in t.shape or ()]
            if t.dtype is None or max(shape, default=0) > 64:
                return
            examples.append(np.zeros(shape, t.dtype))
        jax.eval_shape(net, *examples)
    except AntiphonError:
        return


@st.composite
def mutated_bytes(draw):
    data = bytearray(draw(st.sampled_from(seeds())).SerializeToString())
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "repeat", "drop"]))
        if kind == "flip" and data:
            data[place] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[place:]
        elif kind == "insert":
            data[place:place] = draw(st.binary(max_size=8))
        elif kind == "repeat":
            data[place:place] = data[place : place + draw(st.integers(1, 40))]
        else:
            del data[place : place + draw(st.integers(1, 40))]
    return bytes(data)


WHOLE = st.one_of(st.integers(-3, 9), st.sampled_from([-(2**63), -(2**31), 2**31, 2**40, 2**63 - 1]))


def graphs(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs(attribute.g)


def change_node(draw, graph, names):
    node = draw(st.sampled_from(list(graph.node)))
    kind = draw(
        st.sampled_from(["op", "input", "output", "more", "less", "domain", "gone", "twice", "attributes"])
    )
    if kind == "op":
        node.op_type = draw(st.sampled_from(OPERATORS))
    elif kind == "input" and node.input:
        node.input[draw(st.integers(0, len(node.input) - 1))] = draw(names)
    elif kind == "output":
        node.output[0] = draw(names)
    elif kind == "more":
        node.input.append(draw(names))
    elif kind == "less" and node.input:
        del node.input[-1]
    elif kind == "domain":
        node.domain = draw(st.sampled_from(["", "ai.onnx", "own", "com.shop"]))
    elif kind == "gone":
        graph.node.remove(node)
    elif kind == "twice":
        graph.node.append(node)
    elif kind == "attributes":
        change_attribute(draw, node)


def change_attribute(draw, node):
    kind = draw(st.sampled_from(["gone", "new", "value", "type"]))
    if kind == "new":
        name = draw(st.sampled_from(["axis", "axes", "pads", "to", "body", "group", "keepdims"]))
        node.attribute.append(
            oh.make_attribute(name, draw(st.one_of(WHOLE, st.lists(WHOLE, min_size=1, max_size=4))))
        )
    elif node.attribute:
        attribute = draw(st.sampled_from(list(node.attribute)))
        if kind == "gone":
            node.attribute.remove(attribute)
        elif kind == "type":
            attribute.type = draw(st.sampled_from(range(15)))
        else:
            attribute.i, attribute.s = draw(WHOLE), draw(st.binary(max_size=9))
            for place in range(len(attribute.ints)):
                attribute.ints[place] = draw(WHOLE)


def change_tensor(draw, graph):
    if not graph.initializer:
        return
    tensor = draw(st.sampled_from(list(graph.initializer)))
    kind = draw(st.sampled_from(["gone", "dims", "more", "type", "data", "numbers", "outside"]))
    if kind == "gone":
        graph.initializer.remove(tensor)
    elif kind == "dims" and tensor.dims:
        tensor.dims[0] = draw(WHOLE)
    elif kind == "more":
        tensor.dims.append(draw(WHOLE))
    elif kind == "type":
        tensor.data_type = draw(st.sampled_from(range(29)))
    elif kind == "data":
        tensor.raw_data = draw(st.binary(max_size=16))
    elif kind == "numbers" and tensor.data_type == onnx.TensorProto.INT64:
        count = len(tensor.raw_data) // 8
        tensor.raw_data = np.asarray([draw(WHOLE) for _ in range(count)], np.int64).tobytes()
    elif kind == "outside":
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../etc/passwd")


def change_types(draw, proto):
    graph = proto.graph
    kind = draw(st.sampled_from(["element", "size", "no shape", "input", "output", "opset", "function"]))
    tensor = graph.input[0].type.tensor_type if graph.input else None
    if kind == "element" and tensor:
        tensor.elem_type = draw(st.sampled_from(range(29)))
    elif kind == "size" and tensor and tensor.shape.dim:
        tensor.shape.dim[0].dim_value = draw(WHOLE)
    elif kind == "no shape" and tensor:
        tensor.ClearField("shape")
    elif kind == "input" and graph.input:
        graph.input.pop()
    elif kind == "output" and graph.output:
        graph.output[0].name = draw(st.text(max_size=3))
    elif kind == "opset":
        proto.opset_import[0].version = draw(WHOLE)
    elif kind == "function" and proto.functions:
        proto.functions[0].node[0].op_type = draw(st.sampled_from(["Twice", "Neg", "Concat"]))
        proto.functions[0].node[0].domain = draw(st.sampled_from(["own", ""]))


@st.composite
def mutated_models(draw):
    proto = onnx.ModelProto()
    proto.CopyFrom(draw(st.sampled_from(seeds())))
    known = sorted(
        {name for g in graphs(proto.graph) for node in g.node for name in (*node.input, *node.output)}
    )
    names = st.one_of(st.sampled_from(known), st.text(max_size=3))
    for _ in range(draw(st.integers(1, 3))):
        graph = draw(st.sampled_from(list(graphs(proto.graph))))
        kind = draw(st.sampled_from(["node", "node", "tensor", "types"]))
        if kind == "node" and graph.node:
            change_node(draw, graph, names)
        elif kind == "tensor":
            change_tensor(draw, graph)
        else:
            change_types(draw, proto)
    return proto


@settings(max_examples=150, **QUIET)
@given(mutated_bytes())
def test_bytes(data):
    survive(data)


@settings(max_examples=60, **QUIET)
@given(st.binary(max_size=200))
def test_noise(data):
    survive(data)


@settings(max_examples=150, **QUIET)
@given(mutated_models())
def test_models(proto):
    survive(proto)


@pytest.mark.slow
@settings(max_examples=5000, **QUIET)
@given(mutated_bytes())
def test_bytes_at_length(data):
    survive(data)


@pytest.mark.slow
@settings(max_examples=5000, **QUIET)
@given(mutated_models())
def test_models_at_length(proto):
    survive(proto)
