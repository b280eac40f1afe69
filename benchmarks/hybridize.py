"""Training steps of imperative models: eager, hybridised, hand-written `jit`, and PyTorch eager and compiled.

Every model is one Python function of its parameters and its data, written as one would write it for eager
execution, and trained by plain gradient descent. All run on one thread; times are medians of rounds in which
the ways of running take turns. PyTorch runs in another Python (`--peer`), with the same sizes and data.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _record import arguments, record

HERE = Path(__file__).resolve().parent
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
RATE, TREES, LEAVES, WIDTH = 0.01, 12, (6, 25), 128
TIME, BATCH, HIDDEN = 50, 16, 64


@dataclass
class Node:
    """A binary tree with word vectors at its leaves."""

    word: Any = None
    left: Any = None
    right: Any = None
    label: Any = None


def shape_of_trees(seed: int) -> list[Any]:
    """Random binary trees as nested pairs of word numbers; their numbers of leaves differ."""
    import random

    rng = random.Random(seed)

    def grow(leaves: int) -> Any:
        if leaves == 1:
            return rng.randrange(100)
        left = rng.randrange(1, leaves)
        return (grow(left), grow(leaves - left))

    return [grow(rng.randrange(*LEAVES)) for _ in range(TREES)]


def main() -> None:
    """Measure all models, here and in the peer, and write the ratios."""
    options = arguments(__doc__, peer="", seed=0, rounds=5, only="")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ |= THREADS | {"XLA_FLAGS": FLAGS}
    import _hybridize_models as models

    torch = peer(options) if options.peer else {}
    figures: dict[str, Any] = {"seed": options.seed}
    for name, make in models.MODELS.items():
        if options.only and name not in options.only.split(","):
            continue
        figures[name] = measured(make(options.seed), options.rounds) | torch.get(name, {})
        figures[name] |= ratios(figures[name])
        print(name, json.dumps(figures[name]), file=sys.stderr)
    record("hybridize", figures, options.json)


def ratios(found: dict[str, Any]) -> dict[str, float]:
    """What the times say of each other."""
    own, out = found["hybrid_ms"], {}
    for name, key, other in (
        ("hybrid_over_jit", "jit_ms", False),
        ("eager_over_hybrid", "eager_ms", True),
        ("torch_eager_over_hybrid", "torch_eager_ms", True),
        ("torch_compile_over_hybrid", "torch_compile_ms", True),
    ):
        if isinstance(found.get(key), float):
            out[name] = found[key] / own if other else own / found[key]
    return out


def measured(model: Any, rounds: int) -> dict[str, Any]:
    """Median milliseconds of a training step of each way; all ways must agree first."""
    import jax
    import numpy as np

    from antiphon.graph.hybrid import hybridize

    hybrid = hybridize(model.step)
    ways = {"hybrid": hybrid, "jit": model.by_hand, "eager": model.step}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    results = {name: way(*model.data[0]) for name, way in ways.items()}
    for name in ways:
        for a, b in zip(jax.tree.leaves(results[name]), jax.tree.leaves(results["eager"]), strict=True):
            np.testing.assert_allclose(a, b, 2e-3, 1e-4)
    for name in ("hybrid", "jit"):  # Everything is compiled before anything is measured.
        for data in [*model.data, *model.data]:
            ways[name](*data)
    for r in range(rounds):
        for name, way in ways.items():
            if name == "eager" and r >= 2:
                continue
            for data in model.data[:2] if name == "eager" else model.data:
                start = time.perf_counter()
                jax.block_until_ready(way(*data))
                taken[name].append(1000 * (time.perf_counter() - start))
    found = {f"{name}_ms": float(np.median(times)) for name, times in taken.items()}
    # The same data for all ways, in the ratio to eager: steps differ in size.
    found["fell_back"] = [str(row) for row in hybrid.explain() if row.outcome == "fell back"]
    return found | {"compilations": hybrid.compilations, "steps_of_different_size": len(model.data)}


def peer(options: Any) -> dict[str, Any]:
    """The same models in PyTorch."""
    done = subprocess.run(
        [options.peer, str(HERE / "peers" / "torch_hybridize.py")],
        input=json.dumps(
            {"seed": options.seed, "rounds": options.rounds, "trees": shape_of_trees(options.seed)}
        ),
        env={**os.environ, **THREADS},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
