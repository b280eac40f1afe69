"""Claim: on a GPU the candidates a second grow with the batch, up to thousands at once.

One skeleton, `affine(?summary)`, over data of the shape of CalMS21: batches of 1, 4, 16 ... 4096 candidates
are trained on the CPU (one thread) and on the GPU, each in a process of its own; what is measured is the
second training of each batch, without compiling. Without a GPU it says so and measures the CPU only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from _record import arguments, record

from antiphon._engine import configure

SHAPE = (2000, 13, 18)


def main() -> None:
    """Measure and write."""
    options = arguments(__doc__, largest=4096, steps=300, cases=SHAPE[0], seed=0, one="")
    if options.one:
        configure()
        print(json.dumps(measure(options)))
        return
    gpu = on("cuda")
    if gpu is None:
        print("There is no GPU here that JAX can use: only the CPU is measured.", file=sys.stderr)
    cpu = on("cpu")
    figures: dict[str, Any] = {
        "seed": options.seed,
        "steps": options.steps,
        "cases": options.cases,
        "cpu": cpu,
        "gpu": gpu,
    }
    if gpu and cpu:
        rates = {size: gpu["batches"][size]["candidates_per_second"] for size in gpu["batches"]}
        figures["gpu_over_cpu"] = {
            size: rate / cpu["batches"][size]["candidates_per_second"]
            for size, rate in rates.items()
            if size in cpu["batches"]
        }
    record("gpu", figures, options.json)


def on(platform: str) -> dict[str, Any] | None:
    """The figures of one kind of device; `None` where there is none."""
    environment = {**os.environ, "JAX_PLATFORMS": platform}
    probe = [sys.executable, "-c", "import jax; jax.devices()"]
    if subprocess.run(probe, env=environment, capture_output=True).returncode != 0:
        return None
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], "--one", platform],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure(options: Any) -> dict[str, Any]:
    """Candidates a second for each size of a batch, on whatever device this process has."""
    import jax
    import numpy as np

    from antiphon.fitting import Evaluator, Folds, Problem, Schedule
    from antiphon.language import Real, sequence
    from antiphon.search import Grammar, make_strategy

    rng = np.random.default_rng(options.seed)
    values = rng.normal(size=(options.cases, *SHAPE[1:])).astype(np.float32)
    language = sequence.bind({f"f{i}": "" for i in range(SHAPE[2])})
    problem = Problem(
        language, values, np.ones(values.shape[:2], bool),
        (values[:, -4:, 0].mean(1) > 0).astype(np.int32), "classification", 1, "accuracy",
    )  # fmt: skip
    held = np.arange(options.cases) % 5 == np.arange(5)[:, None]
    folds = Folds((~held).astype(np.float32), held.astype(np.float32))
    evaluator = Evaluator(problem, folds, Schedule(steps=options.steps), options.seed)
    grammar = Grammar(language, Real(1), size_limit=12, relaxation="summaries")
    terms = list(make_strategy("enumeration", grammar, penalty=0.001).propose())
    skeleton = evaluator.split(terms[0]).skeleton
    terms = [t for t in terms if evaluator.split(t).skeleton == skeleton]
    batches: dict[str, Any] = {}
    size = 1
    while size <= options.largest:
        batch = [terms[i % len(terms)] for i in range(size)]
        before = evaluator.compile_seconds
        evaluator.fit(batch)
        compiling = evaluator.compile_seconds - before
        begun = time.perf_counter()
        evaluator.fit(batch)
        seconds = time.perf_counter() - begun
        batches[str(size)] = {
            "candidates_per_second": size / seconds,
            "seconds": seconds,
            "compile_seconds": compiling,
        }
        print(f"{jax.devices()[0].device_kind}: {size} at once, {size / seconds:.1f}/s", file=sys.stderr)
        size *= 4
    return {"device": jax.devices()[0].device_kind, "batches": batches}


if __name__ == "__main__":
    main()
