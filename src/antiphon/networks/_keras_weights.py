"""The arrays of a layer model in the order and layout of Keras, both ways.

Keras keeps kernels as `(in, out)`. The gates of its LSTM stand as ours do (input, forget, cell, output);
those of its GRU in the order update, reset, new, with one bias for the input and one for the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from antiphon.errors import InputError
from antiphon.networks._layer_graph import Network, Plan
from antiphon.networks.layers._convolutions import BuiltConvolution
from antiphon.networks.layers._dense import BuiltDense
from antiphon.networks.layers._frames import BuiltEmbedding, BuiltLayerNormalization
from antiphon.networks.layers._joining import BuiltModule
from antiphon.networks.layers._recurrences import BuiltRecurrence

Arrays = list[np.ndarray]
Read = Callable[[Any], Arrays]
Write = Callable[[Any, Iterator[np.ndarray]], Any]


def _gates(array: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    blocks = np.split(array, len(order), axis=-1)
    return np.concatenate([blocks[i] for i in order], axis=-1)


_SWAP = (1, 0, 2)  # reset, update, new <-> update, reset, new


def _read_cell(cell: Any) -> Arrays:
    kernel, state = np.asarray(cell.weight_ih).T, np.asarray(cell.weight_hh).T
    bias = np.asarray(cell.bias)
    if not isinstance(cell, eqx.nn.GRUCell):
        return [kernel, state, bias]
    new = np.asarray(cell.bias_n)
    of_state = np.concatenate([np.zeros(2 * len(new), new.dtype), new])
    return [_gates(kernel, _SWAP), _gates(state, _SWAP), np.stack([_gates(bias, _SWAP), of_state])]


def _write_cell(cell: Any, arrays: Iterator[np.ndarray]) -> Any:
    kernel, state, bias = next(arrays), next(arrays), next(arrays)
    if isinstance(cell, eqx.nn.GRUCell):
        hidden = cell.hidden_size
        kernel, state, bias = _gates(kernel, _SWAP), _gates(state, _SWAP), _gates(bias, _SWAP)
        one = bias[0].copy()
        one[: 2 * hidden] += bias[1, : 2 * hidden]  # where both are only ever added, ours has one
        new = jnp.asarray(bias[1, 2 * hidden :])
        cell = eqx.tree_at(lambda c: c.bias_n, cell, new)
        bias = one
    return eqx.tree_at(
        lambda c: (c.weight_ih, c.weight_hh, c.bias),
        cell,
        (jnp.asarray(kernel.T), jnp.asarray(state.T), jnp.asarray(bias)),
    )


def _read_recurrence(built: BuiltRecurrence) -> Arrays:
    layer = built.recurrent.layers[0]
    return _read_cell(layer.forward) + ([] if layer.backward is None else _read_cell(layer.backward))


def _write_recurrence(built: BuiltRecurrence, arrays: Iterator[np.ndarray]) -> BuiltRecurrence:
    layer = built.recurrent.layers[0]
    forward = _write_cell(layer.forward, arrays)
    built = eqx.tree_at(lambda b: b.recurrent.layers[0].forward, built, forward)
    if layer.backward is None:
        return built
    backward = _write_cell(layer.backward, arrays)
    return eqx.tree_at(lambda b: b.recurrent.layers[0].backward, built, backward)


def _read_dense(built: BuiltDense) -> Arrays:
    bias = built.linear.bias
    return [np.asarray(built.linear.weight).T, *([] if bias is None else [np.asarray(bias)])]


def _write_dense(built: BuiltDense, arrays: Iterator[np.ndarray]) -> BuiltDense:
    built = eqx.tree_at(lambda b: b.linear.weight, built, jnp.asarray(next(arrays).T))
    if built.linear.bias is None:
        return built
    return eqx.tree_at(lambda b: b.linear.bias, built, jnp.asarray(next(arrays)))


def _plain(*fields: Callable[[Any], Any]) -> tuple[Read, Write]:
    """For a layer whose arrays are laid out as in Keras."""

    def read(built: Any) -> Arrays:
        return [np.asarray(field(built)) for field in fields if field(built) is not None]

    def write(built: Any, arrays: Iterator[np.ndarray]) -> Any:
        for field in fields:
            if field(built) is not None:
                built = eqx.tree_at(field, built, jnp.asarray(next(arrays)))
        return built

    return read, write


_LAYOUTS: dict[type, tuple[Read, Write]] = {
    BuiltRecurrence: (_read_recurrence, _write_recurrence),
    BuiltDense: (_read_dense, _write_dense),
    BuiltConvolution: _plain(lambda b: b.kernel, lambda b: b.bias),
    BuiltEmbedding: _plain(lambda b: b.embedding.weight),
    BuiltLayerNormalization: _plain(lambda b: b.norm.weight, lambda b: b.norm.bias),
}


def _layers(plan: Plan, network: Network) -> Iterator[tuple[str, Any, Read, Write]]:
    for name in dict.fromkeys(plan.layer_name(tensor) for tensor in plan.tensors):
        built = network.layers[name]
        if isinstance(built, BuiltModule):
            raise InputError(
                f"The layer {name}, a module that Keras does not know.",
                "Layers of antiphon.networks.layers.",
                "Read and set its arrays by to_arrays and from_arrays on model.module.",
            )
        if type(built) in _LAYOUTS:
            yield name, built, *_LAYOUTS[type(built)]


def to_keras_weights(plan: Plan, network: Network) -> Arrays:
    """All arrays, layer after layer."""
    return [array for _, built, read, _ in _layers(plan, network) for array in read(built)]


def from_keras_weights(plan: Plan, network: Network, weights: Sequence[Any]) -> Network:
    """The network with these arrays; of the one given only the shapes count."""
    network = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), network)
    wanted = [(name, array.shape) for name, built, read, _ in _layers(plan, network) for array in read(built)]
    given = [np.asarray(array, np.float32) for array in weights]
    if len(given) != len(wanted):
        raise InputError(
            f"{len(given)} arrays.",
            f"{len(wanted)} arrays, for the layers {', '.join(dict.fromkeys(n for n, _ in wanted))}.",
            "Use the weights of a model with the same layers.",
        )
    for (name, shape), array in zip(wanted, given, strict=True):
        if array.shape != shape:
            raise InputError(
                f"An array of shape {array.shape} for the layer {name}.",
                f"The shape {shape}.",
                "Use the weights of a model with the same layers and sizes.",
            )
    arrays = iter(given)
    layers = dict(network.layers)
    for name, built, _, write in _layers(plan, network):
        layers[name] = write(built, arrays)
    return eqx.tree_at(lambda n: n.layers, network, layers)
