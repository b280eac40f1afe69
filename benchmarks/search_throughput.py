"""Candidates fully fitted per CPU-second, beside neurosym-lib: the same programs, data, epochs, batches.

Both fit programs of one language (`_near_language.py`) on CalMS21 `investigation` (a synthetic set of its
shape where the data are not there): 1,200 training and 300 validation cases, Adam, cross-entropy of one
logit, batches of 64, 14 epochs: 266 steps. Ours is a search: enumeration by size, grouping, compilation,
training, judging; each run is a fresh process with an empty compilation cache, on one core with one thread,
and what it costs is counted from after the imports. neurosym-lib (0.0.80 on PyTorch, option `--peer` names a
Python that has them) fits every n-th of the same programs through its own `ValidationCost`, so that the cost
of its search is left out; beside that, what its own search (A* with neural networks in holes) costs for each
candidate that it trains. Its learning-rate warm-up counts samples as steps and never ends: its scheduler is
set to none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _record import arguments, record

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "shared" / "data" / "calms21"
COUNTS = (30, 100, 150, 300, 1000, 2000)
LENGTHS = (13, 100, 1000)
BATCH, EPOCHS, RATE = 64, 14, 0.02
TRAINED, CASES = 1200, 1500
PEER_SAMPLE = 100


def main() -> None:
    """Run both, and write the ratios."""
    options = arguments(__doc__, peer="", mode="", count=2000, length=13, seed=0, batch=BATCH, epochs=EPOCHS)
    if options.mode == "own":
        print(json.dumps(own(options)))
        return
    runs = {count: fresh(options, count, 13) for count in COUNTS}
    long = {length: fresh(options, 150, length) for length in LENGTHS[1:]}
    figures: dict[str, Any] = {
        "data": "calms21 investigation" if DATA.is_dir() else "synthetic, of the shape of calms21",
        "seed": options.seed,
        "steps": runs[COUNTS[0]]["steps"],
        "batch_size": options.batch,
        "by_count": {count: shown(run) for count, run in runs.items()},
        "by_length": {13: shown(runs[150]), **{length: shown(run) for length, run in long.items()}},
        "cpu_seconds_per_candidate": runs[2000]["cpu_seconds"] / runs[2000]["fitted"],
        "compile_share": runs[2000]["compile_seconds"] / runs[2000]["cpu_seconds"],
    }
    if options.peer:
        for count in (150, 2000):
            peer = neurosym(options, runs[count]["programs"])
            figures[f"neurosym_{count}"] = peer
            each = runs[count]["cpu_seconds"] / runs[count]["fitted"]
            figures[f"ratio_{count}"] = peer["cpu_seconds_per_candidate"] / each
        figures["neurosym_search"] = found = neurosym(options, [], search=PEER_SAMPLE)
        for count in (150, 2000):
            each = runs[count]["cpu_seconds"] / runs[count]["fitted"]
            figures[f"ratio_{count}_to_its_search"] = found["cpu_seconds_per_candidate"] / each
        goal = figures["neurosym_2000"]["best_validation_loss"]
        reached = [cpu for cpu, loss in runs[2000]["best_so_far"] if loss <= goal]
        figures["cpu_seconds_to_the_same_loss"] = {
            "loss": goal,
            "own": reached[0] if reached else None,
            "neurosym": figures["neurosym_2000"]["cpu_seconds_to_best"],
        }
    record("search_throughput", figures, options.json)


def shown(run: dict[str, Any]) -> dict[str, Any]:
    """What of a run is written."""
    kept = ("fitted", "cpu_seconds", "wall_seconds", "compile_seconds", "compiled", "best_validation_loss")
    return {k: run[k] for k in kept} | {"candidates_per_cpu_second": run["fitted"] / run["cpu_seconds"]}


def pinned(environment: dict[str, str]) -> dict[str, str]:
    """An environment in which everything has one thread."""
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return {**os.environ, **dict.fromkeys(threads, "1"), "XLA_FLAGS": flags, **environment}


def fresh(options: Any, count: int, length: int) -> dict[str, Any]:
    """One search of ours in a process of its own, without anything compiled before."""
    with tempfile.TemporaryDirectory() as cache:
        mine = ["--mode", "own", "--count", str(count), "--length", str(length), "--seed", str(options.seed)]
        command = [sys.executable, __file__, *mine, "--batch", str(options.batch)]
        done = subprocess.run(
            [*command, "--epochs", str(options.epochs)],
            env=pinned({"XDG_CACHE_HOME": cache}),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def data(length: int, seed: int) -> tuple[Any, Any]:
    """Standardised frames `(case, time, 18)` and labels `(case,)`; longer ones repeat their frames."""
    import numpy as np

    if DATA.is_dir():
        frames = np.load(DATA / "val_data.npy")[:CASES].astype(np.float32)
        labels = np.load(DATA / "val_investigation_labels.npy")[:CASES].ravel().astype(np.int32)
    else:
        rng = np.random.default_rng(seed)
        frames = rng.standard_normal((CASES, 13, 18), np.float32)
        labels = (frames[:, 4:9, 17].mean(1) * frames[:, 4:9, 4].mean(1) > 0).astype(np.int32)
    low, high = np.percentile(frames.reshape(-1, 18), [0.5, 99.5], axis=0)
    frames = np.clip(frames, low, high)
    frames = (frames - frames.mean((0, 1))) / frames.std((0, 1))
    repeats = -(-length // 13)
    return np.repeat(frames, repeats, axis=1)[:, :length].astype(np.float32), labels


def own(options: Any) -> dict[str, Any]:
    """Search by enumeration, and count what it costs."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import jax
    import numpy as np
    from _near_language import as_s_expression, near_language

    from antiphon.fitting import Evaluator, Folds, Problem, Schedule, compiled_count
    from antiphon.search import Enumeration, Grammar, Scored

    frames, labels = data(options.length, options.seed)
    jax.block_until_ready(jax.numpy.zeros(1))  # The backend starts here, not in the search.
    begun, wall = time.process_time(), time.perf_counter()
    language = near_language(options.length)
    mask = np.ones(frames.shape[:2], bool)
    problem = Problem(language, frames, mask, labels, "classification", 1, "accuracy")
    training = (np.arange(CASES) < TRAINED).astype(np.float32)[None]
    per_epoch = TRAINED // options.batch
    steps = per_epoch * options.epochs
    schedule = Schedule(
        steps=steps,
        batch_size=options.batch,
        learning_rate=RATE,
        neural_rate=RATE,
        evaluations=1,
        keep_best=False,
    )
    evaluator = Evaluator(problem, Folds(training, 1 - training), schedule, options.seed, l2=0.0)
    strategy = Enumeration(Grammar(language, problem.output_type, size_limit=30))
    terms: list[Any] = []
    losses: list[float] = []
    best_so_far: list[tuple[float, float]] = []
    while len(terms) < options.count and (proposed := strategy.propose()):
        proposed = list(proposed)[: options.count - len(terms)]
        fits: dict[int, Any] = {}
        for group in evaluator.group(proposed):
            fits.update(zip(group, evaluator.fit([proposed[i] for i in group]), strict=True))
            best_so_far.append((time.process_time() - begun, min(f.loss for f in fits.values())))
        ordered = [fits[i] for i in range(len(proposed))]
        strategy.observe([Scored(t, f.loss) for t, f in zip(proposed, ordered, strict=True)])
        terms += proposed
        losses += [f.loss for f in ordered]
    return {
        "fitted": len(terms),
        "steps": steps,
        "cpu_seconds": time.process_time() - begun,
        "wall_seconds": time.perf_counter() - wall,
        "compile_seconds": evaluator.compile_seconds,
        "compiled": compiled_count(),
        "best_validation_loss": min(losses),
        "best_so_far": best_so_far,
        "programs": [as_s_expression(t) for t in terms],
    }


def neurosym(options: Any, programs: list[str], *, search: int = 0) -> dict[str, Any]:
    """An even sample of the same programs, or what its own search asks for, fitted by neurosym-lib."""
    import numpy as np

    every = max(1, len(programs) // PEER_SAMPLE)
    frames, labels = data(13, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "data.npz", frames=frames, labels=labels, trained=TRAINED)
        asked = {
            "programs": programs[::every],
            "batch": options.batch,
            "epochs": options.epochs,
            "rate": RATE,
        }
        asked |= {"search": search} if search else {}
        done = subprocess.run(
            [options.peer, str(HERE / "peers" / "neurosym_calms21.py"), str(Path(folder) / "data.npz")],
            input=json.dumps(asked),
            env=pinned({}),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
