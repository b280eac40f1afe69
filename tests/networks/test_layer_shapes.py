"""Layers on symbolic tensors, and the law of all of them: padding changes nothing."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import InputError
from antiphon.networks import Input, Model, Recurrent, SequenceToVector, Sequential, VectorToVector, layers
from antiphon.networks.layers import (
    GRU,
    LSTM,
    Activation,
    Add,
    AveragePooling1D,
    AveragePooling2D,
    Bidirectional,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Layer,
    LayerNormalization,
    Masking,
    MaxPooling1D,
    MaxPooling2D,
    Module,
    SimpleRNN,
    Softmax,
)

# Each ends at one vector, so that what is masked could only show through.
SEQUENCE_STACKS = {
    "rnn": [SimpleRNN(3)],
    "lstm": [LSTM(3, return_sequences=True), Dense(2, "relu"), LSTM(2)],
    "gru": [Bidirectional(GRU(2, return_sequences=True), merge_mode="mul"), GRU(2)],
    "same": [Conv1D(3, 3, padding="same"), GlobalMaxPooling1D()],
    "even": [Conv1D(3, 4, padding="same", dilation_rate=2), GlobalAveragePooling1D()],
    "causal": [Conv1D(3, 3, padding="causal", strides=2), GlobalAveragePooling1D()],
    "valid": [Conv1D(3, 2, strides=2), MaxPooling1D(2), GlobalMaxPooling1D()],
    "dilated": [Conv1D(3, 2, dilation_rate=2), AveragePooling1D(2, strides=1), GlobalAveragePooling1D()],
    "smooth": [AveragePooling1D(3, strides=1, padding="same"), GlobalMaxPooling1D()],
    "largest": [MaxPooling1D(3, strides=1, padding="same"), Conv1D(2, 2), GRU(2)],
    "norm": [LayerNormalization(), Activation("softsign"), Dropout(0.5), GlobalAveragePooling1D()],
    "masking": [Masking(), GRU(2)],
    "module": [Recurrent("gru", 2, 3, key=jax.random.key(0)), GlobalAveragePooling1D()],
    "vector": [SequenceToVector(2, 3, key=jax.random.key(0))],
}


def built(stack):
    model = Sequential(stack)
    model.build((None, 2))
    return model


@eqx.filter_jit
def run(module, frames, mask):
    return module(frames, mask)


@pytest.mark.parametrize("name", SEQUENCE_STACKS)
@settings(max_examples=8, deadline=None)
@given(length=st.sampled_from([8, 9, 11]), junk=st.sampled_from([0.0, 50.0, -1e6]), seed=st.integers(0, 99))
def test_padding_changes_nothing(name, length, junk, seed):
    module = built(SEQUENCE_STACKS[name]).module
    frames = np.random.default_rng(seed).normal(size=(length, 2)).astype(np.float32)
    padded = np.concatenate([frames, np.full((13 - length, 2), junk, np.float32)])
    wanted = run(module, jnp.asarray(frames), None)
    found = run(module, jnp.asarray(padded), jnp.arange(13) < length)
    np.testing.assert_allclose(found, wanted, atol=2e-5)


@pytest.mark.parametrize("name", [pytest.param("lstm", marks=pytest.mark.slow), "norm"])
def test_nan_behind_the_mask_reaches_neither_answer_nor_gradient(name):
    stack = [layer for layer in SEQUENCE_STACKS[name] if not isinstance(layer, LayerNormalization)]
    module = built(stack).module
    frames = jnp.ones((6, 2)).at[4:].set(jnp.nan)
    slopes = eqx.filter_grad(lambda n: jnp.sum(n(frames, jnp.arange(6) < 4)))(module)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
    assert jnp.isfinite(module(frames, jnp.arange(6) < 4)).all()


def test_an_answer_at_each_frame_is_zero_at_masked_ones():
    module = built([GRU(2, return_sequences=True), Dense(3, "softmax")]).module
    out = module(jnp.ones((4, 2)), jnp.array([True, True, False, False]))
    np.testing.assert_allclose(out.sum(1), [1, 1, 0, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "shape", "wanted"),
    [
        (Dense(4), (None, 3), "(T, 4)"),
        (Dense(4), (2, 5, 3), "(2, 5, 4)"),
        (LSTM(4), (None, 3), "(4,)"),
        (GRU(4, return_sequences=True), (6, 3), "(6, 4)"),
        (Bidirectional(SimpleRNN(4), merge_mode="sum"), (None, 3), "(4,)"),
        (Conv1D(4, 3, padding="causal"), (None, 3), "(T, 4)"),
        (Conv1D(4, 3), (7, 3), "(5, 4)"),
        (Conv2D(4, (3, 2), strides=2), (9, 9, 1), "(4, 4, 4)"),
        (MaxPooling2D((2, 3)), (9, 9, 1), "(4, 3, 1)"),
        (AveragePooling2D(2, padding="same"), (9, 9, 1), "(5, 5, 1)"),
        (MaxPooling1D(), (9, 3), "(4, 3)"),
        (GlobalMaxPooling1D(), (None, 3), "(3,)"),
        (Flatten(), (2, 3, 4), "(24,)"),
        (Softmax(), (None, 3), "(T, 3)"),
        (Masking(), (None, 3), "(T, 3)"),
        (LayerNormalization(), (2, 3, 4), "(2, 3, 4)"),
    ],
)
def test_shapes_are_known_before_there_is_data(layer, shape, wanted):
    found = layer(Input(shape)).shape
    assert "(" + ", ".join(map(str, found)) + (",)" if len(found) == 1 else ")") == wanted


def test_a_module_from_elsewhere_is_a_layer():
    inner = eqx.nn.MLP(4, 2, 5, 1, key=jax.random.key(0))
    model = Sequential([Dense(4), inner, VectorToVector(2, 3, key=jax.random.key(1))])
    model.build((6,))
    x = jnp.linspace(-1, 1, 6)
    dense, _, last = model.module.layers.values()
    wanted = last.still  # the last layer keeps its arrays apart
    wanted = eqx.combine(last.arrays, wanted)(inner(dense.linear(x)))
    np.testing.assert_allclose(model.module(x), wanted, atol=1e-6)


def test_a_layer_of_ones_own():
    class Double(Layer):
        def build(self, *inputs, key):
            return lambda value, mask, key=None: (value * 2.0, mask)

    assert Double()(Input((3,))).shape == (3,)
    with pytest.raises(NotImplementedError, match="has no build"):
        Layer()(Input((3,)))


def test_embedding_reads_numbers_and_may_mask_zero():
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    model = Sequential([Embedding(4, 3, mask_zero=True), GlobalAveragePooling1D()])
    model.build((None,))
    model.set_weights([table])
    found = model.predict([np.array([1, 3, 0, 0]), np.array([2])])
    np.testing.assert_allclose(found, [(table[1] + table[3]) / 2, table[2]])
    np.testing.assert_allclose(model.predict(np.array([[1, 3, 0]])), found[:1])


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: Dense(0), "units=0"),
        (lambda: Dense(3, activation="rellu"), "activation='rellu'. Expected: one of linear, relu"),
        (lambda: Dense(3, use_bias="no"), "use_bias='no'"),
        (lambda: Activation("nope"), "activation='nope'"),
        (lambda: Dropout(1.0), "rate=1.0"),
        (lambda: LSTM(3, return_sequences=1), "return_sequences=1"),
        (lambda: GRU(2.0), "units=2.0"),
        (lambda: Bidirectional(Dense(3)), "Bidirectional around Dense"),
        (lambda: Bidirectional(LSTM(3), merge_mode="max"), "merge_mode='max'"),
        (lambda: Conv1D(3, 0), "kernel_size=0"),
        (lambda: Conv1D(3, (2, 2)), r"kernel_size=(2, 2). Expected: a number, or 1 of them"),
        (lambda: Conv1D(3, 2, padding="full"), "padding='full'"),
        (lambda: Conv2D(3, 2, padding="causal"), "padding='causal'. Expected: one of valid, same"),
        (lambda: Conv1D(3, 2, strides=2, dilation_rate=2), "strides=2 with dilation_rate=2"),
        (lambda: MaxPooling1D(0), "pool_size=0"),
        (lambda: MaxPooling2D(2, strides=(1, 2, 3)), "strides=(1, 2, 3)"),
        (lambda: Embedding(0, 3), "input_dim=0"),
        (lambda: Embedding(3, 3, mask_zero=None), "mask_zero=None"),
        (lambda: Masking("x"), "mask_value='x'"),
        (lambda: LayerNormalization(0.0), "epsilon=0.0"),
        (lambda: Concatenate(axis=0), "axis=0"),
        (lambda: Module(3), "3 as a layer"),
        (lambda: Input(3), "An input of shape 3"),
        (lambda: Input((3, None)), "(3, None)"),
        (lambda: Input((None, 0)), "(None, 0)"),
        (lambda: Input((None, 2), dtype="int64"), "dtype='int64'"),
        (lambda: Dense(3)(np.ones((2, 3))), "Dense called on ndarray. Expected: what Input"),
        (lambda: Dense(3)([]), "Dense called on list"),
        (lambda: Dense(3)(Input((None,))), "Dense got a value of shape (T,)"),
        (lambda: LSTM(3)(Input((4,))), "LSTM got a value of shape (4,). Expected: a shape (time, feature)"),
        (
            lambda: LSTM(3)(LSTM(3)(Input((None, 4)))),
            "set return_sequences=True in the recurrent layer before LSTM",
        ),
        (lambda: Conv1D(3, 2)(Input((8, 8, 1))), "Conv1D got a value of shape (8, 8, 1)"),
        (lambda: Conv2D(3, 2)(Input((8, 8))), "Expected: a shape (height, width, channel)"),
        (lambda: Conv1D(3, 5)(Input((4, 2))), "a window of 5 got a value of shape (4, 2)"),
        (lambda: Conv1D(3, 3, dilation_rate=2)(Input((4, 2))), "a window of 5"),
        (lambda: MaxPooling2D(5)(Input((8, 4, 1))), "a window of 5 x 5"),
        (lambda: MaxPooling1D()(Input((4,))), "MaxPooling1D got a value of shape (4,)"),
        (lambda: GlobalAveragePooling1D()(Input((4,))), "GlobalAveragePooling1D got"),
        (lambda: GlobalMaxPooling1D()(Input((4, 4, 1))), "GlobalMaxPooling1D got"),
        (lambda: Masking()(Input((4,))), "Masking got"),
        (lambda: Flatten()(Input((None, 4))), "Flatten got a value of shape (T, 4)"),
        (lambda: Embedding(4, 2)(Input((None,))), "Embedding got values of type float32"),
        (lambda: Embedding(4, 2)(Input((None, 2), dtype="int32")), "Embedding got a value of shape (T, 2)"),
        (lambda: Add()(Input((4,))), "Add of one value"),
        (lambda: Add()([Input((4,)), Input((5,))]), "Add got values of shapes (4,), (5,)"),
        (
            lambda: Concatenate()([Input((None, 4)), Input((5,))]),
            "Concatenate got values of shapes (T, 4), (5,)",
        ),
        (
            lambda: Model(x := Input((None, 3)), Conv1D(2, 2, strides=2, padding="same")(x)).predict(
                [np.ones((4, 3)), np.ones((5, 3))]
            ),
            'Conv1D with padding="same" and strides=2 got sequences of different lengths',
        ),
        (
            lambda: Model(x := Input((None, 3)), MaxPooling1D(2, padding="same")(x)).predict(
                [np.ones((4, 3))]
            ),
            'MaxPooling1D with padding="same"',
        ),
        (
            lambda: Conv2D(2, 2).build(jax.ShapeDtypeStruct((4, 4, 1), jnp.float32), key=jax.random.key(0))(
                jnp.ones((4, 4, 1)), jnp.ones(4, bool)
            ),
            "Conv2D got values with a mask",
        ),
        (
            lambda: Conv1D(2, 2).build(jax.ShapeDtypeStruct((4, 1), jnp.float32), key=jax.random.key(0))(
                jnp.ones((4, 3)), None
            ),
            "1 channels in the last axis",
        ),
    ],
)
def test_wrong_settings_and_shapes(make, part):
    with pytest.raises(InputError) as caught:
        make()
    assert part in str(caught.value)


def test_initial_weights_are_those_of_keras():
    model = Sequential([Conv1D(30, 3), Dense(20), LSTM(16), Dense(5, use_bias=False)])
    model.build((None, 10))
    conv, conv_bias, dense, dense_bias, kernel, state, bias, last = model.get_weights()
    for array, fans in ((conv, 3 * 40), (dense, 50), (kernel, 20 + 64), (last, 21)):
        limit = np.sqrt(6 / fans)
        assert 0.9 * limit < np.abs(array).max() <= limit
    assert not conv_bias.any()
    assert not dense_bias.any()
    np.testing.assert_allclose(state @ state.T, np.eye(16), atol=1e-5)
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 16))
    table = Sequential([Embedding(50, 20)])
    table.build((None,))
    assert 0.045 < np.abs(table.get_weights()[0]).max() <= 0.05


def test_every_layer_has_the_name_of_keras_and_an_example():
    for name in layers.__all__:
        assert ">>>" in getattr(layers, name).__doc__
