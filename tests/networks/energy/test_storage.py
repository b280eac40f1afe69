"""Storage rules against their definitions, written out entry by entry."""

import itertools

import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks.energy import hebbian, pseudo_inverse, storkey


def signs(seed, *shape):
    return np.random.default_rng(seed).integers(0, 2, shape) * 2 - 1


def test_hebbian_is_the_sum_of_products():
    patterns = signs(0, 4, 9)
    wanted = np.zeros((9, 9))
    for i, j in itertools.product(range(9), repeat=2):
        if i != j:
            wanted[i, j] = sum(p[i] * p[j] for p in patterns) / 9
    np.testing.assert_allclose(hebbian(patterns), wanted, atol=1e-15)


def test_pseudo_inverse_is_the_projection_on_the_patterns():
    patterns = signs(1, 5, 12)
    wanted = patterns.T @ np.linalg.pinv(patterns.T)
    np.fill_diagonal(wanted, 0)
    np.testing.assert_allclose(pseudo_inverse(patterns), wanted, atol=1e-12)


def test_storkey_follows_the_paper_entry_by_entry():
    patterns, n = signs(2, 4, 7), 7
    weights = np.zeros((n, n))
    for p in patterns:
        new = weights.copy()
        for i, j in itertools.product(range(n), repeat=2):
            if i != j:
                h_ij = sum(weights[i, k] * p[k] for k in range(n) if k not in (i, j))
                h_ji = sum(weights[j, k] * p[k] for k in range(n) if k not in (i, j))
                new[i, j] += (p[i] * p[j] - p[i] * h_ji - h_ij * p[j]) / n
        weights = new
    np.testing.assert_allclose(storkey(patterns), weights, atol=1e-12)


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        ([[1, 2]], "entry 2"),
        ([1, -1], "shape"),
        (np.zeros((0, 3)), "shape"),
        ([[1, np.nan]], "NaN"),
        ([["a", "b"]], "cannot be made"),
    ],
)
def test_what_is_no_pattern_is_refused(patterns, said):
    with pytest.raises(InputError, match=said):
        hebbian(patterns)
