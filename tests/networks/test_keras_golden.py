"""Layers, optimisers and losses against what Keras gave (`make_keras_golden.py`); Keras is not needed."""

import json
from pathlib import Path

import numpy as np
import pytest

from antiphon.networks import Sequential, layers

GOLDEN = dict(np.load(Path(__file__).with_name("keras_golden.npz")))
NOTES = json.loads(str(GOLDEN["notes"]))


def make(kind, settings):
    settings = dict(settings)
    if "layer" in settings:
        settings["layer"] = make(*settings["layer"])
    return getattr(layers, kind)(**settings)


def weights(name):
    found = []
    while f"{name}/weight{len(found)}" in GOLDEN:
        found.append(GOLDEN[f"{name}/weight{len(found)}"])
    return found


@pytest.mark.parametrize("name", NOTES["models"])
def test_a_model_with_the_weights_of_keras_answers_as_keras_does(name):
    model = Sequential([make(*one) for one in NOTES["models"][name]["layers"]])
    X = GOLDEN[f"{name}/X"]
    model.build(X.shape[1:])
    model.set_weights(weights(name))
    np.testing.assert_allclose(model.predict(X), GOLDEN[f"{name}/y"], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["seed", "gates", "directions", "windows", "tokens"])
def test_weights_come_back_as_they_were_but_for_biases_that_are_only_added(name):
    model = Sequential([make(*one) for one in NOTES["models"][name]["layers"]])
    X = GOLDEN[f"{name}/X"]
    model.build(X.shape[1:])
    given = weights(name)
    model.set_weights(given)
    found = model.get_weights()
    for old, new in zip(given, found, strict=True):
        if old.ndim == 2 and len(old) == 2 and not (new[0] == old[0]).all():  # a GRU's two biases
            two = 2 * old.shape[1] // 3
            np.testing.assert_allclose(new.sum(0)[:two], old.sum(0)[:two], atol=1e-6)
            np.testing.assert_array_equal(new[:, two:], old[:, two:])
        else:
            np.testing.assert_array_equal(new, old)
    model.set_weights(found)
    for first, second in zip(found, model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("optimizer", NOTES["optimizers"])
def test_an_optimiser_by_name_takes_the_steps_of_keras(optimizer):
    model = Sequential([make(*one) for one in NOTES["trained"]])
    model.build((5,))
    model.set_weights(weights("trained"))
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    X, classes = GOLDEN["trained/X"], GOLDEN["trained/classes"]
    found = model.fit(X, classes, epochs=6, batch_size=4, shuffle=False).history
    for key in ("loss", "accuracy"):
        np.testing.assert_allclose(found[key], GOLDEN[f"trained/{optimizer}/{key}"], atol=1e-5, err_msg=key)
    for mine, theirs in zip(model.get_weights(), weights(f"trained/{optimizer}"), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("loss", NOTES["losses"])
def test_a_loss_by_name_is_that_of_keras(loss):
    model = Sequential([layers.Dense(3, activation=NOTES["losses"][loss])])
    metric = "accuracy" if loss.endswith("crossentropy") else "mae"
    model.compile("sgd", loss, [metric])
    model.build((5,))
    model.set_weights(weights(f"loss/{loss}"))
    found = model.evaluate(GOLDEN["trained/X"], GOLDEN[f"loss/{loss}/y"], batch_size=4)
    np.testing.assert_allclose(found, GOLDEN[f"loss/{loss}/found"], atol=1e-5, rtol=1e-5)
