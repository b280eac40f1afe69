"""Training steps of imperative models: eager, hybridised, hand-written `jit`, and PyTorch eager and compiled.

Every model is one Python function of its parameters and its data, written as one would write it for eager
execution, and trained by plain gradient descent. All run on one thread of one core. A time is the median of
the rounds for each step, in which the ways of running take turns, summed over the steps and divided by their
number. PyTorch runs in another Python (`--peer`), with the same parameters and data; the losses are compared.
`--clock cpu` takes the time of the processor instead of the wall clock, for a machine that does other work.

`python benchmarks/hybridize.py --peer PYTHON --json benchmarks/results/hybridize.json`
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
EAGER_ROUNDS = 3  # at most: such a step takes up to half a second


def main() -> None:
    """Measure all models, here and in the peer, and write the ratios."""
    from _record import arguments, record

    options = arguments(__doc__ or "", peer="", seed=0, rounds=20, cap=40, only="", clock="wall")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ |= THREADS | {"XLA_FLAGS": FLAGS}
    import _hybridize_models as flat
    import _hybridize_trees as trees

    makers = {
        name: make
        for name, make in (flat.MODELS | trees.MODELS).items()
        if not options.only or name in options.only.split(",")
    }
    torch = peer(options, list(makers)) if options.peer else {}
    figures: dict[str, Any] = {"seed": options.seed, "rounds": options.rounds, "clock": options.clock}
    for name, make in makers.items():
        figures[name] = measured(make(options.seed), options, torch.get(name, {}))
        print(name, json.dumps(figures[name]), file=sys.stderr)
    if "lstm" in makers:
        figures["five_lengths"] = five_lengths(options.seed)
    record("hybridize", figures, options.json)


def ratios(found: dict[str, Any]) -> dict[str, float]:
    """What the times say of each other."""
    own, out = found["hybrid_ms"], {"hybrid_over_jit": found["hybrid_ms"] / found["jit_ms"]}
    for name in ("eager", "torch_eager", "torch_compile"):
        if isinstance(found.get(f"{name}_ms"), float):
            out[f"{name}_over_hybrid"] = found[f"{name}_ms"] / own
    if isinstance(found.get("torch_nn_lstm_ms"), float):
        out["hybrid_over_nn_lstm"] = own / found["torch_nn_lstm_ms"]
    return out


def agree(a: Any, b: Any) -> None:
    """Two results of a training step, up to the rounding of float32."""
    import jax
    import numpy as np

    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, 2e-3, 1e-4)


def measured(model: Any, options: Any, torch: dict[str, Any]) -> dict[str, Any]:
    """Milliseconds of a training step of each way; all ways must agree first."""
    import jax
    import numpy as np

    from antiphon.graph.hybrid import hybridize

    clock = CLOCKS[options.clock]
    hybrid = hybridize(model.step)
    ways = {"hybrid": hybrid, "jit": model.by_hand, "eager": model.step}
    taken: dict[str, list[list[float]]] = {name: [] for name in ways}
    for i, call in enumerate(model.calls):  # Everything is compiled before anything is measured.
        results = {name: way(*call) for name, way in ways.items()}
        agree(results["hybrid"], results["eager"])
        agree(results["jit"], results["eager"])
        if "losses" in torch:
            agree(results["eager"][0], np.float32(torch["losses"][i]))
        print(f"  call {i + 1} of {len(model.calls)} is ready", file=sys.stderr)
    once = hybrid.compilations
    for r in range(options.rounds):
        for name, way in ways.items():
            if name == "eager" and r >= EAGER_ROUNDS:
                continue
            taken[name].append([])
            for call in model.calls:
                start = clock()
                jax.block_until_ready(way(*call))
                taken[name][-1].append(1000 * (clock() - start))
    found = {f"{name}_ms": float(np.mean(np.median(times, axis=0))) for name, times in taken.items()}
    found |= {k: v for k, v in torch.items() if k != "losses"}
    found |= ratios(found)
    found |= {"compilations": hybrid.compilations, "steps_of_different_data": len(model.calls)}
    assert hybrid.compilations == once, "nothing is compiled while the time is taken"
    return found | {"fell_back": [str(row) for row in hybrid.explain() if row.outcome == "fell back"]}


def five_lengths(seed: int) -> dict[str, Any]:
    """How many graphs five lengths of the input take."""
    import _hybridize_data as data
    import _hybridize_models as flat

    from antiphon.graph.hybrid import hybridize

    model = flat.lstm(seed)
    hybrid = hybridize(model.step)
    for length in data.LENGTHS:
        (call,) = flat.calls(data.lstm(seed, length))
        agree(hybrid(*call), model.by_hand(*call))
    return {"lengths": list(data.LENGTHS), "compilations": hybrid.compilations}


def peer(options: Any, names: list[str]) -> dict[str, Any]:
    """The same models in PyTorch."""
    asked = {"seed": options.seed, "rounds": options.rounds, "cap": options.cap, "names": names}
    asked["clock"] = options.clock
    done = subprocess.run(
        [options.peer, str(HERE / "peers" / "torch_hybridize.py")],
        input=json.dumps(asked),
        env={**os.environ, **THREADS, "PYTHONPATH": str(HERE)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
