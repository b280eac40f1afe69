"""`If`, `Loop`, `Scan` and sequences: known when tracing, or decided when running; against onnxruntime."""

import jax
import numpy as np
import onnx
import onnx.helper as oh
import pytest
from onnx_models import assert_same, model, reference, value

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import import from_onnx

BOOL, INT = onnx.TensorProto.BOOL, onnx.TensorProto.INT64
RNG = np.random.default_rng(2)


def f(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def check(proto, *inputs, traced=True):
    """Eagerly, under `jit` and as a graph the model gives what onnxruntime does."""
    net = from_onnx(proto)
    want = reference(proto, {t.name: x for t, x in zip(net.inputs, inputs, strict=True)})
    assert_same(net(*inputs), want)
    if traced:
        assert_same(jax.jit(net)(*inputs), want)
        assert_same(net.graph(*inputs)(*inputs), want)
    return net


def branches():
    def branch(op):
        # Both read x from the graph around them.
        nodes = [oh.make_node(op, ["x"], [f"h{op}"]), oh.make_node("Add", [f"h{op}", "x"], [f"o{op}"])]
        return oh.make_graph(nodes, op, [], [value(f"o{op}")])

    return oh.make_node("If", ["c"], ["y"], then_branch=branch("Neg"), else_branch=branch("Exp"))


@pytest.mark.parametrize("condition", [True, False])
def test_if(condition):
    proto = model([branches()], [value("c", BOOL, []), value("x", shape=[3])], ["y"])
    check(proto, np.asarray(condition), f(3))


def test_if_differentiates():
    proto = model([branches()], [value("c", BOOL, []), value("x", shape=[3])], ["y"])
    net = from_onnx(proto)
    slope = jax.jit(jax.grad(lambda x, c: net(c, x).sum()))
    np.testing.assert_allclose(slope(f(3), True), np.zeros(3), atol=1e-6)


def test_a_known_condition_leaves_one_branch():
    nodes = [
        oh.make_node("Shape", ["x"], ["s"]),
        oh.make_node("Gather", ["s", "zero"], ["n"]),
        oh.make_node("Greater", ["n", "two"], ["c"]),
        branches(),
    ]
    proto = model(nodes, [value("x", shape=["n"])], ["y"], {"zero": np.int64(0), "two": np.int64(2)})
    net = check(proto, f(3))
    assert "cond" not in {e.primitive for e in net.graph(f(3)).equations}
    check(proto, f(2))


def test_a_condition_is_one_value():
    net = from_onnx(model([branches()], [value("c", BOOL, [2]), value("x", shape=[3])], ["y"]))
    with pytest.raises(ImportedModelError, match=r"a condition of shape \(2,\)"):
        net(np.asarray([True, False]), f(3))


def loop(extra=(), go="go", outs=("a2", "out"), trips="n", condition="", outputs=("last", "all"), state="x"):
    """A loop that adds x (of the graph around it) to its state, and stacks it doubled."""
    nodes = [
        oh.make_node("Add", ["a", "x"], ["a2"]),
        oh.make_node("Add", ["a2", "a2"], ["out"]),
        oh.make_node("Identity", [go], ["go2"]),
        *extra,
    ]
    given = [value("t", INT, []), value("go", BOOL, []), value("a")]
    body = oh.make_graph(nodes, "turn", given, [value("go2", BOOL, []), *(value(o) for o in outs)])
    return oh.make_node("Loop", [trips, condition, state], list(outputs), body=body)


def test_a_loop_of_known_turns_is_a_scan():
    proto = model([loop()], [value("x", shape=[2])], ["last", "all"], {"n": np.int64(4)})
    net = check(proto, f(2))
    assert {e.primitive for e in net.graph(f(2)).equations} >= {"scan"}
    slope = jax.grad(lambda x: net(x)[0].sum())(f(2))
    np.testing.assert_allclose(slope, [5, 5])


def test_a_loop_of_no_turn():
    proto = model(
        [loop()], [value("x", shape=[2])], ["last", value("all", shape=[None, 2])], {"n": np.int64(0)}
    )
    x = f(2)
    last, every = from_onnx(proto)(x)
    assert last.tolist() == x.tolist()
    assert every.shape == (0, 2)


LIMIT = [
    oh.make_node("ReduceSum", ["a2"], ["sum"], keepdims=0),
    oh.make_node("Less", ["sum", "top"], ["less"]),
]


def conditional(trips, outputs, outs=("a2", "out"), condition="yes"):
    """A loop that also ends when the sum of its state passes a limit."""
    node = loop(LIMIT, "less", outs, trips, condition, outputs)
    graph = node.attribute[0].g
    graph.node.extend([graph.node.pop(2)])  # the condition last
    return node


def test_a_loop_with_a_condition_is_a_while():
    weights = {"n": np.int64(100), "top": np.float32(10), "yes": np.asarray(True)}
    proto = model([conditional("n", ["last"], ["a2"])], [value("x", shape=[2])], ["last"], weights)
    net = check(proto, np.asarray([0.3, 0.9], np.float32))
    assert "while" in {e.primitive for e in net.graph().equations}


@pytest.mark.parametrize("trips", ["", "n"])
def test_a_loop_without_a_limit(trips):
    weights = {"n": np.int64(2**63 - 1), "top": np.float32(10), "yes": np.asarray(True)}
    proto = model([conditional(trips, ["last"], ["a2"])], [value("x", shape=[2])], ["last"], weights)
    check(proto, np.asarray([0.3, 0.9], np.float32))


def test_a_loop_whose_turns_are_an_input():
    proto = model(
        [loop(outs=["a2"], outputs=["last"])], [value("x", shape=[2]), value("n", INT, [])], ["last"]
    )
    check(proto, f(2), np.asarray(3))


def test_a_loop_that_stacks_as_often_as_it_runs():
    """Run, it works; traced, the number of its turns is not known."""
    weights = {"n": np.int64(100), "top": np.float32(10), "yes": np.asarray(True)}
    proto = model([conditional("n", ["last", "all"])], [value("x", shape=[2])], ["last", "all"], weights)
    net = check(proto, np.asarray([0.3, 0.9], np.float32), traced=False)
    with pytest.raises(ImportedModelError, match=r"counted only when it runs.*outside jit"):
        jax.jit(net)(f(2))


def test_a_loop_whose_state_grows_is_written_out():
    nodes = [oh.make_node("Concat", ["a", "x"], ["a2"], axis=0), oh.make_node("Identity", ["go"], ["go2"])]
    given = [value("t", INT, []), value("go", BOOL, []), value("a")]
    body = oh.make_graph(nodes, "turn", given, [value("go2", BOOL, []), value("a2")])
    node = oh.make_node("Loop", ["n", "", "x"], ["y"], body=body)
    check(model([node], [value("x", shape=[2])], ["y"], {"n": np.int64(3)}), f(2))


def test_a_loop_that_must_know_its_turn_is_written_out():
    """Its turn is the length of a slice."""
    nodes = [
        oh.make_node("Unsqueeze", ["t", "zero"], ["end"]),
        oh.make_node("Slice", ["x", "zero", "end"], ["part"]),
        oh.make_node("ReduceSum", ["part"], ["sum"], keepdims=0),
        oh.make_node("Add", ["a", "sum"], ["a2"]),
        oh.make_node("Identity", ["go"], ["go2"]),
    ]
    given = [value("t", INT, []), value("go", BOOL, []), value("a")]
    body = oh.make_graph(nodes, "turn", given, [value("go2", BOOL, []), value("a2")])
    node = oh.make_node("Loop", ["n", "", "s"], ["y"], body=body)
    weights = {"n": np.int64(3), "zero": np.asarray([0]), "s": np.float32(0)}
    check(model([node], [value("x", shape=[4])], ["y"], weights), f(4))


def test_a_loop_too_long_to_write_out(monkeypatch):
    from antiphon.graph.onnx_import import _control

    monkeypatch.setattr(_control, "MOST_TURNS_WRITTEN_OUT", 16)
    node = loop([oh.make_node("Concat", ["a2", "x"], ["grown"], axis=0)], outs=["grown"], outputs=["last"])
    node.attribute[0].g.node.pop(0)
    node.attribute[0].g.node.insert(0, oh.make_node("Identity", ["a"], ["a2"]))
    proto = model([node], [value("x", shape=[0])], ["last"], {"n": np.int64(20)})
    net = from_onnx(proto)
    assert net(np.zeros(0, np.float32)).shape == (0,)  # nothing grows: a scan
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    with pytest.raises(ImportedModelError, match="more than 16 turns"):
        jax.eval_shape(from_onnx(proto), np.zeros(1, np.float32))


@pytest.mark.parametrize("turned", [(0, 0), (1, 1), (1, 0)])
@pytest.mark.parametrize("out", [0, 1])
def test_scan(turned, out):
    """A running product of sums, over the second axis of one input; in any direction."""
    nodes = [
        oh.make_node("Add", ["a", "b"], ["ab"]),
        oh.make_node("Mul", ["s", "ab"], ["s1"]),
        oh.make_node("Tanh", ["s1"], ["s2"]),
        oh.make_node("Sub", ["s2", "w"], ["o"]),
    ]
    shape = [2]
    body = oh.make_graph(
        nodes,
        "step",
        [value(n, shape=shape) for n in ("s", "a", "b")],
        [value(n, shape=shape) for n in ("s2", "o")],
    )
    node = oh.make_node(
        "Scan", ["s0", "x", "z"], ["last", "all"], body=body, num_scan_inputs=2, scan_input_axes=[0, 1],
        scan_input_directions=list(turned), scan_output_axes=[1], scan_output_directions=[out],
    )  # fmt: skip
    inputs = [value("s0", shape=[2]), value("x", shape=[5, 2]), value("z", shape=[2, 5])]
    proto = model([node], inputs, ["last", "all"], {"w": f(2)})
    check(proto, f(2), f(5, 2), f(2, 5))


def test_a_scan_over_any_length_is_a_graph():
    body = oh.make_graph(
        [oh.make_node("Add", ["s", "a"], ["s2"]), oh.make_node("Identity", ["s2"], ["o"])], "step",
        [value("s", shape=[2]), value("a", shape=[2])], [value("s2", shape=[2]), value("o", shape=[2])],
    )  # fmt: skip
    node = oh.make_node("Scan", ["s0", "x"], ["last", "all"], body=body, num_scan_inputs=1)
    proto = model([node], [value("s0", shape=[2]), value("x", shape=["time", 2])], ["last", "all"])
    net = from_onnx(proto)
    graph = net.graph()
    for length in (3, 5):
        s, x = f(2), f(length, 2)
        assert_same(graph(s, x), reference(proto, {"s0": s, "x": x}))


def test_a_scan_whose_body_does_not_fit():
    body = oh.make_graph([oh.make_node("Neg", ["a"], ["b"])], "step", [value("a")], [value("b")])
    node = oh.make_node("Scan", ["x"], ["y"], body=body, num_scan_inputs=2)
    with pytest.raises(ImportedModelError, match="2 scanned inputs of 1"):
        from_onnx(model([node], [value("x", shape=[2, 2])], ["y"]))(f(2, 2))


# Sequences.


def test_sequences():
    nodes = [
        oh.make_node("SplitToSequence", ["x", "parts"], ["s"], axis=1),
        oh.make_node("SequenceLength", ["s"], ["n"]),
        oh.make_node("SequenceAt", ["s", "last"], ["a"]),
        oh.make_node("SequenceInsert", ["s", "a", "zero"], ["s1"]),
        oh.make_node("SequenceErase", ["s1", "last"], ["s2"]),
        oh.make_node("ConcatFromSequence", ["s2"], ["y"], axis=1),
        oh.make_node("SequenceConstruct", ["a", "a"], ["s3"]),
        oh.make_node("ConcatFromSequence", ["s3"], ["z"], axis=0, new_axis=1),
    ]
    weights = {"parts": np.asarray([1, 2, 2]), "last": np.int64(-1), "zero": np.int64(0)}
    proto = model(nodes, [value("x", shape=[2, 5])], ["y", "z", value("n", INT, [])], weights)
    check(proto, f(2, 5))


@pytest.mark.parametrize(
    ("nodes", "match"),
    [
        ([oh.make_node("SequenceAt", ["s", "k"], ["y"])], "place 9 of a sequence of 1"),
        (
            [
                oh.make_node("SplitToSequence", ["x", "k"], ["q"], axis=0),
                oh.make_node("SequenceAt", ["q", "k"], ["y"]),
            ],
            "9",
        ),
        (
            [
                oh.make_node("SplitToSequence", ["x", "z"], ["q"]),
                oh.make_node("SequenceAt", ["q", "k"], ["y"]),
            ],
            "size 0",
        ),
        (
            [
                oh.make_node("SplitToSequence", ["x", "ks"], ["q"]),
                oh.make_node("SequenceAt", ["q", "k"], ["y"]),
            ],
            "parts",
        ),
    ],
)
def test_sequences_that_do_not_fit(nodes, match):
    weights = {"k": np.int64(9), "z": np.int64(0), "ks": np.asarray([9])}
    proto = model(
        [oh.make_node("SequenceConstruct", ["x"], ["s"]), *nodes], [value("x", shape=[2])], ["y"], weights
    )
    with pytest.raises(ImportedModelError, match=match):
        from_onnx(proto)(f(2))
