"""Hidden Markov models against hmmlearn, to 1e-6: `make_hmm_golden.py` wrote what it gives."""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.networks.probabilistic import (
    HMM,
    Categorical,
    Gaussian,
    em_step,
    log_likelihoods,
    state_paths,
    state_posteriors,
)

GOLDEN = np.load(Path(__file__).with_name("hmm_golden.npz"))
# What only differs in what another one has, too, is left to the slow tests.
KINDS = (
    "categorical",
    "diagonal",
    pytest.param("full", marks=pytest.mark.slow),
    pytest.param("mixture-diagonal", marks=pytest.mark.slow),
    "mixture-full",
)
CLOSE = {"rtol": 1e-6, "atol": 1e-9}


@jax.jit
def answers(hmm, values, mask):
    """All that is compared, compiled together."""
    counts, paths = jax.vmap(hmm.expected_counts)(values, mask), jax.vmap(hmm.viterbi)(values, mask)
    return counts, paths, em_step(hmm, values, mask)


def part(kind, name):
    return GOLDEN.get(f"{kind}/{name}")


def model(kind):
    if kind == "categorical":
        emission = Categorical(jnp.log(jnp.asarray(part(kind, "probabilities"))))
    else:
        emission = Gaussian.of(*(part(kind, name) for name in ("means", "covariances", "weights")))
    return HMM.of(GOLDEN["initial"], GOLDEN["transition"], emission)


def cases(kind):
    """The sequences, padded with what must not matter."""
    flat = GOLDEN["symbols" if kind == "categorical" else "frames"]
    lengths = GOLDEN["lengths"]
    mask = np.arange(lengths.max())[None] < lengths[:, None]
    values = np.full((*mask.shape, flat.shape[1]), np.nan)
    values[mask] = flat
    return values, mask


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("kind", KINDS)
def test_one_model(kind):
    hmm, (values, mask) = model(kind), cases(kind)
    check = partial(np.testing.assert_allclose, **CLOSE)
    counts, (scores, paths), (new, total) = jax.device_get(answers(hmm, values, mask))
    check(counts.log_partition, part(kind, "log_likelihood"))
    check(counts.marginals[mask], part(kind, "posteriors"))
    assert not counts.marginals[~mask].any()
    check(scores, part(kind, "path_score"))
    np.testing.assert_array_equal(paths[mask], part(kind, "path"))
    assert (paths[~mask] == -1).all()
    check(total, part(kind, "log_likelihood").sum())
    initial, transition = new.probabilities
    check(initial, part(kind, "new/initial"))
    check(transition, part(kind, "new/transition"))
    if kind == "categorical":
        check(new.emission.probabilities, part(kind, "new/probabilities"))
        return
    mixture = kind.startswith("mixture")
    means = part(kind, "new/means")
    check(new.emission.means if mixture else new.emission.means[:, 0], means)
    covariances = part(kind, "new/covariances")
    if mixture:
        check(new.emission.weights, part(kind, "new/weights"))
        # hmmlearn takes a mixture's covariances around the old means, which is not their maximum.
        moved = means - part(kind, "means")
        outer = moved[..., None] * moved[..., None, :]
        covariances = covariances - (outer if kind == "mixture-full" else moved**2)
        check(new.emission.covariances, covariances)
    else:
        check(new.emission.covariances[:, 0], covariances)


def test_functions_for_many_cases_use_double_precision_anywhere():
    kind = "diagonal"
    hmm, (values, mask) = model(kind), cases(kind)
    with jax.enable_x64(False):
        np.testing.assert_allclose(log_likelihoods(hmm, values, mask), part(kind, "log_likelihood"), **CLOSE)
        np.testing.assert_allclose(
            state_posteriors(hmm, values, mask)[mask], part(kind, "posteriors"), **CLOSE
        )
        scores, paths = state_paths(hmm, values, mask)
    np.testing.assert_allclose(scores, part(kind, "path_score"), **CLOSE)
    np.testing.assert_array_equal(paths[mask], part(kind, "path"))
