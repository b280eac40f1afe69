"""Fitting one network: it learns, masks and weights count, the best epoch is kept, NaN is noticed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import AntiphonError
from antiphon.fitting import DivergedError, decide, fit_network, network_scores
from antiphon.networks import SequenceToSequence, SequenceToVector

CASES, TIME = 48, 6


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, TIME + 1, CASES)
    mask = np.arange(TIME)[None, :] < lengths[:, None]
    values = np.where(mask[..., None], rng.normal(5.0, 3.0, (CASES, TIME, 2)), 0).astype(np.float32)
    means = values.sum(1) / lengths[:, None]
    return values, mask, (means[:, 0] > means[:, 1]).astype(np.int32)


def network(kind=SequenceToVector, out=1, **settings):
    settings = {"cell": "rnn", "hidden": 6, **settings}
    return kind(2, out, key=jax.random.key(0), **settings)


def fit(data, net=None, task="classification", **settings):
    settings = {"rows": np.arange(CASES), "key": jax.random.key(1), "epochs": 40, **settings}
    settings = {"batch_size": 8, "learning_rate": 0.03, **settings}
    return fit_network(net or network(), *data, task, **settings)


def test_it_learns_and_counts_steps(data):
    found = fit(data)
    values, mask, targets = data
    assert (decide(network_scores(found.network, values, mask)) == targets).mean() > 0.95
    assert found.steps == tuple(range(6, 241, 6))
    assert found.train_loss[-1] < 0.3 < found.train_loss[0]
    assert found.validation_loss == ()
    assert found.best_epoch == 40


def test_the_same_key_gives_the_same_network_and_another_one_another(data):
    one, two, other = (fit(data, key=jax.random.key(k), epochs=2) for k in (1, 1, 2))
    assert one.train_loss == two.train_loss
    assert np.array_equal(one.network.linear.weight, two.network.linear.weight)
    assert one.train_loss != other.train_loss


def test_the_best_epoch_is_kept_and_patience_ends_it(data):
    values, mask, targets = data
    noise = np.random.default_rng(1).permutation(targets)
    rows, held = np.arange(32), np.arange(32, CASES)
    found = fit((values, mask, noise), rows=rows, validation_rows=held, epochs=60, patience=5)
    assert len(found.train_loss) == found.best_epoch + 5
    assert found.best_epoch == 1 + int(np.argmin(found.validation_loss))
    again = fit((values, mask, noise), rows=rows, validation_rows=held, epochs=60, patience=1)
    assert len(again.train_loss) <= len(found.train_loss)


def test_what_padding_holds_means_nothing(data):
    values, mask, targets = data
    dirty = np.where(mask[..., None], values, np.nan).astype(np.float32)
    clean, other = fit(data, epochs=2), fit((dirty, mask, targets), epochs=2)
    assert clean.train_loss == other.train_loss
    longer = np.pad(values, ((0, 0), (0, 3), (0, 0))), np.pad(mask, ((0, 0), (0, 3))), targets
    np.testing.assert_allclose(fit(longer, epochs=2).train_loss, clean.train_loss, rtol=1e-5)


def test_cases_of_weight_zero_have_no_say(data):
    values, mask, targets = data
    weights = (np.arange(CASES) % 2).astype(np.float32)
    turned = np.where(weights > 0, targets, 1 - targets).astype(np.int32)
    one, two = (fit((values, mask, t), weights=weights, epochs=3) for t in (targets, turned))
    assert one.train_loss == two.train_loss


def test_features_are_standardised_by_the_frames_fitted_on(data):
    values, mask, targets = data
    rows = np.arange(10)
    found = fit((values, mask, targets), rows=rows, epochs=1)
    frames = values[rows][mask[rows]]
    np.testing.assert_allclose(found.network.scaling.shift, frames.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found.network.scaling.scale, frames.std(0), rtol=1e-5)
    constant = values.copy()
    constant[..., 1] = 7.0
    assert fit((constant, mask, targets), epochs=1).network.scaling.scale[1] == 1.0


def test_tags_are_learned_frame_by_frame(data):
    values, mask, _ = data
    tags = np.where(mask, values[..., 0] > values[..., 1], 0).astype(np.int32)
    found = fit((values, mask, tags), network(SequenceToSequence), "tagging")
    said = decide(network_scores(found.network, values, mask))
    assert (said == tags)[mask].mean() > 0.9


def test_numbers_are_learned(data):
    values, mask, _ = data
    targets = (values[:, :1, 0] - 5.0) / 3.0
    found = fit((values, mask, targets), task="regression", epochs=80)
    assert ((network_scores(found.network, values, mask) - targets) ** 2).mean() < 0.2


def test_dropout_takes_its_keys_from_the_fit(data):
    with_drop = network(dropout=0.5)
    one, two = (fit(data, with_drop, epochs=2, key=jax.random.key(3)) for _ in range(2))
    assert one.train_loss == two.train_loss
    assert one.train_loss != fit(data, epochs=2, key=jax.random.key(3)).train_loss


def test_a_loss_that_is_no_number_is_an_error_with_advice(data):
    values, mask, targets = data
    with pytest.raises(DivergedError, match="lower the learning rate") as caught:
        fit((values, mask, targets), weights=np.full(CASES, np.nan, np.float32))
    assert isinstance(caught.value, AntiphonError)


def test_a_network_that_diverges_later_is_kept_as_it_was_before(data, monkeypatch):
    from antiphon.fitting import _network

    done = []
    epoch = _network._epoch

    def third_is_no_number(*args, **settings):
        parameters, state, losses = epoch(*args, **settings)
        done.append(parameters)
        return parameters, state, (losses[0] * (jnp.nan if len(done) == 3 else 1), losses[1])

    monkeypatch.setattr(_network, "_epoch", third_is_no_number)
    found = fit(data, epochs=9)
    assert found.diverged
    assert found.best_epoch == len(found.train_loss) == 2
    assert np.array_equal(found.network.linear.weight, done[1].linear.weight)
