"""Hidden Markov models: against every path there is, masks, degenerate data, EM, gradients, sampling."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from antiphon.errors import InputError
from antiphon.networks import with_scaling
from antiphon.networks.probabilistic import (
    HMM,
    Categorical,
    Gaussian,
    HMMBank,
    em_step,
    fit_by_gradient,
    fit_hmm,
    hmm_loss,
    log_likelihoods,
    state_paths,
    state_posteriors,
)

KEY = jax.random.key(0)
INITIAL, TRANSITION = np.array([0.6, 0.4]), np.array([[0.9, 0.1], [0.3, 0.7]])
MEANS, COVARIANCES = np.array([[0.0, 1.0], [3.0, -2.0]]), np.array([[[1.0, 0.3], [0.3, 0.5]], np.eye(2)])


def known(**changes):
    return HMM.of(INITIAL, TRANSITION, Gaussian.of(MEANS, COVARIANCES), **changes)


@jax.jit
def answers(hmm, frames, mask):
    return hmm.log_likelihood(frames, mask), hmm(frames, mask), *hmm.viterbi(frames, mask)


def enumerated(frames):
    """The same, by going through all paths."""
    density = np.column_stack([
        multivariate_normal(mean, matrix).pdf(frames).reshape(-1)
        for mean, matrix in zip(MEANS, COVARIANCES, strict=True)
    ])  # fmt: skip
    paths = list(itertools.product(range(2), repeat=len(frames)))
    weights = np.array([
        INITIAL[path[0]] * np.prod([TRANSITION[pair] for pair in itertools.pairwise(path)])
        * np.prod(density[np.arange(len(frames)), path])
        for path in paths
    ])  # fmt: skip
    posteriors = np.zeros((len(frames), 2))
    for path, weight in zip(paths, weights, strict=True):
        posteriors[np.arange(len(frames)), path] += weight / weights.sum()
    return np.log(weights.sum()), posteriors, np.log(weights.max()), paths[int(weights.argmax())]


@pytest.mark.parametrize("parallel", [False, True])
def test_every_path_and_any_mask(parallel):
    hmm = known(parallel=parallel)
    frames = np.float32(np.random.default_rng(0).normal(1, 2, (7, 2)))
    for real in ([0, 1, 2, 3, 4, 5, 6], [0, 1, 2], [1, 3, 4, 6], [5], []):
        mask = np.isin(np.arange(7), real)
        total, posteriors, score, path = jax.device_get(
            answers(hmm, np.where(mask[:, None], frames, np.nan), mask)
        )
        assert not posteriors[~mask].any()
        assert (path[~mask] == -1).all()
        if not real:
            assert (total, score) == (0, 0)
            continue
        wanted = enumerated(np.float64(frames[mask]))
        np.testing.assert_allclose([total, score], [wanted[0], wanted[2]], rtol=1e-5)
        np.testing.assert_allclose(posteriors[mask], wanted[1], rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(path[mask], wanted[3])


def test_the_scaling_of_the_input_changes_units_and_nothing_else():
    shift, scale = np.array([1.0, -2.0]), np.array([2.0, 0.5])
    inside = HMM.of(
        INITIAL,
        TRANSITION,
        Gaussian.of((MEANS - shift) / scale, COVARIANCES / (scale[:, None] * scale)),
    )
    values = np.random.default_rng(0).normal(1, 2, (3, 7, 2))
    mask = np.arange(7) < np.array([[7], [3], [1]])
    wanted = log_likelihoods(known(), values, mask)
    found = log_likelihoods(with_scaling(inside, shift, scale), values, mask)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def sampled(hmm, cases=40, time=12):
    frames, states = jax.vmap(lambda key: hmm.sample(time, key=key))(jax.random.split(KEY, cases))
    mask = np.arange(time) < np.random.default_rng(0).integers(2, time + 1, (cases, 1))
    return np.where(mask[:, :, None], frames, np.nan), np.asarray(states), mask


@pytest.fixture(scope="module")
def data():
    return sampled(known(), 300)


@pytest.mark.slow
def test_samples_are_of_the_model(data):
    frames, states, _ = data
    np.testing.assert_allclose(np.bincount(states[:, 0]) / 300, INITIAL, atol=0.1)
    counts = np.zeros((2, 2))
    np.add.at(counts, (states[:, :-1].ravel(), states[:, 1:].ravel()), 1)
    np.testing.assert_allclose(counts / counts.sum(1, keepdims=True), TRANSITION, atol=0.04)
    for state in range(2):
        rows = frames[(states == state) & np.isfinite(frames[:, :, 0])]
        np.testing.assert_allclose(rows.mean(0), MEANS[state], atol=0.12)
        np.testing.assert_allclose(np.cov(rows.T), COVARIANCES[state], atol=0.15)


@pytest.mark.slow
def test_em_finds_the_model_again(data):
    frames, states, mask = data
    fit = fit_hmm(HMM(2, 2, emission="full", key=KEY), frames, mask, key=KEY, restarts=2)
    assert fit.converged
    assert (np.diff(fit.curve) >= -1e-9).all()
    assert fit.log_likelihood == max(fit.restarts) == fit.curve[-1]
    assert fit.log_likelihood >= log_likelihoods(known(), frames, mask).sum()
    np.testing.assert_allclose(log_likelihoods(fit.hmm, frames, mask).sum(), fit.log_likelihood, rtol=1e-6)
    order = np.argsort(fit.hmm.emission.means[:, 0, 0])
    initial, transition = (np.asarray(part) for part in fit.hmm.probabilities)
    np.testing.assert_allclose(initial[order], INITIAL, atol=0.1)
    np.testing.assert_allclose(transition[order][:, order], TRANSITION, atol=0.05)
    np.testing.assert_allclose(fit.hmm.emission.means[order, 0], MEANS, atol=0.15)
    np.testing.assert_allclose(fit.hmm.emission.covariances[order, 0], COVARIANCES, atol=0.15)
    _, paths = state_paths(fit.hmm, frames, mask)
    assert (order[states[mask]] == paths[mask]).mean() > 0.95


DEGENERATE = {
    "a constant feature": np.stack([np.arange(12.0).reshape(3, 4), np.full((3, 4), 1e6)], axis=2),
    "one point": np.full((3, 4, 2), -3.0),
    "two points": np.stack([np.tile([0.0, 1.0], (3, 2)), np.tile([5.0, 5.0], (3, 2))], axis=2),
    "far": np.random.default_rng(0).normal(1e4, 1e-3, (3, 4, 2)),
    "one outlier": np.where(np.arange(24).reshape(3, 4, 2) == 0, 1e9, 1.0),
}


@pytest.mark.parametrize("emission", ["diagonal", pytest.param("full", marks=pytest.mark.slow)])
def test_degenerate_data(emission):
    hmm = HMM(2, 3, emission=emission, components=2, key=KEY)
    for name, values in DEGENERATE.items():
        for lengths, start in (([4, 2, 3], "k-means"), ([1, 0, 0], "k-means"), ([4, 2, 3], "random")):
            mask = np.arange(4) < np.array(lengths)[:, None]
            given = np.where(mask[:, :, None], values, np.nan)
            fit = fit_hmm(hmm, given, mask, key=KEY, restarts=2, start=start, max_iterations=20)
            assert not any(np.isnan(leaf).any() for leaf in jax.tree.leaves(fit.hmm)), name
            assert np.isfinite(fit.restarts).all(), name
            assert (np.diff(fit.curve) >= -1e-7 * np.abs(fit.curve[:-1])).all(), name
            posteriors = state_posteriors(fit.hmm, given, mask)
            np.testing.assert_allclose(posteriors[mask].sum(1), 1, rtol=1e-6)
            variances = np.asarray(fit.hmm.emission.covariances)
            if emission == "full":
                variances = np.diagonal(variances, axis1=2, axis2=3)
            assert (variances >= 0.999 * np.asarray(fit.hmm.emission.variance_floor)).all(), name


def test_a_state_never_visited_keeps_what_it_had():
    with jax.enable_x64(True):
        start = HMM.of([1, 0], [[1, 0], [0.5, 0.5]], Gaussian.of([[0.0], [7.0]], [[1.0], [2.0]]))
        new, _ = em_step(start, jnp.ones((2, 3, 1)), jnp.ones((2, 3), bool))
        assert new.emission.means[1, 0, 0] == 7
        np.testing.assert_allclose(new.emission.covariances[1, 0, 0], 2)
        np.testing.assert_allclose(new.probabilities[1], [[1, 0], [0.5, 0.5]], atol=1e-12)


def test_left_right_stays_left_right_and_symbols_have_probabilities():
    # a..a b..b a..a: three states that follow each other, which no ergodic chain of two tells apart.
    rng = np.random.default_rng(0)
    mask = np.arange(12) < rng.integers(9, 13, (20, 1))
    values = np.float32(
        [[[0]] * a + [[1]] * b + [[0]] * (12 - a - b) for a, b in rng.integers(2, 5, (20, 2))]
    )
    hmm = HMM(1, 3, emission="categorical", symbols=3, topology="left-right", key=KEY)
    fit = fit_hmm(hmm, values, mask, key=KEY, pseudo_count=1e-3)
    initial, transition = fit.hmm.probabilities
    np.testing.assert_array_equal(initial, [1, 0, 0])
    np.testing.assert_array_equal(np.asarray(transition) > 0, [[1, 1, 0], [0, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(np.argmax(fit.hmm.emission.probabilities, 1), [0, 1, 0])
    _, paths = state_paths(fit.hmm, values, mask)
    assert (np.diff(paths, axis=1)[mask[:, 1:]] >= 0).all()
    # By gradient from there: still no way back, and nothing is NaN.
    more = fit_by_gradient(
        fit.hmm, hmm_loss, (values, mask), key=KEY, epochs=5, learning_rate=1e-3, weight_decay=0.1
    )
    assert not any(np.isnan(leaf).any() for leaf in jax.tree.leaves(more.model))
    np.testing.assert_array_equal(np.asarray(more.model.probabilities[1]) > 0, np.asarray(transition) > 0)


def test_what_cannot_be_has_probability_zero_and_no_gradient():
    with np.errstate(divide="ignore"):
        never = Categorical(jnp.log(jnp.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])))
    hmm = HMM.of([1, 0], [[0.5, 0.5], [0, 1]], never)
    frames, mask = jnp.array([[0.0], [2.0], [1.0]]), jnp.ones(3, bool)
    value, slope = jax.jit(jax.value_and_grad(lambda h, f: h.log_likelihood(f, mask)))(hmm, frames)
    assert value == -jnp.inf
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(slope))
    value, slope = jax.jit(jax.value_and_grad(lambda h, f: h.log_likelihood(f, mask)))(
        hmm, frames.at[1].set(0)
    )
    np.testing.assert_allclose(value, np.log(0.25), rtol=1e-6)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))


@pytest.mark.slow
def test_gradient_reaches_what_em_reaches(data):
    frames, _, mask = (part[:60] for part in data)
    start = with_scaling(HMM(2, 2, key=jax.random.key(4)), [1.0, 0.0], [2.0, 2.0])
    fit = fit_by_gradient(
        start, hmm_loss, (np.float32(frames), mask), key=KEY, epochs=60, batch_size=20, learning_rate=0.1,
        rows=np.arange(40), validation_rows=np.arange(40, 60), patience=60,
    )  # fmt: skip
    assert len(fit.losses) == len(fit.validation_losses)
    assert fit.validation_losses[fit.best_epoch - 1] == min(fit.validation_losses)
    best = fit_hmm(HMM(2, 2, key=KEY), frames[:40], mask[:40], key=KEY)
    reached = log_likelihoods(fit.model, frames[:40], mask[:40]).sum()
    assert abs(reached - best.log_likelihood) < 0.03 * mask[:40].sum()
    np.testing.assert_array_equal(fit.model.scaling.scale, [2, 2])


@pytest.mark.slow
def test_a_bank_is_bayes_rule(data):
    frames, _, mask = data
    frames = np.float32(np.nan_to_num(frames[0]))
    models = [
        eqx.tree_at(lambda h: h.emission.means, known(), known().emission.means + shift)
        for shift in (0, 1, 3)
    ]
    bank = HMMBank.of(models, [0.5, 0.3, 0.2])
    joint = np.array([float(m.log_likelihood(frames, mask[0])) for m in models]) + np.log([0.5, 0.3, 0.2])
    wanted = joint - np.log(np.exp(joint - joint.max()).sum()) - joint.max()
    np.testing.assert_allclose(bank(frames, mask[0]), wanted, rtol=1e-4, atol=1e-4)
    pair = HMMBank.of(models[:2], [0.5, 0.3])
    assert pair.out_size == 1
    np.testing.assert_allclose(pair(frames, mask[0]), [joint[1] - joint[0]], rtol=1e-4)
    assert HMMBank(**{k: v for k, v in bank.config.items() if k != "kind"}, key=KEY).config == bank.config
    scaled = with_scaling(bank, [1.0, 0.0], [2.0, 3.0])
    moved = (frames - np.float32([1, 0])) / np.float32([2, 3])
    np.testing.assert_allclose(scaled(frames, mask[0]), bank(moved, mask[0]), rtol=1e-4, atol=1e-4)
    # Where no class can be, the prior is all there is.
    symbols = [HMM.of([1], [[1]], Categorical(jnp.log(jnp.array([[0.5, 0.5]])))) for _ in range(2)]
    odds = HMMBank.of(symbols, [1, 3])(jnp.array([[7.0]]), jnp.ones(1, bool))
    np.testing.assert_allclose(odds, [np.log(3)], rtol=1e-6)


def test_the_config_makes_the_same_network():
    for settings in ({"emission": "full", "components": 2}, {"emission": "categorical", "symbols": 4}):
        in_size = 1 if "symbols" in settings else 3
        hmm = HMM(in_size, 2, **settings, topology="left-right", key=KEY)
        config = dict(hmm.config)
        assert config.pop("kind") == "HMM"
        again = HMM(**config, key=KEY)
        assert all((a == b).all() for a, b in zip(*map(jax.tree.leaves, (hmm, again)), strict=True))


def test_bad_models():
    for settings in ({"symbols": 2}, {"emission": "categorical"}, {"emission": "categorical", "symbols": 2}):
        with pytest.raises(InputError, match="for categorical emissions"):
            HMM(2, 2, **settings, key=KEY)
    for name in ("emission", "topology"):
        with pytest.raises(InputError, match=f"{name}='ring'"):
            HMM(2, 2, **{name: "ring"}, key=KEY)
    emission = Gaussian.of(MEANS, COVARIANCES)
    with pytest.raises(InputError, match="the emission has 2 states"):
        HMM.of([1], [[1]], emission)
    with pytest.raises(InputError, match="Rows of probabilities that sum to"):
        HMM.of([0.5, 0.5], [[0.5, 0.4], [0, 1]], emission)
    with pytest.raises(InputError, match="Means of shape"):
        Gaussian.of(MEANS, np.eye(2)[None])
    with pytest.raises(InputError, match="not positive definite"):
        Gaussian.of(MEANS, -COVARIANCES)
    with pytest.raises(InputError, match="The component weights"):
        Gaussian.of(MEANS, COVARIANCES, [[0.0], [1.0]])
    with pytest.raises(InputError, match="A single model"):
        HMMBank.of([known()], [1])
    with pytest.raises(InputError, match="2 models of different make"):
        HMMBank.of([known(), HMM(2, 3, key=KEY)], [1, 1])
    with pytest.raises(InputError, match="The prior"):
        HMMBank.of([known(), known()], [1, 0])
    with pytest.raises(InputError, match="time=0"):
        known().sample(0, key=KEY)


def test_bad_data():
    hmm, mask = HMM(2, 2, key=KEY), np.ones((3, 4), bool)
    values = np.zeros((3, 4, 2))
    with pytest.raises(InputError, match=r"Values of shape \(3, 4, 1\)"):
        log_likelihoods(hmm, values[:, :, :1], mask)
    broken = values.copy()
    broken[1, 2, 0] = np.nan
    with pytest.raises(InputError, match="NaN or infinity in case 1"):
        fit_hmm(hmm, broken, mask, key=KEY)
    with pytest.raises(InputError, match="No real frame"):
        fit_hmm(hmm, values, ~mask, key=KEY)
    for name, value in (("tolerance", -1.0), ("variance_floor", 0.0), ("pseudo_count", np.nan)):
        with pytest.raises(InputError, match=name):
            fit_hmm(hmm, values, mask, key=KEY, **{name: value})
    with pytest.raises(InputError, match="start='cold'"):
        fit_hmm(hmm, values, mask, key=KEY, start="cold")
    symbols = HMM(1, 2, emission="categorical", symbols=2, key=KEY)
    for wrong in (2.0, 0.5, -1.0):
        with pytest.raises(InputError, match=f"The symbol {wrong:g}"):
            state_paths(symbols, np.full((1, 1, 1), wrong), np.ones((1, 1), bool))
    fit = {"model": hmm, "loss": hmm_loss, "data": (np.float32(values), mask), "key": KEY}
    with pytest.raises(InputError, match="learning_rate=0"):
        fit_by_gradient(**fit, learning_rate=0)
    with pytest.raises(InputError, match="Data of 3, 2 cases"):
        fit_by_gradient(**fit | {"data": (np.float32(values), mask[:2])})
    with pytest.raises(InputError, match="No case to fit on"):
        fit_by_gradient(**fit, validation_rows=np.arange(3))
    with pytest.raises(InputError, match="A loss of nan"):
        fit_by_gradient(**fit | {"data": (np.float32(np.where(mask[:, :, None], np.nan, values)), mask)})
