"""Estimators of probabilistic models and reservoirs come back from a file as they were."""

import numpy as np
import pytest

from antiphon import load_model
from antiphon.estimators import CRFTagger, HMMClassifier, HMMOptions, NetworkOptions, ReservoirClassifier


@pytest.mark.parametrize(
    "model",
    [
        ReservoirClassifier(units=20, random_state=0),
        HMMClassifier(states=2, restarts=1, options=HMMOptions(tolerance=1e-3), random_state=0),
        CRFTagger("gru", {"hidden": 3}, epochs=2, options=NetworkOptions(validation=0.0), random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_saved_model_says_the_same(model, tmp_path):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(int(n), 2)).astype(np.float32) for n in rng.integers(4, 9, 24)]
    tags = [(x[:, 0] > 0).astype(int) for x in X]
    model.fit(X, tags if isinstance(model, CRFTagger) else [str(t.mean() > 0.5) for t in tags])
    model.save(tmp_path / "model.antiphon")
    again = load_model(tmp_path / "model.antiphon")
    assert again.get_params() == model.get_params()
    for one, other in zip(again.predict_proba(X), model.predict_proba(X), strict=True):
        np.testing.assert_array_equal(one, other)
