"""Symbolic regression: the formulas of Nguyen (Uy et al. 2011), formulas of physics, and both with noise.

Ranges and numbers of points are those of Petersen et al. (Deep symbolic regression, 2021, table 5), which for
the formulas of two variables are the harder ones (20 points, not 100). A formula of the first table counts as
recovered if SymPy simplifies its difference to the target to 0. Those with constants count if they agree to a
relative 1e-5 on points from a range half as wide again, where an approximation would fail. What takes longer
than ten minutes counts as not recovered.

Run: `python benchmarks/nguyen.py --json figures.json --seeds 5 --jobs 2`. Stopped, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _record import write

SECONDS = 600


@dataclass(frozen=True)
class Formula:
    """A target: its text for SymPy, and the range of each variable."""

    name: str
    text: str
    ranges: dict[str, tuple[float, float]]
    points: int = 20
    table: str = "nguyen"
    noise: float = 0.0


def _one(low: float, high: float) -> dict[str, tuple[float, float]]:
    return {"x": (low, high)}


_BOTH = {"x": (0.0, 1.0), "y": (0.0, 1.0)}
NGUYEN = [
    Formula("nguyen-1", "x**3 + x**2 + x", _one(-1, 1)),
    Formula("nguyen-2", "x**4 + x**3 + x**2 + x", _one(-1, 1)),
    Formula("nguyen-3", "x**5 + x**4 + x**3 + x**2 + x", _one(-1, 1)),
    Formula("nguyen-4", "x**6 + x**5 + x**4 + x**3 + x**2 + x", _one(-1, 1)),
    Formula("nguyen-5", "sin(x**2)*cos(x) - 1", _one(-1, 1)),
    Formula("nguyen-6", "sin(x) + sin(x + x**2)", _one(-1, 1)),
    Formula("nguyen-7", "log(x + 1) + log(x**2 + 1)", _one(0, 2)),
    Formula("nguyen-8", "sqrt(x)", _one(0, 4)),
    Formula("nguyen-9", "sin(x) + sin(y**2)", _BOTH),
    Formula("nguyen-10", "2*sin(x)*cos(y)", _BOTH),
    Formula("nguyen-11", "x**y", _BOTH),
    Formula("nguyen-12", "x**4 - x**3 + y**2/2 - y", _BOTH),
]
PHYSICS = [
    Formula("kinetic energy", "0.5*m*v**2", {"m": (1, 5), "v": (1, 5)}),
    Formula(
        "gravitation",
        "6.674e-11*m1*m2/r**2",
        {"m1": (1, 5), "m2": (1, 5), "r": (1, 5)},
    ),
    Formula(
        "normal density (I.6.2)",
        "exp(-theta**2/(2*sigma**2))/(sqrt(2*pi)*sigma)",
        {"theta": (1, 3), "sigma": (1, 3)},
    ),
    Formula(
        "relativistic mass (I.10.7)",
        "m/sqrt(1 - v**2/c**2)",
        {"m": (1, 5), "v": (1, 2), "c": (3, 10)},
    ),
    Formula(
        "distance (I.8.14)",
        "sqrt((x2 - x1)**2 + (y2 - y1)**2)",
        {"x1": (1, 5), "x2": (1, 5), "y1": (1, 5), "y2": (1, 5)},
    ),
    Formula(
        "Coulomb (I.12.2)",
        "q1*q2/(4*pi*epsilon*r**2)",
        {"q1": (1, 5), "q2": (1, 5), "epsilon": (1, 5), "r": (1, 5)},
    ),
    Formula("decay", "2.5*exp(-1.3*t) + 0.4", {"t": (0, 4)}),
    Formula("oscillation", "3*sin(2.5*t + 0.7)", {"t": (0, 6)}),
    Formula("saturation", "2.1*s/(s + 0.37)", {"s": (0.05, 3)}),
    Formula("power law", "1.7*x**2.4", {"x": (0.5, 3)}),
    Formula("damped oscillation", "2*exp(-0.3*t)*cos(4*t)", {"t": (0, 6)}),
]
PHYSICS = [Formula(f.name, f.text, f.ranges, 100, "physics") for f in PHYSICS]
NOISY = [
    Formula(f.name, f.text, f.ranges, max(f.points, 100), f"{f.table}, 1 % noise", 0.01)
    for f in [*NGUYEN, *PHYSICS]
]


def _function(formula: Formula) -> tuple[Callable[..., Any], Any]:
    import sympy

    positive = all(low >= 0 for low, _ in formula.ranges.values())
    symbols = {n: sympy.Symbol(n, real=True, positive=positive or None) for n in formula.ranges}
    target = sympy.sympify(formula.text, locals=symbols)
    return sympy.lambdify(list(symbols.values()), target, "numpy"), (target, symbols)


def _points(formula: Formula, count: int, rng: np.random.Generator, *, wider: float = 0.0) -> np.ndarray:
    columns = []
    for low, high in formula.ranges.values():
        more = wider * (high - low)
        # Where a range begins at 0 or above it stays so: roots and logarithms are not defined below.
        columns.append(rng.uniform(max(low - more, low / 2) if low >= 0 else low - more, high + more, count))
    return np.stack(columns, axis=1)


def run(formula: Formula, seed: int) -> dict[str, Any]:
    """Search for one formula."""
    from antiphon._engine import configure

    configure()
    import pandas as pd
    import sympy

    from antiphon import ProgramRegressor
    from antiphon.language import show

    function, (target, symbols) = _function(formula)
    rng = np.random.default_rng([seed, *formula.name.encode()])
    inputs = _points(formula, formula.points, rng)
    y = function(*inputs.T)
    y = y + formula.noise * y.std() * rng.normal(size=len(y))
    begun = time.perf_counter()
    model = ProgramRegressor(language="arithmetic", random_state=seed, seconds=SECONDS)
    model.fit(pd.DataFrame(inputs, columns=list(formula.ranges)), y)
    seconds = time.perf_counter() - begun
    found = model.program_.to_sympy()
    found = found.subs({s: symbols[s.name] for s in found.free_symbols})
    exact = _is_zero(sympy.nsimplify(found - target, rational=True))
    fresh = _points(formula, 1000, np.random.default_rng(1), wider=0.25)
    truth = function(*fresh.T)
    with np.errstate(all="ignore"):
        said = np.broadcast_to(sympy.lambdify(list(symbols.values()), found, "numpy")(*fresh.T), truth.shape)
        sound = np.isfinite(truth)
        far = np.sqrt(np.mean((said - truth)[sound] ** 2) / np.var(truth[sound]))
    return {
        "name": formula.name,
        "table": formula.table,
        "seed": seed,
        "seconds": round(seconds, 1),
        "candidates": model.search_.candidates,
        "recovered": bool((exact or (formula.table != "nguyen" and far < 1e-5)) and seconds <= SECONDS),
        "exact": bool(exact),
        "extrapolation_error": float(far),
        "size": model.program_.size,
        "found": show(model.program_, "math"),
    }


def _is_zero(difference: Any) -> bool:
    import sympy

    for simplify in (sympy.expand, sympy.simplify, lambda e: sympy.simplify(sympy.expand_log(e, force=True))):
        if simplify(difference) == 0:
            return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write here after each run; what is there is not repeated")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--table", choices=("nguyen", "physics", "noise", "all"), default="all")
    parser.add_argument("--only", help="the name of one formula")
    arguments = parser.parse_args()
    tables = {"nguyen": NGUYEN, "physics": PHYSICS, "noise": NOISY, "all": [*NGUYEN, *PHYSICS, *NOISY]}
    rows: list[dict[str, Any]] = []
    if arguments.json is not None and arguments.json.exists():
        rows = json.loads(arguments.json.read_text(encoding="utf-8"))["figures"]["runs"]
    done = {(row["table"], row["name"], row["seed"]) for row in rows}
    tasks = [
        (formula, seed)
        for seed in range(arguments.seeds)
        for formula in tables[arguments.table]
        if arguments.only in (None, formula.name) and (formula.table, formula.name, seed) not in done
    ]
    for row in _in_order(tasks, arguments.jobs):
        rows.append(row)
        mark = "recovered" if row["recovered"] else f"error {row['extrapolation_error']:.1e}"
        head = f"{row['table']:<22} {row['name']:<28} {row['seed']}  {row['seconds']:6.1f} s"
        print(f"{head}  {mark:<16} {row['found']}", flush=True)
        if arguments.json is not None:
            write("nguyen", _figures(rows), arguments.json)
    for table, names in _figures(rows)["summary"].items():
        every = sum(n["recovered"] == n["of"] for n in names.values())
        print(f"{table}: {every} of {len(names)} formulas recovered with every seed")


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for row in rows:
        known = summary.setdefault(row["table"], {}).setdefault(
            row["name"], {"recovered": 0, "of": 0, "slowest": 0.0}
        )
        known["recovered"] += row["recovered"]
        known["of"] += 1
        known["slowest"] = max(known["slowest"], row["seconds"])
    return {"limit_seconds": SECONDS, "summary": summary, "runs": rows}


def _in_order(tasks: list[tuple[Formula, int]], jobs: int) -> Any:
    if jobs == 1:
        yield from (run(formula, seed) for formula, seed in tasks)
        return
    from loky import get_reusable_executor

    executor = get_reusable_executor(max_workers=jobs)
    waiting = [executor.submit(run, formula, seed) for formula, seed in tasks]
    yield from (future.result() for future in waiting)


if __name__ == "__main__":
    main()
