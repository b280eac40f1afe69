"""Claim: recurrent layers train faster than those of PyTorch and Keras, on one thread of a CPU.

Forward and backward of one layer: outputs at every frame, and the gradients of all weights for a given
gradient of the outputs. Batch 64, 100 steps, 40 inputs, 128 units. Our layers read masks, as they always do.
All run on one thread of one core, each side in a process of its own, and take turns round by round; times are
medians over all rounds. PyTorch runs with the batch first and with time first, and the faster counts; so does
the faster backend of Keras.

`plain` is the same cell in a plain `jax.lax.scan`, as JAX differentiates it. The ragged set has lengths 6 to
92: an epoch in the batches that `Model.fit` makes, padded to few lengths, against padding all to the longest.

On a machine that others use too, `--clock cpu` counts the time of the process in place of the wall's.

`--peer PYTHON` names a Python with PyTorch (and Keras, to try its PyTorch backend, which is slow:
`--torch_keras 1`); Keras with JAX is taken from the Python that runs this, if it is there.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from _peer import Peer, pin
from _record import arguments, record

SIZES = {"batch": 64, "time": 100, "inputs": 40, "units": 128}
CELLS = {  # cell, both directions, layers
    "lstm": ("lstm", False, 1),
    "gru": ("gru", False, 1),
    "bilstm": ("lstm", True, 1),
    "rnn": ("rnn", False, 1),
    "lstm2": ("lstm", False, 2),
    "mingru": ("mingru", False, 1),
    "minlstm": ("minlstm", False, 1),
}
OURS_ALONE = ("mingru", "minlstm")  # neither PyTorch nor Keras has these
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
SHORTEST, LONGEST, RAGGED = 6, 92, 1024


def main() -> None:
    """Measure, and write the ratios."""
    options = arguments(__doc__, peer="", torch_keras=0, seed=0, rounds=7, times=5, only="", clock="wall")
    pin()
    settings = {**SIZES, "seed": options.seed, "clock": options.clock}
    sides: dict[str, Peer] = {}
    if options.peer:
        sides["torch"] = Peer(options.peer, "torch_recurrent.py", settings, {})
        if options.torch_keras:
            environment = {"KERAS_BACKEND": "torch"}
            sides["keras_torch"] = Peer(options.peer, "keras_recurrent.py", settings, environment)
    if importlib.util.find_spec("keras"):
        sides["keras_jax"] = Peer(sys.executable, "keras_recurrent.py", settings, {"KERAS_BACKEND": "jax"})
    figures: dict[str, Any] = {"seed": options.seed, "clock": options.clock, **SIZES}
    figures |= {name: side.about for name, side in sides.items()}
    for name in CELLS:
        if not options.only or name in options.only.split(","):
            figures[name] = compared(name, sides, options)
            print(name, json.dumps(figures[name]), file=sys.stderr)
    for side in sides.values():
        side.close()
    figures |= headline(figures)
    if not options.only or "ragged" in options.only.split(","):
        figures["ragged"] = ragged(options)
    record("recurrent", figures, options.json)


def headline(figures: dict[str, Any]) -> dict[str, float]:
    """Our time over theirs, for each kind of layer."""
    found = {}
    for name in CELLS:
        for other in ("torch", "keras", "plain"):
            if other in figures.get(name, {}):
                found[f"{name}_over_{other}"] = figures[name]["antiphon"] / figures[name][other]
    return found


def compared(name: str, sides: dict[str, Peer], options: Any) -> dict[str, float]:
    """Median milliseconds of each way; of the several ways of one side, the fastest."""
    ours = {"antiphon": step_of(network_run(name, options.seed), options.seed)}
    if CELLS[name][1:] == (False, 1) and name not in OURS_ALONE:
        ours["plain"] = step_of(plain_run(name, options.seed), options.seed)
    for run in ours.values():
        run()
    if name in OURS_ALONE:
        sides = {}
    taken: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for way, run in ours.items():
            run()
            taken.setdefault(way, []).extend(timed(run, options.clock) for _ in range(options.times))
        for side, peer in sides.items():
            for layout, times in peer.ask({"model": name, "times": options.times}).items():
                taken.setdefault(f"{side} {layout}", []).extend(times)
    medians = {way: float(np.median(times)) for way, times in taken.items()}
    for side in ("torch", "keras"):
        rivals = [medians[way] for way in medians if way.startswith((f"{side} ", f"{side}_"))]
        if rivals:
            medians[side] = min(rivals)
    return medians


def timed(run: Callable[[], Any], clock: str) -> float:
    """Milliseconds of one call."""
    now = CLOCKS[clock]
    start = now()
    run()
    return 1000 * (now() - start)


def network_run(name: str, seed: int) -> tuple[Any, Callable[..., Any]]:
    """Our network, and how it reads one sequence."""
    import jax

    from antiphon.networks import Recurrent

    cell, both, layers = CELLS[name]
    key = jax.random.key(seed)
    network = Recurrent(cell, SIZES["inputs"], SIZES["units"], layers=layers, bidirectional=both, key=key)
    return network, lambda network, frames, mask: network(frames, mask)


def plain_run(name: str, seed: int) -> tuple[Any, Callable[..., Any]]:
    """The same cell, scanned over the frames as one would write it in JAX."""
    import jax
    import jax.numpy as jnp

    from antiphon.networks import make_cell

    made = make_cell(CELLS[name][0], SIZES["inputs"], SIZES["units"], key=jax.random.key(seed))
    zero = jnp.zeros(SIZES["units"])

    def run(cell: Any, frames: Any, mask: Any) -> Any:
        def advance(state: Any, now: Any) -> Any:
            frame, real = now
            following = cell(frame, state)
            state = jax.tree.map(lambda new, old: jnp.where(real, new, old), following, state)
            return state, state[0] if name == "lstm" else state

        return jax.lax.scan(advance, (zero, zero) if name == "lstm" else zero, (frames, mask))[1]

    return made, run


def step_of(found: tuple[Any, Callable[..., Any]], seed: int) -> Callable[[], Any]:
    """Outputs and gradients of the weights for a whole batch, compiled, on random data."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    network, read = found
    rng = np.random.default_rng(seed)
    shape = SIZES["batch"], SIZES["time"]
    frames = jnp.asarray(rng.normal(size=(*shape, SIZES["inputs"])).astype(np.float32))
    mask = jnp.ones(shape, bool)
    weights, rest = eqx.partition(network, eqx.is_inexact_array)

    @jax.jit
    def step(weights: Any, frames: Any, mask: Any, slope: Any) -> Any:
        def forward(weights: Any) -> Any:
            whole = eqx.combine(weights, rest)
            return jax.vmap(lambda f, m: read(whole, f, m))(frames, mask)

        outputs, back = jax.vjp(forward, weights)
        return outputs, back(slope)

    width = jax.eval_shape(lambda: read(network, frames[0], mask[0])).shape[-1]
    slope = jnp.asarray(rng.normal(size=(*shape, width)).astype(np.float32))
    return lambda: jax.block_until_ready(step(weights, frames, mask, slope))


def ragged(options: Any) -> dict[str, Any]:
    """Seconds of an epoch over sequences of different lengths, in buckets and padded to the longest."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from antiphon.networks import Recurrent
    from antiphon.networks._cases import Cases, Column

    rng = np.random.default_rng(options.seed)
    lengths = rng.integers(SHORTEST, LONGEST + 1, size=RAGGED)
    column = Column([rng.normal(size=(n, SIZES["inputs"])).astype(np.float32) for n in lengths], True)
    cases = Cases((column,))
    batch = SIZES["batch"]
    network = Recurrent("lstm", SIZES["inputs"], SIZES["units"], key=jax.random.key(options.seed))

    @jax.jit
    def step(network: Any, frames: Any, mask: Any) -> Any:
        def loss(network: Any) -> Any:
            return jnp.sum(jax.vmap(network.read_out)(frames, mask))

        return eqx.filter_grad(loss)(network)

    groups = {
        "bucketed": [(rows, time) for rows, time in cases.batches(batch, np.random.default_rng(0))],
        "longest": [(rows, LONGEST) for rows in rng.permutation(RAGGED).reshape(-1, batch)],
    }
    padded = {}
    for way, batches in groups.items():
        found = [column.collate(rows, frames, batch) for rows, frames in batches]
        padded[way] = [(jnp.asarray(frames), jnp.asarray(mask)) for frames, mask in found]
    taken: dict[str, list[float]] = {way: [] for way in padded}
    for round_ in range(options.rounds + 1):
        for way, batches in padded.items():
            took = timed(
                lambda batches=batches: jax.block_until_ready([step(network, *b) for b in batches]),
                options.clock,
            )
            if round_:  # the first compiles
                taken[way].append(took / 1000)
    seconds = {way: float(np.median(times)) for way, times in taken.items()}
    return {
        "cases": RAGGED,
        "lengths": [SHORTEST, LONGEST],
        "padded_to": sorted({time for _, time in groups["bucketed"]}),
        **{f"{way}_seconds": value for way, value in seconds.items()},
        "bucketed_over_longest": seconds["bucketed"] / seconds["longest"],
    }


if __name__ == "__main__":
    main()
