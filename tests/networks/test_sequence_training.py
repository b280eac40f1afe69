"""Convolutions and Transformers learn real sequences by the training that estimators use."""

import jax
import numpy as np
import pytest

from antiphon.data import load
from antiphon.fitting import fit_network, network_scores
from antiphon.networks.attention import TransformerToVector
from antiphon.networks.convolution import ConvolutionToVector, SpectrogramToVector


def padded(cases):
    time = max(map(len, cases))
    values = np.full((len(cases), time, cases[0].shape[1]), np.nan, np.float32)
    for row, case in zip(values, cases, strict=True):
        row[: len(case)] = case
    return values, np.arange(time) < np.array([[len(case)] for case in cases])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "rate"), [(ConvolutionToVector, 3e-3), (SpectrogramToVector, 3e-3), (TransformerToVector, 1e-3)]
)
def test_vowels_are_told_apart(kind, rate):
    """The official split; the epoch is chosen on a fifth of the training cases."""
    train, test = load("japanese-vowels")
    classes, targets = np.unique(train.y, return_inverse=True)
    values, mask = padded(list(train.X))
    rows = np.random.default_rng(0).permutation(len(targets))
    fit = fit_network(
        kind(12, 9, dropout=0.2, key=jax.random.key(0)),
        values,
        mask,
        targets,
        "classification",
        rows=rows[54:],
        validation_rows=rows[:54],
        key=jax.random.key(100),
        learning_rate=rate,
    )
    scores = network_scores(fit.network, *padded(list(test.X)))
    assert (classes[scores.argmax(1)] == test.y).mean() > 0.95
