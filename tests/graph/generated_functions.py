"""Functions made at random, for properties that hold of every graph."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

# Each takes two arrays of shape (rows, 3) and gives one; smooth, so that gradients can be compared.
STEPS: dict[str, Any] = {
    "add": lambda a, b, k: a + b,
    "sub": lambda a, b, k: a - b,
    "mul": lambda a, b, k: a * b,
    "zero": lambda a, b, k: a + 0.0,
    "one": lambda a, b, k: (a * 1.0) / 1.0 - 0.0,
    "twice": lambda a, b, k: jnp.negative(jnp.negative(a)),
    "tanh": lambda a, b, k: jnp.tanh(a),
    "sin": lambda a, b, k: jnp.sin(a + k),
    "square": lambda a, b, k: jnp.tanh(a) ** 2,
    "silu": lambda a, b, k: jax.nn.silu(a),
    "jit": lambda a, b, k: jax.jit(lambda x: x * k + 1.0)(a),
    "remat": lambda a, b, k: jax.checkpoint(jnp.sin)(a),
    "custom": lambda a, b, k: doubled_slope(a),
    "affine": lambda a, b, k: (a @ WEIGHTS + k) @ WEIGHTS.T * 0.5 - 1.0,
    "left": lambda a, b, k: (WEIGHTS @ (WEIGHTS.T @ a[0] + 1.0) * k)[None] + b,
    "folded": lambda a, b, k: a * (jnp.sum(WEIGHTS) * k),
    "turn": lambda a, b, k: a.T.T.reshape(-1).reshape(a.shape),
    "swap": lambda a, b, k: jnp.transpose(jnp.transpose(a[None], (1, 2, 0)), (2, 0, 1))[0],
    "flip": lambda a, b, k: a[::-1],
    "cut": lambda a, b, k: jnp.concatenate([a[1:], b[:1]]),
    "cast": lambda a, b, k: a.astype(jnp.float32) + b.astype(jnp.int32).astype(jnp.float32),
    "where": lambda a, b, k: jnp.where(a > k, a, b * 2.0),
    "mean": lambda a, b, k: a - jnp.mean(b, axis=0, keepdims=True),
    "max": lambda a, b, k: jnp.maximum(a, -jnp.inf) + jnp.minimum(b, b),
    "softmax": lambda a, b, k: jax.nn.softmax(a, axis=-1),
    "scan": lambda a, b, k: scanned(a, b, k),
    "back": lambda a, b, k: scanned(a, b, k, reverse=True),
    "cond": lambda a, b, k: jax.lax.cond(jnp.sum(a) > k, lambda x, y: x * 2.0, lambda x, y: y + x, a, b),
    "switch": lambda a, b, k: jax.lax.switch(2, [lambda x: x, jnp.sin, lambda x: x + k], a),
    "fori": lambda a, b, k: jax.lax.fori_loop(0, 3, lambda i, x: x * 0.5 + i * k, a),
}
WEIGHTS = np.linspace(-0.9, 1.0, 12, dtype=np.float32).reshape(3, 4)


@jax.custom_jvp
def doubled_slope(x: Any) -> Any:
    return jnp.sin(x)


@doubled_slope.defjvp
def _(primals: Any, tangents: Any) -> Any:
    return doubled_slope(primals[0]), 2.0 * tangents[0]


def scanned(a: Any, b: Any, k: float, reverse: bool = False) -> Any:
    """A loop with a state that nothing needs, and work that does not depend on the step."""
    gain = jnp.asarray(WEIGHTS) * 0.5

    def step(state: Any, row: Any) -> Any:
        h, unused = state
        h = jnp.tanh(h + (row @ gain + 0.5) @ gain.T + k)
        return (h, unused + 1.0), (h, row * 2.0)

    _, (rows, _) = jax.lax.scan(step, (b[0], jnp.zeros(2)), a, reverse=reverse)
    return rows


@st.composite
def programs(draw: Any, most: int = 6) -> Any:
    """A function of two arrays (rows, 3), with its steps for its name."""
    names = draw(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=most))
    reads = [draw(st.tuples(*(st.integers(0, i + 1),) * 2)) for i in range(len(names))]
    numbers = [draw(st.sampled_from([0.5, -1.0, 2.0])) for _ in names]

    def run(x: Any, y: Any) -> Any:
        values = [x, y]
        for name, (i, j), k in zip(names, reads, numbers, strict=True):
            values.append(STEPS[name](values[i], values[j], k))
        return values[-1]

    run.__name__ = "_".join(names)
    return run


def arrays(seed: int = 0, rows: int = 4) -> tuple[Any, Any]:
    x, y = np.random.default_rng(seed).normal(size=(2, rows, 3)).astype(np.float32)
    return x, y


def loss(f: Any) -> Any:
    """One number of what a function gives, in which every entry counts differently."""
    return lambda *args: jnp.sum(f(*args) * jnp.sin(jnp.arange(1.0, 4.0))[None])
