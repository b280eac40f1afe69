"""Small functions, one or more for each rule of a source."""

import jax
import jax.numpy as jnp
import numpy as np

from antiphon import networks
from antiphon.networks import layers

X = np.float32([[0.5, -1.25, 2.0], [3.0, 0.75, -0.5], [1.5, 1.0, 0.25], [-2.0, 0.1, 0.9]])
K = np.int32([2, 0, 3, 1])
lax = jax.lax


def while_loop(x):
    return lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * 2 + x[s[0]]), (0, jnp.zeros(3)))[1]


def power_of_two(x):
    return lax.fori_loop(0, x.shape[0], lambda i, h: h + x[i] * 2.0 ** i.astype(jnp.float32), jnp.zeros(3))


def branches(x):
    return lax.cond(x[0, 0] > 0, lambda a: a.sum(0), lambda a: a.max(0) * 2, x)


def switch(x, k):
    return lax.switch(k[0], [lambda a: a, lambda a: a * 2, lambda a: a - 1, lambda a: a + 5], x)


def swapped(x):
    return lax.scan(lambda s, v: ((s[1], s[0] + v), s[0]), (jnp.zeros(3), jnp.ones(3)), x, reverse=True)


def convolved(x, strides, dilation):
    kernel = jnp.arange(30.0).reshape(2, 3, 5) / 10 - 1
    numbers = ("NWC", "WIO", "NWC")
    return lax.conv_general_dilated(
        x[None], kernel, strides, ((2, 1),), rhs_dilation=dilation, dimension_numbers=numbers
    )[0]


FUNCTIONS = [
    lambda x: x @ x.T,
    lambda x: x[:, 0] @ x,
    lambda x: jnp.einsum("tn,tm->nm", x, x),
    lambda x: jnp.einsum("tn,tn->t", x, x),
    lambda x: jax.nn.softmax(x, axis=-1),
    lambda x: jax.nn.log_softmax(x, axis=0),
    lambda x: jax.nn.gelu(x) + jax.nn.silu(x) + jax.nn.elu(x) + jax.nn.softplus(x),
    lambda x: jax.nn.gelu(x, approximate=False),
    lambda x: jnp.where(x > 0, jnp.log1p(jnp.abs(x)), jnp.expm1(x)) ** 3,
    lambda x: jnp.floor(x) + jnp.ceil(x) - jnp.round(x) + jnp.sign(x),
    lambda x: jnp.sin(x) * jnp.cos(x) + jnp.tan(x / 4) - jnp.arctan2(x, 2.0) + jnp.arcsinh(x),
    lambda x: jnp.abs(x) ** jnp.float32(1.5) / lax.rsqrt(jnp.square(x) + 1) + jnp.cbrt(x),
    lambda x: jnp.clip(x, -1.0, 1.0) - jnp.minimum(x, 0.5) % 0.75,
    lambda x: -x.T.reshape(2, 6) + x.prod(),
    lambda x: x.argmax(1) - x.argmin(1) + (x > 0).sum(1),
    lambda x: (x > 0).any(0) | ~(x < 1).all(0) ^ jnp.isfinite(x[0]),
    lambda x: jnp.cumsum(x, 0)[::-1] + lax.cumsum(x, axis=1, reverse=True) + jnp.cumprod(x, 0),
    lambda x: lax.cummax(x, axis=0) - lax.cummin(x, axis=1, reverse=True),
    lambda x: jnp.pad(x, ((1, 2), (0, 1)), constant_values=7.0)[1:-1],
    lambda x: jnp.concatenate([x, 2 * x[:1]], axis=0).swapaxes(0, 1)[..., None],
    lambda x: jnp.stack([x, x * 2], axis=1),
    lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (1, 2), ((1, 0), (0, 1))),
    lambda x: lax.reduce_window(x, 0.0, lax.add, (3, 1), (2, 1), ((0, 0), (0, 0))),
    lambda x: convolved(x, (1,), (1,)),
    lambda x: convolved(x, (2,), (2,)),
    lambda x: x[-2] + x[1] - x[1:3].mean(0) + x[::2].sum(0),
    lambda x: x.std(0) + x.var(1).max() + jnp.linalg.norm(x),
    lambda x: jnp.sort(x, axis=0) + lax.dynamic_slice(x, (1, 0), (2, 3)).sum(0),
    lambda x: jnp.eye(3) + jnp.arange(3.0) + jnp.tri(3),
    lambda x: jnp.full((2, 3), 4) // 3 - lax.rem(jnp.int32(7), jnp.int32(4)),
    while_loop,
    power_of_two,
    branches,
    swapped,
    lambda x: lax.scan(lambda h, _: (h / 2 + 1, None), x, None, length=3)[0],
    lambda x: jax.vmap(lambda v: v * v.max())(x),
    lambda x: x.at[...].get() + lax.stop_gradient(x),
    lambda x: lax.select_n(x > 0, x, 2 * x) + lax.reduce_precision(x, 8, 23),
]
WITH_PLACES = [
    lambda x, k: x[k],
    lambda x, k: jnp.take(x, k % 3, axis=1, mode="clip"),
    lambda x, k: x[k[0]] + jnp.take(x, 9, axis=0, mode="clip"),
    lambda x, k: lax.dynamic_slice(x, (k[0], 0), (2, 3)),
    lambda x, k: lax.dynamic_index_in_dim(x, k[2], keepdims=False) + (k // 2)[:3],
    lambda x, k: jnp.where((k > 1)[:, None], x, k[:, None].astype(jnp.float32)),
    lambda x, k: jax.nn.one_hot(k, 4) @ x,
    lambda x, k: jax.vmap(lambda i: x[i])(k),
    lambda x, k: jax.vmap(lambda i: x[:, i])(k % 3),
    lambda x, k: jax.vmap(lambda i: lax.dynamic_slice(x, (i, 0), (1, 3)))(k),
    switch,
]

SEQUENTIAL = {
    "conv1d": [
        networks.Input((None, 3)),
        layers.Conv1D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(4, 2, padding="causal"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(2),
    ],
    "recurrent": [
        networks.Input((None, 3)),
        layers.Masking(),
        layers.LSTM(4, return_sequences=True),
        layers.Dropout(0.2),
        layers.Bidirectional(layers.GRU(4)),
        layers.Dense(2, activation="softmax"),
    ],
    "embedding": [
        networks.Input((None,), dtype="int32"),
        layers.Embedding(10, 4),
        layers.LayerNormalization(),
        layers.SimpleRNN(3, return_sequences=True),
        layers.GlobalMaxPooling1D(),
        layers.Dense(1),
    ],
    "conv2d": [
        networks.Input((8, 8, 1)),
        layers.Conv2D(3, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.AveragePooling2D(2, strides=1, padding="same"),
        layers.Flatten(),
        layers.Dense(2),
    ],
}


def sequential(name, time):
    """A network of layers, examples to trace it with, and arguments to run it on."""
    network = networks.Sequential(SEQUENTIAL[name]).module
    rng = np.random.default_rng(0)
    if name == "conv2d":
        x = rng.normal(size=(8, 8, 1)).astype(np.float32)
        return network, (jax.ShapeDtypeStruct(x.shape, x.dtype),), (x,)
    long = (11,) if name == "embedding" else (11, 3)
    x = rng.integers(0, 10, long).astype(np.int32) if name == "embedding" else rng.normal(size=long)
    x = x if name == "embedding" else x.astype(np.float32)
    examples = jax.ShapeDtypeStruct((time, *long[1:]), x.dtype), jax.ShapeDtypeStruct((time,), jnp.bool_)
    return network, examples, (x, np.arange(11) < 9)
