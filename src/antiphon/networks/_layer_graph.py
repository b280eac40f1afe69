"""From symbolic tensors to a plan of layers, and from the plan to a network with parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from antiphon.errors import InputError
from antiphon.networks.layers._activations import activate
from antiphon.networks.layers._layer import (
    Layer,
    Mask,
    Shape,
    SymbolicTensor,
    is_fixed,
    run,
    show,
)

Node = tuple[str, tuple[int, ...]]  # a layer by name, and which values it reads


class Network(eqx.Module):
    """Layers with parameters, put together: what a `Sequential` or a `Model` trains.

    Called with one unbatched case and, for sequences, its mask; gives 0 at masked frames. A model of several
    inputs takes tuples of both, one of several outputs gives a tuple. Every leaf is an array.

    Attributes:
        layers: By name.
    """

    layers: dict[str, Any]
    nodes: tuple[Node, ...] = eqx.field(static=True)
    outputs: tuple[int, ...] = eqx.field(static=True)
    heads: tuple[str, ...] = eqx.field(static=True)
    shapes: tuple[tuple[int | None, ...], ...] = eqx.field(static=True)
    single: bool = eqx.field(static=True)

    def __call__(self, inputs: Any, mask: Any = None, *, key: PRNGKeyArray | None = None) -> Any:
        """The answer for one case; with a key, dropout is on."""
        if len(self.shapes) == 1:
            inputs, mask = (inputs,), (mask,)
        elif mask is None:
            mask = (None,) * len(self.shapes)
        found, _ = self.answers(inputs, mask, key)
        return found[0] if self.single else found

    def answers(
        self, inputs: Sequence[Array], masks: Sequence[Mask], key: PRNGKeyArray | None = None
    ) -> tuple[tuple[Array, ...], tuple[Mask, ...]]:
        """Each output, 0 at masked frames, and its mask."""
        scores, masks = self.scores(inputs, masks, key)
        found = []
        for score, there, head in zip(scores, masks, self.heads, strict=True):
            value = activate(head, score)
            found.append(value if there is None else jnp.where(along(there, value), value, 0.0))
        return tuple(found), masks

    def scores(
        self, inputs: Sequence[Array], masks: Sequence[Mask], key: PRNGKeyArray | None = None
    ) -> tuple[tuple[Array, ...], tuple[Mask, ...]]:
        """What stands before the final softmax or sigmoid of each output, and the masks."""
        for value, shape in zip(inputs, self.shapes, strict=True):
            check_input(value.shape, shape)
        values, there = list(inputs), list(masks)
        for index, (name, reads) in enumerate(self.nodes):
            own = None if key is None else jax.random.fold_in(key, index)
            value, mask = run(self.layers[name], [values[i] for i in reads], [there[i] for i in reads], own)
            values.append(value)
            there.append(mask)
        return tuple(values[i] for i in self.outputs), tuple(there[i] for i in self.outputs)


def along(mask: Array, value: Array) -> Array:
    """The mask with axes of length 1 behind, so that it goes with a value."""
    return mask.reshape(-1, *[1] * (value.ndim - 1))


def check_input(got: Shape, wanted: tuple[int | None, ...]) -> None:
    """Refuse a case of another shape than the model was built for."""
    if len(got) != len(wanted) or any(w is not None and g != w for g, w in zip(got, wanted, strict=True)):
        free = tuple("any" if size is None else size for size in wanted)
        raise InputError(
            f"A case of shape {show(got)}.",
            f"The shape {show(free)} that the model was built for.",
            "Give data with the same features, or make a new model.",
        )


@dataclass(frozen=True, eq=False)
class Plan:
    """Which layer reads what.

    Attributes:
        inputs: The inputs of the model.
        tensors: What its layers give, in an order in which they can run.
        outputs: Those of them that the model gives.
        names: Of each layer, by its identity.
    """

    inputs: tuple[SymbolicTensor, ...]
    tensors: tuple[SymbolicTensor, ...]
    outputs: tuple[SymbolicTensor, ...]
    names: dict[int, str]

    def layer_name(self, tensor: SymbolicTensor) -> str:
        """The name of the layer that gives a tensor."""
        return self.names[id(tensor.layer)]

    def build(self, key: PRNGKeyArray, *, single: bool) -> Network:
        """The network, with initial parameters.

        Raises:
            InputError: If a layer that is used twice is given two shapes that do not go together.
        """
        places = {id(tensor): index for index, tensor in enumerate((*self.inputs, *self.tensors))}
        uses = Counter(id(tensor.layer) for tensor in self.tensors)
        read = Counter(id(one) for tensor in self.tensors for one in tensor.inputs)
        heads: dict[int, tuple[Layer, str]] = {}
        for tensor in self.outputs:
            if tensor.layer is not None and uses[id(tensor.layer)] == 1 and not read[id(tensor)]:
                heads[id(tensor.layer)] = tensor.layer.split_head()
        made: dict[str, Any] = {}
        for tensor, own in zip(self.tensors, jax.random.split(key, len(self.tensors)), strict=True):
            name = self.layer_name(tensor)
            if name not in made:
                layer = heads[id(tensor.layer)][0] if id(tensor.layer) in heads else tensor.layer
                assert layer is not None
                made[name] = layer.build(*(one.struct for one in tensor.inputs), key=own)
        network = Network(
            made,
            tuple((self.layer_name(t), tuple(places[id(one)] for one in t.inputs)) for t in self.tensors),
            tuple(places[id(tensor)] for tensor in self.outputs),
            tuple(heads.get(id(tensor.layer), (None, "linear"))[1] for tensor in self.outputs),
            tuple(tuple(n if is_fixed(n) else None for n in tensor.shape) for tensor in self.inputs),
            single,
        )
        # A layer used twice was called on each input alone: all together is checked here.
        eqx.filter_eval_shape(
            lambda: network.scores(
                [jnp.zeros(tensor.shape, tensor.dtype) for tensor in self.inputs],
                [None] * len(self.inputs),
                None,
            )
        )
        return network


def make_plan(inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> Plan:
    """Find the layers between inputs and outputs, and name them.

    Raises:
        InputError: If an output needs another input, an input is not used, no layer stands between, or two
            layers have one name.
    """
    done: dict[int, SymbolicTensor] = {id(tensor): tensor for tensor in inputs}
    ordered: list[SymbolicTensor] = []
    used: set[int] = set()

    def visit(tensor: SymbolicTensor) -> None:
        used.add(id(tensor))
        if id(tensor) in done:
            return
        if tensor.layer is None:
            raise InputError(
                f"An output that needs another input of shape {show(tensor.shape)}.",
                "Every input that an output needs.",
                "Add it to the inputs: Model([first, second], output).",
            )
        for one in tensor.inputs:
            visit(one)
        done[id(tensor)] = tensor
        ordered.append(tensor)

    for tensor in outputs:
        visit(tensor)
    if not ordered or any(id(tensor) not in used for tensor in inputs):
        raise InputError(
            "An input that no output needs." if ordered else "A model without layers.",
            "Layers between the inputs and the outputs.",
            "Give as outputs what the last layers gave.",
        )
    return Plan(tuple(inputs), tuple(ordered), tuple(outputs), _names(ordered))


def _names(tensors: Sequence[SymbolicTensor]) -> dict[int, str]:
    """The layers' own names, or their kind and a number: `lstm`, `lstm_1`."""
    layers = list({id(t.layer): t.layer for t in tensors if t.layer is not None}.values())
    given = [layer.name for layer in layers if layer.name is not None]
    if twice := [name for name, count in Counter(given).items() if count > 1]:
        raise InputError(
            f"Two layers of the name {twice[0]!r}.", "A name of its own for each.", "Rename one, or leave it."
        )
    names: dict[int, str] = {}
    numbers: Counter[str] = Counter()
    for layer in layers:
        name = layer.name
        while name is None or (layer.name is None and name in given):
            kind = _snake(layer.kind)
            name = f"{kind}_{numbers[kind]}" if numbers[kind] else kind
            numbers[kind] += 1
        names[id(layer)] = name
    return names


def _snake(kind: str) -> str:
    """`MaxPooling1D` as `max_pooling1d`, `LSTM` as `lstm`."""
    if kind.isupper():
        return kind.lower()
    kind = kind.replace("RNN", "Rnn").replace("1D", "1d").replace("2D", "2d")
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(kind))
