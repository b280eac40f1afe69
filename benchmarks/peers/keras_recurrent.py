"""Recurrent layers of Keras 3, forward and backward; asked by lines of JSON, answers in lines of JSON.

With the JAX backend the layer is compiled by `jax.jit`, with the loop of Keras as it is; with the PyTorch
backend it runs as PyTorch runs. `KERAS_BACKEND` says which.
"""

from __future__ import annotations

import json
import sys
import time

import keras
import numpy as np


def layers(inputs: int, units: int):
    """The layers, with their weights."""
    made = {
        "lstm": keras.layers.LSTM(units, return_sequences=True),
        "gru": keras.layers.GRU(units, return_sequences=True),
        "rnn": keras.layers.SimpleRNN(units, return_sequences=True),
        "bilstm": keras.layers.Bidirectional(keras.layers.LSTM(units, return_sequences=True)),
        "lstm2": keras.Sequential([keras.layers.LSTM(units, return_sequences=True) for _ in range(2)]),
    }
    for layer in made.values():
        layer.build((None, None, inputs))
    return made


def jax_step(layer):
    """Outputs and gradients of the weights, compiled."""
    import jax

    others = [v.value for v in layer.non_trainable_variables]

    @jax.jit
    def step(weights, frames, slope):
        def forward(weights):
            return layer.stateless_call(weights, others, frames)[0]

        outputs, back = jax.vjp(forward, weights)
        return outputs, back(slope)

    def run(frames, slope):
        return jax.block_until_ready(step([v.value for v in layer.trainable_variables], frames, slope))

    return run


def torch_step(layer):
    """Outputs and gradients of the weights."""
    import torch

    torch.set_num_threads(1)

    def run(frames, slope):
        layer.zero_grad()
        layer(torch.from_numpy(frames)).backward(torch.from_numpy(slope))

    return run


def main() -> None:
    """Read the sizes, then a name of a layer for each round."""
    sizes = json.loads(sys.stdin.readline())
    now = {"wall": time.perf_counter, "cpu": time.process_time}[sizes["clock"]]
    batch, frames, inputs, units = (sizes[k] for k in ("batch", "time", "inputs", "units"))
    rng = np.random.default_rng(sizes["seed"])
    data = rng.normal(size=(batch, frames, inputs)).astype(np.float32)
    slopes = {n: rng.normal(size=(batch, frames, n)).astype(np.float32) for n in (units, 2 * units)}
    make = {"jax": jax_step, "torch": torch_step}[keras.backend.backend()]
    steps = {name: make(layer) for name, layer in layers(inputs, units).items()}
    print(json.dumps({"keras": keras.__version__, "backend": keras.backend.backend()}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        slope = slopes[2 * units if asked["model"] == "bilstm" else units]
        steps[asked["model"]](data, slope)
        found = []
        for _ in range(asked["times"]):
            start = now()
            steps[asked["model"]](data, slope)
            found.append(1000 * (now() - start))
        print(json.dumps({keras.backend.backend(): found}), flush=True)


if __name__ == "__main__":
    main()
