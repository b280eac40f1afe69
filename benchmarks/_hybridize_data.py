"""Sizes, parameters and data of the benchmark of hybridize, the same for JAX and PyTorch; NumPy only."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

RATE = 0.01
TIME, BATCH, HIDDEN = 50, 16, 64
TREES, LEAVES, WIDTH, WORDS = 12, (6, 25), 128, 100
EPISODES, LIMIT = 4, 100
LENGTHS = (20, 35, 50, 65, 80)


def rows(rng: np.random.Generator, *shape: int, inputs: int | None = None) -> np.ndarray:
    """Random numbers, scaled by the number of inputs that are summed over."""
    return (rng.standard_normal(shape) / np.sqrt(inputs or shape[-1])).astype(np.float32)


def zeros(*shape: int) -> np.ndarray:
    """Where biases start."""
    return np.zeros(shape, np.float32)


Data = tuple[dict[str, np.ndarray], list[tuple[np.ndarray, ...]]]


def lenet(seed: int) -> Data:
    """Images `(batch, 1, 28, 28)` and their labels; layouts OIHW and NCHW."""
    rng = np.random.default_rng(seed)
    params = {
        "conv1": rows(rng, 6, 1, 5, 5, inputs=25),
        "conv2": rows(rng, 16, 6, 5, 5, inputs=150),
        "dense1": rows(rng, 256, 120, inputs=256),
        "dense2": rows(rng, 120, 84, inputs=120),
        "dense3": rows(rng, 84, 10, inputs=84),
    }
    return params, [(rows(rng, 32, 1, 28, 28, inputs=1), rng.integers(0, 10, 32).astype(np.int32))]


def lstm(seed: int, time: int = TIME) -> Data:
    """Frames `(time, batch, feature)`."""
    rng = np.random.default_rng(seed)
    params = {
        "w": rows(rng, 4 * HIDDEN, HIDDEN),
        "u": rows(rng, 4 * HIDDEN, HIDDEN),
        "b": zeros(4 * HIDDEN),
    }
    return params, [(rows(rng, time, BATCH, HIDDEN),)]


def dynamic_rnn(seed: int) -> Data:
    """Frames `(time, feature)`, of which half are skipped."""
    rng = np.random.default_rng(seed)
    params = {"w": rows(rng, HIDDEN, HIDDEN), "u": rows(rng, HIDDEN, HIDDEN)}
    return params, [(rows(rng, TIME, HIDDEN),)]


def policy(seed: int) -> Data:
    """Noise of some episodes `(step,)`, which decides the actions."""
    rng = np.random.default_rng(seed)
    params = {
        "w": rows(rng, 4, 32, inputs=4),
        "b": zeros(32),
        "v": rows(rng, 32, 2, inputs=32),
    }
    return params, [(rng.random(LIMIT).astype(np.float32),) for _ in range(EPISODES)]


def gan(seed: int) -> tuple[dict[str, dict[str, np.ndarray]], list[tuple[np.ndarray, ...]]]:
    """Real pictures `(batch, pixel)` and noise `(batch, feature)`."""
    rng = np.random.default_rng(seed)
    params = {
        "generator": {
            "w": rows(rng, 32, 128, inputs=32), "v": rows(rng, 128, 196, inputs=128), "b": zeros(196)
        },
        "critic": {
            "w": rows(rng, 196, 128, inputs=196), "v": rows(rng, 128, 1, inputs=128), "b": zeros(1)
        },
    }  # fmt: skip
    return params, [(rows(rng, 32, 196, inputs=1), rows(rng, 32, 32, inputs=1)) for _ in range(2)]


def tree_lstm(seed: int) -> Data:
    """Parameters of the leaves and of the inner nodes, and a table of words."""
    rng = np.random.default_rng(seed)
    params = {
        "w": rows(rng, 3 * WIDTH, WIDTH),
        "u": rows(rng, 5 * WIDTH, 2 * WIDTH),
        "b": zeros(5 * WIDTH),
    }
    return params, [(rows(rng, WORDS, WIDTH),)]


def tree_rnn(seed: int) -> Data:
    """Parameters of the inner nodes, and a table of words."""
    rng = np.random.default_rng(seed)
    params = {"u": rows(rng, WIDTH, 2 * WIDTH), "b": zeros(WIDTH)}
    return params, [(rows(rng, WORDS, WIDTH),)]


def shapes_of_trees(seed: int) -> list[Any]:
    """Random binary trees as nested pairs of numbers of words; they differ in shape and size."""
    rng = random.Random(seed)

    def grow(leaves: int) -> Any:
        if leaves == 1:
            return rng.randrange(WORDS)
        left = rng.randrange(1, leaves)
        return (grow(left), grow(leaves - left))

    return [grow(rng.randrange(*LEAVES)) for _ in range(TREES)]
