"""The reservoirs, as the catalogue shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from antiphon.networks._entry import Entry
from antiphon.networks.reservoir._to_vector import EchoStateToVector, LiquidToVector


def _run(kind: Callable[..., Any]) -> Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]:
    def run() -> tuple[Callable[..., Any], tuple[Any, ...]]:
        frames = jax.random.normal(jax.random.key(1), (6, 2))
        network = kind(2, 3, units=8, key=jax.random.key(0))
        return network, (frames, jnp.array([True] * 4 + [False] * 2))

    return run


def _example(kind: str) -> str:
    return (
        f"import jax, jax.numpy as jnp\nfrom antiphon.networks.reservoir import {kind}\n"
        f"network = {kind}(2, 3, units=50, key=jax.random.key(0))\n"
        "result = network(jnp.ones((10, 2)), jnp.ones(10, bool))"
    )


ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="Echo state network",
        kind="reservoir",
        input="Seq[Real[n]]",
        output="Real[m]",
        reference="Jaeger (2001), GMD report 148; leaks: Jaeger et al. (2007), Neural Networks 20",
        example=_example("EchoStateToVector"),
        run=_run(EchoStateToVector),
        masked=True,
        no_hole="its fixed random weights would have to stand in the text of the program",
    ),
    Entry(
        name="Liquid state machine",
        kind="reservoir",
        input="Seq[Real[n]]",
        output="Real[m]",
        reference="Maass, Natschlaeger & Markram (2002), Neural Computation 14",
        example=_example("LiquidToVector"),
        run=_run(LiquidToVector),
        masked=True,
        no_hole="its fixed random weights would have to stand in the text of the program",
    ),
)
