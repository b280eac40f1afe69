"""One case and more for each operator: its inputs, its attributes, and the opsets that it is written for."""

from dataclasses import dataclass, field

import numpy as np

_RNG = np.random.default_rng(0)


@dataclass
class Case:
    op: str
    inputs: list
    attributes: dict = field(default_factory=dict)
    outputs: object = 1
    constant: tuple = ()
    since: int = 13
    until: int = 21
    note: str = ""

    def __str__(self):
        return f"{self.op}-{self.note}" if self.note else self.op


def f(*shape, low=-2.0, high=2.0, dtype=np.float32):
    return _RNG.uniform(low, high, shape).astype(dtype)


def n(*shape, low=0, high=5, dtype=np.int64):
    return _RNG.integers(low, high, shape).astype(dtype)


def b(*shape):
    return _RNG.random(shape) < 0.5


def i(*values):
    return np.asarray(values, np.int64)


CASES: list[Case] = []


def case(op, inputs, outputs=1, constant=(), since=13, until=21, note="", **attributes):
    number = sum(c.op == op for c in CASES)
    inputs = [None if x is None else np.asarray(x) for x in inputs]
    CASES.append(Case(op, inputs, attributes, outputs, constant, since, until, note or str(number)))


# Element by element.
for op in [
    "Abs",
    "Neg",
    "Ceil",
    "Floor",
    "Round",
    "Sign",
    "Exp",
    "Tanh",
    "Sigmoid",
    "Erf",
    "Sin",
    "Cos",
    "Tan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Atan",
]:
    case(op, [f(3, 4)])
for op in [
    "Relu",
    "Softplus",
    "Softsign",
    "Elu",
    "Selu",
    "Celu",
    "LeakyRelu",
    "HardSigmoid",
    "ThresholdedRelu",
    "Shrink",
    "Identity",
]:
    case(op, [f(3, 4)])
for op in ["Asin", "Acos", "Atanh"]:
    case(op, [f(3, 4, low=-0.9, high=0.9)])
case("Acosh", [f(3, 4, low=1.1, high=4)])
for op in ["Log", "Sqrt", "Reciprocal"]:
    case(op, [f(3, 4, low=0.1, high=4)])
case("HardSwish", [f(3, 4, low=-5, high=5)], since=14)
case("Mish", [f(3, 4)], since=18)
case("Gelu", [f(3, 4)], since=20)
case("Gelu", [f(3, 4)], since=20, approximate="tanh")
case("Elu", [f(3, 4)], alpha=0.3)
case("Selu", [f(3, 4)], alpha=1.2, gamma=0.7)
case("Celu", [f(3, 4)], alpha=0.4)
case("LeakyRelu", [f(3, 4)], alpha=0.2)
case("HardSigmoid", [f(3, 4)], alpha=0.4, beta=0.3)
case("Shrink", [f(3, 4)], lambd=0.8, bias=0.2)
case("PRelu", [f(2, 3, 4), f(3, 1)])
case("Not", [b(3, 4)])
for op in ["And", "Or", "Xor"]:
    case(op, [b(3, 4), b(4)])
for op in ["Add", "Sub", "Mul", "Div"]:
    case(op, [f(2, 3, 4), f(3, 1, low=0.5)])
    case(op, [n(3, 4, low=-9, high=9), n(4, low=1)], note="whole")
case("Add", [f(3), f(2, 3)], note="left is shorter")
for op in ["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"]:
    case(op, [n(3, 4), n(4)])
    case(op, [f(3, 4), f(3, 1)])
for op in ["Max", "Min", "Sum", "Mean"]:
    case(op, [f(3, 4), f(4), f(3, 1)])
    case(op, [f(3, 4)], note="one")
case("Pow", [f(3, 4, low=0.1), f(4)])
case("Pow", [f(3, 4), np.float32(2)], constant=(1,), note="square")
case("Pow", [f(3, 4, low=0.2), np.float32(0.5)], constant=(1,), note="root")
case("Pow", [f(3, 4, low=0.2), n(4, low=-2, high=3)], note="whole power")
case("Pow", [n(3, 4, dtype=np.int32), n(4, high=4, dtype=np.int32)], note="whole")
case("Mod", [n(12, low=-9, high=9), n(12, low=1)])
case("Mod", [n(12, low=-9, high=9), -n(12, low=1)], note="negative")
case("Mod", [f(12), f(12, low=0.3)], fmod=1)
case("Clip", [f(3, 4), np.float32(-0.5), np.float32(0.7)])
case("Clip", [f(3, 4), None, np.float32(0.7)], note="above")
case("Clip", [f(3, 4), np.float32(0.7), np.float32(-0.5)], note="crossed")
case("Clip", [n(3, 4, low=-9, high=9), np.int64(-3), np.int64(3)], note="whole")
case("Where", [b(3, 1), f(3, 4), f(4)])
case("IsNaN", [np.asarray([1, np.nan, np.inf], np.float32)])
case("IsInf", [np.asarray([1, np.nan, np.inf, -np.inf], np.float32)])
case("IsInf", [np.asarray([1, np.nan, np.inf, -np.inf], np.float32)], detect_negative=0)
case("BitShift", [n(6, high=99, dtype=np.uint32), n(6, high=5, dtype=np.uint32)], direction="LEFT")
case("BitShift", [n(6, high=99, dtype=np.uint8), n(6, high=5, dtype=np.uint8)], direction="RIGHT")
for op in ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]:
    case(op, [n(3, 4, high=99, dtype=np.int32), n(4, high=99, dtype=np.int32)], since=18)
case("BitwiseNot", [n(3, 4, high=99, dtype=np.int32)], since=18)

# Reductions.
for op in [
    "ReduceMax",
    "ReduceMin",
    "ReduceMean",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
    "ReduceLogSumExp",
]:
    case(op, [f(2, 3, 4)], axes=[0, -1], until=17, note="attribute")
    case(op, [f(2, 3, 4), i(0, -1)], constant=(1,), since=18, note="input")
    case(op, [f(2, 3, 4)], keepdims=0, note="all")
case("ReduceLogSum", [f(2, 3, 4, low=0.1)], axes=[1], until=17, note="attribute")
case("ReduceLogSum", [f(2, 3, 4, low=0.1), i(1)], constant=(1,), since=18, note="input")
case("ReduceSum", [f(2, 3, 4), i(1)], constant=(1,))
case("ReduceSum", [f(2, 3, 4), i(1)], constant=(1,), keepdims=0)
case("ReduceSum", [f(2, 3, 4), i()], constant=(1,), noop_with_empty_axes=1, note="none")
case("ReduceSum", [n(2, 3), i(1)], constant=(1,), note="whole")
case("ReduceMean", [n(2, 3, low=-9, dtype=np.int32)], axes=[1], until=17, note="whole")
case("ReduceMax", [n(2, 3, dtype=np.int32), i(1)], constant=(1,), since=18, note="whole")
case("ReduceMax", [b(2, 3), i(1)], constant=(1,), since=20, note="truth")
for op in ["ArgMax", "ArgMin"]:
    case(op, [n(3, 4)], axis=1)
    case(op, [n(3, 4)], axis=-2, keepdims=0, select_last_index=1)
for op in ["Softmax", "LogSoftmax", "Hardmax"]:
    case(op, [f(2, 3, 4)])
    case(op, [f(2, 3, 4)], axis=1)
case("CumSum", [f(3, 4), np.int64(1)], constant=(1,))
case("CumSum", [f(3, 4), np.int64(-2)], constant=(1,), exclusive=1, reverse=1)
case("TopK", [f(3, 6), i(2)], outputs=2, constant=(1,))
case("TopK", [f(6, 3), i(4)], outputs=2, constant=(1,), axis=0, largest=0)
case("TopK", [n(2, 6, high=3), i(3)], outputs=2, constant=(1,), note="ties")

# Layout.
case("Reshape", [f(2, 3, 4), i(0, -1)], constant=(1,))
case("Reshape", [f(0, 3), i(3, 0)], constant=(1,), since=14, allowzero=1)
case("Flatten", [f(2, 3, 4)])
case("Flatten", [f(2, 3, 4)], axis=-1)
case("Flatten", [f(2, 3, 4)], axis=0)
case("Squeeze", [f(1, 3, 1), i(0, -1)], constant=(1,))
case("Squeeze", [f(1, 3, 1)], note="all")
case("Unsqueeze", [f(3, 4), i(0, -1)], constant=(1,))
case("Transpose", [f(2, 3, 4)])
case("Transpose", [f(2, 3, 4)], perm=[1, 0, 2])
case("Expand", [f(3, 1), i(2, 1, 4)], constant=(1,))
case("Tile", [f(2, 3), i(2, 3)], constant=(1,))
case("Concat", [f(2, 3), f(2, 1)], axis=-1)
case("Slice", [f(5, 6), i(1, -5), i(4, 9223372036854775807)], constant=(1, 2))
case("Slice", [f(5, 6), i(-1), i(-9223372036854775807), i(1), i(-2)], constant=(1, 2, 3, 4), note="back")
case("Slice", [f(5, 6), i(4), i(0), i(0), i(-1)], constant=(1, 2, 3, 4), note="back to 1")
case("Split", [f(6, 2)], outputs=3, until=17)
case("Split", [f(7, 2), i(3, 4)], outputs=2, constant=(1,))
case("Split", [f(2, 7)], outputs=3, since=18, axis=1, num_outputs=3)
case("Pad", [f(3, 4), i(1, 0, 2, 1), np.float32(7)], constant=(1,))
case("Pad", [f(3, 4), i(1, -1, 0, -1)], constant=(1,), note="crop")
case("Pad", [f(3, 4), i(1, 2), np.float32(1), i(1)], constant=(1, 3), since=18, note="axes")
for mode in ("reflect", "edge"):
    case("Pad", [f(3, 4), i(1, 0, 2, 1)], constant=(1,), mode=mode)
case("Pad", [f(3, 4), i(1, 0, 2, 1)], constant=(1,), since=19, mode="wrap")
case("DepthToSpace", [f(2, 8, 2, 3)], blocksize=2)
case("DepthToSpace", [f(2, 8, 2, 3)], blocksize=2, mode="CRD")
case("SpaceToDepth", [f(2, 3, 4, 6)], blocksize=2)
case("Shape", [f(2, 3, 4)])
case("Shape", [f(2, 3, 4)], since=15, start=1, end=-1)
case("Size", [f(2, 3, 4)])
case("ConstantOfShape", [i(2, 3)], constant=(0,))
case("Range", [np.int64(1), np.int64(9), np.int64(3)], constant=(0, 1, 2))
case("Range", [np.float32(1), np.float32(-2), np.float32(-0.7)], constant=(0, 1, 2))
case("EyeLike", [f(3, 4)], k=1)
case("Trilu", [f(2, 4, 5)], since=14)
case("Trilu", [f(2, 4, 5), np.int64(-1)], constant=(1,), since=14, upper=0)

# By index.
case("Gather", [f(5, 3), n(2, 2, low=-5)])
case("Gather", [f(3, 5), n(2)], axis=1)
case("GatherElements", [f(3, 4), n(2, 4, high=3)])
case("GatherElements", [f(3, 4), n(3, 2, low=-4, high=4)], axis=1)
case("GatherND", [f(3, 4, 2), n(5, 2, high=3)])
case("GatherND", [f(2, 4, 3), n(2, 3, 1, high=3)], batch_dims=1)
case("ScatterElements", [f(3, 4), np.asarray([[0, 2], [1, 0]]), f(2, 2)], axis=1)
case("ScatterElements", [f(3, 4), n(2, 4, high=3), f(2, 4)], since=16, reduction="add")
case("ScatterElements", [f(3, 4), n(2, 4, high=3), f(2, 4)], since=18, reduction="max")
case("ScatterND", [f(4, 3), np.asarray([[2], [0]]), f(2, 3)])
case("ScatterND", [f(4, 3), n(5, 2, high=3), f(5)], since=16, reduction="add")
case("ScatterND", [f(4, 3), n(5, 2, high=3), f(5)], since=18, reduction="min")
case("OneHot", [n(3, low=-4, high=4), np.int64(4), f(2)], constant=(1,))
case("OneHot", [n(2, 3, high=6), np.int64(4), f(2)], constant=(1,), axis=0)
case("ReverseSequence", [f(5, 3, 2), n(3, low=1, high=6)])
case("ReverseSequence", [f(3, 5), n(3, low=1, high=6)], batch_axis=0, time_axis=1)
case("NonZero", [n(3, 4, high=2)], constant=(0,))
case("Compress", [f(3, 4), np.asarray([True, False, True])], constant=(1,), axis=0)
case("Unique", [n(12, high=6)], outputs=4, constant=(0,), sorted=0)
case("Unique", [n(12, high=6)], outputs=4, constant=(0,))

# Products.
case("MatMul", [f(3, 4), f(4, 5)])
case("MatMul", [f(2, 1, 3, 4), f(5, 4, 2)])
case("MatMul", [f(4), f(2, 4, 3)])
case("Gemm", [f(3, 4), f(4, 5), f(5)])
case("Gemm", [f(4, 3), f(5, 4), f(3, 1)], transA=1, transB=1, alpha=0.5, beta=2.0)
case("Gemm", [f(3, 4), f(4, 5)], note="no bias")
case("Einsum", [f(2, 3, 4), f(2, 4, 5)], equation="bij, bjk -> bik")
case("Einsum", [f(2, 3, 3)], equation="...ii->...i")
case("Det", [f(2, 3, 3)])

# Windows.
case("Conv", [f(2, 3, 9), f(4, 3, 3), f(4)])
case(
    "Conv", [f(2, 4, 7, 8), f(6, 2, 3, 2), f(6)], group=2, strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2]
)
case("Conv", [f(1, 3, 7, 8), f(3, 1, 3, 3)], group=3, auto_pad="SAME_UPPER", strides=[2, 2])
case("Conv", [f(1, 2, 6, 7), f(3, 2, 2, 2)], auto_pad="SAME_LOWER")
case("Conv", [f(1, 2, 4, 5, 6), f(3, 2, 2, 3, 2)], auto_pad="VALID")
case("ConvTranspose", [f(1, 3, 5), f(3, 2, 3), f(2)], strides=[2])
case(
    "ConvTranspose",
    [f(2, 4, 4, 3), f(4, 3, 3, 2)],
    group=2,
    strides=[2, 3],
    pads=[1, 0, 1, 1],
    output_padding=[1, 2],
)
case("ConvTranspose", [f(1, 2, 4, 4), f(2, 2, 3, 3)], dilations=[2, 1])
case("ConvTranspose", [f(1, 2, 4, 4), f(2, 2, 3, 3)], strides=[2, 2], auto_pad="SAME_UPPER")
case("ConvTranspose", [f(1, 2, 4, 4), f(2, 2, 3, 3)], strides=[2, 2], auto_pad="SAME_LOWER")
case("ConvTranspose", [f(1, 2, 4, 4), f(2, 2, 3, 3)], strides=[2, 2], output_shape=[8, 7])
case("ConvTranspose", [f(1, 2, 3, 3), f(2, 2, 3, 3)], strides=[3, 2], output_shape=[10, 8], note="larger")
case("MaxPool", [f(2, 3, 9)], kernel_shape=[3])
case("MaxPool", [f(1, 2, 7, 8)], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], outputs=2)
case("MaxPool", [f(1, 2, 7, 8)], kernel_shape=[2, 2], strides=[2, 2], outputs=2, storage_order=1)
case("MaxPool", [f(1, 2, 7, 8)], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
case("MaxPool", [f(1, 2, 9, 9)], kernel_shape=[2, 3], dilations=[2, 2])
case("MaxPool", [f(1, 1, 2, 2)], kernel_shape=[1, 1], strides=[2, 2], ceil_mode=1, note="last window outside")
case("MaxPool", [f(1, 2, 7, 8)], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
case("AveragePool", [f(2, 3, 9)], kernel_shape=[3])
case("AveragePool", [f(1, 2, 7, 8)], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])
case(
    "AveragePool",
    [f(1, 2, 7, 8)],
    kernel_shape=[3, 2],
    strides=[2, 2],
    pads=[1, 0, 1, 1],
    count_include_pad=1,
)
case("AveragePool", [f(1, 2, 7, 8)], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, since=19)
case("AveragePool", [f(1, 2, 9, 9)], kernel_shape=[2, 3], dilations=[2, 2], since=19)
case("AveragePool", [f(1, 2, 7, 8)], kernel_shape=[3, 3], auto_pad="SAME_LOWER")
case("LpPool", [f(1, 2, 7, 8)], kernel_shape=[3, 2], strides=[2, 2])
case("LpPool", [f(1, 2, 9, 9)], kernel_shape=[2, 3], p=3, dilations=[2, 1], since=18)
for op in ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"]:
    case(op, [f(2, 3, 4, 5)])

# Normalisation.
case("BatchNormalization", [f(2, 3, 4, 5), f(3), f(3), f(3), f(3, low=0.5)], epsilon=1e-3)
case("InstanceNormalization", [f(2, 3, 4, 5), f(3), f(3)])
case("LayerNormalization", [f(2, 3, 4), f(4), f(4)], since=17)
case("LayerNormalization", [f(2, 3, 4), f(3, 4)], since=17, axis=1, epsilon=1e-2, outputs=3)
case("GroupNormalization", [f(2, 4, 3, 3), f(2), f(2)], since=18, until=20, num_groups=2)
case("GroupNormalization", [f(2, 4, 3, 3), f(4), f(4)], since=21, num_groups=2)
case("LRN", [f(2, 7, 3, 3)], size=3, alpha=0.3, beta=0.6, bias=1.5)
case("LpNormalization", [f(3, 4)], p=1, axis=0)
case("LpNormalization", [f(3, 4)])
case("MeanVarianceNormalization", [f(2, 3, 4, 5)])
case("Dropout", [f(3, 4)], outputs=2)
case("Dropout", [f(3, 4), np.float32(0.5), np.asarray(False)], constant=(1, 2), note="off")

# Recurrent.
for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
    state = 3 if op == "LSTM" else 2
    for direction, d in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
        weights = [f(d, gates * 4, 3), f(d, gates * 4, 4), f(d, 2 * gates * 4)]
        case(op, [f(5, 2, 3), *weights], outputs=state, hidden_size=4, direction=direction)
        lengths = np.asarray([5, 3], np.int32)
        begin = [f(d, 2, 4), f(d, 2, 4)][: state - 1]
        case(
            op, [f(5, 2, 3), *weights, lengths, *begin], outputs=state, hidden_size=4, direction=direction,
            note=f"{direction} with lengths",
        )  # fmt: skip
    case(
        op,
        [f(5, 2, 3), f(1, gates * 4, 3), f(1, gates * 4, 4)],
        outputs=state,
        hidden_size=4,
        clip=0.3,
        note="clip",
    )
case("GRU", [f(5, 2, 3), f(1, 12, 3), f(1, 12, 4), f(1, 24)], outputs=2, hidden_size=4, linear_before_reset=1)
case(
    "LSTM", [f(5, 2, 3), f(1, 16, 3), f(1, 16, 4), f(1, 32), None, f(1, 2, 4), f(1, 2, 4), f(1, 12)],
    outputs=3, hidden_size=4, note="peepholes",
)  # fmt: skip
case(
    "LSTM", [f(5, 2, 3), f(1, 16, 3), f(1, 16, 4)], outputs=["y", "", "c"], hidden_size=4,
    activations=["HardSigmoid", "Relu", "Softsign"], activation_alpha=[0.3], activation_beta=[0.4],
    note="activations",
)  # fmt: skip
case("LSTM", [f(5, 2, 3), f(1, 16, 3), f(1, 16, 4)], outputs=3, hidden_size=4, input_forget=1, note="coupled")
case(
    "GRU", [f(5, 2, 3), f(2, 12, 3), f(2, 12, 4)], outputs=2, hidden_size=4, direction="bidirectional",
    activations=["Sigmoid", "Elu", "HardSigmoid", "LeakyRelu"], activation_alpha=[0.5, 0.3, 0.1],
    activation_beta=[0.4], note="activations",
)  # fmt: skip
case("RNN", [f(5, 2, 3), f(1, 4, 3), f(1, 4, 4)], outputs=2, hidden_size=4, activations=["Affine"],
     activation_alpha=[0.5], activation_beta=[0.1], note="affine")  # fmt: skip

# Types and quantisation.
case("Cast", [f(3, 4)], to=7)
case("Cast", [f(3, 4)], to=10)
case("Cast", [f(3, 4)], to=9)
case("Cast", [n(3, 4)], to=1)
case("CastLike", [f(3, 4), n(1)], since=15)
case("QuantizeLinear", [f(3, 4), np.float32(0.02), np.uint8(120)])
case("QuantizeLinear", [f(2, 3, 4), f(3, low=0.01, high=0.1), n(3, high=9, dtype=np.int8)])
case("QuantizeLinear", [f(3, 4), np.float32(0.02)], note="no zero point")
case("DequantizeLinear", [n(3, 4, high=255, dtype=np.uint8), np.float32(0.02), np.uint8(120)])
case("DequantizeLinear", [n(2, 3, dtype=np.int8), f(2, low=0.1), n(2, dtype=np.int8)], axis=0)
case("DequantizeLinear", [n(4, 3, dtype=np.int8), f(2, 3, low=0.1)], since=21, axis=0, block_size=2)
case(
    "MatMulInteger",
    [n(3, 4, high=255, dtype=np.uint8), n(4, 2, high=255, dtype=np.uint8), np.uint8(9), np.uint8(3)],
)
case(
    "ConvInteger",
    [n(1, 2, 5, 5, high=255, dtype=np.uint8), n(3, 2, 2, 2, high=255, dtype=np.uint8), np.uint8(7)],
)
case(
    "QLinearMatMul",
    [n(3, 4, high=255, dtype=np.uint8), np.float32(0.02), np.uint8(9), n(4, 2, high=255, dtype=np.uint8),
     np.float32(0.01), np.uint8(3), np.float32(0.3), np.uint8(100)],
)  # fmt: skip
case(
    "QLinearConv",
    [n(1, 2, 5, 5, high=255, dtype=np.uint8), np.float32(0.02), np.uint8(9),
     n(3, 2, 2, 2, high=255, dtype=np.uint8), np.float32(0.01), np.uint8(3), np.float32(0.3), np.uint8(100),
     n(3, dtype=np.int32)],
)  # fmt: skip

# Resizing.
_IMAGE = f(1, 2, 4, 5)
_NONE = np.zeros(0, np.float32)
for mode in ("nearest", "linear", "cubic"):
    for how in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
        case("Resize", [_IMAGE, None, None, i(1, 2, 7, 3)], constant=(3,), mode=mode,
             coordinate_transformation_mode=how, note=f"{mode} {how}")  # fmt: skip
    case(
        "Resize",
        [_IMAGE, None, np.asarray([1, 1, 2, 1.5], np.float32)],
        constant=(2,),
        mode=mode,
        note=f"{mode} by scale",
    )
for how in ("floor", "ceil", "round_prefer_ceil"):
    case(
        "Resize",
        [_IMAGE, None, None, i(1, 2, 6, 8)],
        constant=(3,),
        mode="nearest",
        nearest_mode=how,
        note=how,
    )
case(
    "Resize", [_IMAGE, None, None, i(2, 3)], constant=(3,), since=18, mode="linear", antialias=1, axes=[2, 3]
)
