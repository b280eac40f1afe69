"""A graph as StableHLO, the portable form that XLA, IREE and TensorFlow read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from antiphon.errors import ExportError
from antiphon.graph._graph import Graph
from antiphon.graph._jax import bind_all

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")


@dataclass(frozen=True)
class StableHLO:
    """A graph in StableHLO.

    Attributes:
        text: The module as MLIR text, for people and compilers.
        serialized: The same with the types of inputs and outputs, which `jax.export.deserialize` reads; kept
            readable by later versions of JAX for six months at least.
        platforms: What it runs on.
    """

    text: str
    serialized: bytes
    platforms: tuple[str, ...]


def to_stablehlo(graph: Graph, *, platforms: Sequence[str] = ("cpu", "cuda")) -> StableHLO:
    """A graph as StableHLO through `jax.export`; sizes that have names stay open.

    The function in it takes the graph's arrays in order and gives a tuple.

    Args:
        graph: What `antiphon.graph.trace` gives.
        platforms: What it shall run on: `"cpu"`, `"cuda"`, `"rocm"`, `"tpu"`.

    Raises:
        ExportError: If a platform is unknown, or JAX cannot export it.

    Example:
        >>> import jax.numpy as jnp
        >>> from antiphon.graph import trace
        >>> (T,) = jax.export.symbolic_shape("T")
        >>> found = to_stablehlo(trace(lambda x: 2 * x.sum(0), jax.ShapeDtypeStruct((T, 3), jnp.float32)))
        >>> run = jax.export.deserialize(bytearray(found.serialized)).call
        >>> run(jnp.ones((5, 3)))[0].tolist()
        [10.0, 10.0, 10.0]
    """
    unknown = [p for p in platforms if p not in PLATFORMS]
    if unknown or not platforms:
        raise ExportError(
            f"The platforms {list(platforms)}.", f"Some of {', '.join(PLATFORMS)}.", "Correct the names."
        )
    examples = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in graph.inputs]

    def run(*leaves: Any) -> tuple[Any, ...]:
        return tuple(bind_all(graph, leaves))

    run.__name__ = graph.name or "graph"
    try:
        exported = jax.export.export(jax.jit(run), platforms=list(platforms))(*examples)
        serialized = bytes(exported.serialize())
    except (ValueError, NotImplementedError) as error:
        raise ExportError(
            f"JAX does not export {graph.name or 'the graph'}: {error}",
            "Operations that need no Python when they run.",
            "Take callbacks and printing out of the function.",
        ) from error
    return StableHLO(exported.mlir_module(), serialized, tuple(exported.platforms))
