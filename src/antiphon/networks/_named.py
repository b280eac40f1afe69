"""A network as plain data: its config and a flat dictionary of named arrays, as a model file keeps them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from antiphon.errors import InputError, ModelFileError
from antiphon.networks._checks import check_choice

# Where each is defined, so that only what is built is imported: some of them need heavy packages.
KINDS = {
    "Recurrent": "_recurrent",
    "SequenceToVector": "_maps",
    "SequenceToSequence": "_maps",
    "VectorToVector": "_maps",
    "ConvolutionToVector": "convolution",
    "ConvolutionToSequence": "convolution",
    "SpectrogramToVector": "convolution",
    "CategoricalRNN": "generative",
    "CategoricalWaveNet": "generative",
    "TransformerToVector": "attention",
    "TransformerToSequence": "attention",
    "SpikingToVector": "spiking",
    "EchoStateToVector": "reservoir",
    "LiquidToVector": "reservoir",
    "HMM": "probabilistic",
    "HMMBank": "probabilistic",
    "CRF": "probabilistic",
    "TreeRNN": "trees",
    "TreeLSTM": "trees",
}


def build(config: Mapping[str, Any], *, key: PRNGKeyArray) -> Any:
    """A freshly initialised network from a config.

    Args:
        config: `"kind"` (a class of this package or of one inside it, by name) and the arguments of that
            class, as the `config` of a network gives them; arguments with a default may be left out.
        key: Randomness of the initial weights.

    Example:
        >>> network = build({"kind": "VectorToVector", "in_size": 2, "out_size": 1}, key=jax.random.key(0))
        >>> network.config == build(network.config, key=jax.random.key(1)).config
        True
    """
    settings = dict(config)
    name = check_choice("kind", settings.pop("kind", None), KINDS)
    kind = getattr(importlib.import_module(f"antiphon.networks.{KINDS[name]}"), name)
    try:
        return kind(**settings, key=key)
    except TypeError as error:  # an argument that is unknown or missing: Python's words name it
        raise InputError(
            f"The config {dict(config)} ({error}).",
            f"The arguments of {name}.",
            "Use the config of a network as it is.",
        ) from error


def to_arrays(network: eqx.Module) -> dict[str, np.ndarray]:
    """Every array of a network by its dotted name.

    Args:
        network: A network of this package, or any pytree whose leaves are all arrays.

    Example:
        >>> from antiphon.networks import VectorToVector
        >>> list(to_arrays(VectorToVector(2, 1, key=jax.random.key(0))))
        ['scaling.shift', 'scaling.scale', 'layers.0.weight', 'layers.0.bias',
         'layers.1.weight', 'layers.1.bias']
    """
    return {name: np.asarray(leaf) for name, leaf in named_leaves(network).items()}


def from_arrays(network: eqx.Module | Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
    """A network with these arrays, checked one by one; never executes anything.

    Args:
        network: A network of the right shape, or the config of one.
        arrays: What `to_arrays` gave.

    Returns:
        A network like the given one whose arrays are bit by bit the given ones.

    Example:
        >>> from antiphon.networks import SequenceToVector
        >>> network = SequenceToVector(2, 1, key=jax.random.key(0))
        >>> again = from_arrays(network.config, to_arrays(network))
        >>> bool((again.linear.weight == network.linear.weight).all())
        True
    """
    if isinstance(network, Mapping):
        config = network
        try:
            # Shapes alone: initial weights would cost time and be thrown away.
            network = eqx.filter_eval_shape(lambda: build(config, key=jax.random.key(0)))
        except InputError as error:
            raise ModelFileError(error.got, error.expected, "Save the model again.") from error
    wanted = named_leaves(network)
    _check_names(set(wanted), set(arrays))
    for name, leaf in wanted.items():
        got = arrays[name]
        if got.shape != leaf.shape or got.dtype != leaf.dtype:
            raise ModelFileError(
                f"The array {name} has shape {got.shape} and type {got.dtype}.",
                f"Shape {leaf.shape} and type {leaf.dtype}.",
                "Use the config that was saved with these arrays.",
            )
    leaves = [jnp.array(arrays[name]) for name in wanted]
    return jax.tree.unflatten(jax.tree.structure(network), leaves)


def named_leaves(network: Any) -> dict[str, Any]:
    """Every leaf of a network by its dotted name; of a network that is shapes only, too.

    Example:
        >>> from antiphon.networks import VectorToVector
        >>> len(named_leaves(VectorToVector(2, 1, key=jax.random.key(0))))
        6
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(network)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def _check_names(wanted: set[str], got: set[str]) -> None:
    problems = [
        f"{verb} {', '.join(sorted(names)[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
        for verb, names in (("lack", wanted - got), ("have the unknown", got - wanted))
        if names
    ]
    if problems:
        raise ModelFileError(
            f"The arrays {' and '.join(problems)}.",
            f"The {len(wanted)} arrays of this network.",
            "Use the config that was saved with these arrays.",
        )
