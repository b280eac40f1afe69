"""A broken or unsupported model is a clear error that names the place."""

import os
import sys

import numpy as np
import onnx
import onnx.helper as oh
import onnx.numpy_helper as nh
import pytest
from onnx_models import FLOAT, model, value

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import import from_onnx

NEG = oh.make_node("Neg", ["x"], ["y"])
X = value("x", shape=[2])


def refused(proto, match):
    with pytest.raises(ImportedModelError, match=match):
        from_onnx(proto)


def broken(change):
    """A sound model with something done to it."""
    proto = model(
        [oh.make_node("Add", ["x", "w"], ["y"], name="sum")], [X], ["y"], {"w": np.ones(2, np.float32)}
    )
    change(proto)
    return proto


def test_unknown_operators_are_all_named():
    nodes = [
        oh.make_node("Neg", ["x"], ["a"]),
        oh.make_node("FancyOp", ["a"], ["b"], name="first", domain="com.shop"),
        oh.make_node("StringNormalizer", ["b"], ["c"], name="second"),
        oh.make_node("Unheard", ["c"], ["y"]),
    ]
    with pytest.raises(ImportedModelError) as caught:
        from_onnx(model(nodes, [X], ["y"], domains=["com.shop"]))
    told = str(caught.value)
    for part in (
        "FancyOp of com.shop, opset 1, at node 'first'",
        "StringNormalizer (ai.onnx 21, node 'second')",
        "Unheard",
    ):
        assert part in told


def test_an_operator_of_a_later_version_is_not_guessed(monkeypatch):
    from antiphon.graph.onnx_import._rule import RULES, Rule

    monkeypatch.setitem(RULES, "Neg", Rule("Neg", RULES["Neg"].apply, 6, 6))
    refused(model([NEG], [X], ["y"]), "operator Neg of ai.onnx, opset 21")


def test_unknown_operators_in_nested_graphs_are_named():
    body = oh.make_graph([oh.make_node("Unheard", ["x"], ["b"], name="inner")], "body", [], [value("b")])
    node = oh.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body)
    refused(model([node], [X, value("c", onnx.TensorProto.BOOL, [])], ["y"]), "Unheard.*inner")


def test_cycles_are_named():
    nodes = [
        oh.make_node("Add", ["x", "b"], ["a"], name="one"),
        oh.make_node("Neg", ["a"], ["b"], name="two"),
        oh.make_node("Neg", ["b"], ["y"], name="after"),
    ]
    refused(model(nodes, [X], ["y"]), "wait for each other: 'one', 'two'")


def test_a_cycle_through_a_nested_graph():
    body = oh.make_graph([oh.make_node("Neg", ["y"], ["b"])], "body", [], [value("b")])
    node = oh.make_node("If", ["c"], ["y"], name="loop", then_branch=body, else_branch=body)
    refused(model([node], [value("c", onnx.TensorProto.BOOL, [])], ["y"]), "wait for each other: 'loop'")


def test_missing_weights():
    refused(broken(lambda p: p.graph.ClearField("initializer")), "'sum'.*reads 'w'.*all its weights")


def test_missing_weights_in_a_nested_graph():
    body = oh.make_graph([oh.make_node("Add", ["x", "lost"], ["b"])], "body", [], [value("b")])
    node = oh.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body)
    refused(model([node], [X, value("c", onnx.TensorProto.BOOL, [])], ["y"]), "reads 'lost'")


def test_an_output_that_nothing_computes():
    refused(model([NEG], [X], ["z"]), "'z', which nothing")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda p: p.graph.node.append(oh.make_node("Neg", ["x"], ["y"])), "'y' is defined twice"),
        (lambda p: p.graph.node.append(oh.make_node("Neg", ["x"], ["x"])), "'x' is defined twice"),
        (lambda p: p.graph.initializer.append(p.graph.initializer[0]), "two initialisers of the name 'w'"),
        (lambda p: p.graph.initializer[0].ClearField("name"), "without a name"),
        (lambda p: p.graph.input.append(X), "two inputs of one name"),
        (lambda p: p.ClearField("opset_import"), "whose opset the model does not import"),
        (lambda p: setattr(p.opset_import[0], "version", 9999), "opset 9999"),
        (lambda p: setattr(p.opset_import[0], "version", 0), "opset 0"),
        (lambda p: p.graph.node[0].input.append("x"), "3 inputs"),
        (lambda p: p.graph.node[0].output.append("z"), "2 outputs"),
        (lambda p: p.graph.node[0].attribute.append(oh.make_attribute("axis", 1)), "attribute 'axis'"),
        (lambda p: setattr(p.graph.input[0].type.tensor_type, "elem_type", 8), "'x' holds tensors of text"),
        (lambda p: setattr(p.graph.input[0].type.tensor_type, "elem_type", 99), "element type 99"),
        (lambda p: p.graph.input[0].ClearField("type"), "'x' is of type None"),
        (
            lambda p: setattr(p.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", -3),
            "declared with shape",
        ),
        (lambda p: p.ClearField("graph"), "without a graph"),
    ],
)
def test_broken_structure(change, match):
    refused(broken(change), match)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: setattr(t, "raw_data", b"123"), "with 3 bytes.*8 bytes"),
        (lambda t: t.dims.append(5), r"\(2, 5\) with 8 bytes"),
        (lambda t: t.dims.append(-1), "negative|0 or more"),
        (lambda t: t.dims.extend([2**40, 2**40]), "with 8 bytes"),
        (lambda t: t.ClearField("raw_data"), "with 0 values"),
        (lambda t: setattr(t, "data_type", 8), "text"),
        (lambda t: setattr(t, "data_type", 0), "element type 0"),
        (lambda t: setattr(t.segment, "begin", 1), "segments"),
    ],
)
def test_broken_tensors(change, match):
    refused(broken(lambda p: change(p.graph.initializer[0])), match)


def test_values_that_their_type_cannot_hold():
    tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.INT8, dims=[1], int32_data=[1000])
    refused(broken(lambda p: p.graph.initializer[0].CopyFrom(tensor)), "'w' of int8 with values from 1000")


def test_attributes():
    node = oh.make_node("Softmax", ["x"], ["y"], axis=1)
    node.attribute.append(node.attribute[0])
    refused(model([node], [X], ["y"]), "'axis' twice")
    refused(model([oh.make_node("Softmax", ["x"], ["y"], axis=1.5)], [X], ["y"]), "'axis' of kind")
    refused(model([oh.make_node("Concat", ["x"], ["y"])], [X], ["y"]), "no attribute 'axis'")
    text = oh.make_node("Gelu", ["x"], ["y"])
    text.attribute.append(
        onnx.AttributeProto(name="approximate", type=onnx.AttributeProto.STRING, s=b"\xff\xfe")
    )
    refused(model([text], [X], ["y"]), "no UTF-8")
    odd = onnx.AttributeProto(name="by", type=onnx.AttributeProto.TENSORS)
    function = oh.make_function(
        "own", "F", ["a"], ["b"], [oh.make_node("Neg", ["a"], ["b"])], [oh.make_opsetid("", 21)]
    )
    call = oh.make_node("F", ["x"], ["y"], domain="own")
    call.attribute.append(odd)
    refused(model([call], [X], ["y"], functions=[function], domains=["own"]), "attribute 'by' of kind")


def function(name, calls, inputs=("a",)):
    nodes = [oh.make_node(c, ["a"], [f"b{k}"], domain="own") for k, c in enumerate(calls)]
    imports = [oh.make_opsetid("", 21), oh.make_opsetid("own", 1)]
    return oh.make_function("own", name, list(inputs), [f"b{len(calls) - 1}"], nodes, imports)


def test_functions_that_call_each_other_for_ever():
    functions = [function("F", ["G"]), function("G", ["F"])]
    call = oh.make_node("F", ["x"], ["y"], domain="own")
    refused(model([call], [X], ["y"], functions=functions, domains=["own"]), "from within itself")


def test_functions_that_write_out_to_too_much():
    """Each of 40 functions calls the next twice: 2**40 nodes in all."""
    functions = [function(f"F{k}", [f"F{k + 1}"] * 2) for k in range(40)]
    last = oh.make_function(
        "own", "F40", ["a"], ["b"], [oh.make_node("Neg", ["a"], ["b"])], [oh.make_opsetid("", 21)]
    )
    call = oh.make_node("F0", ["x"], ["y"], domain="own")
    refused(
        model([call], [X], ["y"], functions=[*functions, last], domains=["own"]), "write out to more than"
    )


def test_functions_called_with_too_much():
    neg = oh.make_function(
        "own", "F", ["a"], ["b"], [oh.make_node("Neg", ["a"], ["b"])], [oh.make_opsetid("", 21)]
    )
    call = oh.make_node("F", ["x", "x"], ["y"], domain="own")
    refused(model([call], [X], ["y"], functions=[neg], domains=["own"]), "2 inputs")
    double = oh.make_function("own", "F", ["a", "a"], ["b"], list(neg.node), [oh.make_opsetid("", 21)])
    refused(model([call], [X], ["y"], functions=[double], domains=["own"]), "two inputs of one name")


# Files.


def external(location, tmp_path, data=b"\0" * 8, **entries):
    tensor = onnx.TensorProto(name="w", data_type=FLOAT, dims=[2], data_location=onnx.TensorProto.EXTERNAL)
    for key, text in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(text))
    proto = broken(lambda p: p.graph.initializer[0].CopyFrom(tensor))
    folder = tmp_path / "model"
    folder.mkdir(exist_ok=True)
    (folder / "w.bin").write_bytes(data)
    (tmp_path / "secret.bin").write_bytes(b"\0" * 8)
    path = folder / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_external_data_are_read(tmp_path):
    data = b"\0" * 4 + np.asarray([1, 2], np.float32).tobytes()
    got = from_onnx(external("w.bin", tmp_path, data, offset=4, length=8))
    assert got.parameters["w"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "location", ["../secret.bin", "a/../../secret.bin", "/etc/hostname", "", ".", "link.bin"]
)
def test_external_data_stay_in_their_folder(tmp_path, location):
    path = external(location, tmp_path)
    os.symlink(tmp_path / "secret.bin", tmp_path / "model" / "link.bin")
    refused(path, "a file in the folder of the model")


@pytest.mark.parametrize(
    ("location", "entries", "match"),
    [
        ("gone.bin", {}, "'gone.bin', which is missing"),
        ("w.bin", {"offset": 4}, "takes 8 bytes from 4"),
        ("w.bin", {"offset": -4}, "from -4"),
        ("w.bin", {"length": 4}, "takes 4 bytes.*8 bytes"),
        ("w.bin", {"length": "many"}, "broken reference"),
        ("w\0.bin", {}, "broken reference|missing"),
    ],
)
def test_external_data_that_are_wrong(tmp_path, location, entries, match):
    refused(external(location, tmp_path, **entries), match)


def test_external_data_need_a_folder(tmp_path):
    refused(external("w.bin", tmp_path).read_bytes(), "path of the model's file")


def test_sources_that_are_none(tmp_path):
    refused(tmp_path / "none.onnx", "none.onnx cannot be read")
    refused(tmp_path, "cannot be read")
    refused(b"", "without a graph")
    refused(b"\xff\xff not a model", "no ONNX model")
    refused(3, "a int.*a path")
    refused(broken(lambda p: None).SerializeToString()[:-7], "no ONNX model")
    refused(
        broken(lambda p: None).SerializeToString().replace(b"Add", b"A\xffd"),
        r"op_type b'A\\xffd', which is no UTF-8",
    )


def test_without_the_package(monkeypatch):
    for name in [m for m in sys.modules if m.startswith("antiphon.graph.onnx_import._load")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    refused(b"", r"pip install 'antiphon\[onnx\]'")


# Sparse weights.


def sparse(places, values=(5.0, 7.0), dims=(2, 3)):
    tensor = oh.make_sparse_tensor(
        nh.from_array(np.asarray(values, np.float32), "w"), nh.from_array(np.asarray(places), "i"), list(dims)
    )
    proto = model([oh.make_node("Add", ["x", "w"], ["y"])], [value("x", shape=[2, 3])], ["y"])
    proto.graph.sparse_initializer.append(tensor)
    return proto


@pytest.mark.parametrize("places", [[1, 5], [[0, 1], [1, 2]]])
def test_sparse_weights(places):
    assert from_onnx(sparse(places)).parameters["w"].tolist() == [[0, 5, 0], [0, 0, 7]]


@pytest.mark.parametrize(
    ("places", "dims", "match"),
    [
        ([1, 6], (2, 3), "outside its shape"),
        ([[0, 1], [-1, 2]], (2, 3), "outside its shape"),
        ([1, 2, 3], (2, 3), "indices"),
        ([1, 2], (2**40, 3), "elements"),
    ],
)
def test_broken_sparse_weights(places, dims, match):
    refused(sparse(places, dims=dims), match)


# What only a call can tell.


def f(*shape):
    return np.ones(shape, np.float32)


def i(*values):
    return np.asarray(values, np.int64)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "match"),
    [
        ("MatMul", [f(2, 3), f(4, 5)], {}, "'it' .MatMul, version 13. on float32.2, 3., float32.4, 5."),
        ("Add", [f(2), f(3)], {}, "Add"),
        ("Softmax", [f(2)], {"axis": 3}, "axis 3 of an array of rank 1"),
        ("Reshape", [f(4), i(3, -1)], {}, "Reshape"),
        ("Reshape", [f(4), i(2, -2)], {}, "negative size"),
        ("Reshape", [f(4), i(4, 0)], {}, "copies axis 1"),
        ("Flatten", [f(2, 3)], {"axis": 4}, "axis 4"),
        ("Squeeze", [f(1, 1), i(0, 0)], {}, "comes twice"),
        ("Expand", [f(2), i(3)], {}, "do not fit together"),
        ("Expand", [f(1), i(2**40)], {}, "at most 268435456 elements"),
        ("Tile", [f(2), i(2**40)], {}, "at most"),
        ("Tile", [f(2), i(1, 2)], {}, "2 repeats"),
        ("ConstantOfShape", [i(2**20, 2**20)], {}, "at most"),
        ("ConstantOfShape", [i(-2)], {}, "negative size"),
        ("ConstantOfShape", [i(2)], {"value": nh.from_array(f(2))}, "2 values to fill with"),
        ("Range", [i(0)[0], i(2**40)[0], i(1)[0]], {}, "at most"),
        ("Range", [i(0)[0], i(3)[0], i(0)[0]], {}, "step 0"),
        ("Pad", [f(2), i(1)], {}, "1 pads for 1 axes"),
        ("Pad", [f(2), i(0, 2**40)], {}, "at most"),
        ("Pad", [f(2), i(1, 1)], {"mode": "odd"}, "mode 'odd'"),
        ("Slice", [f(2), i(0), i(2), i(0), i(0)], {}, "step 0"),
        ("Slice", [f(2), i(0, 1), i(2)], {}, "Slice"),
        ("Split", [f(5), i(2, 2)], {}, "parts"),
        ("Gather", [f(3), i(3)], {}, "indices from 3 to 3"),
        ("GatherND", [f(3), i(0, 1).reshape(1, 2)], {}, "2 indices a row"),
        ("ScatterElements", [f(3), i(0), f(2)], {}, "one shape"),
        ("ScatterND", [f(3), i(0).reshape(1, 1), f(1)], {"reduction": "odd"}, "reduction 'odd'"),
        ("OneHot", [i(1), np.int64(2**40), f(2)], {}, "at most"),
        ("TopK", [f(3), i(4)], {}, "4 largest of 3"),
        ("CumSum", [f(3), i(0, 0)], {}, "2 axes"),
        ("Gelu", [f(3)], {"approximate": "odd"}, "approximate='odd'"),
        ("Conv", [f(1, 2, 5), f(3, 2, 2, 2)], {}, "one rank"),
        ("Conv", [f(1, 2, 5), f(3, 2, 2)], {"strides": [0]}, "1 or more"),
        ("Conv", [f(1, 2, 5), f(3, 2, 2)], {"pads": [1]}, "pads"),
        ("Conv", [f(1, 2, 5), f(3, 2, 2)], {"auto_pad": "ODD"}, "auto_pad 'ODD'"),
        ("Conv", [f(*[1] * 9), f(*[1] * 9)], {}, "7 axes"),
        ("MaxPool", [f(3, 3)], {"kernel_shape": [2]}, "batch, channel"),
        ("GroupNormalization", [f(2, 3, 4), f(3), f(3)], {"num_groups": 2}, "2 groups of 3 channels"),
        ("Dropout", [f(3), np.float32(0.5), np.asarray(True)], {}, "while training"),
        ("Resize", [f(1, 1, 2, 2)], {}, "neither scales nor sizes"),
        ("Resize", [f(1, 2), None, f(1)], {}, "scales"),
        ("Resize", [f(1, 2), None, f(2)], {"mode": "odd"}, "mode 'odd'"),
        ("Resize", [f(1, 2), None, 2 * f(2)], {"coordinate_transformation_mode": "odd"}, "mode 'odd'"),
        ("Resize", [f(1, 2), None, 2 * f(2)], {"nearest_mode": "odd"}, "nearest_mode 'odd'"),
        ("Resize", [f(1, 2), None, 1e9 * f(2)], {}, "at most"),
        ("RNN", [f(5, 2, 3), f(1, 4, 3), f(1, 4, 4)], {"direction": "up"}, "direction 'up'"),
        ("RNN", [f(5, 2, 3), f(1, 4, 3), f(1, 4, 4)], {"activations": ["Odd"]}, "activation 'Odd'"),
        ("RNN", [f(5, 2, 3), f(1, 4, 3), f(1, 4, 4)], {"hidden_size": 5}, "hidden_size 5"),
        ("GRU", [f(5, 2, 3), f(1, 4, 3), f(1, 4, 4)], {}, "weights of shapes"),
        ("GRU", [f(5, 3), f(1, 12, 3), f(1, 12, 4)], {}, "three axes"),
        ("LSTM", [f(5, 2, 3), f(1, 16, 3), f(1, 16, 4)], {"activations": ["Tanh"]}, "3 a direction"),
        ("Constant", [], {"value_string": "text"}, "constant of text"),
        ("Cast", [f(2)], {"to": 8}, "tensors of text"),
    ],
)
def test_what_a_call_refuses(op, inputs, attributes, match):
    names = [f"x{k}" if x is not None else "" for k, x in enumerate(inputs)]
    weights = {n: np.asarray(x) for n, x in zip(names, inputs, strict=True) if n}
    outputs = ["y0", "y1"][: 2 if op == "TopK" else 1]
    proto = model([oh.make_node(op, names, outputs, name="it", **attributes)], [], ["y0"], weights)
    with pytest.raises(ImportedModelError, match=match) as caught:
        from_onnx(proto)()
    assert "node 'it'" in str(caught.value)


def test_a_loop_whose_body_does_not_fit():
    body = oh.make_graph([oh.make_node("Neg", ["a"], ["b"])], "body", [value("a")], [value("b")])
    node = oh.make_node("Loop", ["n", "", "x"], ["y"], name="it", body=body)
    net = from_onnx(model([node], [X], ["y"], {"n": i(3)[0]}))
    with pytest.raises(ImportedModelError, match=r"'it'.*a body of 1 inputs and 1 outputs"):
        net(f(2))


def test_more_outputs_than_there_are():
    node = oh.make_node("BatchNormalization", ["x", "s", "s", "s", "s"], ["y", "m", "v"], name="it")
    net = from_onnx(model([node], [value("x", shape=[1, 2])], ["y"], {"s": f(2)}))
    with pytest.raises(ImportedModelError, match="asked for output 'm'"):
        net(f(1, 2))


def test_a_shape_that_only_a_run_can_tell():
    """Outside `jit` the values are there; inside, the error says so."""
    import jax

    net = from_onnx(model([oh.make_node("Reshape", ["x", "s"], ["y"])], [X, value("s", 7, [2])], ["y"]))
    assert net(f(2), i(2, 1)).shape == (2, 1)
    with pytest.raises(ImportedModelError, match=r"input 1 \('s'\) is computed.*outside jit"):
        jax.jit(net)(f(2), i(2, 1))
