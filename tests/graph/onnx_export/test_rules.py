"""Each rule against JAX, with onnxruntime."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from onnx_agreement import agrees

from antiphon.graph import trace
from antiphon.graph.onnx_export._model import RULES

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 5)).astype(np.float32)
Y = rng.normal(size=(4, 5)).astype(np.float32)
CUBE = rng.normal(size=(3, 4, 5)).astype(np.float32)
N = rng.integers(-9, 9, (4, 5)).astype(np.int32)
M = np.where(N[::-1] == 0, 3, N[::-1]).astype(np.int32)
B = X > 0
ODD = np.float32([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -2.5, 0.5, 1e-8, 3e38])
ODD2 = np.float32([1.0, np.nan, np.inf, -0.0, 0.0, -1.5, 2.5, 0.5, -1e-8, 1.0])
SMALL = rng.integers(-100, 100, (4, 5))

UNIT = np.clip(X / 3, -0.9, 0.9)
UNARY = {
    "neg": [X, N, ODD], "abs": [X, N, ODD], "exp": [X, ODD], "log": [np.abs(X), ODD],
    "sqrt": [np.abs(X), ODD], "rsqrt": [np.abs(X) + 0.1], "tanh": [X, ODD], "sin": [X], "cos": [X],
    "tan": [UNIT], "asin": [UNIT], "acos": [UNIT], "atan": [X, ODD], "sinh": [X], "cosh": [X],
    "asinh": [X], "acosh": [np.abs(X) + 1.1], "atanh": [UNIT], "floor": [X, ODD], "ceil": [X, ODD],
    "erf": [X, ODD], "erfc": [X, 4 * X, ODD[:-1]], "logistic": [X, ODD], "sign": [X, N, ODD],
    "is_finite": [X, ODD], "expm1": [X, X * 1e-6, ODD[:-1], np.float32([-30, 20])],
    "log1p": [np.abs(X), X * 1e-6, ODD, np.float32([-1, -0.5])], "cbrt": [X], "exp2": [X],
    "square": [X, N],
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_one_array(name):
    f = getattr(lax, name)
    # One model for all of them: half of the time of a test is to make a session.
    agrees(lambda *arrays: [f(a) for a in arrays], *UNARY[name])


@pytest.mark.parametrize("f", [lax.expm1, lax.log1p], ids=["expm1", "log1p"])
def test_near_0_all_digits_count(f):
    agrees(f, (X * 1e-6).astype(np.float32), tolerance=1e-14)


BINARY = {
    "add": [(X, Y), (N, M), (ODD, ODD2)], "sub": [(X, Y), (N, M)], "mul": [(X, Y), (N, M)],
    "div": [(X, Y), (N, M), (ODD, ODD2), (N, N), (np.int32([-(2**31)]), np.int32([-1]))],
    "rem": [(X, Y), (N, M), (N, N), (ODD, ODD2)], "max": [(X, Y), (N, M), (ODD, ODD2), (B, ~B)],
    "min": [(X, Y), (N, M), (ODD, ODD2), (B, ~B)], "eq": [(X, X), (N, M), (ODD, ODD), (B, B)],
    "ne": [(X, X), (N, M), (ODD, ODD), (B, B)], "lt": [(X, Y), (N, M), (ODD, ODD2), (B, ~B)],
    "le": [(X, Y), (N, M), (ODD, ODD2)], "gt": [(X, Y), (N, M), (ODD, ODD2)],
    "ge": [(X, Y), (N, M), (ODD, ODD2)], "pow": [(np.abs(X), Y), (X, N)],
    "atan2": [(X, Y), (ODD, ODD2), (ODD2, ODD)],
    "bitwise_and": [(B, ~B), (N, M)], "bitwise_or": [(B, ~B), (N, M)], "bitwise_xor": [(B, ~B), (N, M)],
    "shift_left": [(N, M & 31), (N, M & 63)], "shift_right_logical": [(N, M & 31), (N, M & 63)],
    "shift_right_arithmetic": [(N, M & 31), (N, M & 63)],
}  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_a_function_of_two_arrays(name):
    f = getattr(lax, name)
    agrees(lambda pairs: [f(a, b) for a, b in pairs], BINARY[name])


@pytest.mark.parametrize(
    "dtype",
    [
        "int8",
        "uint16",
        *(pytest.param(d, marks=pytest.mark.slow) for d in ("uint8", "int16", "uint32", "float16")),
    ],
)
def test_small_dtypes_wrap_around_and_compare_as_in_jax(dtype):
    a, b = SMALL.astype(dtype), SMALL[::-1].astype(dtype)
    zero = np.zeros((), dtype)

    def f(a, b):
        c = lax.select(a > b, a, b)
        return a + b, a * b, jnp.maximum(a, b), c, a == b, lax.neg(a), lax.reduce_max(a, (0,)), c.astype(bool)

    def g(a):
        return lax.pad(a, zero, [(1, 0, 0), (0, 2, 1)]), lax.rev(a, (0,)), jnp.flip(a.T)[0, 1:3]

    agrees(f, a, b)
    agrees(g, a)


FUNCTIONS = {
    "integer_pow": ([lambda x: (x**3, x**-2, x**5, lax.integer_pow(x, 0))], [X]),
    "integer_pow of ints": ([lambda x: x**3], [N]),
    "round to even": ([lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)], [ODD]),
    "round away": ([lambda x: lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO)], [ODD[1:], X * 2]),
    "round half below": (
        [lambda x: lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO)],
        [np.float32([0.49999997, -0.49999997])],
    ),
    "not": ([lax.bitwise_not], [B, N]),
    "clamp": ([lambda x: lax.clamp(jnp.float32(-0.5), x, jnp.float32(0.5))], [X, ODD]),
    "clamp of ints": ([lambda x: jnp.clip(x, -2, 3)], [N]),
    "clamp by arrays": ([lambda x: lax.clamp(x - 1, 0 * x, x)], [X]),
    "select": ([lambda x: jnp.where(x > 0, x, -x), lambda x: jnp.where(x > 0, True, x < -1)], [X, N]),
    "select of many": (
        [lambda i: lax.select_n(jnp.clip(i, 0, 2), i, i + 10, i + 20), lambda i: lax.select_n(i > 0, i, -i)],
        [N],
    ),
    "floor division": ([lambda i: (i // 3, i % 3, (i - 1) // -2, i // i[::-1])], [N]),
    "casts": (
        [lambda x: [x.astype(d) for d in (np.int32, np.int8, np.uint8, np.float16, bool, np.uint16)]],
        [X * 100, N, ODD],
    ),
    "casts of bools": ([lambda x: [x.astype(d) for d in (np.int32, np.float32, np.uint8)]], [B]),
    "reduce_precision": ([lambda x: lax.reduce_precision(x, 8, 23)], [X]),
    "nan_to_num": ([jnp.nan_to_num, jnp.isnan, jnp.isinf, jnp.nanmax, jnp.nansum], [ODD]),
    "broadcast": (
        [
            lambda x: lax.broadcast_in_dim(x, (4, 3, 5), (0, 2)),
            lambda x: lax.broadcast_in_dim(x[:1], (7, 5), (0, 1)),
            lambda x: jnp.broadcast_to(x[0, 0], (2, 2)) == x[1, 1],
            lambda x: jnp.broadcast_to(x[None, 0], (3, 5)) == jnp.broadcast_to(x[None, 1], (3, 5)),
        ],
        [X, N, B],
    ),
    "reshape": (
        [
            lambda x: x.reshape(2, -1),
            lambda x: x.reshape(-1),
            lambda x: lax.reshape(x, (10, 2), (1, 0)),
            lambda x: x[:0].reshape(0, 3),
        ],
        [X],
    ),
    "squeeze": ([lambda x: jnp.squeeze(x[:1, None], (0, 1)), lambda x: jnp.expand_dims(x, 1)], [X]),
    "transpose": ([lambda x: x.transpose(2, 0, 1), lambda x: jnp.swapaxes(x, 0, 1)], [CUBE]),
    "concatenate": (
        [lambda x: jnp.concatenate([x, x[:, :2], x[:, :0]], 1), lambda x: lax.concatenate([x], 0)],
        [X, B],
    ),
    "stack": ([lambda x: jnp.stack([x, -x], 1), lambda x: jnp.stack([x, x + x])], [X]),
    "split": (
        [
            lambda x: jnp.split(x, [2], 1),
            lambda x: lax.split(x, (1, 3), 0),
            lambda x: list(jnp.unstack(x)),
            lambda x: list(jnp.unstack(x[:1])),
        ],
        [X],
    ),
    "tile": ([lambda x: jnp.tile(x, (2, 3)), lambda x: jnp.repeat(x, 2, 0)], [X]),
    "rev": ([lambda x: x[::-1], lambda x: lax.rev(x, (0, 1))], [X, B]),
    "slice": ([lambda x: x[1:3, ::2], lambda x: x[:, -2:], lambda x: lax.slice(x, (0, 0), (4, 5))], [X]),
    "pad": (
        [
            lambda x: lax.pad(x, jnp.float32(7), [(1, 2, 0), (0, 1, 2)]),
            lambda x: lax.pad(x, jnp.float32(7), [(-1, 2, 0), (1, -2, 0)]),
            lambda x: lax.pad(x, jnp.float32(7), [(-1, -1, 1), (2, -3, 2)]),
            lambda x: jnp.pad(x, 2),
        ],
        [X],
    ),
    "iota": ([lambda x: lax.broadcasted_iota(jnp.int32, (4, 5), 1) + lax.iota(jnp.int32, 4)[:, None]], [X]),
    "empty": (
        [
            lambda x: lax.empty((0, 3), x.dtype),
            lambda x: x + lax.full_like(x, 3) + jnp.zeros_like(x) + jnp.ones((5,), x.dtype)[None],
        ],
        [X],
    ),
    "identities": (
        [
            lambda x: lax.stop_gradient(lax.optimization_barrier(x)) + jax.device_put(x),
            lambda x: jnp.array(x, copy=True),
            lambda x: x,
        ],
        [X],
    ),
    "reductions": (
        [
            lambda x, f=f, a=a: f(x, axis=a)
            for f in (jnp.sum, jnp.prod, jnp.max, jnp.min, jnp.mean)
            for a in (0, (0, 1), None)
        ]
        + [lambda x: lax.reduce_sum(x, ()), lambda x: jnp.sum(x, 1, keepdims=True)],
        [X],
    ),
    "reductions of ints": ([lambda x: (x.sum(0), x.max(1), x.min(), x.prod(1))], [N]),
    "extremes of NaN": ([lambda x: (x.max(0), x.min(0), x.max(1), x.min())], [np.tile(ODD, (3, 1))]),
    "reductions of bools": (
        [
            lambda x: (
                x.any(0),
                x.all(1),
                x.any(),
                x.all(),
                x.sum(0),
                lax.reduce_xor(x, (0,)),
                lax.reduce_or(x, ()),
            )
        ],
        [B, B & False, B | True],
    ),
    "argmax": (
        [lambda x: (jnp.argmax(x, 0), jnp.argmin(x, 1), jnp.argmax(x))],
        [X, N, B, np.tile(ODD, (2, 1))],
    ),
    "cumulative": (
        [
            lambda x, f=f, a=a, r=r: f(x, axis=a, reverse=r)
            for f in (lax.cumsum, lax.cumprod, lax.cummax, lax.cummin, lax.cumlogsumexp)
            for a in (0, 1)
            for r in (False, True)
        ],
        [X, np.tile(ODD[1:], (2, 1))],
    ),
    "cumulative of ints": (
        [lambda x: (jnp.cumsum(x, 0), lax.cummax(x, 1), lax.cummin(x, 0, reverse=True))],
        [N],
    ),
    "cumulative of bools": ([lambda x: jnp.cumsum(x, 1)], [B]),
    "windows": (
        [
            lambda x, op=op, init=init, w=w, s=s, d=d: lax.reduce_window(
                x, jnp.float32(init), op, (w, 1), (s, 1), ((w - 1, 0), (0, 0)), window_dilation=(d, 1)
            )
            for op, init in ((lax.max, -np.inf), (lax.min, np.inf), (lax.add, 0))
            for w, s, d in ((1, 1, 1), (2, 1, 1), (3, 2, 1), (5, 1, 2), (7, 1, 1), (8, 3, 1))
        ],
        [X, np.tile(ODD[:6], (5, 1))],
    ),
    "windows along two axes": (
        [
            lambda x, op=op, init=init: lax.reduce_window(x, init, op, (3, 2), (1, 1), "SAME")
            for op, init in ((lax.max, -np.inf), (lax.min, np.inf), (lax.add, 0.0), (lax.add, np.float32(2)))
        ]
        + [
            lambda x: lax.reduce_window(x, x[0, 0], lax.mul, (3, 2), (1, 1), "SAME"),
            lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 3), (1, 2), "SAME", base_dilation=(2, 1)),
        ],
        [X, np.tile(ODD[:6], (5, 1))],
    ),
    "windows of ints": (
        [
            lambda x: lax.reduce_window(x, jnp.int32(-(2**31)), lax.max, (3, 2), (1, 1), "SAME"),
            lambda x: lax.reduce_window(x, 0, lax.add, (1, 3), (1, 1), "VALID"),
        ],
        [N],
    ),
    "reductions by a function": (
        [lambda x, f=f: lax.reduce(x, jnp.ones((), x.dtype), f, (0,)) for f in (lax.add, lax.mul, lax.max)],
        [X, N],
    ),
    "dynamic slices": (
        [
            lambda x: lax.dynamic_slice(x, (jnp.argmax(x[:, 0]), 1), (2, 3)),
            lambda x: lax.dynamic_slice(x, (9, -9), (2, 3)),
            lambda x: lax.dynamic_slice(x, (1, 1), x.shape),
            lambda x: lax.dynamic_update_slice(x, x[:2, :2] * 9, (jnp.argmax(x[:, 0]), 1)),
            lambda x: lax.dynamic_update_slice(x, x[:2] * 9, (7, 0)),
            lambda x: lax.dynamic_update_slice(x, -x, (1, 1)),
            lambda x: x.at[1:3, 2].set(x[0, 0]),
        ],
        [X],
    ),
    "sort": (
        [
            lambda x: jnp.sort(x, 0),
            lambda x: jnp.argsort(x, 1),
            lambda x: lax.sort((jnp.round(x), -x), dimension=1, num_keys=2),
            lambda x: lax.sort((jnp.round(x), x), dimension=0, num_keys=1),
            lambda x: jnp.sort(x, descending=True),
        ],
        [X, np.tile(ODD, (2, 1)), N],
    ),
    "top_k": ([lambda x: lax.top_k(x, 3), lambda x: lax.top_k(x, 2, axis=0)], [X, N, np.tile(ODD, (2, 1))]),
    "quantiles": ([lambda x: (jnp.median(x, 1), jnp.quantile(x, 0.3, 0))], [X]),
    "softmax": (
        [
            jax.nn.softmax,
            jax.nn.log_softmax,
            jax.nn.logsumexp,
            jax.nn.gelu,
            jax.nn.relu,
            jax.nn.softplus,
            jax.nn.silu,
            jax.nn.elu,
            lambda x: jax.nn.gelu(x, approximate=False),
            jnp.var,
            lambda x: jnp.linalg.norm(x, axis=0),
        ],
        [X],
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_rule(name):
    functions, inputs = FUNCTIONS[name]
    agrees(lambda arrays: [f(a) for f in functions for a in arrays], inputs)


DOTS = [
    ((3,), (3,), "a,a->"), ((3, 4), (4,), "ab,b->a"), ((4,), (4, 3), "a,ab->b"),
    ((3, 4), (4, 5), "ab,bc->ac"), ((3, 4), (5, 4), "ab,cb->ac"), ((2, 3, 4), (2, 4, 5), "xab,xbc->xac"),
    ((2, 3, 4), (2, 4), "xab,xb->xa"), ((2, 4), (2, 4), "xa,xa->x"), ((2, 3, 4), (4, 5), "xab,bc->xac"),
    ((2, 3, 4), (3, 4, 5), "xab,abc->xc"),
    ((2, 3, 4), (5, 4, 6), "xab,cbd->xacd"), ((2, 3), (4, 5), "ab,cd->abcd"), ((3,), (4,), "a,b->ab"),
    ((2, 3, 4, 5), (2, 3, 5, 6), "xyab,xybc->xyac"), ((4, 2, 3), (5, 3, 2), "axb,cbx->xac"),
    ((2, 3, 4), (2, 5, 4), "xab,xcb->xac"), ((2, 3, 4, 5), (2, 5), "xabc,xc->xab"),
    ((2, 3, 4), (3,), "xab,a->xb"), ((2, 3, 4), (4,), "xab,b->xa"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "equation"), DOTS)
def test_products(one, other, equation):
    a, b = (rng.normal(size=s).astype(np.float32) for s in (one, other))
    agrees(lambda a, b: jnp.einsum(equation, a, b), a, b)


def test_products_of_whole_numbers():
    agrees(lambda a, b: a @ b.T, N, M)
    a = SMALL.astype(np.int8)
    agrees(lambda a: lax.dot(a, a.T, preferred_element_type=jnp.int32), a)


CONVOLUTIONS = [
    {"window_strides": (1,), "padding": "SAME", "dimension_numbers": ("NWC", "WIO", "NWC")},
    {
        "window_strides": (2,),
        "padding": "VALID",
        "dimension_numbers": ("NWC", "WIO", "NWC"),
        "rhs_dilation": (2,),
    },
    {
        "window_strides": (1,),
        "padding": [(2, 1)],
        "dimension_numbers": ("NWC", "WIO", "NCW"),
        "lhs_dilation": (2,),
    },
    {"window_strides": (1,), "padding": [(-1, 2)], "dimension_numbers": ("NWC", "WIO", "NWC")},
]


@pytest.mark.parametrize("settings", CONVOLUTIONS, ids=str)
def test_convolutions_along_time(settings):
    x = rng.normal(size=(2, 9, 4)).astype(np.float32)
    kernel = rng.normal(size=(3, 4, 6)).astype(np.float32)
    agrees(lambda x, k: lax.conv_general_dilated(x, k, **settings), x, kernel)


def test_convolutions_of_images_in_groups_and_of_points():
    x = rng.normal(size=(2, 4, 7, 8)).astype(np.float32)
    kernel = rng.normal(size=(6, 2, 3, 2)).astype(np.float32)
    agrees(lambda x, k: lax.conv_general_dilated(x, k, (2, 1), "SAME", feature_group_count=2), x, kernel)
    transposed = rng.normal(size=(3, 2, 4, 5)).astype(np.float32)
    agrees(
        lambda x, k: lax.conv_transpose(x, k, (2, 2), "SAME", dimension_numbers=("NCHW", "HWIO", "NCHW")),
        x,
        transposed,
    )
    points, matrix = x[:, :, 0, 0], rng.normal(size=(5, 4)).astype(np.float32)
    agrees(lambda x, k: lax.conv_general_dilated(x, k, (), []), points, matrix)


WHERE = np.int32([[0, 3, -1], [9, 2, 1]])

GATHERS = {
    "rows": lambda x, i: x[i],
    "columns": lambda x, i: x[:, i],
    "pairs": lambda x, i: x[i[0], i[1]],
    "pairs around an axis": lambda x, i: jnp.stack([x, x])[i[0] % 2, :, i[1]],
    "one": lambda x, i: x[i[0, 0]],
    "part of a row": lambda x, i: x[i, 1:3],
    "fill": lambda x, i: x.at[i].get(mode="fill"),
    "fill with a number": lambda x, i: x.at[i, 1].get(mode="fill", fill_value=-5),
    "clip": lambda x, i: x.at[i].get(mode="clip"),
    "take": lambda x, i: jnp.take(x, i, axis=1),
    "take along": lambda x, i: jnp.take_along_axis(x, i[:, :1] % 4 * jnp.ones((1, 5), jnp.int32), 0),
    "batch of rows": lambda x, i: jax.vmap(lambda r, j: r[j])(x[:2], i),
    "batch of numbers": lambda x, i: jax.vmap(lambda r, j: r[j])(x[:2], i[:, 0]),
    "batch of slices": lambda x, i: jax.vmap(lambda r, j: lax.dynamic_slice(r, (j,), (3,)))(x[:2], i[:, 1]),
    "batch of frames": lambda x, i: jax.vmap(lambda r, j: r[j])(jnp.stack([x, 2 * x]), i[:, 0]),
    "batch of columns": lambda x, i: jax.vmap(lambda r, j: r[:, j], (None, 0))(x, i),
    "batch on the last axis": lambda x, i: jax.vmap(lambda r, j: r[j], (1, 1), 1)(x[:, :3], i),
    "two batches": lambda x, i: jax.vmap(jax.vmap(lambda r, j: r[j]))(
        jnp.stack([x, 2 * x]), jnp.concatenate([i, i[:, :1]], 1)
    ),
    "a window": lambda x, i: jax.vmap(lambda j: lax.dynamic_slice(x, (j, j), (2, 3)))(i[1]),
    "bools": lambda x, i: (x > 0)[i],
    "ints": lambda x, i: x.astype(jnp.int32).at[i].get(mode="fill"),
    "an axis of one entry": lambda x, i: (x[:1][i[0], i[1]], x[:1][i], x[:, :1][i[0], i[1]], x[:1, :1][i, i]),
    "literal": lambda x, i: x[jnp.array([2, 0, 2])] + x[jnp.array([-1])],
}


@pytest.mark.parametrize("name", GATHERS)
def test_gathers(name):
    agrees(GATHERS[name], X, WHERE)


SCATTERS = {
    "set": lambda x, i: x.at[i[0] % 4].set(x[:3] * 2),
    "set out of bounds": lambda x, i: x.at[i].set(jnp.arange(30, dtype=jnp.float32).reshape(2, 3, 5)),
    "add": lambda x, i: x.at[i].add(x[0, 0]),
    "add in columns": lambda x, i: x.at[:, i[1]].add(1.0),
    "subtract": lambda x, i: x.at[i].subtract(1.5),
    "multiply": lambda x, i: x.at[i, 1].multiply(3.0),
    "max": lambda x, i: x.at[i].max(0.3),
    "min": lambda x, i: x.at[i].min(0.3, mode="clip"),
    "one entry": lambda x, i: x.at[i[0, 1], 2].set(8.0),
    "a part of a row": lambda x, i: x.at[2, 1:4].set(8.0),
    "ints": lambda x, i: jnp.zeros((5,), jnp.int32).at[i[1]].add(1, mode="drop"),
    "bools": lambda x, i: jnp.zeros((5,), bool).at[i[0]].set(True),
    "batch": lambda x, i: jax.vmap(lambda r, j: r.at[j].add(1.0))(x[:2], i),
    "batch of slices": lambda x, i: jax.vmap(
        lambda r, j: lax.dynamic_update_slice(r, jnp.ones((2,), jnp.float32), (j,))
    )(x[:2], i[:, 1]),
    "counts": lambda x, i: jnp.bincount(i.reshape(-1) % 4, length=5),
    "segments": lambda x, i: jax.ops.segment_sum(x[:3], i[0] % 3, 4),
}


@pytest.mark.parametrize("name", SCATTERS)
def test_scatters(name):
    agrees(SCATTERS[name], X, WHERE)


def test_every_rule_stands_in_a_graph_of_the_tests():
    """The parametrised functions above, taken together, use each rule but those that need other inputs."""
    seen = set()

    def look(graph):
        for equation in graph.equations:
            seen.add(equation.primitive)
            for body in equation.bodies:
                look(body)

    for name, arrays in UNARY.items():
        look(trace(getattr(lax, name), arrays[0]))
    for name, pairs in BINARY.items():
        look(trace(getattr(lax, name), *pairs[0]))
    for made in FUNCTIONS.values():
        functions, (array, *_) = made
        look(trace(lambda x, fs=functions: [f(x) for f in fs], array))
    for f in (*GATHERS.values(), *SCATTERS.values()):
        look(trace(f, X, WHERE))
    elsewhere = {"dot_general", "conv_general_dilated", "scan", "while", "cond", "dim_as_value"}
    same_as_others = {"copy_p", "sharding_constraint", "name", "pvary", "add_any", "expand_dims"}
    assert set(RULES) - seen - elsewhere - same_as_others == set()
