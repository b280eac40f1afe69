"""Mu-law against its formula in 64 bits, and against what it has to keep."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.audio import mu_law_decode, mu_law_encode
from antiphon.errors import InputError


def by_formula(x, levels):
    mu = levels - 1
    compressed = np.sign(x) * np.log(1 + mu * np.abs(x)) / np.log(1 + mu)
    return (compressed + 1) / 2 * mu + 0.5


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20), st.sampled_from([2, 16, 64, 256]))
def test_codes_are_those_of_the_formula(values, levels):
    x = np.array(values, np.float32)
    exact = by_formula(x.astype(np.float64), levels)
    codes = mu_law_encode(x, levels=levels)
    # On the border between two levels rounding decides.
    assert (np.abs(codes + 0.5 - exact) <= 0.5 + 1e-3).all()
    assert codes.min() >= 0
    assert codes.max() < levels


GOLDEN = {  # What mu_law_encoding and mu_law_decoding of torchaudio 2.11 give for X.
    256: (
        [0, 16, 52, 114, 128, 169, 203, 239, 255],
        [-1.0, -0.49668, -0.10067, -0.00313, 9e-05, 0.01992, 0.10067, 0.49668, 1.0],
    ),
    64: (
        [0, 5, 16, 30, 32, 38, 47, 58, 63],
        [-1.0, -0.50911, -0.10699, -0.00348, 0.00108, 0.02157, 0.10699, 0.50911, 1.0],
    ),
}
X = np.array([-1, -0.5, -0.1, -0.003, 0, 0.02, 0.1, 0.5, 1], np.float32)


@pytest.mark.parametrize("levels", GOLDEN)
def test_torchaudio_gives_the_same(levels):
    codes, waves = GOLDEN[levels]
    assert mu_law_encode(X, levels=levels).tolist() == codes
    np.testing.assert_allclose(mu_law_decode(np.array(codes), levels=levels), waves, atol=5.1e-6)


def test_every_code_comes_back_and_louder_is_higher():
    for levels in (2, 7, 256):
        codes = np.arange(levels)
        waves = mu_law_decode(codes, levels=levels)
        np.testing.assert_array_equal(mu_law_encode(waves, levels=levels), codes)
        assert (np.diff(waves) > 0).all()
        np.testing.assert_allclose(waves, -waves[::-1], atol=1e-6)


def test_small_samples_are_kept_better_than_by_equal_steps():
    x = np.linspace(-0.01, 0.01, 101, dtype=np.float32)
    error = np.abs(mu_law_decode(mu_law_encode(x)) - x).max()
    assert error < 1 / 256 / 10
    assert mu_law_encode(np.array([3.0, -3.0], np.float32)).tolist() == [255, 0]


def test_lists_are_read():
    assert mu_law_encode([-1, 0, 1.0]).tolist() == [0, 128, 255]
    assert mu_law_decode([0, 255]).tolist() == [-1.0, 1.0]


def test_jax_gives_the_same_as_numpy():
    x = np.random.default_rng(0).uniform(-1, 1, (3, 50)).astype(np.float32)
    codes = mu_law_encode(x)
    found = mu_law_encode(jnp.asarray(x))
    assert found.dtype == codes.dtype == np.int32
    assert (np.asarray(found) != codes).mean() < 0.02  # on borders rounding may differ
    decoded = mu_law_decode(jnp.asarray(codes))
    assert decoded.dtype == mu_law_decode(codes).dtype == np.float32
    np.testing.assert_allclose(decoded, mu_law_decode(codes), atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mu_law_encode(np.zeros(3, np.float32), levels=1), "levels=1"),
        (lambda: mu_law_encode(np.zeros(3, np.float32), levels=True), "levels=True"),
        (lambda: mu_law_decode(np.zeros(3, np.int32), levels=2.5), "levels=2.5"),
        (lambda: mu_law_decode(np.zeros(3, np.float32)), "Codes of type float32"),
        (lambda: mu_law_decode([0.5]), "Codes of type float64"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
