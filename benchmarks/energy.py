"""Do the energy networks hold what their papers say of them? Every figure over seeds.

Run it as `python benchmarks/energy.py --json FILE`; it takes a few minutes. `--only salesman,dense` measures
these alone.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from _record import arguments, record

from antiphon._engine import configure

configure()

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from antiphon.networks.energy import (  # noqa: E402
    BidirectionalMemory,
    DelayedHopfield,
    DenseAssociativeMemory,
    ExponentialHopfield,
    Hopfield,
    HopfieldTank,
    ModernHopfield,
    MultitaskingHopfield,
    ProjectionNetwork,
    critical_delay,
    diluted_patterns,
)

LOADS = {0.10: 0.0008, 0.12: 0.0019, 0.138: 0.0036, 0.16: 0.0062}
PAIRS = {11: 1.0, 16: 0.97, 23: 0.88, 32: 0.49, 48: 0.04}


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random -1 and 1."""
    return rng.integers(0, 2, shape) * 2 - 1.0


def bit_error(seeds: Iterable[int], load: float, units: int = 1000) -> float:
    """Share of bits of stored patterns that one synchronous update changes."""
    found = []
    for seed in seeds:
        patterns = signs(np.random.default_rng(seed), round(load * units), units)
        network = Hopfield.store(patterns)
        found.append(float(_changed(network, jnp.asarray(patterns, dtype=float))))
    return float(np.mean(found))


@jax.jit
def _changed(network: Any, patterns: Any) -> Any:
    return (jax.vmap(network.update)(patterns) != patterns).mean()


@jax.jit
def _rest(network: Any, states: Any) -> Any:
    return jax.vmap(network)(states)


def overlap(seeds: Iterable[int], load: float, units: int = 1000, tried: int = 20) -> dict[str, float]:
    """Mean overlap with the pattern it started from, where the network comes to rest."""
    found = []
    for seed in seeds:
        patterns = signs(np.random.default_rng(seed), round(load * units), units)
        some = jnp.asarray(patterns[:tried], dtype=float)
        found.append(float((_rest(Hopfield.store(patterns), some) * some).mean()))
    return spread(found)


def spread(found: Iterable[float]) -> dict[str, float]:
    """Mean, lowest and highest."""
    numbers = np.asarray(list(found), float)
    return {
        name: float(getattr(numbers, of)())
        for name, of in (("mean", "mean"), ("lowest", "min"), ("highest", "max"))
    }


def pseudo_inverse(seeds: Iterable[int], units: int = 200) -> dict[str, float]:
    """Share of patterns that are fixed points, for loads below 1."""
    found: dict[str, float] = {}
    for load in (0.25, 0.5, 0.75, 0.95):
        shares = []
        for seed in seeds:
            patterns = signs(np.random.default_rng(seed), round(load * units), units)
            network = Hopfield.store(patterns, "pseudo-inverse")
            shares.append(1 - float(_changed(network, jnp.asarray(patterns, dtype=float)) > 0))
        found[str(load)] = float(np.mean(shares))
    return found


def storkey(seeds: Iterable[int], units: int = 200) -> dict[str, dict[str, float]]:
    """Share of wrong bits after one update, by rule and load."""
    found: dict[str, dict[str, float]] = {}
    for rule in ("hebbian", "storkey"):
        found[rule] = {}
        for load in (0.1, 0.2, 0.3):
            wrong = []
            for seed in seeds:
                patterns = signs(np.random.default_rng(seed), round(load * units), units)
                network = Hopfield.store(patterns, rule)
                wrong.append(float(_changed(network, jnp.asarray(patterns, dtype=float))))
            found[rule][str(load)] = float(np.mean(wrong))
    return found


def dense(seeds: Iterable[int], count: int = 200, units: int = 100) -> dict[str, Any]:
    """Wrong bits of all patterns after one update, plain and rectified."""
    found: dict[str, Any] = {}
    for rectified in (False, True):
        wrong = []
        for seed in seeds:
            patterns = signs(np.random.default_rng(seed), count, units)
            network = DenseAssociativeMemory(patterns, 3, rectified=rectified)
            wrong.append(float(_changed(network, jnp.asarray(patterns, dtype=float))) * count * units)
        name = "rectified" if rectified else "plain"
        found[name] = {
            "wrong_bits": spread(wrong),
            "seeds_without_error": float(np.mean(np.array(wrong) < 0.5)),
        }
    return found


def exponential(
    seeds: Iterable[int], count: int = 100_000, units: int = 100, tried: int = 500
) -> dict[str, Any]:
    """Wrong bits of some of very many patterns, after one update from them and from them with 10 % noise."""
    wrong, noisy = 0.0, []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        patterns = signs(rng, count, units)
        network, some = ExponentialHopfield(patterns), jnp.asarray(patterns[:tried], dtype=float)
        step = jax.jit(lambda n, s: jax.lax.map(n.update, s, batch_size=50))
        wrong += float((step(network, some) != some).sum())
        flipped = some * jnp.where(jnp.asarray(rng.random(some.shape)) < 0.1, -1.0, 1.0)
        noisy.append(float((step(network, flipped) != some).mean()))
    return {
        "patterns": count,
        "tried": tried,
        "wrong_bits": wrong,
        "wrong_share_from_noise": float(np.mean(noisy)),
    }


def softmax(
    seeds: Iterable[int], count: int = 10_000, units: int = 64, noise: float = 0.3
) -> dict[str, float]:
    """Cosine of a stored pattern and what one step makes of it with noise."""
    found: list[float] = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        patterns = rng.normal(size=(count, units))
        states = jnp.asarray(patterns[:200] + noise * rng.normal(size=(200, units)), dtype=float)
        some = jnp.asarray(patterns[:200], dtype=float)
        reached = _rest(ModernHopfield(patterns), states)
        lengths = jnp.linalg.norm(reached, axis=1) * jnp.linalg.norm(some, axis=1)
        found += ((reached * some).sum(1) / lengths).tolist()
    return spread(found)


def multitasking(seeds: Iterable[int], dilution: float, units: int = 10_000) -> list[dict[str, float]]:
    """Mattis overlaps of three patterns at rest, from the hierarchy on."""
    found = []
    for seed in seeds:
        first, second = jax.random.split(jax.random.key(seed))
        network = MultitaskingHopfield(diluted_patterns(3, units, dilution, key=first))
        found.append(np.asarray(network.overlaps(network(network.hierarchy(key=second)))))
    return [spread(column) for column in np.array(found).T]


def bidirectional(seeds: Iterable[int], count: int, units: int = 256) -> float:
    """Share of stored pairs that are fixed."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        left, right = (signs(rng, count, units) for _ in range(2))
        memory = BidirectionalMemory.store(left, right)
        found.append(float(_fixed(memory, jnp.asarray(left, dtype=float), jnp.asarray(right, dtype=float))))
    return float(np.mean(found))


@jax.jit
def _fixed(memory: Any, left: Any, right: Any) -> Any:
    same_right = (jax.vmap(memory.forward)(left, right) == right).all(1)
    return (same_right & (jax.vmap(memory.backward)(left, right) == left).all(1)).mean()


def delayed(gain: float = -1.5) -> dict[str, float]:
    """Largest |x| late, over largest |x| early, at shares of the critical delay; where it changes."""
    critical = critical_delay(gain)

    @jax.jit
    def growth(delay: Any) -> Any:
        states, _ = DelayedHopfield([[gain]], delay).trajectory(jnp.array([0.01]), 80)
        size = jnp.abs(states[:, 0])
        part = size.shape[0] // 8
        return size[-part:].max() / size[part : 2 * part].max()

    low, high = 0.8 * critical, 1.2 * critical
    found = {"at_0.8": float(growth(low)), "at_1.2": float(growth(high))}
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (low, middle) if float(growth(middle)) > 1 else (middle, high)
    return {**found, "critical": critical, "measured": (low + high) / 2}


def projection(seeds: Iterable[int], units: int = 12) -> dict[str, Any]:
    """Largest residuals, in double precision."""
    found: dict[str, list[float]] = {"box": [], "complementarity": [], "monotone_game": []}
    with jax.enable_x64(True):

        @partial(jax.jit, static_argnums=1)
        def residual(network: Any, duration: float) -> Any:
            start = jnp.zeros(network.shape)
            return network.residual(network.settle(start, duration, tolerance=1e-8))

        for seed in seeds:
            rng = np.random.default_rng(seed)
            root, skew = rng.normal(size=(units, units)), rng.normal(size=(units, units))
            matrix = root @ root.T / units + np.eye(units) / 2 + (skew - skew.T) / 4
            vector = rng.normal(size=units)
            box = ProjectionNetwork(matrix, vector, lower=-0.5, upper=0.5)
            found["box"].append(float(residual(box, 100.0)))
            free = ProjectionNetwork.complementarity(matrix, vector)
            found["complementarity"].append(float(residual(free, 100.0)))
            game = ProjectionNetwork(skew - skew.T, vector, lower=0.0, upper=1.0, corrected=True)
            found["monotone_game"].append(float(residual(game, 400.0)))
    return {name: max(values) for name, values in found.items()}


def shortest(distances: np.ndarray) -> float:
    """Length of the shortest tour, by Held and Karp's recursion."""
    cities = len(distances)
    best = {(1 << j, j): distances[0, j] for j in range(1, cities)}
    for size in range(2, cities):
        for subset in itertools.combinations(range(1, cities), size):
            bits = sum(1 << j for j in subset)
            for j in subset:
                rest = bits ^ (1 << j)
                best[bits, j] = min(best[rest, k] + distances[k, j] for k in subset if k != j)
    whole = sum(1 << j for j in range(1, cities))
    return min(best[whole, j] + distances[j, 0] for j in range(1, cities))


def salesman(maps: int, starts: int, cities: int = 10) -> dict[str, Any]:
    """Share of valid tours, and how much longer than the shortest these are."""
    found: dict[str, Any] = {}
    keys = jax.random.split(jax.random.key(0), starts)

    @jax.jit
    def solve(network: Any) -> Any:
        def one(key: Any) -> Any:
            order, valid = network.tour(network(key=key))
            return network.length(order), valid

        return jax.lax.map(one, keys)

    for formulation in ("hopfield-tank", "brandt"):
        valids: list[np.ndarray] = []
        gaps: list[float] = []
        random_gaps: list[float] = []
        for seed in range(maps):
            rng = np.random.default_rng(seed)
            places = rng.random((cities, 2))
            distances = np.linalg.norm(places[:, None] - places[None, :], axis=2)
            best = shortest(distances)
            lengths, valid = map(np.asarray, solve(HopfieldTank(distances, formulation)))
            valids.append(valid)
            gaps += (lengths[valid] / best - 1).tolist()
            for _ in range(starts):
                order = rng.permutation(cities)
                random_gaps.append(distances[order, np.roll(order, -1)].sum() / best - 1)
        found[formulation] = {
            "cities": cities,
            "runs": maps * starts,
            "valid": float(np.mean(valids)),
            "gap_mean": float(np.mean(gaps)) if gaps else None,
            "gap_best": min(gaps, default=None),
            "optimal_share": float(np.sum(np.array(gaps) < 1e-4) / (maps * starts)),
            "gap_of_random_tours": float(np.mean(random_gaps)),
        }
    return found


def reservoirs(seeds: Iterable[int]) -> dict[str, Any]:
    """Accuracy on the training part of japanese-vowels, cross-validated in 5 folds."""
    from sklearn.model_selection import StratifiedKFold

    from antiphon.data import load
    from antiphon.estimators import ReservoirClassifier

    train, _ = load("japanese-vowels")
    y, starts = np.asarray(train.y), np.cumsum(train.X.lengths) - train.X.lengths
    cases = [train.X.frames[s : s + n] for s, n in zip(starts, train.X.lengths, strict=True)]
    found: dict[str, list[float]] = {"echo-state": [], "liquid": []}
    for reservoir, accuracies in found.items():
        for seed in seeds:
            right = 0
            for rows, held in StratifiedKFold(5, shuffle=True, random_state=seed).split(cases, y):
                model = ReservoirClassifier(reservoir, random_state=seed)
                said = model.fit([cases[i] for i in rows], y[rows]).predict([cases[i] for i in held])
                right += (said == y[held]).sum()
            accuracies.append(right / len(y))
    return {reservoir: spread(accuracies) for reservoir, accuracies in found.items()}


def main() -> None:
    """Measure and write."""
    options = arguments(__doc__, seeds=20, only="")
    seeds = range(options.seeds)
    plans: dict[str, Callable[[], Any]] = {
        "one_step_bit_error": lambda: {
            str(load): {"measured": bit_error(range(5 * options.seeds), load), "expected": wanted}
            for load, wanted in LOADS.items()
        },
        "overlap": lambda: {str(load): overlap(seeds, load) for load in (0.10, 0.18)},
        "pseudo_inverse_all_fixed": lambda: pseudo_inverse(seeds),
        "storkey_bit_error": lambda: storkey(seeds),
        "dense": lambda: dense(seeds),
        "exponential": lambda: exponential(range(3)),
        "softmax_cosine": lambda: softmax(range(5)),
        "multitasking": lambda: {str(d): multitasking(seeds, d) for d in (0.4, 0.7)},
        "bidirectional": lambda: {
            str(pairs): {"measured": bidirectional(seeds, pairs), "expected": wanted}
            for pairs, wanted in PAIRS.items()
        },
        "delayed": delayed,
        "projection_residual": lambda: projection(seeds),
        "salesman": lambda: salesman(10, options.seeds),
        "reservoirs": lambda: reservoirs(range(3)),
    }
    if options.only:
        plans = {name: plan for name, plan in plans.items() if name in options.only.split(",")}
    figures: dict[str, Any] = {"seeds": options.seeds}
    for name, plan in plans.items():
        begun = time.perf_counter()
        figures[name] = plan()
        print(f"{name}: {time.perf_counter() - begun:.0f} s {figures[name]}", flush=True)
    record("energy", figures, options.json)


if __name__ == "__main__":
    main()
