"""An imported model is a function of JAX: it jits, maps, differentiates, trains, and is a graph."""

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnx.helper as oh
import pytest
from onnx_models import FLOAT, assert_same, model, reference, value

from antiphon.errors import InputError
from antiphon.graph.onnx_import import TensorType, from_onnx

INT = onnx.TensorProto.INT64
RNG = np.random.default_rng(1)


def f(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def network(opset=21):
    """A small convolutional network, whose last shape is computed from its input's."""
    nodes = [
        oh.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        oh.make_node("Relu", ["c"], ["r"]),
        oh.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        oh.make_node("Shape", ["p"], ["s"]),
        oh.make_node("Gather", ["s", "zero"], ["n"]),
        oh.make_node("Unsqueeze", ["n", "axes"], ["n1"]),
        oh.make_node("Concat", ["n1", "rest"], ["shape"], axis=0),
        oh.make_node("Reshape", ["p", "shape"], ["flat"]),
        oh.make_node("Gemm", ["flat", "v"], ["y"], transB=1),
    ]
    weights = {
        "w": f(3, 2, 3, 3), "b": f(3), "v": f(4, 12), "zero": np.int64(0), "axes": np.asarray([0]),
        "rest": np.asarray([-1]),
    }  # fmt: skip
    return model(nodes, [value("x", shape=["n", 2, 4, 4])], [value("y", shape=["n", 4])], weights, opset)


@pytest.fixture(scope="module")
def imported():
    return from_onnx(network())


def test_declares_what_it_takes_and_gives(imported):
    assert imported.inputs == (TensorType("x", ("n", 2, 4, 4), np.dtype("float32")),)
    assert imported.outputs == (TensorType("y", ("n", 4), np.dtype("float32")),)
    assert sorted(imported.parameters) == ["b", "v", "w"]
    assert repr(imported) == "OnnxModel(x: float32[n, 2, 4, 4] -> y: float32[n, 4])"


def test_jits_maps_and_agrees():
    proto, x = network(), f(5, 2, 4, 4)
    net = from_onnx(proto)
    want = reference(proto, {"x": x})
    assert_same(net(x), want)
    assert_same(net(x=x), want)
    assert_same(jax.jit(net)(x), want)
    assert_same(jax.jit(jax.vmap(net))(x[:, None]), [want[0][:, None]])


def test_reads_paths_bytes_and_protos_alike(tmp_path):
    proto, x = network(), f(1, 2, 4, 4)
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    want = from_onnx(proto)(x)
    for source in (path, str(path), proto.SerializeToString(), bytearray(proto.SerializeToString())):
        np.testing.assert_array_equal(from_onnx(source)(x), want)


def test_gradients_agree_with_finite_differences(imported):
    x = f(2, 2, 4, 4)
    with jax.enable_x64(False):
        loss = jax.jit(lambda p, x: jnp.sum(imported.apply(p, x) ** 2))
        slopes, by_input = jax.grad(loss, argnums=(0, 1))(imported.parameters, x)
    assert sorted(slopes) == ["b", "v", "w"]
    assert by_input.shape == x.shape
    step = 1e-2
    direction = f(4, 12)
    moved = [
        float(loss({**imported.parameters, "v": imported.parameters["v"] + s * step * direction}, x))
        for s in (1, -1)
    ]
    assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(
        float(jnp.sum(slopes["v"] * direction)), rel=1e-2
    )


def test_can_be_trained(imported):
    x, target = f(8, 2, 4, 4), f(8, 4)

    @jax.jit
    def step(parameters):
        loss, slopes = jax.value_and_grad(lambda p: jnp.mean((imported.apply(p, x) - target) ** 2))(
            parameters
        )
        return jax.tree.map(lambda p, s: p - 0.02 * s, parameters, slopes), loss

    parameters, first = step(dict(imported.parameters))
    for _ in range(40):
        parameters, last = step(parameters)
    assert last < 0.5 * first
    assert not np.allclose(imported.apply(parameters, x), imported(x))


def test_some_parameters_suffice(imported):
    x = f(1, 2, 4, 4)
    got = imported.apply({"v": np.zeros((4, 12), np.float32)}, x)
    np.testing.assert_array_equal(got, np.zeros((1, 4)))


def test_is_a_graph_for_any_batch(imported):
    graph = imported.graph()
    assert [str(s) for s in graph.inputs[0].shape] == ["n", "2", "4", "4"]
    assert {v.name for v in graph.constants} == {"w", "b", "v"}
    for batch in (1, 3):
        x = f(batch, 2, 4, 4)
        np.testing.assert_allclose(graph(x), imported(x), rtol=1e-6, atol=1e-6)


def test_is_a_graph_of_an_example(imported):
    x = f(2, 2, 4, 4)
    graph = imported.graph(x)
    assert graph.outputs[0].shape == (2, 4)
    np.testing.assert_allclose(graph(x), imported(x), rtol=1e-6, atol=1e-6)


def test_names_of_sizes_become_symbols():
    shape = ["batch size", None, "2x", 3]
    net = from_onnx(model([oh.make_node("Neg", ["x"], ["y"])], [value("x", shape=shape)], ["y"]))
    names = [str(s) for s in net.graph().inputs[0].shape]
    assert names[3] == "3"
    assert len(set(names)) == 4
    assert net.graph()(f(2, 1, 4, 3)).shape == (2, 1, 4, 3)


def test_several_outputs_are_a_tuple():
    nodes = [oh.make_node("Neg", ["x"], ["y"]), oh.make_node("Abs", ["x"], ["z"])]
    net = from_onnx(model(nodes, [value("x", shape=[2])], ["z", "y"]))
    z, y = net(np.asarray([1, -2], np.float32))
    assert z.tolist() == [1, 2]
    assert y.tolist() == [-1, 2]


def test_an_input_with_a_default_may_be_given():
    x = value("x", shape=[2])
    net = from_onnx(
        model([oh.make_node("Add", ["x", "b"], ["y"])], [x, value("b", shape=[2])], ["y"], {"b": f(2)})
    )
    assert [t.name for t in net.inputs] == ["x"]
    one = np.ones(2, np.float32)
    assert net(one, b=one).tolist() == [2, 2]
    np.testing.assert_allclose(net(one), 1 + net.parameters["b"])


def test_an_initialiser_that_sets_a_shape_is_no_parameter():
    nodes = [oh.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest")]
    net = from_onnx(model(nodes, [value("x", shape=[1, 1, 2, 2])], ["y"], {"scales": np.ones(4, np.float32)}))
    assert net.parameters == {}


def test_sixty_four_bits():
    nodes = [oh.make_node("Add", ["x", "big"], ["y"])]
    proto = model(nodes, [value("x", INT, [1])], ["y"], {"big": np.asarray([2**40])})
    with jax.enable_x64(True):
        assert np.asarray(from_onnx(proto)(np.asarray([1]))).tolist() == [2**40 + 1]
    with pytest.raises(Exception, match="jax_enable_x64"):
        from_onnx(proto)(np.asarray([1]))


def test_functions_of_the_model():
    """Called twice, with an attribute of the call's own and one by default, optional input left out."""
    body = [
        oh.make_node("Constant", [], ["k"]),
        oh.make_node("Mul", ["a", "k"], ["m"]),
        oh.make_node("Clip", ["m", "", "top"], ["r"]),
    ]
    body[0].attribute.append(
        onnx.AttributeProto(name="value_float", ref_attr_name="by", type=onnx.AttributeProto.FLOAT)
    )
    function = oh.make_function("own", "Scaled", ["a", "top"], ["r"], body, [oh.make_opsetid("", 21)], ["by"])
    nodes = [
        oh.make_node("Scaled", ["x"], ["h"], domain="own", by=3.0),
        oh.make_node("Scaled", ["h", "one"], ["y"], domain="own", by=-1.0),
    ]
    proto = model(
        nodes, [value("x", shape=[3])], [value("y", shape=[3])], {"one": np.float32(1)}, functions=[function],
        domains=["own"],
    )  # fmt: skip
    x = np.asarray([1, -2, 0.1], np.float32)
    assert_same(from_onnx(proto)(x), [np.asarray([-3, 1, -0.3], np.float32)])
    assert_same(from_onnx(proto)(x), reference(proto, {"x": x}))


@pytest.mark.parametrize("given", [{}, {"along": 0}])
def test_an_attribute_of_a_function_that_a_call_leaves_out(given):
    """The operator's own default holds then: the last axis for Softmax."""
    inner = oh.make_node("Softmax", ["a"], ["b"])
    inner.attribute.append(
        onnx.AttributeProto(name="axis", ref_attr_name="along", type=onnx.AttributeProto.INT)
    )
    function = oh.make_function("own", "Soft", ["a"], ["b"], [inner], [oh.make_opsetid("", 21)], ["along"])
    node = oh.make_node("Soft", ["x"], ["y"], domain="own", **given)
    net = from_onnx(model([node], [value("x", shape=[2, 3])], ["y"], functions=[function], domains=["own"]))
    sums = np.asarray(net(f(2, 3))).sum(axis=given.get("along", -1))
    np.testing.assert_allclose(sums, 1, rtol=1e-6)


def test_nodes_may_stand_in_any_order():
    nodes = [oh.make_node("Neg", ["h"], ["y"]), oh.make_node("Abs", ["x"], ["h"])]
    assert from_onnx(model(nodes, [value("x", shape=[1])], ["y"]))(f(1)).shape == (1,)


@pytest.mark.parametrize(
    ("inputs", "named", "match"),
    [
        ((), {}, "no input 'x'"),
        ((f(1, 2, 4, 4), 1), {}, "2 inputs"),
        ((f(1, 2, 4, 4),), {"z": 1}, "an input 'z'"),
        ((f(1, 2, 4, 4),), {"x": 1}, "an input 'x'"),
        ((f(1, 2, 4),), {}, r"shape \(1, 2, 4\).*float32\[n, 2, 4, 4\].*vmap"),
        ((f(1, 2, 5, 4),), {}, r"shape \(1, 2, 5, 4\)"),
        ((np.zeros((1, 2, 4, 4), int),), {}, "dtype int64"),
        (("text",), {}, "dtype <U4"),
        (([[1], [2, 3]],), {}, "no array"),
    ],
)
def test_inputs_that_do_not_fit(imported, inputs, named, match):
    with pytest.raises(InputError, match=match):
        imported(*inputs, **named)


def test_sizes_of_one_name_are_one_size():
    nodes = [oh.make_node("Concat", ["x", "z"], ["y"], axis=0)]
    net = from_onnx(model(nodes, [value("x", shape=["n"]), value("z", shape=["n"])], ["y"]))
    with pytest.raises(InputError, match="'z' of shape"):
        net(f(2), f(3))


def test_parameters_that_do_not_fit(imported):
    x = f(1, 2, 4, 4)
    with pytest.raises(InputError, match=r"'u'.*b, v"):
        imported.apply({"u": f(1)}, x)
    with pytest.raises(InputError, match=r"'b' of shape \(1,\)"):
        imported.apply({"b": f(1)}, x)


def test_a_graph_needs_a_rank():
    net = from_onnx(model([oh.make_node("Neg", ["x"], ["y"])], [value("x", FLOAT, None)], ["y"]))
    assert net(f(2, 3)).shape == (2, 3)
    with pytest.raises(InputError, match="unknown rank"):
        net.graph()
