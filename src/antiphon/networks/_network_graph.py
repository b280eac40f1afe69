"""A trained layer model as a symbolic graph."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from antiphon.errors import InputError
from antiphon.graph import trace
from antiphon.networks._checks import check_count, check_flag
from antiphon.networks._layer_graph import Network, Plan


class _Batched(eqx.Module):
    network: Network

    def __call__(self, inputs: Any, mask: Any = None) -> Any:
        return jax.vmap(lambda one, there: self.network(one, there))(inputs, mask)


def network_graph(
    plan: Plan, network: Network, *, time: int | str, batch: int | str | None, masked: bool
) -> Any:
    """The graph of a network over arrays of any, or of a given, number of frames and cases."""
    free = [shape[0] is None for shape in network.shapes]
    if check_flag("masked", masked) and not any(free):
        raise InputError(
            "masked=True for a model whose inputs all have a fixed shape.",
            "Sequences of any number of frames.",
            "Leave masked out.",
        )
    sizes = {"time": _size("time", time), "batch": None if batch is None else _size("batch", batch)}
    named = [size for size in sizes.values() if isinstance(size, str)]
    if len(set(named)) < len(named):
        raise InputError(f"time and batch both as {time!r}.", "Two names.", "Rename one.")
    symbols = dict(zip(named, jax.export.symbolic_shape(", ".join(named)), strict=True)) if named else {}
    frames = symbols.get(str(sizes["time"]), sizes["time"])
    cases = () if batch is None else (symbols.get(str(sizes["batch"]), sizes["batch"]),)
    inputs, masks = [], []
    for shape, is_free, tensor in zip(network.shapes, free, plan.inputs, strict=True):
        own = tuple(frames if size is None else size for size in shape)
        inputs.append(jax.ShapeDtypeStruct((*cases, *own), tensor.dtype))
        there = jax.ShapeDtypeStruct((*cases, own[0]), jnp.bool_) if masked and is_free else None
        masks.append(there)
    module: Any = network if batch is None else _Batched(network)
    arguments = (inputs[0], masks[0]) if len(inputs) == 1 else (tuple(inputs), tuple(masks))
    return trace(module, *(arguments if masked else arguments[:1]), name="network")


def _size(name: str, value: Any) -> int | str:
    if not isinstance(value, str):
        return check_count(name, value)
    if not value.isidentifier():
        raise InputError(f"{name}={value!r}.", "A number or a name.", "Write for example T.")
    return value
