"""Writes `keras_golden.npz`: what Keras 3 gives for small models, so that tests need no Keras.

Run by hand, with Keras and its JAX backend: `KERAS_BACKEND=jax python tests/networks/make_keras_golden.py`.
Every model is written down as data, layer kind and settings, from which the tests make ours.
"""

import json
from pathlib import Path

import numpy as np

SEQUENCE, IMAGE, TOKENS = (9, 3), (9, 8, 2), (7,)
ACTIVATIONS = (
    "linear",
    "relu",
    "tanh",
    "sigmoid",
    "softmax",
    "log_softmax",
    "gelu",
    "elu",
    "selu",
    "silu",
    "swish",
    "softplus",
    "softsign",
    "leaky_relu",
    "hard_sigmoid",
    "exponential",
)
MODELS = {
    "seed": (
        SEQUENCE,
        [
            ["LSTM", {"units": 6, "return_sequences": True}],
            ["Dropout", {"rate": 0.2}],
            ["LSTM", {"units": 4}],
            ["Dense", {"units": 3}],
            ["Softmax", {}],
        ],
    ),
    "gates": (
        SEQUENCE,
        [
            ["GRU", {"units": 5, "return_sequences": True}],
            ["SimpleRNN", {"units": 4, "return_sequences": True}],
            ["GRU", {"units": 3}],
        ],
    ),
    "directions": (
        SEQUENCE,
        [
            ["Bidirectional", {"layer": ["LSTM", {"units": 3, "return_sequences": True}]}],
            [
                "Bidirectional",
                {"layer": ["GRU", {"units": 4, "return_sequences": True}], "merge_mode": "ave"},
            ],
            ["Bidirectional", {"layer": ["SimpleRNN", {"units": 4}], "merge_mode": "mul"}],
        ],
    ),
    "sum": (SEQUENCE, [["Bidirectional", {"layer": ["GRU", {"units": 4}], "merge_mode": "sum"}]]),
    "windows": (
        SEQUENCE,
        [
            ["Conv1D", {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"}],
            ["AveragePooling1D", {"pool_size": 2, "padding": "same"}],
            ["Conv1D", {"filters": 5, "kernel_size": 2, "padding": "causal", "dilation_rate": 2}],
            ["MaxPooling1D", {"pool_size": 3, "strides": 1}],
            ["LayerNormalization", {}],
            ["Conv1D", {"filters": 3, "kernel_size": 2, "strides": 2, "use_bias": False}],
        ],
    ),
    "strided": (
        SEQUENCE,
        [
            ["Conv1D", {"filters": 4, "kernel_size": 4, "padding": "same", "strides": 2}],
            ["MaxPooling1D", {"pool_size": 2, "padding": "same"}],
            ["GlobalAveragePooling1D", {}],
            ["Dense", {"units": 3, "activation": "tanh", "use_bias": False}],
        ],
    ),
    "largest": (SEQUENCE, [["AveragePooling1D", {"pool_size": 2}], ["GlobalMaxPooling1D", {}]]),
    "image": (
        IMAGE,
        [
            ["Conv2D", {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"}],
            ["MaxPooling2D", {"pool_size": 2}],
            ["Conv2D", {"filters": 3, "kernel_size": [2, 1], "strides": 2, "padding": "same"}],
            ["AveragePooling2D", {"pool_size": [2, 2], "strides": 1, "padding": "same"}],
            ["Flatten", {}],
            ["Dense", {"units": 3, "activation": "sigmoid"}],
        ],
    ),
    "tokens": (
        TOKENS,
        [
            ["Embedding", {"input_dim": 6, "output_dim": 4, "mask_zero": True}],
            ["LSTM", {"units": 5, "return_sequences": True}],
            ["GRU", {"units": 3}],
        ],
    ),
    "masked": (SEQUENCE, [["Masking", {"mask_value": -1.0}], ["GRU", {"units": 3}]]),
} | {
    f"activation-{name}": (SEQUENCE, [["Dense", {"units": 4}], ["Activation", {"activation": name}]])
    for name in ACTIVATIONS
}
TRAINED = [["Dense", {"units": 4, "activation": "tanh"}], ["Dense", {"units": 3}], ["Softmax", {}]]
OPTIMIZERS = ("adam", "adamw", "adamax", "adagrad", "rmsprop", "sgd", "lion")
LOSSES = {
    "sparse_categorical_crossentropy": "softmax",
    "categorical_crossentropy": "softmax",
    "binary_crossentropy": "sigmoid",
    "mse": "linear",
    "mae": "linear",
    "huber": "linear",
}


def main() -> None:
    import keras

    def layer(kind, settings):
        settings = dict(settings)
        if "layer" in settings:
            settings["layer"] = layer(*settings["layer"])
        return getattr(keras.layers, kind)(**settings)

    def model(shape, layers, rng, dtype="float32"):
        made = keras.Sequential([keras.Input(shape, dtype=dtype), *(layer(*one) for one in layers)])
        # Every weight is random, biases included.
        made.set_weights([rng.normal(scale=0.6, size=w.shape).astype(np.float32) for w in made.get_weights()])
        return made

    arrays, notes = {}, {"keras": keras.__version__, "models": {}, "optimizers": OPTIMIZERS, "losses": LOSSES}
    for number, (name, (shape, layers)) in enumerate(MODELS.items()):
        rng = np.random.default_rng(number)
        tokens = shape == TOKENS
        if tokens:
            X = rng.integers(1, 6, size=(4, *shape)).astype(np.int32)
            X[1, 4:], X[2, 1:] = 0, 0
        else:
            X = rng.normal(size=(4, *shape)).astype(np.float32)
        if name == "masked":
            X[1, 5:], X[2, 2:4] = -1.0, -1.0
        made = model(shape, layers, rng, "int32" if tokens else "float32")
        arrays[f"{name}/X"], arrays[f"{name}/y"] = X, made.predict(X, verbose=0)
        arrays |= {f"{name}/weight{i}": w for i, w in enumerate(made.get_weights())}
        notes["models"][name] = {"shape": shape, "layers": layers}

    rng = np.random.default_rng(100)
    X, classes = rng.normal(size=(10, 5)).astype(np.float32), rng.integers(0, 3, size=10)
    arrays |= {"trained/X": X, "trained/classes": classes}
    notes["trained"] = TRAINED
    start = model((5,), TRAINED, rng).get_weights()
    arrays |= {f"trained/weight{i}": w for i, w in enumerate(start)}
    for name in OPTIMIZERS:
        made = model((5,), TRAINED, rng)
        made.set_weights(start)
        made.compile(name, "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = made.fit(X, classes, epochs=6, batch_size=4, shuffle=False, verbose=0).history
        arrays |= {f"trained/{name}/{key}": np.array(value) for key, value in history.items()}
        arrays |= {f"trained/{name}/weight{i}": w for i, w in enumerate(made.get_weights())}

    targets = {
        "sparse_categorical_crossentropy": classes,
        "categorical_crossentropy": np.eye(3, dtype=np.float32)[classes],
        "binary_crossentropy": rng.integers(0, 2, size=(10, 3)).astype(np.float32),
    }
    for loss, activation in LOSSES.items():
        y = targets.get(loss, rng.normal(scale=2.0, size=(10, 3)).astype(np.float32))
        made = model((5,), [["Dense", {"units": 3, "activation": activation}]], rng)
        metric = "accuracy" if loss.endswith("crossentropy") else "mae"
        metric = "binary_accuracy" if loss == "binary_crossentropy" else metric
        made.compile("sgd", loss, metrics=[metric])
        arrays[f"loss/{loss}/y"] = y
        arrays[f"loss/{loss}/found"] = np.array(made.evaluate(X, y, verbose=0))
        arrays |= {f"loss/{loss}/weight{i}": w for i, w in enumerate(made.get_weights())}
    path = Path(__file__).with_name("keras_golden.npz")
    np.savez_compressed(path, notes=np.array(json.dumps(notes)), **arrays)


if __name__ == "__main__":
    main()
