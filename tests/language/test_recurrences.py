"""Folds that run in parallel over time, against a loop in NumPy."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.language import sequence


def loop(frames, mask, kernel, bias, gate_kernel, gate_bias):
    h = np.zeros(len(bias))
    states = []
    for v, there in zip(frames.astype(np.float64), mask, strict=True):
        if there:
            z = 1 / (1 + np.exp(-(gate_kernel @ v + gate_bias)))
            h = (1 - z) * h + z * np.tanh(kernel @ v + bias)
        states.append(h)
    return np.array(states)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([1, 2, 7, 40]), st.integers(0, 2**32 - 1))
def test_a_gated_fold_is_the_loop(time, seed):
    rng = np.random.default_rng(seed)
    frames = rng.normal(0, 2, (time, 3)).astype(np.float32)
    mask = rng.random(time) < 0.7
    arrays = {"kernel": (4, 3), "bias": (4,), "gate_kernel": (4, 3), "gate_bias": (4,)}
    arrays = {name: rng.normal(0, 1, shape).astype(np.float32) for name, shape in arrays.items()}
    wanted = loop(frames, mask, **arrays)
    given_arrays = {name: jnp.asarray(a) for name, a in arrays.items()}
    inputs = jnp.asarray(frames), jnp.asarray(mask)
    last = sequence["fold_gated"].run(*inputs, hidden=4, **given_arrays)
    states = sequence["prefix_fold_gated"].run(*inputs, hidden=4, **given_arrays)
    np.testing.assert_allclose(last, wanted[-1], atol=1e-5)
    np.testing.assert_allclose(states, np.where(mask[:, None], wanted, 0), atol=1e-5)
