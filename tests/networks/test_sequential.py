"""Sequential and Model: training, data in every form, history, graphs, and what is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.data import as_sequences, load
from antiphon.errors import InputError
from antiphon.graph import trace
from antiphon.networks import (
    EarlyStopping,
    Input,
    Model,
    SequenceToSequence,
    Sequential,
    from_arrays,
    to_arrays,
)
from antiphon.networks._cases import bucket_groups
from antiphon.networks.layers import (
    GRU,
    LSTM,
    Add,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    MaxPooling1D,
    Softmax,
)

RNG = np.random.default_rng(0)
RAGGED = [RNG.normal(size=(n, 2)).astype(np.float32) for n in (3, 5, 4, 6, 3, 9)]
LABELS = np.array([0, 1, 0, 1, 0, 1])
TABLE = RNG.normal(size=(12, 3)).astype(np.float32)
CLASSES = (TABLE[:, 0] > 0).astype(int)
SPARSE = "sparse_categorical_crossentropy"


def pooled(**settings):
    """A small model of sequences that compiles fast."""
    model = Sequential([GlobalAveragePooling1D(), Dense(2, activation="softmax")], **settings)
    model.compile("adam", SPARSE, ["accuracy"])
    return model


def classifier(*layers, loss=SPARSE, metrics=("accuracy",), rate=0.05, seed=0):
    model = Sequential([*layers, Dense(2, activation="softmax")], random_state=seed)
    model.compile("adam", loss, metrics, learning_rate=rate)
    return model


@pytest.mark.slow
def test_seed_code_learns_sequences_of_different_lengths():
    model = Sequential([LSTM(4, return_sequences=True), Dropout(0.2), LSTM(3), Dense(2), Softmax()])
    model.compile(optimizer="adam", loss=SPARSE, metrics=["accuracy"], learning_rate=0.03)
    history = model.fit(RAGGED, LABELS, epochs=60, batch_size=6)
    loss, accuracy = found = model.evaluate(RAGGED, LABELS)
    assert accuracy == found.accuracy == 1.0
    assert loss == found.loss < history.history["loss"][0]
    assert history.epoch == list(range(60))
    np.testing.assert_allclose(model.predict(RAGGED).sum(1), 1, atol=1e-5)


def test_the_same_seed_gives_the_same_model_and_another_seed_another():
    def trained(seed):
        model = classifier(Dense(4, "relu"), Dropout(0.3), seed=seed)
        return model.fit(TABLE, CLASSES, epochs=3, batch_size=5), model.predict(TABLE)

    (first, answers), (again, same), (other, _) = trained(1), trained(1), trained(2)
    assert first == again
    np.testing.assert_array_equal(answers, same)
    assert first.history != other.history


def test_fit_goes_on_where_it_ended():
    parts, whole = classifier(Dropout(0.3)), classifier(Dropout(0.3))
    first = parts.fit(TABLE, CLASSES, epochs=2, batch_size=5)
    second = parts.fit(TABLE, CLASSES, epochs=2, batch_size=5)
    once = whole.fit(TABLE, CLASSES, epochs=4, batch_size=5)
    assert first.history["loss"] + second.history["loss"] == once.history["loss"]
    assert second.epoch == [2, 3]
    np.testing.assert_array_equal(parts.predict(TABLE), whole.predict(TABLE))


def test_lists_arrays_and_sequences_are_the_same_data():
    even = np.stack([case[:3] for case in RAGGED])
    model = pooled()
    wanted = model.predict(even)
    for X in (list(even), even.tolist(), tuple(even), as_sequences(list(even))):
        np.testing.assert_allclose(model.predict(X), wanted, atol=1e-6)
    table = classifier()
    wanted = table.predict(TABLE)
    for X in (TABLE.tolist(), list(TABLE), as_sequences(TABLE), jnp.asarray(TABLE)):
        np.testing.assert_allclose(table.predict(X), wanted, atol=1e-6)


def test_answers_do_not_depend_on_batches_or_on_the_other_cases():
    model = pooled()
    together = model.predict(RAGGED, batch_size=2)
    alone = np.concatenate([model.predict([case]) for case in RAGGED])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    figures = [model.evaluate(RAGGED, LABELS, batch_size=size) for size in (1, 4, 32)]
    np.testing.assert_allclose(figures[0], figures[1], atol=1e-6)
    np.testing.assert_allclose(figures[0], figures[2], atol=1e-6)


@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=60), batch_size=st.sampled_from([1, 4, 32]))
def test_buckets_are_few_and_hold_every_case(lengths, batch_size):
    lengths = np.array(lengths)
    padded = bucket_groups(lengths, batch_size)
    assert (padded >= lengths).all()
    sizes, counts = np.unique(padded, return_counts=True)
    assert len(sizes) <= 4
    assert len(sizes) == 1 or counts.min() >= batch_size
    assert sizes.max() <= max(1, np.ceil(lengths.max() * 1.5))


def test_a_label_at_each_frame():
    labels = [(case[:, 0] > 0).astype(int) for case in RAGGED]
    model = Sequential([Dense(2, activation="softmax")])
    model.compile("adam", SPARSE, ["accuracy"], learning_rate=0.1)
    model.build((None, 2))
    model.fit(RAGGED, labels, epochs=60, batch_size=6)
    found = model.evaluate(RAGGED, labels, batch_size=4)
    answers = model.predict(RAGGED)
    assert [a.shape for a in answers] == [(len(case), 2) for case in RAGGED]
    right = np.concatenate([a.argmax(1) == y for a, y in zip(answers, labels, strict=True)])
    np.testing.assert_allclose(found.accuracy, right.mean(), atol=1e-6)
    chosen = [-np.log(a[np.arange(len(y)), y]) for a, y in zip(answers, labels, strict=True)]
    np.testing.assert_allclose(found.loss, np.concatenate(chosen).mean(), atol=1e-5)
    assert found.accuracy > 0.9
    even = np.stack([case[:3] for case in RAGGED])
    np.testing.assert_allclose(model.predict(even)[0], answers[0][:3], atol=1e-6)


def test_targets_of_outputs_that_have_fewer_frames():
    model = Sequential([MaxPooling1D(2), Dense(1)])
    model.compile("sgd", "mse", ["mae"])
    targets = [np.ones(len(case) // 2) for case in RAGGED]
    found = model.evaluate(RAGGED, targets)
    answers = np.concatenate(model.predict(RAGGED))
    np.testing.assert_allclose(found.loss, ((answers - 1) ** 2).mean(), atol=1e-5)
    np.testing.assert_allclose(found.mae, np.abs(answers - 1).mean(), atol=1e-5)
    with pytest.raises(InputError, match="Targets for 3 frames of case 0"):
        model.evaluate(RAGGED, [np.ones(len(case)) for case in RAGGED])


def test_numbers_and_one_probability_with_targets_in_both_shapes():
    model = Sequential([Dense(1)])
    model.compile(optax.adam(0.1), "mse")
    model.fit(TABLE, TABLE[:, 0], epochs=80)
    assert model.evaluate(TABLE, TABLE[:, :1]).loss < 0.01
    binary = Sequential([Dense(1, activation="sigmoid")])
    binary.compile("adam", "binary_crossentropy", ["accuracy"], learning_rate=0.1)
    binary.fit(TABLE, CLASSES, epochs=40)
    assert binary.evaluate(TABLE, CLASSES[:, None]).accuracy > 0.9


def test_a_loss_of_ones_own():
    model = Sequential([Dense(2)])
    model.compile("sgd", lambda output, target: jnp.abs(output - target).sum(-1), learning_rate=0.01)
    wanted = np.abs(model.predict(TABLE) - TABLE[:, :2]).sum(1).mean()
    np.testing.assert_allclose(model.evaluate(TABLE, TABLE[:, :2]).loss, wanted, rtol=1e-5)
    model.compile("sgd", lambda output, target: output - target)
    with pytest.raises(InputError, match="A loss of your own that gives the shape"):
        model.evaluate(TABLE, TABLE[:, :2])


def test_images_and_a_fixed_number_of_frames():
    model = Sequential([Conv2D(2, 2), Flatten(), Dense(2, activation="softmax")])
    assert model.predict(np.ones((3, 4, 4, 1))).shape == (3, 2)
    flat = Sequential([Flatten(), Dense(2)])
    assert flat.predict(np.ones((3, 4, 2))).shape == (3, 2)
    with pytest.raises(InputError, match=r"Cases of shape \(5, 2\). Expected: the shape \(4, 2\)"):
        flat.predict(np.ones((3, 5, 2)))
    fixed = Sequential([Input((4, 2)), Flatten(), Dense(1)])  # shorter ones are filled up
    fixed.set_weights([np.ones((8, 1)), np.zeros(1)])
    np.testing.assert_allclose(fixed.predict([np.ones((4, 2)), np.ones((3, 2))])[:, 0], [8, 6])
    with pytest.raises(InputError, match="Case 1 of shape"):
        fixed.predict([np.ones((4, 2)), np.ones((5, 2))])


def test_early_stopping_keeps_the_best_weights():
    model = classifier(Dense(8, "tanh"), rate=0.3)
    seen = []

    def remember(number, logs):
        seen.append((logs["val_loss"], model.predict(TABLE)))

    stopping = EarlyStopping(patience=3, restore_best_weights=True)
    history = model.fit(
        TABLE,
        CLASSES,
        epochs=200,
        validation_data=(TABLE, 1 - CLASSES),  # gets worse soon
        callbacks=[stopping, remember],
    )
    losses = history.history["val_loss"]
    assert history.best_epoch == int(np.argmin(losses))
    assert len(losses) == history.best_epoch + 4
    np.testing.assert_array_equal(model.predict(TABLE), seen[history.best_epoch][1])
    assert EarlyStopping("val_accuracy").is_better(0.9, 0.8)
    assert not EarlyStopping("val_loss", min_delta=0.2).is_better(0.9, 1.0)


def test_a_function_ends_the_fit_and_a_share_is_held_out():
    model = classifier()
    history = model.fit(
        TABLE, CLASSES, epochs=9, validation_split=0.25, callbacks=[lambda number, logs: number == 2]
    )
    assert history.epoch == [0, 1, 2]
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history.best_epoch is None


def test_a_residual_branch_and_two_inputs_and_outputs():
    frames, extra = Input((None, 2), name="frames"), Input((3,), name="extra")
    shared = Dense(2, name="shared")
    x = shared(Add()([frames, shared(frames)]))
    both = Concatenate()([GlobalAveragePooling1D()(x), extra])
    model = Model([frames, extra], [Dense(2, "softmax", name="kind")(both), Dense(1, name="size")(both)])
    model.compile("adam", [SPARSE, "mse"])
    X, y = [RAGGED, TABLE[:6]], [LABELS, TABLE[:6, 0]]
    history = model.fit(X, y, epochs=30)
    assert history.history["loss"][-1] < history.history["loss"][0]
    first, second = model.predict(X)
    again = model.predict({"extra": TABLE[:6], "frames": RAGGED})
    np.testing.assert_array_equal(first, again[0])
    chosen = -np.log(first[np.arange(6), LABELS]).mean()
    wanted = chosen + ((second[:, 0] - TABLE[:6, 0]) ** 2).mean()
    np.testing.assert_allclose(model.evaluate(X, y).loss, wanted, rtol=1e-5)
    assert list(model.module.layers) == sorted(
        ["shared", "add", "global_average_pooling1d", "concatenate", "kind", "size"]
    )
    assert "reads" in model.summary()
    kernels = dict(zip(("w", "b"), model.get_weights()[:2], strict=True))  # of the shared layer, used twice
    inner = RAGGED[0] @ kernels["w"] + kernels["b"]
    frame = ((RAGGED[0] + inner) @ kernels["w"] + kernels["b"]).mean(0)
    kind = dict(zip(("w", "b"), model.get_weights()[2:4], strict=True))
    scores = np.concatenate([frame, TABLE[0]]) @ kind["w"] + kind["b"]
    np.testing.assert_allclose(first[0], np.exp(scores) / np.exp(scores).sum(), atol=1e-5)
    found = model.graph()((RAGGED[0], TABLE[0]))
    np.testing.assert_allclose(found[0], first[0], atol=1e-5)


def test_metrics_of_two_outputs_have_their_names():
    x = Input((3,))
    model = Model(x, [Dense(2, "softmax", name="a")(x), Dense(2, "softmax")(x)])
    model.compile("adam", SPARSE, "accuracy")
    found = model.evaluate(TABLE, [CLASSES, CLASSES])
    assert found._fields == ("loss", "a_accuracy", "dense_accuracy")


def test_an_output_that_is_read_on_keeps_its_softmax():
    x = Input((3,))
    soft = Dense(2, "softmax")(x)
    model = Model(x, [soft, Dense(1)(soft)])
    shares, number = model.predict(TABLE)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
    weight, bias = model.get_weights()[2:]
    np.testing.assert_allclose(number, shares @ weight + bias, atol=1e-5)


def test_the_summary_counts():
    model = Sequential(
        [LSTM(4, return_sequences=True), Dropout(0.1), LSTM(3), Dense(2, activation="softmax")]
    )
    model.build((None, 5))
    lines = model.summary().splitlines()
    assert lines[0] == "Sequential"
    assert lines[4].split() == ["input", "(Input)", "(T,", "5)", "0"]
    assert lines[5].split() == ["lstm", "(LSTM)", "(T,", "4)", str(4 * 4 * (5 + 4 + 1))]
    assert lines[7].split()[:2] == ["lstm_1", "(LSTM)"]
    total = sum(a.size for a in to_arrays(model.module).values())
    assert lines[-1] == f"{total} parameters" == f"{160 + 4 * 3 * (4 + 3 + 1) + 8} parameters"


def test_graphs_serve_any_number_of_frames_and_cases():
    model = Sequential([GRU(3), Dense(2, activation="softmax")])
    wanted = model.predict(RAGGED)
    graph = model.graph()
    assert [str(size) for size in graph.inputs[0].shape] == ["T", "2"]
    assert "layers.dense.linear.weight" in {value.name for value in graph.constants}
    for case, answer in zip(RAGGED[:3], wanted, strict=False):
        np.testing.assert_allclose(graph(case), answer, atol=1e-6)
    many = model.graph(batch="B", masked=True)
    padded, mask = as_sequences(RAGGED).pad()
    np.testing.assert_allclose(many(padded, mask), wanted, atol=1e-6)
    fixed = model.graph(time=3, batch=2)
    assert fixed.inputs[0].shape == (2, 3, 2)


def test_modules_of_equinox_and_of_ones_own_are_graphs():
    class Gate(eqx.Module):
        linear: eqx.nn.Linear
        share: jax.Array

        def __call__(self, x):
            return jax.nn.sigmoid(self.linear(x)) * self.share

    keys = jax.random.split(jax.random.key(0))
    x = jnp.linspace(-1, 1, 4)
    for module, name in (
        (eqx.nn.MLP(4, 2, 5, 2, key=keys[0]), "layers.0.weight"),
        (Gate(eqx.nn.Linear(4, 2, key=keys[1]), jnp.asarray(0.5)), "linear.weight"),
    ):
        graph = trace(module, x)
        np.testing.assert_allclose(graph(x), module(x), atol=1e-6)
        assert name in {value.name for value in graph.constants}
    network = SequenceToSequence(2, 3, key=keys[0])
    graph = trace(network, jnp.ones((4, 2)), jnp.ones(4, bool))
    np.testing.assert_allclose(
        graph(jnp.ones((4, 2)), jnp.ones(4, bool)), network(jnp.ones((4, 2)), jnp.ones(4, bool))
    )


def test_the_module_is_data_and_can_be_set():
    model, other = classifier(Dense(3)), classifier(Dense(3), seed=1)
    wanted = other.predict(TABLE)
    model.build((3,))
    model.module = from_arrays(model.module, to_arrays(other.module))
    np.testing.assert_array_equal(model.predict(TABLE), wanted)
    one_case = jax.vmap(lambda x: model.module(x))(jnp.asarray(TABLE))
    np.testing.assert_allclose(one_case, wanted, atol=1e-6)
    with pytest.raises(InputError, match="not like the one of this model"):
        model.module = eqx.nn.Linear(2, 2, key=jax.random.key(0))


def test_a_loss_that_is_no_longer_finite_leaves_the_last_good_weights():
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse", learning_rate=1e30)
    with pytest.raises(InputError, match="NaN or infinite in epoch"):
        model.fit(TABLE, TABLE[:, 0], epochs=20)
    model.compile("sgd", "mse")
    assert all(np.isfinite(array).all() for array in model.get_weights())


def test_layers_are_added_one_by_one():
    model = Sequential()
    model.add(Input((3,)))
    for layer in (Dense(4), Dense(2)):
        model.add(layer)
    assert [layer.units for layer in model.layers] == [4, 2]
    assert model.predict(TABLE).shape == (12, 2)


def test_weights_that_are_set_first_are_the_ones_that_count():
    first, second = (Sequential([Input((3,)), Dense(2)]) for _ in range(2))
    second.set_weights(first.get_weights())
    np.testing.assert_array_equal(first.predict(TABLE), second.predict(TABLE))
    np.testing.assert_array_equal(
        first.get_weights()[0], Sequential([Input((3,)), Dense(2)]).get_weights()[0]
    )


def fitted(X=RAGGED, y=LABELS, model=None, **settings):
    return lambda: (model or pooled()).fit(X, y, **settings)


def bad(index, value):
    cases = [case.copy() for case in RAGGED]
    cases[index][1, 0] = value
    return cases


def two_inputs():
    a, b = Input((3,)), Input((3,))
    return Model([a, b], Add()([a, b]))


@pytest.mark.parametrize(
    ("act", "part"),
    [
        (lambda: Sequential([Dense(2)]).fit(TABLE, CLASSES), "A model that is not compiled"),
        (lambda: Sequential([Dense(2)]).evaluate(TABLE, CLASSES), "call model.compile"),
        (lambda: Sequential([Dense(2)]).summary(), "does not know the shape of its input yet"),
        (lambda: Sequential([Dense(2)]).graph(), "does not know the shape"),
        (lambda: Sequential([Dense]), "make the layer first: Dense(10), not Dense"),
        (lambda: Sequential(Dense(2)), "a list of layers"),
        (lambda: Sequential([]).predict(TABLE), "A model without layers"),
        (lambda: Sequential([Dense(2), Input((3,))]), "An Input behind a layer"),
        (lambda: Sequential([Dense(2)], random_state=-1), "random_state=-1"),
        (lambda: Sequential([Dense(2, name="a"), Dense(2, name="a"), Dense(2)]).build((3,)), "the name 'a'"),
        (lambda: Sequential([Input((3,)), Dense(2)]).build((3,)), "A model that is built"),
        (
            lambda: (m := pooled(), m.fit(RAGGED, LABELS), m.add(Dense(2))),
            "A layer for a model that was trained",
        ),
        (lambda: Sequential([Dense(2)]).compile("adam"), "No loss"),
        (lambda: Sequential([Dense(2)]).compile("adamm", "mse"), "optimizer='adamm'. Expected: one of adam"),
        (lambda: Sequential([Dense(2)]).compile("adam", "rmse"), "loss='rmse'"),
        (lambda: Sequential([Dense(2)]).compile("adam", "mse", ["auc"]), "metric='auc'"),
        (
            lambda: Sequential([Dense(2)]).compile("adam", "mse", ["accuracy"]),
            "The metric accuracy with the loss mse",
        ),
        (lambda: Sequential([Dense(2)]).compile("adam", "mse", learning_rate=0), "learning_rate=0"),
        (
            lambda: Sequential([Dense(2)]).compile(optax.sgd(1.0), "mse", learning_rate=0.1),
            "optimiser of Optax",
        ),
        (
            lambda: Sequential([Input((3,)), Dense(2)]).compile("adam", SPARSE),
            "an output with the activation linear",
        ),
        (
            lambda: Sequential([Input((3,)), Dense(1, "softmax")]).compile("adam", SPARSE),
            "an output of one class",
        ),
        (
            lambda: Sequential([Input((3,)), Dense(2)]).compile("adam", ["mse", "mse"]),
            "2 losses for 1 outputs",
        ),
        (fitted(epochs=0), "epochs=0"),
        (fitted(batch_size=0), "batch_size=0"),
        (fitted(shuffle="yes"), "shuffle='yes'"),
        (fitted(validation_split=1.5), "validation_split=1.5"),
        (fitted(validation_split=0.01), "validation_split=0.01 of 6 cases"),
        (fitted(callbacks=[3]), "callbacks=[3]"),
        (fitted(callbacks=[EarlyStopping()]), "monitor='val_loss'. Expected: one of loss, accuracy"),
        (fitted(y=LABELS[:5]), "Targets for 5 cases, and data of 6 cases"),
        (
            fitted(y=LABELS + 1),
            "The class 2, and an output of 2 classes. Expected: whole numbers from 0 to 1",
        ),
        (fitted(y=LABELS - 1), "The class -1"),
        (fitted(y=np.array(list("abaabb"))), "bring names to 0, 1, 2"),
        (fitted(y=LABELS * 0.5), "Classes that are no whole numbers"),
        (fitted(y=np.eye(2)[LABELS]), 'take loss="categorical_crossentropy"'),
        (fitted(y=[np.zeros(3, int)] * 6), "A target of shape (3,) for a case"),
        (
            fitted(X=TABLE[:6], y=TABLE[:6], model=classifier(loss="categorical_crossentropy")),
            "Expected: a target of shape (2,)",
        ),
        (
            fitted(X=TABLE[:6], y=np.eye(2)[LABELS] * 2, model=classifier(loss="categorical_crossentropy")),
            "The target 2.0",
        ),
        (
            fitted(X=TABLE[:6], y=np.full((6, 2), np.nan), model=classifier(loss="categorical_crossentropy")),
            "NaN or infinity in the targets",
        ),
        (fitted(X=bad(2, np.nan)), "NaN or infinity in case 2, at (1, 0)"),
        (
            fitted(X=np.where(np.eye(12, 3) > 0, np.inf, TABLE), y=CLASSES, model=classifier()),
            "NaN or infinity in case 0, at (0,)",
        ),
        (fitted(X=[np.ones((3, 2)), np.ones((3, 1))], y=[0, 1]), "Case 1 of shape (3, 1)"),
        (fitted(X=[np.ones((3, 2)), np.ones((0, 2))], y=[0, 1]), "Case 1 without frames"),
        (fitted(X=[], y=[]), "No cases"),
        (fitted(X=np.zeros((0, 4, 2)), y=[]), "No cases"),
        (fitted(X=[[["a"]], [["b"]]], y=[0, 1]), "Data that is no array of numbers"),
        (
            lambda: (m := pooled(), m.predict(RAGGED), m.predict(TABLE)),
            "An array of shape (12, 3). Expected: cases of shape (time, 2)",
        ),
        (lambda: (m := pooled(), m.predict(RAGGED), m.predict(np.ones((3, 4, 5)))), "Cases of shape (4, 5)"),
        (lambda: (m := pooled(), m.predict(RAGGED), m.module(jnp.ones((4, 5)))), "A case of shape (4, 5)"),
        (
            lambda: Sequential([Embedding(4, 2), GRU(2)]).predict(np.array([[1, 4]])),
            "The number 4 in an input of an Embedding",
        ),
        (
            lambda: Sequential([Embedding(4, 2), GRU(2)]).predict(np.array([[1, 0.5]])),
            "numbers that are not whole",
        ),
        (lambda: Model(Input((3,)), Input((3,))), "An output that needs another input"),
        (lambda: Model(x := Input((3,)), x), "A model without layers"),
        (lambda: Model([x := Input((3,)), Input((3,))], Dense(2)(x)), "An input that no output needs"),
        (lambda: Model(Input((3,)), 3), "outputs=3"),
        (lambda: Model(Dense(2)(Input((3,))), Dense(2)(Input((3,)))), "An input that a layer gave"),
        (
            lambda: (d := Dense(2), x := Input((3,)), Model(x, d(d(x)))),
            "entries in the last axis, as when it was built",
        ),
        (lambda: two_inputs().predict(TABLE), "X that is ndarray of 12 for 2 inputs"),
        (lambda: two_inputs().predict({"a": TABLE, "b": TABLE}), "X that is dict of 2"),
        (lambda: two_inputs().predict([TABLE, TABLE[:5]]), "Inputs of 12, 5 cases"),
        (lambda: Sequential([Input((3,)), Dense(2)]).graph(masked=True), "masked=True for a model"),
        (
            lambda: Sequential([Input((None, 3)), Dense(2)]).graph(time="T", batch="T"),
            "time and batch both as 'T'",
        ),
        (lambda: Sequential([Input((None, 3)), Dense(2)]).graph(time="2 T"), "time='2 T'"),
        (
            lambda: Sequential([Input((3,)), Dense(2)]).set_weights([np.ones((3, 2))]),
            "1 arrays. Expected: 2 arrays",
        ),
        (
            lambda: Sequential([Input((3,)), Dense(2)]).set_weights([np.ones((2, 3)), np.ones(2)]),
            "An array of shape (2, 3) for the layer dense",
        ),
        (
            lambda: Sequential([Input((3,)), eqx.nn.Linear(3, 2, key=jax.random.key(0))]).get_weights(),
            "a module that Keras does not know",
        ),
    ],
)
def test_what_is_refused(act, part):
    with pytest.raises(InputError) as caught:
        act()
    assert part in str(caught.value)


@pytest.mark.slow
def test_japanese_vowels_are_learned():
    train, test = load("japanese-vowels")
    classes, y = np.unique(train.y, return_inverse=True)
    mean, deviation = train.X.frames.mean(0), train.X.frames.std(0)
    model = Sequential(
        [LSTM(64, return_sequences=True), Dropout(0.2), LSTM(64), Dense(9, activation="softmax")]
    )
    model.compile(optimizer="adam", loss=SPARSE, metrics=["accuracy"], learning_rate=3e-3)
    X = [(case - mean) / deviation for case in train.X]
    stopping = EarlyStopping("val_accuracy", patience=30, restore_best_weights=True)
    history = model.fit(X, y, epochs=80, batch_size=32, validation_split=0.2, callbacks=[stopping])
    found = model.evaluate([(case - mean) / deviation for case in test.X], np.searchsorted(classes, test.y))
    assert max(history.history["val_accuracy"]) > 0.93
    assert found.accuracy > 0.92
